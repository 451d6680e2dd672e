//! A store that takes nothing for a while: every tick that came due has exactly one fate on record afterwards.

use std::time::Duration;

use rusqlite::Connection;
use rustix::process::Signal;
use serde_json::json;

use super::daemon::{Daemon, Does, Place, Target};
use super::fates;
use crate::support::channel::eventually;

const EVERY: Duration = Duration::from_millis(500);

struct Scene {
    target: Target,
    place: Place,
    daemon: Daemon,
    lock: Connection,
}

async fn fired(target: &Target, count: usize) {
    eventually(&format!("{count} requests"), || {
        (target.tokens().len() >= count).then_some(())
    })
    .await;
}

impl Scene {
    /// A daemon that fires, whose store another program then holds until some ticks have been skipped for it.
    async fn in_trouble() -> Self {
        let target = Target::start(Does::Deliver).await;
        let schedule = json!({ "every": "500ms", "allow_fast": true });
        let place = Place::new(&target, schedule, &json!({}));
        let daemon = Daemon::start(place.dir.path(), &[], &[]);
        fired(&target, 2).await;
        let lock = Connection::open(place.path("landfall.db")).unwrap();
        lock.busy_timeout(Duration::from_secs(20)).unwrap();
        lock.execute_batch("BEGIN IMMEDIATE").unwrap();
        daemon.says("skips are not on record yet").await;
        Self {
            target,
            place,
            daemon,
            lock,
        }
    }

    fn free(&self) {
        self.lock.execute_batch("ROLLBACK").unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_locked_store_did_not_take_is_on_record_once_it_is_free() {
    let scene = Scene::in_trouble().await;
    scene.free();
    scene.daemon.says("that waited for the store are on record").await;
    fired(&scene.target, scene.target.tokens().len() + 2).await;
    assert_eq!(scene.daemon.stopped().await.code(), Some(0));
    let counts = fates::all_accounted_for(&scene.place, EVERY);
    assert!(counts.contains_key("store"), "{counts:?}");
    assert!(!counts.contains_key("down"), "{counts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_within_the_trouble_waits_until_it_is_on_record() {
    let scene = Scene::in_trouble().await;
    scene.daemon.signal(Signal::TERM);
    scene.daemon.says("nothing more is fired").await;
    scene.free();
    let mut daemon = scene.daemon;
    assert_eq!(daemon.ended().await.code(), Some(0));
    let counts = fates::all_accounted_for(&scene.place, EVERY);
    assert!(counts.contains_key("store"), "{counts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_kill_within_the_trouble_the_next_start_skips_them_as_down() {
    let scene = Scene::in_trouble().await;
    scene.daemon.signal(Signal::KILL);
    drop(scene.daemon);
    scene.lock.execute_batch("ROLLBACK").unwrap();
    let before = scene.target.tokens().len();
    let daemon = Daemon::start(scene.place.dir.path(), &[], &[]);
    daemon.says("came due while landfall was not running").await;
    fired(&scene.target, before + 2).await;
    assert_eq!(daemon.stopped().await.code(), Some(0));
    let counts = fates::all_accounted_for(&scene.place, EVERY);
    assert!(counts.contains_key("down"), "{counts:?}");
    let sent = scene.target.tokens();
    let mut once = sent.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), sent.len(), "a token was fired twice");
}
