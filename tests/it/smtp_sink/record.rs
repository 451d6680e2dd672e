//! What is recorded, when it is acknowledged, and what a repeat is.

use landfall::channel::Planted;
use landfall::model::{Identity, Repeat};
use serde_json::json;

use super::client::{Peer, address, mail, token, token_of};
use crate::support::channel::eventually;

#[tokio::test]
async fn a_mail_is_one_observation_with_all_that_is_known_of_it() {
    let peer = Peer::start(json!({ "addresses": ["ops@landfall.test"] })).await;
    let other = format!("x.{}@landfall.test", token_of(2));
    let mut client = peer.client().await;
    client.open_mail(&[&address(), &other, "ops@landfall.test"]).await;
    client.raw(format!("{}\r\n.\r\n", mail("one")).as_bytes()).await;
    assert_eq!(client.reply().await, "250 2.0.0 recorded");

    let all = peer.sightings();
    assert_eq!(all.len(), 1, "several recipients are one mail");
    let sighting = &all[0];
    assert_eq!(sighting.at.lo, sighting.at.hi);
    assert_eq!(
        sighting.identity,
        Identity::Event(String::from("one@example.org"))
    );
    assert_eq!(sighting.repeat, Repeat::First);
    assert_eq!(sighting.keys, [token().to_string(), token_of(2).to_string()]);
    assert_eq!(sighting.seen["subject"], "hello");
    assert_eq!(sighting.seen["from"], "a@example.org");
    assert_eq!(
        sighting.seen["envelope"],
        json!({ "from": "sender@example.org", "to": [address(), other, "ops@landfall.test"], "helo": "tester",
                "tls": null, "peer": "127.0.0.1" })
    );
    assert!(sighting.summary.contains("hello"), "{}", sighting.summary);
    assert!(!sighting.automatic);
}

#[tokio::test]
async fn a_mail_without_an_id_is_its_own_and_a_bounce_is_automatic() {
    let peer = Peer::start(json!({})).await;
    let mut client = peer.client().await;
    assert!(
        client
            .mail(&address(), "Subject: none\r\n\r\nx")
            .await
            .starts_with("250")
    );
    let bounce = "Subject: away\r\nAuto-Submitted: auto-replied\r\nMessage-ID: <b@c>\r\n\r\nx";
    assert!(client.mail(&address(), bounce).await.starts_with("250"));
    let all = peer.sightings();
    assert_eq!(all[0].identity, Identity::Anonymous);
    assert!(!all[0].automatic);
    assert!(all[1].automatic);
}

/// Sent again after a 250 that was provably received is a duplicate; otherwise it is a redelivery.
#[tokio::test]
async fn only_a_proven_acknowledgement_makes_a_duplicate() {
    let peer = Peer::start(json!({})).await;
    let mut lost = peer.client().await;
    assert!(lost.mail(&address(), &mail("again")).await.starts_with("250"));
    drop(lost);
    let mut second = peer.client().await;
    assert!(second.mail(&address(), &mail("again")).await.starts_with("250"));
    assert!(second.say("QUIT").await.starts_with("221"));
    let mut third = peer.client().await;
    assert!(third.mail(&address(), &mail("again")).await.starts_with("250"));
    // The same mail to another recipient is a sender that splits it.
    let elsewhere = format!("canary+{}@landfall.test", token_of(3));
    assert!(third.mail(&elsewhere, &mail("again")).await.starts_with("250"));
    let repeats: Vec<Repeat> = peer.sightings().iter().map(|s| s.repeat).collect();
    assert_eq!(
        repeats,
        [Repeat::First, Repeat::Redelivery, Repeat::AfterAck, Repeat::First]
    );
}

/// What was sent along with the final dot was sent before the 250 and proves nothing.
#[tokio::test]
async fn a_goodbye_that_was_pipelined_proves_nothing() {
    let peer = Peer::start(json!({})).await;
    let mut eager = peer.client().await;
    eager.open_mail(&[&address()]).await;
    eager
        .raw(format!("{}\r\n.\r\nQUIT\r\n", mail("eager")).as_bytes())
        .await;
    assert!(eager.reply().await.starts_with("250"));
    assert!(eager.reply().await.starts_with("221"));
    let mut again = peer.client().await;
    assert!(again.mail(&address(), &mail("eager")).await.starts_with("250"));
    assert_eq!(peer.sightings()[1].repeat, Repeat::Redelivery);
}

