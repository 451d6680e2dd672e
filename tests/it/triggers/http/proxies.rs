//! Through a proxy, HTTP or SOCKS5.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use landfall::model::Reason;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::peer::{Peer, Then, take};
use super::{failure, fire, fire_in, open};
use crate::support::https::Server;

#[tokio::test]
async fn plain_requests_are_handed_to_the_proxy() {
    let proxy = Peer::pleased().await;
    let value =
        json!({ "url": "http://no-such-host.invalid/a", "proxy": format!("http://u:p@{}", proxy.at) });
    let answer = fire(value).await;
    assert_eq!(answer.attributes["address"], proxy.at.to_string());
    answer.outcome.unwrap();
    let taken = proxy.only();
    assert_eq!(taken.line(), "GET http://no-such-host.invalid/a HTTP/1.1");
    assert_eq!(taken.header("proxy-authorization"), Some("Basic dTpw"));
}

/// Carries bytes between two connections until either ends.
async fn carry(mut client: TcpStream, to: SocketAddr) {
    let mut server = TcpStream::connect(to).await.unwrap();
    drop(tokio::io::copy_bidirectional(&mut client, &mut server).await);
}

#[tokio::test]
async fn tls_goes_through_a_tunnel() {
    let server = Server::tls().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = listener.local_addr().unwrap();
    let asked = Arc::new(Mutex::new(String::new()));
    let (note, to) = (Arc::clone(&asked), server.at);
    tokio::spawn(async move {
        let (mut client, _) = listener.accept().await.unwrap();
        *note.lock().unwrap() = take(&mut client).await.unwrap().0;
        client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        carry(client, to).await;
    });
    let value = json!({
        "url": server.url("/"), "proxy": format!("http://{proxy}"), "tls": { "ca": "ca.pem" },
        "auth": { "bearer": "hunter22" },
    });
    let answer = fire_in(server.root(), value).await;
    assert!(answer.timings.tls.unwrap() > 0.0);
    assert_eq!(answer.outcome.unwrap().body, "GET / HTTP/2.0");
    let asked = asked.lock().unwrap().clone();
    assert!(
        asked.starts_with(&format!("CONNECT {} HTTP/1.1\r\n", server.at)),
        "{asked}"
    );
    assert!(
        !asked.contains("hunter22"),
        "the proxy is told no credentials: {asked}"
    );
}

#[tokio::test]
async fn a_tunnel_that_is_refused_was_never_sent() {
    let answer = "HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n";
    let proxy = Peer::answering(answer, Then::Close).await;
    let value = json!({ "url": "https://host.invalid/", "proxy": format!("http://{}", proxy.at) });
    let failed = failure(value).await;
    assert_eq!(
        (failed.fault.reason, failed.in_doubt),
        (Reason::Unreachable, false),
        "{}",
        failed.fault
    );
    assert!(failed.fault.message.contains("proxy"), "{}", failed.fault);
}

/// RFC 1928: with `socks5h` the proxy looks the name up.
#[tokio::test]
async fn socks_is_spoken_and_looks_names_up_there() {
    let peer = Peer::pleased().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = listener.local_addr().unwrap();
    let to = peer.at;
    let asked = Arc::new(Mutex::new(Vec::new()));
    let note = Arc::clone(&asked);
    tokio::spawn(async move {
        let (mut client, _) = listener.accept().await.unwrap();
        let mut greeting = [0; 2];
        client.read_exact(&mut greeting).await.unwrap();
        let mut methods = vec![0; usize::from(greeting[1])];
        client.read_exact(&mut methods).await.unwrap();
        client.write_all(&[5, 0]).await.unwrap();
        let mut head = [0; 5];
        client.read_exact(&mut head).await.unwrap();
        let mut rest = vec![0; usize::from(head[4]) + 2];
        client.read_exact(&mut rest).await.unwrap();
        *note.lock().unwrap() = [&head[1..4], &rest[..rest.len() - 2]].concat();
        client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await.unwrap();
        carry(client, to).await;
    });
    let value = json!({ "url": "http://host.invalid/s", "proxy": format!("socks5h://{proxy}") });
    fire(value).await.outcome.unwrap();
    assert_eq!(peer.only().line(), "GET /s HTTP/1.1");
    // Connect, reserved, by name.
    let wanted = [&[1, 0, 3][..], b"host.invalid"].concat();
    assert_eq!(*asked.lock().unwrap(), wanted);
}

#[test]
fn what_is_no_proxy_is_said_without_its_password() {
    for proxy in ["hunter22", "ftp://u:hunter22@host:1", "http://"] {
        let opened = open(Path::new("."), json!({ "url": "http://a/", "proxy": proxy }));
        let fault = opened.err().unwrap();
        assert_eq!(fault.reason, Reason::Input);
        assert!(fault.message.starts_with("`proxy` is no URL such as"), "{fault}");
        assert!(!fault.message.contains("hunter22"), "{fault}");
    }
}
