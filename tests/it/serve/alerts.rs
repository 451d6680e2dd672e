//! Alerts of a daemon that is killed, and the mutes of another process.

use std::time::Duration;

use landfall::clock::{Clock as _, SystemClock};
use rustix::process::Signal;
use serde_json::{Value, json};

use super::daemon::{Daemon, Does, Place, Target};
use crate::alerts::Peer;
use crate::support::channel::eventually;
use crate::support::process::{ended, landfall};

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_is_killed_loses_no_alert_and_tells_it_under_the_same_id() {
    let (peer, target) = (Peer::start().await, Target::start(Does::Nothing).await);
    let more = json!({
        "outcome": [{ "in": "hooks", "within": "50ms", "grace": "10ms" }],
        "alerts": { "in_a_row": 3, "wait": "0s", "burn_rate": false, "at_once": [], "blind": "100%", "no_data": "0s" },
    });
    let place = Place::new(&target, json!({ "every": "100ms", "allow_fast": true }), &more);
    place.set("alerts", json!({ "chat": { "webhook": { "url": peer.url } } }));
    *peer.answer.lock().unwrap() = 503;
    let ids = |from: usize| -> Vec<String> {
        let got = peer.got();
        got[from..]
            .iter()
            .map(|(headers, _)| headers["idempotency-key"].clone())
            .collect()
    };
    // Killed at seeded instants, before, while and after the alert is decided and tried.
    let mut seed = 11_u64;
    let mut told: Vec<String> = Vec::new();
    for _ in 0..6 {
        let daemon = Daemon::start(place.dir.path(), &[], &[]);
        daemon.serving().await;
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let end = SystemClock::start()
            .now()
            .after(Duration::from_millis(200 + (seed >> 33) % 900));
        eventually("the instant of the kill", || {
            (SystemClock::start().now() >= end).then_some(())
        })
        .await;
        daemon.signal(Signal::KILL);
        drop(daemon);
        told.extend(ids(told.len()));
    }
    *peer.answer.lock().unwrap() = 200;
    let tried = peer.got().len();
    let daemon = Daemon::start(place.dir.path(), &[], &[]);
    let taken = eventually("the alert", || peer.got().get(tried).cloned()).await;
    let body: Value = serde_json::from_str(&taken.1).unwrap();
    assert_eq!(
        (&body["event"], &body["probe"]),
        (&json!("opened"), &json!("orders"))
    );
    // Whatever was tried before the kills was this message, under this id.
    let own = &taken.0["idempotency-key"];
    assert!(told.iter().all(|id| id == own), "{told:?} and {own}");
    // It is taken once: nothing follows while the outage goes on.
    let fired = target.tokens().len();
    eventually("more runs", || (target.tokens().len() > fired + 10).then_some(())).await;
    assert_eq!(peer.got().len(), tried + 1);
    assert_eq!(daemon.stopped().await.code(), Some(0));
}

/// What a command says on stdout.
fn said(place: &Place, arguments: &[&str]) -> String {
    let mut command = landfall(place.dir.path(), &[]);
    command.arg("alerts").args(arguments);
    let (code, said, errors) = ended(command);
    assert_eq!(code, 0, "{arguments:?}: {errors}");
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mute_of_another_process_holds_and_what_is_still_open_at_its_end_is_told() {
    let (peer, target) = (Peer::start().await, Target::start(Does::Nothing).await);
    let more = json!({
        "outcome": [{ "in": "hooks", "within": "50ms", "grace": "10ms" }],
        "alerts": { "in_a_row": 3, "wait": "0s", "burn_rate": false, "at_once": [] },
    });
    let place = Place::new(&target, json!({ "every": "1h", "on_start": true }), &more);
    place.set("alerts", json!({ "chat": { "webhook": { "url": peer.url } } }));
    let daemon = Daemon::start(place.dir.path(), &[], &[]);
    daemon.serving().await;
    assert_eq!(
        said(&place, &["list"]),
        "no alert is open, nothing is muted, nothing waits\n"
    );
    let id = said(&place, &["mute", "orders", "--for", "1h", "--reason", "known"]);
    let listed = said(&place, &["list"]);
    assert!(
        listed.starts_with(&format!("mute {}: orders until 20", id.trim())),
        "{listed}"
    );
    // It outlives a restart of the daemon.
    assert_eq!(daemon.stopped().await.code(), Some(0));
    place.change_schedule(json!({ "every": "100ms", "allow_fast": true }));
    let daemon = Daemon::start(place.dir.path(), &[], &[]);
    eventually("many lost runs", || (target.tokens().len() > 20).then_some(())).await;
    assert!(peer.got().is_empty(), "nobody is told");
    said(&place, &["unmute", id.trim()]);
    let got = eventually("the alert", || peer.got().first().cloned()).await;
    let body: Value = serde_json::from_str(&got.1).unwrap();
    assert_eq!(
        (&body["event"], &body["probe"]),
        (&json!("opened"), &json!("orders"))
    );
    let listed: Value = serde_json::from_str(&said(&place, &["list", "--format", "json"])).unwrap();
    assert_eq!(
        (&listed["alerts"][0]["probe"], &listed["alerts"][0]["muted"]),
        (&json!("orders"), &json!(false))
    );
    assert_eq!(listed["mutes"], json!([]));
    assert_eq!(daemon.stopped().await.code(), Some(0));

    let mut command = landfall(place.dir.path(), &[]);
    command.args(["alerts", "mute", "ordres"]);
    let (code, _, errors) = ended(command);
    assert!(code == 2 && errors.contains("did you mean `orders`?"), "{errors}");
    let mut command = landfall(place.dir.path(), &[]);
    command.args(["alerts", "unmute", "m-0"]);
    let (code, _, errors) = ended(command);
    assert!(
        code == 2 && errors.contains("there is no mute `m-0`; nothing is muted"),
        "{errors}"
    );
}
