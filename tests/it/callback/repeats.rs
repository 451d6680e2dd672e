//! The same event again: a redelivery, or a duplicate.

use std::sync::Arc;

use landfall::model::{Identity, Repeat};
use landfall::web::Settings;
use serde_json::json;

use super::intake::Slow;
use super::{Client, Peer, request, token};

fn repeats(peer: &Peer) -> Vec<Repeat> {
    peer.sink.seen().iter().map(|sighting| sighting.repeat).collect()
}

#[tokio::test]
async fn again_after_an_answer_that_nothing_proves_is_a_redelivery() {
    let peer = Peer::start(json!({ "answers": [503, 200] })).await;
    let path = peer.path(&token(1));
    for expected in [503, 200, 200] {
        let answer = peer.post(&path, &[("webhook-id", "m1")], b"{}").await;
        assert_eq!(answer.status, expected);
    }
    assert_eq!(
        repeats(&peer),
        [Repeat::First, Repeat::Redelivery, Repeat::Redelivery]
    );
}

#[tokio::test]
async fn again_after_a_proved_acknowledgement_is_a_duplicate() {
    let peer = Peer::start(json!({})).await;
    let path = peer.path(&token(1));
    let mut client = Client::connect(peer.address).await;
    client
        .request("POST", &path, &[("webhook-id", "m1")], b"{}")
        .await;
    client
        .request("POST", &path, &[("webhook-id", "m2")], b"{}")
        .await;
    assert_eq!(peer.post(&path, &[("webhook-id", "m1")], b"{}").await.status, 200);
    assert_eq!(peer.post(&path, &[("webhook-id", "m2")], b"{}").await.status, 200);
    assert_eq!(
        repeats(&peer),
        [Repeat::First, Repeat::First, Repeat::AfterAck, Repeat::Redelivery],
        "the later request proved the answer to m1; nothing proved that to m2"
    );
}

#[tokio::test]
async fn the_same_connection_proves_its_own_acknowledgement_but_not_a_refusal() {
    let peer = Peer::start(json!({ "answers": [503, 200] })).await;
    let path = peer.path(&token(1));
    let mut client = Client::connect(peer.address).await;
    for _ in 0..3 {
        client
            .request("POST", &path, &[("webhook-id", "m1")], b"{}")
            .await;
    }
    assert_eq!(
        repeats(&peer),
        [Repeat::First, Repeat::Redelivery, Repeat::AfterAck]
    );
}

#[tokio::test]
async fn a_request_that_is_turned_away_proves_the_answer_before_it_too() {
    let peer = Peer::start(json!({ "methods": ["POST"] })).await;
    let path = peer.path(&token(1));
    let mut client = Client::connect(peer.address).await;
    client
        .request("POST", &path, &[("webhook-id", "m1")], b"{}")
        .await;
    assert_eq!(client.request("GET", &path, &[], b"").await.status, 405);
    peer.post(&path, &[("webhook-id", "m1")], b"{}").await;
    assert_eq!(repeats(&peer), [Repeat::First, Repeat::AfterAck]);
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order_and_prove_nothing() {
    let peer = Peer::start(json!({})).await;
    let path = peer.path(&token(1));
    let one = request("POST", &path, &[("webhook-id", "m1")], b"{}");
    let mut client = Client::connect(peer.address).await;
    // The last of them is cut in two: its beginning had been sent before any answer was.
    let (begin, end) = one.split_at(30);
    client.send([&one[..], &one[..], begin].concat()).await;
    for _ in 0..2 {
        assert_eq!(client.answer().await.unwrap().status, 200);
    }
    client.send(end).await;
    assert_eq!(client.answer().await.unwrap().status, 200);
    assert_eq!(
        repeats(&peer),
        [Repeat::First, Repeat::Redelivery, Repeat::Redelivery]
    );
    client.send(&one).await;
    assert_eq!(client.answer().await.unwrap().status, 200);
    assert_eq!(
        repeats(&peer)[3],
        Repeat::AfterAck,
        "this one was sent after the answer had come"
    );
}

#[tokio::test]
async fn a_request_that_was_sent_while_the_answer_was_awaited_proves_nothing() {
    let slow = Arc::new(Slow::default());
    let peer = Peer::with(json!({}), Settings::default(), Some(Arc::clone(&slow) as _)).await;
    let one = request("POST", &peer.path(&token(1)), &[("webhook-id", "m1")], b"{}");
    let mut client = Client::connect(peer.address).await;
    client.send(&one).await;
    slow.entered.notified().await;
    client.send(&one).await;
    slow.release.notify_one();
    slow.entered.notified().await;
    slow.release.notify_one();
    for _ in 0..2 {
        assert_eq!(client.answer().await.unwrap().status, 200);
    }
    let repeats: Vec<Repeat> = slow.kept.lock().unwrap().iter().map(|s| s.repeat).collect();
    assert_eq!(repeats, [Repeat::First, Repeat::Redelivery]);
}

#[tokio::test]
async fn without_an_id_the_same_content_with_the_same_token_is_the_same_event() {
    let peer = Peer::start(json!({})).await;
    let (one, other) = (peer.path(&token(1)), peer.path(&token(2)));
    for (path, body) in [(&one, "{}"), (&one, "{}"), (&one, "{ }"), (&other, "{}")] {
        peer.post(path, &[], body.as_bytes()).await;
    }
    assert_eq!(
        repeats(&peer),
        [Repeat::First, Repeat::Redelivery, Repeat::First, Repeat::First]
    );
    let ids: Vec<Identity> = peer.sink.seen().into_iter().map(|s| s.identity).collect();
    assert_eq!(ids[0], ids[1]);
    assert!(ids[0] != ids[2] && ids[0] != ids[3] && ids[2] != ids[3]);

    let body = format!("{{\"ref\":\"{}\"}}", token(3));
    for _ in 0..2 {
        peer.post(&peer.base(), &[], body.as_bytes()).await;
    }
    assert_eq!(
        repeats(&peer)[5],
        Repeat::Redelivery,
        "the token was found in the body"
    );

    for _ in 0..2 {
        peer.post(&peer.base(), &[], b"no token at all").await;
    }
    let last = peer.sink.seen().pop().unwrap();
    assert_eq!((last.identity, last.repeat), (Identity::Anonymous, Repeat::First));
}

#[tokio::test]
async fn a_thousand_deliveries_of_one_event_are_one_and_its_attempts() {
    let peer = Peer::start(json!({})).await;
    let path = peer.path(&token(1));
    for _ in 0..1000 {
        assert_eq!(peer.post(&path, &[("webhook-id", "m1")], b"{}").await.status, 200);
    }
    let repeats = repeats(&peer);
    assert_eq!(repeats.len(), 1000);
    assert!(repeats[1..].iter().all(|repeat| *repeat == Repeat::Redelivery));
}
