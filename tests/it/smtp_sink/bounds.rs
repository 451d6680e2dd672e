//! Limits, each of which names itself; stopping; a port that is taken.

use std::net::TcpListener;

use landfall::model::Reason;
use serde_json::json;

use super::client::{Peer, address, mail, token_of};

#[tokio::test]
async fn a_mail_over_the_size_limit_is_refused_and_the_session_goes_on() {
    let peer = Peer::start(json!({ "size_limit": 2000 })).await;
    let mut client = peer.client().await;
    let big = format!("Subject: big\r\n\r\n{}", "0123456789\r\n".repeat(400));
    assert!(client.mail(&address(), &big).await.starts_with("552 5.3.4"));
    peer.dropped("size_limit (2000 bytes)").await;
    assert!(client.mail(&address(), &mail("fits")).await.starts_with("250"));
    // Without end it is not read.
    client.open_mail(&[&address()]).await;
    client.raw(&b"0123456789\r\n".repeat(200_000)).await;
    assert!(client.reply().await.starts_with("552 5.3.4"));
    assert!(client.is_over().await);
    assert_eq!(peer.sightings().len(), 1);
}

#[tokio::test]
async fn a_line_of_a_megabyte_is_refused() {
    let peer = Peer::start(json!({ "size_limit": 4_000_000 })).await;
    let mut client = peer.client().await;
    let reply = client
        .mail(&address(), &format!("Subject: x\r\n\r\n{}", "x".repeat(1 << 20)))
        .await;
    assert!(reply.starts_with("554 5.6.0 line over its limit"), "{reply}");
    client.raw(&vec![b'x'; 1 << 20]).await;
    assert!(client.reply().await.starts_with("500 5.5.2 line over its limit"));
    assert!(client.is_over().await);
    peer.refused("line over its limit").await;
}

#[tokio::test]
async fn ten_thousand_recipients_are_a_hundred_and_an_end() {
    let peer = Peer::start(json!({ "addresses": ["*@whole.test"] })).await;
    let mut client = peer.client().await;
    assert!(client.say("EHLO x").await.starts_with("250"));
    assert!(client.say("MAIL FROM:<a@b>").await.starts_with("250"));
    let all: String = (0..10_000)
        .map(|n| format!("RCPT TO:<r{n}@whole.test>\r\n"))
        .collect();
    client.raw(all.as_bytes()).await;
    let mut replies = std::collections::BTreeMap::<String, u32>::new();
    loop {
        let reply = client.reply().await;
        if reply.is_empty() {
            break;
        }
        *replies.entry(reply[..3].to_owned()).or_default() += 1;
    }
    assert_eq!(replies["250"], 100);
    assert_eq!(replies["452"], 898);
    assert_eq!(replies["421"], 1);
    let reply = peer.client().await.mail(&address(), &mail("after")).await;
    assert!(reply.starts_with("250"), "{reply}");
}

#[tokio::test]
async fn a_run_whose_recipient_fell_to_the_limit_is_told() {
    let peer = Peer::start(json!({ "recipients_limit": 1 })).await;
    let mut client = peer.client().await;
    assert!(client.say("EHLO x").await.starts_with("250"));
    assert!(client.say("MAIL FROM:<a@b>").await.starts_with("250"));
    assert!(
        client
            .say(&format!("RCPT TO:<{}>", address()))
            .await
            .starts_with("250")
    );
    let over = format!("RCPT TO:<x+{}@landfall.test>", token_of(2));
    assert!(client.say(&over).await.starts_with("452 4.5.3"));
    peer.dropped("recipients_limit").await;
}

#[tokio::test]
async fn connections_are_bounded_in_all_and_from_one_source() {
    for (limit, settings) in [
        ("connections", json!({ "connections": 2 })),
        ("connections_per_source", json!({ "connections_per_source": 2 })),
    ] {
        let peer = Peer::start(settings).await;
        let (first, _second) = (peer.client().await, peer.client().await);
        let mut third = peer.silent_client().await;
        let reply = third.reply().await;
        assert!(reply.starts_with("421 4.7.0") && reply.contains(limit), "{reply}");
        peer.dropped(limit).await;
        drop(first);
        crate::support::channel::eventually("a place", || {
            (peer.channel.counters()["connections"] == 1).then_some(())
        })
        .await;
        peer.client().await;
    }
}

#[tokio::test]
async fn mails_a_minute_errors_and_silence_are_bounded() {
    let peer = Peer::start(json!({ "mails_per_minute": 1, "idle_timeout": "300ms" })).await;
    let mut client = peer.client().await;
    assert!(client.mail(&address(), &mail("one")).await.starts_with("250"));
    assert!(client.say("MAIL FROM:<a@b>").await.starts_with("250"));
    let reply = client.say(&format!("RCPT TO:<{}>", address())).await;
    assert!(reply.starts_with("451 4.7.1"), "{reply}");
    peer.dropped("mails_per_minute").await;
    assert!(client.reply().await.starts_with("421 4.4.2"));
    peer.refused("idle_timeout").await;

    let mut client = peer.client().await;
    client.raw(&b"XYZZY\r\n".repeat(60)).await;
    let mut last = String::new();
    loop {
        match client.reply().await {
            reply if reply.is_empty() => break,
            reply => last = reply,
        }
    }
    assert!(last.starts_with("421 4.7.0 too many errors"), "{last}");
}

#[tokio::test]
async fn a_session_ends_however_busy_it_is() {
    let peer = Peer::start(json!({ "session_timeout": "300ms" })).await;
    let mut client = peer.client().await;
    client.open_mail(&[&address()]).await;
    client.raw(b"Subject: never ends\r\n").await;
    assert!(
        client
            .reply()
            .await
            .starts_with("421 4.4.2 the session lasts too long")
    );
    peer.dropped("session_timeout").await;
}

#[tokio::test]
async fn stopping_says_so_and_lets_a_mail_under_way_end() {
    let peer = Peer::start(json!({})).await;
    let (mut idle, mut busy) = (peer.client().await, peer.client().await);
    busy.open_mail(&[&address()]).await;
    peer.stop.cancel();
    assert!(idle.reply().await.starts_with("421 4.3.2"));
    busy.raw(format!("{}\r\n.\r\n", mail("late")).as_bytes()).await;
    assert!(busy.reply().await.starts_with("250"));
    assert!(busy.reply().await.starts_with("421 4.3.2"));
    peer.driver.await.unwrap();
    assert_eq!(peer.seen.seen().len(), 1);
    assert!(
        tokio::net::TcpStream::connect(peer.at).await.is_err(),
        "it still listens"
    );
}

#[tokio::test]
async fn a_port_in_use_is_said_with_its_address_and_what_to_do() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = taken.local_addr().unwrap().to_string();
    let Err(fault) = Peer::try_start(json!({ "listen": at })).await else {
        panic!("bound a port in use")
    };
    assert_eq!(fault.reason, Reason::Unreachable);
    assert!(
        fault.message.contains(&at) && fault.message.contains("in use"),
        "{fault}"
    );
    assert!(fault.message.contains("set `listen` to another port"), "{fault}");
}
