//! How much an expression may cost at most, told before it is evaluated: CEL itself knows no limit.
//!
//! Only macros (`all`, `exists`, `exists_one`, `map`, `filter`) repeat work. Every list that one of them walks has at
//! most as many entries as the longest list among the values that the expression reads, what `split` may make, and
//! the lists written out, doubled for each `+` (which may join lists). A value that is put into a list or joined is
//! copied and counts with its whole weight, one for every entry and one for every 64 bytes of text; one that is only
//! compared counts as one.

use cel::common::ast::{Expr, IdedExpr, operators};
use serde_json::Value as Json;

use super::expression_names::{dotted, parts};
use super::expression_values::{Names, SPLIT_LIMIT};
use super::template_values::JsonRef;
use crate::model::{Fault, Reason};

/// Steps of one evaluation; measured at about a microsecond each in a debug build.
pub(super) const STEP_LIMIT: u64 = 200_000;
/// Entries of a list or mapping that a macro walks.
pub(super) const LIST_LIMIT: u64 = 10_000;
/// What compiling a pattern counts as.
const PATTERN: u64 = 200;

/// What is known of an expression's macros without its values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Loops {
    /// Whether there are any; all else is zero where not.
    pub(super) any: bool,
    /// The longest list written out in it.
    written: u64,
    /// How often `+` stands in it.
    joins: u32,
    /// Whether `split` makes lists.
    splits: bool,
}

/// Reads the macros off an expression.
pub(super) fn loops(root: &IdedExpr) -> Loops {
    let mut found = Loops::default();
    let mut open = vec![root];
    while let Some(expr) = open.pop() {
        match &expr.expr {
            Expr::Comprehension(_) => found.any = true,
            Expr::List(list) => found.written = found.written.max(list.elements.len() as u64),
            Expr::Map(map) => found.written = found.written.max(map.entries.len() as u64),
            // The macros `map` and `filter` add to their result by `+`, one entry a step: not a join of the author's.
            Expr::Call(call) if call.func_name == operators::ADD && !adds_to_result(call.args.first()) => {
                found.joins += 1
            }
            Expr::Call(call) if call.func_name == "split" => found.splits = true,
            _ => {}
        }
        open.extend(parts(expr));
    }
    found
}

fn adds_to_result(first: Option<&IdedExpr>) -> bool {
    matches!(first.map(|e| &e.expr), Some(Expr::Ident(name)) if name.starts_with('@'))
}

/// Refuses an evaluation that could cost more than [`STEP_LIMIT`].
pub(super) fn check(root: &IdedExpr, loops: &Loops, names: &Names<'_>) -> Result<(), Fault> {
    if !loops.any {
        return Ok(());
    }
    let read = read(root, names);
    if read.longest > LIST_LIMIT {
        return Err(limit(format!(
            "a list of {} entries is over the limit of {LIST_LIMIT} for all, exists, exists_one, map and filter",
            read.longest
        )));
    }
    let made = if loops.splits { SPLIT_LIMIT as u64 } else { 0 };
    let entries = read
        .longest
        .max(loops.written)
        .max(made)
        .saturating_mul(1_u64.checked_shl(loops.joins).unwrap_or(u64::MAX));
    let steps = Bound {
        entries,
        weight: read.weight,
        names,
    }
    .cost(root, false);
    if steps > STEP_LIMIT {
        return Err(limit(format!(
            "up to {steps} steps with lists of up to {entries} entries, over the limit of {STEP_LIMIT}: nest fewer macros, or compare fields instead of copying values"
        )));
    }
    Ok(())
}

fn limit(message: String) -> Fault {
    Fault::new(Reason::Limit, message)
}

struct Bound<'a> {
    entries: u64,
    weight: u64,
    names: &'a Names<'a>,
}

impl Bound<'_> {
    /// Steps of one evaluation of `expr`; `copied` where its value goes into another.
    fn cost(&self, expr: &IdedExpr, copied: bool) -> u64 {
        if let Some(path) = dotted(expr) {
            return self.reference(&path, copied);
        }
        let sum = |copied: bool| {
            parts(expr)
                .into_iter()
                .fold(1_u64, |sum, part| sum.saturating_add(self.cost(part, copied)))
        };
        match &expr.expr {
            Expr::Comprehension(c) => {
                let step = self
                    .cost(&c.loop_cond, false)
                    .saturating_add(self.cost(&c.loop_step, false));
                self.cost(&c.iter_range, false)
                    .saturating_add(self.cost(&c.accu_init, false))
                    .saturating_add(self.cost(&c.result, false))
                    .saturating_add(self.entries.saturating_mul(step.saturating_add(1)))
            }
            Expr::List(_) | Expr::Map(_) | Expr::Struct(_) => sum(true),
            Expr::Call(call) if call.func_name == operators::ADD => sum(true),
            Expr::Call(call) if call.func_name == operators::CONDITIONAL => sum(copied),
            Expr::Call(call) if call.func_name == "matches" => sum(false).saturating_add(PATTERN),
            _ => sum(false),
        }
    }

    fn reference(&self, path: &[String], copied: bool) -> u64 {
        if path[0].starts_with('@') {
            return 1;
        }
        match self.names.at_path(path) {
            // A name of the run is converted each time it is read.
            Some(found) => weigh(found).0,
            None if copied => self.weight.max(1),
            None => 1,
        }
    }
}

struct Read {
    longest: u64,
    weight: u64,
}

/// What the names of an expression stand for, taken together.
fn read(root: &IdedExpr, names: &Names<'_>) -> Read {
    let mut all = Read {
        longest: 0,
        weight: 0,
    };
    let mut open = vec![root];
    while let Some(expr) = open.pop() {
        match dotted(expr) {
            Some(path) => {
                // A path that is not all there is read as far as it goes, as CEL does.
                let found = (1..=path.len()).rev().find_map(|n| names.at_path(&path[..n]));
                if let Some(found) = found {
                    let (weight, longest) = weigh(found);
                    all.weight = all.weight.saturating_add(weight);
                    all.longest = all.longest.max(longest);
                }
            }
            None => open.extend(parts(expr)),
        }
    }
    all
}

/// The weight of a value, and its longest list or mapping.
fn weigh(value: JsonRef<'_>) -> (u64, u64) {
    let mut weight = 0_u64;
    let mut longest = 0_u64;
    let mut open: Vec<&Json> = Vec::new();
    match value {
        JsonRef::Map(map) => {
            weight += 1;
            longest = map.len() as u64;
            open.extend(map.values());
        }
        JsonRef::Value(value) => open.push(value),
    }
    while let Some(value) = open.pop() {
        weight += 1;
        match value {
            Json::String(text) => weight += text.len() as u64 / 64,
            Json::Array(list) => {
                longest = longest.max(list.len() as u64);
                open.extend(list);
            }
            Json::Object(map) => {
                longest = longest.max(map.len() as u64);
                open.extend(map.values());
            }
            _ => {}
        }
    }
    (weight, longest)
}
