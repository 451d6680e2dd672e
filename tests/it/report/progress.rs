//! What is shown while runs are under way, written into memory.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use landfall::engine::{Step, StepUpdate, Update};
use landfall::model::{Accepted, Amendment, Class, Moment, SkipReason};
use landfall::report::progress::{Mode, Progress};

use super::sample;

#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Buffer {
    /// What was written since the last time.
    fn take(&self) -> String {
        String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap()
    }

    /// The lines of the last frame, without the movements of the cursor.
    fn lines(&self) -> Vec<String> {
        let frame = anstream::adapter::strip_str(&self.take()).to_string();
        frame
            .split("\r\n")
            .skip(1)
            .map(|l| l.trim_end_matches('\r').to_owned())
            .collect()
    }
}

fn progress(mode: Mode, size: (u16, u16)) -> (Progress, Buffer) {
    let buffer = Buffer::default();
    let progress = Progress::on(mode, Box::new(buffer.clone()), Box::new(move || size), false);
    (progress, buffer)
}

fn at(millis: u64) -> Moment {
    Moment(1_790_000_000_000_000_000).after(Duration::from_millis(millis))
}

fn step(n: u128, route: &str, millis: u64, step: Step) -> Update {
    let run = sample::run(n, route);
    Update::Step(StepUpdate {
        run: run.id,
        probe: run.probe.into(),
        route: run.route.into(),
        input: run.input.into(),
        at: at(millis),
        step,
    })
}

fn sent(n: u128, route: &str, millis: u64) -> Update {
    let deadline = at(millis + 60_000);
    step(n, route, millis, Step::Sent { lag: 0.002, deadline })
}

fn closed(n: u128, route: &str, class: Class) -> Update {
    let mut record = sample::ended(n, class);
    record.route = route.to_owned();
    Update::Closed {
        record: record.into(),
        not_stored: None,
    }
}

