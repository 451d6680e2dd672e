//! One tick, two routes, one question: better, same or worse.

use serde::Serialize;

use super::StatError;
use super::error::{not_negative, sum};

/// What part of a route's median wait is too little to call a difference, where nothing else is said.
pub const DEAD_ZONE: f64 = 0.1;

/// How a route did at one tick against its baseline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Relative {
    /// It did better.
    Better,
    /// Neither did better.
    Same,
    /// It did worse.
    Worse,
}

/// How often a route did better, the same and worse than its baseline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Ticks at which it did better.
    pub better: u64,
    /// Ticks at which neither did.
    pub same: u64,
    /// Ticks at which it did worse.
    pub worse: u64,
}

/// How long a run took, as far as it is known: the earliest and latest it can have arrived, in seconds. One that never
/// arrived is later than any that did.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Wait {
    /// The earliest; for one that never arrived the end of its watch.
    pub lo: f64,
    /// The latest; `None` for one that never arrived.
    pub hi: Option<f64>,
}

impl Relative {
    /// The number that is averaged: 1, 0, -1.
    #[must_use]
    pub fn sign(self) -> i8 {
        match self {
            Self::Better => 1,
            Self::Same => 0,
            Self::Worse => -1,
        }
    }

    /// Of two answers to yes or no, the route's against the baseline's: arrived in time, content as it should be.
    #[must_use]
    pub fn of_success(baseline: bool, route: bool) -> Self {
        match (baseline, route) {
            (false, true) => Self::Better,
            (true, false) => Self::Worse,
            _ => Self::Same,
        }
    }

    /// Of two waits: better where the route's latest and the dead zone still come before the baseline's earliest. A run
    /// that never arrived loses to any that did and ties with another. The dead zone is in seconds; see [`dead_zone`].
    ///
    /// # Errors
    /// A dead zone or time that is not a finite number of 0 or more, a wait whose lo is above its hi.
    pub fn of_latency(baseline: Wait, route: Wait, dead_zone: f64) -> Result<Self, StatError> {
        let dead_zone = not_negative("the dead zone in seconds", dead_zone)?;
        let (a, b) = (baseline.checked()?, route.checked()?);
        Ok(match (a.hi, b.hi) {
            (None, None) => Self::Same,
            (None, Some(_)) => Self::Better,
            (Some(_), None) => Self::Worse,
            (Some(_), Some(b_hi)) if b_hi + dead_zone < a.lo => Self::Better,
            (Some(a_hi), Some(_)) if a_hi + dead_zone < b.lo => Self::Worse,
            _ => Self::Same,
        })
    }
}

impl Wait {
    fn checked(self) -> Result<Self, StatError> {
        not_negative("the earliest arrival in seconds", self.lo)?;
        if let Some(hi) = self.hi {
            not_negative("the latest arrival in seconds", hi)?;
            if self.lo > hi {
                return Err(StatError::Order {
                    low_what: "the earliest arrival",
                    low: self.lo,
                    relation: "at most",
                    high_what: "the latest",
                    high: hi,
                });
            }
        }
        Ok(self)
    }
}

impl Counts {
    /// All ticks.
    ///
    /// # Errors
    /// More than 2^53 of them.
    pub fn ticks(&self) -> Result<u64, StatError> {
        sum("ticks", [self.better, self.same, self.worse])
    }

    /// Counts one more tick.
    pub fn add(&mut self, tick: Relative) {
        let count = match tick {
            Relative::Better => &mut self.better,
            Relative::Same => &mut self.same,
            Relative::Worse => &mut self.worse,
        };
        *count = count.saturating_add(1);
    }

    /// The same ticks with the routes swapped.
    #[must_use]
    pub fn swapped(self) -> Self {
        Self {
            better: self.worse,
            same: self.same,
            worse: self.better,
        }
    }
}

impl FromIterator<Relative> for Counts {
    fn from_iter<I: IntoIterator<Item = Relative>>(ticks: I) -> Self {
        let mut counts = Self::default();
        for tick in ticks {
            counts.add(tick);
        }
        counts
    }
}

/// The dead zone in seconds for a baseline's median wait: [`DEAD_ZONE`] of it; 0 where the median is not reached.
#[must_use]
pub fn dead_zone(median: Option<f64>) -> f64 {
    median.map_or(0.0, |seconds| (seconds * DEAD_ZONE).max(0.0))
}
