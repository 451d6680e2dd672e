//! Latency quantiles in which a run that never arrived counts as later than any other.
//!
//! A quantile is of type 1: an observed value, never something between two. So is the interval: two observed values,
//! chosen by the binomial distribution of ranks, true whatever the latencies' distribution. A p95 that more than 5 %
//! never reach is *not reached*, which is `None` here. For runs still in flight or cut short see
//! [`survival`](super::survival).

use serde::Serialize;

use super::StatError;
use super::error::{count_of, durations, exact, open_share, positive, some};
use super::special::{binomial_at_least, binomial_at_most, first_count};

/// The latencies of runs that were all watched to their end: those that arrived, in seconds and sorted, and how many
/// never did.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Latencies {
    arrived: Vec<f64>,
    never: u64,
}

/// A quantile with its interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Quantile {
    /// Which quantile: 0.95 is the p95.
    pub q: f64,
    /// Its value in seconds; `None` is not reached: too many never arrived.
    pub value: Option<f64>,
    /// The lower limit in seconds; 0 where so few runs give none; `None` where the limit itself is not reached.
    pub lower: Option<f64>,
    /// The upper limit in seconds; `None` is not bounded by this data.
    pub upper: Option<f64>,
    /// The ranks of the limits among all runs.
    pub ranks: Ranks,
}

/// The ranks, from 1, of the observations that bound a quantile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Ranks {
    /// The lower limit's; 0 is no lower limit.
    pub lower: u64,
    /// The upper limit's; one more than there are runs is no upper limit.
    pub upper: u64,
}

/// A quantile of latencies that are known as intervals: the true one lies between the first two values.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct IntervalQuantile {
    /// Which quantile.
    pub q: f64,
    /// The quantile of the earliest instants, in seconds; `None` is not reached.
    pub earliest: Option<f64>,
    /// The quantile of the latest instants, in seconds; `None` is not reached.
    pub latest: Option<f64>,
    /// The statistical lower limit, from the earliest instants.
    pub lower: Option<f64>,
    /// The statistical upper limit, from the latest instants; `None` is not bounded by this data.
    pub upper: Option<f64>,
}

/// The mean wait in which a run counts as no longer than a cap.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct CappedMean {
    /// The cap, in seconds.
    pub cap: f64,
    /// The mean of min(wait, cap), in seconds; a run that never arrived waited the cap.
    pub mean: f64,
    /// The variance of that mean, in seconds squared: the variance of the waits over their number.
    pub variance: f64,
}

impl Latencies {
    /// Latencies of runs that arrived, in seconds in any order, and how many never arrived.
    ///
    /// # Errors
    /// A latency that is negative, infinite or not a number, more than 2^53 runs.
    pub fn new(mut arrived: Vec<f64>, never: u64) -> Result<Self, StatError> {
        durations("latency", &arrived)?;
        exact("runs", never.saturating_add(arrived.len() as u64))?;
        arrived.sort_unstable_by(f64::total_cmp);
        Ok(Self { arrived, never })
    }

    /// The same from one latency a run, `None` for a run that never arrived.
    ///
    /// # Errors
    /// As [`Latencies::new`].
    pub fn from_options(waits: impl IntoIterator<Item = Option<f64>>) -> Result<Self, StatError> {
        let mut never = 0;
        let arrived = waits.into_iter().filter_map(|wait| {
            never += u64::from(wait.is_none());
            wait
        });
        let arrived = arrived.collect();
        Self::new(arrived, never)
    }

    /// All runs, arrived or not.
    #[must_use]
    pub fn runs(&self) -> u64 {
        self.arrived.len() as u64 + self.never
    }

    /// The runs that never arrived.
    #[must_use]
    pub fn never(&self) -> u64 {
        self.never
    }

    /// The latencies that did arrive, in seconds, sorted.
    #[must_use]
    pub fn arrived(&self) -> &[f64] {
        &self.arrived
    }

