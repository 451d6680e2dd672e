//! An hour of a series in a few hundred bytes: what is left of runs when their records are gone.

mod latencies;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Class, Ending, Flag, LayerRecord, LayerState, Moment, RunRecord};

pub use latencies::{Latencies, Reached};

/// So many fingerprints are kept by name, the most frequent; the rest are counted together.
pub const FINGERPRINTS: usize = 100;

/// Stands between the layers of an ending.
const BETWEEN: &str = "\t";

const HOUR: i64 = 3_600_000_000_000;

/// The runs of one probe, route and input whose ticks lie in one hour.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Rollup {
    /// The first instant of the hour (of the earliest, where several were merged), RFC 3339.
    #[serde(with = "super::moment::rfc3339")]
    #[schemars(with = "String")]
    pub hour: Moment,
    /// The probe's name.
    pub probe: String,
    /// The route's name.
    pub route: String,
    /// The input's name.
    pub input: String,
    /// Runs by class, as last amended.
    pub classes: BTreeMap<Class, u64>,
    /// Runs by flag.
    pub flags: BTreeMap<Flag, u64>,
    /// Runs that were accepted and not unobserved: what the rate of silent failures is over.
    pub judged: u64,
    /// Of these the silent failures: lost or mismatched.
    pub silent: u64,
    /// The API took it.
    pub accepted: LayerRollup,
    /// The system did the work.
    pub executed: LayerRollup,
    /// The user has the result.
    pub outcome: LayerRollup,
    /// From the scheduled instant to the first byte sent.
    pub lag: Latencies,
    /// Runs by fingerprint: the [`FINGERPRINTS`] most frequent.
    pub fingerprints: BTreeMap<String, u64>,
    /// Runs with any other fingerprint.
    pub other_fingerprints: u64,
    /// Runs by definition: the [`FINGERPRINTS`] with the most. Empty in hours of an older landfall.
    #[serde(default)]
    pub revisions: BTreeMap<String, u64>,
    /// Observed runs by what their layers say ([`Ending::said`], with tabs between): the [`FINGERPRINTS`] most frequent.
    #[serde(default)]
    pub endings: BTreeMap<String, u64>,
    /// Observed runs with any other ending.
    #[serde(default)]
    pub other_endings: u64,
    /// The shortest time for which a run was watched, in seconds.
    #[serde(default)]
    pub watched: Option<f64>,
}

/// One layer of many runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LayerRollup {
    /// It happened.
    pub yes: u64,
    /// It did not: the counter beside the histograms, `missing` of [`Latencies::quantile`].
    pub no: u64,
    /// Landfall cannot say.
    pub unknown: u64,
    /// The probe says nothing of it.
    pub undeclared: u64,
    /// The lower ends of when it happened, since the first byte left.
    pub lo: Latencies,
    /// The upper ends, which classify.
    pub hi: Latencies,
}

impl Rollup {
    /// Of no run yet.
    #[must_use]
    pub fn empty(hour: Moment, probe: &str, route: &str, input: &str) -> Self {
        Self {
            hour,
            probe: probe.to_owned(),
            route: route.to_owned(),
            input: input.to_owned(),
            classes: BTreeMap::new(),
            flags: BTreeMap::new(),
            judged: 0,
            silent: 0,
            accepted: LayerRollup::default(),
            executed: LayerRollup::default(),
            outcome: LayerRollup::default(),
            lag: Latencies::default(),
            fingerprints: BTreeMap::new(),
            other_fingerprints: 0,
            revisions: BTreeMap::new(),
            endings: BTreeMap::new(),
            other_endings: 0,
            watched: None,
        }
    }

    /// The first instant of the hour of `tick`.
    #[must_use]
    pub const fn hour_of(tick: Moment) -> Moment {
        Moment(tick.0 - tick.0.rem_euclid(HOUR))
    }

    /// The first instant of the next hour.
    #[must_use]
    pub const fn next_hour(hour: Moment) -> Moment {
        Moment(hour.0.saturating_add(HOUR))
    }

    /// How many runs.
    #[must_use]
    pub fn runs(&self) -> u64 {
        self.classes.values().sum()
    }

    /// Takes a run in. When all are in, [`Rollup::settle`] holds it to its bounds.
    pub fn add(&mut self, record: &RunRecord) {
        self.add_ending(&Ending::of(record));
    }

