//! What separates bad runs from good, the paths they took, and where two of them part: from stored records.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use landfall::clock::SystemClock;
use landfall::model::{Class, Hop, LayerState, Mark, MarkId, MarkKind, RunRecord, Seconds};
use landfall::sandbox::{self, Script};
use landfall::store::{SqliteStore, Store};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{err, landfall, out};
use crate::store::make::{open, record, tick};

pub(super) fn workspace() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(dir.path().join("landfall.yaml"), "store: sqlite:runs.db\n").expect("written");
    dir
}

pub(super) async fn fill(dir: &Path, runs: impl IntoIterator<Item = RunRecord>) -> SqliteStore {
    let store = open(&dir.join("runs.db"));
    for (n, run) in runs.into_iter().enumerate() {
        let at = landfall::model::Moment::from_rfc3339(&run.tick)
            .unwrap_or_else(|| tick(i64::try_from(n).expect("small")));
        store.close(at, Arc::new(run)).await.expect("closed");
    }
    store
}

/// Run `n`, on one of two routes, by one of four workers; `w2` loses every other run.
pub(super) fn worked(n: u128) -> RunRecord {
    let worker = n / 2 % 4;
    let lost = worker == 2 && (n / 8).is_multiple_of(2);
    let class = if lost { Class::Lost } else { Class::Delivered };
    let mut run = RunRecord::clone(&record(n, ["a", "b"][(n % 2) as usize], class));
    run.attributes = BTreeMap::from([(String::from("worker"), format!("w{worker}"))]);
    run.path.push(Hop {
        hop: format!("edge-{worker}"),
        source: String::from("response.headers[\"x-served-by\"]"),
        seconds: None,
    });
    if lost {
        run.layers.outcome.state = LayerState::No;
    } else {
        run.layers.outcome.seconds = Some(Seconds(0.5, 0.5));
        run.path.push(Hop {
            hop: format!("mx{}", n % 2),
            source: String::from("inbox.received"),
            seconds: Some(2.0),
        });
    }
    run
}

