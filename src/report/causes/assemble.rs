//! From the columns to the answer.

use std::collections::BTreeMap;

use super::answer::{Causes, Equal, Found, Ignored, LeftOut, Nearest, Outcome, Sign, Value};
use super::columns::{Columns, Ordered};
use super::table::{COLUMNS, Collector, Row};
use super::{times, words};
use crate::model::{Class, Mark, Moment};
use crate::report::words::count;
use crate::stats::attribution::{
    Cause, Column, Explanation, Finding, LEAST_OF_EACH, Options, SIGNIFICANCE, ValueShare, explain,
};

/// Shuffles after which a screen may end; so many say "p < 0.001".
const LEAST_SHUFFLES: u64 = 1_024;

pub(super) fn answer(from: Collector, marks: &[Mark]) -> Causes {
    let runs = Ordered::new(&from);
    let rows = &runs.rows;
    let mut columns = Columns::of(&runs);
    for column in times::marks(rows, marks) {
        columns.push(column);
    }
    for column in times::hours(rows) {
        columns.push(column);
    }
    let revisions = times::revisions(&from);
    let mut said = empty(&from, rows);
    said.revisions = revisions;
    said.considered = columns.columns.iter().map(|c| c.name().to_owned()).collect();
    said.ignored = std::mem::take(&mut columns.ignored);
    if said.outcome == Outcome::Causes {
        decide(&mut said, rows, &columns, from.question.seed);
    }
    if matches!(said.outcome, Outcome::Causes | Outcome::Nothing | Outcome::TooFew) {
        began(&mut said, rows, &columns, marks);
    }
    said.notes = notes(&from, rows, marks, &said);
    said.sentence = words::sentence(&said);
    said
}

/// All that needs no screen.
fn empty(from: &Collector, rows: &[Row]) -> Causes {
    let bad = rows.iter().filter(|row| row.bad).count() as u64;
    let runs = rows.len() as u64;
    let mut classes: BTreeMap<Class, u64> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.bad) {
        *classes.entry(row.class).or_default() += 1;
    }
    Causes {
        probes: from.probes.keys().cloned().collect(),
        question: from.question.bad.clone(),
        first: rows.first().map(|row| row.tick.to_rfc3339()),
        last: rows.last().map(|row| row.tick.to_rfc3339()),
        runs,
        bad,
        classes,
        left_out: LeftOut {
            classes: from.left_out.clone(),
            timeless: from.timeless,
        },
        outcome: match (bad, runs - bad) {
            (0, 0) => Outcome::NoRuns,
            (0, _) => Outcome::NoneBad,
            (_, 0) => Outcome::AllBad,
            (bad, good) if bad.min(good) < LEAST_OF_EACH => Outcome::TooFew,
            _ => Outcome::Causes,
        },
        sentence: String::new(),
        causes: Vec::new(),
        nearest: None,
        began: None,
        signs: signs(from),
        revisions: Vec::new(),
        considered: Vec::new(),
        ignored: Vec::new(),
        notes: Vec::new(),
        significance: SIGNIFICANCE,
        seed: from.question.seed,
    }
}

fn decide(said: &mut Causes, rows: &[Row], columns: &Columns, seed: u64) {
    let bad: Vec<bool> = rows.iter().map(|row| row.bad).collect();
    let options = Options {
        seed,
        least_shuffles: LEAST_SHUFFLES,
        ..Options::default()
    };
    let ticks = ticks(rows, columns);
    // It is made of whole columns and options within their bounds; were it to fail, nothing is claimed.
    let Ok(Explanation { ignored, finding, .. }) = explain(&bad, &columns.columns, ticks.as_deref(), options)
    else {
        said.outcome = Outcome::Nothing;
        return;
    };
    let ids = ignored.into_iter().map(|one| Ignored {
        attribute: one.name,
        values: one.values,
        more: false,
    });
    said.ignored.extend(ids);
    let left_out: Vec<&String> = said.ignored.iter().map(|one| &one.attribute).collect();
    said.considered.retain(|name| !left_out.contains(&name));
    match finding {
        Finding::Causes(causes) => {
            said.causes = causes.into_iter().map(|cause| found(cause, columns)).collect();
        }
        Finding::Nothing { best } => {
            said.outcome = Outcome::Nothing;
            said.nearest = best.map(|(attribute, p)| Nearest { attribute, p });
        }
        Finding::TooFew { .. } => said.outcome = Outcome::TooFew,
    }
}

