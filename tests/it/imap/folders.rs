//! Several folders, moves, deletions, and folders that are made anew.

use landfall::model::Repeat;
use serde_json::json;

use super::rig::{Rig, mail};
use crate::support::channel::eventually;
use crate::support::dovecot::Dovecot;

fn both() -> serde_json::Value {
    json!({ "folders": ["INBOX", "Junk"] })
}

#[tokio::test(flavor = "multi_thread")]
async fn junk_is_an_outcome_and_says_so() {
    let dovecot = Dovecot::start();
    let rig = Rig::on(dovecot.imap, both()).await;
    let (_, junk) = rig.arm().await;
    let (_, inbox) = rig.arm().await;
    dovecot.client("canary").append("Junk", &mail("junk", junk));
    dovecot.deliver("canary@example.com", &mail("inbox", inbox));
    assert_eq!(rig.sees(junk.as_str()).await.seen["folder"], "Junk");
    assert_eq!(rig.sees(inbox.as_str()).await.seen["folder"], "INBOX");
    assert_eq!(rig.count("connections"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_is_moved_is_the_same_and_one_that_comes_again_is_not() {
    let dovecot = Dovecot::start();
    let rig = Rig::on(dovecot.imap, both()).await;
    let (_, token) = rig.arm().await;
    let mut other = dovecot.client("canary");
    dovecot.deliver("canary@example.com", &mail("one", token));
    rig.sees(token.as_str()).await;
    other.run("SELECT INBOX");
    other.run("MOVE 1 Junk");
    eventually("the move", || (rig.count("moved") == 1).then_some(())).await;
    other.run("SELECT Junk");
    other.run("MOVE 1 INBOX");
    eventually("the move back", || (rig.count("moved") == 2).then_some(())).await;
    assert_eq!(rig.times_seen(token.as_str()), 1);

    let (_, twice) = rig.arm().await;
    dovecot.deliver("canary@example.com", &mail("twice", twice));
    dovecot.deliver("canary@example.com", &mail("twice", twice));
    let second = eventually("the second arrival", || {
        let seen = rig.sink.seen();
        seen.into_iter().find(|s| s.repeat == Repeat::AfterAck)
    })
    .await;
    assert!(super::rig::bears(&second, twice.as_str()));
    assert_eq!(rig.times_seen(twice.as_str()), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_client_that_expunges_does_no_harm() {
    let dovecot = Dovecot::start();
    let rig = Rig::on(dovecot.imap, json!({})).await;
    let (_, first) = rig.arm().await;
    dovecot.deliver("canary@example.com", &mail("first", first));
    rig.sees(first.as_str()).await;
    let mut other = dovecot.client("canary");
    other.run("SELECT INBOX");
    other.run("STORE 1 +FLAGS (\\Deleted)");
    other.run("EXPUNGE");
    let (_, second) = rig.arm().await;
    dovecot.deliver("canary@example.com", &mail("second", second));
    rig.sees(second.as_str()).await;
    assert_eq!(rig.times_seen(first.as_str()), 1);
    assert!(rig.sink.downs.lock().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_made_anew_is_read_again_by_token_alone() {
    let dovecot = Dovecot::start();
    let extra = json!({ "folders": ["INBOX", "Canary"] });
    let mut other = dovecot.client("canary");
    other.run("CREATE Canary");
    let rig = Rig::on(dovecot.imap, extra).await;
    let (_, seen_before) = rig.arm().await;
    other.append("Canary", &mail("before", seen_before));
    rig.sees(seen_before.as_str()).await;
    let fetched = rig.count("mails");

    // The folder comes back under another UIDVALIDITY, with its old mail, foreign mail and a new one, before the
    // watcher opens it again.
    let (_, fresh) = rig.arm().await;
    other.run("CREATE Canary2");
    other.append("Canary2", "Subject: foreign\n\nnot ours\n");
    other.append("Canary2", &mail("before", seen_before));
    other.append("Canary2", &mail("fresh", fresh));
    other.run("RENAME Canary Old");
    other.run("RENAME Canary2 Canary");
    rig.look().await;
    rig.sees(fresh.as_str()).await;
    assert_eq!(rig.times_seen(seen_before.as_str()), 1);
    assert_eq!(
        rig.count("mails"),
        fetched + 1,
        "foreign mail is not reported again"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn own_mail_is_deleted_and_nobody_elses() {
    let dovecot = Dovecot::start();
    let rig = Rig::on(dovecot.imap, json!({ "delete": "own" })).await;
    let (_, token) = rig.arm().await;
    dovecot.deliver(
        "canary@example.com",
        "Message-ID: <foreign@test>\nSubject: foreign\n\nnot ours\n",
    );
    dovecot.deliver("canary@example.com", &mail("own", token));
    rig.sees(token.as_str()).await;
    eventually("the deletion", || (rig.count("deleted") == 1).then_some(())).await;
    let mut other = dovecot.client("canary");
    let opened = other.run("SELECT INBOX");
    assert!(opened.iter().any(|line| line == "* 1 EXISTS"), "{opened:?}");
    let left = other.run("FETCH 1 (BODY.PEEK[HEADER.FIELDS (SUBJECT)])");
    assert!(left.iter().any(|line| line.contains("foreign")), "{left:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn by_default_nothing_is_changed() {
    let dovecot = Dovecot::start();
    let rig = Rig::on(dovecot.imap, json!({})).await;
    let (_, token) = rig.arm().await;
    dovecot.deliver("canary@example.com", &mail("one", token));
    rig.sees(token.as_str()).await;
    let mut other = dovecot.client("canary");
    other.run("SELECT INBOX");
    let flags = other.run("FETCH 1 (FLAGS)");
    assert!(
        flags
            .iter()
            .any(|line| line.contains("FLAGS") && !line.contains("\\Seen")),
        "{flags:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_not_there_is_named() {
    let dovecot = Dovecot::start();
    let rig = Rig::on(dovecot.imap, json!({ "folders": ["INBOX", "Nowhere"] })).await;
    let fault = rig.try_arm(rig.token()).await.unwrap_err();
    assert!(
        fault.message.contains("`Nowhere`") && fault.message.contains("folders"),
        "{fault}"
    );
}
