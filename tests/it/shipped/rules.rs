//! The recording and alerting rules: Prometheus takes them, and they say what they should of runs that are written down.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use super::{Known, assert_taken, example, list, promql, said, text, tool, yaml};

fn promtool(arguments: &[&str]) -> (bool, String) {
    let output = tool(
        "prometheus",
        Command::new("promtool")
            .args(arguments)
            .current_dir(example("prometheus")),
    );
    (output.status.success(), said(&output))
}

fn rules() -> Vec<Value> {
    let file = yaml("prometheus/landfall.rules.yml");
    let groups = list(&file["groups"]).iter();
    groups.flat_map(|group| list(&group["rules"]).to_vec()).collect()
}

#[test]
fn prometheus_takes_the_rules_and_the_configurations() {
    for arguments in [
        &["check", "rules", "landfall.rules.yml"][..],
        &["check", "config", "prometheus.yml"],
    ] {
        let (passed, said) = promtool(arguments);
        assert!(passed, "{arguments:?}: {said}");
    }
    let folder = tempfile::tempdir().unwrap();
    let rules = example("prometheus/landfall.rules.yml").display().to_string();
    let in_compose = text("deploy/prometheus.yml").replace("/etc/prometheus/landfall.rules.yml", &rules);
    let token = folder.path().join("token");
    fs::write(&token, "lf_token").unwrap();
    let in_compose = in_compose.replace("/run/secrets/metrics_token", &token.display().to_string());
    let file = folder.path().join("prometheus.yml").display().to_string();
    fs::write(&file, in_compose).unwrap();
    let (passed, said) = promtool(&["check", "config", &file]);
    assert!(passed, "{said}");
}

#[test]
fn the_rules_say_what_they_should_of_runs_that_are_written_down() {
    let (passed, said) = promtool(&["test", "rules", "landfall.rules.test.yml"]);
    assert!(passed, "{said}");
}

#[test]
fn a_percentile_of_arrivals_alone_would_not_pass() {
    let folder = tempfile::tempdir().unwrap();
    let wrong = text("prometheus/landfall.rules.yml").replace(
        r#"or label_replace(location_probe_route:landfall_runs_observed:rate1h, "le", "+Inf", "", "")"#,
        "",
    );
    fs::write(folder.path().join("landfall.rules.yml"), wrong).unwrap();
    let tests = folder.path().join("landfall.rules.test.yml");
    fs::write(&tests, text("prometheus/landfall.rules.test.yml")).unwrap();
    let (passed, said) = promtool(&["test", "rules", &tests.display().to_string()]);
    assert!(!passed && said.contains("p95_rate1h"), "{said}");
}

#[test]
fn the_rules_read_what_landfall_serves() {
    let known = Known::new();
    for rule in rules() {
        let name = rule["record"].as_str().or(rule["alert"].as_str()).unwrap();
        let problems = promql::problems(rule["expr"].as_str().unwrap(), &known);
        assert!(problems.is_empty(), "{name}: {problems:?}");
    }
}

#[test]
fn every_recorded_name_says_its_labels_its_metric_and_what_was_done() {
    for rule in rules() {
        let Some(name) = rule["record"].as_str() else {
            continue;
        };
        let parts: Vec<&str> = name.split(':').collect();
        assert_eq!(parts.len(), 3, "{name} is not level:metric:operations");
        assert!(!parts[1].ends_with("_total"), "{name}");
    }
}

#[test]
fn every_alert_says_what_to_do_and_names_commands_that_exist() {
    let mut commands = 0;
    for rule in rules() {
        let Some(name) = rule["alert"].as_str() else {
            continue;
        };
        assert!(rule["labels"]["severity"].is_string(), "{name}");
        assert!(rule["annotations"]["summary"].is_string(), "{name}");
        let description = rule["annotations"]["description"].as_str().unwrap();
        let Some((_, command)) = description.split_once("landfall runs ") else {
            continue;
        };
        let command = command
            .replace("{{ $labels.class }}", "lost")
            .replace("{{ $labels.probe }}", "mail")
            .replace("{{ $labels.route }}", "direct");
        let arguments: Vec<String> = ["runs"]
            .into_iter()
            .chain(command.split_whitespace())
            .map(str::to_owned)
            .collect();
        assert_taken(&arguments);
        commands += 1;
    }
    assert!(commands >= 4);
}

/// Prometheus itself parses what Grafana would send it.
#[test]
fn the_expressions_of_the_dashboard_are_promql() {
    let expressions = super::dashboard::expressions();
    let expressions = expressions.iter().enumerate().map(|(n, (_, expression))| {
        let expression = expression
            .replace("$__rate_interval", "5m")
            .replace("$window", "1h");
        json!({ "record": format!("dashboard:expression:{n}"), "expr": expression })
    });
    let rules = json!({ "groups": [{ "name": "dashboard", "rules": expressions.collect::<Vec<_>>() }] });
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rules.yml").display().to_string();
    fs::write(&file, rules.to_string()).unwrap();
    let (passed, said) = promtool(&["check", "rules", &file]);
    assert!(passed, "{said}");
}
