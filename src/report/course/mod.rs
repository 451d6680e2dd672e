//! A probe over time: its runs in stretches of equal length, by route and input, as drawings show them.
//!
//! Made from how runs ended ([`Ending`]) or from hourly roll-ups, never from both for the same hour. What was not measured
//! has no stretch: a gap stays a gap. Figures of the window as a whole are [`super::series`]'s.

mod slot;
#[cfg(test)]
mod tests;
mod unfired;
mod waits;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::{Class, Ending, Moment, Rollup, SkipRecord, SkipSpan};

use slot::Slot;
use unfired::Unfired;

pub use unfired::Stretch;
pub use waits::{WaitPoint, Waits};

/// A window has at most so many stretches, and one more where it does not begin with one.
pub const MOST_STRETCHES: i64 = 96;

/// So many routes and inputs are followed; runs of further ones are counted in [`Course::left_out`].
pub const MOST_SERIES: usize = 64;

/// The lengths of a stretch: what people count in, in seconds.
const LENGTHS: [i64; 20] = [
    1, 5, 10, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400, 172_800,
    604_800, 2_419_200, 31_536_000,
];

const SECOND: i64 = 1_000_000_000;
const HOUR: i64 = 3600;

/// A probe over time.
#[derive(Clone, Debug, PartialEq)]
pub struct Course {
    /// Where the window begins.
    pub since: Moment,
    /// Where it ends, this instant not included.
    pub until: Moment,
    /// The length of a stretch.
    pub length: Duration,
    /// By route and input, in their order.
    pub routes: Vec<RouteCourse>,
    /// Runs of routes and inputs beyond [`MOST_SERIES`].
    pub left_out: u64,
    /// When ticks did not fire, and why.
    pub unfired: Vec<Stretch>,
    /// Stretches of ticks that did not fire beyond those that are listed.
    pub more_unfired: u64,
}

/// A route and input over time.
#[derive(Clone, Debug, PartialEq)]
pub struct RouteCourse {
    /// The route's name.
    pub route: String,
    /// The input's name.
    pub input: String,
    /// The stretches in which a run was due, the earliest first.
    pub buckets: Vec<Bucket>,
    /// How long outcomes took, over the whole window; `None` without an observed run that says.
    pub waits: Option<Waits>,
}

/// The runs of a route and input whose ticks lie in one stretch.
#[derive(Clone, Debug, PartialEq)]
pub struct Bucket {
    /// Its first instant, or that of the window.
    pub from: Moment,
    /// Its end, or that of the window.
    pub to: Moment,
    /// Runs that ended.
    pub runs: u64,
    /// Those by class.
    pub classes: BTreeMap<Class, u64>,
    /// How long the outcome took; `None` where no run says.
    pub outcome: Option<Waited>,
    /// The chance that two runs agree in what the layers up to accepted, executed and outcome say; `None` below two observed
    /// runs, or where it is not on record.
    pub agree: [Option<f64>; 3],
}

/// Latencies of one stretch, in seconds since the first byte. A run that never arrived is later than any other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Waited {
    /// Runs that arrived while landfall watched.
    pub arrived: u64,
    /// Runs that did not.
    pub never: u64,
    /// A twentieth arrived by then; `None` is not reached.
    pub p05: Option<f64>,
    /// The median; `None` is not reached.
    pub p50: Option<f64>,
    /// The 95th percentile; `None` is not reached.
    pub p95: Option<f64>,
}

/// Takes runs in, in any order.
#[derive(Clone, Debug)]
pub struct CourseOf {
    since: Moment,
    until: Moment,
    /// Seconds.
    length: i64,
    series: BTreeMap<(String, String), BTreeMap<i64, Slot>>,
    left_out: u64,
    unfired: Unfired,
}

impl CourseOf {
    /// For the window `since <= t < until`.
    #[must_use]
    pub fn new(since: Moment, until: Moment) -> Self {
        Self::of_length(since, until, 1)
    }

    /// The same in stretches of whole hours, as roll-ups need it.
    #[must_use]
    pub fn of_hours(since: Moment, until: Moment) -> Self {
        Self::of_length(since, until, HOUR)
    }

    fn of_length(since: Moment, until: Moment, least: i64) -> Self {
        let until = until.max(Moment(since.0.saturating_add(1)));
        let long = until.0.saturating_sub(since.0);
        let fits = |length: &i64| *length >= least && long / (length * SECOND) <= MOST_STRETCHES;
        let length = LENGTHS.into_iter().find(fits);
        Self {
            since,
            until,
            length: length.unwrap_or(long / SECOND / MOST_STRETCHES + 1),
            series: BTreeMap::new(),
            left_out: 0,
            unfired: Unfired::default(),
        }
    }

    /// Takes a run in; one outside of the window is left alone.
    pub fn add(&mut self, ending: &Ending) {
        if let Some(slot) = self.slot(&ending.route, &ending.input, ending.tick, 1) {
            slot.add(ending);
        }
    }

    /// Takes an hour of runs in. Only for [`CourseOf::of_hours`]: an hour has to lie in one stretch.
    pub fn add_hour(&mut self, hour: &Rollup) {
        if let Some(slot) = self.slot(&hour.route, &hour.input, hour.hour, hour.runs()) {
            slot.merge(hour);
        }
    }

    /// Takes a skipped tick in.
    pub fn skip(&mut self, skip: &SkipRecord) {
        self.unfired.skip(skip, (self.since, self.until));
    }

    /// Takes a span of skipped ticks in.
    pub fn span(&mut self, span: &SkipSpan) {
        self.unfired.span(span, (self.since, self.until));
    }

    /// What came of it.
    #[must_use]
    pub fn finish(self) -> Course {
        let step = self.length * SECOND;
        let (since, until) = (self.since, self.until);
        let bucket = |(place, slot): (&i64, &Slot)| {
            let from = Moment(place.saturating_mul(step));
            let to = Moment(from.0.saturating_add(step));
            slot.bucket(from.max(since), to.min(until))
        };
        let routes = self.series.iter().map(|((route, input), slots)| RouteCourse {
            route: route.clone(),
            input: input.clone(),
            buckets: slots.iter().map(bucket).collect(),
            waits: waits::waits(slots.values()),
        });
        let (unfired, more_unfired) = self.unfired.stretches(step);
        Course {
            since,
            until,
            length: Duration::from_secs(u64::try_from(self.length).unwrap_or(1)),
            routes: routes.collect(),
            left_out: self.left_out,
            unfired,
            more_unfired,
        }
    }

    fn slot(&mut self, route: &str, input: &str, tick: Moment, runs: u64) -> Option<&mut Slot> {
        if tick < self.since || tick >= self.until {
            return None;
        }
        let key = (route.to_owned(), input.to_owned());
        if self.series.len() >= MOST_SERIES && !self.series.contains_key(&key) {
            self.left_out += runs;
            return None;
        }
        let place = tick.0.div_euclid(self.length * SECOND);
        Some(self.series.entry(key).or_default().entry(place).or_default())
    }
}

impl RouteCourse {
    /// Its runs.
    #[must_use]
    pub fn runs(&self) -> u64 {
        self.buckets.iter().map(|bucket| bucket.runs).sum()
    }

    /// Whether any stretch tells how far the layers up to this one agree.
    #[must_use]
    pub fn agrees_at(&self, layer: usize) -> bool {
        self.buckets.iter().any(|bucket| bucket.agree[layer].is_some())
    }
}
