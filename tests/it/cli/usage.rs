//! What is asked for and cannot be is refused before anything is fired; what is asked for by name is done.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::{err, landfall, out};

const WORKSPACE: &str =
    "store: memory\nlisten: 127.0.0.1:0\nallow_exec: true\nchannels: { hooks: { callback: {} } }\n";

/// A probe that nothing needs to answer: its outcome must not come.
fn probe(name: &str, enabled: bool) -> String {
    format!(
        "name: {name}\nenabled: {enabled}\nrequest:\n  exec: {{ command: [\"true\", \"{{{{ channels.hooks.url }}}}\"] }}\n\
         outcome:\n  - in: hooks\n    times: 0\n    within: 100ms\nsettle: 0s\n"
    )
}

fn workspace(probes: &[(&str, bool)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(dir.path().join("landfall.yaml"), WORKSPACE).expect("written");
    fs::create_dir(dir.path().join("probes")).expect("a folder");
    for (name, enabled) in probes {
        let file = dir.path().join(format!("probes/{name}.yaml"));
        fs::write(file, probe(name, *enabled)).expect("written");
    }
    dir
}

fn results(dir: &Path, arguments: &[&str]) -> Value {
    let ran = landfall(dir, &[&["run", "--format", "json"], arguments].concat());
    assert_eq!(ran.status.code(), Some(0), "{}{}", out(&ran), err(&ran));
    serde_json::from_str(&out(&ran)).expect("JSON")
}

#[test]
fn a_disabled_probe_that_is_named_is_fired_with_its_channels() {
    let dir = workspace(&[("off", false)]);
    let results = results(dir.path(), &["off"]);
    assert_eq!(results["runs"][0]["class"], "delivered", "{results}");
    assert_eq!(results["skipped"], serde_json::json!([]));
}

#[test]
fn a_probe_that_is_named_twice_is_fired_once() {
    let dir = workspace(&[("on", true)]);
    let results = results(dir.path(), &["on", "on"]);
    assert_eq!(results["runs"].as_array().map(Vec::len), Some(1), "{results}");
    assert_eq!(results["skipped"], serde_json::json!([]));
}

#[test]
fn a_channel_of_a_probe_that_is_not_fired_is_left_alone() {
    let dir = workspace(&[("on", true), ("other", true)]);
    let file = dir.path().join("landfall.yaml");
    // Nobody can listen there: 192.0.2.0/24 is for documentation (RFC 5737).
    let text = WORKSPACE.replace(
        "{ callback: {} }",
        "{ callback: {} }, mails: { smtp_sink: { listen: \"192.0.2.1:25\" } }",
    );
    fs::write(file, text).expect("written");
    let file = dir.path().join("probes/other.yaml");
    fs::write(file, probe("other", true).replace("in: hooks", "in: mails")).expect("written");
    assert_eq!(results(dir.path(), &["on"])["runs"][0]["class"], "delivered");
    let both = landfall(dir.path(), &["run"]);
    assert_eq!(both.status.code(), Some(4), "{}", err(&both));
}

#[test]
fn times_and_counts_of_nothing_and_unusable_addresses_are_wrong_usage() {
    let dir = workspace(&[("on", true)]);
    for (arguments, said) in [
        (["run", "--count", "0"], "0 is not in 1.."),
        (["run", "--count", "-1"], "-1 is not in 1.."),
        (["run", "--for", "0s"], "longer than nothing"),
        (["run", "--every", "0s"], "longer than nothing"),
        (["run", "--deadline", "0ms"], "longer than nothing"),
        (["run", "--store", "foo"], "write `memory` or `sqlite:PATH`"),
        (
            ["run", "--public-url", "probes.example.com"],
            "expected an http or https URL",
        ),
        (
            ["run", "--public-url", "ftp://probes.example.com"],
            "expected an http or https URL",
        ),
        (
            ["check", "--public-url", "http://x/?a=b"],
            "expected an http or https URL",
        ),
        (["demo", "--runs", "0"], "0 is not in 1.."),
    ] {
        let refused = landfall(dir.path(), &arguments);
        assert_eq!(refused.status.code(), Some(2), "{arguments:?}: {}", err(&refused));
        assert!(err(&refused).contains(said), "{arguments:?}: {}", err(&refused));
        assert_eq!(out(&refused), "", "{arguments:?}");
    }
}