#[test]
fn steps_are_told_line_by_line() {
    let (mut progress, buffer) = progress(Mode::Steps, (80, 24));
    let channels = vec![String::from("hooks")];
    let updates = [
        (step(1, "stripe", 0, Step::Arming { channels }), 0),
        (sent(1, "stripe", 5), 5),
        (
            step(
                1,
                "stripe",
                17,
                Step::Answered {
                    accepted: Accepted::Yes,
                    detail: "status 202".into(),
                },
            ),
            17,
        ),
        (
            step(
                1,
                "stripe",
                505,
                Step::Seen {
                    channel: "hooks".into(),
                    summary: "POST \x1b[2J".into(),
                    seconds: 0.5,
                },
            ),
            505,
        ),
        (
            step(
                1,
                "stripe",
                506,
                Step::Met {
                    names: vec!["hooks".into()],
                },
            ),
            506,
        ),
        (closed(1, "stripe", Class::Delivered), 2505),
        (sent(2, "stripe", 3000), 3000),
        (
            Update::Skipped(sample::skip(SkipReason::Limit, "`per_day: 2`")),
            3000,
        ),
        (
            Update::ChannelDown {
                channel: "hooks".into(),
                fault: "refused".into(),
            },
            3001,
        ),
        (
            Update::ChannelUp {
                channel: "hooks".into(),
                closed: false,
            },
            3002,
        ),
        (closed(2, "stripe", Class::Lost), 5000),
    ];
    for (update, millis) in &updates {
        progress.update(update, at(*millis));
    }
    progress.finish();
    let said = buffer.take();
    let expected = "           order-paid/stripe: arming `hooks`
  +0.000 s order-paid/stripe: fired, 0.002 s after it was due; waits 60.00 s at most
  +0.012 s order-paid/stripe: accepted (status 202)
  +0.500 s order-paid/stripe: seen in `hooks` at 0.500 s: POST \\u{1b}[2J
  +0.501 s order-paid/stripe: met `hooks`
  +2.500 s order-paid/stripe: delivered
  +0.000 s order-paid/stripe #2: fired, 0.002 s after it was due; waits 60.00 s at most
           order-paid/stripe: skipped, limit: `per_day: 2`
           channel `hooks`: cannot see: refused
           channel `hooks`: sees again; what came meanwhile was not seen
  +2.000 s order-paid/stripe #2: lost (`hooks`: nothing arrived): \
accepted yes, executed stopped after 'queued', outcome lost
";
    assert_eq!(said, expected);
}

#[test]
fn the_table_counts_and_shows_the_way_to_the_deadline() {
    let (mut progress, buffer) = progress(Mode::Live, (100, 24));
    for n in 1..=4 {
        progress.update(&sent(n, "stripe", 0), at(0));
    }
    progress.update(&closed(1, "stripe", Class::Delivered), at(500));
    progress.update(&closed(2, "stripe", Class::Lost), at(500));
    progress.update(&closed(3, "stripe", Class::Rejected), at(500));
    progress.refresh(at(30_000));
    let lines = buffer.lines();
    assert_eq!(
        lines,
        [
            "probe/route        fired  waiting  delivered  late  lost  other  deadline",
            "order-paid/stripe      4        1          1     0     1      1  ━━━━━━╌╌╌╌╌╌ 30 s",
        ]
    );
    let mut late = sample::ended(2, Class::Late);
    late.route = String::from("stripe");
    late.amendments = vec![Amendment {
        at: String::new(),
        from: Class::Lost,
        to: Class::Late,
        reason: String::new(),
    }];
    progress.update(&Update::Amended(late.into()), at(31_000));
    progress.update(&closed(4, "stripe", Class::Delivered), at(31_000));
    progress.refresh(at(31_000));
    assert_eq!(
        buffer.lines()[1],
        "order-paid/stripe      4        0          2     1     0      1"
    );
}

#[test]
fn eighty_columns_have_room_for_the_bar() {
    let (mut progress, buffer) = progress(Mode::Live, (80, 24));
    progress.update(&sent(1, "europe-1", 0), at(0));
    progress.refresh(at(30_000));
    assert!(buffer.lines()[1].ends_with("━━━╌╌╌ 30 s"));
}

#[test]
fn nothing_is_left_behind_and_the_cursor_is_never_hidden() {
    let (mut progress, buffer) = progress(Mode::Live, (80, 24));
    progress.update(&sent(1, "stripe", 0), at(0));
    progress.refresh(at(10));
    let frame = buffer.take();
    let lines = frame.matches("\r\n").count();
    assert!(
        frame.contains(&format!("\x1b[{lines}A\r")),
        "the cursor goes back to where it was: {frame:?}"
    );
    assert!(!frame.contains("\x1b[?25l") && !frame.contains("\x1b[?1049h"));
    progress.finish();
    assert_eq!(buffer.take(), "\r\x1b[J");
    progress.refresh(at(20));
    drop(progress);
    assert_eq!(buffer.take(), "", "what is over is not drawn again");
}

#[test]
fn what_is_taken_away_is_drawn_again() {
    let (mut progress, buffer) = progress(Mode::Live, (80, 24));
    progress.update(&sent(1, "stripe", 0), at(0));
    progress.refresh(at(10));
    buffer.take();
    progress.clear();
    progress.clear();
    assert_eq!(buffer.take(), "\r\x1b[J", "once is enough");
    progress.refresh(at(20));
    assert_eq!(buffer.lines().len(), 2);
}

#[test]
fn a_run_that_breaks_off_is_cleared_too() {
    let (mut progress, buffer) = progress(Mode::Live, (80, 24));
    progress.update(&sent(1, "stripe", 0), at(0));
    progress.refresh(at(10));
    drop(progress);
    assert!(buffer.take().ends_with("\r\x1b[J"));
}

#[test]
fn every_size_of_terminal_holds_two_hundred_routes() {
    for (columns, rows) in [(80, 24), (30, 10), (1, 1), (200, 60), (120, 300)] {
        let (mut progress, buffer) = progress(Mode::Live, (columns, rows));
        for n in 0..200 {
            progress.update(&sent(n, &format!("route-{n:03}-日本"), 0), at(0));
        }
        progress.update(&closed(150, "route-150-日本", Class::Lost), at(5));
        progress.update(
            &Update::ChannelDown {
                channel: "inbox".into(),
                fault: "connection refused".repeat(20),
            },
            at(5),
        );
        progress.refresh(at(1000));
        let lines = buffer.lines();
        let width = |l: &String| unicode_width::UnicodeWidthStr::width(l.as_str());
        assert!(
            lines.len() < usize::from(rows.max(6)),
            "{columns}x{rows}: {} lines",
            lines.len()
        );
        let most = usize::from(columns.max(20)) - 1;
        assert!(
            lines.iter().all(|l| width(l) <= most),
            "{columns}x{rows}: {lines:#?}"
        );
        assert!(
            lines.iter().any(|l| l.contains("inbox")),
            "{columns}x{rows}: {lines:#?}"
        );
        if (columns, rows) == (80, 24) {
            assert!(
                lines[1].contains("route-150"),
                "what is bad goes first: {lines:#?}"
            );
            let rest = lines
                .iter()
                .find(|l| l.starts_with("… and "))
                .expect("the rest is counted");
            let shown = lines.iter().filter(|l| l.contains("route-")).count();
            assert!(rest.contains(&format!("{} more ", 200 - shown)), "{rest}");
        }
    }
}

#[test]
fn a_silent_display_says_nothing() {
    let (mut progress, buffer) = progress(Mode::Silent, (80, 24));
    progress.update(&sent(1, "stripe", 0), at(0));
    progress.refresh(at(0));
    progress.finish();
    assert_eq!(buffer.take(), "");
}
