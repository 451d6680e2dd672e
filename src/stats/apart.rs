//! Words on two sets of runs that were not paired: one look, and time is confounded with whatever else changed.

use super::error::{open_share, some};
use super::shares::{Difference, wilson_of};
use super::special::{bisect, first_count, two_sided_z};
use super::verdict::{FARTHEST, Word};
use super::{Bounds, StatError};

/// The word of an interval [lo, hi] of how much better the second is: lo > 0 is better; hi < 0 is worse, within the margin
/// if lo > -margin; else lo > -margin is no difference; else not enough.
///
/// # Errors
/// A margin that is not above 0 and below 1.
pub fn word_of(bounds: Bounds, margin: f64) -> Result<Word, StatError> {
    let margin = open_share("the margin", margin)?;
    Ok(if bounds.lower > 0.0 {
        Word::Better
    } else if bounds.upper < 0.0 {
        if bounds.lower > -margin {
            Word::WorseWithinMargin
        } else {
            Word::Worse
        }
    } else if bounds.lower > -margin {
        Word::NoDifference
    } else {
        Word::NotEnough
    })
}

/// The share of good runs of the second less that of the first, with Newcombe's hybrid score limits (1998, method 10).
/// Each is a share and the runs that it rests on, which need not be whole.
///
/// # Errors
/// A share that is not from 0 to 1, no runs, a confidence that is not above 0 and below 1.
pub fn shares(first: (f64, f64), second: (f64, f64), conf: f64) -> Result<Difference, StatError> {
    let (a, b) = (
        wilson_of(first.0, first.1, conf)?,
        wilson_of(second.0, second.1, conf)?,
    );
    let estimate = second.0 - first.0;
    Ok(Difference {
        estimate,
        bounds: Bounds {
            lower: (estimate - (second.0 - b.lower).hypot(a.upper - first.0)).max(-1.0),
            upper: (estimate + (b.upper - second.0).hypot(first.0 - a.lower)).min(1.0),
        },
    })
}

/// The net share of pairs of runs, one of each sample, in which the second does better, with limits. `better` and `worse`:
/// the shares of pairs in which it does; `n` and `m` the runs of each, which need not be whole.
///
/// With theta = (1 + net)/2 and N = (n + m)/2 - 1 the limits of theta solve |theta^ - theta| = z sqrt(V(theta)),
/// V = theta(1-theta) (1 + N ((1-theta)/(2-theta) + theta/(1+theta))) / (nm): Hanley and McNeil's variance (1982) in the
/// form of Newcombe's method 5 (2006). Ties count half, which makes the limits wider than they need be.
///
/// # Errors
/// A share of pairs that is not from 0 to 1, no runs, a confidence that is not above 0 and below 1.
pub fn net_share(better: f64, worse: f64, n: f64, m: f64, conf: f64) -> Result<Difference, StatError> {
    let z = two_sided_z(open_share("the confidence", conf)?);
    let better = super::error::share("the share of pairs that are better", better)?;
    let worse = super::error::share("the share of pairs that are worse", worse)?;
    let (n, m) = (
        super::error::positive("the runs of the first sample", n)?,
        super::error::positive("the runs of the second sample", m)?,
    );
    let net = (better - worse).clamp(-1.0, 1.0);
    let theta = f64::midpoint(1.0, net);
    let extra = (f64::midpoint(n, m) - 1.0).max(0.0);
    let variance = |t: f64| {
        let spread = 1.0 + extra * ((1.0 - t) / (2.0 - t) + t / (1.0 + t));
        t * (1.0 - t) * spread / (n * m)
    };
    let inside = |t: f64| (theta - t).abs() <= z * variance(t).sqrt();
    let lower = if theta > 0.0 {
        bisect(0.0, theta, inside)
    } else {
        0.0
    };
    let upper = if theta < 1.0 {
        1.0 - bisect(0.0, 1.0 - theta, |t| inside(1.0 - t))
    } else {
        1.0
    };
    Ok(Difference {
        estimate: net,
        bounds: Bounds {
            lower: 2.0 * lower - 1.0,
            upper: 2.0 * upper - 1.0,
        },
    })
}

