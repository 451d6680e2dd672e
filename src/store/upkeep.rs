//! What is kept for how long, and what is left of the rest.

use std::time::Duration;

use crate::model::{Moment, Rollup};

const DAY: Duration = Duration::from_hours(24);

/// How long things are kept, from their tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Runs that were delivered, with what was seen of them; strays; skips.
    pub runs: Duration,
    /// Runs that ended otherwise.
    pub failures: Duration,
    /// Hourly roll-ups, marks and spans of skips.
    pub rollups: Duration,
}

impl Default for Retention {
    /// 90 days, failures twice as long, roll-ups for two years.
    fn default() -> Self {
        Self {
            runs: 90 * DAY,
            failures: 180 * DAY,
            rollups: 730 * DAY,
        }
    }
}

/// What one turn of upkeep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Upkeep {
    /// Hours of a probe that were rolled up, the first time or again.
    pub rolled_up: u64,
    /// Runs that were removed.
    pub runs: u64,
    /// Observations that no run bears any more, or ever bore, that were removed.
    pub observations: u64,
    /// Skips, spans of skips, marks and roll-ups that were removed.
    pub others: u64,
}

/// How far back runs and roll-ups reach.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// Runs of earlier ticks may have been removed, those that were delivered before the others; `None` where none was.
    pub whole_since: Option<Moment>,
    /// The first hour that is rolled up; `None` where none is.
    pub first_rollup: Option<Moment>,
    /// The last.
    pub last_rollup: Option<Moment>,
}

/// Which roll-ups to read. What is empty or `None` lets everything through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RollupFilter {
    /// Only these probes.
    pub probes: Vec<String>,
    /// Only these routes.
    pub routes: Vec<String>,
    /// Only these inputs.
    pub inputs: Vec<String>,
    /// Only hours that begin at this moment or later.
    pub since: Option<Moment>,
    /// Only hours that begin before this.
    pub until: Option<Moment>,
}

impl RollupFilter {
    /// Whether it lets this one through.
    #[must_use]
    pub fn admits(&self, rollup: &Rollup) -> bool {
        let among = |wanted: &[String], name: &String| wanted.is_empty() || wanted.contains(name);
        self.since.is_none_or(|since| rollup.hour >= since)
            && self.until.is_none_or(|until| rollup.hour < until)
            && among(&self.probes, &rollup.probe)
            && among(&self.routes, &rollup.route)
            && among(&self.inputs, &rollup.input)
    }
}
