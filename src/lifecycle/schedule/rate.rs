//! How often a schedule is due and for how long it pauses: from what it says, without a walk through its instants.

use std::time::Duration;

use chrono::{Datelike as _, Days, NaiveDate};

use super::fields::Field;
use super::{Schedule, Times};

/// Years after which weekdays and leap years fall as before, in days (between 1901 and 2099).
const CYCLE: u32 = 28 * 365 + 7;
const DAY: Duration = Duration::from_secs(86_400);
/// The days over which false alarms are counted.
const DAYS: u128 = 30;

/// How often a schedule is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Instants in 30 days, on the average of the years, to the nearest whole number. None where it is due less often
    /// than every 60 days.
    pub in_30_days: u64,
    /// The time between two instants, on the average of the years.
    pub mean_gap: Duration,
    /// The longest time between two instants, the greatest delay with it.
    pub longest_gap: Duration,
}

/// What a cron expression says of days and of times of day.
#[derive(Clone, Debug)]
pub(super) struct Named {
    pub(super) day: Field,
    pub(super) month: Field,
    pub(super) weekday: Field,
    /// Times of day that it names, in seconds, ascending: how many, the first, the last, the longest gap between two.
    pub(super) times: Times24,
}

/// The times of one day.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Times24 {
    pub(super) count: u32,
    first: u64,
    last: u64,
    longest: u64,
    pub(super) shortest: u64,
}

impl Schedule {
    /// How often it is due. The days of a cron expression are counted over 28 years, after which they come again as they
    /// were; the instants of a day are those that its fields name. A day on which clocks change counts as any other, so
    /// that a gap can be longer by what such a day leaves out.
    #[must_use]
    pub fn rate(&self) -> Rate {
        let (mean_gap, gap) = match &self.times {
            Times::Every(interval) => (*interval, *interval),
            Times::Cron(cron) => cron.named().gaps(),
        };
        let nanos = mean_gap.as_nanos().max(1);
        let in_30_days = (DAY.as_nanos() * DAYS + nanos / 2) / nanos;
        Rate {
            in_30_days: u64::try_from(in_30_days).unwrap_or(u64::MAX),
            mean_gap,
            longest_gap: gap.saturating_add(self.jitter),
        }
    }
}

impl Named {
    /// The mean gap and the longest.
    fn gaps(&self) -> (Duration, Duration) {
        let (mut days, mut widest, mut before, mut first) = (0_u32, 1, None, None);
        for day in (0..CYCLE).filter(|day| self.falls_on(*day)) {
            days += 1;
            widest = before.map_or(widest, |before| widest.max(day - before));
            (before, first) = (Some(day), first.or(Some(day)));
        }
        // From the last day of the cycle to the first of the next.
        if let (Some(first), Some(last)) = (first, before) {
            widest = widest.max(CYCLE + first - last);
        } else {
            widest = CYCLE;
        }
        let instants = f64::from(days.max(1)) * f64::from(self.times.count.max(1));
        let over_night =
            (DAY * widest).saturating_sub(Duration::from_secs(self.times.last - self.times.first));
        let longest = over_night.max(Duration::from_secs(self.times.longest));
        ((DAY * CYCLE).div_f64(instants), longest)
    }

    /// Whether the expression names a day, by its number from 2026-01-05 on.
    fn falls_on(&self, day: u32) -> bool {
        let monday = NaiveDate::from_ymd_opt(2026, 1, 5).unwrap_or_default();
        let Some(date) = monday.checked_add_days(Days::new(day.into())) else {
            return false;
        };
        let of_month = self.day.values.contains(&date.day());
        let of_week = self
            .weekday
            .values
            .contains(&date.weekday().num_days_from_sunday());
        let either = !self.day.star && !self.weekday.star;
        let fits = if either {
            of_month || of_week
        } else {
            of_month && of_week
        };
        fits && self.month.values.contains(&date.month())
    }
}

impl Times24 {
    /// Of times that come in ascending order, in seconds.
    pub(super) fn of(times: impl Iterator<Item = u32>) -> Self {
        let mut known = Self::default();
        for at in times.map(u64::from) {
            if known.count == 0 {
                known.first = at;
                known.shortest = DAY.as_secs();
            } else {
                known.longest = known.longest.max(at - known.last);
                known.shortest = known.shortest.min(at - known.last);
            }
            known.last = at;
            known.count += 1;
        }
        known.shortest = known.shortest.min(DAY.as_secs() + known.first - known.last);
        known
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Moment;

    fn cron(expr: &str) -> Rate {
        Schedule::cron(expr, None).unwrap().rate()
    }

    #[test]
    fn every_instant_of_thirty_days_is_counted_however_many() {
        let secs = Duration::from_secs;
        for (expr, ticks, gap) in [
            ("* * * * * *", 2_592_000, secs(1)),
            ("*/5 * * * *", 8_640, secs(300)),
            ("* 9-17 * * MON-FRI", 11_571, secs(3 * 86_400 - 9 * 3_600 + 60)),
            ("0 9 * * MON", 4, DAY * 7),
            // Twelve in a year of 365.25 days: 0.986 in 30 days.
            ("0 0 1 * *", 1, DAY * 31),
            ("@yearly", 0, DAY * 366),
            ("0 0 29 2 *", 0, DAY * 1_461),
            // Either of the two: the first of the month, or a Friday.
            ("0 0 1 * FRI", 5, DAY * 7),
            // Both: odd days that are a Friday.
            ("0 0 */2 * FRI", 2, DAY * 21),
        ] {
            let rate = cron(expr);
            assert_eq!((rate.in_30_days, rate.longest_gap), (ticks, gap), "{expr}");
        }
        let seconds = Schedule::every(secs(7), secs(2)).rate();
        assert_eq!((seconds.in_30_days, seconds.longest_gap), (370_286, secs(9)));
    }

    #[test]
    fn it_is_what_a_walk_through_four_weeks_finds() {
        for expr in [
            "*/7 3,4,20 * * *",
            "15 10 * * 1-5",
            "0,1 0,23 * * 6",
            "30 5 1-7 * 3",
        ] {
            let schedule = Schedule::cron(expr, None).unwrap();
            let (mut at, mut longest, mut count) = (Moment(1_767_571_199_999_999_999), Duration::ZERO, 0_u32);
            let end = at.after(DAY * 28 * 13);
            let mut before: Option<Moment> = None;
            while let Some(next) = schedule.next_after("p", at).filter(|next| *next < end) {
                longest = before.map_or(longest, |before| longest.max(next.since(before)));
                (at, before, count) = (next, Some(next), count + 1);
            }
            let rate = schedule.rate();
            assert_eq!(rate.longest_gap, longest, "{expr}");
            let walked = f64::from(count) * 30.0 / (28.0 * 13.0);
            #[expect(clippy::cast_precision_loss, reason = "some thousands")]
            let off = (rate.in_30_days as f64 - walked).abs();
            assert!(off <= 1.0, "{expr}: {} and {walked}", rate.in_30_days);
        }
    }
}
