//! Several comparisons at once, so that one of them is not wrong more often than was said.

use super::StatError;
use super::error::{open_share, some};

/// The confidence of each of `comparisons` intervals that are to hold together at `conf`: 1 - (1 - conf)/K (Bonferroni).
/// Words rest on intervals, so this is what verdicts of a declared family use.
///
/// # Errors
/// No comparisons, a confidence that is not above 0 and below 1.
pub fn confidence(conf: f64, comparisons: u64) -> Result<f64, StatError> {
    let conf = open_share("the confidence", conf)?;
    Ok(1.0 - (1.0 - conf) / some("comparisons", comparisons)?)
}

/// Holm's adjusted p-values (1979), in the order given: ascending, p_(i) · (m - i + 1), never falling, at most 1. For
/// lists of p-values, where no intervals exist.
///
/// # Errors
/// A p-value that is not from 0 to 1.
pub fn holm(p: &[f64]) -> Result<Vec<f64>, StatError> {
    if let Some(at) = p.iter().position(|p| !(0.0..=1.0).contains(p)) {
        return Err(StatError::Element {
            what: "p-value",
            position: at + 1,
            value: p[at],
            expected: "from 0 to 1",
        });
    }
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|a, b| p[*a].total_cmp(&p[*b]));
    let mut adjusted = vec![0.0; p.len()];
    let mut least = 0.0_f64;
    for (rank, place) in order.into_iter().enumerate() {
        least = least.max(p[place] * (p.len() - rank) as f64).min(1.0);
        adjusted[place] = least;
    }
    Ok(adjusted)
}
