//! What is done: pause, resume, mark, reload.

use serde_json::{Value, json};

use super::{Rig, problem};

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_outlives_a_restart() {
    let rig = Rig::start().await;
    let pause = "/api/v1/probes/orders/pause";
    let body = json!({ "route": "gone", "reason": "known to fail" });
    let paused: Value = rig.post(pause, &body).await.json().await.unwrap();
    assert_eq!(paused["note"], "by local: known to fail");
    let again: Value = rig.post(pause, &body).await.json().await.unwrap();
    assert_eq!(again, paused, "it is paused already");
    let dir = std::sync::Arc::clone(&rig.dir);
    drop(rig);

    let rig = Rig::again(dir).await;
    let routes = rig.json("/api/v1/probes/orders").await["routes"].clone();
    assert_eq!(
        (&routes[1]["state"], &routes[1]["paused"]),
        (&json!("paused"), &paused)
    );
    assert_eq!(routes[0]["paused"], Value::Null);
    let resume = "/api/v1/probes/orders/resume";
    let resumed = async |body: Value| -> Value { rig.post(resume, &body).await.json().await.unwrap() };
    assert_eq!(
        resumed(json!({})).await,
        json!({ "was": false }),
        "the whole probe was not paused"
    );
    assert_eq!(resumed(json!({ "route": "gone" })).await, json!({ "was": true }));
    assert_eq!(
        rig.json("/api/v1/probes/orders").await["routes"][1]["paused"],
        Value::Null
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn marks_stand_on_the_time_line() {
    let rig = Rig::start().await;
    let body = json!({ "text": "release 4", "at": "2026-11-22T10:00:00Z", "labels": { "service": "pay" } });
    let made = rig.post("/api/v1/marks", &body).await;
    assert_eq!(made.status(), 201);
    let made: Value = made.json().await.unwrap();
    assert_eq!(
        (&made["kind"], &made["at"]),
        (&json!("deployment"), &json!("2026-11-22T10:00:00.000000000Z"))
    );
    let now: Value = rig
        .post("/api/v1/marks", &json!({ "text": "down", "kind": "incident" }))
        .await
        .json()
        .await
        .unwrap();
    let marks = rig.json("/api/v1/marks").await;
    assert!(marks["marks"].as_array().unwrap().contains(&made));
    assert!(marks["marks"].as_array().unwrap().contains(&now));
    assert_eq!(
        rig.json("/api/v1/marks?limit=1").await["marks"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn definitions_with_errors_are_refused_with_their_places() {
    let rig = Rig::start().await;
    let reload = async || rig.post("/api/v1/reload", &json!({})).await;
    assert_eq!(reload().await.status(), 200);
    let file = rig.dir.path().join("probes/probe.yaml");
    let right = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, right.replace("\"outcome\"", "\"outcom\"")).unwrap();
    let refused = problem(reload().await, 422).await;
    let first = &refused["diagnostics"][0];
    assert_eq!(
        (&first["file"], &first["severity"]),
        (&json!("probes/probe.yaml"), &json!("error"))
    );
    assert!(
        refused["diagnostics"]
            .as_array()
            .unwrap()
            .iter()
            .any(|d| d["code"] == "unknown-key")
    );
    let status = rig.json("/api/v1/status").await;
    assert_eq!(status["refused"], refused["diagnostics"]);
    assert!(rig.get("/").await.text().await.unwrap().contains("stay in force"));
    std::fs::write(&file, right).unwrap();
    assert_eq!(reload().await.status(), 200);
    assert_eq!(rig.json("/api/v1/status").await["refused"], json!([]));
}
