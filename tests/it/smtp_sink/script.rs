//! Scripted answers, to test how senders retry; and logging in.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use landfall::model::Repeat;
use serde_json::json;

use super::client::{Peer, address, mail, token_of};

#[tokio::test]
async fn the_first_two_tries_of_each_recipient_are_put_off() {
    let script = json!({ "answers": [{ "at": "recipient", "reply": "451 4.7.1 greylisted", "times": 2 }] });
    let peer = Peer::start(script).await;
    for address in [address(), format!("x+{}@landfall.test", token_of(2))] {
        for expected in ["451 4.7.1 greylisted", "451", "250", "250"] {
            let mut client = peer.client().await;
            assert!(client.say("EHLO x").await.starts_with("250"));
            assert!(client.say("MAIL FROM:<a@b>").await.starts_with("250"));
            let reply = client.say(&format!("RCPT TO:<{address}>")).await;
            assert!(
                reply.starts_with(expected),
                "{address}: {reply}, expected {expected}"
            );
        }
    }
}

#[tokio::test]
async fn every_stage_can_refuse_and_a_lost_acknowledgement_is_a_redelivery() {
    let script = json!({ "answers": [
        { "at": "sender", "reply": "450 4.1.0 not yet", "times": 1, "together": true },
        { "at": "message", "reply": "451 4.3.0 not recorded", "times": 1 },
        { "at": "acknowledgement", "reply": "451 4.3.0 recorded, and denied", "times": 1 },
    ] });
    let peer = Peer::start(script).await;
    let mut client = peer.client().await;
    assert!(client.say("EHLO x").await.starts_with("250"));
    assert_eq!(client.say("MAIL FROM:<a@b>").await, "450 4.1.0 not yet");
    assert_eq!(
        client.mail(&address(), &mail("s")).await,
        "451 4.3.0 not recorded"
    );
    assert!(peer.sightings().is_empty());
    assert_eq!(
        client.mail(&address(), &mail("s")).await,
        "451 4.3.0 recorded, and denied"
    );
    assert_eq!(client.mail(&address(), &mail("s")).await, "250 2.0.0 recorded");
    let repeats: Vec<Repeat> = peer.sightings().iter().map(|s| s.repeat).collect();
    assert_eq!(repeats, [Repeat::First, Repeat::Redelivery]);
}

#[tokio::test]
async fn greylisting_lasts_as_long_as_it_says() {
    let script = json!({ "answers": [{ "at": "recipient", "reply": "451 4.7.1 wait", "lasting": "200ms" }] });
    let peer = Peer::start(script).await;
    let mut client = peer.client().await;
    assert!(client.say("EHLO x").await.starts_with("250"));
    assert!(client.say("MAIL FROM:<a@b>").await.starts_with("250"));
    let rcpt = format!("RCPT TO:<{}>", address());
    let mut put_off = 0;
    while client.say(&rcpt).await.starts_with("451") {
        put_off += 1;
        tokio::task::yield_now().await;
    }
    assert!(put_off > 0);
}

#[tokio::test]
async fn only_who_logs_in_may_send() {
    let auth = json!({ "auth": { "user": "canary", "password": "s3cret", "without_tls": true } });
    let peer = Peer::start(auth).await;
    let mut client = peer.client().await;
    assert!(client.say("EHLO x").await.ends_with("AUTH PLAIN LOGIN"));
    assert!(client.say("MAIL FROM:<a@b>").await.starts_with("530"));
    let plain = STANDARD.encode("\0canary\0s3cret");
    assert!(
        client
            .say(&format!("AUTH PLAIN {}", STANDARD.encode("\0canary\0wrong")))
            .await
            .starts_with("535")
    );
    assert!(client.say("AUTH CRAM-MD5").await.starts_with("504"));
    assert!(client.say("AUTH PLAIN !!!").await.starts_with("501"));
    assert!(client.say("AUTH PLAIN").await.starts_with("334"));
    assert!(client.say("*").await.starts_with("501"));
    assert!(client.say("AUTH PLAIN").await.starts_with("334"));
    assert!(client.say(&plain).await.starts_with("235"));
    assert!(client.say("AUTH PLAIN").await.starts_with("503"));
    assert!(client.mail(&address(), &mail("in")).await.starts_with("250"));

    let mut client = peer.client().await;
    assert!(client.say("EHLO x").await.starts_with("250"));
    assert_eq!(client.say("AUTH LOGIN").await, "334 VXNlcm5hbWU6");
    assert_eq!(client.say(&STANDARD.encode("canary")).await, "334 UGFzc3dvcmQ6");
    assert!(client.say(&STANDARD.encode("s3cret")).await.starts_with("235"));

    let mut guesser = peer.client().await;
    assert!(guesser.say("EHLO x").await.starts_with("250"));
    for expected in ["535", "535", "421"] {
        assert!(
            guesser
                .say(&format!("AUTH PLAIN {}", STANDARD.encode("\0a\0b")))
                .await
                .starts_with(expected)
        );
    }
    peer.refused("failed login").await;
}
