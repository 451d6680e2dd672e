//! The page of a run: while it is in flight, as it ends, and as its verdict changes after that.

use std::net::SocketAddr;

use axum::Json;
use axum::http::StatusCode;
use axum::routing::post;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::{Browser, Rig, Theme, looked_at};
use crate::web::breathe;

/// Takes requests for good, and tells where their outcome is waited for.
async fn system() -> (SocketAddr, mpsc::UnboundedReceiver<String>) {
    let (tell, told) = mpsc::unbounded_channel();
    let take = move |Json(body): Json<Value>| async move {
        tell.send(body["webhook"].as_str().unwrap().to_owned()).unwrap();
        (StatusCode::ACCEPTED, Json(json!({ "id": "m-1" })))
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let router = axum::Router::new().route("/", post(take));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (at, told)
}

/// Waits for one callback, and for long.
fn probe(at: SocketAddr) -> String {
    format!(
        "name: patient
routes: {{ one: {{}}, other: {{}} }}
request:
  http:
    url: \"http://{at}/\"
    json: {{ ref: \"{{{{ token }}}}\", webhook: \"{{{{ channels.hooks.url }}}}\" }}
executed:
  - step: begun
    in: hooks
    where: seen.json.event == \"begun\"
    within: 5m
outcome:
  - in: hooks
    where: seen.json.event == \"done\"
    within: 5m
settle: 0s
"
    )
}

impl Rig {
    /// The page of a run that is in flight, as the overview links to it.
    async fn in_flight(&self) -> String {
        for _ in 0..6_000 {
            let page = self.client.get(self.url("/")).send().await.unwrap();
            let page = page.text().await.unwrap();
            if let Some((_, rest)) = page.split_once("href=\"/runs/") {
                return self.url(&format!("/runs/{}", rest.split('"').next().unwrap()));
            }
            breathe().await;
        }
        panic!("none is in flight");
    }

    async fn outcome(&self, hook: &str, id: &str, event: &str) {
        let sent = self.client.post(hook).header("webhook-id", id);
        let answer = sent.json(&json!({ "event": event })).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.status());
    }
}

fn offline(offline: bool) -> Value {
    json!({ "offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1 })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_of_a_run_follows_it_from_flight_to_what_changes_after_its_end() {
    let (at, mut hooks) = system().await;
    let rig = Rig::probing(&probe(at)).await;
    rig.fire("patient", 2).await;
    let all = [hooks.recv().await.unwrap(), hooks.recv().await.unwrap()];
    let url = rig.in_flight().await;
    let browser = Browser::start().await;
    let mut page = browser.page().await;
    let mut wrong = looked_at(&mut page, "run-open", &url, &[&rig.base]).await;

    page.look(1280, Theme::Light).await;
    page.open(&url).await;
    page.eval("window.here = true").await;
    page.until("document.body.innerText.includes('Nothing yet')")
        .await;
    for hook in &all {
        rig.outcome(hook, &format!("a{hook}"), "begun").await;
    }
    page.until("!document.body.innerText.includes('Nothing yet')")
        .await;
    page.until("document.getElementById('live').innerText === 'live'")
        .await;
    // It ends, and the page is that of an ended run, with the other of its tick.
    for hook in &all {
        rig.outcome(hook, &format!("b{hook}"), "done").await;
    }
    page.until(
        "document.title.startsWith('delivered') && document.body.innerText.includes('At the same tick')",
    )
    .await;
    page.until("!document.querySelector('[data-again]')").await;
    let folds = "document.querySelector('section.time details')";
    page.eval(&format!("{folds}.open = true")).await;

    // What changes while the connection is gone is there when it is back, and what was opened stays open.
    page.call("Network.emulateNetworkConditions", offline(true)).await;
    page.until("document.getElementById('live').innerText.startsWith('reconnecting')")
        .await;
    for hook in &all {
        rig.outcome(hook, &format!("c{hook}"), "done").await;
    }
    page.call("Network.emulateNetworkConditions", offline(false))
        .await;
    page.until("document.title.startsWith('duplicate') && document.body.innerText.includes('changed after the run had closed')")
        .await;
    page.until("document.getElementById('live').innerText === 'live'")
        .await;
    assert_eq!(page.eval(&format!("{folds}.open")).await, true);
    assert_eq!(page.eval("window.here").await, true, "it was not loaded again");
    let trouble = page.trouble(&[&rig.base]);
    // That nothing can be fetched is what being offline means.
    wrong.extend(
        trouble
            .into_iter()
            .filter(|found| !found.contains("ERR_INTERNET_DISCONNECTED")),
    );
    wrong.extend(looked_at(&mut page, "run-amended", &url, &[&rig.base]).await);
    assert!(
        wrong.is_empty(),
        "{} things are wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_script_the_page_of_a_run_in_flight_stays_until_it_is_asked_for_again() {
    let (at, mut hooks) = system().await;
    let rig = Rig::probing(&probe(at)).await;
    rig.fire("patient", 2).await;
    let all = [hooks.recv().await.unwrap(), hooks.recv().await.unwrap()];
    let url = rig.in_flight().await;
    let browser = Browser::start().await;
    let mut page = browser.page().await;
    page.look(1280, Theme::Light).await;
    page.call("Emulation.setScriptExecutionDisabled", json!({ "value": true }))
        .await;
    page.open(&url).await;
    assert_eq!(
        page.eval("!!document.querySelector('meta[http-equiv]')").await,
        false
    );
    for hook in &all {
        for event in ["begun", "done"] {
            rig.outcome(hook, &format!("{event}{hook}"), event).await;
        }
    }
    rig.ended(2).await;
    page.eval("[...document.querySelectorAll('a')].find(a => a.innerText === 'Load again').focus()")
        .await;
    let before = page.heard();
    page.press("Enter").await;
    page.loaded(before).await;
    page.until("document.title.startsWith('delivered')").await;
}
