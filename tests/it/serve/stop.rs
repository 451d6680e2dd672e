//! How the daemon ends, and what a service manager is told.

use std::os::unix::net::UnixDatagram;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustix::process::Signal;
use serde_json::json;

use super::daemon::{Daemon, Does, Place, Target};
use super::fates;
use crate::support::channel::eventually;

const EVERY: Duration = Duration::from_millis(500);

async fn with_an_open_run(grace: &str) -> (Target, Place, Daemon) {
    let target = Target::start(Does::Nothing).await;
    let place = Place::new(
        &target,
        json!({ "every": "500ms", "allow_fast": true }),
        &json!({}),
    );
    place.set("stop_grace", json!(grace));
    let daemon = Daemon::start(place.dir.path(), &[], &[]);
    eventually("a request", || target.tokens().first().cloned()).await;
    (target, place, daemon)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_open_after_the_grace_is_left_to_the_next_start() {
    let (target, place, mut daemon) = with_an_open_run("1s").await;
    daemon.signal(Signal::TERM);
    daemon.says("nothing more is fired").await;
    let sent = target.tokens().len();
    assert_eq!(daemon.ended().await.code(), Some(0));
    assert!(
        target.tokens().len() <= sent + 1,
        "it fired while it was stopping"
    );
    let open = place.asked("SELECT intent FROM intents").len();
    assert!(open > 0, "the run is open, not ended as interrupted");
    assert_eq!(place.asked("SELECT class FROM records"), Vec::<String>::new());
    let said = daemon.says("stopped").await;
    assert!(said.contains(&format!("left={open}")), "{said}");
    let counts = fates::all_accounted_for(&place, EVERY);
    assert!(
        counts.contains_key("stopped"),
        "ticks came due in the grace: {counts:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_waits_for_the_outcome_of_what_was_fired() {
    let target = Target::start(Does::Deliver).await;
    let place = Place::new(&target, json!({ "on_start": true }), &json!({ "settle": "1s" }));
    let daemon = Daemon::start(place.dir.path(), &[], &[]);
    eventually("the request", || target.tokens().first().cloned()).await;
    assert_eq!(daemon.stopped().await.code(), Some(0));
    assert_eq!(place.asked("SELECT class FROM records"), ["delivered"]);
    assert_eq!(place.asked("SELECT intent FROM intents"), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_at_once() {
    let (_target, place, mut daemon) = with_an_open_run("1h").await;
    daemon.signal(Signal::TERM);
    daemon.says("nothing more is fired").await;
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.ended().await.code(), Some(130));
    assert!(!place.asked("SELECT intent FROM intents").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_manager_is_told() {
    let target = Target::start(Does::Deliver).await;
    let place = Place::new(&target, json!({ "every": "1h" }), &json!({}));
    let path = place.path("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let told: Arc<Mutex<Vec<String>>> = Arc::default();
    let into = told.clone();
    let listener = std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(read) = socket.recv(&mut buffer) {
            let text = String::from_utf8_lossy(&buffer[..read]).into_owned();
            let last = text.contains("STOPPING=1");
            into.lock().unwrap().push(text);
            if last {
                return;
            }
        }
    });
    let variables = [
        ("NOTIFY_SOCKET", path.to_str().unwrap()),
        ("WATCHDOG_USEC", "200000"),
    ];
    let daemon = Daemon::managed(place.dir.path(), &variables);
    let has = |what: &str| {
        told.lock()
            .unwrap()
            .iter()
            .any(|text| text.contains(what))
            .then_some(())
    };
    eventually("readiness", || has("READY=1")).await;
    eventually("the watchdog", || has("WATCHDOG=1")).await;
    daemon.signal(Signal::HUP);
    eventually("the reload", || has("RELOADING=1")).await;
    let ready = || {
        let told = told.lock().unwrap();
        let all: Vec<&String> = told
            .iter()
            .skip_while(|text| !text.contains("RELOADING=1"))
            .collect();
        // `Type=notify-reload` takes no other.
        assert!(all[0].contains("MONOTONIC_USEC="), "{all:?}");
        all.iter().any(|text| text.contains("READY=1")).then_some(())
    };
    eventually("readiness after it", ready).await;
    assert_eq!(daemon.stopped().await.code(), Some(0));
    listener.join().unwrap();
    eventually("the stop", || has("STOPPING=1")).await;
    let ready = told
        .lock()
        .unwrap()
        .iter()
        .find(|text| text.contains("READY=1"))
        .cloned();
    assert!(ready.unwrap().contains("STATUS=1 probes"));
}
