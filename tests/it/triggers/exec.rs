//! Programs that fire.

use std::path::Path;
use std::sync::{Arc, Mutex};

use landfall::clock::SystemClock;
use landfall::diag::Problems;
use landfall::model::{Answer, Moment, Reason};
use landfall::trigger::{CheckFacts, OpenContext, Shot, Trigger, TriggerConfig};
use serde_json::{Value, json};

use crate::support::channel::eventually;
use crate::support::polled::TestScope;

fn config(value: Value) -> TriggerConfig {
    serde_json::from_value(json!({ "exec": value })).unwrap()
}

fn open(value: Value, root: &Path) -> Box<dyn Trigger> {
    let clock = Arc::new(SystemClock::start());
    config(value)
        .open(&OpenContext {
            clock,
            root: root.to_owned(),
        })
        .unwrap()
}

/// Fires once; also whether anything was said to have left.
async fn fire(value: Value, root: &Path) -> (Answer, Option<Moment>) {
    let trigger = open(value, root);
    let scope = TestScope::of(&[("token", json!("t0ken; $(touch oops)"))]);
    let prepared = trigger.prepare(&*scope).unwrap();
    let sent = Arc::new(Mutex::new(None));
    let told = Arc::clone(&sent);
    let shot = Shot {
        run: json!({ "run": "r1", "token": "t0ken", "input": { "sku": "A" } }),
        sent: Box::new(move |at| *told.lock().unwrap() = Some(at)),
    };
    let answer = (prepared.fire)(shot).await;
    let at = *sent.lock().unwrap();
    (answer, at)
}

fn shell(script: &str) -> Value {
    json!({ "command": ["sh", "-c", script] })
}

fn here() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[tokio::test]
async fn the_run_is_on_standard_input_and_the_answer_on_output() {
    let root = here();
    let mut value = shell("cat; echo trouble >&2; exit 3");
    value["stdin"] = json!({ "to": "{{ token }}" });
    let (answer, sent) = fire(value, root.path()).await;
    let response = answer.outcome.unwrap();
    assert_eq!(response.status, 3);
    assert_eq!(response.json["token"], "t0ken");
    assert_eq!(response.json["input"], json!({ "sku": "A" }));
    assert_eq!(response.json["stdin"]["to"], "t0ken; $(touch oops)");
    assert_eq!(response.headers["stderr"], "trouble\n");
    assert_eq!(sent, Some(answer.sent_at));
    assert!(answer.answered_at > answer.sent_at);
    let trigger = open(shell("true"), root.path());
    assert!(!trigger.accepts(&response));
}

#[tokio::test]
async fn arguments_are_never_a_shells_and_the_environment_is_clean() {
    let root = here();
    let script = "#!/bin/sh\nprintf '%s|' \"$@\"; env | cut -d= -f1 | sort | tr '\\n' ' '; pwd";
    std::fs::write(root.path().join("show"), script).unwrap();
    std::fs::set_permissions(
        root.path().join("show"),
        std::os::unix::fs::PermissionsExt::from_mode(0o755),
    )
    .unwrap();
    let value = json!({ "command": ["./show", "{{ token }}", "a b"], "env": { "MORE": "{{ token }}" } });
    let (answer, _) = fire(value, root.path()).await;
    let body = answer.outcome.unwrap().body;
    assert!(body.starts_with("t0ken; $(touch oops)|a b|"), "{body}");
    assert!(!root.path().join("oops").exists());
    for name in ["LANDFALL_TOKEN", "LANDFALL_INPUT", "LANDFALL_RUN", "MORE", "PATH"] {
        assert!(body.contains(&format!("{name} ")), "{name} in {body}");
    }
    assert!(!body.contains("CARGO"), "{body}");
    assert!(
        body.trim_end()
            .ends_with(&*root.path().canonicalize().unwrap().to_string_lossy()),
        "{body}"
    );
}

/// Whether the process lives (a zombie does not).
fn lives(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')')
        .is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z'))
}

