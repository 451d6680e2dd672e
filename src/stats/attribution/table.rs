//! One attribute against good and bad: how much of the one the other tells.

use std::f64::consts::LN_2;

use serde::Serialize;

use crate::stats::StatError;
use crate::stats::error::{exact, of, some, sum};
use crate::stats::special::{binomial_weight, chi2_tail};

/// Tables beyond which an exact p is not counted.
pub const MOST_TABLES: u64 = 200_000;

/// Bad and good runs with one value.
pub type Row = (u64, u64);

/// How far an attribute separates bad runs from good ones.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Association {
    /// G = 2 Σ O ln(O/E).
    pub g: f64,
    /// The mutual information: G / (2 n ln 2), in bits.
    pub bits: f64,
    /// Which part of the uncertainty about good and bad that is: bits over the entropy of the bad share; 0 where there is
    /// no uncertainty.
    pub explained: f64,
    /// The degrees of freedom: values with runs less one; 0 where all runs are good or all bad.
    pub df: u64,
    /// The tail of the chi-square distribution beyond G. For few runs it is far off: see [`exact_p`].
    pub chi2_p: f64,
}

/// How far the values of an attribute separate bad runs from good ones; one row a value.
///
/// # Errors
/// No runs, more than 2^53 runs.
pub fn association(rows: &[Row]) -> Result<Association, StatError> {
    let bad = sum("runs", rows.iter().map(|row| row.0))?;
    let n = sum("runs", rows.iter().flat_map(|row| [row.0, row.1]))?;
    let runs = some("runs", n)?;
    let share = bad as f64 / runs;
    let part = |observed: u64, expected: f64| {
        if observed == 0 {
            0.0
        } else {
            observed as f64 * (observed as f64 / expected).ln()
        }
    };
    let halves = rows.iter().map(|(bad, good)| {
        let with = (bad + good) as f64;
        part(*bad, with * share) + part(*good, with * (1.0 - share))
    });
    let g = (2.0 * halves.sum::<f64>()).max(0.0);
    let bits = g / (2.0 * runs * LN_2);
    let entropy = -[share, 1.0 - share]
        .iter()
        .filter(|p| **p > 0.0)
        .map(|p| p * p.log2())
        .sum::<f64>();
    let used = rows.iter().filter(|(bad, good)| bad + good > 0).count() as u64;
    let df = if bad == 0 || bad == n { 0 } else { used - 1 };
    Ok(Association {
        g,
        bits,
        explained: if entropy > 0.0 { bits / entropy } else { 0.0 },
        df,
        chi2_p: chi2_tail(g, df as f64),
    })
}

/// The exact p of a table: the chance of a G as large among all tables with the same margins, by their hypergeometric
/// weights.
///
/// # Errors
/// No runs, more than [`MOST_TABLES`] tables: shuffle then.
pub fn exact_p(rows: &[Row]) -> Result<f64, StatError> {
    let observed = association(rows)?.g;
    let bad: u64 = rows.iter().map(|row| row.0).sum();
    let sizes: Vec<u64> = rows
        .iter()
        .map(|(bad, good)| bad + good)
        .filter(|n| *n > 0)
        .collect();
    let n: u64 = sizes.iter().sum();
    if bad == 0 || bad == n {
        return Ok(1.0);
    }
    let mut count = Counting {
        rows: sizes.iter().map(|size| (0, *size)).collect(),
        share: bad as f64 / n as f64,
        observed,
        hits: 0.0,
        tables: 0,
    };
    count.fill(0, bad, n, 1.0)?;
    let share = count.share;
    Ok((count.hits / binomial_weight(bad as f64, n as f64, share, 1.0 - share)).min(1.0))
}

/// The tables gone through so far. A row's weight is binomial at the overall share: the weights' products are the
/// hypergeometric ones but for a factor that all tables share.
struct Counting {
    rows: Vec<Row>,
    share: f64,
    observed: f64,
    hits: f64,
    tables: u64,
}

impl Counting {
    /// Goes through the bad counts of the rows from `at` on; `bad` are to be placed, among `left` runs.
    fn fill(&mut self, at: usize, bad: u64, left: u64, weight: f64) -> Result<(), StatError> {
        let size = self.rows[at].0 + self.rows[at].1;
        let rest = left - size;
        for here in bad.saturating_sub(rest)..=bad.min(size) {
            self.rows[at] = (here, size - here);
            let weight = weight * binomial_weight(here as f64, size as f64, self.share, 1.0 - self.share);
            if at + 1 < self.rows.len() {
                self.fill(at + 1, bad - here, rest, weight)?;
                continue;
            }
            self.tables += 1;
            if self.tables > MOST_TABLES {
                return Err(StatError::OutOfReach {
                    what: "count of tables for an exact p",
                    bound: MOST_TABLES,
                });
            }
            if association(&self.rows)?.g >= self.observed - 1e-9 {
                self.hits += weight;
            }
        }
        Ok(())
    }
}

/// Weighted relative accuracy: n_v/n · (p_v - p), with `bad_in` bad of `n_in` runs that have the value and `bad_all` of
/// `n_all` in all. It rewards both a high share of bad runs and covering many. Lavrač et al. 1999.
///
/// # Errors
/// No runs with the value or in all, more bad runs than runs, more with the value than in all.
pub fn relative_accuracy(bad_in: u64, n_in: u64, bad_all: u64, n_all: u64) -> Result<f64, StatError> {
    let (bad, with) = of("bad runs with the value", bad_in, "runs with the value", n_in)?;
    let (all_bad, all) = of("bad runs", bad_all, "runs", n_all)?;
    of("runs with the value", n_in, "runs", n_all)?;
    Ok(with / all * (bad / with - all_bad / all))
}

/// The p of a test by shuffling: (hits + 1) / (shuffles + 1), never 0. Phipson and Smyth 2010.
///
/// # Errors
/// More hits than shuffles, no shuffles.
pub fn monte_carlo_p(hits: u64, shuffles: u64) -> Result<f64, StatError> {
    let (hits, all) = of("hits", hits, "shuffles", shuffles)?;
    exact("shuffles", shuffles)?;
    Ok((hits + 1.0) / (all + 1.0))
}
