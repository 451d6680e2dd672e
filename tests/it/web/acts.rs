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

#[tokio::test(flavor = "multi_thread")]
async fn a_mute_outlives_a_restart_and_can_be_ended() {
    let rig = Rig::start().await;
    let body =
        json!({ "probe": "orders", "route": "gone", "until": "2199-01-01T00:00:00Z", "reason": "known" });
    let made = rig.post("/api/v1/mutes", &body).await;
    assert_eq!(made.status(), 201);
    let made: Value = made.json().await.unwrap();
    assert_eq!(
        (&made["by"], &made["until"]),
        (&json!("local"), &json!("2199-01-01T00:00:00.000Z"))
    );
    for (wrong, status) in [
        (json!({ "probe": "ordres" }), 404),
        (json!({ "probe": "orders", "route": "gnoe" }), 400),
        (json!({ "route": "gnoe" }), 404),
        (json!({ "until": "2001-01-01T00:00:00Z" }), 400),
        (json!({ "until": "soon" }), 400),
        (json!({ "reason": "x".repeat(501) }), 400),
        (json!({ "who": "me" }), 400),
    ] {
        problem(rig.post("/api/v1/mutes", &wrong).await, status).await;
    }
    let dir = std::sync::Arc::clone(&rig.dir);
    drop(rig);

    let rig = Rig::again(dir).await;
    assert_eq!(rig.json("/api/v1/mutes").await["mutes"], json!([made]));
    assert_eq!(rig.json("/api/v1/alerts").await["alerts"], json!([]));
    let end = format!("/api/v1/mutes/{}/end", made["id"].as_str().unwrap());
    let ended = async || -> Value { rig.post(&end, &json!({})).await.json().await.unwrap() };
    assert_eq!(ended().await, json!({ "was": true }));
    assert_eq!(ended().await, json!({ "was": false }));
    assert_eq!(rig.json("/api/v1/mutes").await["mutes"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_alert_and_the_health_of_who_is_told_are_shown_everywhere() {
    let (up, down) = (
        crate::alerts::Peer::start().await,
        crate::alerts::Peer::start().await,
    );
    *down.answer.lock().unwrap() = 503;
    let hook = |peer: &crate::alerts::Peer| json!({ "webhook": { "url": peer.url } });
    let more = json!({
        "alerts": { "chat": hook(&up), "gone": hook(&down) },
        "defaults": { "alerts": { "in_a_row": 1, "wait": "0s" } },
    });
    let rig = Rig::with(&more, "").await;
    rig.fired("gone").await;
    let destinations = async || rig.json("/api/v1/destinations").await["destinations"].clone();
    let mut known = destinations().await;
    for _ in 0..2000 {
        if known[0]["sent"] == json!(1) && known[1]["failed"] != json!(0) {
            break;
        }
        tokio::task::yield_now().await;
        known = destinations().await;
    }
    assert_eq!(
        (&known[0]["name"], &known[0]["sent"]),
        (&json!("chat"), &json!(1)),
        "{known}"
    );
    assert!(
        known[0]["last_success"].is_string() && known[0]["last_failure"].is_null(),
        "{known}"
    );
    assert!(
        known[1]["down_since"].is_string() && known[1]["waiting"] == json!(1),
        "{known}"
    );
    let alerts = rig.json("/api/v1/alerts").await["alerts"].clone();
    assert_eq!(
        (&alerts[0]["probe"], &alerts[0]["severity"], &alerts[0]["routes"]),
        (&json!("orders"), &json!("page"), &json!(["gone"]))
    );
    let metrics = rig.get("/metrics").await.text().await.unwrap();
    for line in [
        "landfall_alerts_open{probe=\"orders\"} 1",
        "landfall_alert_destination_up{destination=\"gone\"} 0",
        "landfall_alert_waiting{destination=\"gone\"} 1",
        "landfall_alert_messages_total{destination=\"chat\",result=\"sent\"} 1",
        "landfall_alert_last_success_timestamp_seconds{destination=\"chat\"}",
    ] {
        assert!(metrics.contains(line), "{line}\n{metrics}");
    }
    let page = rig.get("/alerts").await.text().await.unwrap();
    assert!(
        page.contains("href=\"/probes/orders\"") && page.contains("takes alerts") && page.contains("down"),
        "{page}"
    );
    let home = rig.get("/").await.text().await.unwrap();
    assert!(home.contains("<tbody id=\"orders\""), "{home}");

    // A form that no page of ours made does nothing; the page's own mutes.
    let send = async |proof: &str| {
        let pairs = [
            ("proof", proof),
            ("probe", "orders"),
            ("route", ""),
            ("hours", "1"),
            ("reason", "known"),
        ];
        let request = rig.request(reqwest::Method::POST, "/alerts/mute").form(&pairs);
        request.send().await.unwrap()
    };
    assert_eq!(send("made-up").await.status(), 403);
    let proof = page.split("name=\"proof\" value=\"").nth(1).unwrap();
    let proof = proof.split('"').next().unwrap().to_owned();
    let muted = send(&proof).await;
    assert_eq!(
        (
            muted.status().as_u16(),
            muted.headers()["location"].to_str().unwrap()
        ),
        (303, "/alerts?done=muted")
    );
    assert_eq!(
        rig.json("/api/v1/alerts").await["alerts"][0]["muted"],
        json!(true)
    );
    let page = rig.get("/alerts?done=muted").await.text().await.unwrap();
    assert!(page.contains("Muted: runs go on, and nobody is told."), "{page}");
}
