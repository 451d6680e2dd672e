//! What was recorded of runs, a column an attribute, its values interned.

use std::collections::HashMap;

use serde::Serialize;

use crate::stats::StatError;
use crate::stats::error::{as_many, count_of};

/// How a run reads on which nothing was recorded.
pub const MISSING: &str = "(none)";
/// How values read that too few runs have.
pub const OTHER: &str = "(other)";
/// Values that fewer runs have are taken together.
pub const LEAST_RUNS: u64 = 5;

/// One attribute of all runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    pub(super) name: String,
    pub(super) role: Role,
    pub(super) codes: Vec<u32>,
    pub(super) labels: Vec<String>,
    /// The runs that are compared; all where there is no list.
    pub(super) compared: Option<Vec<bool>>,
}

/// What an attribute is, where that decides how labels are shuffled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Nothing special.
    #[default]
    Plain,
    /// The route: its labels are shuffled within ticks, since routes are paired by tick.
    Route,
    /// The hour: where it matters, all else is shuffled within hours, since an outage makes guilty whatever drifts.
    Hour,
    /// What held from one time to another, such as a revision: it is itself a stretch of time, and never shuffled within
    /// hours.
    Epoch,
}

/// Why an attribute was left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ignored {
    /// Its name.
    pub name: String,
    /// How many values it has: more than half as many as there are runs, as ids have.
    pub values: u64,
}

impl Column {
    /// A column from one value a run, in the runs' order. `None`, nothing recorded, is a value like any other.
    pub fn new<S: AsRef<str>>(name: impl Into<String>, values: impl IntoIterator<Item = Option<S>>) -> Self {
        let mut codes = Vec::new();
        let mut labels = Vec::new();
        let mut known: HashMap<String, u32> = HashMap::new();
        for value in values {
            let text = value.as_ref().map_or(MISSING, AsRef::as_ref);
            let code = known.get(text).copied().unwrap_or_else(|| {
                let next = labels.len() as u32;
                labels.push(text.to_owned());
                known.insert(text.to_owned(), next);
                next
            });
            codes.push(code);
        }
        Self {
            name: name.into(),
            role: Role::Plain,
            codes,
            labels,
            compared: None,
        }
    }

    /// A column whose values are interned already: each code is a place among the labels.
    ///
    /// # Errors
    /// A code without a label.
    pub fn interned(
        name: impl Into<String>,
        codes: Vec<u32>,
        labels: Vec<String>,
    ) -> Result<Self, StatError> {
        if let Some(at) = codes.iter().position(|code| *code as usize >= labels.len()) {
            return Err(StatError::Element {
                what: "code",
                position: at + 1,
                value: f64::from(codes[at]),
                expected: "a place among the labels, from 0",
            });
        }
        Ok(Self {
            name: name.into(),
            role: Role::Plain,
            codes,
            labels,
            compared: None,
        })
    }

    /// A column of numbers, cut at their quartiles (type 1). Quartiles that are equal make one cut.
    ///
    /// # Errors
    /// A number that is infinite or not one.
    pub fn numbers(name: impl Into<String>, values: &[Option<f64>]) -> Result<Self, StatError> {
        let wrong = |value: &Option<f64>| value.is_some_and(|v| !v.is_finite());
        if let Some(at) = values.iter().position(wrong) {
            return Err(StatError::Element {
                what: "value",
                position: at + 1,
                value: values[at].unwrap_or(f64::NAN),
                expected: "a finite number",
            });
        }
        let mut sorted: Vec<f64> = values.iter().flatten().copied().collect();
        sorted.sort_unstable_by(f64::total_cmp);
        let quartile = |k: usize| {
            sorted
                .get((k * sorted.len()).div_ceil(4).saturating_sub(1))
                .copied()
        };
        let mut cuts: Vec<f64> = (1..=3).filter_map(quartile).collect();
        cuts.dedup();
        // A cut at the greatest value cuts nothing off.
        cuts.retain(|cut| sorted.last().is_some_and(|last| cut < last));
        let label = |value: &Option<f64>| value.map(|v| band(&cuts, v));
        Ok(Self::new(name, values.iter().map(label)))
    }

    /// The same column, known to be the route or the hour.
    #[must_use]
    pub fn with_role(mut self, role: Role) -> Self {
        self.role = role;
        self
    }

    /// The same column, which speaks of some runs alone: only those are compared with each other. So what is known of a run
    /// only because it ended in some way is not told as the reason why it did.
    ///
    /// # Errors
    /// A list of another length.
    pub fn only(mut self, compared: Vec<bool>) -> Result<Self, StatError> {
        as_many(
            "values of an attribute",
            self.codes.len(),
            "marks of runs to compare",
            compared.len(),
        )?;
        // A list of all is no list: columns that compare the same runs share their shuffles.
        self.compared = compared.contains(&false).then_some(compared);
        Ok(self)
    }

