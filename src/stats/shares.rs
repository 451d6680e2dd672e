//! Shares: what to show, what to claim, and the difference of two that were not paired.

use serde::Serialize;

use super::error::{of, open_share, positive};
use super::special::{beta_quantile, two_sided_z};
use super::{Bounds, StatError};

/// The difference of two shares that were not paired, with its limits.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// The first share less the second, -1 to 1.
    pub estimate: f64,
    /// Its limits.
    pub bounds: Bounds,
}

/// `k` of `n` as a share, or `None` where there is nothing to be a share of: never 0 % or 100 % of nothing.
#[must_use]
pub fn share(k: u64, n: u64) -> Option<f64> {
    of("good runs", k, "runs", n).ok().map(|(k, n)| k / n)
}

/// Wilson's score interval of a share: the interval to *show*.
///
/// Centre (p + z²/2n) / (1 + z²/n), half-width z/(1 + z²/n) · sqrt(p(1-p)/n + z²/4n²), with p = k/n; exactly 0 and 1 at
/// k = 0 and k = n. E. B. Wilson 1927, as recommended by Newcombe 1998. Without a run the share may be anything: 0 to 1.
///
/// # Errors
/// More good runs than runs, a confidence that is not above 0 and below 1.
pub fn wilson(k: u64, n: u64, conf: f64) -> Result<Bounds, StatError> {
    if k == 0 && n == 0 {
        return anything(conf);
    }
    let (good, runs) = of("good runs", k, "runs", n)?;
    wilson_of(good / runs, runs, conf)
}

/// Wilson's interval of a share `p` that rests on `n` runs' worth of evidence, where n need not be whole.
///
/// # Errors
/// A share that is not from 0 to 1, an `n` that is not finite and above 0, a confidence that is not above 0 and below 1.
pub fn wilson_of(p: f64, n: f64, conf: f64) -> Result<Bounds, StatError> {
    let p = super::error::share("the share", p)?;
    let n = positive("the number of runs", n)?;
    let z = two_sided_z(open_share("the confidence", conf)?);
    let (q, z2) = (1.0 - p, z * z);
    // The limits are the roots of x²(n + z²) - x(2np + z²) + np² = 0. The smaller root is taken as the product of both
    // over the larger, and the upper limit as one less the lower of what is left: no digits are lost near 0 and 1.
    let lower_of = |p: f64, q: f64| {
        let root = z * (z2 + 4.0 * n * p * q).sqrt();
        2.0 * n * p * p / (2.0 * n * p + z2 + root)
    };
    let lower = if p <= 0.0 { 0.0 } else { lower_of(p, q) };
    let upper = if q <= 0.0 { 1.0 } else { 1.0 - lower_of(q, p) };
    Ok(Bounds { lower, upper })
}

/// The exact interval of a share, by C. J. Clopper and E. S. Pearson 1934: it covers at least as often as `conf` says.
///
/// Lower limit: the (1-conf)/2 quantile of Beta(k, n-k+1); upper: the 1-(1-conf)/2 quantile of Beta(k+1, n-k); exactly
/// 0 and 1 at k = 0 and k = n, 0 to 1 without a run.
///
/// # Errors
/// As [`wilson`].
pub fn clopper_pearson(k: u64, n: u64, conf: f64) -> Result<Bounds, StatError> {
    if k == 0 && n == 0 {
        return anything(conf);
    }
    let (good, runs) = of("good runs", k, "runs", n)?;
    let tail = (1.0 - open_share("the confidence", conf)?) / 2.0;
    let lower_of = |k: f64| {
        if k <= 0.0 {
            0.0
        } else {
            beta_quantile(tail, k, runs - k + 1.0)
        }
    };
    Ok(Bounds {
        lower: lower_of(good),
        upper: 1.0 - lower_of(runs - good),
    })
}

/// The floor to *claim*: "at least this share, conf sure". One-sided and exact.
///
/// The (1-conf) quantile of Beta(k, n-k+1); with all good it is (1-conf)^(1/n), with none 0. Clopper and Pearson 1934.
///
/// # Errors
/// No runs, more good runs than runs, a confidence that is not above 0 and below 1.
pub fn exact_floor(k: u64, n: u64, conf: f64) -> Result<f64, StatError> {
    let (good, runs) = of("good runs", k, "runs", n)?;
    let tail = 1.0 - open_share("the confidence", conf)?;
    if k == 0 {
        return Ok(0.0);
    }
    Ok(beta_quantile(tail, good, runs - good + 1.0))
}

/// How many runs, all good, it takes to claim at least `target`: the smallest n with (1-conf)^(1/n) >= target.
///
/// # Errors
/// A target or a confidence that is not above 0 and below 1; a target so near to 1 that more than 2^53 runs would be
/// needed.
pub fn runs_for_floor(target: f64, conf: f64) -> Result<u64, StatError> {
    let target = open_share("the share to claim", target)?;
    let tail = 1.0 - open_share("the confidence", conf)?;
    // Where the quotient is a whole number but for its last digits, it is that number.
    let runs = (tail.ln() / target.ln() - 1e-9).ceil().max(1.0);
    super::error::count_of("runs", runs)
}

/// The difference of two shares, k1/n1 less k2/n2, that were measured apart: say "not paired: time is confounded with
/// the change".
///
/// Newcombe's hybrid score interval (1998, method 10): d - sqrt((p1-l1)² + (u2-p2)²) to d + sqrt((u1-p1)² + (p2-l2)²),
/// with the Wilson limits l, u of each.
///
/// # Errors
/// A sample without runs, more good runs than runs, a confidence that is not above 0 and below 1.
pub fn newcombe(k1: u64, n1: u64, k2: u64, n2: u64, conf: f64) -> Result<Difference, StatError> {
    let ((a, an), (b, bn)) = (of("good runs", k1, "runs", n1)?, of("good runs", k2, "runs", n2)?);
    let (first, second) = (wilson(k1, n1, conf)?, wilson(k2, n2, conf)?);
    let (p1, p2) = (a / an, b / bn);
    let estimate = p1 - p2;
    Ok(Difference {
        estimate,
        bounds: Bounds {
            lower: (estimate - (p1 - first.lower).hypot(second.upper - p2)).max(-1.0),
            upper: (estimate + (first.upper - p1).hypot(p2 - second.lower)).min(1.0),
        },
    })
}

/// What is known of a share without a run.
fn anything(conf: f64) -> Result<Bounds, StatError> {
    open_share("the confidence", conf)?;
    Ok(Bounds {
        lower: 0.0,
        upper: 1.0,
    })
}
