//! What an expression of PromQL names, found well enough to tell a name that does not exist.

use std::collections::BTreeSet;

use regex::Regex;

use super::Known;

/// Labels that Prometheus adds.
const OF_PROMETHEUS: [&str; 2] = ["job", "instance"];

/// Everything in the expression that is wrong: metrics that nobody serves or records, labels and values that they do
/// not have.
pub(super) fn problems(expression: &str, known: &Known) -> Vec<String> {
    let mut found = Vec::new();
    for name in names(expression) {
        if name != "up" && !known.metrics.contains_key(&name) && !known.recorded.contains(&name) {
            found.push(format!("nobody serves or records `{name}`"));
        }
    }
    let selector = Regex::new(r"([A-Za-z_:][\w:]*)\{([^}]*)\}").unwrap();
    let matcher = Regex::new(r#"(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)""#).unwrap();
    for selected in selector.captures_iter(expression) {
        let Some(labels) = known.metrics.get(&selected[1]) else {
            continue;
        };
        for matched in matcher.captures_iter(&selected[2]) {
            let (label, values) = (&matched[1], &matched[3]);
            if OF_PROMETHEUS.contains(&label) {
                continue;
            }
            let Some(there) = labels.get(label) else {
                found.push(format!("`{}` has no label `{label}`", &selected[1]));
                continue;
            };
            // Of these every value that there is, is served; others bear names that users gave.
            if ["class", "layer", "le", "reason", "state"].contains(&label) {
                let unknown = values.split('|').filter(|value| !there.contains(*value));
                found.extend(unknown.map(|value| format!("`{label}` is never `{value}`")));
            }
        }
    }
    found
}

/// The series that an expression reads.
pub(super) fn names(expression: &str) -> BTreeSet<String> {
    let quoted = Regex::new(r#""[^"]*""#).unwrap();
    let plain = quoted.replace_all(expression, "\"\"");
    let name = Regex::new(r"\b(?:landfall_\w+|process_\w+|up\b|\w+(?::\w+)+)").unwrap();
    name.find_iter(&plain)
        .map(|found| found.as_str().to_owned())
        .collect()
}

#[test]
fn a_name_that_does_not_exist_is_found() {
    let known = Known::new();
    for (expression, problem) in [
        (
            "rate(landfall_run_total[5m])",
            "nobody serves or records `landfall_run_total`",
        ),
        (
            "a:landfall_runs:rate5m > 1",
            "nobody serves or records `a:landfall_runs:rate5m`",
        ),
        (
            r#"landfall_runs_total{klass="lost"}"#,
            "`landfall_runs_total` has no label `klass`",
        ),
        (
            r#"landfall_runs_total{class=~"lost|lots"}"#,
            "`class` is never `lots`",
        ),
    ] {
        assert_eq!(problems(expression, &known), [problem], "{expression}");
    }
    assert_eq!(
        problems(r#"up{job="x"} and landfall_channel_up{channel="any"}"#, &known),
        [""; 0]
    );
}