    /// Whether a run is compared.
    pub(super) fn compares(&self, run: usize) -> bool {
        self.compared.as_ref().is_none_or(|compared| compared[run])
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it says when a run was, and not what it was.
    #[must_use]
    pub fn is_of_time(&self) -> bool {
        matches!(self.role, Role::Hour | Role::Epoch)
    }

    /// The value of each run.
    pub fn values(&self) -> impl Iterator<Item = &str> {
        self.codes.iter().map(|code| self.labels[*code as usize].as_str())
    }

    /// The runs it speaks of.
    #[must_use]
    pub fn runs(&self) -> usize {
        self.codes.len()
    }

    /// The column with values of fewer than [`LEAST_RUNS`] runs taken together, or why it is left out.
    pub(super) fn prepared(&self) -> Result<Self, Ignored> {
        let mut runs = vec![0_u64; self.labels.len()];
        let mut all = 0;
        for (run, code) in self.codes.iter().enumerate() {
            let counts = u64::from(self.compares(run));
            runs[*code as usize] += counts;
            all += counts;
        }
        let values = runs.iter().filter(|n| **n > 0).count() as u64;
        if 2 * values > all {
            return Err(Ignored {
                name: self.name.clone(),
                values,
            });
        }
        let mut labels = Vec::new();
        let mut place = |label: &str| {
            labels.push(label.to_owned());
            labels.len() as u32 - 1
        };
        // Runs that are not compared have one value, whatever they had.
        let outside = if self.compared.is_some() {
            place(MISSING)
        } else {
            0
        };
        let mut other = None;
        let mut renamed = vec![outside; runs.len()];
        for (code, n) in runs.iter().enumerate() {
            renamed[code] = match n {
                0 => outside,
                1..LEAST_RUNS => *other.get_or_insert_with(|| place(OTHER)),
                _ => place(&self.labels[code]),
            };
        }
        let code = |(run, code): (usize, &u32)| {
            if self.compares(run) {
                renamed[*code as usize]
            } else {
                outside
            }
        };
        Ok(Self {
            name: self.name.clone(),
            role: self.role,
            codes: self.codes.iter().enumerate().map(code).collect(),
            labels,
            compared: self.compared.clone(),
        })
    }

    /// How often each value occurs with each of another column, in the runs that both compare.
    pub(super) fn joint(&self, other: &Self) -> HashMap<(u32, u32), u64> {
        /// Pairs of values up to which a plain array counts.
        const DENSE: usize = 1 << 20;
        let width = other.labels.len().max(1);
        let pairs = || {
            let pairs = self.codes.iter().zip(&other.codes).enumerate();
            pairs
                .filter(|(run, _)| self.compares(*run) && other.compares(*run))
                .map(|(_, pair)| pair)
        };
        if self.labels.len().saturating_mul(width) > DENSE {
            let mut counts = HashMap::new();
            for (a, b) in pairs() {
                *counts.entry((*a, *b)).or_insert(0) += 1;
            }
            return counts;
        }
        let mut counts = vec![0_u64; self.labels.len() * width];
        for (a, b) in pairs() {
            counts[*a as usize * width + *b as usize] += 1;
        }
        let used = counts.into_iter().enumerate().filter(|(_, n)| *n > 0);
        used.map(|(at, n)| (((at / width) as u32, (at % width) as u32), n))
            .collect()
    }
}

/// The band between cuts in which a value lies, its upper edge included.
fn band(cuts: &[f64], value: f64) -> String {
    let at = cuts.partition_point(|cut| *cut < value);
    match (at.checked_sub(1).map(|below| cuts[below]), cuts.get(at)) {
        (None, None) => "any".to_owned(),
        (None, Some(high)) => format!("up to {high}"),
        (Some(low), None) => format!("above {low}"),
        (Some(low), Some(high)) => format!("above {low} to {high}"),
    }
}

/// The number of runs, if all columns and the labels speak of as many and a place fits in 32 bits.
pub(super) fn same_runs(bad: &[bool], columns: &[Column]) -> Result<usize, StatError> {
    let n = bad.len();
    for column in columns {
        as_many("runs", n, "values of an attribute", column.runs())?;
    }
    if u32::try_from(n).is_err() {
        return Err(StatError::TooMany {
            what: "runs to explain at once",
            value: count_of("runs", n as f64)?,
        });
    }
    Ok(n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rare_values_are_taken_together_and_ids_left_out() {
        let values = (0..100).map(|i| {
            Some(if i < 90 {
                "a".to_owned()
            } else {
                format!("rare {}", i / 3)
            })
        });
        let column = Column::new("worker", values).prepared().unwrap();
        assert_eq!(column.labels, ["a", OTHER]);
        let ids = Column::new("id", (0..100).map(|i| Some((i % 51).to_string())));
        assert_eq!(ids.prepared().unwrap_err().values, 51);
    }

    #[test]
    fn numbers_are_cut_at_their_quartiles() {
        let column =
            Column::numbers("size", &(1..=8).map(|i| Some(f64::from(i))).collect::<Vec<_>>()).unwrap();
        assert_eq!(
            column.labels,
            ["up to 2", "above 2 to 4", "above 4 to 6", "above 6"]
        );
        assert_eq!(Column::numbers("same", &[Some(1.0); 9]).unwrap().labels, ["any"]);
        assert_eq!(Column::numbers("none", &[None; 3]).unwrap().labels, [MISSING]);
        assert!(Column::numbers("bad", &[Some(f64::NAN)]).is_err());
        assert!(Column::interned("x", vec![0, 1], vec!["a".into()]).is_err());
    }
}
