//! How late landfall itself comes to what it does, measured all the time.
//!
//! A task beats. Where the beat comes late, whatever else was due came late too: an arrival was stamped after it was
//! there, an answer was read after its time had run out. By so much each interval is widened, so that what stands near
//! a limit is not decided by landfall's own delay (invariant 4 of the design).

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::model::{Interval, Moment, Sighting};

/// Between two beats.
pub(super) const BEAT: Duration = Duration::from_millis(50);
/// A beat that comes later than this was held up; below, it is landfall's resolution.
const NOTICED: Duration = Duration::from_millis(25);
/// What was seen of a delay is believed of everything for so long.
const REMEMBERED: Duration = Duration::from_secs(2);
/// A beat is one sample, of one thread; what is read by another may have waited for both.
const FACTOR: u32 = 2;
/// People are told of it at most so often.
const SAID: Duration = Duration::from_secs(60);

/// What the beats say.
#[derive(Debug)]
pub(super) struct Lateness(Mutex<State>);

#[derive(Debug)]
struct State {
    last: Moment,
    worst: Duration,
    until: Moment,
    said: Option<Moment>,
}

impl Lateness {
    pub(super) const fn new(now: Moment) -> Self {
        Self(Mutex::new(State {
            last: now,
            worst: Duration::ZERO,
            until: Moment(i64::MIN),
            said: None,
        }))
    }

    /// A beat; the delay that people should be told of, where there is one.
    pub(super) fn beat(&self, now: Moment) -> Option<Duration> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let late = now.since(state.last.after(BEAT));
        state.last = now;
        if late < NOTICED {
            return None;
        }
        if late >= state.worst || now > state.until {
            state.worst = late;
        }
        state.until = now.after(REMEMBERED);
        let due = state.said.is_none_or(|at| now.since(at) >= SAID);
        due.then(|| {
            state.said = Some(now);
            late
        })
    }

    /// By how much what is done now may come late; zero where nothing holds landfall up.
    pub(super) fn at(&self, now: Moment) -> Duration {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = if now <= state.until {
            state.worst
        } else {
            Duration::ZERO
        };
        // A beat that has not come yet says as much as one that came late.
        let overdue = now.since(state.last.after(BEAT));
        let late = known.max(overdue);
        if late < NOTICED {
            Duration::ZERO
        } else {
            late * FACTOR
        }
    }

    /// Lets a sighting say that it may have been there earlier.
    pub(super) fn widen(&self, sighting: &mut Sighting, now: Moment) {
        let late = self.at(now);
        if late.is_zero() {
            return;
        }
        let Interval { lo, hi } = sighting.at;
        sighting.at.lo = lo.min(hi.before(late));
        sighting.widened = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Identity;

    const fn at(millis: i64) -> Moment {
        Moment(millis * 1_000_000)
    }

    #[test]
    fn beats_in_time_say_nothing() {
        let lateness = Lateness::new(at(0));
        for n in 1..100 {
            assert_eq!(lateness.beat(at(n * 51)), None);
            assert_eq!(lateness.at(at(n * 51 + 50)), Duration::ZERO);
        }
    }

    #[test]
    fn a_delay_is_believed_for_a_while_and_told_once() {
        let lateness = Lateness::new(at(0));
        assert_eq!(lateness.beat(at(150)), Some(Duration::from_millis(100)));
        assert_eq!(lateness.at(at(160)), Duration::from_millis(200));
        // A smaller one does not make it less.
        assert_eq!(lateness.beat(at(240)), None);
        assert_eq!(lateness.at(at(250)), Duration::from_millis(200));
        for n in 1..45 {
            assert_eq!(lateness.beat(at(240 + n * 50)), None);
        }
        assert_eq!(lateness.at(at(240 + 44 * 50)), Duration::ZERO);
    }

    #[test]
    fn a_beat_that_has_not_come_is_late_already() {
        let lateness = Lateness::new(at(0));
        assert_eq!(lateness.at(at(60)), Duration::ZERO);
        assert_eq!(lateness.at(at(250)), Duration::from_millis(400));
    }

    #[test]
    fn a_sighting_is_widened_by_it_and_says_so() {
        let lateness = Lateness::new(at(0));
        let sighting = || {
            Sighting::new(
                Interval::point(at(250)),
                Identity::Event("e".into()),
                Default::default(),
            )
        };
        let mut calm = sighting();
        lateness.beat(at(50));
        lateness.widen(&mut calm, at(60));
        assert!(!calm.widened && calm.at == Interval::point(at(250)));
        let mut late = sighting();
        lateness.widen(&mut late, at(250));
        assert!(late.widened);
        assert_eq!(
            late.at,
            Interval {
                lo: at(250 - 300),
                hi: at(250)
            }
        );
    }
}
