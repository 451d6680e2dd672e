//! The page of one run, ended and in flight, and what the API says of the runs around it.

use landfall::store::{Location, OpenRun, Options, Store};
use serde_json::{Value, json};

use super::{Rig, breathe, problem};

fn id(run: &Value) -> &str {
    run["id"].as_str().unwrap()
}

/// The page at this address, with this status.
async fn page(rig: &Rig, path: &str, status: u16) -> String {
    let response = rig.get(path).await;
    assert_eq!(response.status(), status, "{path}");
    assert_eq!(response.headers()["content-type"], "text/html; charset=utf-8");
    response.text().await.unwrap()
}

/// The address that a link of this kind leads to.
fn link<'a>(html: &'a str, rel: &str) -> &'a str {
    let at = html.split(&format!("rel=\"{rel}\" href=\"")).nth(1);
    at.unwrap_or_else(|| panic!("no {rel}: {html}"))
        .split('"')
        .next()
        .unwrap()
}

/// Fires both routes at one tick and waits until their runs have ended: that which was delivered, and that which was lost.
async fn both(rig: &Rig) -> [Value; 2] {
    let before = rig.json("/api/v1/runs").await["runs"].as_array().unwrap().len();
    rig.post("/api/v1/probes/orders/fire", &json!({})).await;
    for _ in 0..2000 {
        let all = rig.json("/api/v1/runs").await;
        let all = all["runs"].as_array().unwrap();
        if all.len() >= before + 2 {
            let of = |route: &str| all.iter().find(|run| run["route"] == route).unwrap().clone();
            return [of("good"), of("gone")];
        }
        breathe().await;
    }
    panic!("two runs have not ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_of_a_run_says_which_layer_failed_and_leads_on() {
    let rig = Rig::with(
        &json!({ "telemetry": { "trace_url": "https://tempo.example/trace/{trace_id}?x=1" } }),
        "",
    )
    .await;
    let [first, _] = both(&rig).await;
    let [good, gone] = both(&rig).await;
    let html = page(&rig, &format!("/runs/{}", id(&gone)), 200).await;
    for part in [
        "The API accepted it, and nothing arrived on <code>hooks</code> in 2.01 s.",
        "Silent failure",
        "first to go wrong",
        "Where the time went",
        "not reached in 2.01 s",
        "Request and answer",
        "status 202",
        "Nothing was seen on any channel.",
        "The other route at the same tick.",
        "They first part at outcome <code>hooks</code>: lost here, met",
        "At the same tick",
    ] {
        assert!(html.contains(part), "{part}: {html}");
    }
    let trace = id(&gone).replace('-', "");
    assert!(
        html.contains(&format!("href=\"https://tempo.example/trace/{trace}?x=1\"")),
        "{html}"
    );
    assert!(
        html.contains(&format!("/runs/{}", id(&good))),
        "its twin is linked"
    );

    let html = page(&rig, &format!("/runs/{}", id(&good)), 200).await;
    assert!(
        html.contains("Everything that was waited for arrived in time"),
        "{html}"
    );
    let before = link(&html, "prev").to_owned();
    assert_eq!(before, format!("/runs/{}", id(&first)));
    let html = page(&rig, &before, 200).await;
    assert_eq!(link(&html, "next"), format!("/runs/{}", id(&good)));
    assert!(html.contains("← previous: none on record"), "{html}");

    let named = format!("/runs/{}?twin={}", id(&good), id(&first));
    assert!(page(&rig, &named, 200).await.contains("The run that was named."));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_tells_of_the_same_neighbours_and_twin() {
    let rig = Rig::start().await;
    let [first, _] = both(&rig).await;
    let [good, gone] = both(&rig).await;
    let around = rig.json(&format!("/api/v1/runs/{}/neighbours", id(&good))).await;
    assert_eq!(around["previous"]["id"], first["id"]);
    assert_eq!(around["next"], Value::Null);
    assert_eq!(around["same_tick"][0]["id"], gone["id"]);
    assert_eq!(around["same_tick"][0]["class"], "lost");
    let twins = rig.json(&format!("/api/v1/runs/{}/twin", id(&gone))).await;
    assert_eq!(
        (&twins["twin"]["id"], &twins["chosen"]),
        (&good["id"], &json!("other_route"))
    );
    let named = format!("/api/v1/runs/{}/twin?twin={}", id(&gone), id(&first));
    assert_eq!(rig.json(&named).await["chosen"], "named");
    let nobody = "00000000-0000-7000-8000-000000000000";
    for path in [
        format!("/api/v1/runs/{nobody}/neighbours"),
        format!("/api/v1/runs/{nobody}/twin"),
        format!("/api/v1/runs/{nobody}/open"),
        format!("/api/v1/runs/{}/open", id(&good)),
        format!("/api/v1/runs/{}/twin?twin={nobody}", id(&good)),
    ] {
        problem(rig.get(&path).await, 404).await;
    }
    for query in [
        format!("twin={}", id(&good)),
        String::from("twin=x"),
        String::from("other=1"),
    ] {
        problem(
            rig.get(&format!("/api/v1/runs/{}/twin?{query}", id(&good))).await,
            400,
        )
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_without_a_twin_says_so() {
    let rig = Rig::start().await;
    let gone = rig.fired("gone").await;
    let html = page(&rig, &format!("/runs/{}", id(&gone)), 200).await;
    assert!(html.contains("No other route fired at its tick"), "{html}");
    problem(rig.get(&format!("/api/v1/runs/{}/twin", id(&gone))).await, 404).await;
    let good = rig.fired("good").await;
    let html = page(&rig, &format!("/runs/{}", id(&good)), 200).await;
    assert!(
        html.contains("No other route fired at its tick"),
        "a run is no twin of its own: {html}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_run_is_said_so_with_its_status() {
    let rig = Rig::start().await;
    let good = rig.fired("good").await;
    let nobody = "00000000-0000-7000-8000-000000000000";
    for (path, why) in [
        (String::from("/runs/x%3Cscript%3E"), "no id of a run"),
        (format!("/runs/{nobody}"), "never fired here"),
        (format!("/runs/{}?twin={nobody}", id(&good)), "never fired here"),
        (format!("/runs/{}?twin=x", id(&good)), "no id of a run"),
    ] {
        let html = page(&rig, &path, 404).await;
        assert!(
            html.contains("There is no run") && html.contains(why),
            "{path}: {html}"
        );
        assert!(!html.contains("<script>"), "{html}");
    }
    let itself = format!("/runs/{}?twin={}", id(&good), id(&good));
    assert!(page(&rig, &itself, 400).await.contains("both are the same run"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_in_flight_has_a_page_that_says_what_it_waits_for() {
    let dir = super::folder(&json!({}), "").await;
    let file = dir.path().join("probes/probe.yaml");
    let patient = std::fs::read_to_string(&file).unwrap().replace("2s", "10m");
    std::fs::write(&file, patient).unwrap();
    let rig = Rig::again(std::sync::Arc::new(dir)).await;
    let ask = json!({ "routes": ["gone"] });
    assert_eq!(rig.post("/api/v1/probes/orders/fire", &ask).await.status(), 202);
    let answered = async || {
        let at = Location::Sqlite(rig.dir.path().join("landfall.db"));
        let options = Options::new(landfall::model::Moment(0), "a test");
        let store = landfall::store::open_beside(&at, &options).ok()?;
        let open = one(store.as_ref()).await?;
        Some(open.intent.run).filter(|_| open.fired.is_some_and(|fired| fired.answer.is_some()))
    };
    let mut found = None;
    for _ in 0..2000 {
        found = answered().await;
        if found.is_some() {
            break;
        }
        breathe().await;
    }
    let run = found.expect("the run is open and answered");
    let html = page(&rig, &format!("/runs/{run}"), 200).await;
    for part in [
        "in flight",
        "It left ",
        "waits for 1 expectation",
        "status 202",
        "Given up at",
        "left",
    ] {
        assert!(html.contains(part), "{part}: {html}");
    }
    let open = rig.json(&format!("/api/v1/runs/{run}/open")).await;
    assert_eq!(
        (&open["waits"][0]["in"], &open["waits"][0]["within"]),
        (&json!("hooks"), &json!(600.0))
    );
    assert_eq!(open["answer"]["status"], 202);
    problem(rig.get(&format!("/api/v1/runs/{run}")).await, 404).await;
}

async fn one(store: &dyn Store) -> Option<OpenRun> {
    store.open_runs().await.ok()?.into_iter().next()
}
