//! The dashboard: it is one, and every series that it names exists.

use std::collections::BTreeSet;

use regex::Regex;
use serde_json::Value;

use super::{Known, list, promql, text, yaml};

/// What came after 40 is as 40; before that panels were written otherwise.
const SCHEMA: u64 = 40;

fn dashboard() -> Value {
    serde_json::from_str(&text("grafana/landfall.json")).unwrap()
}

fn panels(dashboard: &Value) -> &[Value] {
    list(&dashboard["panels"])
}

/// Every expression, with the title of its panel.
pub(super) fn expressions() -> Vec<(String, String)> {
    let dashboard = dashboard();
    let titled = |panel: &Value, expression: &Value| {
        let title = panel["title"].as_str().or(panel["name"].as_str()).unwrap();
        (title.to_owned(), expression.as_str().unwrap().to_owned())
    };
    let of_panels = panels(&dashboard)
        .iter()
        .flat_map(|panel| list(&panel["targets"]).iter().map(|t| titled(panel, &t["expr"])));
    let annotations = list(&dashboard["annotations"]["list"]).iter();
    let of_annotations = annotations
        .filter(|a| a["expr"].is_string())
        .map(|a| titled(a, &a["expr"]));
    of_panels.chain(of_annotations).collect()
}

#[test]
fn every_series_that_it_names_exists_and_every_metric_is_somewhere() {
    let known = Known::new();
    let mut read = BTreeSet::new();
    for (title, expression) in expressions() {
        let problems = promql::problems(&expression, &known);
        assert!(problems.is_empty(), "{title}: {problems:?}");
        read.extend(promql::names(&expression));
    }
    let parts = ["_bucket", "_count", "_sum"];
    let family = |name: &str| {
        let whole = parts.iter().find_map(|part| name.strip_suffix(part));
        whole.unwrap_or(name).to_owned()
    };
    let read: BTreeSet<String> = read.iter().map(|name| family(name)).collect();
    let served = known.metrics.keys().map(|name| family(name));
    let unread: BTreeSet<String> = served
        .filter(|name| !read.contains(name) && name != "process_start_time_seconds")
        .collect();
    assert!(unread.is_empty(), "no panel shows {unread:?}");
}

#[test]
fn its_panels_are_whole_and_do_not_overlap() {
    let dashboard = dashboard();
    assert!(dashboard["schemaVersion"].as_u64().unwrap() >= SCHEMA);
    assert_eq!(dashboard["uid"], "landfall");
    let (mut ids, mut taken) = (BTreeSet::new(), BTreeSet::new());
    for panel in panels(&dashboard) {
        let title = panel["title"].as_str().unwrap();
        assert!(
            ids.insert(panel["id"].as_u64().unwrap()),
            "{title}: its id is another's"
        );
        let side = |name: &str| panel["gridPos"][name].as_u64().unwrap();
        assert!(side("x") + side("w") <= 24, "{title} is beside the page");
        for x in side("x")..side("x") + side("w") {
            for y in side("y")..side("y") + side("h") {
                assert!(taken.insert((x, y)), "{title} lies on another");
            }
        }
        if panel["type"] == "row" {
            continue;
        }
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{title}");
        let targets = list(&panel["targets"]);
        assert!(!targets.is_empty(), "{title} asks nothing");
        let names: BTreeSet<&str> = targets.iter().filter_map(|t| t["refId"].as_str()).collect();
        assert_eq!(names.len(), targets.len(), "{title}");
    }
}

#[test]
fn its_variables_are_declared_and_traces_can_be_reached() {
    let dashboard = dashboard();
    let declared = list(&dashboard["templating"]["list"]);
    let declared: BTreeSet<&str> = declared.iter().filter_map(|v| v["name"].as_str()).collect();
    let used = Regex::new(r"\$\{?([A-Za-z]\w*)").unwrap();
    let whole = text("grafana/landfall.json");
    for name in used
        .captures_iter(&whole)
        .map(|found| found.get(1).unwrap().as_str())
    {
        assert!(declared.contains(name), "${name} is not declared");
    }
    for name in ["datasource", "location", "probe", "route", "window"] {
        assert!(
            whole.contains(&format!("${name}")) || whole.contains(&format!("${{{name}}}")),
            "{name}"
        );
    }
    let targets = panels(&dashboard)
        .iter()
        .flat_map(|panel| list(&panel["targets"]));
    let with_traces = targets.filter(|t| t["exemplar"] == true);
    for target in with_traces.clone() {
        // Only buckets bear exemplars.
        assert!(
            target["expr"]
                .as_str()
                .unwrap()
                .contains("landfall_layer_seconds_bucket")
        );
    }
    assert!(with_traces.count() >= 1);
}

/// The silent failure rate is the number that catches the eye.
#[test]
fn the_first_number_is_the_silent_failure_rate() {
    let dashboard = dashboard();
    let first = panels(&dashboard).iter().find(|p| p["type"] != "row").unwrap();
    assert_eq!(
        (&first["title"], &first["type"]),
        (&"Silent failure rate".into(), &"stat".into())
    );
    assert_eq!(first["options"]["colorMode"], "background");
    assert!(
        first["targets"][0]["expr"]
            .as_str()
            .unwrap()
            .contains("landfall_silent_failures_total")
    );
}

#[test]
fn its_provisioning_names_where_compose_puts_it() {
    let providers = yaml("grafana/provisioning/dashboards/landfall.yaml");
    let folder = providers["providers"][0]["options"]["path"]
        .as_str()
        .unwrap()
        .to_owned();
    let compose = yaml("deploy/compose.yaml");
    let mounts = super::words(&compose["services"]["grafana"]["volumes"]);
    let there = format!("../grafana/landfall.json:{folder}/landfall.json:ro");
    assert!(mounts.contains(&there), "{mounts:?}");
    let source = yaml("grafana/provisioning/datasources/landfall.yaml");
    assert_eq!(source["datasources"][0]["url"], "http://prometheus:9090");
    assert!(compose["services"]["prometheus"].is_object());
}
