//! Schedules fire, and a signal ends the daemon.

use serde_json::json;

use super::daemon::{Daemon, Does, Place, Target};
use crate::support::channel::eventually;

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_fires_until_the_daemon_is_told_to_stop() {
    let target = Target::start(Does::Deliver).await;
    let place = Place::new(
        &target,
        json!({ "every": "200ms", "allow_fast": true }),
        &json!({}),
    );
    let daemon = Daemon::start(place.dir.path(), &[], &[]);
    daemon.serving().await;
    eventually("three runs that were delivered", || {
        let delivered = place.asked("SELECT class FROM records WHERE class = 'delivered'");
        (delivered.len() >= 3).then_some(())
    })
    .await;
    assert_eq!(daemon.stopped().await.code(), Some(0));
    let sent = target.tokens();
    let mut once = sent.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), sent.len(), "a token was fired twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_daemon_at_the_same_store_refuses_and_names_the_first() {
    let target = Target::start(Does::Nothing).await;
    let place = Place::new(&target, json!({ "every": "1h" }), &json!({}));
    place.set("location", json!("eu-west"));
    let first = Daemon::start(place.dir.path(), &[], &[]);
    first.serving().await;
    let mut second = Daemon::start(place.dir.path(), &[], &[]);
    assert_eq!(second.ended().await.code(), Some(4));
    let said = second.says("landfall serve").await;
    assert!(said.contains(&first.pid().to_string()), "{said}");
    assert_eq!(first.stopped().await.code(), Some(0));
}