/// reliability.md F28: a mail that could not be recorded is not acknowledged, and can be sent again.
#[tokio::test]
async fn a_full_disk_is_said_and_the_mail_can_come_again() {
    let peer = Peer::start(json!({})).await;
    *peer.seen.broken.lock().unwrap() = true;
    let mut client = peer.client().await;
    assert!(
        client
            .mail(&address(), &mail("full"))
            .await
            .starts_with("452 4.3.1")
    );
    *peer.seen.broken.lock().unwrap() = false;
    assert!(client.mail(&address(), &mail("full")).await.starts_with("250"));
    let all = peer.sightings();
    assert_eq!(all.len(), 1);
    assert_eq!(
        all[0].repeat,
        Repeat::First,
        "what was refused was not seen before"
    );
}

/// What crosses a MIME limit is one observation all the same, and the limit is named.
#[tokio::test]
async fn hostile_mails_are_recorded_once_and_harm_nobody() {
    let peer = Peer::start(json!({})).await;
    let headers = format!("{}Subject: many\r\n\r\nx", "X-Filler: y\r\n".repeat(10_000));
    let mut bomb = String::from("Subject: bomb\r\n");
    for depth in 0..500 {
        bomb.push_str(&format!(
            "Content-Type: multipart/mixed; boundary=b{depth}\r\n\r\n--b{depth}\r\n"
        ));
    }
    let parts = "--p\r\nContent-Type: text/plain\r\n\r\nx\r\n".repeat(5_000);
    let wide = format!("Subject: wide\r\nContent-Type: multipart/mixed; boundary=p\r\n\r\n{parts}--p--");
    let garbage: String = (0..4000)
        .map(|n| if n % 60 == 0 { "\r\n" } else { "=?utf-8?B?" })
        .collect();
    for hostile in [headers, bomb, wide, garbage, String::from("no header at all")] {
        let mut client = peer.client().await;
        let reply = client.mail(&address(), &hostile).await;
        assert!(reply.starts_with("250"), "{reply}");
    }
    let mut client = peer.client().await;
    assert!(client.mail(&address(), &mail("after")).await.starts_with("250"));
    let all = peer.sightings();
    assert_eq!(all.len(), 6);
    assert!(all.iter().all(|s| s.keys.contains(&token().to_string())));
    assert!(
        peer.seen.dropped.lock().unwrap().len() >= 3,
        "limits name themselves"
    );
}

#[tokio::test]
async fn the_self_test_arrives_by_the_same_way_whatever_the_settings_ask() {
    for settings in [
        json!({}),
        json!({ "tls": "self_signed", "require_tls": true, "auth": { "user": "u", "password": "p" } }),
        json!({ "auth": { "user": "u", "password": "p", "without_tls": true } }),
        json!({ "answers": [{ "at": "recipient", "reply": "451 4.7.1 later", "times": 2 }] }),
        json!({ "listen": "0.0.0.0:0" }),
    ] {
        let peer = Peer::start(settings.clone()).await;
        assert_eq!(peer.channel.plant(&token()).await, Ok(Planted::Yes), "{settings}");
        let all = peer.sightings();
        assert_eq!(all.len(), 1, "{settings}");
        assert_eq!(all[0].keys, [token().to_string()]);
    }
    let never = json!({ "answers": [{ "at": "message", "reply": "550 5.0.0 never" }] });
    let fault = Peer::start(never)
        .await
        .channel
        .plant(&token())
        .await
        .unwrap_err();
    assert!(fault.message.contains("550 5.0.0 never"), "{fault}");
}

#[tokio::test]
async fn a_run_is_offered_an_address_that_the_sink_takes() {
    let peer =
        Peer::start(json!({ "domain": "In.Example", "address": "qa-{{ token }}@in.example", "host": "mx" }))
            .await;
    let offers = peer.offers();
    assert_eq!(offers["address"], format!("qa-{}@in.example", token()));
    assert_eq!(
        (&offers["host"], &offers["domain"]),
        (&json!("mx"), &json!("in.example"))
    );
    assert_eq!(offers["port"], peer.at.port());
    let mut client = peer.client().await;
    assert!(
        client
            .mail(offers["address"].as_str().unwrap(), &mail("q"))
            .await
            .starts_with("250")
    );
    drop(client);
    eventually("the connection to be counted out", || {
        (peer.channel.counters()["connections"] == 0).then_some(())
    })
    .await;
    assert_eq!(peer.channel.counters()["mails"], 1);
}
