//! Limits that hold at every look, however often and whenever one looks: the betting mixture.
//!
//! For numbers x from 0 to 1 and the claim "their mean is at most m", bet fractions c_j against it and average the
//! fortunes: W(m) = (1/64) Σ_j Π_i (1 + c_j (x_i/m - 1)), c_j = sin²(π (j - 1/2)/128). If the claim is true, W is a
//! non-negative supermartingale that starts at 1, so it ever reaches 1/alpha with probability at most alpha (Ville
//! 1939). The fractions are the arcsine law's Gauss-Chebyshev points. After Waudby-Smith and Ramdas 2024; the guarantee
//! runs from a declared start, and a rolling window has none.

use std::f64::consts::PI;
use std::sync::LazyLock;

use super::error::{exact, of, open_share, share};
use super::special::bisect;
use super::{Bounds, StatError};

/// How many fractions are bet at once.
pub const BETS: usize = 64;

static FRACTIONS: LazyLock<[f64; BETS]> = LazyLock::new(bets);

/// A value from 0 to 1 and how often it occurred.
pub type Tally = (f64, u64);

/// The fractions that are bet, ascending, each above 0 and below 1.
#[must_use]
pub fn bets() -> [f64; BETS] {
    std::array::from_fn(|j| (PI * (j as f64 + 0.5) / (2 * BETS) as f64).sin().powi(2))
}

/// ln W: the logarithm of the mean fortune after betting against "the mean is at most `null_mean`". The order of the
/// values does not matter.
///
/// # Errors
/// A value that is not from 0 to 1, a mean that is not above 0 and at most 1, a count above 2^53.
pub fn log_wealth(tally: &[Tally], null_mean: f64) -> Result<f64, StatError> {
    if !(null_mean > 0.0 && null_mean <= 1.0) {
        return Err(StatError::Domain {
            what: "the claimed mean",
            value: null_mean,
            expected: "above 0 and at most 1",
        });
    }
    Ok(ln_wealth(&checked(tally)?, null_mean))
}

/// The lower limit of the mean that holds at every look: the largest m with W(m) of 1/(1-conf) or more, 0 where there is
/// none. One-sided.
///
/// # Errors
/// A value that is not from 0 to 1, a confidence that is not above 0 and below 1, a count above 2^53.
pub fn floor(tally: &[Tally], conf: f64) -> Result<f64, StatError> {
    let conf = open_share("the confidence", conf)?;
    Ok(lower_limit(&checked(tally)?, 1.0 - conf))
}

/// The share of good runs that may be claimed at any look: "at least this, conf sure". One-sided.
///
/// # Errors
/// No runs, more good runs than runs, a confidence that is not above 0 and below 1.
pub fn floor_of_share(k: u64, n: u64, conf: f64) -> Result<f64, StatError> {
    of("good runs", k, "runs", n)?;
    floor(&[(1.0, k), (0.0, n - k)], conf)
}

/// Both limits of the mean that hold at every look, half of what is left of `conf` on each side. 0 to 1 where nothing
/// has occurred yet.
///
/// # Errors
/// As [`floor`].
pub fn limits(tally: &[Tally], conf: f64) -> Result<Bounds, StatError> {
    let alpha = (1.0 - open_share("the confidence", conf)?) / 2.0;
    Ok(limits_of(&checked(tally)?, alpha))
}

/// The limits of a share of good runs that hold at every look.
///
/// # Errors
/// No runs, more good runs than runs, a confidence that is not above 0 and below 1.
pub fn limits_of_share(k: u64, n: u64, conf: f64) -> Result<Bounds, StatError> {
    of("good runs", k, "runs", n)?;
    limits(&[(1.0, k), (0.0, n - k)], conf)
}

/// The limits, valid at every look, of the net share of ticks that are better: -1 to 1. With x = (D + 1)/2; against "no
/// difference" the ties drop out, and this is a sequential McNemar test.
///
/// # Errors
/// A confidence that is not above 0 and below 1, a count above 2^53.
pub fn limits_of_difference(better: u64, same: u64, worse: u64, conf: f64) -> Result<Bounds, StatError> {
    let alpha = (1.0 - open_share("the confidence", conf)?) / 2.0;
    let counts = [
        exact("better ticks", better)?,
        exact("same ticks", same)?,
        exact("worse ticks", worse)?,
    ];
    Ok(difference_of(counts, alpha))
}

/// The same from counts that need not be whole, with alpha on each side.
pub(super) fn difference_of([better, same, worse]: [f64; 3], alpha: f64) -> Bounds {
    let bounds = limits_of(&[(1.0, better), (0.5, same), (0.0, worse)], alpha);
    Bounds {
        lower: 2.0 * bounds.lower - 1.0,
        upper: 2.0 * bounds.upper - 1.0,
    }
}

/// Whether the net share of better ticks is shown to be above `d`, with alpha spent: W((1 + d)/2) above 1/alpha. The same
/// as a lower limit above `d`, for a fraction of its cost.
pub(super) fn shows_above([better, same, worse]: [f64; 3], d: f64, alpha: f64) -> bool {
    let tally = [(1.0, better), (0.5, same), (0.0, worse)];
    ln_wealth(&tally, f64::midpoint(1.0, d)) > -alpha.ln()
}

fn checked(tally: &[Tally]) -> Result<Vec<(f64, f64)>, StatError> {
    let each = tally
        .iter()
        .map(|(value, count)| Ok((share("a value", *value)?, exact("runs", *count)?)));
    each.collect()
}

fn limits_of(tally: &[(f64, f64)], alpha: f64) -> Bounds {
    let mirrored: Vec<(f64, f64)> = tally.iter().map(|(value, count)| (1.0 - value, *count)).collect();
    Bounds {
        lower: lower_limit(tally, alpha),
        upper: 1.0 - lower_limit(&mirrored, alpha),
    }
}

fn lower_limit(tally: &[(f64, f64)], alpha: f64) -> f64 {
    if !tally.iter().any(|(value, count)| *value > 0.0 && *count > 0.0) {
        return 0.0;
    }
    let enough = -alpha.ln();
    bisect(0.0, 1.0, |mean| ln_wealth(tally, mean) < enough)
}

fn ln_wealth(tally: &[(f64, f64)], null_mean: f64) -> f64 {
    let fortunes = FRACTIONS.map(|bet| {
        let gains = tally.iter().filter(|(_, count)| *count > 0.0);
        gains
            .map(|(value, count)| count * (bet * (value / null_mean - 1.0)).ln_1p())
            .sum::<f64>()
    });
    let most = fortunes.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if most.is_infinite() {
        return most;
    }
    let mean = fortunes.iter().map(|f| (f - most).exp()).sum::<f64>() / BETS as f64;
    most + mean.ln()
}
