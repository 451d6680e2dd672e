//! Which ways runs took, how often, and how each way ended. Pure over records.
//!
//! A run's way is what `path:` of its probe names; where nothing there names a mail's hops, the `Received` lines of the
//! first mail that was seen follow. A lost run shows only what was known by then, so its way is short *because* it was lost:
//! a way stands out only if no good run took one that agrees with it in all that is known of it.

mod gather;
mod show;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

pub use gather::{PATHS, PathCollector};
pub use show::{markdown, text};

use crate::model::{Class, RunRecord};

/// The ways that runs took.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Paths {
    /// The probes that the runs are of; one as a rule.
    pub probes: Vec<String>,
    /// The tick of the first run, RFC 3339; null without runs.
    pub first: Option<String>,
    /// That of the last.
    pub last: Option<String>,
    /// Runs, the unobserved included.
    pub runs: u64,
    /// The answer in one sentence.
    pub sentence: String,
    /// The ways, the most frequent first.
    pub paths: Vec<PathTaken>,
    /// Runs of which no hop is known.
    pub unknown: u64,
    /// Runs whose ways are not listed, since there are more ways than the limit.
    pub unlisted: u64,
}

/// One way, and how the runs that took it ended.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct PathTaken {
    /// Its hops, in order.
    pub hops: Vec<HopTaken>,
    /// Runs that took it.
    pub runs: u64,
    /// The routes that they were sent down.
    pub routes: BTreeMap<String, u64>,
    /// How they ended.
    pub classes: BTreeMap<Class, u64>,
    /// Those that are not delivered, of those that were observed.
    pub bad: u64,
    /// The share of observed runs that were lost, 0 to 1; null without any.
    pub lost: Option<f64>,
    /// The share that was late.
    pub late: Option<f64>,
    /// The median time to the outcome in seconds, over all observed runs: null where half of them never reached it.
    pub p50: Option<f64>,
    /// The 95th percentile in the same way.
    pub p95: Option<f64>,
    /// Runs that were observed: without any the times say nothing.
    pub observed: u64,
    /// Good runs went on from where this way ends: it ends here because nothing more was seen.
    pub ends_early: bool,
    /// Only bad runs took it, and no good run one that agrees with it.
    pub only_bad: bool,
    /// For a way that only bad runs took: how often as many bad runs fall together by chance.
    pub p: Option<f64>,
}

/// One hop of a way.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct HopTaken {
    /// Its name.
    pub hop: String,
    /// Where it is from: an entry of `path:`, or a mail.
    pub source: String,
    /// For a hop of a mail: seconds since the hop before, over the runs that tell them.
    pub delay: Option<Delay>,
}

/// How long a hop took.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Delay {
    /// The median in seconds.
    pub p50: f64,
    /// The greatest.
    pub max: f64,
    /// Runs that tell it.
    pub runs: u64,
}

/// The ways that these runs took.
#[must_use]
pub fn paths<'a>(runs: impl IntoIterator<Item = &'a RunRecord>) -> Paths {
    let mut collector = PathCollector::default();
    for run in runs {
        collector.add(run);
    }
    collector.finish()
}

#[cfg(test)]
mod tests;
