//! The runs of one stretch, as few numbers as a drawing needs.

use std::collections::BTreeMap;

use super::{Bucket, Waited};
use crate::model::{Class, Ending, Latencies, LayerState, Moment, Reached, Rollup};
use crate::report::series::possible;
use crate::stats::consistency::score_of;

/// Endings of one stretch that are told apart; with more of them no agreement is reckoned.
const ENDINGS: usize = 200;
/// Stands between the layers of an ending, as in [`Rollup::endings`].
const BETWEEN: &str = "\t";

/// What was counted of one stretch.
#[derive(Clone, Debug, Default)]
pub(super) struct Slot {
    pub(super) classes: BTreeMap<Class, u64>,
    /// Observed runs by what their layers say.
    endings: BTreeMap<String, u64>,
    /// Observed runs of which that is not known.
    other: u64,
    /// When outcomes arrived, by the later end.
    pub(super) arrived: Latencies,
    /// Runs that did not arrive, by the microseconds for which they were watched; 0 where nothing says.
    pub(super) never: BTreeMap<u64, u64>,
}

impl Slot {
    pub(super) fn add(&mut self, ending: &Ending) {
        *self.classes.entry(ending.class).or_default() += 1;
        if ending.class == Class::Unobserved {
            return;
        }
        self.ending(ending.said.join(BETWEEN), 1);
        let outcome = &ending.layers.outcome;
        let late = |hi: f64| ending.watched.is_some_and(|watched| hi > watched);
        match (outcome.state, outcome.seconds) {
            (LayerState::Yes, Some(seconds)) if possible(seconds) && !late(seconds.1) => {
                self.arrived.record(seconds.1);
            }
            (LayerState::Yes, Some(seconds)) if possible(seconds) => self.lost(ending.watched, 1),
            (LayerState::No, _) => self.lost(ending.watched, 1),
            _ => {}
        }
    }

    pub(super) fn merge(&mut self, hour: &Rollup) {
        for (class, runs) in &hour.classes {
            *self.classes.entry(*class).or_default() += runs;
        }
        let unobserved = hour.classes.get(&Class::Unobserved).copied().unwrap_or(0);
        let observed = hour.runs().saturating_sub(unobserved);
        let told: u64 = hour.endings.values().sum();
        self.other += observed.saturating_sub(told);
        for (ending, runs) in &hour.endings {
            self.ending(ending.clone(), *runs);
        }
        self.arrived.merge(&hour.outcome.hi);
        self.lost(hour.watched, hour.outcome.no);
    }

    fn ending(&mut self, words: String, runs: u64) {
        if self.endings.len() < ENDINGS || self.endings.contains_key(&words) {
            *self.endings.entry(words).or_default() += runs;
        } else {
            self.other += runs;
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a time above zero, and the conversion saturates"
    )]
    fn lost(&mut self, watched: Option<f64>, runs: u64) {
        if runs > 0 {
            let micros = watched.map_or(0, |seconds| (seconds * 1e6).round().max(0.0) as u64);
            *self.never.entry(micros).or_default() += runs;
        }
    }

    pub(super) fn bucket(&self, from: Moment, to: Moment) -> Bucket {
        Bucket {
            from,
            to,
            runs: self.classes.values().sum(),
            classes: self.classes.clone(),
            outcome: self.waited(),
            agree: [0, 1, 2].map(|layer| self.agree(layer)),
        }
    }

    fn waited(&self) -> Option<Waited> {
        let (arrived, never) = (self.arrived.count(), self.never.values().sum());
        let at = |q| match self.arrived.quantile(q, never) {
            Some(Reached::At(micros)) => Some(seconds(micros)),
            Some(Reached::Never) | None => None,
        };
        (arrived + never > 0).then(|| Waited {
            arrived,
            never,
            p05: at(0.05),
            p50: at(0.5),
            p95: at(0.95),
        })
    }

    fn agree(&self, layer: usize) -> Option<f64> {
        let said = |words: &str| !Rollup::layer_of(words, layer).is_empty();
        if self.other > 0 || !self.endings.keys().any(|words| said(words)) {
            return None;
        }
        let mut joint: BTreeMap<Vec<&str>, u64> = BTreeMap::new();
        for (words, runs) in &self.endings {
            let upto = (0..=layer).map(|layer| Rollup::layer_of(words, layer));
            *joint.entry(upto.collect()).or_default() += runs;
        }
        score_of(&joint.into_values().collect::<Vec<u64>>()).ok()
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "an hour of microseconds is far below 2^52"
)]
pub(super) fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}
