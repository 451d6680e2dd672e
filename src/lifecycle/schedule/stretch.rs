//! The ticks of a stretch of time, counted without walking through each where the distances are equal.

use super::{Schedule, Times, nanos, phase};
use crate::model::Moment;

/// Ticks, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// The first.
    pub first: Moment,
    /// The last; the first itself where there is one.
    pub last: Moment,
    /// How many.
    pub ticks: u64,
}

impl Stretch {
    /// One tick.
    #[must_use]
    pub const fn one(tick: Moment) -> Self {
        Self {
            first: tick,
            last: tick,
            ticks: 1,
        }
    }
}

impl Schedule {
    /// The ticks after `after`, up to and with `until`; `None` where there is none. A cron expression is walked through,
    /// a tick each; equal distances are counted, however long the stretch.
    #[must_use]
    pub fn between(&self, probe: &str, after: Moment, until: Moment) -> Option<Stretch> {
        let first = self.next_after(probe, after).filter(|first| *first <= until)?;
        match &self.times {
            Times::Every(interval) => Some(self.counted(probe, nanos(*interval), first, after, until)),
            Times::Cron(_) => {
                let mut stretch = Stretch::one(first);
                while let Some(next) = self.next_after(probe, stretch.last).filter(|next| *next <= until) {
                    stretch.last = next;
                    stretch.ticks += 1;
                }
                Some(stretch)
            }
        }
    }

    /// With a delay below the interval ticks keep their order, so that only those at both ends need a look.
    fn counted(&self, probe: &str, interval: i64, first: Moment, after: Moment, until: Moment) -> Stretch {
        let phase = phase(probe, interval);
        // The number of the last base that is not after `at`.
        let turn = |at: Moment| i128::from(at.0.saturating_sub(phase)).div_euclid(i128::from(interval));
        let fired = |turn: i128| {
            let base = i64::try_from(turn * i128::from(interval) + i128::from(phase)).unwrap_or(i64::MAX);
            let base = Moment(base);
            base.after(self.delay(probe, base))
        };
        let (mut low, mut high) = (turn(after.before(self.jitter)), turn(until));
        while low < high && fired(low) <= after {
            low += 1;
        }
        while high > low && fired(high) > until {
            high -= 1;
        }
        Stretch {
            first,
            last: fired(high).max(first),
            ticks: u64::try_from(high - low + 1).unwrap_or(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn walked(schedule: &Schedule, after: Moment, until: Moment) -> Option<Stretch> {
        let mut stretch: Option<Stretch> = None;
        let mut at = after;
        while let Some(next) = schedule.next_after("p", at).filter(|next| *next <= until) {
            let so_far = stretch.get_or_insert(Stretch {
                ticks: 0,
                ..Stretch::one(next)
            });
            so_far.last = next;
            so_far.ticks += 1;
            at = next;
        }
        stretch
    }

    proptest! {
        #[test]
        fn counting_is_walking(
            interval in 1_u64..5_000,
            share in 0_u64..100,
            after in 0_i64..1_000_000,
            length in 0_i64..100_000,
        ) {
            let every = Duration::from_nanos(interval);
            let schedule = Schedule::every(every, every * u32::try_from(share).unwrap() / 100);
            let (after, until) = (Moment(after), Moment(after + length));
            prop_assert_eq!(schedule.between("p", after, until), walked(&schedule, after, until));
        }
    }

    #[test]
    fn a_year_of_seconds_is_counted_at_once_and_a_day_of_cron_is_walked() {
        const DAY: i64 = 86_400_000_000_000;
        let seconds = Schedule::every(Duration::from_secs(1), Duration::from_millis(900));
        let year = seconds.between("p", Moment(0), Moment(365 * DAY)).unwrap();
        assert!((365 * 86_400 - 1..=365 * 86_400 + 1).contains(&i64::try_from(year.ticks).unwrap()));
        let cron = Schedule::cron("*/5 * * * *", None).unwrap();
        let day = cron.between("p", Moment(0), Moment(DAY)).unwrap();
        assert_eq!((day.ticks, day.last), (288, Moment(DAY)));
        assert_eq!(cron.between("p", Moment(0), Moment(DAY / 300)), None);
    }
}
