//! Alerting at work over a store: told once, kept, and told again with the same id after a restart.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use landfall::alert::{About, Alerts, Opened, Policy, Rules, Setup, Watched};
use landfall::clock::{Clock, SystemClock, SystemRandom};
use landfall::model::{Moment, RunRecord};
use landfall::redact::Redactor;
use landfall::store::{MemoryStore, Store};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Peer, opened};
use crate::support::channel::eventually;

const SECRET: &str = "s3cr3t-value";

pub(super) fn record(minute: i64, route: &str, class: &str) -> Arc<RunRecord> {
    let now = SystemClock::start().now();
    let tick = now
        .before(Duration::from_secs(3_600))
        .after(Duration::from_secs(60 * minute.unsigned_abs()));
    record_at(tick, minute.unsigned_abs(), route, class)
}

/// A run of a tick; `number` tells it from others.
pub(super) fn record_at(tick: Moment, number: u64, route: &str, class: &str) -> Arc<RunRecord> {
    let layer = json!({ "state": "yes", "seconds": null });
    let value = json!({
        "id": uuid::Uuid::from_u128(number.into()), "probe": "orders", "revision": "r", "route": route,
        "input": "default", "location": "here", "tick": tick.to_rfc3339(), "token": "t", "sent": null,
        "class": class, "reason": format!("the peer said {SECRET}"), "flags": [], "lag": null, "timings": {},
        "layers": { "accepted": layer, "executed": layer, "outcome": layer }, "stopped_after": null,
        "expectations": [], "observations": [], "path": [], "attributes": {}, "fingerprint": null,
        "amendments": [], "request": null, "response": null, "labels": {},
    });
    Arc::new(serde_json::from_value(value).unwrap())
}

pub(super) fn watched() -> Watched {
    let policy = Policy {
        pages: vec![String::from("chat")],
        wait: Duration::ZERO,
        ..Policy::default()
    };
    Watched {
        about: About {
            probe: String::from("orders"),
            description: String::new(),
            labels: BTreeMap::new(),
            location: String::from("here"),
            pages: None,
            rules: Rules::new(&policy, None, None).unwrap(),
        },
        policy,
        series: vec![(String::from("stripe"), String::from("default"))],
    }
}

fn start(store: &Arc<dyn Store>, peer: &Peer) -> (Arc<Alerts>, CancellationToken, TaskTracker) {
    let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
    let setup = Setup {
        watched: vec![watched()],
        destinations: vec![Opened {
            name: String::from("chat"),
            kind: "webhook",
            stateful: false,
            destination: opened(json!({ "webhook": { "url": peer.url } }), Path::new("")),
            digest: [0; 32],
        }],
        store: store.clone(),
        clock: Arc::new(SystemClock::start()),
        random: Arc::new(SystemRandom),
        redactor: Arc::new(Redactor::new([SECRET.to_owned()])),
        maintenance: Arc::new(|_, _: Moment| false),
    };
    (Alerts::start(setup, &stop, &tasks), stop, tasks)
}

#[tokio::test]
async fn what_was_not_taken_is_told_after_a_restart_with_the_same_id_and_no_secret() {
    let (peer, store) = (
        Peer::start().await,
        Arc::new(MemoryStore::default()) as Arc<dyn Store>,
    );
    *peer.answer.lock().unwrap() = 503;
    let (alerts, stop, tasks) = start(&store, &peer);
    for minute in 1..=3 {
        alerts.ended(&record(minute, "stripe", "lost"));
    }
    eventually("a first attempt", || peer.got().first().cloned()).await;
    // The tasks end where they are, as at a kill: nothing is kept at the end that was not kept before.
    stop.cancel();
    tasks.close();
    tasks.wait().await;
    let before = peer.got();
    *peer.answer.lock().unwrap() = 200;
    let (alerts, stop, _tasks) = start(&store, &peer);
    let after = eventually("the message once more", || peer.got().get(before.len()).cloned()).await;
    assert_eq!(after.0["idempotency-key"], before[0].0["idempotency-key"]);
    let body: Value = serde_json::from_str(&after.1).unwrap();
    assert_eq!(
        (&body["event"], &body["probe"]),
        (&json!("opened"), &json!("orders"))
    );
    assert!(
        !after.1.contains(SECRET) && after.1.contains("***"),
        "{}",
        after.1
    );
    eventually("nothing waits", || {
        (alerts.destinations()[0].waiting == 0).then_some(())
    })
    .await;
    assert_eq!(alerts.open().len(), 1);
    for minute in 4..=6 {
        alerts.ended(&record(minute, "stripe", "delivered"));
    }
    let over = eventually("its end", || peer.got().get(before.len() + 1).cloned()).await;
    let over: Value = serde_json::from_str(&over.1).unwrap();
    assert_eq!(
        (&over["event"], &over["alert"]),
        (&json!("resolved"), &body["alert"])
    );
    assert_eq!(alerts.open().len(), 0);
    stop.cancel();
}

#[tokio::test]
async fn what_ended_while_nobody_watched_is_read_from_the_store() {
    let (peer, store) = (
        Peer::start().await,
        Arc::new(MemoryStore::default()) as Arc<dyn Store>,
    );
    let (alerts, stop, tasks) = start(&store, &peer);
    alerts.ended(&record(1, "stripe", "delivered"));
    stop.cancel();
    tasks.close();
    tasks.wait().await;
    for minute in 2..=4 {
        let record = record(minute, "stripe", "lost");
        let tick = Moment::from_rfc3339(&record.tick).unwrap();
        store.close(tick, record).await.unwrap();
    }
    let (_alerts, stop, _tasks) = start(&store, &peer);
    let got = eventually("the alert", || peer.got().first().cloned()).await;
    assert!(got.1.contains("3 in a row lost on stripe"), "{}", got.1);
    stop.cancel();
}

#[tokio::test]
async fn what_waits_for_a_destination_goes_out_by_its_new_settings() {
    let (old, new) = (Peer::start().await, Peer::start().await);
    let store = Arc::new(MemoryStore::default()) as Arc<dyn Store>;
    *old.answer.lock().unwrap() = 503;
    let (alerts, stop, _tasks) = start(&store, &old);
    for minute in 1..=3 {
        alerts.ended(&record(minute, "stripe", "lost"));
    }
    let first = eventually("a first attempt", || old.got().first().cloned()).await;
    let to = |peer: &Peer, digest: u8| Opened {
        name: String::from("chat"),
        kind: "webhook",
        stateful: false,
        destination: opened(json!({ "webhook": { "url": peer.url } }), Path::new("")),
        digest: [digest; 32],
    };
    let redactor = Arc::new(Redactor::new([SECRET.to_owned()]));
    alerts
        .take(vec![watched()], vec![to(&new, 1)], redactor.clone())
        .await;
    let again = eventually("the message by the new settings", || new.got().first().cloned()).await;
    assert_eq!(again.0["idempotency-key"], first.0["idempotency-key"]);
    eventually("nothing waits", || {
        (alerts.destinations()[0].waiting == 0).then_some(())
    })
    .await;
    // One with the settings that it has goes on, with what was counted of it.
    alerts.take(vec![watched()], vec![to(&old, 1)], redactor).await;
    assert_eq!(alerts.destinations()[0].sent, 1);
    for minute in 4..=6 {
        alerts.ended(&record(minute, "stripe", "delivered"));
    }
    eventually("its end, where it goes now", || new.got().get(1).cloned()).await;
    stop.cancel();
}
