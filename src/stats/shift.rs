//! How much later: Hodges-Lehmann shifts with exact limits, and the net share of wins of samples that were not paired.
//!
//! A shift describes ticks where both arrived; a route that loses its slow runs looks faster. Verdicts rest on
//! [`ticks`](super::ticks), where a lost run loses; print beside a shift how many ticks it leaves out.

use serde::Serialize;

use super::error::{durations_of, open_share, some};
use super::special::two_sided_z;
use super::{Bounds, StatError};

/// Differences up to which the signed-rank limits are exact; above, the normal approximation is as good.
const EXACT_PAIRS: usize = 200;
/// Runs of either sample up to which the rank-sum limits are exact; above, the normal approximation is as good.
const EXACT_RUNS: usize = 50;

/// A shift in seconds with its limits.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Shift {
    /// The shift, in seconds.
    pub estimate: f64,
    /// The lower limit; `None` is not bounded by this data.
    pub lower: Option<f64>,
    /// The upper limit; `None` is not bounded by this data.
    pub upper: Option<f64>,
}

impl Shift {
    /// The limits as numbers, infinite where there are none.
    #[must_use]
    pub fn bounds(&self) -> Bounds {
        Bounds {
            lower: self.lower.unwrap_or(f64::NEG_INFINITY),
            upper: self.upper.unwrap_or(f64::INFINITY),
        }
    }
}

/// The median of the averages of all pairs of differences, each with itself too (Walsh averages), with the limits of the
/// signed-rank test; unbounded below 6 differences at 95 %. Hodges and Lehmann 1963. Takes n log n, however many.
///
/// # Errors
/// No differences, one that is infinite or not a number, a confidence that is not above 0 and below 1.
pub fn paired(differences: &[f64], conf: f64) -> Result<Shift, StatError> {
    let tail = (1.0 - open_share("the confidence", conf)?) / 2.0;
    some("differences", differences.len() as u64)?;
    let sorted = sorted("difference", differences)?;
    let n = sorted.len() as u64;
    let below = |x: f64| {
        // For each, how many from itself on make an average of at most x. As the first grows, fewer do.
        let mut end = sorted.len();
        let mut count = 0;
        for (place, first) in sorted.iter().enumerate() {
            while end > place && f64::midpoint(*first, sorted[end - 1]) > x {
                end -= 1;
            }
            if end <= place {
                break;
            }
            count += (end - place) as u64;
        }
        count
    };
    let span = [sorted[0], sorted[sorted.len() - 1]];
    Ok(shift(
        n * (n + 1) / 2,
        signed_rank(sorted.len(), tail, conf),
        span,
        below,
    ))
}

/// The median of all differences first - second, with the limits of the rank-sum test. Hodges and Lehmann 1963.
///
/// # Errors
/// A sample without values, a value that is infinite or not a number, a confidence that is not above 0 and below 1.
pub fn unpaired(first: &[f64], second: &[f64], conf: f64) -> Result<Shift, StatError> {
    let tail = (1.0 - open_share("the confidence", conf)?) / 2.0;
    some("values of the first sample", first.len() as u64)?;
    some("values of the second sample", second.len() as u64)?;
    let (x, y) = (
        sorted("value of the first sample", first)?,
        sorted("value of the second sample", second)?,
    );
    let below = |limit: f64| {
        let mut end = 0;
        let mut count = 0;
        // As the second grows, more of the first lie within.
        for b in &y {
            while end < x.len() && x[end] - b <= limit {
                end += 1;
            }
            count += end as u64;
        }
        count
    };
    let span = [x[0] - y[y.len() - 1], x[x.len() - 1] - y[0]];
    let pairs = x.len() as u64 * y.len() as u64;
    Ok(shift(pairs, rank_sum(x.len(), y.len(), tail, conf), span, below))
}

/// The net share of pairs, one run of each sample, in which the second arrived sooner: Cliff's delta with a run that
/// never arrived (`None`) later than any other. -1 to 1; seconds.
///
/// # Errors
/// A sample without runs, a latency that is negative, infinite or not a number.
pub fn net_win(first: &[Option<f64>], second: &[Option<f64>]) -> Result<f64, StatError> {
    let n = some("runs of the first sample", first.len() as u64)?;
    let m = some("runs of the second sample", second.len() as u64)?;
    durations_of("latency of the first sample", first.iter().flatten().copied())?;
    durations_of("latency of the second sample", second.iter().flatten().copied())?;
    let mut other: Vec<f64> = second.iter().map(|wait| wait.unwrap_or(f64::INFINITY)).collect();
    other.sort_unstable_by(f64::total_cmp);
    let mut net = 0_i128;
    for wait in first.iter().map(|wait| wait.unwrap_or(f64::INFINITY)) {
        let sooner = other.partition_point(|o| *o < wait);
        let later = other.len() - other.partition_point(|o| *o <= wait);
        net += sooner as i128 - later as i128;
    }
    Ok(net as f64 / (n * m))
}

fn sorted(what: &'static str, values: &[f64]) -> Result<Vec<f64>, StatError> {
    if let Some(at) = values.iter().position(|value| !value.is_finite()) {
        return Err(StatError::Element {
            what,
            position: at + 1,
            value: values[at],
            expected: "a finite number",
        });
    }
    // Adding 0 makes of -0 a 0, so that equal values are in one order.
    let mut sorted: Vec<f64> = values.iter().map(|value| value + 0.0).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    Ok(sorted)
}

