//! What is taken, what is seen of it, and that it is on record before it is answered.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::BoxFuture;
use landfall::channel::{ObservationSink, Watch};
use landfall::clock::{Clock, SystemClock};
use landfall::model::{Fault, Identity, Moment, ObservationId, Reason, RunId, Sighting, Token};
use landfall::web::Settings;
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::{Client, Peer, Plain, request, token};
use crate::support::channel::eventually;

/// A store that is durable only when it is told to be.
#[derive(Default)]
pub(super) struct Slow {
    pub(super) entered: Notify,
    pub(super) release: Notify,
    pub(super) kept: Mutex<Vec<Sighting>>,
}

impl ObservationSink for Slow {
    fn send(&self, sighting: Sighting) -> BoxFuture<'_, Result<ObservationId, Fault>> {
        Box::pin(async move {
            self.entered.notify_one();
            self.release.notified().await;
            self.kept.lock().unwrap().push(sighting);
            Ok(ObservationId(1))
        })
    }
    fn down(&self, _: Moment, _: Fault) {}
    fn up(&self, _: bool) {}
    fn dropped(&self, _: &str, _: &[Token]) {}
    fn refused(&self, _: &str) {}
}

/// A sink whose budget for strays is used up.
struct Spent;

impl ObservationSink for Spent {
    fn send(&self, _: Sighting) -> BoxFuture<'_, Result<ObservationId, Fault>> {
        Box::pin(async { Err(Fault::new(Reason::Limit, "strays")) })
    }
    fn down(&self, _: Moment, _: Fault) {}
    fn up(&self, _: bool) {}
    fn dropped(&self, _: &str, _: &[Token]) {}
    fn refused(&self, _: &str) {}
}

#[tokio::test]
async fn any_method_and_content_type_is_taken_at_the_tokens_address() {
    let peer = Peer::start(json!({})).await;
    let mut client = Client::connect(peer.address).await;
    for (n, method) in ["POST", "PUT", "GET", "DELETE", "PROPFIND"]
        .into_iter()
        .enumerate()
    {
        let path = format!("{}/more?a=1&b=x%20y", peer.path(&token(1)));
        let body = format!("{{\"n\":{n}}}");
        let answer = client
            .request(
                method,
                &path,
                &[("content-type", "application/x-odd")],
                body.as_bytes(),
            )
            .await;
        assert_eq!(answer.status, 200, "{method}");
        let sighting = peer.sink.seen().pop().unwrap();
        assert_eq!(sighting.seen["method"], json!(method));
        assert_eq!(sighting.seen["json"]["n"], json!(n));
        assert_eq!(sighting.seen["query"], json!({ "a": "1", "b": "x y" }));
        assert_eq!(sighting.seen["path"], json!(format!("/{}/more", token(1))));
        assert_eq!(
            sighting.seen["headers"]["content-type"],
            json!("application/x-odd")
        );
        assert_eq!(sighting.seen["stale"], json!(false));
        assert_eq!(sighting.at.lo, sighting.at.hi);
        assert_eq!(sighting.keys, [token(1).to_string()]);
        let secret = peer.base().trim_start_matches("/c/").to_owned();
        assert!(
            !format!("{sighting:?}").contains(&secret),
            "the address is a secret"
        );
    }
}

#[tokio::test]
async fn the_address_without_a_token_is_taken_too_and_a_readable_end_is_kept() {
    let peer = Peer::start(json!({ "path": "order-paid/v1" })).await;
    let body = format!("{{\"ref\":\"{}\"}}", token(2));
    assert!(peer.base().ends_with("/order-paid/v1"));
    assert!(
        peer.path(&token(2))
            .ends_with(&format!("{}/order-paid/v1", token(2)))
    );
    for path in [
        peer.base(),
        peer.base().replace("/order-paid/v1", ""),
        peer.path(&token(2)),
    ] {
        assert_eq!(peer.post(&path, &[], body.as_bytes()).await.status, 200, "{path}");
        assert_eq!(
            peer.post(&format!("{path}/"), &[], body.as_bytes()).await.status,
            200,
            "{path}/"
        );
    }
    assert_eq!(peer.sink.seen().len(), 6);
}

