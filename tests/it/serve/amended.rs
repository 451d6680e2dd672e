//! What arrives for a run that had ended before the daemon was started again amends it as it would have without that.

use std::net::TcpListener;

use landfall::model::{Class, Flag, RunRecord};
use rusqlite::Connection;
use rustix::process::Signal;
use serde_json::{Value, json};

use super::daemon::{Daemon, Does, Place, Target};
use crate::support::channel::eventually;
use crate::support::whole::http_client;

/// A day and an hour in nanoseconds: longer than a run may be amended.
const TOO_OLD: i64 = 90_000_000_000_000;

/// A place whose first daemon fires once, and whose daemons all listen on one port.
fn place(target: &Target) -> Place {
    let more = json!({
        "outcome": [{ "in": "hooks", "within": "300ms", "grace": "100ms" }],
        "attributes": { "kind": "hooks.json.kind" },
        "labels": { "team": "payments" },
    });
    let place = Place::new(target, json!({ "every": "12h", "on_start": true }), &more);
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    place.set("listen", json!(port.to_string()));
    place
}

/// Ends a daemon, in order or not.
async fn end(daemon: Daemon, signal: Signal) {
    if signal == Signal::KILL {
        daemon.signal(signal);
        drop(daemon);
    } else {
        assert_eq!(daemon.stopped().await.code(), Some(0));
    }
}

async fn class(place: &Place, class: &str) -> RunRecord {
    let query = format!("SELECT record FROM records WHERE class = '{class}'");
    let record = eventually(&format!("a run that is {class}"), || place.asked(&query).pop()).await;
    serde_json::from_str(&record).unwrap()
}

async fn call(target: &Target, body: Value) -> u16 {
    let sent = http_client().post(target.webhook()).json(&body).send().await;
    sent.unwrap().status().as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_callback_amends_a_run_that_was_lost_before_the_start_and_a_second_one_makes_it_a_duplicate() {
    for signal in [Signal::TERM, Signal::KILL] {
        let target = Target::start(Does::Nothing).await;
        let place = place(&target);
        let daemon = Daemon::start(place.dir.path(), &[], &[]);
        daemon.serving().await;
        let lost = class(&place, "lost").await;
        end(daemon, signal).await;
        place.change_schedule(json!({ "every": "12h" }));
        let daemon = Daemon::start(place.dir.path(), &[], &[]);
        daemon.serving().await;
        // As if its hour had ended and been rolled up.
        let store = Connection::open(place.path("landfall.db")).unwrap();
        let rolled =
            "INSERT INTO meta VALUES ('rolling', ?1) ON CONFLICT DO UPDATE SET value = excluded.value";
        store.execute(rolled, [i64::MAX]).unwrap();
        drop(store);
        assert_eq!(call(&target, json!({ "kind": "late" })).await, 200);
        let late = class(&place, "late").await;
        assert!(late.flags.contains(&Flag::Amended), "{late:#?}");
        let [change] = &late.amendments[..] else {
            panic!("{late:#?}")
        };
        assert_eq!((change.from, change.to), (Class::Lost, Class::Late));
        assert_eq!(late.observations.len(), 1);
        assert!(late.expectations[0].seconds.unwrap().1 > 0.4, "its true latency");
        assert_eq!(late.attributes["kind"], "late");
        daemon.says("verdict changed").await;
        let before = place.asked("SELECT record FROM history");
        let before: Vec<RunRecord> = before.iter().map(|r| serde_json::from_str(r).unwrap()).collect();
        assert_eq!(before, std::slice::from_ref(&lost), "both verdicts are on record");
        assert_eq!(
            (
                &late.id,
                &late.sent,
                late.lag,
                &late.timings,
                &late.request,
                &late.response,
                &late.labels
            ),
            (
                &lost.id,
                &lost.sent,
                lost.lag,
                &lost.timings,
                &lost.request,
                &lost.response,
                &lost.labels
            ),
        );
        assert_eq!(late.layers.accepted, lost.layers.accepted);
        let hours = "SELECT probe FROM rollups_due UNION SELECT probe FROM rollups";
        assert_eq!(place.asked(hours), ["orders"], "its hour is made again");
        // It is as known as any other from here on, and over a further start.
        end(daemon, signal).await;
        let daemon = Daemon::start(place.dir.path(), &[], &[]);
        daemon.serving().await;
        assert_eq!(call(&target, json!({ "kind": "again" })).await, 200);
        let twice = class(&place, "duplicate").await;
        assert_eq!(
            (twice.amendments.len(), twice.observations.len()),
            (2, 2),
            "{twice:#?}"
        );
        assert_eq!(
            place.asked("SELECT class FROM history ORDER BY seq"),
            ["lost", "late"]
        );
        end(daemon, Signal::TERM).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_was_delivered_before_the_start_is_a_duplicate_and_one_that_is_too_old_stands() {
    for too_old in [false, true] {
        let target = Target::start(Does::Deliver).await;
        let place = place(&target);
        let daemon = Daemon::start(place.dir.path(), &[], &[]);
        class(&place, "delivered").await;
        end(daemon, Signal::KILL).await;
        place.change_schedule(json!({ "every": "12h" }));
        if too_old {
            let store = Connection::open(place.path("landfall.db")).unwrap();
            let changed = store.execute("UPDATE ended SET at = at - ?1", [TOO_OLD]).unwrap();
            assert_eq!(changed, 1);
        }
        let daemon = Daemon::start(place.dir.path(), &[], &[]);
        daemon.serving().await;
        assert_eq!(call(&target, json!({ "kind": "again" })).await, 200);
        if too_old {
            let strays = || {
                place
                    .asked("SELECT CAST(id AS TEXT) FROM observations WHERE runs = x''")
                    .pop()
            };
            eventually("a stray", strays).await;
            assert_eq!(daemon.stopped().await.code(), Some(0));
            assert_eq!(place.asked("SELECT class FROM records"), ["delivered"]);
            assert_eq!(place.asked("SELECT class FROM history").len(), 0);
        } else {
            let record = class(&place, "duplicate").await;
            assert_eq!(record.amendments[0].from, Class::Delivered);
            assert_eq!(record.observations.len(), 2, "{record:#?}");
            end(daemon, Signal::TERM).await;
        }
    }
}