/// The median of `pairs` values and the values of rank `rank` from either end; unbounded at rank 0. `below` counts the
/// values up to a limit.
fn shift(pairs: u64, rank: u64, [least, most]: [f64; 2], below: impl Fn(f64) -> u64) -> Shift {
    let at = |rank: u64| select(least, most, |x| below(x) >= rank);
    let bounded = rank > 0 && rank <= pairs;
    Shift {
        estimate: f64::midpoint(at(pairs.div_ceil(2)), at(pairs / 2 + 1)),
        lower: bounded.then(|| at(rank)),
        upper: bounded.then(|| at(pairs + 1 - rank)),
    }
}

/// The smallest number from `least` to `most` at which a condition holds that then stays true: by halving the order of
/// all numbers, so that what is found is the very value.
fn select(least: f64, most: f64, holds: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (ordinal(least), ordinal(most));
    while low < high {
        let middle = (i128::midpoint(i128::from(low), i128::from(high))) as i64;
        let middle = middle.min(high - 1).max(low);
        if holds(from_ordinal(middle)) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    from_ordinal(low)
}

/// The place of a number in the order of all finite ones.
fn ordinal(x: f64) -> i64 {
    let bits = x.to_bits().cast_signed();
    if bits < 0 { i64::MIN - bits } else { bits }
}

fn from_ordinal(place: i64) -> f64 {
    let bits = if place < 0 { i64::MIN - place } else { place };
    f64::from_bits(bits.cast_unsigned())
}

/// The rank of the lower limit among the Walsh averages: the smallest k with P(W <= k) >= tail; 0 is none.
fn signed_rank(n: usize, tail: f64, conf: f64) -> u64 {
    let count = n as f64;
    if n > EXACT_PAIRS {
        let (mean, spread) = (
            count * (count + 1.0) / 4.0,
            (count * (count + 1.0) * (2.0 * count + 1.0) / 24.0).sqrt(),
        );
        return (mean - two_sided_z(conf) * spread).round().max(0.0) as u64;
    }
    // Each rank is in the sum or not, with probability a half.
    let mut weights = vec![0.0; n * (n + 1) / 2 + 1];
    weights[0] = 1.0;
    let mut top = 0;
    for rank in 1..=n {
        top += rank;
        for sum in (0..=top).rev() {
            let with = if sum >= rank { weights[sum - rank] } else { 0.0 };
            weights[sum] = f64::midpoint(weights[sum], with);
        }
    }
    first_reaching(&weights, tail)
}

/// The rank of the lower limit among the differences: the smallest k with P(U <= k) >= tail; 0 is none.
fn rank_sum(m: usize, n: usize, tail: f64, conf: f64) -> u64 {
    let (x, y) = (m as f64, n as f64);
    if m > EXACT_RUNS || n > EXACT_RUNS {
        let spread = (x * y * (x + y + 1.0) / 12.0).sqrt();
        return (x * y / 2.0 - two_sided_z(conf) * spread).round().max(0.0) as u64;
    }
    // rows[j] is the distribution of U for i of the one and j of the other: the largest of all is of the one with
    // probability i/(i+j), and then comes after all j.
    let mut rows: Vec<Vec<f64>> = vec![vec![1.0]; n + 1];
    for i in 1..=m {
        for j in 1..=n {
            let mut next = vec![0.0; i * j + 1];
            let first = i as f64 / (i + j) as f64;
            for (u, weight) in rows[j].iter().enumerate() {
                next[u + j] += first * weight;
            }
            for (u, weight) in rows[j - 1].iter().enumerate() {
                next[u] += (1.0 - first) * weight;
            }
            rows[j] = next;
        }
    }
    first_reaching(&rows[n], tail)
}

fn first_reaching(weights: &[f64], tail: f64) -> u64 {
    let mut below = 0.0;
    for (value, weight) in weights.iter().enumerate() {
        below += weight;
        if below >= tail {
            return value as u64;
        }
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selection_agrees_with_sorting() {
        let d: Vec<f64> = (0..57).map(|i| f64::from(i * 7919 % 101) / 7.0 - 6.5).collect();
        let mut averages = Vec::new();
        for i in 0..d.len() {
            averages.extend(d[i..].iter().map(|other| f64::midpoint(d[i], *other)));
        }
        averages.sort_by(f64::total_cmp);
        let rank = signed_rank(d.len(), 0.025, 0.95) as usize;
        let found = paired(&d, 0.95).unwrap();
        assert_eq!(found.lower, Some(averages[rank - 1]));
        assert_eq!(found.upper, Some(averages[averages.len() - rank]));
        assert_eq!(found.estimate, averages[averages.len() / 2]);
    }

    #[test]
    fn the_approximation_meets_the_exact_limits() {
        for n in [150, 200] {
            let exact = signed_rank(n, 0.025, 0.95) as f64;
            let count = n as f64;
            let normal = count * (count + 1.0) / 4.0
                - two_sided_z(0.95) * (count * (count + 1.0) * (2.0 * count + 1.0) / 24.0).sqrt();
            assert!((exact - normal).abs() / exact < 2e-3, "{exact} {normal}");
        }
        let many: Vec<f64> = (0..20_000).map(f64::from).collect();
        let found = paired(&many, 0.95).unwrap();
        assert!((found.estimate - 9_999.5).abs() < 1e-9 && found.lower.unwrap() < found.estimate);
    }

    #[test]
    fn identical_latencies_have_no_shift() {
        let found = paired(&[0.0; 30], 0.95).unwrap();
        assert_eq!(
            (found.estimate, found.lower, found.upper),
            (0.0, Some(0.0), Some(0.0))
        );
        assert_eq!(unpaired(&[1.5; 9], &[1.5; 8], 0.95).unwrap().upper, Some(0.0));
        assert!(paired(&[f64::INFINITY], 0.95).is_err() && net_win(&[], &[None]).is_err());
    }
}
