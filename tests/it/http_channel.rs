//! The `http` channel against a server that does as it is told.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use landfall::channel::ChannelConfig;
use landfall::diag::Problems;
use landfall::model::{Reason, Token};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::support::channel::eventually;
use crate::support::polled::{Rig, TestScope, run, token, watch};

/// What a resource answers; asked for what is not here, the server answers 404.
#[derive(Clone)]
enum Says {
    Status(u16, String),
    Redirect,
    Endless,
    Nothing,
}

#[derive(Clone, Default)]
struct Script {
    says: Arc<Mutex<HashMap<String, Says>>>,
    asked: Arc<Mutex<Vec<(String, HeaderMap)>>>,
}

impl Script {
    fn set(&self, name: &str, says: Says) {
        self.says.lock().unwrap().insert(name.to_owned(), says);
    }

    fn json(&self, token: &Token, value: Value) {
        self.set(token.as_str(), Says::Status(200, value.to_string()));
    }

    fn asked(&self, name: &str) -> usize {
        self.asked
            .lock()
            .unwrap()
            .iter()
            .filter(|(n, _)| n == name)
            .count()
    }

    /// Serves on this listener until the task is aborted.
    fn serve(&self, listener: TcpListener) -> tokio::task::JoinHandle<()> {
        let app = axum::Router::new()
            .route("/orders/{name}", axum::routing::get(answer))
            .with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() })
    }
}

async fn answer(State(script): State<Script>, Path(name): Path<String>, headers: HeaderMap) -> Response {
    script.asked.lock().unwrap().push((name.clone(), headers));
    let says = script.says.lock().unwrap().get(&name).cloned();
    let (status, body) = match says.unwrap_or(Says::Status(404, String::new())) {
        Says::Status(status, body) => (status, Body::from(body)),
        Says::Redirect => {
            let redirect = Response::builder()
                .status(302)
                .header("location", "/orders/elsewhere");
            return redirect.body(Body::empty()).unwrap();
        }
        Says::Endless => {
            let chunk = Bytes::from(vec![b'x'; 64 << 10]);
            // 1 GB, were anyone to read it.
            let chunks =
                futures::stream::iter((0..16_384).map(move |_| Ok::<_, std::io::Error>(chunk.clone())));
            (200, Body::from_stream(chunks))
        }
        Says::Nothing => std::future::pending().await,
    };
    Response::builder().status(status).body(body).unwrap()
}

/// A server and a channel that asks it.
async fn rig(more: Value) -> (Script, Rig) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let script = Script::default();
    script.serve(listener);
    (
        script,
        open(&format!("{base}/orders/{{{{ token }}}}"), more).await,
    )
}

async fn open(url: &str, more: Value) -> Rig {
    let mut config = json!({ "url": url, "poll": "20ms" });
    config
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    Rig::open(json!({ "http": config }), std::path::Path::new("/")).await
}

#[tokio::test]
async fn what_is_not_yet_there_is_found_when_it_is_and_each_change_once() {
    let (script, rig) =
        rig(json!({ "auth": { "bearer": "s3cret" }, "headers": { "x-run": "{{ token }}" } })).await;
    let t = rig.arm().await;
    script.set(t.as_str(), Says::Status(500, String::from("oops")));
    rig.look().await.unwrap();
    assert!(rig.sink.seen().is_empty(), "404 and 500 are not yet");
    script.json(&t, json!({ "status": "new" }));
    rig.look().await.unwrap();
    rig.look().await.unwrap();
    script.json(&t, json!({ "status": "paid" }));
    rig.look().await.unwrap();
    let seen = rig.of(&t);
    let states: Vec<&Value> = seen.iter().map(|s| &s.seen["json"]["status"]).collect();
    assert_eq!(states, ["new", "paid"]);
    assert_eq!(seen[0].identity, seen[1].identity);
    assert_eq!(seen[0].seen["status"], 200);
    assert!(seen[0].at.lo < seen[0].looked_at.unwrap() && seen[0].looked_at.unwrap() < seen[0].at.hi);
    let (_, headers) = script.asked.lock().unwrap()[0].clone();
    assert_eq!(
        (&headers["authorization"], &headers["x-run"]),
        (&"Bearer s3cret".parse().unwrap(), &t.as_str().parse().unwrap())
    );
    assert!(rig.sink.downs.lock().unwrap().is_empty());
    rig.channel.disarm(run(1));
    rig.look().await.unwrap();
    let idle = script.asked(t.as_str());
    rig.look().await.unwrap();
    assert_eq!(
        script.asked(t.as_str()),
        idle,
        "nothing is asked when nothing is armed"
    );
    rig.end().await;
}

#[tokio::test]
async fn found_and_terminal_say_what_counts_and_when_to_stop() {
    let (script, rig) = rig(json!({
        "found": "seen.json.done == true",
        "terminal": "seen.json.status == \"failed\"",
    }))
    .await;
    let t = rig.arm().await;
    script.json(&t, json!({ "done": false, "status": "new" }));
    rig.look().await.unwrap();
    assert!(rig.sink.seen().is_empty());
    script.json(&t, json!({ "done": true, "status": "failed" }));
    rig.look().await.unwrap();
    assert_eq!(rig.of(&t).len(), 1);
    let asked = script.asked(t.as_str());
    rig.look().await.unwrap();
    rig.channel.look_for(run(1), rig.clock.now()).await.unwrap();
    assert_eq!(script.asked(t.as_str()), asked, "nothing changes any more");
}

