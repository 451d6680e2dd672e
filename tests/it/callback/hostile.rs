//! Senders that mean harm: slow, silent, endless, lying.

use std::time::Duration;

use landfall::clock::{Clock as _, SystemClock};
use landfall::web::Limits;
use serde_json::json;
use tokio::io::AsyncWriteExt;

use super::{Client, Peer, request, token};
use crate::support::channel::eventually;

/// Short enough to wait for, long enough for another client on a busy machine.
fn short() -> Limits {
    Limits {
        head: Duration::from_millis(700),
        body: Duration::from_millis(700),
        ..Limits::default()
    }
}

/// Writes until the other side has had enough, at most `most` bytes; the result is how many it took.
async fn pour(client: &mut Client, chunk: &[u8], most: usize) -> usize {
    let mut poured = 0;
    while poured < most {
        let writing = tokio::time::timeout(Duration::from_secs(10), client.tcp.write_all(chunk)).await;
        match writing.expect("the other side neither reads nor closes") {
            Ok(()) => poured += chunk.len(),
            Err(_) => break,
        }
    }
    poured
}

#[tokio::test]
async fn a_slowloris_is_closed_while_another_client_is_served() {
    let peer = Peer::limited(short()).await;
    let path = peer.path(&token(1));
    let beginnings: Vec<Vec<u8>> = vec![
        Vec::new(),
        format!("POST {path} HTTP/1.1\r\nhost: x\r\n").into_bytes(),
        format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{{\"part\":").into_bytes(),
        format!("POST {path} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab").into_bytes(),
        b"P".to_vec(),
    ];
    let mut held = Vec::new();
    for n in 0..100 {
        let mut client = Client::connect(peer.address).await;
        client.send(&beginnings[n % beginnings.len()]).await;
        held.push(client);
    }
    eventually("all of them to be connected", || {
        (peer.listener.open_connections() == 100).then_some(())
    })
    .await;
    let body = br#"{"from":"another"}"#;
    assert_eq!(peer.post(&path, &[], body).await.status, 200);
    for client in &mut held {
        client.closed().await;
    }
    eventually("all of them to be closed", || {
        (peer.listener.open_connections() == 0).then_some(())
    })
    .await;
    assert_eq!((peer.count("head_timeout"), peer.count("body_timeout")), (60, 40));
    assert_eq!(peer.sink.seen().len(), 1);
    assert_eq!(
        peer.sink.dropped.lock().unwrap().len(),
        40,
        "what was cut off may have been an outcome"
    );
}

#[tokio::test]
async fn a_byte_at_a_time_gains_no_time() {
    let peer = Peer::limited(short()).await;
    let path = peer.path(&token(1));
    let heads = [
        (String::from("POST / HTTP/1.1\r\nx: "), "head_timeout"),
        (
            format!("POST {path} HTTP/1.1\r\ncontent-length: 60000\r\n\r\n"),
            "body_timeout",
        ),
    ];
    for (head, word) in heads {
        let mut client = Client::connect(peer.address).await;
        client.send(&head).await;
        let clock = SystemClock::start();
        let mut bytes = 0;
        while peer.count(word) == 0 {
            let _broken_once_it_is_closed = client.tcp.write_all(b"a").await;
            // So slowly that the limit of size is never the one that is hit.
            clock.sleep(Duration::from_millis(5)).await;
            bytes += 1;
            assert!(bytes < 4_000, "{word}");
        }
    }
}

#[tokio::test]
async fn a_request_after_a_pause_is_served_and_silence_is_ended() {
    let peer = Peer::limited(Limits {
        idle: Duration::from_millis(500),
        ..Limits::default()
    })
    .await;
    let mut client = Client::connect(peer.address).await;
    for n in 0..3 {
        assert_eq!(
            client
                .request("POST", &peer.path(&token(n)), &[], b"")
                .await
                .status,
            200
        );
    }
    client.closed().await;
    eventually("it to be counted", || (peer.count("idle") == 1).then_some(())).await;
    assert_eq!(peer.count("accepted"), 1);
}

#[tokio::test]
async fn too_many_and_too_large_headers_are_refused() {
    let peer = Peer::start(json!({})).await;
    let path = peer.path(&token(1));
    let many = "x: y\r\n".repeat(101);
    let long = format!("x: {}\r\n", "y".repeat(40_000));
    for headers in [many, long] {
        let mut client = Client::connect(peer.address).await;
        client
            .send(format!("POST {path} HTTP/1.1\r\n{headers}\r\n"))
            .await;
        assert_eq!(client.answer().await.map(|answer| answer.status), Some(431));
        client.closed().await;
    }
    let mut client = Client::connect(peer.address).await;
    client.send(format!("POST {path} HTTP/1.1\r\n")).await;
    pour(
        &mut client,
        "x-header: value\r\n".repeat(1000).as_bytes(),
        100_000 * 17,
    )
    .await;
    client.closed().await;
    eventually("all three to be counted", || {
        (peer.count("head_too_large") == 3).then_some(())
    })
    .await;
    assert!(peer.sink.seen().is_empty());
    assert_eq!(peer.post(&path, &[], b"").await.status, 200);
}

#[tokio::test]
async fn a_body_of_a_gigabyte_or_without_end_is_refused_and_not_held() {
    let peer = Peer::start(json!({})).await;
    let path = peer.path(&token(1));
    let chunk = [&b"10000\r\n"[..], &[b'a'; 65_536], b"\r\n"].concat();
    let gigabyte = 1 << 30;
    for (head, chunk) in [
        (format!("content-length: {gigabyte}\r\n"), vec![b'a'; 65_536]),
        (String::from("transfer-encoding: chunked\r\n"), chunk),
    ] {
        let mut client = Client::connect(peer.address).await;
        client
            .send(format!("POST {path} HTTP/1.1\r\nhost: x\r\n{head}\r\n"))
            .await;
        let poured = pour(&mut client, &chunk, gigabyte).await;
        // The limit, what is thrown away so that the answer can be read, and what the sockets hold.
        assert!(poured < 32 << 20, "it took {poured} bytes");
    }
    let mut client = Client::connect(peer.address).await;
    client
        .send(request("POST", &path, &[], &vec![b'a'; 900_000]))
        .await;
    let answer = client
        .answer()
        .await
        .expect("the answer can be read although the body was not");
    assert_eq!(answer.status, 413);
    assert!(answer.body.contains("65536 bytes"), "{}", answer.body);
    assert_eq!(peer.count("body_too_large"), 3);
    assert!(peer.sink.seen().is_empty());
    assert_eq!(*peer.sink.dropped.lock().unwrap(), ["body_too_large"; 3]);
    let exact = vec![b'a'; 65_536];
    assert_eq!(
        peer.post(&path, &[], &exact).await.status,
        200,
        "the limit itself is within it"
    );
}

#[tokio::test]
async fn a_zip_bomb_stays_what_it_is() {
    let bomb = std::process::Command::new("sh")
        .args(["-c", "head -c 40000000 /dev/zero | gzip -9"])
        .output()
        .expect("`gzip` is needed: apt-get install gzip")
        .stdout;
    assert!((1_000..65_536).contains(&bomb.len()), "{} bytes", bomb.len());
    let peer = Peer::start(json!({})).await;
    let answer = peer
        .post(&peer.path(&token(1)), &[("content-encoding", "gzip")], &bomb)
        .await;
    assert_eq!(answer.status, 200);
    let sighting = peer.sink.seen().pop().unwrap();
    assert!(sighting.seen["text"].as_str().unwrap().len() <= bomb.len() * 3);
    assert_eq!(sighting.seen["lossy"], json!(true));
}

#[tokio::test]
async fn what_is_not_http_is_closed_and_counted() {
    let peer = Peer::start(json!({})).await;
    let path = peer.path(&token(1));
    let cases: Vec<Vec<u8>> = vec![
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
        b"\0\0\0\0\r\n\r\n".to_vec(),
        format!("POST {path} HTTP/1.1\r\nbad header\r\n\r\n").into_bytes(),
        format!("POST {path} HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n").into_bytes(),
        format!("POST {path} HTTP/1.1\r\ncontent-length: -1\r\n\r\n").into_bytes(),
        format!("POST {path} HTTP/1.1\r\ncontent-length: 99999999999999999999999\r\n\r\n").into_bytes(),
    ];
    let all = cases.len() as u64;
    for case in cases {
        let mut client = Client::connect(peer.address).await;
        client.send(&case).await;
        client.closed().await;
    }
    eventually("all to be counted", || {
        (peer.count("malformed") == all).then_some(())
    })
    .await;
    // Two lengths that contradict each other are how requests are smuggled past a proxy (RFC 9112, section 11.2).
    let mut client = Client::connect(peer.address).await;
    client
        .send(format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 6\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nG"
        ))
        .await;
    let first = client.answer().await;
    assert!(first.is_none_or(|answer| answer.status == 200 || answer.status == 400));
    client.closed().await;
    assert!(peer.sink.seen().len() <= 1);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_no_observation() {
    let peer = Peer::start(json!({})).await;
    let mut client = Client::connect(peer.address).await;
    let whole = request("POST", &peer.path(&token(1)), &[], b"0123456789");
    client.send(&whole[..whole.len() - 3]).await;
    drop(client);
    eventually("it to be counted", || (peer.count("aborted") >= 1).then_some(())).await;
    assert!(peer.sink.seen().is_empty());
    assert!(
        peer.sink.dropped.lock().unwrap().is_empty(),
        "the sender broke off, not landfall"
    );
}

#[tokio::test]
async fn a_sender_may_finish_what_is_refused_and_is_not_reset() {
    let limits = Limits {
        linger: Duration::from_secs(10),
        ..Limits::default()
    };
    let peer = Peer::limited(limits).await;
    let whole = request("POST", &peer.path(&token(1)), &[], &vec![b'a'; 200_000]);
    let mut client = Client::connect(peer.address).await;
    let (begin, rest) = whole.split_at(500);
    client.send(begin).await;
    assert_eq!(client.answer().await.unwrap().status, 413);
    // A connection that was closed with unread bytes would be reset by the first of these.
    for piece in rest.chunks(20_000) {
        client.send(piece).await;
    }
    client.tcp.shutdown().await.unwrap();
    client.closed().await;
}
