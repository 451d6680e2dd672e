//! What was claimed and is not fired: one fate, whatever comes in between, and none that the next start takes up.

use rustix::process::Signal;
use serde_json::json;
use std::time::Duration;

use super::daemon::{Daemon, Does, Place, Target};
use super::fates;
use crate::support::channel::eventually;

const EVERY: Duration = Duration::from_secs(2);
const STEPS: [(&str, &str); 1] = [("LANDFALL_LOG", "info,landfall::engine=trace")];

fn place(target: &Target) -> Place {
    Place::new(target, json!({ "every": "2s", "allow_fast": true }), &json!({}))
}

/// The last run that was claimed, by the log, and has not been fired.
fn claimed(daemon: &Daemon) -> Option<String> {
    let of = |what: &str| {
        let line = daemon.said(what)?;
        let (_, rest) = line.split_once("run: RunId(")?;
        Some(rest.split(')').next()?.to_owned())
    };
    let claimed = of("event=Claimed")?;
    (of("command=Fire") != Some(claimed.clone())).then_some(claimed)
}

/// The same store again, until it has fired: what it took up, and the reasons of all skips.
async fn again(place: &Place, target: &Target) -> Vec<String> {
    let sent = target.tokens().len();
    let daemon = Daemon::start(place.dir.path(), &[], &[]);
    eventually("the next tick", || (target.tokens().len() > sent).then_some(())).await;
    assert_eq!(daemon.said("runs of an earlier process"), None);
    assert_eq!(daemon.stopped().await.code(), Some(0));
    assert_eq!(
        place.asked("SELECT reason FROM records WHERE class = 'unobserved'"),
        Vec::<String>::new()
    );
    let counts = fates::all_accounted_for(place, EVERY);
    counts.into_keys().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_between_claim_and_fire_leaves_a_skip_and_no_intent() {
    let target = Target::start(Does::Deliver).await;
    let place = place(&target);
    // A tick is claimed up to a quarter of a second before its instant; a busy machine may need several.
    for _ in 0..20 {
        let mut daemon = Daemon::start(place.dir.path(), &[], &STEPS);
        let run = eventually("a claim", || claimed(&daemon)).await;
        daemon.signal(Signal::TERM);
        assert_eq!(daemon.ended().await.code(), Some(0));
        assert_eq!(place.asked("SELECT intent FROM intents"), Vec::<String>::new());
        let skips = place.asked("SELECT record FROM skips WHERE reason = 'stopped'");
        if !skips.is_empty() {
            let fired = place.asked("SELECT record FROM records");
            assert!(!fired.iter().any(|record| record.contains(&run)), "{fired:?}");
            assert!(again(&place, &target).await.contains(&String::from("stopped")));
            return;
        }
    }
    panic!("no stop came between a claim and its request");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_that_becomes_durable_after_the_stop_is_taken_back() {
    let target = Target::start(Does::Deliver).await;
    let place = place(&target);
    let mut daemon = Daemon::start(place.dir.path(), &[], &STEPS);
    eventually("a request", || target.tokens().first().cloned()).await;
    eventually("its record", || place.asked("SELECT class FROM records").pop()).await;
    let rival = rusqlite::Connection::open(place.path("landfall.db")).unwrap();
    rival.busy_timeout(Duration::from_secs(10)).unwrap();
    rival.execute_batch("BEGIN IMMEDIATE").unwrap();
    let before = daemon.said("command=Claim");
    eventually("a claim that waits for the store", || {
        daemon
            .said("command=Claim")
            .filter(|line| Some(line) != before.as_ref())
    })
    .await;
    daemon.signal(Signal::TERM);
    daemon.says("command=Skip").await;
    rival.execute_batch("ROLLBACK").unwrap();
    assert_eq!(daemon.ended().await.code(), Some(0));
    assert_eq!(place.asked("SELECT intent FROM intents"), Vec::<String>::new());
    let reasons = place.asked("SELECT reason FROM skips");
    assert_eq!(
        reasons,
        ["stopped"],
        "the claim came before the skip, or was never made"
    );
    again(&place, &target).await;
}
