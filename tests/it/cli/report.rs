//! `landfall report`: on a store that a daemon has open, on several, from roll-ups, and on what the real binary fired.

use std::fs;
use std::path::Path;
use std::process::Output;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::http::StatusCode;
use axum::routing::post;
use landfall::clock::{Clock as _, SystemClock};
use landfall::model::{Class, LayerRecord, LayerState, Moment, RunRecord, Seconds};
use landfall::store::{Retention, SqliteStore, Store as _};
use serde_json::{Value, json};

use super::{err, landfall, out};
use crate::store::make::{open, record};
use crate::support::whole::{http_client, write};

const MINUTE: i64 = 60_000_000_000;

/// Run `n`, so many minutes ago, so that a report of the last week has it.
fn ended(n: u128, route: &str, class: Class, tick: Moment) -> Arc<RunRecord> {
    let mut ended = RunRecord::clone(&record(n, route, class));
    ended.tick = tick.to_rfc3339();
    let layer = |state, at: f64| LayerRecord {
        state,
        seconds: (state == LayerState::Yes).then_some(Seconds(at, at)),
    };
    let outcome = match class {
        Class::Delivered => LayerState::Yes,
        Class::Unobserved => LayerState::Unknown,
        _ => LayerState::No,
    };
    ended.layers.accepted = layer(LayerState::Yes, 0.1);
    ended.layers.executed = layer(LayerState::Undeclared, 0.0);
    ended.layers.outcome = layer(outcome, 1.0);
    ended.into()
}

/// Fills a store with `runs` ticks of two routes, the last an hour ago; every tenth of route `b` is lost.
async fn filled(file: &Path, first: u128, runs: i64) -> SqliteStore {
    let store = open(file);
    let now = SystemClock::start().now();
    // All at once, so that they share their commits.
    let mut closes = Vec::new();
    for n in 0..runs {
        let tick = Moment(now.0 - (runs - n + 60) * MINUTE);
        for (at, route) in ["a", "b"].into_iter().enumerate() {
            let class = if at == 1 && n % 10 == 3 {
                Class::Lost
            } else {
                Class::Delivered
            };
            let id = first + u128::try_from(n).expect("small") * 2 + at as u128;
            closes.push(store.close(tick, ended(id, route, class, tick)));
        }
    }
    for closed in futures::future::join_all(closes).await {
        closed.expect("closed");
    }
    store
}

fn said(output: &Output) -> Value {
    assert_eq!(output.status.code(), Some(0), "{}", err(output));
    serde_json::from_str(&out(output)).expect("JSON")
}

fn series<'a>(report: &'a Value, route: &str) -> &'a Value {
    let all = report["probes"][0]["series"].as_array().expect("series");
    all.iter().find(|one| one["route"] == route).expect("the route")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_reads_beside_a_daemon() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = filled(&dir.path().join("a.db"), 0, 100).await;
    let base = ["report", "--store", "sqlite:a.db"];
    let with = |more: &[&str]| landfall(dir.path(), &[&base[..], more].concat());
    let report = said(&with(&["--format", "json"]));
    assert_eq!(series(&report, "b")["on_time"]["count"], 90);
    assert_eq!(series(&report, "b")["silent_failures"]["count"], 10);
    assert_eq!(report["probes"][0]["series"][0]["route"], "b", "the worst first");
    assert_eq!(report["probes"][0]["routes"][0]["ticks"], 100);
    let text = out(&with(&[]));
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    assert!(text.contains("orders/b") && text.contains("90 of 100"), "{text}");
    let one = said(&with(&[
        "--format", "json", "--route", "a", "--since", "2h", "--until", "1h",
    ]));
    assert_eq!(one["probes"][0]["series"].as_array().map(Vec::len), Some(1));
    assert!(one["probes"][0]["routes"].as_array().is_some_and(Vec::is_empty));
    let nothing = with(&["--probe", "none"]);
    assert_eq!(nothing.status.code(), Some(0));
    assert!(
        out(&nothing).contains("there is nothing to report"),
        "{}",
        out(&nothing)
    );
    assert!(!out(&nothing).contains('%'));
    let against = said(&with(&[
        "--format",
        "json",
        "--since",
        "110m",
        "--against",
        "previous",
    ]));
    let change = &against["probes"][0]["changes"][0];
    assert_eq!(
        change["on_time"]["difference"].as_f64().map(|d| d.abs() < 0.05),
        Some(true)
    );
    assert!(change["word"].is_string());
    for (wrong, expected) in [
        (["--against", "yesterday"], "is no window"),
        (["--against", "1d..2d"], "nothing lies between"),
        (["--since", "never"], "is no time"),
    ] {
        let refused = with(&wrong);
        assert_eq!(refused.status.code(), Some(2), "{wrong:?}");
        assert!(err(&refused).contains(expected), "{}", err(&refused));
    }
    store.shutdown().await.expect("closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn hours_and_machines_add_up() {
    let dir = tempfile::tempdir().expect("a folder");
    let now = SystemClock::start().now();
    let keep = Retention {
        runs: Duration::from_hours(24 * 90),
        failures: Duration::from_hours(24 * 90),
        rollups: Duration::from_hours(24 * 90),
    };
    for (file, first) in [("a.db", 0), ("b.db", 10_000)] {
        let store = filled(&dir.path().join(file), first, 300).await;
        store.upkeep(now, keep).await.expect("rolled up");
        assert!(store.extent().await.expect("read").last_rollup.is_some());
        store.shutdown().await.expect("closed");
    }
    let both = [
        "report",
        "--store",
        "sqlite:a.db",
        "--store",
        "sqlite:b.db",
        "--format",
        "json",
    ];
    let raw = said(&landfall(dir.path(), &both));
    let rolled = said(&landfall(dir.path(), &[&both[..], &["--from-rollups"]].concat()));
    assert_eq!(
        (&raw["source"], &rolled["source"]),
        (&json!("runs"), &json!("rollups"))
    );
    for route in ["a", "b"] {
        let (raw, rolled) = (series(&raw, route), series(&rolled, route));
        assert_eq!(raw["runs"], 600);
        for figure in ["runs", "classes", "silent_failures", "revision"] {
            assert_eq!(raw[figure], rolled[figure], "{figure}");
        }
        for figure in ["score", "coarse", "usual", "layers"] {
            assert_eq!(
                raw["consistency"][figure], rolled["consistency"][figure],
                "{figure}"
            );
        }
        let p50 = |of: &Value| of["layers"]["outcome"]["p50"]["latest"].as_f64();
        assert_eq!(p50(raw), p50(rolled));
        assert!(rolled["receipts"].is_null());
    }
    let labels = landfall(
        dir.path(),
        &[&both[..], &["--from-rollups", "--label", "a=b"]].concat(),
    );
    assert_eq!(labels.status.code(), Some(2), "{}", err(&labels));
}

