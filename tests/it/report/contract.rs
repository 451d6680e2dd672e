//! The keys that others script against.

use std::collections::BTreeSet;

use landfall::model::Class;
use landfall::report::{Format, Style, line, schema};
use serde_json::Value;

use super::sample;

fn keys(value: &Value) -> BTreeSet<&str> {
    value
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect()
}

/// Every key of the contract is there, and no key beyond those that landfall adds to it.
fn has(value: &Value, contract: &[&str], added: &[&str]) {
    let expected: BTreeSet<&str> = contract.iter().chain(added).copied().collect();
    assert_eq!(keys(value), expected);
}

#[test]
fn a_record_has_the_keys_of_the_contract() {
    let run: Value = serde_json::from_str(&line(&sample::ended(1, Class::Late))).unwrap();
    has(
        &run,
        &[
            "id",
            "probe",
            "revision",
            "route",
            "input",
            "location",
            "tick",
            "token",
            "class",
            "reason",
            "flags",
            "lag",
            "timings",
            "layers",
            "stopped_after",
            "expectations",
            "observations",
            "path",
            "attributes",
            "amendments",
        ],
        &["sent", "fingerprint", "request", "response", "labels"],
    );
    has(&run["layers"], &["accepted", "executed", "outcome"], &[]);
    has(&run["layers"]["outcome"], &["state", "seconds"], &[]);
    assert_eq!(
        run["layers"]["outcome"]["seconds"],
        serde_json::json!([31.0, 31.5])
    );
    has(
        &run["expectations"][0],
        &[
            "layer", "name", "step", "in", "state", "count", "seconds", "reason",
        ],
        &["within", "grace", "unmet"],
    );
    has(
        &run["observations"][0],
        &["in", "seconds", "attempts", "redelivered", "summary"],
        &["met", "automatic", "seen"],
    );
    has(&run["path"][0], &["hop", "source", "seconds"], &[]);
    has(&run["amendments"][0], &["at", "from", "to", "reason"], &[]);
    assert_eq!(run["flags"], serde_json::json!(["amended"]));
}

#[test]
fn results_have_the_keys_of_the_contract() {
    let json = Format::Json.render(&sample::every_class(), Style::default());
    let all: Value = serde_json::from_str(&json).unwrap();
    has(&all, &["version", "started", "runs", "skipped", "summary"], &[]);
    has(
        &all["skipped"][0],
        &["probe", "route", "tick", "reason"],
        &["input", "detail"],
    );
    has(
        &all["summary"][0],
        &[
            "probe",
            "route",
            "input",
            "runs",
            "classes",
            "silent_failure_rate",
        ],
        &[],
    );
    let words: BTreeSet<&str> = Class::ALL.into_iter().map(Class::word).collect();
    assert_eq!(keys(&all["summary"][0]["classes"]), words);
    assert!(schema()["properties"]["runs"].is_object());
}

#[test]
fn no_number_is_other_than_finite() {
    let mut run = sample::ended(1, Class::Lost);
    run.lag = Some(f64::NAN);
    run.timings.total = Some(f64::INFINITY);
    run.expectations[0].within = f64::NEG_INFINITY;
    let line = line(&run);
    let back: Value = serde_json::from_str(&line).unwrap();
    assert!(back["lag"].is_null() && back["timings"]["total"].is_null());
    let results = sample::results(vec![run], Vec::new());
    for format in [
        Format::Json,
        Format::Text,
        Format::Junit,
        Format::Markdown,
        Format::Github,
        Format::Html,
    ] {
        let said = format.render(&results, Style::default());
        assert!(
            !said.contains("NaN") && !said.to_lowercase().contains("inf "),
            "{said}"
        );
    }
}

#[test]
fn a_record_comes_back_as_it_was() {
    for run in &sample::every_class().runs {
        let back: landfall::model::RunRecord = serde_json::from_str(&line(run)).unwrap();
        assert_eq!(back, **run);
    }
}
