//! One run for a person: its timeline, and the line of YAML that was not met.

mod events;

use std::fmt::Write as _;
use std::sync::Arc;

use super::Style;
use super::paint::Tone;
use super::results::silent_failure;
use super::table::{Cell, Table, wrap};
use super::words::{bad, clip, count, flag, piece, reading, run_name};
use crate::model::{ExpectationRecord, RunRecord, Unmet};
use events::Event;
pub use events::{TimelineEvent, timeline_events};

/// Runs that are explained; the rest is counted.
pub(super) const EXPLAINED: usize = 20;
/// The narrowest column of prose; below this the terminal breaks lines itself.
const NARROWEST: usize = 30;

/// Every run that did not end well, explained; of many the first, and how to see the rest.
#[must_use]
pub fn draw(runs: &[Arc<RunRecord>], style: Style) -> String {
    let mut out = String::new();
    let mut rest = 0;
    for (i, run) in runs.iter().filter(|r| bad(r)).enumerate() {
        if i < EXPLAINED {
            out.push_str(&timeline(run, style));
            out.push('\n');
        } else {
            rest += 1;
        }
    }
    if rest > 0 {
        let _infallible = writeln!(out, "{}\n", more(rest));
    }
    out
}

/// Says how many runs are not explained, and where they are.
pub(super) fn more(rest: u64) -> String {
    format!(
        "… and {} not explained here: `--format json` has all",
        count(rest, "more run")
    )
}

/// What happened to one run, in order, and each expectation that was not met under the line that states it.
#[must_use]
pub fn timeline(run: &RunRecord, style: Style) -> String {
    let mut out = head(run, style);
    for line in table(run, style) {
        let _infallible = writeln!(out, "  {line}");
    }
    for expectation in run.expectations.iter().filter(|e| !e.unmet.is_empty()) {
        out.push_str(&unmet(expectation, style));
    }
    out
}

fn head(run: &RunRecord, style: Style) -> String {
    let class = Tone::of(run.class).paint(run.class.word(), style.colour);
    let mut said = format!("{class}: {}", Tone::Head.paint(&run_name(run), style.colour));
    let mut facts = vec![reading(run)];
    if silent_failure(run) {
        facts.push(Tone::Bad.paint("silent failure", style.colour));
    }
    facts.extend(run.flags.iter().map(|f| flag(*f).to_owned()));
    let _infallible = write!(said, "\n  {}\n", facts.join("; "));
    let ids = format!(
        "run {}, token {}, due {}",
        run.id,
        clip(&run.token, 80),
        clip(&run.tick, 40)
    );
    let _infallible = writeln!(said, "  {}", Tone::Faint.paint(&ids, style.colour));
    said
}

fn table(run: &RunRecord, style: Style) -> Vec<String> {
    let events = events::of(run);
    let mut table = Table::default();
    table.number("");
    table.text("");
    table.text("");
    let side = Event::side_width(&events);
    let room = usize::from(style.width.max(80)).saturating_sub(side + 8);
    for event in events {
        let lines = if room >= NARROWEST {
            wrap(&event.what, room)
        } else {
            vec![event.what]
        };
        let (mut when, mut who) = (event.when, event.who);
        for line in lines {
            let cells = vec![
                Cell::toned(std::mem::take(&mut when), Tone::Faint),
                Cell::plain(std::mem::take(&mut who)),
                Cell::toned(line, event.tone),
            ];
            table.row(cells);
        }
    }
    table.lines(style.colour).split_off(1)
}

fn unmet(expectation: &ExpectationRecord, style: Style) -> String {
    let mut out = String::new();
    let name = clip(&expectation.name, 80);
    let _infallible = writeln!(out, "\n  `{name}` ({}):", layer_word(expectation));
    for one in &expectation.unmet {
        out.push_str(&place(one, style));
    }
    out
}

fn layer_word(expectation: &ExpectationRecord) -> String {
    let said = format!(
        "{} in {}",
        expectation.state.word(),
        clip(&expectation.channel, 80)
    );
    if expectation.reason.is_empty() {
        said
    } else {
        format!("{said}: {}", piece(&expectation.reason))
    }
}

/// A longer line is not drawn: its expression stands alone.
const SOURCE_WIDTH: usize = 110;

/// As a compiler would: the file, the expression on its line, and what was there instead.
fn place(unmet: &Unmet, style: Style) -> String {
    let line = unmet.line.to_string();
    let margin = " ".repeat(line.len());
    let bar = |text: &str| Tone::Faint.paint(text, style.colour);
    let mut out = String::new();
    if !unmet.file.is_empty() {
        let at = format!("{}:{}:{}", clip(&unmet.file, 200), unmet.line, unmet.column);
        let _infallible = writeln!(out, "  {margin}{} {at}", bar("-->"));
    }
    let _infallible = writeln!(out, "  {margin} {}", bar("|"));
    let number = if unmet.file.is_empty() { &margin } else { &line };
    match underlined(unmet) {
        Some((source, carets)) => {
            let _infallible = writeln!(out, "  {number} {} {source}", bar("|"));
            let carets = Tone::Bad.paint(&carets, style.colour);
            let _infallible = writeln!(out, "  {margin} {} {carets}", bar("|"));
        }
        None => {
            let _infallible = writeln!(out, "  {number} {} {}", bar("|"), piece(&unmet.expression));
        }
    }
    let sides = [
        ("expected", &unmet.expected, Tone::Good),
        ("actual  ", &unmet.actual, Tone::Bad),
    ];
    for (word, text, tone) in sides {
        if !text.is_empty() {
            let text = tone.paint(&piece(text), style.colour);
            let _infallible = writeln!(out, "  {margin} {}   {word} {text}", bar("|"));
        }
    }
    out
}

/// The line as it stands in the file and what to draw under it, where the expression stands on it and it fits.
fn underlined(unmet: &Unmet) -> Option<(String, String)> {
    let source = unmet.source.trim_end();
    let plain = source.chars().all(|c| c.is_ascii_graphic() || c == ' ');
    if !plain || source.len() > SOURCE_WIDTH || unmet.expression.is_empty() {
        return None;
    }
    let column = source.find(unmet.expression.as_str())?;
    let carets = format!("{}{}", " ".repeat(column), "^".repeat(unmet.expression.len()));
    Some((source.to_owned(), carets))
}
