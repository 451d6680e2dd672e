//! From what was taken in to the columns of the screen: which runs each of them compares.

use std::collections::{BTreeMap, HashSet};

use super::answer::Ignored;
use super::table::{Collector, DISTINCT, Kind, Raw, Row, SETTINGS};
use crate::stats::attribution::{Column, MISSING, Role};

/// The columns, in the order in which of equally good ones the first is named.
#[derive(Debug, Default)]
pub(super) struct Columns {
    pub(super) columns: Vec<Column>,
    /// For a column that compares some runs alone: which.
    pub(super) among: BTreeMap<String, &'static str>,
    pub(super) ignored: Vec<Ignored>,
    /// Codes and labels of the columns that others may be a copy of.
    kept: Vec<(Vec<u32>, Vec<String>)>,
}

/// Runs in the order of their ticks.
pub(super) struct Ordered<'a> {
    pub(super) rows: Vec<Row>,
    order: Vec<usize>,
    from: &'a Collector,
}

impl<'a> Ordered<'a> {
    pub(super) fn new(from: &'a Collector) -> Self {
        let mut order: Vec<usize> = (0..from.rows.len()).collect();
        order.sort_by_key(|row| (from.rows[*row].tick, from.rows[*row].id));
        Self {
            rows: order.iter().map(|row| from.rows[*row]).collect(),
            order,
            from,
        }
    }

    /// The codes of an attribute, numbered by first appearance, so that the order in which runs were read does not matter.
    fn codes(&self, raw: &Raw) -> (Vec<u32>, Vec<String>) {
        let mut renamed = vec![None; raw.labels.len()];
        let mut labels = Vec::new();
        let code = |row: &usize| {
            let code = raw.codes.get(*row).copied().unwrap_or(0) as usize;
            *renamed[code].get_or_insert_with(|| {
                labels.push(match code {
                    0 => MISSING.to_owned(),
                    code => raw.labels[code].clone(),
                });
                labels.len() as u32 - 1
            })
        };
        let codes = self.order.iter().map(code).collect();
        (codes, labels)
    }

    fn present(&self, raw: &Raw) -> Vec<bool> {
        let present = |row: &usize| raw.codes.get(*row).is_some_and(|code| *code != 0);
        self.order.iter().map(present).collect()
    }

    /// The numbers of an attribute, in order.
    fn numbers(&self, of: &[Option<f64>]) -> Vec<Option<f64>> {
        let number = |row: &usize| of.get(*row).copied().flatten();
        self.order.iter().map(number).collect()
    }
}

impl Columns {
    /// What the records say, but for times.
    pub(super) fn of(runs: &Ordered<'_>) -> Self {
        let mut all = Self::default();
        let mut raws: Vec<&Raw> = runs.from.columns.iter().collect();
        raws.sort_by_key(|raw| {
            let place = SETTINGS.iter().position(|name| *name == raw.name);
            (raw.kind, place, &raw.name)
        });
        for raw in raws {
            if raw.full {
                all.ignored.push(Ignored {
                    attribute: raw.name.clone(),
                    values: DISTINCT as u64,
                    more: true,
                });
            } else {
                all.add(raw, runs);
            }
        }
        for (name, numbers) in &runs.from.numbers {
            all.add_numbers(name, &runs.numbers(numbers), runs);
        }
        all
    }

    /// Adds a column that is made elsewhere.
    pub(super) fn push(&mut self, column: Column) {
        self.columns.push(column);
    }

    fn add(&mut self, raw: &Raw, runs: &Ordered<'_>) {
        let present = runs.present(raw);
        let (codes, mut labels) = runs.codes(raw);
        let Some((compared, among)) = compared(raw, &present, &codes, runs) else {
            return;
        };
        if raw.kind_of_hop() {
            for label in labels.iter_mut().filter(|label| *label == MISSING) {
                "not on the way".clone_into(label);
            }
        }
        let values: HashSet<u32> = codes
            .iter()
            .zip(&compared)
            .filter(|(_, compared)| **compared)
            .map(|(code, _)| *code)
            .collect();
        let copies = raw.kind > Kind::Attribute;
        if values.len() < 2 || copies && self.kept.iter().any(|(c, l)| *c == codes && *l == labels) {
            return;
        }
        if let Some(among) = among.filter(|_| compared.contains(&false)) {
            self.among.insert(raw.name.clone(), among);
        }
        self.kept.push((codes.clone(), labels.clone()));
        let role = match raw.name.as_str() {
            "route" => Role::Route,
            "revision" => Role::Epoch,
            _ => Role::Plain,
        };
        let column = Column::interned(raw.name.as_str(), codes, labels).and_then(|c| c.only(compared));
        // Codes and marks are made of the same runs, so neither fails.
        self.columns.extend(column.map(|c| c.with_role(role)));
    }

