//! Which instants a schedule names. A pure function of the definition, the probe's name and the time.
//!
//! Intervals are counted from the epoch, not from a start: two processes that share a workspace agree on every tick,
//! and a restart moves none. Each probe is shifted by a phase of its own, so that probes of one interval do not fire
//! together.

mod cron;
mod fields;
mod rate;
mod stretch;
#[cfg(test)]
mod tests;
mod window;

use std::time::Duration;

use crate::model::Moment;

use cron::Cron;

pub use rate::Rate;
pub use stretch::Stretch;
pub use window::{Effect, Window};

/// A schedule, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    times: Times,
    jitter: Duration,
}

#[derive(Clone, Debug, PartialEq)]
enum Times {
    Every(Duration),
    Cron(Box<Cron>),
}

impl Schedule {
    /// Multiples of an interval, each delayed by up to `jitter`. A jitter of an interval or more lets ticks change
    /// their order, and is for the loader to refuse.
    #[must_use]
    pub fn every(interval: Duration, jitter: Duration) -> Self {
        Self {
            times: Times::Every(interval.max(Duration::from_nanos(1))),
            jitter,
        }
    }

    /// The instants of a cron expression: five fields as in POSIX (minute, hour, day of month, month, day of week),
    /// or six with seconds first, or `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`.
    ///
    /// Weekdays are 0 to 7 or names, Sunday being 0 and 7. Where both day fields are restricted (neither begins with
    /// `*`), either is enough. Without a time zone the fields are UTC.
    ///
    /// Where clocks change, an expression that names hours fires each named time once: times that the change skips
    /// are fired together at the first valid instant, times that come twice the first time. One whose hour field
    /// begins with `*` follows the clock that runs on: nothing is made up for a skipped hour, and a repeated hour
    /// fires in both passes, so that `*/5 * * * *` never pauses.
    ///
    /// # Errors
    /// Which field is wrong, its value and what was expected; an unknown time zone, with the nearest.
    pub fn cron(expr: &str, timezone: Option<&str>) -> Result<Self, String> {
        Ok(Self {
            times: Times::Cron(Box::new(Cron::parse(expr, timezone)?)),
            jitter: Duration::ZERO,
        })
    }

    /// The same with every instant delayed by up to `jitter`.
    #[must_use]
    pub fn with_jitter(self, jitter: Duration) -> Self {
        Self { jitter, ..self }
    }

    /// The first instant after `after`, for the probe of that name; none where there is no more.
    #[must_use]
    pub fn next_after(&self, probe: &str, after: Moment) -> Option<Moment> {
        let mut base = after.before(self.jitter);
        let mut first: Option<Moment> = None;
        // Delays can change the order, so every base before the best so far is looked at.
        loop {
            base = match self.next_base(probe, base) {
                Some(next) if first.is_none_or(|first| next <= first) => next,
                _ => return first,
            };
            let fired = base.after(self.delay(probe, base));
            if fired > after {
                first = Some(first.map_or(fired, |first| first.min(fired)));
                if self.jitter.is_zero() {
                    return first;
                }
            }
        }
    }

    /// Whether it names times of day, which the wall clock tells.
    #[must_use]
    pub const fn is_cron(&self) -> bool {
        matches!(self.times, Times::Cron(_))
    }

    /// In words: `every 1m, up to 5s later`.
    #[must_use]
    pub fn describe(&self) -> String {
        let times = match &self.times {
            Times::Every(interval) => format!("every {}", words(*interval)),
            Times::Cron(cron) => cron.describe(),
        };
        if self.jitter.is_zero() {
            return times;
        }
        format!("{times}, up to {} later", words(self.jitter))
    }

    /// The shortest time between two of its instants, delays left out; for a cron expression the shortest that its
    /// times of day allow.
    #[must_use]
    pub fn min_gap(&self) -> Duration {
        match &self.times {
            Times::Every(interval) => *interval,
            Times::Cron(cron) => cron.min_gap(),
        }
    }

    /// How many instants, delays left out, fall into the UTC day that many days after 1970-01-01.
    #[must_use]
    pub fn runs_per_day(&self, probe: &str, day: i64) -> u64 {
        let start = Moment(day.saturating_mul(DAY));
        let end = Moment(start.0.saturating_add(DAY));
        if let Times::Every(interval) = &self.times {
            let (interval, phase) = (nanos(*interval), phase(probe, nanos(*interval)));
            let before = |at: Moment| i128::from(at.0 - 1 - phase).div_euclid(i128::from(interval));
            return u64::try_from(before(end) - before(start)).unwrap_or(0);
        }
        let mut count = 0;
        let mut at = Moment(start.0 - 1);
        while let Some(next) = self.next_base(probe, at).filter(|next| *next < end) {
            count += 1;
            at = next;
        }
        count
    }

    /// The first instant after `after` before any delay.
    fn next_base(&self, probe: &str, after: Moment) -> Option<Moment> {
        match &self.times {
            Times::Every(interval) => {
                let interval = nanos(*interval);
                let phase = phase(probe, interval);
                let turn = i128::from(after.0.saturating_sub(phase)).div_euclid(i128::from(interval)) + 1;
                i64::try_from(turn * i128::from(interval) + i128::from(phase))
                    .ok()
                    .map(Moment)
            }
            Times::Cron(cron) => cron.next_after(after),
        }
    }

    /// The delay of one tick: the same each time it is asked for, uniform in `[0, jitter)`.
    fn delay(&self, probe: &str, base: Moment) -> Duration {
        if self.jitter.is_zero() {
            return Duration::ZERO;
        }
        let mut hasher = blake3::Hasher::new_derive_key("landfall schedule jitter");
        hasher.update(probe.as_bytes()).update(&base.0.to_le_bytes());
        Duration::from_nanos(share(
            &hasher.finalize(),
            u64::try_from(self.jitter.as_nanos()).unwrap_or(u64::MAX),
        ))
    }
}

const DAY: i64 = 86_400_000_000_000;

/// The probe's shift within an interval.
fn phase(probe: &str, interval: i64) -> i64 {
    let hash = blake3::Hasher::new_derive_key("landfall schedule phase")
        .update(probe.as_bytes())
        .finalize();
    i64::try_from(share(&hash, interval.unsigned_abs())).unwrap_or(0)
}

/// A hash as a number in `[0, bound)`, without the bias of a remainder.
fn share(hash: &blake3::Hash, bound: u64) -> u64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&hash.as_bytes()[..8]);
    u64::try_from((u128::from(u64::from_le_bytes(bytes)) * u128::from(bound)) >> 64).unwrap_or(0)
}

fn nanos(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX).max(1)
}

/// A duration as people write it: `1h30m`.
fn words(duration: Duration) -> String {
    let mut left = duration.as_nanos();
    let mut said = String::new();
    for (unit, size) in [
        ("d", 86_400_000_000_000),
        ("h", 3_600_000_000_000),
        ("m", 60_000_000_000),
        ("s", 1_000_000_000),
        ("ms", 1_000_000),
        ("us", 1_000),
        ("ns", 1),
    ] {
        if left >= size {
            said.push_str(&format!("{}{unit}", left / size));
            left %= size;
        }
    }
    if said.is_empty() { String::from("0s") } else { said }
}
