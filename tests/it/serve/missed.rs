//! Time that passed without landfall: no burst, and every tick has its fate.

use std::time::Duration;

use landfall::clock::{Clock, SystemClock};
use rustix::process::Signal;
use serde_json::json;

use super::daemon::{Daemon, Does, Place, Target};
use super::fates;
use crate::support::channel::eventually;
use crate::support::whole::http_client;

const EVERY: Duration = Duration::from_millis(500);

async fn place(target: &Target) -> Place {
    Place::new(
        target,
        json!({ "every": "500ms", "allow_fast": true }),
        &json!({}),
    )
}

/// So much time passes: nothing else can be waited for while a process stands still.
async fn pass(time: Duration) {
    let clock = SystemClock::start();
    let end = clock.now().after(time);
    eventually("time that passes", || (clock.now() >= end).then_some(())).await;
}

async fn fired(target: &Target, count: usize) {
    eventually(&format!("{count} requests"), || {
        (target.tokens().len() >= count).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_was_stopped_skips_what_it_missed() {
    let target = Target::start(Does::Deliver).await;
    let place = place(&target).await;
    let daemon = Daemon::start(place.dir.path(), &[], &[]);
    fired(&target, 2).await;
    daemon.signal(Signal::STOP);
    pass(Duration::from_secs(3)).await;
    let before = target.tokens().len();
    daemon.signal(Signal::CONT);
    daemon.says("could not see").await;
    fired(&target, before + 2).await;
    assert_eq!(daemon.stopped().await.code(), Some(0));
    let counts = fates::all_accounted_for(&place, EVERY);
    assert!(
        counts["late_start"] >= 4,
        "six came due while it stood still: {counts:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_waits_while_the_process_stands_still_is_unobserved() {
    let target = Target::start(Does::Nothing).await;
    let more = json!({ "outcome": [{ "in": "hooks", "within": "2s", "grace": "100ms" }] });
    let place = Place::new(&target, json!({ "every": "1h", "on_start": true }), &more);
    let daemon = Daemon::start(place.dir.path(), &[], &[]);
    fired(&target, 1).await;
    daemon.signal(Signal::STOP);
    pass(Duration::from_secs(3)).await;
    daemon.signal(Signal::CONT);
    daemon.says("could not see").await;
    // It would have been lost, had landfall been there to see that nothing came.
    let classes = eventually("the run to end", || {
        let classes = place.asked("SELECT class FROM records");
        (!classes.is_empty()).then_some(classes)
    });
    assert_eq!(classes.await, ["unobserved"]);
    assert_eq!(daemon.stopped().await.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_while_the_process_is_held_up_is_not_said_to_be_late() {
    let target = Target::start(Does::Nothing).await;
    let more = json!({ "outcome": [{ "in": "hooks", "within": "600ms", "grace": "30s" }] });
    let place = Place::new(&target, json!({ "every": "1h", "on_start": true }), &more);
    let daemon = Daemon::start(place.dir.path(), &[], &[]);
    fired(&target, 1).await;
    pass(Duration::from_millis(350)).await;
    daemon.signal(Signal::STOP);
    // It is there before the limit, and read after it: landfall's own doing, too short for a stall.
    let body = json!({ "ref": target.tokens()[0] });
    let sent = tokio::spawn(http_client().post(target.webhook()).json(&body).send());
    pass(Duration::from_millis(350)).await;
    daemon.signal(Signal::CONT);
    assert_eq!(sent.await.unwrap().unwrap().status(), 200);
    let classes = eventually("the run to end", || {
        let classes = place.asked("SELECT class FROM records");
        (!classes.is_empty()).then_some(classes)
    });
    assert_eq!(classes.await, ["unobserved"]);
    assert_eq!(daemon.stopped().await.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_due_between_a_kill_and_the_next_start_is_skipped_as_down() {
    let target = Target::start(Does::Deliver).await;
    let place = place(&target).await;
    let daemon = Daemon::start(place.dir.path(), &[], &[]);
    fired(&target, 3).await;
    daemon.signal(Signal::KILL);
    drop(daemon);
    pass(Duration::from_secs(2)).await;
    let before = target.tokens().len();
    let daemon = Daemon::start(place.dir.path(), &[], &[]);
    daemon.says("came due while landfall was not running").await;
    fired(&target, before + 2).await;
    assert_eq!(daemon.stopped().await.code(), Some(0));
    let counts = fates::all_accounted_for(&place, EVERY);
    assert!(counts["down"] >= 3, "four came due while it was down: {counts:?}");
    let sent = target.tokens();
    let mut once = sent.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), sent.len(), "a token was fired twice");
}
