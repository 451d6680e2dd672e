//! The report over history, in every format against a file. `UPDATE=1 cargo test --test it report` writes the files anew.

use std::collections::BTreeMap;

use landfall::model::{
    Class, Ending, Layer, LayerState, Mark, MarkId, MarkKind, Moment, RunRecord, SkipReason, SkipSpan,
};
use landfall::report::series::{Gathering, History, Objective, ProbeFigures, Source, Window};
use landfall::report::{Format, Style};

use super::sample;

pub(super) const SINCE: &str = "2026-10-01T12:00:00Z";
pub(super) const UNTIL: &str = "2026-10-02T12:00:00Z";

pub(super) fn at(text: &str) -> Moment {
    Moment::from_rfc3339(text).expect("a time")
}

/// Run `n` of a route, a minute after the one before.
pub(super) fn run(n: u128, route: &str, class: Class) -> RunRecord {
    let mut run = match class {
        Class::Delivered => sample::run(n % 60, route),
        class => sample::ended(n % 60, class),
    };
    run.route = route.to_owned();
    run.tick = Moment(at(SINCE).0 + i64::try_from(n).expect("small") * 60_000_000_000).to_rfc3339();
    if class == Class::Lost {
        run.layers.outcome = sample::layer(LayerState::No, None);
    }
    run
}

/// A day of two routes: one loses what comes in an outage, and its provider says otherwise.
fn day() -> Gathering {
    let mut gathering = Gathering::default();
    for n in 0..200 {
        let lost = (80..92).contains(&n);
        let mut worse = run(n, "adyen", if lost { Class::Lost } else { Class::Delivered });
        if lost || n % 2 == 0 {
            let mut receipt = worse.expectations[0].clone();
            receipt.layer = Layer::Receipt;
            receipt.name = String::from("receipt");
            receipt.seconds = Some(landfall::model::Seconds(0.2, 0.2));
            worse.expectations.push(receipt);
        }
        let mut better = run(n, "stripe", if n == 150 { Class::Late } else { Class::Delivered });
        better.revision.clone_from(&worse.revision);
        assert!(gathering.add(Ending::of(&worse)) && gathering.add(Ending::of(&better)));
    }
    gathering.span(
        &SkipSpan {
            probe: String::from("order-paid"),
            route: String::from("adyen"),
            input: String::from("default"),
            reason: SkipReason::LateStart,
            detail: String::new(),
            first: at("2026-10-01T20:00:00Z"),
            last: at("2026-10-01T20:04:00Z"),
            ticks: 5,
        },
        Some(at(SINCE)),
        at(UNTIL),
    );
    gathering
}

fn history(probes: Vec<ProbeFigures>) -> History {
    let window = Window::new(Some(at(SINCE)), at(UNTIL));
    let mut history = History::new(at(UNTIL), window, Source::Runs);
    history.version = String::from("0.0.0");
    history.probes = probes;
    history
}

pub(super) fn usual() -> History {
    let objective = Objective {
        on_time: Some(0.99),
        p95: Some(10.0),
        consistency: Some(0.99),
        window: 604_800.0,
        every: Some(60.0),
    };
    let objectives: BTreeMap<String, Objective> = [(String::from("order-paid"), objective)].into();
    let day = day();
    let mut history = history(day.figures(&objectives, Some(&day)));
    history.against = Some(history.window.clone());
    history.marks.push(Mark {
        id: MarkId(uuid::Uuid::from_u128(7)),
        at: at("2026-10-01T13:00:00Z"),
        text: String::from("release 4.2"),
        kind: MarkKind::Deployment,
        labels: BTreeMap::new(),
        until: None,
    });
    history
}

fn all(name: &str, history: &History) {
    let style = Style {
        colour: false,
        width: 80,
    };
    for (format, end) in [
        (Format::Text, "txt"),
        (Format::Json, "json"),
        (Format::Ndjson, "ndjson"),
        (Format::Junit, "xml"),
        (Format::Github, "github"),
        (Format::Markdown, "md"),
    ] {
        let said = format.render_history(history, style);
        let file = format!("{}/tests/cases/report/{name}.{end}", env!("CARGO_MANIFEST_DIR"));
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&file, &said).expect("written");
        }
        let expected = std::fs::read_to_string(&file).unwrap_or_default();
        assert!(said == expected, "{name}.{end} --- said\n{said}");
    }
}

#[test]
fn a_day_reads_as_it_should() {
    all("history", &usual());
}

#[test]
fn no_runs_read_as_they_should() {
    all(
        "history-nothing",
        &history(Gathering::default().figures(&BTreeMap::new(), None)),
    );
}

#[test]
fn text_fits_eighty_columns_whatever_names_are_like_and_cannot_act() {
    let mut gathering = Gathering::default();
    for n in 0..20 {
        let mut hostile = run(n, "a\u{1b}[2J\n::error::x", Class::Delivered);
        hostile.probe = "p".repeat(300);
        hostile.route = format!("{}{}", hostile.route, "r".repeat(n as usize % 2 * 90));
        hostile.input = String::from("| `x` <b>");
        hostile.revision = format!("{}\u{202e}", n % 3);
        assert!(gathering.add(Ending::of(&hostile)));
    }
    let history = history(gathering.figures(&BTreeMap::new(), None));
    for width in [80, 0] {
        let text = Format::Text.render_history(&history, Style { colour: false, width });
        for line in text.lines() {
            let words = line.split(' ').filter(|word| word.chars().count() > 60).count();
            assert!(words > 0 || line.chars().count() <= 80, "{line}");
        }
    }
    for format in [
        Format::Text,
        Format::Json,
        Format::Ndjson,
        Format::Junit,
        Format::Github,
        Format::Markdown,
        Format::Html,
    ] {
        let said = format.render_history(&history, Style::default());
        assert!(!said.chars().any(|c| c.is_control() && c != '\n'), "{format:?}");
        assert!(
            !said.contains('\u{202e}') && !said.contains("\n::error::x"),
            "{format:?}"
        );
    }
    let usual = Format::Text.render_history(
        &usual(),
        Style {
            colour: false,
            width: 80,
        },
    );
    assert!(usual.lines().all(|line| line.chars().count() <= 80), "{usual}");
}

#[test]
fn a_lean_reading_is_a_whole_one() {
    for (n, class) in Class::ALL.into_iter().enumerate() {
        let mut record = sample::ended(n as u128, class);
        record.tick = at(SINCE).to_rfc3339();
        let text = serde_json::to_string(&record).expect("JSON");
        let lean = Ending::read(at(SINCE), &text).expect("a record");
        assert_eq!(lean, Ending::of(&record), "{class:?}");
    }
    let mut odd = sample::run(1, "a");
    odd.tick = at(SINCE).to_rfc3339();
    for response in [
        serde_json::json!([1, { "status": 3 }]),
        serde_json::json!({ "status": "x", "more": [null, 1.5, true] }),
        serde_json::json!("text"),
        serde_json::Value::Null,
    ] {
        odd.response = Some(response);
        let text = serde_json::to_string(&odd).expect("JSON");
        let lean = Ending::read(at(SINCE), &text).expect("a record");
        assert_eq!(lean.said[0], "accepted");
    }
    assert!(Ending::read(at(SINCE), "{}").is_err());
}
