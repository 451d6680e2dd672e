//! The page of a probe, and what the API tells of its history.

use serde_json::{Value, json};

use super::{Rig, problem};

async fn shown(rig: &Rig, path: &str, part: &str) -> String {
    for _ in 0..2000 {
        let page = rig.get(path).await;
        assert_eq!(page.status(), 200, "{path}");
        let html = page.text().await.unwrap();
        if html.contains(part) {
            return html;
        }
        super::breathe().await;
    }
    panic!("{path} never showed {part}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_shows_its_routes_side_by_side() {
    let rig = Rig::start().await;
    let none = shown(&rig, "/probes/orders", "None of the last 0 runs").await;
    assert!(none.contains("No run ended in this time."), "{none}");
    let (good, gone) = (rig.fired("good").await, rig.fired("gone").await);
    let mark = json!({ "text": "<b>release</b> 7", "kind": "deployment" });
    assert_eq!(rig.post("/api/v1/marks", &mark).await.status(), 201);
    let html = shown(&rig, "/probes/orders?since=1h", "&lt;b&gt;release&lt;/b&gt; 7").await;
    let gone = gone["id"].as_str().unwrap();
    for part in [
        "Silent failures",
        "not reached",
        "id=\"charts-waits\"",
        "id=\"charts-classes-0\"",
        "An order is confirmed.",
        "Last runs that did not end well",
        &format!("/runs/{gone}"),
        "probes/probe.yaml",
        "lost after 2.01 s",
        "aria-current=\"true\"",
    ] {
        assert!(html.contains(part), "{part}: {html}");
    }
    assert!(
        !html.contains("<b>release") && !html.contains("style=\"") && !html.contains("NaN"),
        "{html}"
    );
    // One route alone.
    let one = shown(
        &rig,
        "/probes/orders?since=1h&route=good",
        "id=\"charts-classes-0\"",
    )
    .await;
    assert!(
        !one.contains("id=\"charts-classes-1\"") && !one.contains(gone),
        "{one}"
    );
    assert!(one.contains("since=7d&amp;route=good"), "{one}");
    // A window in which nothing was.
    let path = "/probes/orders?from=2001-01-01T00:00:00Z&to=2001-01-02T00:00:00Z";
    shown(&rig, path, "No run ended in this time.").await;
    assert_eq!(good["class"], "delivered");
}

#[tokio::test(flavor = "multi_thread")]
async fn routes_are_compared_tick_by_tick_and_maintenance_is_on_the_time_line() {
    let more = json!({ "maintenance": [
        { "from": "2026-01-01T00:00:00Z", "to": "2099-01-01T00:00:00Z", "mode": "mute", "reason": "<b>move</b>" },
    ] });
    let rig = Rig::with(&more, "").await;
    for _ in 0..3 {
        let fired = rig.post("/api/v1/probes/orders/fire", &json!({})).await;
        assert_eq!(fired.status(), 202);
    }
    let html = shown(&rig, "/probes/orders?since=1h", "3 ticks").await;
    for part in [
        "Is a route worse?",
        "gone against good, paired by tick",
        "id=\"course-0\"",
        "valid at every look since",
        "Of all 6 runs of this time.",
        "it fires, and nobody is alerted: &lt;b&gt;move&lt;/b&gt;",
    ] {
        assert!(html.contains(part), "{part}: {html}");
    }
    // One route alone is compared with nothing.
    let one = shown(&rig, "/probes/orders?since=1h&route=good", "Of all 3 runs").await;
    assert!(!one.contains("Is a route worse?"), "{one}");
    // Any other time, as the form asks for it: where the shown one begins, up to now.
    let (_, form) = one.split_once("<details class=\"times\">").unwrap();
    let (from, rest) = form
        .split_once("name=\"from\" value=\"")
        .and_then(|(_, rest)| rest.split_once('"'))
        .unwrap();
    assert!(rest.contains("name=\"route\" value=\"good\""), "{rest}");
    let other = format!("/probes/orders?from={from}&to=&route=good");
    let there = shown(&rig, &other, "Of all 3 runs").await;
    assert!(!there.contains("<details class=\"times\">"), "{there}");
    // From an instant on, as alerts lead to it.
    shown(&rig, "/probes/orders?from=2026-01-01T00:00:00Z", "Of all 6 runs").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_unknown_or_wrong_is_said_with_its_status() {
    let rig = Rig::start().await;
    for (path, status, part) in [
        ("/probes/order", 404, "did you mean `orders`?"),
        ("/probes/%3Cscript%3E", 404, "there is no probe"),
        ("/probes/orders?since=soon", 400, "`soon` is no value of `since`"),
        (
            "/probes/orders?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z",
            400,
            "has to be before",
        ),
        ("/probes/orders?route=god", 400, "did you mean `good`?"),
        ("/probes/orders?input=plain", 400, "there is no input `plain`"),
        ("/probes/orders?sinse=1h", 400, "there is no parameter `sinse`"),
    ] {
        let page = rig.get(path).await;
        assert_eq!(page.status(), status, "{path}");
        let html = page.text().await.unwrap();
        assert!(
            html.contains(part) && !html.contains("<script>"),
            "{path}: {html}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn causes_and_paths_are_told_by_the_api() {
    let rig = Rig::start().await;
    rig.fired("good").await;
    rig.fired("gone").await;
    let mut causes = Value::Null;
    for _ in 0..2000 {
        causes = rig.json("/api/v1/probes/orders/causes").await;
        if causes["runs"] == 2 {
            break;
        }
        super::breathe().await;
    }
    assert_eq!(
        (&causes["looked_at"], &causes["most"], &causes["bad"]),
        (&json!(2), &json!(5000), &json!(1))
    );
    assert_eq!(causes["outcome"], "too_few");
    assert!(
        causes["window"]["since"].is_string() && causes["made"].is_string(),
        "{causes}"
    );
    let paths = rig.json("/api/v1/probes/orders/paths?route=good").await;
    assert_eq!((&paths["runs"], &paths["unknown"]), (&json!(1), &json!(1)));
    problem(rig.get("/api/v1/probes/nope/causes").await, 404).await;
    problem(rig.get("/api/v1/probes/orders/paths?route=nope").await, 400).await;
    let wrong = problem(
        rig.get("/api/v1/probes/orders/causes?until=2026-01-01T00:00:00Z")
            .await,
        400,
    )
    .await;
    assert!(
        wrong["detail"].as_str().unwrap().contains("needs `since`"),
        "{wrong}"
    );
}