    /// The same of a run of which only the ending was read.
    pub fn add_ending(&mut self, ending: &Ending) {
        *self.classes.entry(ending.class).or_default() += 1;
        for flag in &ending.flags {
            *self.flags.entry(*flag).or_default() += 1;
        }
        self.judged += u64::from(ending.judged());
        self.silent += u64::from(ending.silent());
        self.accepted.add(&ending.layers.accepted);
        self.executed.add(&ending.layers.executed);
        self.outcome.add(&ending.layers.outcome);
        if let Some(lag) = ending.lag {
            self.lag.record(lag);
        }
        if let Some(fingerprint) = &ending.fingerprint {
            *self.fingerprints.entry(fingerprint.clone()).or_default() += 1;
        }
        *self.revisions.entry(ending.revision.clone()).or_default() += 1;
        if ending.class != Class::Unobserved {
            *self.endings.entry(ending.said.join(BETWEEN)).or_default() += 1;
        }
        self.watched = shorter(self.watched, ending.watched);
    }

    /// Takes another's runs in, of another hour, route or input. What comes out is the roll-up of all their runs, as
    /// long as they have at most [`FINGERPRINTS`] fingerprints together; beyond that, which of the rare ones are kept
    /// by name may differ.
    pub fn merge(&mut self, other: &Self) {
        self.hour = self.hour.min(other.hour);
        add_all(&mut self.classes, &other.classes);
        add_all(&mut self.flags, &other.flags);
        self.judged += other.judged;
        self.silent += other.silent;
        self.accepted.merge(&other.accepted);
        self.executed.merge(&other.executed);
        self.outcome.merge(&other.outcome);
        self.lag.merge(&other.lag);
        add_all(&mut self.fingerprints, &other.fingerprints);
        self.other_fingerprints += other.other_fingerprints;
        add_all(&mut self.revisions, &other.revisions);
        add_all(&mut self.endings, &other.endings);
        self.other_endings += other.other_endings;
        self.watched = shorter(self.watched, other.watched);
        self.settle();
    }

    /// Holds fingerprints, endings and definitions to their bound: the rarest are counted together, of equally rare ones
    /// the last by name. Definitions beyond it are left out: their runs are those that no definition accounts for.
    pub fn settle(&mut self) {
        self.other_fingerprints += settled(&mut self.fingerprints);
        self.other_endings += settled(&mut self.endings);
        settled(&mut self.revisions);
    }

    /// What the layers of a key of [`Rollup::endings`] say, without those that say nothing.
    #[must_use]
    pub fn layers_of(ending: &str) -> Vec<&str> {
        ending.split(BETWEEN).filter(|said| !said.is_empty()).collect()
    }

    /// What one layer of such a key says; empty where it says nothing.
    #[must_use]
    pub fn layer_of(ending: &str, layer: usize) -> &str {
        ending.split(BETWEEN).nth(layer).unwrap_or_default()
    }
}

/// Keeps the most frequent; the rest is counted and gone.
fn settled(counts: &mut BTreeMap<String, u64>) -> u64 {
    if counts.len() <= FINGERPRINTS {
        return 0;
    }
    let mut by_count: Vec<(u64, String)> = std::mem::take(counts)
        .into_iter()
        .map(|(name, count)| (count, name))
        .collect();
    by_count.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    let rest = by_count.split_off(FINGERPRINTS);
    counts.extend(by_count.into_iter().map(|(count, name)| (name, count)));
    rest.iter().map(|(count, _)| count).sum()
}

fn shorter(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

impl LayerRollup {
    fn add(&mut self, layer: &LayerRecord) {
        match layer.state {
            LayerState::Yes => self.yes += 1,
            LayerState::No => self.no += 1,
            LayerState::Unknown => self.unknown += 1,
            LayerState::Undeclared => self.undeclared += 1,
        }
        if let (LayerState::Yes, Some(seconds)) = (layer.state, layer.seconds) {
            self.lo.record(seconds.0);
            self.hi.record(seconds.1);
        }
    }

    fn merge(&mut self, other: &Self) {
        self.yes += other.yes;
        self.no += other.no;
        self.unknown += other.unknown;
        self.undeclared += other.undeclared;
        self.lo.merge(&other.lo);
        self.hi.merge(&other.hi);
    }
}

fn add_all<K: Ord + Clone>(to: &mut BTreeMap<K, u64>, from: &BTreeMap<K, u64>) {
    for (key, count) in from {
        *to.entry(key.clone()).or_default() += count;
    }
}
