//! The systemd unit.

use std::fs;
use std::process::Command;
use std::time::Duration;

use landfall::definition::{LoadOptions, ProcessEnvironment, load};

use super::{assert_taken, said, text, tool};
use crate::support::process::{ended, landfall};

const BINARY: &str = "/usr/local/bin/landfall";

/// The values of a setting, in order.
fn values(unit: &str, name: &str) -> Vec<String> {
    let lines = unit.lines().filter_map(|line| line.split_once('='));
    lines
        .filter(|(key, _)| *key == name)
        .map(|(_, value)| value.to_owned())
        .collect()
}

fn value(unit: &str, name: &str) -> String {
    let mut all = values(unit, name);
    assert_eq!(all.len(), 1, "{name}: {all:?}");
    all.remove(0)
}

/// A unit file in a folder of its own that starts the binary of this build.
fn copy(unit: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("landfall.service");
    fs::write(&path, unit.replace(BINARY, env!("CARGO_BIN_EXE_landfall"))).unwrap();
    let path = path.display().to_string();
    (folder, path)
}

fn analyze(arguments: &[&str]) -> (bool, String) {
    let output = tool("systemd", Command::new("systemd-analyze").args(arguments));
    (output.status.success(), said(&output))
}

#[test]
fn systemd_finds_nothing_wrong_with_it() {
    let unit = text("deploy/landfall.service");
    let (_folder, path) = copy(&unit);
    let (passed, said) = analyze(&["verify", &path]);
    assert!(passed && said.is_empty(), "{said}");
    let (_folder, wrong) = copy(&unit.replace("WatchdogSec=", "WatchDogSeconds="));
    let (_, said) = analyze(&["verify", &wrong]);
    assert!(said.contains("WatchDogSeconds"), "{said}");
}

/// The scale goes from 0 to 10, told here in tenths; a service without any of it has 96.
#[test]
fn it_is_exposed_to_little() {
    let (_folder, path) = copy(&text("deploy/landfall.service"));
    let (passed, said) = analyze(&["security", "--offline=true", "--threshold=15", &path]);
    assert!(passed, "{said}");
}

#[test]
fn it_does_as_landfall_does() {
    let unit = text("deploy/landfall.service");
    let start = value(&unit, "ExecStart");
    let mut words = start.split_whitespace().map(str::to_owned);
    assert_eq!(words.next().as_deref(), Some(BINARY));
    let arguments: Vec<String> = words.collect();
    assert_taken(&arguments);
    let state = value(&unit, "StateDirectory");
    let store = format!("sqlite:/var/lib/{state}/landfall.db");
    assert!(arguments.contains(&store), "{arguments:?}");
    assert_eq!(value(&unit, "Type"), "notify");
    assert_eq!(value(&unit, "ExecReload"), "/bin/kill -HUP $MAINPID");
    for (name, expected) in [
        ("NoNewPrivileges", "yes"),
        ("ProtectSystem", "strict"),
        ("DynamicUser", "yes"),
        ("CapabilityBoundingSet", ""),
    ] {
        assert_eq!(value(&unit, name), expected, "{name}");
    }
    // By a file there it tells whether the machine was started anew.
    assert!(values(&unit, "ProcSubset").is_empty());
}

#[test]
fn it_waits_longer_than_landfall_does() {
    let stop = value(&text("deploy/landfall.service"), "TimeoutStopSec");
    let stop = Duration::from_secs(stop.trim_end_matches('s').parse().unwrap());
    assert!(stop > usual_stop_grace(), "{stop:?}");
}

/// `stop_grace` of a workspace that does not say it.
pub(super) fn usual_stop_grace() -> Duration {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("landfall.yaml"), "store: memory\n").unwrap();
    stop_grace(folder.path(), &ProcessEnvironment)
}

/// `stop_grace` of the workspace.
pub(super) fn stop_grace(
    folder: &std::path::Path,
    environment: &dyn landfall::definition::Environment,
) -> Duration {
    let options = LoadOptions {
        dir: Some(folder.to_owned()),
        ..LoadOptions::default()
    };
    let loaded = load(&options, environment);
    let said = loaded.problems.render(&loaded.sources, false);
    loaded.workspace.unwrap_or_else(|| panic!("{said}")).stop_grace
}

#[test]
fn definitions_that_are_wrong_are_not_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("landfall.yaml"), "stoer: memory\n").unwrap();
    let mut command = landfall(folder.path(), &[]);
    command.arg("serve");
    let code = ended(command).0.to_string();
    assert_eq!(
        value(&text("deploy/landfall.service"), "RestartPreventExitStatus"),
        code
    );
}