/// About how many runs of each sample more, at the rates seen, lead to another word than `not enough runs`; `None` where
/// [`FARTHEST`] would not do. `limits` gives the interval when both samples have grown by a factor.
///
/// # Errors
/// Samples without runs.
pub fn more_runs(
    runs: u64,
    margin: f64,
    limits: impl Fn(f64) -> Result<Bounds, StatError>,
) -> Result<Option<u64>, StatError> {
    let n = some("runs", runs)?;
    #[expect(clippy::cast_precision_loss, reason = "bounded by FARTHEST")]
    let resolved = |more: u64| {
        let bounds = limits(1.0 + more as f64 / n);
        bounds
            .and_then(|bounds| word_of(bounds, margin))
            .is_ok_and(|word| word != Word::NotEnough)
    };
    if resolved(0) {
        return Ok(Some(0));
    }
    let mut bound = 1;
    while bound < FARTHEST && !resolved(bound) {
        bound *= 2;
    }
    Ok(first_count(bound / 2 + 1, bound, resolved))
}

#[cfg(test)]
mod tests {
    use rand::{Rng as _, SeedableRng as _};
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::stats::shares::newcombe;

    #[test]
    fn shares_are_newcombes() {
        // Newcombe 1998, Table II: 56/70 - 48/80.
        let found = shares((0.6, 80.0), (0.8, 70.0), 0.95).unwrap();
        let known = newcombe(56, 70, 48, 80, 0.95).unwrap();
        assert!((found.estimate - known.estimate).abs() < 1e-12);
        assert!((found.bounds.lower - known.bounds.lower).abs() < 1e-12);
        assert!((found.bounds.upper - known.bounds.upper).abs() < 1e-12);
    }

    #[test]
    fn swapping_the_samples_turns_the_limits_round() {
        for (better, worse, n, m) in [
            (0.3, 0.1, 20.0, 30.0),
            (0.0, 0.0, 5.0, 5.0),
            (1.0, 0.0, 8.0, 9.0),
            (0.0, 1.0, 1.0, 1.0),
        ] {
            let there = net_share(better, worse, n, m, 0.95).unwrap();
            let back = net_share(worse, better, m, n, 0.95).unwrap();
            assert!((there.bounds.lower + back.bounds.upper).abs() < 1e-9);
            assert!(there.bounds.lower <= there.estimate && there.estimate <= there.bounds.upper);
        }
    }

    #[test]
    fn the_limits_cover() {
        let mut random = ChaCha8Rng::seed_from_u64(3);
        for (n, shift) in [(20, 0.0), (20, 0.3), (60, 0.1)] {
            // Uniform on [0, 1] and on [shift, 1 + shift]: the second is later in all but (1-shift)²/2 of the pairs.
            let sooner = (1.0 - shift) * (1.0 - shift) / 2.0;
            let truth: f64 = 2.0 * sooner - 1.0;
            let mut covered = 0;
            for _ in 0..400 {
                let a: Vec<f64> = (0..n).map(|_| random.random()).collect();
                let b: Vec<f64> = (0..n).map(|_| shift + random.random::<f64>()).collect();
                let wins = a
                    .iter()
                    .flat_map(|a| b.iter().map(move |b| b < a))
                    .filter(|won| *won)
                    .count();
                let share = wins as f64 / f64::from(n * n);
                let found = net_share(share, 1.0 - share, n.into(), n.into(), 0.95).unwrap();
                covered += u32::from(found.bounds.contains(truth));
            }
            assert!((360..=400).contains(&covered), "{n} {shift}: {covered} of 400");
        }
    }

    #[test]
    fn more_runs_are_the_fewest_that_make_a_word() {
        let limits = |grown: f64| Ok(shares((1.0, 10.0 * grown), (1.0, 10.0 * grown), 0.95)?.bounds);
        let more = more_runs(10, 0.05, limits).unwrap().unwrap();
        let word = |more: u64| word_of(limits(1.0 + more as f64 / 10.0).unwrap(), 0.05).unwrap();
        assert_eq!(
            (word(more - 1), word(more)),
            (Word::NotEnough, Word::NoDifference)
        );
    }
}