    /// How many runs arrived within so many seconds.
    #[must_use]
    pub fn within(&self, seconds: f64) -> u64 {
        self.arrived.partition_point(|wait| *wait <= seconds) as u64
    }

    /// The quantile `q` over all runs: the latency of rank ceil(q·n), `None` where that run never arrived.
    ///
    /// # Errors
    /// No runs, a `q` that is not above 0 and below 1.
    pub fn quantile(&self, q: f64) -> Result<Option<f64>, StatError> {
        let q = open_share("the quantile", q)?;
        let n = some("runs", self.runs())?;
        Ok(self.at(rank(q, n)))
    }

    /// The quantile `q` with its exact interval at confidence `conf`, from [`quantile_ranks`].
    ///
    /// # Errors
    /// No runs, a `q` or confidence that is not above 0 and below 1.
    pub fn estimate(&self, q: f64, conf: f64) -> Result<Quantile, StatError> {
        let value = self.quantile(q)?;
        let ranks = quantile_ranks(self.runs(), q, conf)?;
        Ok(Quantile {
            q,
            value,
            lower: if ranks.lower == 0 {
                Some(0.0)
            } else {
                self.at(ranks.lower)
            },
            upper: self.at(ranks.upper),
            ranks,
        })
    }

    /// The mean of min(wait, cap) over all runs: one finite number, whatever was lost. The caller sees to it that every
    /// run was watched for at least the cap.
    ///
    /// # Errors
    /// No runs, a cap that is not a finite number of seconds above 0.
    pub fn capped_mean(&self, cap: f64) -> Result<CappedMean, StatError> {
        let cap = positive("the cap in seconds", cap)?;
        let n = some("runs", self.runs())?;
        let lost = self.never as f64;
        let capped = || self.arrived.iter().map(|wait| wait.min(cap));
        let mean = (capped().sum::<f64>() + lost * cap) / n;
        let squares: f64 = capped().map(|wait| (wait - mean) * (wait - mean)).sum();
        let variance = (squares + lost * (cap - mean) * (cap - mean)) / n / n;
        Ok(CappedMean { cap, mean, variance })
    }

    /// The latency of a rank, from 1.
    fn at(&self, rank: u64) -> Option<f64> {
        let place = usize::try_from(rank.checked_sub(1)?).ok()?;
        self.arrived.get(place).copied()
    }
}

/// The rank of the quantile `q` of `n`: ceil(q·n). A product that is whole but for its last digits is that number.
fn rank(q: f64, n: f64) -> u64 {
    let product = q * n;
    (product - 1e-9_f64.max(product * 4.0 * f64::EPSILON))
        .ceil()
        .clamp(1.0, n) as u64
}

/// The ranks of the observations that bound the quantile `q` of `n` runs, for two sides together at confidence `conf`.
///
/// With X binomial of n tries at q: lower = the smallest k with P(X <= k) >= a/2, upper = 1 + the smallest k with
/// P(X <= k) >= 1 - a/2, a = 1 - conf.
///
/// # Errors
/// No runs, a `q` or confidence that is not above 0 and below 1.
pub fn quantile_ranks(n: u64, q: f64, conf: f64) -> Result<Ranks, StatError> {
    let runs = some("runs", n)?;
    let q = open_share("the quantile", q)?;
    let tail = (1.0 - open_share("the confidence", conf)?) / 2.0;
    let low = first_count(0, n, |k| binomial_at_most(k as f64, runs, q, 1.0 - q) >= tail);
    let high = first_count(0, n, |k| {
        binomial_at_least(k as f64 + 1.0, runs, q, 1.0 - q) <= tail
    });
    Ok(Ranks {
        lower: low.unwrap_or(n),
        upper: 1 + high.unwrap_or(n),
    })
}

