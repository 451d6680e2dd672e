//! What comes back, and when.

use std::path::Path;
use std::sync::{Arc, Mutex};

use landfall::model::Response;
use serde_json::{Value, json};

use super::peer::{Peer, Then};
use super::{fire, open, response, shoot};

async fn answered(answer: &str) -> Response {
    let peer = Peer::answering(answer, Then::Close).await;
    response(json!({ "url": peer.url("/") })).await
}

#[tokio::test]
async fn the_answer_is_as_expressions_see_it() {
    let got = answered(
        "HTTP/1.1 202 Accepted\r\nX-Served-By: a\r\nx-served-by: b\r\ncontent-length: 12\r\n\r\n{\"id\":\"o-1\"}",
    )
    .await;
    assert_eq!(got.status, 202);
    assert_eq!(got.headers["x-served-by"], "a, b");
    assert_eq!(got.body, r#"{"id":"o-1"}"#);
    assert_eq!(got.json["id"], "o-1");
    let trigger = open(Path::new("."), json!({ "url": "http://a/" })).unwrap();
    assert!(trigger.accepts(&got));
    for status in [199, 302, 404, 500] {
        assert!(
            !trigger.accepts(&Response {
                status,
                ..Response::default()
            }),
            "{status}"
        );
    }
}

#[tokio::test]
async fn a_body_that_is_no_json_or_no_utf8_is_text() {
    assert_eq!(answered("HTTP/1.1 204 No Content\r\n\r\n").await.body, "");
    let got = answered("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhe{lo").await;
    assert_eq!((got.body.as_str(), &got.json), ("he{lo", &Value::Null));
    let got =
        answered("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
            .await;
    assert_eq!(got.body, "abcde");
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_cut_and_said_to_be() {
    let body = "1".repeat(5000);
    let peer = Peer::answering(
        &format!("HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n{body}"),
        Then::Close,
    )
    .await;
    let cut = fire(json!({ "url": peer.url("/"), "body_limit": 4999 })).await;
    assert_eq!(cut.attributes["body"], "cut at body_limit, 4999 bytes");
    let got = cut.outcome.unwrap();
    assert_eq!((got.body.len(), got.json), (4999, Value::Null));
    let whole = fire(json!({ "url": peer.url("/"), "body_limit": 5000 })).await;
    assert_eq!(whole.attributes.get("body"), None);
    assert_eq!(whole.outcome.unwrap().body, body);
}

#[tokio::test]
async fn times_and_what_was_reached_are_told() {
    let peer = Peer::pleased().await;
    let trigger = open(Path::new("."), json!({ "url": peer.url("/") })).unwrap();
    let (answer, sent) = shoot(&*trigger).await;
    assert_eq!(sent, [answer.sent_at], "it leaves once");
    assert_eq!(answer.attributes["address"], peer.at.to_string());
    assert_eq!(answer.attributes["protocol"], "http/1.1");
    let times = answer.timings;
    assert_eq!(times.dns, None, "an address needs no looking up");
    assert!(times.connect.unwrap() > 0.0);
    assert_eq!(times.tls, None, "there is no handshake");
    assert!(times.first_byte.unwrap() > 0.0 && times.first_byte <= times.total);
    assert_eq!(times.total, Some(answer.outcome.unwrap().seconds));
    assert!(answer.sent_at < answer.answered_at);
}

#[tokio::test]
async fn looking_up_a_name_is_timed() {
    let ip = tokio::net::lookup_host(("localhost", 0))
        .await
        .unwrap()
        .next()
        .unwrap()
        .ip();
    let peer = Peer::on(ip, |_, _| (super::peer::OK.to_owned(), Then::Close)).await;
    let answer = fire(json!({ "url": format!("http://localhost:{}/", peer.at.port()) })).await;
    assert!(answer.timings.dns.unwrap() > 0.0 && answer.timings.connect.unwrap() > 0.0);
    assert_eq!(answer.attributes["address"], peer.at.to_string());
    assert_eq!(
        peer.only().header("host").unwrap(),
        format!("localhost:{}", peer.at.port())
    );
}

/// The engine is told before the answer comes, on a fresh connection and on a kept one: the peer answers only then.
#[tokio::test]
async fn the_request_is_said_to_have_left_before_it_is_answered() {
    let sent = Arc::new(Mutex::new(0));
    let seen = Arc::clone(&sent);
    let peer = Peer::scripted(move |n, _| {
        let told = *seen.lock().unwrap();
        (
            format!("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n{}/{}", told, n + 1),
            Then::Keep,
        )
    })
    .await;
    let value = json!({ "url": peer.url("/"), "json": {}, "keep_alive": true });
    let trigger = open(Path::new("."), value).unwrap();
    for n in 1..=3 {
        let prepared = super::prepare(&*trigger).unwrap();
        let sent = Arc::clone(&sent);
        let shot = landfall::trigger::Shot {
            run: Value::Null,
            sent: Box::new(move |_| *sent.lock().unwrap() += 1),
        };
        let answer = (prepared.fire)(shot).await;
        assert_eq!(
            answer.timings.connect.is_some(),
            n == 1,
            "only the first connects"
        );
        assert!(answer.timings.first_byte.unwrap() > 0.0);
        assert_eq!(answer.outcome.unwrap().body, format!("{n}/{n}"));
    }
    assert!(peer.taken().iter().all(|t| t.connection == 0));
}
