//! What Prometheus reads.

use std::collections::BTreeMap;

use landfall::model::{Class, LayerState, RunRecord, Seconds, SkipReason};
use landfall::report::metrics::{Gauges, Metrics};

use super::sample;

fn metrics() -> Metrics {
    let metrics = Metrics::new("eu");
    metrics.declare([(String::from("mail"), String::from("direct"))]);
    metrics
}

/// The value of the one line that begins so.
fn value(text: &str, series: &str) -> String {
    let lines: Vec<&str> = text
        .lines()
        .filter(|l| l.strip_prefix(series).is_some_and(|rest| rest.starts_with(' ')))
        .collect();
    assert_eq!(lines.len(), 1, "{series} in\n{text}");
    let value = lines[0][series.len()..].split_whitespace().next();
    value.map(str::to_owned).unwrap_or_default()
}

fn run(class: Class) -> RunRecord {
    let mut run = sample::run(1, "direct");
    run.probe = String::from("mail");
    run.class = class;
    if class != Class::Delivered {
        run.layers.outcome.state = LayerState::No;
        run.layers.outcome.seconds = None;
    }
    run
}

#[test]
fn every_series_of_a_probe_is_there_from_the_start() {
    let text = metrics().text(Gauges::default());
    for class in Class::ALL {
        let series = format!(
            r#"landfall_runs_total{{probe="mail",route="direct",location="eu",class="{}"}}"#,
            class.word()
        );
        assert_eq!(value(&text, &series), "0");
    }
    for reason in SkipReason::ALL {
        let series = format!(
            r#"landfall_skipped_total{{probe="mail",route="direct",location="eu",reason="{}"}}"#,
            reason.word()
        );
        assert_eq!(value(&text, &series), "0");
    }
    for layer in ["accepted", "executed", "outcome"] {
        let series = format!(
            r#"landfall_layer_seconds_count{{probe="mail",route="direct",location="eu",layer="{layer}"}}"#
        );
        assert_eq!(value(&text, &series), "0");
    }
    assert!(text.ends_with("# EOF\n"));
}

#[test]
fn a_lost_run_is_counted_and_is_in_no_histogram() {
    let metrics = metrics();
    metrics.closed(&run(Class::Lost));
    let text = metrics.text(Gauges::default());
    let of = |name: &str, more: &str| format!(r#"{name}{{probe="mail",route="direct",location="eu"{more}}}"#);
    assert_eq!(value(&text, &of("landfall_runs_total", r#",class="lost""#)), "1");
    assert_eq!(value(&text, &of("landfall_silent_failures_total", "")), "1");
    assert_eq!(
        value(&text, &of("landfall_layer_seconds_count", r#",layer="outcome""#)),
        "0"
    );
}

#[test]
fn an_arrival_bears_its_trace_as_an_exemplar() {
    let metrics = metrics();
    let mut run = run(Class::Delivered);
    run.layers.outcome.seconds = Some(Seconds(0.1, 0.2));
    metrics.closed(&run);
    let text = metrics.text(Gauges::default());
    let line = text
        .lines()
        .find(|l| l.contains(r#"le="0.25""#) && l.contains(r#"layer="outcome""#));
    let line = line.unwrap_or_else(|| panic!("no bucket in\n{text}"));
    assert!(
        line.contains(&format!(r#"# {{trace_id="{}"}} 0.2"#, run.id.trace_id())),
        "{line}"
    );
}

#[test]
fn what_is_no_longer_served_is_forgotten_and_what_stays_keeps_its_counts() {
    let metrics = metrics();
    metrics.closed(&run(Class::Delivered));
    metrics.skipped("mail", "direct", SkipReason::Down, 40);
    metrics.declare([
        (String::from("mail"), String::from("direct")),
        (String::from("mail"), String::from("new")),
    ]);
    let text = metrics.text(Gauges::default());
    let class = r#"landfall_runs_total{probe="mail",route="direct",location="eu",class="delivered"}"#;
    assert_eq!(value(&text, class), "1");
    let down = r#"landfall_skipped_total{probe="mail",route="direct",location="eu",reason="down"}"#;
    assert_eq!(value(&text, down), "40");
    metrics.declare([(String::from("mail"), String::from("new"))]);
    assert!(!metrics.text(Gauges::default()).contains(r#"route="direct""#));
}

#[test]
fn a_hostile_name_stays_inside_its_label() {
    let metrics = Metrics::new("eu\"} 1\nevil 2");
    metrics.declare([(String::from("a\"b\\c\nd"), String::from("r"))]);
    let gauges = Gauges {
        observations: BTreeMap::from([((String::from("hooks\n# EOF"), String::from("matched")), 3)]),
        ..Gauges::default()
    };
    let text = metrics.text(gauges);
    assert_eq!(text.lines().filter(|l| *l == "# EOF").count(), 1);
    assert!(!text.lines().any(|l| l.starts_with("evil")), "{text}");
}