/// The fewest runs, all arrived, that give the quantile `q` a finite upper limit: the smallest n with q^n at most
/// 1 - conf, or half of that for an interval of two sides.
///
/// # Errors
/// A `q` or confidence that is not above 0 and below 1, a `q` so near 1 that more than 2^53 runs would be needed.
pub fn runs_for_finite_upper(q: f64, conf: f64, two_sided: bool) -> Result<u64, StatError> {
    let q = open_share("the quantile", q)?;
    let tail = 1.0 - open_share("the confidence", conf)?;
    let tail = if two_sided { tail / 2.0 } else { tail };
    count_of("number of runs", (tail.ln() / q.ln() - 1e-9).ceil().max(1.0))
}

/// The quantile `q` of latencies known as intervals [lo, hi] in seconds, with `never` more that did not arrive. Every
/// quantile moves the same way as each observation, so those of all lo and of all hi hold the true one between them.
///
/// # Errors
/// As [`Latencies::new`] and [`Latencies::estimate`]; an interval whose lo is above its hi.
pub fn interval_quantile(
    arrived: &[(f64, f64)],
    never: u64,
    q: f64,
    conf: f64,
) -> Result<IntervalQuantile, StatError> {
    if let Some((low, high)) = arrived.iter().find(|(low, high)| low > high) {
        return Err(StatError::Order {
            low_what: "the earliest instant",
            low: *low,
            relation: "at most",
            high_what: "the latest",
            high: *high,
        });
    }
    let of = |side: fn(&(f64, f64)) -> f64| Latencies::new(arrived.iter().map(side).collect(), never);
    let earliest = of(|wait| wait.0)?.estimate(q, conf)?;
    let latest = of(|wait| wait.1)?.estimate(q, conf)?;
    Ok(IntervalQuantile {
        q,
        earliest: earliest.value,
        latest: latest.value,
        lower: earliest.lower,
        upper: latest.upper,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_that_is_whole_is_not_rounded_up() {
        // 0.07 * 100 is 7.000000000000001 in binary.
        assert_eq!(rank(0.07, 100.0), 7);
        assert_eq!(rank(0.95, 100.0), 95);
        assert_eq!(rank(1e-6, 10.0), 1);
        assert_eq!(rank(0.5, 1e12), 500_000_000_000);
    }

    #[test]
    fn all_lost_is_not_reached_and_nothing_is_an_error() {
        let all_lost = Latencies::new(Vec::new(), 50).unwrap();
        let p50 = all_lost.estimate(0.5, 0.95).unwrap();
        assert_eq!((p50.value, p50.lower, p50.upper), (None, None, None));
        assert_eq!(all_lost.capped_mean(60.0).unwrap().mean, 60.0);
        let nothing = Latencies::new(Vec::new(), 0).unwrap();
        assert!(nothing.quantile(0.5).is_err() && nothing.capped_mean(1.0).is_err());
    }

    #[test]
    fn imported_nonsense_is_named() {
        let said = |waits: Vec<f64>| Latencies::new(waits, 0).unwrap_err().to_string();
        assert_eq!(
            said(vec![1.0, f64::NAN]),
            "latency number 2 is NaN and must be a finite number of seconds, 0 or more"
        );
        assert_eq!(
            said(vec![-0.5]),
            "latency number 1 is -0.5 and must be a finite number of seconds, 0 or more"
        );
    }

    #[test]
    fn the_envelope_holds_both_ends() {
        let waits: Vec<(f64, f64)> = (1..=92)
            .map(|i| (f64::from(i) / 10.0 - 0.05, f64::from(i) / 10.0))
            .collect();
        let p90 = interval_quantile(&waits, 8, 0.9, 0.95).unwrap();
        assert_eq!((p90.latest, p90.upper), (Some(9.0), None));
        assert!((p90.earliest.unwrap() - 8.95).abs() < 1e-9);
        assert!(interval_quantile(&[(2.0, 1.0)], 0, 0.5, 0.95).is_err());
    }

    #[test]
    fn ranks_hold_for_many_runs() {
        let ranks = quantile_ranks(100_000_000, 0.5, 0.95).unwrap();
        let half_width = (ranks.upper - ranks.lower) as f64 / 2.0;
        assert!((half_width - 9_799.8).abs() < 2.0, "{half_width}");
    }
}
