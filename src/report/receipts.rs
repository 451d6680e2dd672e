//! Receipts against truth: what a provider claimed, by what happened.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::series::{Share, possible};
use crate::model::{Class, Ending, LayerState, Seconds};
use crate::stats::CONFIDENCE;
use crate::stats::quantiles::quantile_ranks;

/// What the system said of a run by receipts and `failed_when`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Claim {
    /// It was delivered.
    Delivered,
    /// It failed.
    Failed,
    /// Both.
    Both,
    /// Nothing.
    Nothing,
}

/// Claims, counted.
#[derive(Clone, Debug, Default)]
pub(super) struct Claims {
    counts: BTreeMap<(Claim, Class), u64>,
    /// Claims of delivery, and those of them where nothing arrived.
    delivered: (u64, u64),
    /// Claims of failure, and those of them where it arrived all the same.
    failed: (u64, u64),
    /// Arrivals, and those of them that nobody had claimed.
    arrived: (u64, u64),
    /// Claims of delivery with times of both, and those that surely came before the arrival.
    timed: (u64, u64),
    /// Seconds from the arrival to the claim, from the upper ends of both.
    later: Vec<f64>,
}

/// What a provider claimed by what happened, over observed runs of one series.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ReceiptFigures {
    /// A row a claim that occurs.
    pub claims: Vec<ClaimRow>,
    /// Of runs that were said to be delivered: nothing arrived.
    pub false_receipts: Share,
    /// Of runs that were said to have failed: the outcome arrived all the same.
    pub false_failures: Share,
    /// Of runs whose outcome arrived: no receipt said so.
    pub unclaimed_arrivals: Share,
    /// Of runs said to be delivered that were: the claim surely came before the outcome.
    pub claimed_early: Share,
    /// How much later than the outcome the claim came; negative where it came earlier. Null where no run has both times.
    pub later: Option<LaterFigures>,
}

/// Runs of which the same was claimed.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ClaimRow {
    /// What was claimed.
    pub claim: Claim,
    /// Runs.
    pub runs: u64,
    /// What became of them.
    pub classes: BTreeMap<Class, u64>,
}

/// Seconds from the outcome's arrival to the claim.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct LaterFigures {
    /// Runs with both times.
    pub runs: u64,
    /// A twentieth came this late at most.
    pub p05: f64,
    /// The median.
    pub p50: f64,
    /// The median's lower limit; null where so few runs give none.
    pub p50_lower: Option<f64>,
    /// The median's upper limit; null where so few runs give none.
    pub p50_upper: Option<f64>,
    /// A twentieth came later than this.
    pub p95: f64,
}

impl Claims {
    /// Takes an observed run in.
    pub(super) fn add(&mut self, ending: &Ending) {
        let claim = match (ending.claimed.is_some(), ending.disclaimed.is_some()) {
            (true, false) => Claim::Delivered,
            (false, true) => Claim::Failed,
            (true, true) => Claim::Both,
            (false, false) => Claim::Nothing,
        };
        *self.counts.entry((claim, ending.class)).or_default() += 1;
        let arrived = ending.layers.outcome.state == LayerState::Yes;
        let nothing = matches!(ending.class, Class::Lost | Class::Rejected);
        let count = |pair: &mut (u64, u64), of: bool, part: bool| {
            pair.0 += u64::from(of);
            pair.1 += u64::from(of && part);
        };
        count(&mut self.delivered, ending.claimed.is_some(), nothing);
        count(&mut self.failed, ending.disclaimed.is_some(), arrived);
        count(&mut self.arrived, arrived, ending.claimed.is_none());
        let outcome = ending.layers.outcome.seconds.filter(|s| arrived && possible(*s));
        if let (Some(claim), Some(Seconds(lo, hi))) = (ending.claimed.filter(|s| possible(*s)), outcome) {
            count(&mut self.timed, true, claim.1 < lo);
            self.later.push(claim.1 - hi);
        }
    }

    /// `None` where nothing was ever claimed: then the probe has no receipts, as far as records tell.
    pub(super) fn figures(&self) -> Option<ReceiptFigures> {
        if self.delivered.0 == 0 && self.failed.0 == 0 {
            return None;
        }
        let mut rows: BTreeMap<Claim, BTreeMap<Class, u64>> = BTreeMap::new();
        for ((claim, class), runs) in &self.counts {
            rows.entry(*claim).or_default().insert(*class, *runs);
        }
        let share = |(of, part): (u64, u64)| Share::of(part, of);
        Some(ReceiptFigures {
            claims: rows
                .into_iter()
                .map(|(claim, classes)| ClaimRow {
                    claim,
                    runs: classes.values().sum(),
                    classes,
                })
                .collect(),
            false_receipts: share(self.delivered),
            false_failures: share(self.failed),
            unclaimed_arrivals: share(self.arrived),
            claimed_early: share(self.timed),
            later: later(&self.later),
        })
    }
}

fn later(seconds: &[f64]) -> Option<LaterFigures> {
    let mut sorted = seconds.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let runs = sorted.len() as u64;
    // From rank 1; rank 0 and one beyond the last are no limits.
    let at = |rank: u64| {
        let place = usize::try_from(rank.checked_sub(1)?).ok()?;
        sorted.get(place).copied()
    };
    let quantile = |percent: u64| at((runs * percent).div_ceil(100).max(1));
    let limits = quantile_ranks(runs, 0.5, CONFIDENCE).ok()?;
    Some(LaterFigures {
        runs,
        p05: quantile(5)?,
        p50: quantile(50)?,
        p50_lower: at(limits.lower),
        p50_upper: at(limits.upper),
        p95: quantile(95)?,
    })
}
