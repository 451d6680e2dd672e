//! Clumping: failures come in outages, so that a hundred runs can carry the evidence of twenty-four.

use serde::Serialize;

use super::error::exact;
use super::shares::wilson_of;
use super::{Bounds, StatError};

/// The design effect above which an interval is widened.
pub const WIDEN_ABOVE: f64 = 1.5;

/// A share with an interval that knows of clumps.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ClumpedShare {
    /// Good runs over runs.
    pub share: f64,
    /// Wilson's limits; from the effective runs where the design effect is above [`WIDEN_ABOVE`].
    pub bounds: Bounds,
    /// How many times more runs it takes than independent ones would, 1 or more.
    pub design_effect: f64,
    /// Runs over design effect: the number of independent runs that would tell as much.
    pub effective_runs: f64,
    /// Whether the limits were widened.
    pub widened: bool,
}

/// How many times more runs it takes than independent ones would.
///
/// 1 + 2 Σ_{j=1..J} (1 - j/(J+1)) max(rho_j, 0), with J the whole part of the cube root of n and rho_j the lag-j
/// autocorrelation of good and bad (sums divided by n). 1 where all runs are alike. `good` is in the order of time.
/// Bartlett's weights, as in Newey and West 1987.
///
/// # Errors
/// No runs.
pub fn design_effect(good: &[bool]) -> Result<f64, StatError> {
    let n = super::error::some("runs", good.len() as u64)?;
    let all = exact("good runs", good.iter().filter(|g| **g).count() as u64)?;
    let mean = all / n;
    let variance = mean * (1.0 - mean);
    if variance <= 0.0 {
        return Ok(1.0);
    }
    let lags = cube_root(good.len());
    let mut effect = 1.0;
    for lag in 1..=lags {
        let weight = 1.0 - lag as f64 / (lags as f64 + 1.0);
        effect += 2.0 * weight * (autocovariance(good, lag, mean) / variance).max(0.0);
    }
    Ok(effect)
}

/// The share of good runs with an interval widened by the clumps in which bad ones come.
///
/// # Errors
/// No runs, a confidence that is not above 0 and below 1.
pub fn clumped_share(good: &[bool], conf: f64) -> Result<ClumpedShare, StatError> {
    let design_effect = design_effect(good)?;
    let n = good.len() as f64;
    let share = good.iter().filter(|g| **g).count() as f64 / n;
    let widened = design_effect > WIDEN_ABOVE;
    let effective_runs = n / design_effect;
    let bounds = wilson_of(share, if widened { effective_runs } else { n }, conf)?;
    Ok(ClumpedShare {
        share,
        bounds,
        design_effect,
        effective_runs,
        widened,
    })
}

/// Σ (x_t - mean)(x_{t+lag} - mean) / n, from counts: exact however many runs.
fn autocovariance(good: &[bool], lag: usize, mean: f64) -> f64 {
    let kept = good.len() - lag;
    let (early, late) = (&good[..kept], &good[lag..]);
    let both = early.iter().zip(late).filter(|(a, b)| **a && **b).count() as f64;
    let first = early.iter().filter(|g| **g).count() as f64;
    let second = late.iter().filter(|g| **g).count() as f64;
    (both - mean * (first + second) + mean * mean * kept as f64) / good.len() as f64
}

/// The largest whole number whose cube is at most n.
fn cube_root(n: usize) -> usize {
    let mut root = (n as f64).cbrt().round() as usize;
    while root * root * root > n {
        root -= 1;
    }
    root
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_outage_widens_and_spread_failures_do_not() {
        let outage: Vec<bool> = (0..100).map(|i| !(40..50).contains(&i)).collect();
        let found = clumped_share(&outage, 0.95).unwrap();
        assert!((found.design_effect - 4.102_222_222_222_222).abs() < 1e-9);
        assert!((found.bounds.lower - 0.722).abs() < 5e-4 && (found.bounds.upper - 0.969).abs() < 5e-4);
        let spread: Vec<bool> = (0..100).map(|i| i % 10 != 3).collect();
        let found = clumped_share(&spread, 0.95).unwrap();
        assert!(!found.widened && found.effective_runs > 99.9);
    }

    #[test]
    fn what_is_all_alike_does_not_clump() {
        assert_eq!(design_effect(&[true; 7]), Ok(1.0));
        assert_eq!(design_effect(&[false]), Ok(1.0));
        assert!(design_effect(&[]).is_err());
        assert_eq!(cube_root(999), 9);
        assert_eq!(cube_root(1000), 10);
    }
}
