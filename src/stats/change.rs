//! When it started: the one point in time at which the rate of bad runs changed most.

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use super::StatError;
use super::attribution::monte_carlo_p;
use super::error::some;

/// The fewest runs on either side of a change.
pub const LEAST_SEGMENT: usize = 5;
/// Shuffles from which the p of a change is told where nothing else is said.
pub const SHUFFLES: u64 = 999;

/// The best cut of a sequence of runs in two.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ChangePoint {
    /// The runs before the change.
    pub cut: u64,
    /// 2 (l1 + l2 - l0), the log-likelihoods of both parts against that of one: 0 where nothing changes.
    pub statistic: f64,
    /// Bad runs before it.
    pub bad_before: u64,
    /// Bad runs after it.
    pub bad_after: u64,
    /// Runs in all.
    pub runs: u64,
}

/// A change with the chance of one so clear in a shuffled order.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct TestedChange {
    /// The change.
    pub change: ChangePoint,
    /// (shuffles with a statistic as large + 1) / (shuffles + 1).
    pub p: f64,
    /// How many shuffles.
    pub shuffles: u64,
    /// What they were drawn from (ChaCha8).
    pub seed: u64,
}

/// The cut that parts good and bad best, with at least `least` runs on either side; the first of equals. `bad` is in the
/// order of time.
///
/// # Errors
/// Fewer runs than two segments take, a least segment of 0.
pub fn change_point(bad: &[bool], least: usize) -> Result<ChangePoint, StatError> {
    let scan = Scan::new(bad.len(), least)?;
    let places: Vec<usize> = (0..bad.len()).filter(|place| bad[*place]).collect();
    let (cut, statistic) = scan.best(&places);
    let bad_before = places.partition_point(|place| *place < cut) as u64;
    Ok(ChangePoint {
        cut: cut as u64,
        statistic,
        bad_before,
        bad_after: places.len() as u64 - bad_before,
        runs: bad.len() as u64,
    })
}

/// The same with its p, by shuffling the order `shuffles` times.
///
/// # Errors
/// As [`change_point`]; no shuffles.
pub fn tested_change(
    bad: &[bool],
    least: usize,
    shuffles: u64,
    seed: u64,
) -> Result<TestedChange, StatError> {
    some("shuffles", shuffles)?;
    let change = change_point(bad, least)?;
    let scan = Scan::new(bad.len(), least)?;
    let all = bad.iter().filter(|b| **b).count();
    // A sequence and its opposite have the same statistics: shuffle whichever is rarer.
    let rare = all.min(bad.len() - all);
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut order: Vec<usize> = (0..bad.len()).collect();
    let mut places = vec![0; rare];
    let mut hits = 0;
    for _ in 0..shuffles {
        for place in 0..rare {
            let other = random.random_range(place..order.len());
            order.swap(place, other);
        }
        places.copy_from_slice(&order[..rare]);
        places.sort_unstable();
        if scan.best(&places).1 >= change.statistic - 1e-9 {
            hits += 1;
        }
    }
    Ok(TestedChange {
        change,
        p: monte_carlo_p(hits, shuffles)?,
        shuffles,
        seed,
    })
}

/// What the search for a cut needs to know of a length: n ln n for each n.
struct Scan {
    n: usize,
    least: usize,
    entropies: Vec<f64>,
}

impl Scan {
    fn new(n: usize, least: usize) -> Result<Self, StatError> {
        some("runs of a segment", least as u64)?;
        if n < 2 * least {
            return Err(StatError::TooFew {
                what: "runs",
                got: n as u64,
                need: 2 * least as u64,
            });
        }
        let entropies = (0..=n).map(|k| if k == 0 { 0.0 } else { k as f64 * (k as f64).ln() });
        Ok(Self {
            n,
            least,
            entropies: entropies.collect(),
        })
    }

    /// The best cut for bad runs at these places, ascending. Within a stretch of equal runs the statistic is convex in
    /// the cut, so only the stretches' ends need be looked at.
    fn best(&self, places: &[usize]) -> (usize, f64) {
        let (first, last) = (self.least, self.n - self.least);
        let mut best = (first, f64::NEG_INFINITY);
        let mut look = |cut: usize, before: usize| {
            if (first..=last).contains(&cut) {
                let statistic = self.statistic(cut, before, places.len());
                // Equal but for the last digits is equal: the earlier cut stands.
                if statistic > best.1 + 1e-12 {
                    best = (cut, statistic);
                }
            }
        };
        let first_before = places.partition_point(|place| *place < first);
        let last_before = places.partition_point(|place| *place < last);
        look(first, first_before);
        for (before, place) in places.iter().enumerate() {
            look(*place, before);
            look(*place + 1, before + 1);
        }
        look(last, last_before);
        (best.0, best.1.max(0.0))
    }

    fn statistic(&self, cut: usize, before: usize, all: usize) -> f64 {
        let likelihood =
            |bad: usize, n: usize| self.entropies[bad] + self.entropies[n - bad] - self.entropies[n];
        let parts = likelihood(before, cut) + likelihood(all - before, self.n - cut);
        2.0 * (parts - likelihood(all, self.n))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_ends_of_stretches_matter() {
        let mut random = ChaCha8Rng::seed_from_u64(11);
        for _ in 0..200 {
            let bad: Vec<bool> = (0..40).map(|_| random.random_bool(0.3)).collect();
            let scan = Scan::new(40, 5).unwrap();
            let all = bad.iter().filter(|b| **b).count();
            let every =
                (5..=35).map(|cut| scan.statistic(cut, bad[..cut].iter().filter(|b| **b).count(), all));
            let most = every.fold(0.0, f64::max);
            assert!((change_point(&bad, 5).unwrap().statistic - most).abs() < 1e-9);
        }
    }

    #[test]
    fn a_change_is_told_from_none() {
        let changed: Vec<bool> = (0..100).map(|i| i >= 60 && i % 2 == 0).collect();
        let found = tested_change(&changed, 5, 999, 1).unwrap();
        assert!(
            found.p <= 0.01 && (58..=62).contains(&found.change.cut),
            "{found:?}"
        );
        let even: Vec<bool> = (0..100).map(|i| i % 5 == 0).collect();
        assert!(tested_change(&even, 5, 999, 1).unwrap().p > 0.5);
        assert!(change_point(&[true; 9], 5).is_err() && change_point(&[true; 9], 0).is_err());
        assert_eq!(change_point(&[true; 12], 5).unwrap().statistic, 0.0);
    }
}
