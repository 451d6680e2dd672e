//! The wall clock is set while the daemon runs.

use std::time::Duration;

use landfall::model::{Moment, SkipSpan};
use serde_json::{Value, json};

use super::daemon::{Daemon, Does, Place, Target};
use super::fates;
use crate::support::channel::eventually;
use crate::support::wall::WallClock;

const EVERY: Duration = Duration::from_millis(500);
/// An hour and an odd second, so that each tick on record tells by which clock it came due.
const HOUR: i64 = 3_601;
const SECOND: i64 = 1_000_000_000;

/// Beside the probe that is there one of the same kind, by the time of day.
fn with_cron(place: &Place) {
    let probe = std::fs::read_to_string(place.path("probes/probe.yaml")).unwrap();
    let mut probe: Value = serde_json::from_str(&probe).unwrap();
    probe["name"] = json!("by-the-clock");
    probe["schedule"] = json!({ "cron": "*/2 * * * * *", "timezone": "Europe/Amsterdam" });
    std::fs::write(place.path("probes/cron.yaml"), probe.to_string()).unwrap();
}

/// When the probe that follows the clock was fired, on the line of moments.
fn fired(place: &Place) -> Vec<Moment> {
    let ticks =
        place.asked("SELECT CAST(tick AS TEXT) FROM claims WHERE probe = 'by-the-clock' ORDER BY tick");
    ticks.iter().map(|tick| Moment(tick.parse().unwrap())).collect()
}

fn skipped(place: &Place) -> Vec<SkipSpan> {
    let spans = place.asked("SELECT span FROM skip_spans WHERE probe = 'by-the-clock'");
    spans
        .iter()
        .map(|span| serde_json::from_str(span).unwrap())
        .collect()
}

/// Waits until the log says that the clock was set by so much.
async fn noticed(daemon: &Daemon, by: i64) {
    eventually("the daemon to see that the clock was set", || {
        let line = daemon.said("the wall clock was set")?;
        let (_, seconds) = line.rsplit_once("seconds=")?;
        let seconds: f64 = seconds.trim().parse().ok()?;
        ((seconds - by as f64).abs() < 0.5).then_some(())
    })
    .await;
}

async fn fires(place: &Place, probe: &str, more: usize) {
    let count = || {
        let query = format!("SELECT CAST(tick AS TEXT) FROM claims WHERE probe = '{probe}'");
        place.asked(&query).len()
    };
    let wanted = count() + more;
    eventually(&format!("{more} more of {probe}"), || {
        (count() >= wanted).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn set_forward_and_back_by_an_hour_every_instant_has_one_fate() {
    let target = Target::start(Does::Deliver).await;
    let place = Place::new(
        &target,
        json!({ "every": "500ms", "allow_fast": true }),
        &json!({}),
    );
    with_cron(&place);
    let daemon = Daemon::start(place.dir.path(), &[], &[]);
    daemon.serving().await;
    let clock = WallClock::of(daemon.pid());
    fires(&place, "by-the-clock", 2).await;
    clock.set_by(HOUR);
    noticed(&daemon, HOUR).await;
    fires(&place, "by-the-clock", 2).await;
    let leapt: Vec<SkipSpan> = eventually("the instants that were leapt over", || {
        Some(skipped(&place)).filter(|spans| !spans.is_empty())
    })
    .await;
    assert!(
        leapt.iter().all(|span| span.reason.word() == "late_start"),
        "{leapt:?}"
    );
    let before = fired(&place);

    clock.set_by(0);
    noticed(&daemon, -HOUR).await;
    // Some may have been on their way.
    let waits = fired(&place).len();
    fires(&place, "orders", 8).await;
    let meanwhile = fired(&place);
    assert!(
        meanwhile.len() <= waits + 1,
        "an instant came again: {before:?}, {meanwhile:?}"
    );

    clock.set_by(HOUR);
    fires(&place, "by-the-clock", 2).await;
    assert_eq!(daemon.stopped().await.code(), Some(0));

    let counts = fates::all_accounted_for(&place, EVERY);
    assert!(counts["fired"] >= 12, "{counts:?}");
    assert_eq!(
        place.asked("SELECT DISTINCT class FROM records"),
        ["delivered"],
        "a clock that is set is no fault of the target and blinds nobody"
    );
    one_fate_each(&place);
}

/// By the clock that it followed: no instant twice, and none without a fate.
fn one_fate_each(place: &Place) {
    let fired = fired(place);
    let shown = |tick: &Moment| {
        let second = (tick.0 + SECOND / 2).div_euclid(SECOND);
        second + if second % 2 == 0 { 0 } else { HOUR }
    };
    let mut instants: Vec<i64> = fired.iter().map(shown).collect();
    instants.sort_unstable();
    assert!(
        instants.windows(2).all(|pair| pair[0] < pair[1]),
        "an instant was fired twice: {instants:?}"
    );
    // What came due after the last of them was skipped by the stop.
    let alone = place.asked("SELECT reason FROM skips WHERE probe = 'by-the-clock' AND reason <> 'stopped'");
    let spans = skipped(place);
    let missed = spans.iter().filter(|span| span.reason.word() != "stopped");
    let skipped = missed.map(|span| span.ticks).sum::<u64>() + alone.len() as u64;
    let due = (instants[instants.len() - 1] - instants[0]) / 2 + 1;
    assert_eq!(
        i64::try_from(fired.len() as u64 + skipped).unwrap(),
        due,
        "fired and skipped are not all that came due: {instants:?}, {spans:?}, {alone:?}"
    );
}
