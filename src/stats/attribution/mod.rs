//! What separates bad runs from good: which attribute, which of its values, and how likely by chance.
//!
//! Every attribute is scored by G; one permutation p over all of them together says how often the best of as many
//! attributes would have done as well by chance, whatever their correlations (Westfall and Young 1993). The same seed
//! gives the same answer, and the seed is part of it. "Nothing recorded separates them" is an answer too. This finds
//! association: attributes that always change together are told as one, since no data of this kind can tell them apart.

mod cause;
mod column;
mod screen;
mod shuffle;
mod table;

use serde::Serialize;

pub use cause::{Cause, Equivalent, ValueShare};
pub use column::{Column, Ignored, LEAST_RUNS, MISSING, OTHER, Role};
pub use table::{Association, MOST_TABLES, Row, association, exact_p, monte_carlo_p, relative_accuracy};

use super::StatError;
use super::error::{as_many, open_share, some};
use cause::Found;
use column::same_runs;
use screen::{Score, Screen, refined};

/// The adjusted p up to which an attribute is named where nothing else is said. At 0.05 something is named in 5 % of the
/// data sets in which nothing separates, on average, so in more than 5 % as often as not; this keeps well below.
pub const SIGNIFICANCE: f64 = 0.02;
/// Bad runs, and good ones, below which nothing is explained.
pub const LEAST_OF_EACH: u64 = 5;
/// Bad runs that a value must have to be named.
pub const LEAST_BAD: u64 = 3;
/// Causes that are looked for, one inside the strata of the others.
pub const MOST_LEVELS: usize = 3;

/// How to look.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Options {
    /// Shuffles of each screen, at most.
    pub shuffles: u64,
    /// After so many a screen ends as soon as it is clear of each attribute whether it is named: a p is then told from
    /// fewer shuffles. As many as `shuffles`: never before its end.
    pub least_shuffles: u64,
    /// What they are drawn from (ChaCha8).
    pub seed: u64,
    /// The adjusted p up to which an attribute is named.
    pub significance: f64,
    /// The confidence of the shares' intervals.
    pub conf: f64,
}

/// What separates bad runs from good, as far as the records tell.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    /// Runs looked at.
    pub runs: u64,
    /// Bad ones among them.
    pub bad: u64,
    /// How it was looked.
    pub options: Options,
    /// Attributes left out.
    pub ignored: Vec<Ignored>,
    /// The answer.
    pub finding: Finding,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// Fewer than [`LEAST_OF_EACH`] bad or good runs.
    TooFew {
        /// Bad runs.
        bad: u64,
        /// Good runs.
        good: u64,
    },
    /// No recorded attribute separates them.
    Nothing {
        /// The attribute that came nearest, with its adjusted p; `None` without an attribute.
        best: Option<(String, f64)>,
    },
    /// What separates them, the foremost first.
    Causes(Vec<Cause>),
}

impl Default for Options {
    fn default() -> Self {
        Self {
            shuffles: 9_999,
            least_shuffles: 9_999,
            seed: 0,
            significance: SIGNIFICANCE,
            conf: super::CONFIDENCE,
        }
    }
}

impl Finding {
    /// The sentence where there is no cause to tell; `None` where there is.
    #[must_use]
    pub fn sentence(&self) -> Option<String> {
        match self {
            Self::TooFew { bad, good } if bad <= good => Some(format!("too few bad runs to explain ({bad})")),
            Self::TooFew { good, .. } => Some(format!("too few good runs to compare with ({good})")),
            Self::Nothing { best: None } => {
                Some("nothing is recorded that could separate bad from good".to_owned())
            }
            Self::Nothing {
                best: Some((name, p)),
            } => Some(format!(
                "no recorded attribute separates bad from good (best: {name}, p = {p:.2})"
            )),
            Self::Causes(_) => None,
        }
    }
}

/// What separates bad runs from good.
///
/// `bad` says of each run whether it was bad, each column what was recorded of it, `ticks` at which tick it was (then the
/// labels of the route are shuffled within ticks alone). Ids, whose values are more than half as many as the runs, are
/// left out; values of fewer than [`LEAST_RUNS`] runs are taken together.
///
/// # Errors
/// No runs, columns or ticks of another number of runs, more than 2^32 runs, no shuffles, a significance or confidence
/// that is not above 0 and below 1.
pub fn explain(
    bad: &[bool],
    columns: &[Column],
    ticks: Option<&[u32]>,
    options: Options,
) -> Result<Explanation, StatError> {
    let n = same_runs(bad, columns)? as u64;
    some("runs", n)?;
    some("shuffles", options.shuffles)?;
    open_share("the significance", options.significance)?;
    open_share("the confidence", options.conf)?;
    if let Some(ticks) = ticks {
        as_many("runs", bad.len(), "ticks of runs", ticks.len())?;
    }
    let all_bad = bad.iter().filter(|b| **b).count() as u64;
    let mut ignored = Vec::new();
    let mut prepared = Vec::new();
    for column in columns {
        match column.prepared() {
            Ok(column) => prepared.push(column),
            Err(why) => ignored.push(why),
        }
    }
    let finding = if all_bad.min(n - all_bad) < LEAST_OF_EACH {
        Finding::TooFew {
            bad: all_bad,
            good: n - all_bad,
        }
    } else {
        find(bad, &prepared, ticks, options)?
    };
    Ok(Explanation {
        runs: n,
        bad: all_bad,
        options,
        ignored,
        finding,
    })
}

/// One cause, then another inside its strata, as long as there is one.
fn find(
    bad: &[bool],
    columns: &[Column],
    ticks: Option<&[u32]>,
    options: Options,
) -> Result<Finding, StatError> {
    let mut strata = vec![0_u32; bad.len()];
    let mut candidates: Vec<&Column> = columns.iter().collect();
    let mut causes: Vec<Cause> = Vec::new();
    let mut nearest = None;
    while causes.len() < MOST_LEVELS && !candidates.is_empty() {
        let screen = Screen {
            bad,
            ticks,
            strata: &strata,
            options,
            stream: causes.len() as u64,
        };
        let scores = screen.scores(&candidates)?;
        let mut ranked: Vec<(&Column, Score)> = candidates.iter().copied().zip(scores).collect();
        ranked.sort_by(|(_, a), (_, b)| a.p.total_cmp(&b.p).then(a.ln_p.total_cmp(&b.ln_p)));
        if causes.is_empty() {
            nearest = ranked
                .first()
                .map(|(column, score)| (column.name.clone(), score.p));
        }
        let significant = ranked.iter().filter(|(_, score)| score.p <= options.significance);
        let found = Found {
            bad,
            strata: &strata,
            candidates: &candidates,
            level: causes.len() as u64 + 1,
            conf: options.conf,
        };
        let mut named = None;
        for (column, score) in significant {
            if let Some(cause) = found.cause(column, *score)? {
                named = Some((*column, cause));
                break;
            }
        }
        let Some((column, cause)) = named else { break };
        strata = refined(&strata, &column.codes);
        let told = |other: &&Column| {
            std::ptr::eq(*other, column) || cause.equivalents.iter().any(|same| same.attribute == other.name)
        };
        candidates.retain(|other| !told(other));
        causes.push(cause);
    }
    Ok(if causes.is_empty() {
        Finding::Nothing { best: nearest }
    } else {
        Finding::Causes(causes)
    })
}

#[cfg(test)]
mod tests;
