//! Nothing is said while nothing is due.

use serde_json::json;

use super::rig::{Rig, mail};
use crate::support::channel::eventually;
use crate::support::dovecot::Dovecot;

#[tokio::test(flavor = "multi_thread")]
async fn not_a_command_is_sent_while_no_run_waits() {
    let dovecot = Dovecot::start();
    let rig = Rig::on(dovecot.imap, json!({})).await;
    assert_eq!(
        rig.count("connections"),
        0,
        "nothing waits, so there is no connection yet"
    );
    let (run, _) = rig.arm().await;
    let before = rig.count("looks");
    eventually("the burst", || (rig.count("looks") >= before + 3).then_some(())).await;
    rig.channel.disarm(run);
    let mut last = rig.count("commands");
    let settled = eventually("silence", || {
        let now = rig.count("commands");
        let same = now == last;
        last = now;
        same.then_some(now)
    })
    .await;
    // Only time can show that nothing more comes: a dozen times the burst.
    rig.pause(900).await;
    assert!(
        rig.count("commands") <= settled + 1,
        "one IDLE at most: {:?}",
        rig.channel.counters()
    );
    let quiet = rig.count("commands");
    rig.pause(900).await;
    assert_eq!(rig.count("commands"), quiet);
    assert_eq!(rig.count("connections_open"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_nobody_needs_is_closed_and_opened_again_without_a_gap() {
    let dovecot = Dovecot::start();
    let rig = Rig::on(dovecot.imap, json!({ "idle_renew": "1s" })).await;
    let (run, _) = rig.arm().await;
    eventually("the connection", || {
        (rig.count("connections_open") == 1).then_some(())
    })
    .await;
    rig.channel.disarm(run);
    eventually("the connection's end", || {
        (rig.count("connections_open") == 0).then_some(())
    })
    .await;
    let (_, token) = rig.arm().await;
    dovecot.deliver("canary@example.com", &mail("one", token));
    let seen = rig.sees(token.as_str()).await;
    assert!(!seen.widened);
    assert_eq!(rig.count("connections"), 2);
    assert!(rig.sink.downs.lock().unwrap().is_empty());
}