#[tokio::test(flavor = "multi_thread")]
async fn where_runs_are_gone_roll_ups_are_read() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = filled(&dir.path().join("a.db"), 0, 300).await;
    // What was delivered more than two hours ago leaves; what was lost then stays, and must not make the report.
    let keep = Retention {
        runs: Duration::from_hours(2),
        failures: Duration::from_hours(24 * 90),
        rollups: Duration::from_hours(24 * 90),
    };
    let now = SystemClock::start().now();
    store.upkeep(now, keep).await.expect("kept up");
    store.shutdown().await.expect("closed");
    let output = landfall(
        dir.path(),
        &["report", "--store", "sqlite:a.db", "--format", "json"],
    );
    let report = said(&output);
    assert_eq!(report["source"], "rollups");
    assert_eq!(
        (
            &series(&report, "b")["runs"],
            &series(&report, "b")["on_time"]["count"]
        ),
        (&json!(300), &json!(270))
    );
    let notes = report["notes"].to_string();
    assert!(notes.contains("no longer all on record"), "{notes}");
}

/// What a body of the target becomes: only `good` is delivered.
async fn take(Json(order): Json<Value>) -> StatusCode {
    let webhook = order["webhook"].as_str().expect("a webhook").to_owned();
    if order["via"] == "good" {
        let body = json!({ "ref": order["ref"] });
        tokio::spawn(async move { http_client().post(webhook).json(&body).send().await });
    }
    StatusCode::ACCEPTED
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_fired_is_reported_and_judged() {
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let base = format!("http://{}", socket.local_addr().expect("bound"));
    let app = axum::Router::new().route("/orders", post(take));
    tokio::spawn(async move { axum::serve(socket, app).await });
    let dir = tempfile::tempdir().expect("a folder");
    let workspace = json!({
        "listen": "127.0.0.1:0", "vars": { "base": base }, "channels": { "hooks": { "callback": {} } },
    });
    let mut probe = json!({
        "name": "orders",
        "routes": {
            "good": { "vars": { "via": "good" } },
            "gone": { "vars": { "via": "gone" }, "outcome": [{ "in": "hooks", "within": "200ms", "grace": "10ms" }] },
        },
        "request": { "http": { "url": "{{ vars.base }}/orders", "json": {
            "ref": "{{ token }}", "webhook": "{{ channels.hooks.url }}", "via": "{{ route.via }}",
        } } },
        "outcome": [{ "in": "hooks", "within": "1m", "grace": "10ms" }],
        "settle": "10ms",
        "objective": { "on_time": "90%", "window": "7d" },
    });
    write(dir.path(), &workspace, &probe);
    let fired = landfall(dir.path(), &["run", "--count", "6", "--every", "50ms"]);
    assert_eq!(fired.status.code(), Some(1), "{}", err(&fired));
    let report = said(&landfall(dir.path(), &["report", "--format", "json"]));
    assert_eq!(series(&report, "good")["on_time"]["count"], 6);
    assert_eq!(series(&report, "gone")["silent_failures"]["count"], 6);
    let separates = &report["probes"][0]["separates"];
    assert_eq!(
        (&separates["runs"], &separates["all"]),
        (&json!(12), &json!(true))
    );
    let sentence = separates["sentence"].as_str().expect("a sentence");
    assert!(sentence.contains("route"), "{sentence}");
    let judged = landfall(dir.path(), &["report", "--objective"]);
    assert_eq!(judged.status.code(), Some(1), "{}", out(&judged));
    assert!(out(&judged).contains("not met"), "{}", out(&judged));
    let few = landfall(dir.path(), &["report", "--objective", "--route", "good"]);
    assert_eq!(few.status.code(), Some(3), "{}", out(&few));
    let junit = out(&landfall(dir.path(), &["report", "--format", "junit"]));
    assert!(junit.contains("failures=\"1\""), "{junit}");
    probe.as_object_mut().expect("a map").remove("objective");
    fs::write(dir.path().join("probes/probe.yaml"), probe.to_string()).expect("written");
    let none = landfall(dir.path(), &["report", "--objective"]);
    assert_eq!(none.status.code(), Some(2), "{}", out(&none));
    assert!(err(&none).contains("no probe of the report"), "{}", err(&none));
}
