//! An attribute that separates, told by its values and with what cannot be told apart from it.

use std::collections::HashMap;
use std::f64::consts::LN_2;

use serde::Serialize;

use super::column::Column;
use super::screen::Score;
use super::{LEAST_BAD, LEAST_RUNS, StatError};
use crate::stats::Bounds;
use crate::stats::shares::wilson;

/// The part of the smaller entropy that two attributes may differ by and still count as one.
const SAME_WITHIN: f64 = 0.05;

/// An attribute that separates bad runs from good.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cause {
    /// Its name.
    pub attribute: String,
    /// Which cause it is, from 1: each after the first was found inside the strata of those before it.
    pub level: u64,
    /// G; inside strata their sum.
    pub g: f64,
    /// Its degrees of freedom.
    pub df: u64,
    /// What it tells about good and bad, in bits a run.
    pub bits: f64,
    /// Which part of the uncertainty about good and bad that is.
    pub explained: f64,
    /// The adjusted p over the whole screen.
    pub p: f64,
    /// Its values that stand out, the foremost first; one at the least.
    pub values: Vec<ValueShare>,
    /// Attributes that cannot be told apart from it.
    pub equivalents: Vec<Equivalent>,
}

/// A value of an attribute, and how runs that have it fared.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ValueShare {
    /// The value.
    pub value: String,
    /// Runs that have it.
    pub runs: u64,
    /// Bad ones among them.
    pub bad: u64,
    /// Their bad share, with Wilson's limits.
    pub share: f64,
    /// The limits.
    pub bounds: Bounds,
    /// The other runs that are compared.
    pub runs_elsewhere: u64,
    /// Bad ones among them.
    pub bad_elsewhere: u64,
    /// Their bad share.
    pub share_elsewhere: f64,
    /// Its limits.
    pub bounds_elsewhere: Bounds,
    /// Which part of all bad runs have the value.
    pub covers: f64,
    /// Weighted relative accuracy, by which values are ranked; inside strata their sum.
    pub relative_accuracy: f64,
}

/// An attribute that parts the runs as another does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Equivalent {
    /// Its name.
    pub attribute: String,
    /// The value that goes with the foremost value of the other.
    pub value: String,
}

/// What a cause is found in.
pub(super) struct Found<'a> {
    /// Bad runs.
    pub(super) bad: &'a [bool],
    /// The stratum of each run.
    pub(super) strata: &'a [u32],
    /// All attributes that could have been it.
    pub(super) candidates: &'a [&'a Column],
    /// Which cause it is, from 1.
    pub(super) level: u64,
    /// The confidence of the shares' intervals.
    pub(super) conf: f64,
}

