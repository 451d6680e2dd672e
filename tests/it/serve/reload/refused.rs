//! What is not taken: definitions with errors, and what holds until the next start.

use serde_json::json;

use super::{Rig, Silent, probe, workspace};

#[tokio::test(flavor = "multi_thread")]
async fn definitions_with_errors_leave_the_last_good_set_in_force_and_are_told_everywhere() {
    let target = Silent::start().await;
    let landfall = workspace(&target.base, &json!({}));
    let rig = Rig::start(&landfall, &[probe("a", &json!({})), probe("b", &json!({}))], &[]).await;
    let before = rig.probes().await;
    assert_eq!(
        [
            rig.metric("landfall_reload_taken").await,
            rig.metric("landfall_reloads_total{result=\"refused\"}").await
        ],
        [1.0, 0.0]
    );
    let taken_at = rig.metric("landfall_reload_timestamp_seconds").await;

    // One file is wrong, and nothing of the others is taken either.
    rig.put(&probe("a", &json!({ "settel": "20ms" })));
    rig.put(&probe("c", &json!({})));
    let said = rig.daemon.says("the last good set stays in force").await;
    assert!(said.contains("the files have changed"), "{said}");
    let named = rig.daemon.said("probes/a.yaml").unwrap();
    assert!(
        named.contains("settel") && named.contains("unknown-key"),
        "{named}"
    );
    assert_eq!(rig.probes().await, before);
    rig.fire("a").await;
    target.order("a", 1).await;
    assert_eq!(rig.metric("landfall_reload_taken").await, 0.0);
    assert!(rig.metric("landfall_reloads_total{result=\"refused\"}").await >= 1.0);
    assert_eq!(rig.metric("landfall_reload_timestamp_seconds").await, taken_at);
    let page = rig.get("/").await;
    assert!(
        page.contains("stay in force") && page.contains("probes/a.yaml:1:") && page.contains("settel"),
        "{page}"
    );
    let status = rig.json("/api/v1/status").await;
    assert_eq!(status["refused"][0]["code"], "unknown-key");
    let refused = rig.post("/api/v1/reload", &json!({})).await;
    assert_eq!(refused.status(), 422);
    let problem: serde_json::Value = refused.json().await.unwrap();
    assert_eq!(problem["diagnostics"], status["refused"]);

    rig.put(&probe("a", &json!({})));
    rig.serves(&["a", "b", "c"]).await;
    assert_eq!(rig.metric("landfall_reload_taken").await, 1.0);
    assert!(rig.metric("landfall_reload_timestamp_seconds").await > taken_at);
    assert_eq!(rig.json("/api/v1/status").await["refused"], json!([]));
    assert!(!rig.get("/").await.contains("stay in force"));
    assert_eq!(rig.daemon.stopped().await.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_holds_from_a_start_on_keeps_its_value_and_is_named() {
    let target = Silent::start().await;
    let landfall = workspace(&target.base, &json!({}));
    let rig = Rig::start(&landfall, &[probe("a", &json!({}))], &["--no-watch"]).await;
    let moved =
        json!({ "location": "elsewhere", "store": "sqlite:other.db", "retention": { "runs": "10d" } });
    rig.write("landfall.yaml", &workspace(&target.base, &moved));
    let done = rig.reload().await;
    assert_eq!(done["restart"], json!(["store", "location"]));
    assert_eq!((&done["unchanged"], &done["changed"]), (&json!(1), &json!([])));
    for key in ["store", "location"] {
        rig.daemon
            .says(&format!("`{key}` of landfall.yaml is another"))
            .await;
    }
    assert_eq!(rig.metric("landfall_restart_needed").await, 2.0);
    let status = rig.json("/api/v1/status").await;
    assert_eq!(
        (&status["restart"], &status["location"]),
        (&json!(["store", "location"]), &json!("local"))
    );
    assert!(rig.get("/").await.contains("Restart landfall"));
    rig.fire("a").await;
    let order = target.order("a", 1).await;
    assert_eq!(
        rig.call(
            reqwest::Method::POST,
            order["webhook"].as_str().unwrap(),
            &json!({})
        )
        .await,
        200
    );
    assert_eq!(rig.ended("a", 1).await[0]["location"], "local");
    assert!(!rig.dir.path().join("other.db").exists());

    rig.write("landfall.yaml", &landfall);
    assert_eq!(rig.reload().await["restart"], json!([]));
    assert_eq!(rig.metric("landfall_restart_needed").await, 0.0);
    assert!(!rig.get("/").await.contains("Restart landfall"));
    assert_eq!(rig.daemon.stopped().await.code(), Some(0));
}
