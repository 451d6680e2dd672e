//! What is seen, and when.

use base64::Engine as _;
use landfall::model::{Identity, Repeat};
use serde_json::{Value, json};

use super::rig::{Rig, TokenScope, mail};
use crate::support::dovecot::{Dovecot, Options};

#[tokio::test(flavor = "multi_thread")]
async fn the_token_is_found_wherever_a_mail_bears_it() {
    let dovecot = Dovecot::start();
    let rig = Rig::on(dovecot.imap, json!({})).await;
    let (_, token) = rig.arm().await;
    let offers = rig
        .channel
        .offers(&token, &TokenScope(token.to_string()))
        .unwrap();
    assert_eq!(offers["address"], format!("canary+{token}@example.com"));

    dovecot.deliver(
        &format!("canary+{token}@example.com"),
        &format!("Message-ID: <plus@test>\nTo: canary+{token}@example.com\nSubject: plain\n\nx\n"),
    );
    let plus = rig.sees(token.as_str()).await;
    assert_eq!(plus.keys, [token.to_string()]);
    assert_eq!(plus.identity, Identity::Event(String::from("plus@test")));
    assert_eq!(plus.seen["folder"], "INBOX");
    assert_eq!(plus.repeat, Repeat::First);
    assert!(!plus.widened && !plus.automatic);
    assert!(
        plus.at.lo < plus.at.hi
            && plus
                .looked_at
                .is_some_and(|at| at >= plus.at.lo && at < plus.at.hi)
    );
    assert_eq!(plus.seen["received"][0]["by"], "mail.example.com");

    let (_, token) = rig.arm().await;
    dovecot.deliver("canary@example.com", &mail("subject", token));
    let subject = rig.sees(token.as_str()).await;
    assert_eq!(subject.seen["subject"], format!("order {token}"));

    let (_, token) = rig.arm().await;
    let encoded = base64::engine::general_purpose::STANDARD.encode(format!("{{\"ref\": \"{token}\"}}"));
    dovecot.deliver(
        "canary@example.com",
        &format!("Message-ID: <body@test>\nSubject: s\nContent-Transfer-Encoding: base64\n\n{encoded}\n"),
    );
    let body = rig.sees(token.as_str()).await;
    assert_eq!(body.seen["json"]["ref"], token.as_str());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_planted_mail_arrives() {
    let dovecot = Dovecot::start();
    let rig = Rig::on(dovecot.imap, json!({})).await;
    let (_, token) = rig.arm().await;
    rig.channel.plant(&token).await.unwrap();
    let planted = rig.sees(token.as_str()).await;
    assert!(planted.summary.contains("landfall check"));
    assert!(
        planted
            .narrowed
            .is_none_or(|n| n.lo >= planted.at.lo && n.hi <= planted.at.hi)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_from_before_the_first_look_is_not_ours() {
    let dovecot = Dovecot::start();
    let rig = Rig::on(dovecot.imap, json!({})).await;
    let old = rig.token();
    dovecot.deliver("canary@example.com", &mail("old", old));
    let (_, token) = rig.arm().await;
    dovecot.deliver("canary@example.com", &mail("new", token));
    rig.sees(token.as_str()).await;
    assert_eq!(rig.times_seen(old.as_str()), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_reports_everything_that_had_arrived() {
    let dovecot = Dovecot::start();
    let rig = Rig::on(dovecot.imap, json!({ "burst": "30s" })).await;
    let (_, token) = rig.arm().await;
    dovecot.deliver("canary@example.com", &mail("one", token));
    rig.look().await;
    assert_eq!(rig.times_seen(token.as_str()), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_ends_a_long_pause() {
    let dovecot = Dovecot::start();
    let rig = Rig::on(dovecot.imap, json!({ "burst": "30s" })).await;
    let (_, token) = rig.arm().await;
    dovecot.deliver("canary@example.com", &mail("one", token));
    rig.sees(token.as_str()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_idle_it_polls() {
    let dovecot = Dovecot::start_with(Options {
        without_idle: true,
        ..Options::default()
    });
    let rig = Rig::on(dovecot.imap, json!({ "burst": "1200ms" })).await;
    let (_, token) = rig.arm().await;
    dovecot.deliver("canary@example.com", &mail("one", token));
    rig.sees(token.as_str()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_finds_what_came_meanwhile_and_nothing_twice() {
    let dovecot = Dovecot::start();
    let mut rig = Rig::on(dovecot.imap, json!({})).await;
    let (_, first) = rig.arm().await;
    dovecot.deliver("canary@example.com", &mail("first", first));
    rig.sees(first.as_str()).await;
    rig.stop().await;
    assert_eq!(rig.count("connections_open"), 0);
    let second = rig.token();
    dovecot.deliver("canary@example.com", &mail("second", second));
    rig.context.cursors.load("unrelated").await.unwrap();
    rig.drive_again(dovecot.imap).await;
    let (_, _) = rig.arm().await;
    let found = rig.sees(second.as_str()).await;
    assert!(found.widened, "the gap was landfall's own");
    assert_eq!(rig.times_seen(first.as_str()), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_refuses_keeps_the_cursor_and_the_mail_is_reported_once_it_takes_it() {
    let dovecot = Dovecot::start();
    let rig = Rig::on(dovecot.imap, json!({})).await;
    let (_, token) = rig.arm().await;
    *rig.sink.broken.lock().unwrap() = true;
    dovecot.deliver("canary@example.com", &mail("one", token));
    let now = rig.context.clock.now();
    let fault = rig.channel.look(now).await.unwrap_err();
    assert!(fault.message.contains("disk"), "{fault}");
    *rig.sink.broken.lock().unwrap() = false;
    let seen = rig.sees(token.as_str()).await;
    assert_eq!(seen.repeat, Repeat::First);
    assert!(
        rig.sink.downs.lock().unwrap().is_empty(),
        "the inbox itself was seen"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_mails_take_one_fetch_and_a_hundred_runs_one_connection() {
    let dovecot = Dovecot::start();
    let rig = Rig::on(dovecot.imap, json!({ "burst": "60s" })).await;
    let mut tokens = Vec::new();
    for _ in 0..100 {
        tokens.push(rig.arm().await.1);
    }
    assert_eq!(rig.count("connections"), 1);
    let mailbox = dovecot.mailbox("canary").join("new");
    for n in 0..500 {
        let text = mail(&format!("bulk{n}"), tokens[n % 100]);
        let draft = dovecot.mailbox("canary").join("tmp").join(format!("1.{n}.test"));
        std::fs::write(&draft, text).unwrap();
        std::os::unix::fs::chown(&draft, Some(65534), Some(65534)).ok();
        std::fs::rename(&draft, mailbox.join(format!("1.{n}.test"))).unwrap();
    }
    let (_, last) = rig.arm().await;
    dovecot.deliver("canary@example.com", &mail("last", last));
    rig.look().await;
    rig.sees(last.as_str()).await;
    assert_eq!(rig.count("mails"), 501);
    assert_eq!(rig.count("connections"), 1);
    // However often the slow arrival of the mails made it look: one look, one fetch of all that is new.
    assert!(
        rig.count("fetches") <= rig.count("looks"),
        "{:?}",
        rig.channel.counters()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_over_the_limit_is_read_in_part_and_its_runs_are_told() {
    let dovecot = Dovecot::start();
    let rig = Rig::on(dovecot.imap, json!({ "max_size": 262_144 })).await;
    let (_, token) = rig.arm().await;
    let filler = "x".repeat(70) + "\n";
    let large = mail("large", token) + &filler.repeat(8000);
    dovecot.deliver("canary@example.com", &large);
    let seen = rig.sees(token.as_str()).await;
    assert!(seen.seen["text"].as_str().unwrap().len() < 270_000);
    let dropped = rig.sink.dropped.lock().unwrap().clone();
    assert!(
        dropped.iter().any(|what| what.contains("max_size")),
        "{dropped:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bounce_is_automatic_and_bears_the_token() {
    let dovecot = Dovecot::start();
    let rig = Rig::on(dovecot.imap, json!({})).await;
    let (_, token) = rig.arm().await;
    let bounce = format!(
        "Message-ID: <b@test>\nSubject: Undelivered\nAuto-Submitted: auto-replied\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=B\n\n--B\n\nfailed\n--B\n\
         Content-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\nFinal-Recipient: rfc822; canary+{token}@example.com\n\
         Action: failed\nStatus: 5.1.1\n\n--B--\n"
    );
    dovecot.deliver("canary@example.com", &bounce);
    let seen = rig.sees(token.as_str()).await;
    assert!(seen.automatic);
    assert_eq!(seen.seen["dsn"]["action"], Value::from("failed"));
}
