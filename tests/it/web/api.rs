//! What is looked at: every endpoint, and each way to ask for it wrongly.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Rig, problem};

#[tokio::test(flavor = "multi_thread")]
async fn probes_and_runs_are_told_as_they_are() {
    let rig = Rig::start().await;
    let delivered = rig.fired("good").await;
    let lost = rig.fired("gone").await;
    assert_eq!(
        (&delivered["class"], &lost["class"]),
        (&json!("delivered"), &json!("lost"))
    );
    assert_eq!(lost["silent_failure"], true);

    let probes = rig.json("/api/v1/probes").await;
    let orders = &probes["probes"][0];
    assert_eq!(orders["name"], "orders");
    assert_eq!(orders["schedule"], Value::Null);
    assert_eq!(orders["routes"][0]["name"], "good");
    assert_eq!(orders["routes"][0]["state"], "ok");
    assert_eq!(orders["routes"][0]["last"][0]["id"], delivered["id"]);
    assert_eq!(orders["routes"][1]["state"], "degraded");
    assert_eq!(orders["state"], "degraded");
    assert_eq!(
        &rig.json("/api/v1/probes/orders").await["labels"],
        &json!({ "team": "payments" })
    );

    let one = rig
        .json(&format!("/api/v1/runs/{}", lost["id"].as_str().unwrap()))
        .await;
    assert_eq!(one["run"]["id"], lost["id"]);
    assert_eq!(one["replaced"], json!([]));
    let whos: Vec<&str> = one["timeline"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["who"].as_str().unwrap())
        .collect();
    assert_eq!(whos[0], "fired");
    assert!(
        whos.contains(&"hooks") && whos.last() == Some(&"verdict"),
        "{whos:?}"
    );

    let status = rig.json("/api/v1/status").await;
    assert_eq!(status["ready"], true);
    assert_eq!(status["probes"]["degraded"], 1);
    assert_eq!(status["in_flight"], 0);
    let channels = rig.json("/api/v1/channels").await;
    assert_eq!(channels["channels"][0]["kind"], "callback");
    assert_eq!(channels["channels"][0]["up"], true);
    assert_eq!(channels["channels"][0]["observations"]["matched"], 1);
    let store = rig.json("/api/v1/store").await;
    assert_eq!(store["runs"], 2);
    assert!(store["bytes"].as_u64().unwrap() > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_are_those_of_the_report() {
    let rig = Rig::start().await;
    let empty = rig.json("/api/v1/probes/orders/figures").await;
    assert_eq!(empty["probes"], json!([]));
    rig.fired("good").await;
    rig.fired("gone").await;
    // A verdict may be amended between the two readings.
    let mut both = (Value::Null, json!([]));
    for _ in 0..20 {
        both.0 = rig.json("/api/v1/probes/orders/figures").await["probes"].take();
        let mut command = crate::support::process::landfall(rig.dir.path(), &[]);
        command.args(["report", "--format", "json"]);
        let (code, printed, said) = crate::support::process::ended(command);
        assert_eq!(code, 0, "{said}");
        both.1 = serde_json::from_str::<Value>(&printed).unwrap()["probes"].take();
        // Causes have an address of their own.
        assert!(both.1[0]["separates"].take().is_object());
        if both.0 == both.1 {
            break;
        }
    }
    assert_eq!(both.0, both.1);
    let series = both.0[0]["series"].as_array().unwrap();
    assert_eq!(series.len(), 2);
    assert!(series.iter().all(|one| one["runs"] == 1));
    let later = rig
        .json("/api/v1/probes/orders/figures?since=2199-01-01T00:00:00Z")
        .await;
    assert_eq!(later["probes"], json!([]));
    problem(rig.get("/api/v1/probes/order/figures").await, 404).await;
    problem(rig.get("/api/v1/probes/orders/figures?since=now").await, 400).await;
    problem(rig.get("/api/v1/probes/orders/figures?until=now").await, 400).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_are_filtered_and_paged() {
    let rig = Rig::start().await;
    let mut ids = Vec::new();
    for route in ["good", "good", "gone", "good"] {
        ids.push(rig.fired(route).await["id"].clone());
    }
    ids.reverse();
    let listed = async |query: &str| -> Vec<Value> {
        let page = rig.json(&format!("/api/v1/runs?{query}")).await;
        page["runs"]
            .as_array()
            .unwrap()
            .iter()
            .map(|run| run["id"].clone())
            .collect()
    };
    assert_eq!(listed("").await, ids);
    assert_eq!(listed("class=lost").await, [ids[1].clone()]);
    assert_eq!(listed("class=lost&class=delivered").await, ids);
    assert_eq!(listed("route=gone&label=team%3Dpayments").await, [ids[1].clone()]);
    assert!(listed("label=team%3Dother").await.is_empty());
    assert!(listed("probe=other").await.is_empty());
    let tick = rig.json("/api/v1/runs").await["runs"][1]["tick"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(listed(&format!("since={tick}")).await, ids[..2]);
    assert_eq!(listed(&format!("until={tick}")).await, ids[2..]);

    let (mut paged, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = rig.json(&format!("/api/v1/runs?limit=3{cursor}")).await;
        paged.extend(
            page["runs"]
                .as_array()
                .unwrap()
                .iter()
                .map(|run| run["id"].clone()),
        );
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(paged, ids);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_wrongly_is_named() {
    let rig = Rig::start().await;
    let wrong = rig
        .get("/api/v1/runs?class=gone&since=yesterday&limit=0&label=x&cursor=1&odd=2&limit=1")
        .await;
    let wrong = problem(wrong, 400).await;
    let named: Vec<&str> = wrong["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["parameter"].as_str().unwrap())
        .collect();
    for name in ["class", "since", "limit", "label", "cursor", "odd"] {
        assert!(named.contains(&name), "{name}: {wrong}");
    }
    for path in [
        "/api/v1/status?x=1",
        "/api/v1/runs/not-an-id",
        "/api/v1/marks?limit=501",
        "/api/v1/probes?a",
    ] {
        problem(rig.get(path).await, 400).await;
    }
    let nothing = "/api/v1/runs/00000000-0000-0000-0000-000000000000";
    for path in [nothing, "/api/v1/probes/ordres", "/api/v1/nothing", "/api/v2"] {
        problem(rig.get(path).await, 404).await;
    }
    let refused = rig.request(Method::DELETE, "/api/v1/runs").send().await.unwrap();
    assert_eq!(refused.headers()["allow"], "GET,HEAD");
    problem(refused, 405).await;
    let huge = vec![b' '; 70_000];
    let huge = rig
        .request(Method::POST, "/api/v1/marks")
        .header("content-type", "application/json")
        .body(huge);
    problem(huge.send().await.unwrap(), 413).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_are_checked_to_the_field() {
    let rig = Rig::start().await;
    let at = async |path: &str, body: Value, pointer: &str| {
        let said = problem(rig.post(path, &body).await, 400).await;
        assert_eq!(said["errors"][0]["pointer"], pointer, "{said}");
        said["detail"].as_str().unwrap().to_owned()
    };
    let fire = "/api/v1/probes/orders/fire";
    assert!(
        at(fire, json!({ "routes": ["good", "goon"] }), "/routes/1")
            .await
            .contains("did you mean `gone`?")
    );
    at(fire, json!({ "routes": [7] }), "/routes/0").await;
    at(fire, json!({ "route": "good" }), "/route").await;
    at("/api/v1/probes/orders/pause", json!({ "route": "x" }), "/route").await;
    at(
        "/api/v1/probes/orders/pause",
        json!({ "reason": "x".repeat(501) }),
        "/reason",
    )
    .await;
    at("/api/v1/marks", json!({ "text": "x", "at": "now" }), "/at").await;
    at(
        "/api/v1/marks",
        json!({ "text": "x", "labels": { "a": 1 } }),
        "/labels/a",
    )
    .await;
    let blank = problem(rig.post("/api/v1/marks", &json!({ "text": " " })).await, 400).await;
    assert!(blank["detail"].as_str().unwrap().contains("text"), "{blank}");
    for body in ["", "[]", "{", "null", "\u{0}"] {
        let sent = rig
            .request(Method::POST, fire)
            .header("content-type", "application/json")
            .body(body);
        problem(sent.send().await.unwrap(), 400).await;
    }
    problem(rig.post("/api/v1/probes/ordres/fire", &json!({})).await, 404).await;
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonx",
    ] {
        let sent = rig
            .request(Method::POST, fire)
            .header("content-type", kind)
            .body("{}");
        problem(sent.send().await.unwrap(), 415).await;
    }
    problem(
        rig.request(Method::POST, fire).body("{}").send().await.unwrap(),
        415,
    )
    .await;
    assert!(
        rig.json("/api/v1/runs").await["runs"]
            .as_array()
            .unwrap()
            .is_empty(),
        "nothing of it has fired"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn health_says_which_part_and_nothing_more() {
    let rig = Rig::start().await;
    let answers = [("/healthz", "ok\n"), ("/readyz", "ready\n")];
    for (path, expected) in answers {
        let answer = rig.get(path).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["cache-control"], "no-store");
        assert_eq!(answer.text().await.unwrap(), expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn callbacks_keep_their_paths_and_their_one_answer() {
    let rig = Rig::start().await;
    for path in ["/c", "/c/", "/c/made-up", "/c/made-up/token"] {
        let answer = rig.get(path).await;
        assert_eq!(answer.status(), 404);
        assert_eq!(answer.text().await.unwrap(), "not found\n");
    }
}