async fn gone(root: &Path) {
    let pid = eventually("the grandchild's number", || {
        let pid = std::fs::read_to_string(root.join("pid")).ok()?;
        pid.ends_with('\n').then(|| pid.trim().to_owned())
    })
    .await;
    eventually("the grandchild's end", || (!lives(&pid)).then_some(())).await;
}

#[tokio::test]
async fn at_the_time_out_the_whole_group_is_killed_and_the_run_in_doubt() {
    let root = here();
    let mut value = shell("sleep 600 & echo $! > pid; wait");
    value["timeout"] = json!("700ms");
    let (answer, sent) = fire(value, root.path()).await;
    let failure = answer.outcome.unwrap_err();
    assert!(failure.in_doubt);
    assert_eq!(failure.fault.reason, Reason::Timeout);
    assert!(
        failure.fault.message.contains("`sh` had not ended after 700ms"),
        "{}",
        failure.fault
    );
    assert!(sent.is_some());
    gone(root.path()).await;
}

#[tokio::test]
async fn what_a_program_leaves_behind_neither_outlives_it_nor_holds_it_up() {
    let root = here();
    let (answer, _) = fire(shell("sleep 600 & echo $! > pid; echo done"), root.path()).await;
    assert_eq!(answer.outcome.unwrap().body, "done\n");
    gone(root.path()).await;
}

#[tokio::test]
async fn a_firing_that_is_dropped_kills_its_program() {
    let root = here();
    let path = root.path().to_owned();
    let task = tokio::spawn(async move { fire(shell("sleep 600 & echo $! > pid; wait"), &path).await });
    eventually("the program", || root.path().join("pid").exists().then_some(())).await;
    task.abort();
    gone(root.path()).await;
}

#[tokio::test]
async fn a_flood_of_output_is_cut_and_says_so() {
    let root = here();
    let script =
        "head -c 5000000 /dev/zero | tr '\\0' x; (head -c 100000 /dev/zero | tr '\\0' y; echo end) >&2";
    let (answer, _) = fire(shell(script), root.path()).await;
    let response = answer.outcome.unwrap();
    assert_eq!(response.body.len(), 1 << 20);
    assert!(response.headers["cut"].contains("5000000 bytes, at the limit bytes of output (1048576)"));
    assert_eq!(response.headers["stderr"].len(), 4 << 10);
    assert!(response.headers["stderr"].ends_with("yend\n"));
}

#[tokio::test]
async fn a_program_that_cannot_be_run_was_never_fired() {
    let root = here();
    let (answer, sent) = fire(json!({ "command": ["./nowhere"] }), root.path()).await;
    let failure = answer.outcome.unwrap_err();
    assert_eq!(
        (failure.fault.reason, failure.in_doubt, sent),
        (Reason::Spawn, false, None)
    );
    assert!(
        failure.fault.message.contains("nowhere` could not be run in `"),
        "{}",
        failure.fault
    );
}

#[tokio::test]
async fn a_program_that_a_signal_ends_says_which() {
    let root = here();
    let (answer, _) = fire(shell("kill -TERM $$"), root.path()).await;
    assert_eq!(answer.outcome.unwrap().status, 143);
    assert_eq!(answer.attributes["signal"], "15");
}

#[test]
fn what_the_workspace_does_not_allow_or_makes_no_sense_is_refused() {
    let said = |value: Value, allow_exec| {
        let mut problems = Problems::default();
        config(value).check(&CheckFacts { allow_exec }, &mut problems);
        problems
            .all()
            .iter()
            .map(|p| format!("{}; {}", p.message, p.help.clone().unwrap_or_default()))
            .collect::<String>()
    };
    assert_eq!(said(shell("true"), true), "");
    assert!(said(shell("true"), false).contains("allow_exec: true"));
    assert!(said(json!({ "command": [] }), true).contains("`command` is empty"));
    assert!(said(json!({ "command": ["curl -v x"] }), true).contains("[curl, -v, x]"));
    assert!(said(json!({ "command": ["a"], "env": { "A=B": "" } }), true).contains("`A=B`"));
    assert!(
        said(json!({ "command": ["a"], "env": { "LANDFALL_RUN": "" } }), true).contains("landfall's own")
    );
}
