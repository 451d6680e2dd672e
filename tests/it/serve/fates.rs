//! What a store says of every tick of the one probe, so that a test can tell one that is missing and one that comes twice.

use std::collections::BTreeMap;
use std::time::Duration;

use landfall::lifecycle::schedule::Schedule;
use landfall::model::{Moment, SkipRecord, SkipSpan};

use super::daemon::Place;

/// Each tick with what became of it, in order; twice where it has two fates.
pub(super) fn of(place: &Place, every: Duration) -> Vec<(Moment, String)> {
    let schedule = Schedule::every(every, Duration::ZERO);
    let mut fates: Vec<(Moment, String)> = Vec::new();
    for tick in place.asked("SELECT CAST(tick AS TEXT) FROM claims WHERE probe = 'orders'") {
        fates.push((Moment(tick.parse().unwrap()), String::from("fired")));
    }
    for span in place.asked("SELECT span FROM skip_spans WHERE probe = 'orders'") {
        let span: SkipSpan = serde_json::from_str(&span).unwrap();
        let mut at = Moment(span.first.0 - 1);
        for _ in 0..span.ticks {
            at = schedule.next_after("orders", at).unwrap();
            fates.push((at, span.reason.word().to_owned()));
        }
        assert_eq!(at, span.last, "{span:?}");
    }
    for skip in place.asked("SELECT record FROM skips WHERE probe = 'orders'") {
        let skip: SkipRecord = serde_json::from_str(&skip).unwrap();
        let tick = Moment::from_rfc3339(&skip.tick).unwrap();
        let exact = schedule.next_after("orders", Moment(tick.0 - 1)).unwrap();
        fates.push((exact, skip.reason.word().to_owned()));
    }
    fates.sort();
    fates
}

/// Every tick between the first and the last has exactly one fate; the result counts them by word.
pub(super) fn all_accounted_for(place: &Place, every: Duration) -> BTreeMap<String, usize> {
    let fates = of(place, every);
    let schedule = Schedule::every(every, Duration::ZERO);
    let mut counts = BTreeMap::new();
    let mut expected = fates.first().map(|(tick, _)| *tick);
    for (tick, what) in &fates {
        assert_eq!(
            Some(*tick),
            expected,
            "a tick is missing or comes twice: {fates:?}"
        );
        expected = schedule.next_after("orders", *tick);
        *counts.entry(what.clone()).or_default() += 1;
    }
    counts
}
