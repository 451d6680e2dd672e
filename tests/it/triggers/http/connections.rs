//! One connection a run, unless kept; HTTP/1.1 and HTTP/2; one attempt.

use std::path::Path;

use landfall::model::Reason;
use serde_json::json;
use tokio::net::TcpListener;

use super::peer::Peer;
use super::{failure, fire, fire_in, open, shoot};
use crate::support::https::Server;

#[tokio::test]
async fn each_run_has_its_own_connection_unless_it_is_kept() {
    for (keep, connections) in [(false, [0, 1, 2]), (true, [0, 0, 0])] {
        let peer = Peer::pleased().await;
        let value = json!({ "url": peer.url("/"), "keep_alive": keep });
        let trigger = open(Path::new("."), value).unwrap();
        for _ in 0..3 {
            shoot(&*trigger).await.0.outcome.unwrap();
        }
        let used: Vec<usize> = peer.taken().iter().map(|t| t.connection).collect();
        assert_eq!(used, connections, "keep_alive: {keep}");
    }
}

#[tokio::test]
async fn http2_is_spoken_where_tls_agrees_on_it() {
    let server = Server::tls().await;
    for (version, protocol) in [("auto", "http/2.0"), ("2", "http/2.0"), ("1.1", "http/1.1")] {
        let value = json!({ "url": server.url("/"), "version": version, "tls": { "ca": "ca.pem" } });
        let answer = fire_in(server.root(), value).await;
        assert_eq!(answer.attributes["protocol"], protocol, "{version}");
        // The handshake is told apart from the connection below it.
        let times = answer.timings;
        assert!(
            times.connect.unwrap() > 0.0 && times.tls.unwrap() > 0.0,
            "{times:?}"
        );
        let body = answer.outcome.unwrap().body;
        assert_eq!(body, format!("GET / {}", protocol.to_uppercase()), "{version}");
    }
}

#[tokio::test]
async fn http2_by_prior_knowledge_needs_no_tls() {
    let server = Server::plain().await;
    let value = json!({ "url": server.url("/x"), "version": "2", "json": { "a": "{{ token }}" } });
    let trigger = open(Path::new("."), value).unwrap();
    let (answer, sent) = shoot(&*trigger).await;
    assert_eq!(sent, [answer.sent_at]);
    assert_eq!(answer.attributes["protocol"], "http/2.0");
    assert_eq!(answer.outcome.unwrap().body, "POST /x HTTP/2.0 {\"a\":\"t0ken\"}");
    let auto = fire(json!({ "url": server.url("/x") })).await;
    assert_eq!(auto.attributes["protocol"], "http/1.1");
}

/// A library may try a stream again that the peer refused; landfall does not (invariant 5).
#[tokio::test]
async fn a_refused_stream_is_not_tried_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let (told, mut streams) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let told = told.clone();
            tokio::spawn(async move {
                let mut connection = h2::server::handshake(stream).await.unwrap();
                while let Some(Ok((request, mut respond))) = connection.accept().await {
                    told.send(request.uri().path().to_owned()).unwrap();
                    respond.send_reset(h2::Reason::REFUSED_STREAM);
                }
            });
        }
    });
    let failed = failure(json!({ "url": format!("http://{at}/once"), "version": "2" })).await;
    assert!(failed.in_doubt);
    assert_eq!(failed.fault.reason, Reason::Protocol, "{}", failed.fault);
    assert_eq!(streams.recv().await.unwrap(), "/once");
    assert!(streams.try_recv().is_err(), "tried again");
}
