//! Two routes at the same ticks, looked at once: Tango's interval and McNemar's test.

use serde::Serialize;

use super::error::{exact, of, open_share, sum};
use super::shares::Difference;
use super::special::{binomial_at_most, binomial_weight, bisect, two_sided_z};
use super::{Bounds, StatError};

/// The p-values of McNemar's test of two sides.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct McNemar {
    /// The exact one.
    pub exact: f64,
    /// The mid-p: the exact one less P(X = min(better, worse)). The recommended one (Fagerland et al. 2013).
    pub mid_p: f64,
}

/// The net share of ticks that are better, with Tango's score interval (1998), made for paired proportions.
///
/// For a candidate d: A = 2n, B = -b - c + (2n - b + c) d, C = -c d (1-d), q = (sqrt(B² - 4AC) - B)/(2A),
/// Z(d) = (b - c - n d)/sqrt(n (2q + d (1-d))); the limits solve Z = ±z. With no better and no worse tick ±z²/(n + z²).
///
/// # Errors
/// No ticks, more better and worse ticks than ticks, a confidence that is not above 0 and below 1.
pub fn tango(better: u64, worse: u64, n: u64, conf: f64) -> Result<Difference, StatError> {
    let discordant = sum("better and worse ticks", [better, worse])?;
    let (_, n) = of("better and worse ticks", discordant, "ticks", n)?;
    let z = two_sided_z(open_share("the confidence", conf)?);
    let (b, c) = (exact("better ticks", better)?, exact("worse ticks", worse)?);
    Ok(Difference {
        estimate: (b - c) / n,
        bounds: tango_of(b, c, n, z),
    })
}

/// The limits alone, from counts that need not be whole.
pub(super) fn tango_of(b: f64, c: f64, n: f64, z: f64) -> Bounds {
    if b == 0.0 && c == 0.0 {
        let half = z * z / (n + z * z);
        return Bounds {
            lower: -half,
            upper: half,
        };
    }
    // The upper limit is the lower one seen with the routes swapped.
    Bounds {
        lower: lower_limit(b, c, n, z),
        upper: -lower_limit(c, b, n, z),
    }
}

fn lower_limit(b: f64, c: f64, n: f64, z: f64) -> f64 {
    if c >= n {
        return -1.0;
    }
    bisect(-1.0, (b - c) / n, |d| score(b, c, n, d) < z)
}

/// Tango's Z at a candidate difference d.
fn score(b: f64, c: f64, n: f64, d: f64) -> f64 {
    let half = (-b - c + (2.0 * n - b + c) * d) / 2.0;
    let last = -c * d * (1.0 - d);
    let root = (half * half - 2.0 * n * last).max(0.0).sqrt();
    // Of the two ways to write the root, the one that subtracts nothing alike.
    let q = if half > 0.0 {
        -last / (root + half)
    } else {
        (root - half) / (2.0 * n)
    };
    let above = b - c - n * d;
    let variance = n * (2.0 * q + d * (1.0 - d));
    if variance > 0.0 {
        above / variance.sqrt()
    } else if above > 0.0 {
        f64::INFINITY
    } else if above < 0.0 {
        f64::NEG_INFINITY
    } else {
        0.0
    }
}

/// McNemar's test on ticks that were better and worse: exact, two sides, min(1, 2 P(X <= min(b, c))) with X binomial of
/// b + c tries at 1/2; and its mid-p. Both are 1 without such a tick.
///
/// # Errors
/// More than 2^53 ticks.
pub fn mcnemar(better: u64, worse: u64) -> Result<McNemar, StatError> {
    sum("better and worse ticks", [better, worse])?;
    Ok(mcnemar_of(better as f64, worse as f64))
}

/// The same from counts that need not be whole.
pub(super) fn mcnemar_of(better: f64, worse: f64) -> McNemar {
    let (least, n) = (better.min(worse), better + worse);
    if n <= 0.0 {
        return McNemar {
            exact: 1.0,
            mid_p: 1.0,
        };
    }
    let both = 2.0 * binomial_at_most(least, n, 0.5, 0.5);
    McNemar {
        exact: both.min(1.0),
        mid_p: (both - binomial_weight(least, n, 0.5, 0.5)).clamp(0.0, 1.0),
    }
}