fn found(cause: Cause, columns: &Columns) -> Found {
    Found {
        values: cause.values.into_iter().map(value).collect(),
        explained: cause.explained,
        p: cause.p,
        equivalents: cause
            .equivalents
            .into_iter()
            .map(|same| Equal {
                attribute: same.attribute,
                value: same.value,
            })
            .collect(),
        among: columns.among.get(&cause.attribute).map(|&among| among.to_owned()),
        attribute: cause.attribute,
    }
}

fn value(of: ValueShare) -> Value {
    Value {
        value: of.value,
        runs: of.runs,
        bad: of.bad,
        share: [of.share, of.bounds.lower, of.bounds.upper],
        runs_elsewhere: of.runs_elsewhere,
        bad_elsewhere: of.bad_elsewhere,
        share_elsewhere: [
            of.share_elsewhere,
            of.bounds_elsewhere.lower,
            of.bounds_elsewhere.upper,
        ],
        covers: of.covers,
    }
}

/// The tick of each run, where routes do share ticks: then a tick that is bad on all of them speaks against none.
fn ticks(rows: &[Row], columns: &Columns) -> Option<Vec<u32>> {
    let routes = columns.columns.iter().any(|column| column.name() == "route");
    let mut places: Vec<u32> = Vec::with_capacity(rows.len());
    let mut last: Option<(Moment, u32)> = None;
    for row in rows {
        let place = match last {
            Some((tick, place)) if tick == row.tick => place,
            Some((_, place)) => place + 1,
            None => 0,
        };
        last = Some((row.tick, place));
        places.push(place);
    }
    let ticks = last.map_or(0, |(_, place)| place as usize + 1);
    (routes && 3 * ticks <= 2 * rows.len()).then_some(places)
}

/// When it began: in the runs that have the value which stands out, else in all.
fn began(said: &mut Causes, rows: &[Row], columns: &Columns, marks: &[Mark]) {
    let foremost = said.causes.first().and_then(|cause| {
        let column = columns.columns.iter().find(|c| c.name() == cause.attribute)?;
        let value = cause.values.first()?;
        Some((column, &value.value, &cause.attribute))
    });
    let with = foremost.filter(|(column, ..)| !column.is_of_time());
    let (those, among) = match with {
        Some((column, value, name)) => (of_value(rows, column, value), Some(format!("{name} = {value}"))),
        None => (rows.to_vec(), None),
    };
    said.began = times::began(&those, among, said.seed, marks, &said.revisions);
}

fn of_value(rows: &[Row], column: &Column, value: &str) -> Vec<Row> {
    let has = rows.iter().zip(column.values()).filter(|(_, own)| *own == value);
    has.map(|(row, _)| *row).collect()
}

/// What bad runs show more often than good ones, the most frequent first.
fn signs(from: &Collector) -> Vec<Sign> {
    let bad = from.rows.iter().filter(|row| row.bad).count() as f64;
    let good = from.rows.len() as f64 - bad;
    let more =
        |(_, (b, g)): &(&String, &(u64, u64))| *b > 0 && *b as f64 * good.max(1.0) > *g as f64 * bad.max(1.0);
    let mut signs: Vec<Sign> = from
        .signs
        .iter()
        .filter(more)
        .map(|(sign, (bad, good))| Sign {
            sign: sign.clone(),
            bad: *bad,
            good: *good,
        })
        .collect();
    signs.sort_by(|a, b| (b.bad, a.good, &a.sign).cmp(&(a.bad, b.good, &b.sign)));
    signs
}

fn notes(from: &Collector, rows: &[Row], marks: &[Mark], said: &Causes) -> Vec<String> {
    let mut notes = Vec::new();
    if said.revisions.len() > 1 {
        notes.push(format!(
            "{} of the definition are among these runs, the last since {}: the figures mix them; `revision` is one of the attributes, and `--since` takes the last alone",
            count(said.revisions.len() as u64, "revision"),
            said.revisions.last().map_or("", |r| r.first.as_str())
        ));
    }
    if from.timeless > 0 {
        notes.push(format!(
            "{} left out: the tick is no time",
            count(from.timeless, "run")
        ));
    }
    if !from.unlisted.is_empty() {
        notes.push(format!(
            "{} not looked at: {COLUMNS} is the limit (the first is `{}`)",
            count(from.unlisted.len() as u64, "attribute"),
            from.unlisted.keys().next().map_or("", String::as_str)
        ));
    }
    let inside = times::within(rows, marks).len();
    if inside > times::MARKS {
        notes.push(format!(
            "of {inside} marks the last {} were looked at",
            times::MARKS
        ));
    }
    notes
}