pub(super) fn json_of(dir: &Path, arguments: &[&str]) -> (Option<i32>, Value) {
    let all = [arguments, &["--format", "json"]].concat();
    let said = landfall(dir, &all);
    let answer = serde_json::from_slice(&said.stdout).unwrap_or_else(|e| panic!("{e}: {}", err(&said)));
    (said.status.code(), answer)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_loses_is_named_from_the_store_of_a_running_daemon() {
    let dir = workspace();
    // More than a page, so that slices of time are read side by side.
    let store = fill(dir.path(), (0..1_200).map(worked)).await;
    let (exit, answer) = json_of(dir.path(), &["explain", "orders"]);
    assert_eq!((exit, &answer["outcome"]), (Some(0), &json!("causes")));
    assert_eq!((&answer["runs"], &answer["bad"]), (&json!(1_200), &json!(150)));
    let cause = &answer["causes"][0];
    assert_eq!(
        (&cause["attribute"], &cause["values"][0]["value"]),
        (&json!("worker"), &json!("w2")),
        "{answer:#}"
    );
    assert!(
        answer["causes"].as_array().expect("a list").len() == 1,
        "{answer:#}"
    );

    let text = out(&landfall(dir.path(), &["explain", "orders"]));
    assert!(
        text.contains("1. worker = w2") && text.contains("150 of 300 bad (50.0 %"),
        "{text}"
    );
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    let github = out(&landfall(
        dir.path(),
        &["explain", "orders", "--format", "github"],
    ));
    assert!(
        github.starts_with("::notice title=explain orders::150 of 300 runs with worker = w2"),
        "{github}"
    );
    let markdown = out(&landfall(
        dir.path(),
        &[
            "explain",
            "orders",
            "--format",
            "markdown",
            "--out",
            "ndjson=x.json",
        ],
    ));
    assert!(
        markdown.contains("worker") && !markdown.contains('\u{1b}'),
        "{markdown}"
    );
    let line = fs::read_to_string(dir.path().join("x.json")).expect("written");
    assert_eq!(serde_json::from_str::<Value>(&line).expect("a line")["bad"], 150);
    let late = landfall(dir.path(), &["explain", "orders", "--bad", "late"]);
    assert!(
        out(&late).contains("none of 1050 runs is bad (late)"),
        "{}",
        out(&late)
    );
    let slow = landfall(dir.path(), &["explain", "orders", "--slow=100ms", "--route", "a"]);
    assert!(out(&slow).contains("all 525 runs are bad"), "{}", out(&slow));
    assert_eq!(slow.status.code(), Some(3));
    store.shutdown().await.expect("closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mark_and_a_new_revision_are_told_with_the_instant() {
    let dir = workspace();
    let runs = (0..200).map(|n: u128| {
        let class = if n >= 120 && n.is_multiple_of(2) {
            Class::Late
        } else {
            Class::Delivered
        };
        let mut run = RunRecord::clone(&record(n, "a", class));
        run.revision = String::from(if n >= 120 { "r2" } else { "r1" });
        run
    });
    let store = fill(dir.path(), runs).await;
    let mark = Mark {
        id: MarkId(uuid::Uuid::from_u128(1)),
        at: tick(119),
        text: String::from("release 4.2"),
        kind: MarkKind::Deployment,
        labels: BTreeMap::new(),
        until: None,
    };
    store.mark(mark).await.expect("marked");
    store.shutdown().await.expect("closed");
    let (_, answer) = json_of(dir.path(), &["explain", "orders"]);
    assert_eq!(answer["causes"][0]["attribute"], "revision", "{answer:#}");
    let nearby: Vec<&Value> = answer["began"]["nearby"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|n| &n["text"])
        .collect();
    assert!(nearby.contains(&&json!("release 4.2")), "{answer:#}");
    assert!(
        answer["notes"][0]
            .as_str()
            .expect("a note")
            .contains("2 revisions of the definition")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_are_told_with_how_each_ended() {
    let dir = workspace();
    fill(dir.path(), (0..80).map(worked))
        .await
        .shutdown()
        .await
        .expect("closed");
    let (exit, answer) = json_of(dir.path(), &["paths", "orders"]);
    assert_eq!((exit, &answer["runs"]), (Some(0), &json!(80)));
    let cut: Vec<&Value> = answer["paths"]
        .as_array()
        .expect("a list")
        .iter()
        .filter(|p| p["ends_early"] == true)
        .collect();
    assert_eq!(
        (cut.len(), &cut[0]["lost"], &cut[0]["p50"]),
        (1, &json!(1.0), &Value::Null),
        "{answer:#}"
    );
    let text = out(&landfall(dir.path(), &["paths", "orders"]));
    assert!(
        text.contains("edge-2 → nothing seen after") && text.contains("mx1 (+2 s)"),
        "{text}"
    );
    let lines = out(&landfall(
        dir.path(),
        &["paths", "orders", "--format", "ndjson", "--route", "a"],
    ));
    assert!(
        lines
            .lines()
            .all(|line| serde_json::from_str::<Value>(line).expect("json")["runs"].is_u64())
    );
    let none = landfall(dir.path(), &["paths", "orders", "--until", "2001-01-01"]);
    assert_eq!(none.status.code(), Some(3));
    assert!(out(&none).contains("no runs are on record"), "{}", out(&none));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_explained_is_said_in_a_sentence() {
    let dir = workspace();
    let of = |n: u128, probe: &str, class| {
        let mut run = RunRecord::clone(&record(n, "a", class));
        run.probe = probe.to_owned();
        run
    };
    let mut runs = vec![of(1, "single", Class::Lost)];
    runs.extend((10..40).map(|n| of(n, "gone", Class::Lost)));
    runs.extend((50..60).map(|n| of(n, "blind", Class::Unobserved)));
    runs.extend((70..90).map(|n| of(n, "fine", Class::Delivered)));
    fill(dir.path(), runs).await.shutdown().await.expect("closed");
    for (probe, exit, sentence) in [
        ("single", 3, "the one run is bad: with no good run"),
        ("gone", 3, "all 30 runs are bad: with no good run"),
        ("blind", 3, "all 10 runs are unobserved: landfall could not see"),
        ("fine", 0, "none of 20 runs is bad (not delivered)"),
    ] {
        let said = landfall(dir.path(), &["explain", probe]);
        assert_eq!(said.status.code(), Some(exit), "{}", err(&said));
        let text = out(&said).replace("\n  ", " ");
        assert!(text.contains(sentence), "{text}");
        assert!(!text.contains("NaN"), "{text}");
    }
    for (arguments, said) in [
        (&["explain", "singel"][..], "did you mean `single`?"),
        (
            &["paths", "something-else"],
            "on record are runs of blind, fine, gone, single",
        ),
        (
            &["explain", "fine", "--bad", "delivered"],
            "what bad ones are compared with",
        ),
        (&["explain", "fine", "--bad", "lots"], "expected one of"),
        (&["explain", "fine", "--slow=soon"], "soon"),
        (&["diff", "token1"], "has no twin"),
    ] {
        let refused = landfall(dir.path(), arguments);
        assert!(err(&refused).contains(said), "{arguments:?}: {}", err(&refused));
        assert!(matches!(refused.status.code(), Some(2 | 3)), "{arguments:?}");
        assert_eq!(out(&refused), "", "{arguments:?}");
    }
}

const SCRIPT: &str = "
routes:
  alpha: { provider: north, faults: [{ fault: drop, every: 2 }] }
  beta: { provider: north, faults: [{ fault: drop, every: 2, offset: 1 }] }
  gamma: { provider: south }
  delta: { provider: west }
";

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_the_sandbox_makes_lose_is_named() {
    let stop = CancellationToken::new();
    let options = sandbox::Options {
        faults: Script::parse("script", SCRIPT).expect("a script"),
        seed: 7,
        ..sandbox::Options::default()
    };
    let clock = Arc::new(SystemClock::start());
    let gateway = sandbox::start(options, clock, stop.clone())
        .await
        .expect("it starts");
    let dir = tempfile::tempdir().expect("a folder");
    fs::create_dir(dir.path().join("probes")).expect("a folder");
    let base = format!(
        "store: sqlite:runs.db\nlisten: 127.0.0.1:0\nvars: {{ base: \"http://{}\" }}\nchannels: {{ hooks: {{ callback: {{}} }} }}\n",
        gateway.address()
    );
    fs::write(dir.path().join("landfall.yaml"), base).expect("written");
    let probe = r#"name: message
routes: { alpha: {}, beta: {}, gamma: {}, delta: {} }
request:
  http:
    url: "{{ vars.base }}/v1/messages?route={{ route.name }}"
    method: POST
    json: { ref: "{{ token }}", text: hello, webhook: "{{ channels.hooks.url }}" }
outcome:
  - name: event
    in: hooks
    where: seen.json.event == "message.delivered"
    within: 1500ms
    grace: 100ms
settle: 0s
attributes: { provider: 'response.headers["x-provider"]' }
path: ['response.headers["x-served-by"]', hooks.json.provider]
"#;
    fs::write(dir.path().join("probes/message.yaml"), probe).expect("written");
    let fired = landfall(dir.path(), &["run", "--count", "24", "--every", "20ms"]);
    assert_eq!(fired.status.code(), Some(1), "{}", err(&fired));
    stop.cancel();
    gateway.join().await.expect("it stops");
    let (exit, answer) = json_of(dir.path(), &["explain", "message"]);
    assert_eq!(exit, Some(0), "{answer:#}");
    let cause = &answer["causes"][0];
    assert_eq!(
        (&cause["attribute"], &cause["values"][0]["value"]),
        (&json!("provider"), &json!("north")),
        "{answer:#}"
    );
    let (_, paths) = json_of(dir.path(), &["paths", "message"]);
    assert!(
        paths["paths"]
            .as_array()
            .expect("a list")
            .iter()
            .any(|p| p["ends_early"] == true),
        "{paths:#}"
    );
    let runs = out(&landfall(
        dir.path(),
        &["runs", "--class", "lost", "--limit", "1", "--format", "ndjson"],
    ));
    let lost: RunRecord = serde_json::from_str(&runs).expect("a record");
    let (_, diff) = json_of(dir.path(), &["diff", &lost.id.to_string()]);
    assert_eq!(diff["chosen"], "other_route", "{diff:#}");
    assert!(
        diff["sentence"].as_str().expect("text").contains("first part"),
        "{diff:#}"
    );
}