    fn add_numbers(&mut self, name: &'static str, numbers: &[Option<f64>], runs: &Ordered<'_>) {
        let setting = SETTINGS.contains(&name);
        let counts = |(number, row): (&Option<f64>, &Row)| number.is_some() && (setting || row.accepted);
        let compared: Vec<bool> = numbers.iter().zip(&runs.rows).map(counts).collect();
        // Four bands of three digits each say enough.
        let rounded: Vec<Option<f64>> = numbers.iter().map(|n| n.map(three_digits)).collect();
        let column = Column::numbers(name, &rounded).and_then(|c| c.only(compared));
        if !setting {
            self.among.insert(name.to_owned(), ACCEPTED);
        }
        self.columns.extend(column);
    }
}

const ACCEPTED: &str = "accepted runs";
const PRESENT: &str = "runs that have a value";

/// The runs that an attribute compares, and how they are called; `None` where it says nothing but the verdict.
fn compared(
    raw: &Raw,
    present: &[bool],
    codes: &[u32],
    runs: &Ordered<'_>,
) -> Option<(Vec<bool>, Option<&'static str>)> {
    let accepted = || runs.rows.iter().map(|row| row.accepted);
    let accepted_alone = || Some((accepted().collect::<Vec<_>>(), Some(ACCEPTED)));
    match raw.kind {
        Kind::Setting => Some((vec![true; runs.rows.len()], None)),
        Kind::Verdict => {
            let both = present.iter().zip(accepted()).map(|(p, a)| *p && a);
            Some((both.collect(), Some(ACCEPTED)))
        }
        Kind::AnswerPath | Kind::Header if !raw.kind_of_hop() => {
            let sides = |side: bool| -> HashSet<u32> {
                let rows = codes.iter().zip(present).zip(accepted());
                rows.filter(|((_, present), a)| **present && *a == side)
                    .map(|((code, _), _)| *code)
                    .collect()
            };
            let (taken, refused) = (sides(true), sides(false));
            // A header that reads otherwise in every refusal is a part of it. What is declared is believed to be more.
            let part = raw.kind == Kind::Header && taken.is_disjoint(&refused);
            if taken.is_empty() || part {
                return accepted_alone();
            }
            let either = present.iter().zip(accepted()).map(|(p, a)| *p || a);
            Some((either.collect(), Some("runs that were accepted or have a value")))
        }
        Kind::AnswerPath | Kind::SeenPath if raw.kind_of_hop() => {
            let whole = runs.from.columns.iter();
            let whole = whole
                .filter(|other| other.kind == raw.kind && other.group == raw.group)
                .find(|other| other.part.is_empty())?;
            Some((runs.present(whole), Some("runs whose way is known")))
        }
        Kind::Seen if raw.changes || restates(raw, present, codes, runs) => None,
        _ => Some((present.to_vec(), Some(PRESENT))),
    }
}

/// Whether no value of a content that is judged occurs in bad runs and in good ones: it is the verdict in other words.
fn restates(raw: &Raw, present: &[bool], codes: &[u32], runs: &Ordered<'_>) -> bool {
    if raw.part == "folder" || raw.part.starts_with("auth.") {
        return false;
    }
    let side = |bad: bool| -> HashSet<u32> {
        let rows = codes.iter().zip(present).zip(&runs.rows);
        rows.filter(|((_, present), row)| **present && row.bad == bad)
            .map(|((code, _), _)| *code)
            .collect()
    };
    side(true).is_disjoint(&side(false))
}

impl Raw {
    /// Whether it says of one hop whether it is part of a chain.
    fn kind_of_hop(&self) -> bool {
        matches!(self.kind, Kind::AnswerPath | Kind::SeenPath) && !self.part.is_empty()
    }
}

/// A number to three digits.
fn three_digits(value: f64) -> f64 {
    if value == 0.0 {
        return 0.0;
    }
    let scale = 10_f64.powi(2 - value.abs().log10().floor() as i32);
    let rounded = (value * scale).round() / scale;
    if rounded.is_finite() { rounded } else { value }
}
