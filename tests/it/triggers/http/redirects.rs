//! Redirects: not followed unless asked for, and then never to another place.

use serde_json::json;

use super::peer::{OK, Peer, Then};
use super::{fire, response};

fn to(status: u16, location: &str) -> String {
    format!("HTTP/1.1 {status} X\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n")
}

#[tokio::test]
async fn a_redirect_is_the_answer_unless_following_is_asked_for() {
    let peer = Peer::answering(&to(302, "/next"), Then::Close).await;
    let got = response(json!({ "url": peer.url("/") })).await;
    assert_eq!((got.status, got.headers["location"].as_str()), (302, "/next"));
    assert_eq!(peer.taken().len(), 1);
}

#[tokio::test]
async fn what_is_followed_stays_a_post_or_becomes_a_get() {
    for (status, line, body) in [
        (301, "GET /b?c HTTP/1.1", ""),
        (302, "GET /b?c HTTP/1.1", ""),
        (303, "GET /b?c HTTP/1.1", ""),
        (307, "POST /b?c HTTP/1.1", "{\"a\":1}"),
        (308, "POST /b?c HTTP/1.1", "{\"a\":1}"),
    ] {
        let peer = Peer::scripted(move |n, _| match n {
            0 => (to(status, "b?c#d"), Then::Close),
            _ => (OK.to_owned(), Then::Close),
        })
        .await;
        let value = json!({
            "url": peer.url("/a"), "json": { "a": 1 }, "redirects": 1, "auth": { "bearer": "hunter22" },
        });
        let answer = fire(value).await;
        assert_eq!(answer.attributes["redirects"], "1");
        assert_eq!(answer.outcome.unwrap().status, 200);
        let second = peer.taken()[1].clone();
        assert_eq!((second.line(), second.body.as_str()), (line, body), "{status}");
        assert_eq!(second.header("authorization"), Some("Bearer hunter22"));
        assert_eq!(second.header("referer"), None);
        assert_eq!(second.header("content-type").is_some(), !body.is_empty());
    }
}

/// reliability.md S16: an answer does not choose whom landfall talks to, and no credential goes there.
#[tokio::test]
async fn another_place_is_never_gone_to() {
    let elsewhere = Peer::pleased().await;
    for location in [
        elsewhere.url("/"),
        format!("//{}/", elsewhere.at),
        format!("\\\\{}/", elsewhere.at),
        String::from("http://169.254.169.254/latest/meta-data"),
        String::from("file:///etc/passwd"),
    ] {
        let peer = Peer::answering(&to(307, &location), Then::Close).await;
        let answer =
            fire(json!({ "url": peer.url("/"), "redirects": 5, "auth": { "bearer": "hunter22" } })).await;
        assert_eq!(
            answer.attributes["redirect"], "not followed: it leads to another scheme, host or port",
            "{location}"
        );
        assert_eq!(answer.outcome.unwrap().status, 307);
        // The same port by another scheme is another place too.
        let peer = Peer::scripted(|_, t| {
            (
                to(302, &format!("https://{}/", t.header("host").unwrap())),
                Then::Close,
            )
        })
        .await;
        let answer = fire(json!({ "url": peer.url("/"), "redirects": 5 })).await;
        assert_eq!(answer.outcome.unwrap().status, 302);
    }
    assert!(elsewhere.taken().is_empty());
}

#[tokio::test]
async fn a_circle_ends_at_the_limit() {
    let peer = Peer::answering(&to(302, "/"), Then::Close).await;
    let answer = fire(json!({ "url": peer.url("/"), "redirects": 3 })).await;
    assert_eq!(
        answer.attributes["redirect"],
        "not followed: `redirects` are used up"
    );
    assert_eq!(answer.outcome.unwrap().status, 302);
    assert_eq!(peer.taken().len(), 4);
}
