//! What ends `landfall run` from outside, with the real binary.

use std::path::Path;
use std::process::{Child, Stdio};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde_json::{Value, json};

use crate::support::channel::eventually;
use crate::support::process::landfall;
use crate::support::whole::write;

/// A run that waits a minute for what never comes, and then cleans up for ten.
fn workspace(dir: &Path) {
    let workspace = json!({
        "listen": "127.0.0.1:0", "allow_exec": true, "channels": { "hooks": { "callback": {} } },
    });
    let program = |script: &str| json!({ "exec": { "command": ["sh", "-c", script], "timeout": "10m" } });
    let probe = json!({
        "name": "orders",
        "request": program("echo fired > fired"),
        "outcome": [{ "in": "hooks", "within": "60s" }],
        "cleanup": [program("echo $$ > part; mv part cleaning; exec sleep 600")],
    });
    write(dir, &workspace, &probe);
}

fn start(dir: &Path) -> (Child, Pid) {
    let path = std::env::var_os("PATH").unwrap();
    let mut command = landfall(dir, &[("PATH", path.to_str().unwrap())]);
    command.args(["run", "--format", "json"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let run = command.spawn().unwrap();
    let pid = Pid::from_child(&run);
    (run, pid)
}

async fn file(dir: &Path, name: &str) -> String {
    let path = dir.join(name);
    eventually(name, || std::fs::read_to_string(&path).ok()).await
}

#[tokio::test]
async fn a_first_signal_ends_the_run_and_records_it_whichever_it_is() {
    for signal in [Signal::TERM, Signal::INT] {
        let dir = tempfile::tempdir().unwrap();
        workspace(dir.path());
        let (run, pid) = start(dir.path());
        file(dir.path(), "fired").await;
        kill_process(pid, signal).unwrap();
        // What was fired is cleaned up; the test has no ten minutes for it.
        let cleaning: i32 = file(dir.path(), "cleaning").await.trim().parse().unwrap();
        kill_process(Pid::from_raw(cleaning).unwrap(), Signal::KILL).unwrap();
        let ended = run.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(130), "{signal:?}: {said}");
        let results: Value = serde_json::from_slice(&ended.stdout).unwrap();
        let recorded = &results["runs"][0];
        assert_eq!(recorded["class"], "unobserved", "{signal:?}: {recorded}");
        assert!(
            recorded["reason"].as_str().unwrap().contains("interrupted"),
            "{signal:?}: {recorded}"
        );
    }
}

#[tokio::test]
async fn a_second_signal_ends_everything_at_once_and_leaves_no_program_behind() {
    let dir = tempfile::tempdir().unwrap();
    workspace(dir.path());
    let (run, pid) = start(dir.path());
    file(dir.path(), "fired").await;
    kill_process(pid, Signal::INT).unwrap();
    let cleaning: i32 = file(dir.path(), "cleaning").await.trim().parse().unwrap();
    kill_process(pid, Signal::INT).unwrap();
    let ended = run.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(130), "{said}");
    assert!(said.contains("ended at once"), "{said}");
    let cleaning = Pid::from_raw(cleaning).unwrap();
    eventually("the end of what cleaned up", || {
        test_kill_process(cleaning).is_err().then_some(())
    })
    .await;
}