#[tokio::test]
async fn a_refused_connection_is_a_look_and_what_comes_later_is_found() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let rig = open(&format!("http://{address}/orders/{{{{ token }}}}"), json!({})).await;
    let t = rig.arm().await;
    rig.look().await.unwrap();
    assert!(rig.sink.downs.lock().unwrap().is_empty());
    let script = Script::default();
    script.json(&t, json!({ "up": true }));
    script.serve(TcpListener::bind(address).await.unwrap());
    eventually("the resource", || (!rig.of(&t).is_empty()).then_some(())).await;
    assert!(!rig.of(&t)[0].widened);
}

#[tokio::test]
async fn an_address_that_needs_a_captured_value_is_asked_after_the_answer() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let script = Script::default();
    script.serve(listener);
    let rig = open(&format!("{base}/orders/{{{{ order }}}}"), json!({})).await;
    let t = rig.arm().await;
    script.set("77", Says::Status(200, String::from("{}")));
    let offers = |names| rig.channel.offers(&token(1), &*TestScope::of(names)).unwrap();
    assert_eq!(offers(&[]), json!({}));
    assert_eq!(
        offers(&[("order", json!(77))]),
        json!({ "url": format!("{base}/orders/77") })
    );
    let fault = rig.channel.look_for(run(1), rig.clock.now()).await.unwrap_err();
    assert!(fault.message.contains("`order` is undefined"), "{fault}");
    rig.channel.extend(
        run(1),
        &[String::from("77")],
        TestScope::of(&[("order", json!(77))]),
    );
    rig.look().await.unwrap();
    assert_eq!(rig.of(&t).len(), 1);
    let other = rig.arm().await;
    rig.channel.extend(run(2), &[], TestScope::of(&[]));
    eventually("what is missing for good", || {
        (!rig.sink.dropped.lock().unwrap().is_empty()).then_some(())
    })
    .await;
    assert!(rig.of(&other).is_empty());
}

#[tokio::test]
async fn redirects_are_not_followed_and_bodies_are_cut() {
    let (script, rig) = rig(json!({ "body_limit": 100_000, "found": "seen.status == 200" })).await;
    let (away, endless) = (rig.arm().await, rig.arm().await);
    script.set(away.as_str(), Says::Redirect);
    script.set("elsewhere", Says::Status(200, String::new()));
    script.set(endless.as_str(), Says::Endless);
    rig.look().await.unwrap();
    assert!(rig.of(&away).is_empty());
    assert_eq!(script.asked("elsewhere"), 0);
    let seen = &rig.of(&endless)[0].seen;
    assert_eq!(seen["text"].as_str().unwrap().len(), 100_000);
    assert_eq!(seen["cut"][0], "the body, at the limit `body_limit` (100000)");
}

#[tokio::test]
async fn a_server_that_never_answers_holds_up_no_other_run() {
    let (script, rig) = rig(json!({ "timeout": "300ms", "concurrent": 2 })).await;
    let (mute, plain) = (rig.arm().await, rig.arm().await);
    script.set(mute.as_str(), Says::Nothing);
    script.json(&plain, json!({}));
    rig.channel.look_for(run(2), rig.clock.now()).await.unwrap();
    assert_eq!(rig.of(&plain).len(), 1);
    rig.channel.look_for(run(1), rig.clock.now()).await.unwrap();
    assert!(
        rig.sink.downs.lock().unwrap().is_empty(),
        "no answer is the target's not yet"
    );
    script.json(&mute, json!({}));
    eventually("the answer", || (!rig.of(&mute).is_empty()).then_some(())).await;
    rig.end().await;
}

#[tokio::test]
async fn what_is_wrong_on_our_side_blinds() {
    let rig = open("http://no-such-host.invalid/{{ token }}", json!({})).await;
    let fault = rig.channel.arm(watch(1, &[])).await.unwrap_err();
    assert_eq!(fault.reason, Reason::Dns, "{fault}");
    assert!(
        fault
            .message
            .contains("`no-such-host.invalid` could not be asked"),
        "{fault}"
    );
    assert_eq!(rig.sink.downs.lock().unwrap().len(), 1);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/{{{{ token }}}}", listener.local_addr().unwrap());
    Script::default().serve(listener);
    let rig = open(&url, json!({})).await;
    let fault = rig.channel.arm(watch(1, &[])).await.unwrap_err();
    assert_eq!(fault.reason, Reason::Tls, "{fault}");
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let said = |value: Value| {
        let config: ChannelConfig = serde_json::from_value(json!({ "http": value })).unwrap();
        let mut problems = Problems::default();
        config.check(&mut problems);
        problems
            .all()
            .iter()
            .map(|p| p.message.clone())
            .collect::<Vec<_>>()
            .join("; ")
    };
    assert_eq!(said(json!({ "url": "http://x/{{ token }}" })), "");
    assert!(said(json!({ "url": "http://x/" })).contains("names no run"));
    let wrong = json!({
        "url": "http://x/{{ token }}", "method": "G T", "headers": { "a b": "" }, "poll": "1ms", "concurrent": 0,
    });
    for part in [
        "`G T` is no HTTP method",
        "`a b` is no name",
        "`poll` is `1ms`",
        "`concurrent` is `0`",
    ] {
        assert!(said(wrong.clone()).contains(part), "{part}");
    }
}

#[test]
fn the_examples_of_polled_kinds_decode_and_pass_their_check() {
    for kind in ["sqlite", "postgres", "http"] {
        let facts = landfall::channel::FACTS.iter().find(|f| f.name == kind).unwrap();
        let example: Value = serde_yaml::from_str(facts.example).unwrap();
        let config: ChannelConfig = serde_json::from_value(json!({ kind: example })).unwrap();
        let mut problems = Problems::default();
        config.check(&mut problems);
        assert_eq!(problems.all(), [], "{kind}");
    }
}
