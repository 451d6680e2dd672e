//! Outcome consistency: the chance that two runs of the same input end the same way.
//!
//! C = Σ n_k (n_k - 1) / (n (n - 1)) over the distinct endings k: the unbiased estimate of Σ p_k² (Simpson 1949). It
//! says nothing about right or wrong: print it next to the share of success, and always with the usual ending, for a
//! route that always loses is perfectly consistent. Never pool the endings of different inputs; see [`pooled`].

use std::collections::HashMap;
use std::hash::Hash;

use serde::Serialize;

use super::error::{exact, some, sum};
use super::shares::{clopper_pearson, wilson_of};
use super::{Bounds, StatError};

/// Runs below which no interval is stated.
pub const FEWEST_RUNS: u64 = 5;

/// How consistently runs of one input end.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Consistency {
    /// Runs counted.
    pub runs: u64,
    /// C, 0 to 1.
    pub score: f64,
    /// Its limits. Show what [`Consistency::shown`] gives.
    pub bounds: Bounds,
    /// The number of independent pairs that would tell as much.
    pub n_eff: f64,
    /// The place of the commonest ending among the counts, the first of equals.
    pub usual: usize,
    /// Its share of all runs.
    pub usual_share: f64,
    /// How many equally common endings it behaves like: 1/C; `None` where no two runs ended alike.
    pub effective_outcomes: Option<f64>,
    /// With rare deviations of one kind, about one run in so many ends differently: 2 / (1 - C); `None` where all agree.
    pub differs_one_in: Option<f64>,
}

/// The consistency of several inputs together.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Pooled {
    /// Runs counted.
    pub runs: u64,
    /// Runs of inputs that had but one run: one run agrees with nothing.
    pub left_out: u64,
    /// The mean of the inputs' C, weighted by their runs.
    pub score: f64,
    /// Its limits; show them from [`FEWEST_RUNS`] on.
    pub bounds: Bounds,
    /// The number of independent pairs that would tell as much.
    pub n_eff: f64,
}

impl Consistency {
    /// The limits to show: none below [`FEWEST_RUNS`], where the word is `not enough runs`.
    #[must_use]
    pub fn shown(&self) -> Option<Bounds> {
        (self.runs >= FEWEST_RUNS).then_some(self.bounds)
    }
}

/// How often each ending occurred, in the order in which they first did.
pub fn counts<T: Eq + Hash>(endings: impl IntoIterator<Item = T>) -> Vec<u64> {
    let mut places: HashMap<T, usize> = HashMap::new();
    let mut counts = Vec::new();
    for ending in endings {
        let next = counts.len();
        let place = *places.entry(ending).or_insert(next);
        if place == next {
            counts.push(0);
        }
        counts[place] += 1;
    }
    counts
}

/// The consistency of the runs of one input, from how often each distinct ending occurred.
///
/// The interval is Wilson's at n_eff = n(n-1)/2 / (1 + 2(n-2) r), r = zeta1/zeta2 from Hoeffding's variance of the
/// U-statistic (1948): zeta1 = Σp³ - (Σp²)², zeta2 = Σp² - (Σp²)², r = 1/2 where all agree. Where the commonest ending
/// has half of the runs or more, the upper limit is at least u² + (1-u)², with u its Clopper-Pearson upper limit.
///
/// # Errors
/// Fewer than two runs, a confidence that is not above 0 and below 1, more than 2^53 runs.
pub fn consistency(counts: &[u64], conf: f64) -> Result<Consistency, StatError> {
    let conf = super::error::open_share("the confidence", conf)?;
    let total = at_least_two(counts)?;
    let n = exact("runs", total)?;
    let score = score(counts, total);
    let n_eff = effective_pairs(counts, n);
    let (usual, most) = commonest(counts);
    let mut bounds = wilson_of(score, n_eff, conf)?;
    if 2 * most >= total {
        let u = clopper_pearson(most, total, conf)?.upper;
        bounds.upper = bounds.upper.max(u * u + (1.0 - u) * (1.0 - u));
    }
    Ok(Consistency {
        runs: total,
        score,
        bounds,
        n_eff,
        usual,
        usual_share: most as f64 / n,
        effective_outcomes: (score > 0.0).then(|| 1.0 / score),
        differs_one_in: (score < 1.0).then(|| 2.0 / (1.0 - score)),
    })
}

/// C alone.
///
/// # Errors
/// Fewer than two runs, more than 2^53 runs.
pub fn score_of(counts: &[u64]) -> Result<f64, StatError> {
    let total = at_least_two(counts)?;
    Ok(score(counts, total))
}

/// The consistency of several inputs: each one's own, weighted by its runs. `inputs` holds for each the counts of its
/// endings.
///
/// n_eff = C(1-C) / Σ w_i² C_i(1-C_i)/n_eff_i; half of the runs where every input agrees with itself.
///
/// # Errors
/// No input with two runs or more, a confidence that is not above 0 and below 1, more than 2^53 runs.
pub fn pooled(inputs: &[&[u64]], conf: f64) -> Result<Pooled, StatError> {
    let all = sum("runs", inputs.iter().flat_map(|counts| counts.iter().copied()))?;
    let found: Vec<Consistency> = inputs
        .iter()
        .filter(|counts| counts.iter().sum::<u64>() >= 2)
        .map(|counts| consistency(counts, conf))
        .collect::<Result<_, _>>()?;
    let runs = sum("runs", found.iter().map(|c| c.runs))?;
    let n = some("inputs with two runs or more", runs)?;
    let score = found
        .iter()
        .map(|c| c.runs as f64 / n * c.score)
        .sum::<f64>()
        .clamp(0.0, 1.0);
    let variance: f64 = found
        .iter()
        .map(|c| (c.runs as f64 / n).powi(2) * c.score * (1.0 - c.score) / c.n_eff)
        .sum();
    let n_eff = if variance > 0.0 {
        score * (1.0 - score) / variance
    } else {
        n / 2.0
    };
    Ok(Pooled {
        runs,
        left_out: all - runs,
        score,
        bounds: wilson_of(score, n_eff, conf)?,
        n_eff,
    })
}

fn at_least_two(counts: &[u64]) -> Result<u64, StatError> {
    let total = sum("runs", counts.iter().copied())?;
    some("runs", total)?;
    if total < 2 {
        return Err(StatError::TooFew {
            what: "runs",
            got: total,
            need: 2,
        });
    }
    Ok(total)
}

/// C as the share of pairs, exact in whole numbers until the last division.
fn score(counts: &[u64], total: u64) -> f64 {
    let pairs = |n: u64| u128::from(n) * u128::from(n.saturating_sub(1));
    let alike: u128 = counts.iter().map(|n| pairs(*n)).sum();
    alike as f64 / pairs(total) as f64
}

fn effective_pairs(counts: &[u64], n: f64) -> f64 {
    let shares = || counts.iter().map(|k| *k as f64 / n);
    let s2: f64 = shares().map(|p| p * p).sum();
    let zeta1: f64 = shares().map(|p| p * (p - s2) * (p - s2)).sum();
    let zeta2 = s2 * shares().map(|p| p * (1.0 - p)).sum::<f64>();
    let r = if zeta2 > 0.0 { zeta1 / zeta2 } else { 0.5 };
    n * (n - 1.0) / 2.0 / (1.0 + 2.0 * (n - 2.0) * r)
}

fn commonest(counts: &[u64]) -> (usize, u64) {
    counts.iter().enumerate().fold(
        (0, 0),
        |best, (place, count)| {
            if *count > best.1 { (place, *count) } else { best }
        },
    )
}
