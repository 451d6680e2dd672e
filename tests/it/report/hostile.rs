//! Text from outside that wants to be more than text (reliability.md S25, S27).

use landfall::model::{Class, RunRecord, SkipReason};
use landfall::report::{Format, Results, Style, timeline};
use quick_junit::Report;

use super::sample;

pub(super) const NASTY: &str = "\x1b]52;c;ZWNobw==\x07\x1b[2J\r\n::error::forged\n##[error]x ]]> <script>alert(1)</script> & \"'\
| a | `` ``` @everyone \u{202e}txt.exe\u{200b}\u{9b}31m\u{0}\u{fffe} %0A::warning::x https://evil.example </details>";

/// A run with hostile text wherever a string came from outside, or might have.
fn nasty(n: u128, class: Class, text: &str) -> RunRecord {
    let mut run = sample::ended(n, class);
    let t = || text.to_owned();
    (run.probe, run.route, run.input, run.token) = (t(), t(), t(), t());
    (run.reason, run.stopped_after, run.location, run.revision) = (t(), Some(t()), t(), t());
    (run.tick, run.sent, run.fingerprint) = (t(), run.sent.map(|_| t()), Some(t()));
    run.expectations
        .extend(sample::ended(n, Class::Mismatched).expectations);
    for e in &mut run.expectations {
        (e.name, e.channel, e.reason, e.step) = (t(), t(), t(), Some(t()));
        for u in &mut e.unmet {
            (u.expression, u.file, u.expected, u.actual) = (t(), t(), t(), t());
        }
    }
    for o in &mut run.observations {
        (o.channel, o.summary, o.met, o.seen) = (t(), t(), vec![t()], t().into());
    }
    for hop in &mut run.path {
        (hop.hop, hop.source) = (t(), t());
    }
    for change in &mut run.amendments {
        (change.at, change.reason) = (t(), t());
    }
    run.attributes.insert(t(), t());
    run.labels.insert(t(), t());
    run
}

pub(super) fn results(text: &str) -> Results {
    let runs = Class::ALL
        .into_iter()
        .zip(1..)
        .map(|(class, n)| nasty(n, class, text))
        .collect();
    let mut skip = sample::skip(SkipReason::Limit, text);
    (skip.probe, skip.route) = (text.to_owned(), text.to_owned());
    let mut results = sample::results(runs, vec![skip]);
    results.started = text.to_owned();
    results
}

fn harmless(said: &str) {
    let bad = |c: char| {
        (c.is_control() && c != '\n') || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}')
    };
    if let Some(at) = said.find(bad) {
        let end = said[at..]
            .char_indices()
            .nth(40)
            .map_or(said.len(), |(i, _)| at + i);
        panic!("a character that acts: {:?}", &said[at..end]);
    }
}

#[test]
fn no_format_lets_a_character_act() {
    let results = results(NASTY);
    for format in [
        Format::Text,
        Format::Json,
        Format::Ndjson,
        Format::Junit,
        Format::Github,
        Format::Markdown,
        Format::Html,
    ] {
        harmless(&format.render(&results, Style::default()));
    }
}

#[test]
fn json_keeps_what_it_escapes() {
    let json = Format::Ndjson.render(&results(NASTY), Style::default());
    assert_eq!(json.lines().count(), Class::ALL.len());
    for line in json.lines() {
        let back: RunRecord = serde_json::from_str(line).unwrap();
        assert_eq!(back.route, NASTY);
    }
}

