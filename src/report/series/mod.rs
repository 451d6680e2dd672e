//! Figures over history: of each series, of routes beside each other, of one window against another.
//!
//! Pure functions from runs ([`Ending`](crate::model::Ending)) or from hourly roll-ups to types that serialise; every share is a [`Share`],
//! which is null where there is nothing to have a share of. A series is one probe, route, input, location **and
//! definition**: figures of two definitions are never mixed, unless from roll-ups, which then say so.

mod changes;
mod consistency;
mod figures;
mod gathering;
mod latency;
mod objective;
mod rolled;
mod routes;
mod rows;
mod separation;
#[cfg(test)]
mod tests;
mod words;

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::{Mark, Moment};
use crate::stats::CONFIDENCE;
use crate::stats::shares::{wilson, wilson_of};

pub use changes::{ChangeFigures, DifferenceFigures, ShiftFigures, Side};
pub use consistency::{ConsistencyFigures, LayerScore};
pub use figures::{Clumping, SeriesFigures, Withheld};
pub use gathering::{Gathering, SkipFigures};
pub use latency::{LayerFigures, LayersFigures, PollFigures, QuantileFigure, TimeFigures, WaitFigures};
pub use objective::{BudgetFigures, Judged, Objective, ObjectiveFigures, ObjectiveWord};
pub use rolled::Rolled;
pub use routes::{PairFigures, RoutesFigures};
pub use separation::Separation;
pub use words::{objective_word, said_of_change, said_of_routes};

pub(in crate::report) use rows::possible;
pub(in crate::report) use words::{
    clumps, consistency as said_of_consistency, interval, layers as said_of_layers, objectives,
    receipts as said_of_receipts, sections, sentence, withheld,
};

/// So many runs are read one by one at the most: what is kept of each to place it among the others takes memory.
pub const MOST_RUNS: u64 = 5_000_000;

/// What `landfall report --format json` and `GET /api/v1/probes/{probe}/figures` answer.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct History {
    /// Landfall's version.
    pub version: String,
    /// When the figures were made, RFC 3339.
    pub made: String,
    /// The window: runs whose tick is not before `since` and before `until`.
    pub window: Window,
    /// What the figures were made from.
    pub source: Source,
    /// The window that each series was compared with; null where none was asked for.
    pub against: Option<Window>,
    /// By probe, the one with the worst route first.
    pub probes: Vec<ProbeFigures>,
    /// What people noted in the window.
    pub marks: Vec<Mark>,
    /// What has to be known of the figures as a whole.
    pub notes: Vec<String>,
}

/// A stretch of time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Window {
    /// Its first instant, RFC 3339; null from the beginning.
    pub since: Option<String>,
    /// The instant at which it ends, RFC 3339.
    pub until: String,
}

/// What figures were made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The runs themselves.
    Runs,
    /// Hourly roll-ups: what follows from the order of single runs, or of pairs, is missing.
    Rollups,
}

/// One probe.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ProbeFigures {
    /// Its name.
    pub probe: String,
    /// Its definitions in the window, the earliest first. More than one: the definition changed, and figures are of one
    /// each.
    pub definitions: Vec<DefinitionFigures>,
    /// A row a route, input, location and definition, the worst first.
    pub series: Vec<SeriesFigures>,
    /// Ticks that did not fire, by route and input.
    pub skips: Vec<SkipFigures>,
    /// Routes that got the same input at the same ticks, beside each other; empty with one route, and from roll-ups.
    pub routes: Vec<RoutesFigures>,
    /// Each series against the other window; empty where none was asked for.
    pub changes: Vec<ChangeFigures>,
    /// The objective of the probe by series; empty where it has none, or it is not known.
    pub objectives: Vec<ObjectiveFigures>,
    /// What separates its bad runs from its good ones; null where none was bad, or it was not looked for.
    pub separates: Option<Separation>,
    /// What has to be known of its figures.
    pub notes: Vec<String>,
}

/// One definition of a probe in the window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DefinitionFigures {
    /// Its digest.
    pub revision: String,
    /// The first tick of a run of it, RFC 3339; null from roll-ups.
    pub first: Option<String>,
    /// The last, RFC 3339; null from roll-ups.
    pub last: Option<String>,
    /// Its runs.
    pub runs: u64,
}

/// A share with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Share {
    /// How many.
    pub count: u64,
    /// Of how many.
    pub of: u64,
    /// 0 to 1; null where there is nothing to have a share of.
    pub share: Option<f64>,
    /// The lower limit; null where there is no share.
    pub lower: Option<f64>,
    /// The upper limit; null where there is no share.
    pub upper: Option<f64>,
}

/// Which series runs belong to.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::report) struct SeriesKey {
    pub(in crate::report) probe: String,
    pub(in crate::report) route: String,
    pub(in crate::report) input: String,
    pub(in crate::report) location: String,
    pub(in crate::report) revision: String,
}

impl History {
    /// Without a probe yet.
    #[must_use]
    pub fn new(made: Moment, window: Window, source: Source) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            made: made.to_rfc3339(),
            window,
            source,
            against: None,
            probes: Vec::new(),
            marks: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Runs of all series.
    #[must_use]
    pub fn runs(&self) -> u64 {
        let series = self.probes.iter().flat_map(|probe| &probe.series);
        series.map(|series| series.runs).sum()
    }

    /// What became of the objectives of all series: not met where one is not, else not enough runs where one has not,
    /// else met. `None` where there is none.
    #[must_use]
    pub fn objective(&self) -> Option<ObjectiveWord> {
        let all = self.probes.iter().flat_map(|probe| &probe.objectives);
        all.map(|objective| objective.word).max()
    }
}

impl Window {
    /// From `since`, if any, to `until`.
    #[must_use]
    pub fn new(since: Option<Moment>, until: Moment) -> Self {
        Self {
            since: since.map(Moment::to_rfc3339),
            until: until.to_rfc3339(),
        }
    }
}

impl Share {
    /// `count` of `of`, with Wilson's interval; more than all is all.
    #[must_use]
    pub fn of(count: u64, of: u64) -> Self {
        Self::clumped(count, of, None)
    }

    /// The same on as much evidence as `effective` independent runs give.
    pub(in crate::report) fn clumped(count: u64, of: u64, effective: Option<f64>) -> Self {
        let count = count.min(of);
        let share = crate::stats::shares::share(count, of);
        let bounds = share.and_then(|share| match effective {
            Some(effective) => wilson_of(share, effective, CONFIDENCE).ok(),
            None => wilson(count, of, CONFIDENCE).ok(),
        });
        Self {
            count,
            of,
            share,
            lower: bounds.map(|bounds| bounds.lower),
            upper: bounds.map(|bounds| bounds.upper),
        }
    }
}
