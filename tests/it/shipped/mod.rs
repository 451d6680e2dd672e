//! What runs landfall and watches it: units, images, manifests, rules and dashboards do what they say.

mod container;
mod dashboard;
mod kubernetes;
pub(crate) mod prometheus;
mod promql;
mod rules;
mod unit;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use landfall::model::{Amendment, Class, ProbeState, RunRecord};
use landfall::report::metrics::{Destination, Gauges, Metrics};
use serde_json::Value;

use super::report::sample;
use super::repository::root;
use super::support::process::{ended, landfall};

/// A token's hash, as `landfall token new` prints it.
const HASH: &str = "blake3:765db9c7360371076c0e7aa24acb7ba6faa52d1e13e65042d398cd3e0d8ced62";

fn example(path: &str) -> PathBuf {
    root().join("examples").join(path)
}

fn text(path: &str) -> String {
    let path = example(path);
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The documents of a file of YAML.
fn documents(text: &str) -> Vec<Value> {
    let parts = text.split("\n---\n");
    parts
        .map(|part| serde_yaml::from_str(part).unwrap_or_else(|e| panic!("{e} in\n{part}")))
        .collect()
}

fn yaml(path: &str) -> Value {
    let mut all = documents(&text(path));
    assert_eq!(all.len(), 1, "{path}");
    all.remove(0)
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn words(value: &Value) -> Vec<String> {
    list(value)
        .iter()
        .map(|v| v.as_str().unwrap().to_owned())
        .collect()
}

/// Runs a program of a Debian package.
fn tool(package: &str, command: &mut Command) -> Output {
    let program = command.get_program().to_string_lossy().into_owned();
    command.output().unwrap_or_else(|e| {
        panic!("this test needs {program} ({e}): apt-get install -y --no-install-recommends {package}")
    })
}

fn said(output: &Output) -> String {
    let (out, err) = (&output.stdout, &output.stderr);
    format!("{}{}", String::from_utf8_lossy(out), String::from_utf8_lossy(err))
}

/// The binary takes these arguments.
fn assert_taken(arguments: &[String]) {
    let mut command = landfall(root(), &[]);
    command.args(arguments).arg("--help");
    let (code, _, stderr) = ended(command);
    assert_eq!(code, 0, "landfall {}: {stderr}", arguments.join(" "));
}

#[test]
fn what_the_binary_does_not_take_is_noticed() {
    let mut command = landfall(root(), &[]);
    command.args(["serve", "--work-space", "/etc/landfall", "--help"]);
    assert_eq!(ended(command).0, 2);
}

/// `landfall check` finds nothing in the workspace.
fn assert_checks(folder: &Path, variables: &[(&str, &str)]) {
    let mut command = landfall(folder, variables);
    command.arg("check");
    let (code, stdout, stderr) = ended(command);
    assert_eq!(code, 0, "{}: {stdout}{stderr}", folder.display());
    assert!(stderr.contains("no warning, no error"), "{stdout}{stderr}");
}

/// A metrics endpoint with a series of every family.
fn metrics() -> Metrics {
    let metrics = Metrics::new("eu");
    metrics.declare([(String::from("mail"), String::from("direct"))]);
    let mut late = run(1, Class::Lost, None);
    late.amendments = vec![Amendment {
        at: String::from("2026-10-01T12:10:00.000Z"),
        from: Class::Lost,
        to: Class::Late,
        reason: String::from("it came after all"),
    }];
    metrics.amended(&late);
    metrics
}

fn gauges() -> Gauges {
    let states = ProbeState::ALL.map(|state| (state.word(), state == ProbeState::Ok));
    Gauges {
        states: BTreeMap::from([(String::from("mail"), states.to_vec())]),
        channels: BTreeMap::from([(String::from("hooks"), true)]),
        observations: BTreeMap::from([((String::from("hooks"), String::from("matched")), 1)]),
        refused: BTreeMap::from([(String::from("connections"), 0)]),
        alerts_open: BTreeMap::from([(String::from("mail"), 0)]),
        destinations: BTreeMap::from([(
            String::from("oncall"),
            Destination {
                up: true,
                last_success: Some(1.0),
                last_failure: Some(1.0),
                ..Destination::default()
            },
        )]),
        reload_taken: true,
        ..Gauges::default()
    }
}

/// A run of the endpoint's probe; `seconds` until its outcome, where it had one.
fn run(n: u128, class: Class, seconds: Option<f64>) -> RunRecord {
    let mut run = sample::run(n, "direct");
    run.probe = String::from("mail");
    run.class = class;
    run.layers.outcome = match seconds {
        Some(at) => sample::layer(landfall::model::LayerState::Yes, Some((at, at))),
        None => sample::layer(landfall::model::LayerState::No, None),
    };
    run
}

/// What is there to be read: the metrics that landfall serves with the values of their labels, and recorded series.
struct Known {
    metrics: BTreeMap<String, BTreeMap<String, BTreeSet<String>>>,
    recorded: BTreeSet<String>,
}

impl Known {
    fn new() -> Self {
        let mut metrics: BTreeMap<String, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
        let served = self::metrics().text(gauges());
        for line in served.lines().filter(|l| !l.starts_with('#')) {
            let end = line.find(['{', ' ']).unwrap();
            let labels = metrics.entry(line[..end].to_owned()).or_default();
            let inside = line[end..].split('}').next().unwrap();
            let mut parts = inside.trim_start_matches('{').split('"');
            while let (true, Some(name), Some(value)) =
                (line[end..].starts_with('{'), parts.next(), parts.next())
            {
                let name = name.trim_matches([',', '=']).to_owned();
                labels.entry(name).or_default().insert(value.to_owned());
            }
        }
        let rules = yaml("prometheus/landfall.rules.yml");
        let rules = list(&rules["groups"])
            .iter()
            .flat_map(|group| list(&group["rules"]));
        let recorded = rules
            .filter_map(|rule| rule["record"].as_str())
            .map(str::to_owned);
        Self {
            metrics,
            recorded: recorded.collect(),
        }
    }
}
