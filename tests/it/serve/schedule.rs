//! What fires, and what keeps it from firing.

use std::time::Duration;

use landfall::clock::{Clock, SystemClock};
use landfall::model::Moment;
use landfall::store::{Options, SqliteStore, Store};
use serde_json::{Value, json};

use super::daemon::{Daemon, Does, Place, Target};
use super::fates;
use crate::support::channel::eventually;

const EVERY: Duration = Duration::from_millis(200);

fn fast() -> Value {
    json!({ "every": "200ms", "allow_fast": true })
}

/// The store of a place whose daemon is not running.
fn store(place: &Place) -> SqliteStore {
    let options = Options::new(SystemClock::start().now(), "a test");
    SqliteStore::open(&place.path("landfall.db"), options).unwrap()
}

async fn spans(place: &Place, reason: &str, count: usize) -> Vec<String> {
    eventually(&format!("{count} ticks skipped as {reason}"), || {
        let found = place.asked(&format!("SELECT span FROM skip_spans WHERE reason = '{reason}'"));
        let ticks = |span: &String| {
            serde_json::from_str::<Value>(span).unwrap()["ticks"]
                .as_u64()
                .unwrap()
        };
        (found.iter().map(ticks).sum::<u64>() >= count as u64).then_some(found)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_fires_until_the_daemon_is_told_to_stop() {
    let target = Target::start(Does::Deliver).await;
    let place = Place::new(&target, fast(), &json!({}));
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
    let counts = fates::all_accounted_for(&place, EVERY);
    assert!(counts["fired"] >= 3, "{counts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cron_line_fires_at_its_seconds() {
    let target = Target::start(Does::Deliver).await;
    let place = Place::new(&target, json!({ "cron": "* * * * * *" }), &json!({}));
    let daemon = Daemon::start(place.dir.path(), &[], &[]);
    let ticks = eventually("two ticks", || {
        let ticks = place.asked("SELECT CAST(tick AS TEXT) FROM claims");
        (ticks.len() >= 2).then_some(ticks)
    })
    .await;
    for tick in ticks {
        assert!(tick.ends_with("000000000"), "{tick} is no whole second");
    }
    assert_eq!(daemon.stopped().await.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_that_fires_on_start_fires_once_each_start() {
    let target = Target::start(Does::Deliver).await;
    let place = Place::new(&target, json!({ "on_start": true }), &json!({}));
    for start in 1..=2 {
        let daemon = Daemon::start(place.dir.path(), &[], &[]);
        eventually("the run of this start", || {
            (place.asked("SELECT class FROM records").len() == start).then_some(())
        })
        .await;
        assert_eq!(daemon.stopped().await.code(), Some(0));
    }
    assert_eq!(target.tokens().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_paused_stays_paused_over_restarts() {
    let target = Target::start(Does::Deliver).await;
    let place = Place::new(&target, fast(), &json!({}));
    let paused = store(&place);
    let pause = json!({ "since": SystemClock::start().now().0, "note": "the target moves" });
    paused.keep("pauses", "orders", Some(pause)).await.unwrap();
    paused.shutdown().await.unwrap();
    drop(paused);
    let mut ticks = 0;
    for _ in 0..2 {
        let daemon = Daemon::start(place.dir.path(), &[], &[]);
        daemon.serving().await;
        let found = spans(&place, "paused", ticks + 3).await;
        assert!(
            found.iter().all(|span| span.contains("the target moves")),
            "{found:?}"
        );
        assert_eq!(daemon.stopped().await.code(), Some(0));
        let counts = fates::all_accounted_for(&place, EVERY);
        assert!(!counts.contains_key("fired"), "{counts:?}");
        ticks = counts["paused"];
    }
    assert_eq!(target.tokens(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_fires_in_a_window_that_stops_it() {
    let target = Target::start(Does::Deliver).await;
    let window = json!([{
        "from": "2026-01-01T00:00:00Z", "to": "2126-01-01T00:00:00Z", "mode": "stop", "reason": "the century's move",
    }]);
    let place = Place::new(&target, fast(), &json!({ "maintenance": window }));
    let daemon = Daemon::start(place.dir.path(), &[], &[]);
    let found = spans(&place, "maintenance", 3).await;
    assert!(found[0].contains("the century's move"), "{found:?}");
    assert_eq!(daemon.stopped().await.code(), Some(0));
    assert_eq!(target.tokens(), Vec::<String>::new());
    fates::all_accounted_for(&place, EVERY);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_before_what_is_on_record_fires_nothing_unless_it_is_trusted() {
    let target = Target::start(Does::Deliver).await;
    let place = Place::new(&target, fast(), &json!({}));
    let ahead = store(&place);
    let tomorrow = SystemClock::start().now().after(Duration::from_secs(86_400));
    ahead.alive(tomorrow).await.unwrap();
    ahead.shutdown().await.unwrap();
    drop(ahead);
    let waits = Daemon::start(place.dir.path(), &[], &[]);
    let said = waits.says("nothing is fired").await;
    assert!(
        said.contains(&tomorrow.to_rfc3339()) && said.contains("--trust-clock"),
        "{said}"
    );
    assert_eq!(waits.stopped().await.code(), Some(0));
    assert_eq!(target.tokens(), Vec::<String>::new());
    let trusts = Daemon::start(place.dir.path(), &["--trust-clock"], &[]);
    eventually("a request", || target.tokens().first().cloned()).await;
    assert_eq!(trusts.stopped().await.code(), Some(0));
    let newest: Vec<Moment> = fates::of(&place, EVERY)
        .into_iter()
        .map(|(tick, _)| tick)
        .collect();
    assert!(newest.iter().all(|tick| *tick < tomorrow), "{newest:?}");
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
