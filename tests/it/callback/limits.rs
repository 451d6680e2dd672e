//! The other limits: connections, memory, handlers that are slow or panic, readers that do not read.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::BoxFuture;
use landfall::channel::{Handler, ObservationSink, Reply, Request};
use landfall::model::{Fault, Moment, ObservationId, Sighting, Token};
use landfall::web::{Limits, Settings};
use serde_json::json;
use tokio::sync::Semaphore;

use super::{Client, Peer, With, request, token};
use crate::support::channel::eventually;

#[tokio::test]
async fn connections_beyond_the_limits_are_answered_503_and_the_channel_is_told() {
    for (limits, word) in [
        (
            Limits {
                connections: 2,
                ..Limits::default()
            },
            "connections",
        ),
        (
            Limits {
                connections_per_source: 2,
                ..Limits::default()
            },
            "connections_per_source",
        ),
    ] {
        let peer = Peer::limited(limits).await;
        let held = [
            Client::connect(peer.address).await,
            Client::connect(peer.address).await,
        ];
        eventually("both to be taken", || {
            (peer.listener.open_connections() == 2).then_some(())
        })
        .await;
        let mut third = Client::connect(peer.address).await;
        let answer = third.answer().await.unwrap();
        assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")));
        third.closed().await;
        assert_eq!(peer.count(word), 1);
        assert_eq!(*peer.sink.dropped.lock().unwrap(), [word]);
        drop(held);
        eventually("their places to be free", || {
            (peer.listener.open_connections() == 0).then_some(())
        })
        .await;
        assert_eq!(peer.post(&peer.path(&token(1)), &[], b"").await.status, 200);
    }
}

#[tokio::test]
async fn bodies_share_one_memory() {
    let peer = Peer::limited(Limits {
        body_bytes: 1000,
        ..Limits::default()
    })
    .await;
    let gate = Arc::new(Semaphore::new(0));
    let inside = Arc::clone(&gate);
    peer.mount(
        "/wait",
        With(move |_| {
            let gate = Arc::clone(&inside);
            async move {
                let _permit = gate.acquire().await;
                Reply::text(200, "")
            }
        }),
    );
    let mut held = Client::connect(peer.address).await;
    held.send(request("POST", "/wait", &[], &[b'a'; 600])).await;
    eventually("it to be taken", || (peer.count("requests") == 1).then_some(())).await;
    let answer = loop {
        // The first may still be reading its body.
        let answer = peer.post(&peer.path(&token(1)), &[], &[b'a'; 600]).await;
        if answer.status != 200 {
            break answer;
        }
    };
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")));
    assert_eq!(peer.count("body_bytes"), 1);
    assert_eq!(*peer.sink.dropped.lock().unwrap(), ["body_bytes"]);
    gate.add_permits(1);
    assert_eq!(held.answer().await.unwrap().status, 200);
    assert_eq!(
        peer.post(&peer.path(&token(1)), &[], &[b'a'; 600]).await.status,
        200
    );
}

#[tokio::test]
async fn a_panic_is_a_500_and_counted_and_never_the_end() {
    struct PanicsAtTheHead;
    impl Handler for PanicsAtTheHead {
        fn body_limit(&self) -> usize {
            1
        }
        fn refuse(&self, _: &Request) -> Option<Reply> {
            panic!("planned by the test")
        }
        fn handle(&self, _: Request) -> BoxFuture<'_, Reply> {
            Box::pin(async { Reply::cut() })
        }
    }
    let peer = Peer::start(json!({})).await;
    peer.mount("/panic", With(|_| async { panic!("planned by the test") }));
    peer.mount("/panic/head", PanicsAtTheHead);
    let mut client = Client::connect(peer.address).await;
    for n in 1..=3 {
        assert_eq!(client.request("GET", "/panic", &[], b"").await.status, 500);
        assert_eq!(client.request("GET", "/panic/head", &[], b"").await.status, 500);
        assert_eq!(peer.count("handler_panic"), 2 * n);
    }
    assert_eq!(
        client
            .request("POST", &peer.path(&token(1)), &[], b"")
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn what_a_panic_took_away_may_have_been_an_outcome() {
    #[derive(Default)]
    struct Panics(Mutex<Vec<(String, Vec<Token>)>>);
    impl ObservationSink for Panics {
        fn send(&self, _: Sighting) -> BoxFuture<'_, Result<ObservationId, Fault>> {
            panic!("planned by the test")
        }
        fn down(&self, _: Moment, _: Fault) {}
        fn up(&self, _: bool) {}
        fn dropped(&self, what: &str, tokens: &[Token]) {
            self.0.lock().unwrap().push((what.to_owned(), tokens.to_vec()));
        }
        fn refused(&self, _: &str) {}
    }
    let sink = Arc::new(Panics::default());
    let peer = Peer::with(json!({}), Settings::default(), Some(Arc::clone(&sink) as _)).await;
    assert_eq!(peer.post(&peer.path(&token(1)), &[], b"{}").await.status, 500);
    assert_eq!(peer.post(&peer.base(), &[], b"{}").await.status, 500);
    let expected = [
        ("handler_panic".to_owned(), vec![token(1)]),
        ("handler_panic".to_owned(), vec![]),
    ];
    assert_eq!(*sink.0.lock().unwrap(), expected);
}

#[tokio::test]
async fn a_handler_that_never_ends_is_ended() {
    struct Ended(Arc<AtomicBool>);
    impl Drop for Ended {
        fn drop(&mut self) {
            self.0.store(true, Ordering::SeqCst);
        }
    }
    let peer = Peer::limited(Limits {
        handler: Duration::from_millis(100),
        ..Limits::default()
    })
    .await;
    let ended = Arc::new(AtomicBool::new(false));
    let inside = Arc::clone(&ended);
    peer.mount(
        "/never",
        With(move |_| {
            let guard = Ended(Arc::clone(&inside));
            async move {
                futures::future::pending::<()>().await;
                drop(guard);
                Reply::cut()
            }
        }),
    );
    assert_eq!(peer.post("/never", &[], b"").await.status, 503);
    assert_eq!(peer.count("handler_timeout"), 1);
    eventually("it to be ended", || ended.load(Ordering::SeqCst).then_some(())).await;
}

#[tokio::test]
async fn a_reader_that_does_not_read_is_cut() {
    let peer = Peer::limited(Limits {
        write: Duration::from_millis(300),
        ..Limits::default()
    })
    .await;
    peer.mount(
        "/large",
        With(|_| async { Reply::text(200, "a".repeat(64 << 20)) }),
    );
    let mut client = Client::connect(peer.address).await;
    client.send(request("GET", "/large", &[], b"")).await;
    eventually("it to be cut", || {
        (peer.count("write_timeout") == 1).then_some(())
    })
    .await;
    eventually("its place to be free", || {
        (peer.listener.open_connections() == 0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn headers_and_statuses_of_a_reply_arrive() {
    let peer = Peer::start(json!({})).await;
    peer.mount(
        "/page",
        With(|request: Request| async move {
            Reply::text(201, format!("{} {}", request.path, request.peer.ip()))
                .header("content-type", "text/html")
                .header("x-bad", "two\r\nlines")
        }),
    );
    let answer = peer.post("/page/deep", &[], b"").await;
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (201, "/page/deep 127.0.0.1")
    );
    assert_eq!(answer.header("content-type"), Some("text/html"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(answer.header("x-bad"), None);
}