#[test]
fn no_line_is_forged() {
    let said = Format::Github.render(&results(NASTY), Style::default());
    let lines: Vec<&str> = said.lines().collect();
    // An annotation for each class but delivered, one notice, one sentence.
    assert_eq!(lines.len(), Class::ALL.len() - 1 + 2, "{said}");
    for line in &lines[..lines.len() - 1] {
        let (properties, message) = line[2..].split_once("::").unwrap();
        let command = properties.split(' ').next().unwrap();
        assert!(["error", "warning", "notice"].contains(&command), "{line}");
        assert!(!properties.contains('\n') && !message.is_empty());
        // A property's own separators are ours alone.
        let names: Vec<&str> = properties[command.len() + 1..]
            .split(',')
            .map(|p| p.split('=').next().unwrap())
            .collect();
        assert!(
            names == ["file", "line", "col", "title"] || names == ["title"],
            "{names:?}"
        );
    }
    let text = Format::Text.render(&results(NASTY), Style::default());
    assert!(
        !text.lines().any(|l| l.starts_with("::") || l.starts_with("##[")),
        "{text}"
    );
}

#[test]
fn junit_is_read_back_by_any_reader() {
    let xml = Format::Junit.render(&results(NASTY), Style::default());
    let report = Report::deserialize_from_str(&xml).expect("well-formed");
    assert_eq!(
        (report.tests, report.failures, report.errors, report.skipped),
        (11, 8, 1, 1)
    );
    // A second reader that has nothing to do with the writer.
    let script = "import sys, xml.dom.minidom as d; x = d.parse(sys.stdin.buffer)\n\
                  print(len(x.getElementsByTagName('testcase')), len(x.getElementsByTagName('script')))";
    let mut child = std::process::Command::new("python3")
        .args(["-c", script])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("python3 is here (apt-get install python3)");
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), xml.as_bytes()).unwrap();
    let out = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&out.stdout).trim(), "11 0");
}

#[test]
fn junit_tells_failure_error_and_skip_apart() {
    let xml = Format::Junit.render(&sample::every_class(), Style::default());
    let report = Report::deserialize_from_str(&xml).unwrap();
    assert_eq!(
        (report.tests, report.failures, report.errors, report.skipped),
        (12, 8, 1, 2)
    );
    let mut unexecuted = sample::run(1, "stripe");
    unexecuted.flags = vec![landfall::model::Flag::Unexecuted];
    let xml = Format::Junit.render(&sample::results(vec![unexecuted], Vec::new()), Style::default());
    assert!(
        xml.contains("<failure") && xml.contains("type=\"unexecuted\""),
        "{xml}"
    );
}

#[test]
fn markdown_stays_in_its_cells_and_blocks() {
    let said = Format::Markdown.render(&results(NASTY), Style::default());
    let columns = |line: &str| line.matches(" | ").count();
    let rows: Vec<&str> = said.lines().filter(|l| l.starts_with("| ")).collect();
    assert!(
        rows.len() > 2 && rows.iter().all(|r| columns(r) == columns(rows[0])),
        "{rows:?}"
    );
    assert_eq!(
        said.matches("<details>").count(),
        said.lines().filter(|l| *l == "</details>").count()
    );
    let outside: String = said
        .lines()
        .filter(|l| l.starts_with("| ") || l.starts_with("<summary>"))
        .collect();
    assert!(!outside.contains("<script") && !outside.contains("@everyone") && !outside.contains("https://"));
}

#[test]
fn a_line_of_a_megabyte_is_cut_and_says_so() {
    let long = "x".repeat(1 << 20);
    let results = results(&long);
    for format in [Format::Text, Format::Junit, Format::Github, Format::Markdown] {
        let said = format.render(&results, Style::default());
        assert!(said.len() < 400_000, "{format:?}: {}", said.len());
    }
    assert!(timeline(&results.runs[0], Style::default()).contains("(1048576 bytes)"));
}

#[test]
fn many_observations_are_counted_where_they_are_not_listed() {
    let mut run = sample::ended(1, Class::Lost);
    run.observations = (0..256)
        .map(|i| sample::seen("hooks", (f64::from(i), f64::from(i)), "again", &[]))
        .collect();
    let said = timeline(&run, Style::default());
    assert!(
        said.contains("… and 226 more observations") && said.lines().count() < 60,
        "{said}"
    );
}