#[tokio::test]
async fn nothing_is_acknowledged_before_it_is_durable_and_arrival_is_stamped_before() {
    let slow = Arc::new(Slow::default());
    let peer = Peer::with(json!({}), Settings::default(), Some(Arc::clone(&slow) as _)).await;
    let mut client = Client::connect(peer.address).await;
    client
        .send(request("POST", &peer.path(&token(1)), &[], b"{}"))
        .await;
    slow.entered.notified().await;
    let early = tokio::time::timeout(Duration::from_millis(200), client.answer()).await;
    assert!(
        early.is_err(),
        "answered {early:?} before the observation was durable"
    );
    let clock = SystemClock::start();
    let committed = clock.now();
    slow.release.notify_one();
    assert_eq!(client.answer().await.unwrap().status, 200);
    let kept = slow.kept.lock().unwrap();
    assert_eq!(kept.len(), 1);
    assert!(kept[0].at.hi < committed);
}

#[tokio::test]
async fn what_has_arrived_is_recorded_also_when_its_sender_hangs_up() {
    let slow = Arc::new(Slow::default());
    let peer = Peer::with(json!({}), Settings::default(), Some(Arc::clone(&slow) as _)).await;
    let mut client = Client::connect(peer.address).await;
    client
        .send(request("POST", &peer.path(&token(1)), &[], b"{}"))
        .await;
    slow.entered.notified().await;
    drop(client);
    eventually("the connection to end", || {
        (peer.listener.open_connections() == 0).then_some(())
    })
    .await;
    slow.release.notify_one();
    eventually("the observation", || {
        (slow.kept.lock().unwrap().len() == 1).then_some(())
    })
    .await;
}

#[tokio::test]
async fn store_trouble_is_503_and_used_up_budget_429_never_an_acknowledgement() {
    let peer = Peer::start(json!({})).await;
    *peer.sink.broken.lock().unwrap() = true;
    let answer = peer
        .post(&peer.path(&token(1)), &[("webhook-id", "m1")], b"{}")
        .await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("5")));
    *peer.sink.broken.lock().unwrap() = false;
    assert_eq!(
        peer.post(&peer.path(&token(1)), &[("webhook-id", "m1")], b"{}")
            .await
            .status,
        200
    );
    assert_eq!(peer.sink.seen()[0].repeat, landfall::model::Repeat::First);

    let peer = Peer::with(json!({}), Settings::default(), Some(Arc::new(Spent))).await;
    let answer = peer.post(&peer.path(&token(1)), &[], b"{}").await;
    assert_eq!((answer.status, answer.header("retry-after")), (429, Some("60")));
}

#[tokio::test]
async fn answers_follow_the_script_of_each_token() {
    let peer = Peer::start(json!({ "answers": [
        503, "close", { "status": 202, "delay": "10ms", "headers": { "x-a": "b" }, "body": "thanks" } ] }))
    .await;
    assert_eq!(peer.post(&peer.path(&token(1)), &[], b"{}").await.status, 503);
    assert_eq!(
        peer.post(&peer.path(&token(2)), &[], b"{}").await.status,
        503,
        "a script of its own"
    );
    let mut client = Client::connect(peer.address).await;
    client
        .send(request("POST", &peer.path(&token(1)), &[], b"{}"))
        .await;
    assert_eq!(client.answer().await, None, "cut");
    for _ in 0..3 {
        let body = format!("{{\"ref\":\"{}\"}}", token(1));
        let answer = peer.post(&peer.base(), &[], body.as_bytes()).await;
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (202, "thanks"),
            "the token is found in the body"
        );
        assert_eq!(answer.header("x-a"), Some("b"));
    }
    assert_eq!(
        peer.sink.seen().len(),
        6,
        "refused or cut, what arrived is on record"
    );
}

#[tokio::test]
async fn bytes_that_are_no_text_survive_as_data() {
    let peer = Peer::start(json!({})).await;
    let path = peer.path(&token(1));
    assert_eq!(
        peer.post(&path, &[("x-odd", "a\u{80}")], b"\xff\x00\x1b]52;c;eA==\x07\r\n")
            .await
            .status,
        200
    );
    let sighting = peer.sink.seen().pop().unwrap();
    assert_eq!(sighting.seen["lossy"], json!(true));
    assert_eq!(
        sighting.seen["text"],
        json!("\u{fffd}\0\u{1b}]52;c;eA==\u{7}\r\n")
    );
    assert_eq!(sighting.seen["json"], Value::Null);
    assert!(
        !sighting.summary.chars().any(char::is_control),
        "{:?}",
        sighting.summary
    );
}

