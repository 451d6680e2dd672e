//! Whether two curves of 'not yet arrived' differ: the log-rank test.

use serde::Serialize;

use super::StatError;
use super::error::{durations_of, some};
use super::special::chi2_tail;
use super::survival::Watched;

/// The log-rank test of two samples.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct LogRank {
    /// (O - E)² / V, chi-square with one degree of freedom if the curves are the same; 0 where V is 0.
    pub chi2: f64,
    /// The probability of so large a value.
    pub p: f64,
    /// Arrivals of the first sample.
    pub observed: f64,
    /// Arrivals that it would have had if both had arrived alike.
    pub expected: f64,
}

/// Compares two samples of watches. Mantel 1966, with the hypergeometric variance at each time of arrival.
///
/// # Errors
/// A sample without runs, a time that is negative, infinite or not a number.
pub fn log_rank(first: &[Watched], second: &[Watched]) -> Result<LogRank, StatError> {
    some("runs in the first sample", first.len() as u64)?;
    some("runs in the second sample", second.len() as u64)?;
    durations_of("watch of the first sample", first.iter().map(|w| w.seconds))?;
    durations_of("watch of the second sample", second.iter().map(|w| w.seconds))?;
    let both = first
        .iter()
        .map(|w| (w, true))
        .chain(second.iter().map(|w| (w, false)));
    let mut all: Vec<(&Watched, bool)> = both.collect();
    all.sort_unstable_by(|a, b| a.0.seconds.total_cmp(&b.0.seconds));
    let (mut n, mut n1) = (all.len() as f64, first.len() as f64);
    let (mut observed, mut expected, mut variance) = (0.0, 0.0, 0.0);
    for together in all.chunk_by(|a, b| a.0.seconds == b.0.seconds) {
        let count = |want: fn(&(&Watched, bool)) -> bool| together.iter().filter(|w| want(w)).count() as f64;
        let d = count(|w| w.0.arrived);
        observed += count(|w| w.0.arrived && w.1);
        expected += d * n1 / n;
        if n > 1.0 {
            variance += d * (n1 / n) * (1.0 - n1 / n) * (n - d) / (n - 1.0);
        }
        n1 -= count(|w| w.1);
        n -= together.len() as f64;
    }
    let chi2 = if variance > 0.0 {
        (observed - expected) * (observed - expected) / variance
    } else {
        0.0
    };
    Ok(LogRank {
        chi2,
        p: chi2_tail(chi2, 1.0),
        observed,
        expected,
    })
}