impl Found<'_> {
    /// The cause that a column is, or `None` where none of its values has support enough to be named.
    pub(super) fn cause(&self, column: &Column, score: Score) -> Result<Option<Cause>, StatError> {
        let values = self.values(column)?;
        let Some((foremost, _)) = values.first() else {
            return Ok(None);
        };
        let (bad, runs) = self.compared(column);
        let n = runs as f64;
        let bits = score.g / (2.0 * n * LN_2);
        let share = bad as f64 / n;
        let uncertainty = -(share * share.log2() + (1.0 - share) * (1.0 - share).log2());
        let others = self
            .candidates
            .iter()
            .filter(|other| !std::ptr::eq(**other, column));
        Ok(Some(Cause {
            attribute: column.name.clone(),
            level: self.level,
            g: score.g,
            df: score.df,
            bits,
            explained: bits / uncertainty,
            p: score.p,
            equivalents: others
                .filter_map(|other| equivalent(column, *foremost, other))
                .collect(),
            values: values.into_iter().map(|(_, value)| value).collect(),
        }))
    }

    /// Bad runs, and all, that the column compares.
    fn compared(&self, column: &Column) -> (u64, u64) {
        let compared = self.bad.iter().enumerate();
        compared
            .filter(|(run, _)| column.compares(*run))
            .fold((0, 0), |(bad, all), (_, b)| (bad + u64::from(*b), all + 1))
    }

    /// The values that stand out, with their codes, ranked by weighted relative accuracy.
    fn values(&self, column: &Column) -> Result<Vec<(u32, ValueShare)>, StatError> {
        let (all_bad, n) = self.compared(column);
        let every_bad = self.bad.iter().filter(|b| **b).count() as u64;
        let accuracy = self.accuracy(column);
        let mut counts = vec![(0_u64, 0_u64); column.labels.len()];
        let rows = column.codes.iter().zip(self.bad).enumerate();
        for (_, (code, bad)) in rows.filter(|(run, _)| column.compares(*run)) {
            let count = &mut counts[*code as usize];
            count.0 += u64::from(*bad);
            count.1 += 1;
        }
        let mut found = Vec::new();
        for (code, (bad, runs)) in counts.into_iter().enumerate() {
            let relative_accuracy = accuracy[code];
            // A value that all runs have stands out from nothing.
            if runs < LEAST_RUNS || bad < LEAST_BAD || runs == n || relative_accuracy <= 0.0 {
                continue;
            }
            let (runs_elsewhere, bad_elsewhere) = (n - runs, all_bad - bad);
            let value = ValueShare {
                value: column.labels[code].clone(),
                runs,
                bad,
                share: bad as f64 / runs as f64,
                bounds: wilson(bad, runs, self.conf)?,
                runs_elsewhere,
                bad_elsewhere,
                share_elsewhere: bad_elsewhere as f64 / runs_elsewhere as f64,
                bounds_elsewhere: wilson(bad_elsewhere, runs_elsewhere, self.conf)?,
                covers: bad as f64 / every_bad as f64,
                relative_accuracy,
            };
            found.push((code as u32, value));
        }
        found.sort_by(|(_, a), (_, b)| b.relative_accuracy.total_cmp(&a.relative_accuracy));
        Ok(found)
    }

    /// Of each value the weighted relative accuracy, summed over the strata: (bad with it - with it · bad share of the
    /// stratum) / n.
    fn accuracy(&self, column: &Column) -> Vec<f64> {
        let mut strata: HashMap<u32, (f64, f64)> = HashMap::new();
        let counted = self.strata.iter().zip(self.bad).enumerate();
        for (_, (stratum, bad)) in counted.filter(|(run, _)| column.compares(*run)) {
            let count = strata.entry(*stratum).or_default();
            count.0 += f64::from(u8::from(*bad));
            count.1 += 1.0;
        }
        let mut sums = vec![0.0; column.labels.len()];
        let rows = column.codes.iter().zip(self.strata).zip(self.bad).enumerate();
        for (_, ((code, stratum), bad)) in rows.filter(|(run, _)| column.compares(*run)) {
            let (bad_all, all) = strata[stratum];
            sums[*code as usize] += f64::from(u8::from(*bad)) - bad_all / all;
        }
        // What only rounding keeps from 0 is 0.
        let n = self.compared(column).1 as f64;
        sums.iter()
            .map(|sum| if sum.abs() < 1e-6 { 0.0 } else { sum / n })
            .collect()
    }
}

/// The other attribute, if it parts the runs as this one does: the variation of information of the two is 0 or below
/// [`SAME_WITHIN`] of the smaller entropy.
fn equivalent(column: &Column, foremost: u32, other: &Column) -> Option<Equivalent> {
    let joint = column.joint(other);
    let mut own = vec![0_u64; column.labels.len()];
    let mut theirs = vec![0_u64; other.labels.len()];
    for ((a, b), n) in &joint {
        own[*a as usize] += n;
        theirs[*b as usize] += n;
    }
    let n = own.iter().sum::<u64>() as f64;
    let (one, two) = (entropy(&own, n), entropy(&theirs, n));
    // Where the two are compared side by side, one of them may say nothing.
    if one.min(two) <= 0.0 {
        return None;
    }
    let both = entropy(joint.values(), n);
    if 2.0 * both - one - two > SAME_WITHIN * one.min(two) + 1e-9 {
        return None;
    }
    let with = joint.iter().filter(|((a, _), _)| *a == foremost);
    let ((_, value), _) = with.max_by_key(|((_, b), n)| (**n, std::cmp::Reverse(*b)))?;
    Some(Equivalent {
        attribute: other.name.clone(),
        value: other.labels[*value as usize].clone(),
    })
}

/// The entropy in bits of counts that add up to `n`.
fn entropy<'a>(counts: impl IntoIterator<Item = &'a u64>, n: f64) -> f64 {
    let shares = counts
        .into_iter()
        .filter(|count| **count > 0)
        .map(|count| *count as f64 / n);
    // Sorted, so that the sum does not depend on the order in which a map gives them.
    let mut parts: Vec<f64> = shares.map(|p| -p * p.log2()).collect();
    parts.sort_unstable_by(f64::total_cmp);
    parts.into_iter().sum()
}