#[tokio::test]
async fn an_id_comes_from_a_header_or_an_expression() {
    for (config, headers, body, expected) in [
        (json!({}), vec![("x-github-delivery", "g1")], "{}", "g1"),
        (
            json!({}),
            vec![("idempotency-key", "i1"), ("webhook-id", "w1")],
            "{}",
            "w1",
        ),
        (
            json!({ "id": { "header": "X-Mine" } }),
            vec![("webhook-id", "w1"), ("x-mine", "m1")],
            "{}",
            "m1",
        ),
        (
            json!({ "id": { "cel": "seen.json.id" } }),
            vec![("webhook-id", "w1")],
            r#"{"id":"evt_1"}"#,
            "evt_1",
        ),
        (
            json!({ "id": { "cel": "seen.json.id" } }),
            vec![],
            r#"{"id":17}"#,
            "17",
        ),
    ] {
        let peer = Peer::start(config).await;
        assert_eq!(
            peer.post(&peer.path(&token(1)), &headers, body.as_bytes())
                .await
                .status,
            200
        );
        let sighting = peer.sink.seen().pop().unwrap();
        assert_eq!(sighting.identity, Identity::Event(expected.to_owned()));
        assert_eq!(sighting.seen["id"], json!(expected));
    }
}

#[tokio::test]
async fn it_is_armed_at_once_and_looks_at_once() {
    let peer = Peer::start(json!({})).await;
    let run = RunId(uuid::Uuid::nil());
    let watch = Watch {
        run,
        token: token(1),
        scope: Arc::new(Plain),
    };
    peer.channel.arm(watch).await.unwrap();
    assert_eq!(peer.channel.look(Moment(7)).await, Ok(Moment(7)));
    peer.channel.disarm(run);
}

#[tokio::test]
async fn a_scripted_404_is_an_answer_like_any_other() {
    let peer = Peer::start(json!({ "answers": [{ "status": 404, "body": "gone" }] })).await;
    for n in 0..100 {
        let answer = peer.post(&peer.path(&token(n)), &[], b"{}").await;
        assert_eq!((answer.status, answer.body.as_str()), (404, "gone"));
    }
    assert_eq!(peer.count("unmatched"), 0);
}

#[tokio::test]
async fn a_sender_that_asks_first_is_told_to_go_on_or_not() {
    let peer = Peer::start(json!({})).await;
    let ask = |path: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\nwebhook-id: m1\r\ncontent-length: 2\r\n\r\n"
        )
    };
    let mut client = Client::connect(peer.address).await;
    for _ in 0..2 {
        client.send(ask(&peer.path(&token(1)))).await;
        assert_eq!(client.answer().await.unwrap().status, 100);
        client.send("{}").await;
        assert_eq!(client.answer().await.unwrap().status, 200);
    }
    let repeats: Vec<_> = peer.sink.seen().iter().map(|sighting| sighting.repeat).collect();
    assert_eq!(
        repeats,
        [landfall::model::Repeat::First, landfall::model::Repeat::AfterAck]
    );
    client.send(ask(&format!("{}/{:022}", peer.base(), 0))).await;
    assert_eq!(
        client.answer().await.unwrap().status,
        404,
        "its body is not wanted"
    );
}

#[tokio::test]
async fn the_address_lasts_as_long_as_the_key_and_is_the_channels_own() {
    use crate::support::channel::{NoListener, RecordingSink};
    let base = async |name: &str, key: u8| {
        let mut context = super::plain_context(Arc::new(RecordingSink::default()), Arc::new(NoListener));
        context.name = name.to_owned();
        context.token_key = landfall::model::TokenKey::new([key; 32]);
        let channel = super::open(json!({}), context).await.unwrap();
        channel.offers(&token(1), &Plain).unwrap()["base_url"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let hooks = base("hooks", 1).await;
    assert_eq!(hooks, base("hooks", 1).await);
    assert_ne!(hooks, base("other", 1).await);
    assert_ne!(hooks, base("hooks", 2).await);
    let secret = hooks.rsplit('/').next().unwrap();
    assert!(
        secret.len() == 22 && secret.bytes().all(|b| b.is_ascii_alphanumeric()),
        "{secret}"
    );
}
