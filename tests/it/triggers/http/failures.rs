//! No whole answer: why, and whether the request may have arrived all the same.

use std::path::Path;

use landfall::model::Reason;
use serde_json::json;
use tokio::net::TcpListener;

use super::peer::{OK, Peer, Then};
use super::{failure, fire, open, shoot};

#[tokio::test]
async fn a_port_that_nobody_listens_on_was_never_reached() {
    let closed = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let trigger = open(Path::new("."), json!({ "url": format!("http://{closed}/") })).unwrap();
    let (answer, sent) = shoot(&*trigger).await;
    let failed = answer.outcome.unwrap_err();
    assert_eq!(
        (failed.fault.reason, failed.in_doubt),
        (Reason::Unreachable, false)
    );
    let wanted = format!("cannot connect to {closed}: Connection refused");
    assert!(failed.fault.message.starts_with(&wanted), "{}", failed.fault);
    assert_eq!(sent, []);
    assert!(answer.timings.connect.is_some() && answer.timings.first_byte.is_none());
}

#[tokio::test]
async fn a_name_that_does_not_resolve_was_never_reached() {
    let failed = failure(json!({ "url": "http://no-such-host.invalid/" })).await;
    assert_eq!((failed.fault.reason, failed.in_doubt), (Reason::Dns, false));
    assert!(
        failed
            .fault
            .message
            .starts_with("`no-such-host.invalid` does not resolve: "),
        "{}",
        failed.fault
    );
}

/// Once connected, the peer may have acted on what it read.
#[tokio::test]
async fn what_breaks_once_connected_is_in_doubt() {
    for (answer, then, reason, wanted) in [
        (
            "",
            Then::Close,
            Reason::Reset,
            "closed the connection before its answer was whole",
        ),
        (
            "",
            Then::Reset,
            Reason::Reset,
            "closed the connection before its answer was whole",
        ),
        (
            "HTTP/1.1 200 O",
            Then::Close,
            Reason::Reset,
            "closed the connection",
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf",
            Then::Close,
            Reason::Reset,
            "closed the connection",
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf",
            Then::Reset,
            Reason::Reset,
            "closed the connection",
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
            Then::Close,
            Reason::Protocol,
            "HTTP",
        ),
        (
            "220 mail.example.com ESMTP\r\n",
            Then::Close,
            Reason::Protocol,
            "does not speak HTTP as it should",
        ),
    ] {
        let peer = Peer::answering(answer, then).await;
        let trigger = open(Path::new("."), json!({ "url": peer.url("/"), "json": {} })).unwrap();
        let (got, sent) = shoot(&*trigger).await;
        assert_eq!(sent, [got.sent_at]);
        let failed = got.outcome.unwrap_err();
        assert_eq!(
            (failed.fault.reason, failed.in_doubt),
            (reason, true),
            "{answer:?} {then:?}: {}",
            failed.fault
        );
        assert!(failed.fault.message.contains(wanted), "{}", failed.fault);
        assert!(
            failed.fault.message.contains(&peer.at.to_string()),
            "{}",
            failed.fault
        );
        assert_eq!(peer.taken().len(), 1, "one attempt");
    }
}

#[tokio::test]
async fn a_peer_that_never_answers_is_timed_out_in_doubt() {
    let peer = Peer::answering("", Then::Hang).await;
    let answer = fire(json!({ "url": peer.url("/"), "timeout": "150ms" })).await;
    let failed = answer.outcome.unwrap_err();
    assert_eq!((failed.fault.reason, failed.in_doubt), (Reason::Timeout, true));
    let wanted = format!("{} took the request and had not answered within 150ms", peer.at);
    assert_eq!(failed.fault.message, wanted);
    assert_eq!(answer.timings.total, None);
}

#[tokio::test]
async fn the_time_covers_the_body_too() {
    let peer = Peer::answering("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf", Then::Hang).await;
    let answer = fire(json!({ "url": peer.url("/"), "timeout": "300ms" })).await;
    let failed = answer.outcome.unwrap_err();
    assert_eq!((failed.fault.reason, failed.in_doubt), (Reason::Timeout, true));
    let wanted = "answered 200 OK, and its body was not whole within 300ms (4 bytes came)";
    assert!(failed.fault.message.ends_with(wanted), "{}", failed.fault);
    assert!(answer.timings.first_byte.is_some());
}

#[tokio::test]
async fn a_handshake_that_never_ends_was_never_sent() {
    // Accepts by the kernel alone, and nobody speaks TLS.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let value = json!({ "url": format!("https://{at}/"), "timeout": "150ms" });
    let trigger = open(Path::new("."), value).unwrap();
    let (answer, sent) = shoot(&*trigger).await;
    let failed = answer.outcome.unwrap_err();
    assert_eq!((failed.fault.reason, failed.in_doubt), (Reason::Timeout, false));
    assert_eq!(
        failed.fault.message,
        format!("no connection to {at} within 150ms")
    );
    assert_eq!(sent, []);
}

/// A kept connection that fails under a request is no reason to try another.
#[tokio::test]
async fn a_kept_connection_that_fails_is_in_doubt_and_not_tried_again() {
    for then in [Then::Close, Then::Reset] {
        let peer = Peer::scripted(move |n, _| match n {
            0 => (OK.to_owned(), Then::Keep),
            _ => (String::new(), then),
        })
        .await;
        let value = json!({ "url": peer.url("/"), "keep_alive": true });
        let trigger = open(Path::new("."), value).unwrap();
        shoot(&*trigger).await.0.outcome.unwrap();
        let (answer, sent) = shoot(&*trigger).await;
        let failed = answer.outcome.unwrap_err();
        assert_eq!(
            (failed.fault.reason, failed.in_doubt),
            (Reason::Reset, true),
            "{}",
            failed.fault
        );
        assert_eq!(sent, [answer.sent_at]);
        let taken = peer.taken();
        assert_eq!(taken.len(), 2, "{taken:?}");
        assert_eq!(taken[1].connection, 0);
    }
}

#[tokio::test]
async fn ten_thousand_headers_are_refused_by_name() {
    let many = "x-a: b\r\n".repeat(10_000);
    let peer = Peer::answering(&format!("HTTP/1.1 200 OK\r\n{many}\r\n"), Then::Close).await;
    let failed = failure(json!({ "url": peer.url("/") })).await;
    assert_eq!(
        (failed.fault.reason, failed.in_doubt),
        (Reason::Protocol, true),
        "{}",
        failed.fault
    );
}
