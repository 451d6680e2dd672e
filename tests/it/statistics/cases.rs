//! The reference cases: `tests/cases/statistics.json`, or another file of its form that `LANDFALL_STAT_CASES` names.
//!
//! Each has the function's name as its reference calls it, its inputs, what is expected and the absolute tolerance; 0 is
//! equal. Infinity is written "inf".

use std::path::PathBuf;

use serde::Deserialize;
use serde_json::Value;

use super::compare::differences;
use super::{latency, one_route, routes, watching};

#[derive(Deserialize)]
struct Case {
    name: String,
    function: String,
    inputs: Value,
    expected: Value,
    tolerance: f64,
}

#[test]
fn every_case_comes_out() {
    let own = PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/cases/statistics.json"
    ));
    let path = std::env::var_os("LANDFALL_STAT_CASES").map_or(own, PathBuf::from);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let cases: Vec<Case> = serde_json::from_str(&text).unwrap();
    assert!(!cases.is_empty(), "{} holds no case", path.display());
    let mut wrong = Vec::new();
    for case in &cases {
        let found = computed(&case.function, &case.inputs);
        for difference in differences(&case.expected, &found, case.tolerance) {
            wrong.push(format!("  {} ({}): {difference}", case.name, case.function));
        }
    }
    assert!(
        wrong.is_empty(),
        "of {} cases:\n{}",
        cases.len(),
        wrong.join("\n")
    );
}

#[test]
#[should_panic(expected = "no function here is called `haruspicy`")]
fn an_unknown_function_is_no_pass() {
    computed("haruspicy", &Value::Null);
}

fn computed(function: &str, inputs: &Value) -> Value {
    [
        one_route::computed,
        latency::computed,
        routes::computed,
        watching::computed,
    ]
    .iter()
    .find_map(|known| known(function, inputs))
    .unwrap_or_else(|| panic!("no function here is called `{function}`"))
}
