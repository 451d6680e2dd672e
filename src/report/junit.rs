//! The `junit` format: a suite a probe, a case a run. A bad class is a failure, unobserved an error, a skip skipped.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite, XmlString};

use super::explain::{draw, timeline};
use super::figures::{reason, sentence};
use super::words::{bad, clip, piece, reading};
use super::{GateRow, Results, Style};
use crate::model::{Class, RunRecord, SkipRecord};
use crate::stats::gate::GateWord;

/// Columns of the timelines.
const WIDTH: u16 = 100;

/// Control characters are escaped and those that XML forbids left out, so that every reader takes it.
pub(super) fn render(results: &Results, _: Style) -> String {
    let mut report = Report::new("landfall");
    if let Ok(started) = chrono::DateTime::parse_from_rfc3339(&results.started) {
        report.set_timestamp(started);
    }
    let mut suites: BTreeMap<&str, Vec<TestCase>> = BTreeMap::new();
    if let Some(gate) = &results.gate {
        // The gate is what was asked for: a run that it puts up with fails nothing.
        for row in &gate.series {
            suites.entry(&row.probe).or_default().push(gated(row, results));
        }
    } else {
        for run in &results.runs {
            suites.entry(&run.probe).or_default().push(case(run));
        }
        for skip in &results.skipped {
            suites.entry(&skip.probe).or_default().push(skipped(skip));
        }
    }
    let total = results.runs.iter().map(|run| taken(run)).sum::<f64>();
    report.set_time(duration(total));
    for (probe, cases) in suites {
        let mut suite = TestSuite::new(safe(&clip(probe, 200)));
        let time: Duration = cases.iter().filter_map(|c| c.time).sum();
        suite.set_time(time);
        suite.add_test_cases(cases);
        report.add_test_suite(suite);
    }
    // Writing into memory does not fail; were it to, a reader has to be told and must not see an empty success.
    report.to_string().unwrap_or_else(|error| {
        let error = error.to_string().replace(['&', '<', '>', '"'], " ");
        let said = sentence(results);
        format!("<testsuites name=\"landfall\" errors=\"1\"><!-- {error}: {said} --></testsuites>\n")
    })
}

fn case(run: &RunRecord) -> TestCase {
    let class = run.class.word();
    let mut status = match run.class {
        Class::Delivered if !bad(run) => TestCaseStatus::success(),
        Class::Unobserved => TestCaseStatus::non_success(NonSuccessKind::Error),
        _ => TestCaseStatus::non_success(NonSuccessKind::Failure),
    };
    if bad(run) {
        let (kind, why) = if run.class == Class::Delivered {
            ("unexecuted", reading(run))
        } else if run.reason.is_empty() {
            (class, reading(run))
        } else {
            (class, piece(&run.reason))
        };
        let style = Style {
            colour: false,
            width: WIDTH,
        };
        status
            .set_type(kind)
            .set_message(safe(&why))
            .set_description(safe(&timeline(run, style)));
    }
    let name = format!(
        "{}/{}/{}",
        clip(&run.route, 200),
        clip(&run.input, 200),
        clip(&run.tick, 40)
    );
    let mut case = TestCase::new(safe(&name), status);
    case.set_classname(safe(&clip(&run.probe, 200)));
    case.set_time(duration(taken(run)));
    if let Some(sent) = run
        .sent
        .as_deref()
        .and_then(|s| chrono::DateTime::parse_from_rfc3339(s).ok())
    {
        case.set_timestamp(sent);
    }
    for (name, value) in [
        ("run", run.id.to_string()),
        ("class", class.to_owned()),
        ("token", clip(&run.token, 80)),
    ] {
        case.add_property((name, safe(&value).as_str()));
    }
    case
}

/// A series under a gate: bad is a failure, no word an error; its bad runs are told beside it.
fn gated(row: &GateRow, results: &Results) -> TestCase {
    let mut status = match row.word {
        GateWord::Good => TestCaseStatus::success(),
        GateWord::Bad => TestCaseStatus::non_success(NonSuccessKind::Failure),
        GateWord::NotEnough => TestCaseStatus::non_success(NonSuccessKind::Error),
    };
    if row.word != GateWord::Good {
        status
            .set_type(row.word.as_str())
            .set_message(safe(&row.sentence));
    }
    let name = format!("{}/{}", clip(&row.route, 200), clip(&row.input, 200));
    let mut case = TestCase::new(safe(&name), status);
    case.set_classname(safe(&clip(&row.probe, 200)));
    case.add_property(("gate", safe(row.word.as_str()).as_str()));
    case.add_property(("sentence", safe(&row.sentence).as_str()));
    let own =
        |run: &&Arc<RunRecord>| run.probe == row.probe && run.route == row.route && run.input == row.input;
    let runs: Vec<Arc<RunRecord>> = results.runs.iter().filter(own).cloned().collect();
    case.set_time(duration(runs.iter().map(|run| taken(run)).sum()));
    let style = Style {
        colour: false,
        width: WIDTH,
    };
    let told = draw(&runs, style);
    if !told.is_empty() {
        case.set_system_out(safe(&told));
    }
    case
}

fn skipped(skip: &SkipRecord) -> TestCase {
    let mut status = TestCaseStatus::skipped();
    let mut why = reason(skip.reason).to_owned();
    if !skip.detail.is_empty() {
        why.push_str(": ");
        why.push_str(&piece(&skip.detail));
    }
    status.set_type(skip.reason.word()).set_message(safe(&why));
    let name = format!(
        "{}/{}/{}",
        clip(&skip.route, 200),
        clip(&skip.input, 200),
        clip(&skip.tick, 40)
    );
    let mut case = TestCase::new(safe(&name), status);
    case.set_classname(safe(&clip(&skip.probe, 200)));
    case
}

/// Seconds from the first byte sent to the last thing that decided.
fn taken(run: &RunRecord) -> f64 {
    let layers = &run.layers;
    let reached = [layers.accepted, layers.executed, layers.outcome];
    let reached = reached.iter().filter_map(|l| l.seconds.map(|s| s.1));
    let seen = run.observations.iter().map(|o| o.seconds.1);
    let given_up = run.expectations.iter().filter(|e| e.seconds.is_none());
    let given_up = given_up
        .filter(|e| matches!(e.state.word(), "lost" | "mismatched"))
        .map(|e| e.within + e.grace);
    reached
        .chain(seen)
        .chain(given_up)
        .filter(|s| s.is_finite())
        .fold(0.0, f64::max)
}

fn duration(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

/// Text that XML can hold; line breaks are ours.
pub(super) fn safe(text: &str) -> XmlString {
    let allowed = |c: &char| {
        *c == '\n' || !matches!(c, '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}')
    };
    XmlString::new(text.chars().filter(allowed).collect::<String>())
}
