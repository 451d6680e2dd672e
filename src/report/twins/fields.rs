//! What was answered and seen, field by field, and which fields differ among good runs of one route anyway.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{FieldPair, Volatile};
use crate::model::RunRecord;
use crate::stats::consistency::{counts, score_of};

/// A field on which two good runs of one route agree less often is volatile.
pub const VOLATILE: f64 = 0.5;
/// Good runs from which that can be told.
pub const FEW: u64 = 10;
/// Fields of one run that are compared; of more the first, by name.
const FIELDS: usize = 2_000;
/// Characters of a value that are kept.
const VALUE: usize = 400;
/// Depth to which content is taken apart.
const DEPTH: usize = 12;

/// What recent runs say of fields.
pub(super) struct Learnt {
    runs: u64,
    agreement: BTreeMap<String, (f64, u64)>,
    /// Fields that a fingerprint can name.
    maskable: BTreeSet<String>,
}

impl Learnt {
    pub(super) fn of<'a>(recent: impl Iterator<Item = &'a RunRecord>) -> Self {
        let mut values: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let (mut runs, mut maskable) = (0, BTreeSet::new());
        for run in recent {
            runs += 1;
            for (field, value) in of_run(run) {
                values.entry(field).or_default().push(value);
            }
            maskable.extend(seen(run).into_iter().map(|(field, _)| field));
        }
        let agreement = values.into_iter().filter_map(|(field, values)| {
            let n = values.len() as u64;
            let score = score_of(&counts(values)).ok().filter(|_| n >= FEW)?;
            Some((field, (score, n)))
        });
        Self {
            runs,
            agreement: agreement.collect(),
            maskable,
        }
    }

    pub(super) fn runs(&self) -> u64 {
        self.runs
    }

    pub(super) fn volatile(&self) -> Vec<Volatile> {
        let volatile = self.agreement.iter().filter(|(_, (score, _))| *score < VOLATILE);
        volatile
            .map(|(field, (agreement, runs))| Volatile {
                field: field.clone(),
                agreement: *agreement,
                runs: *runs,
            })
            .collect()
    }

    /// The line that leaves out what a fingerprint would stumble over. `seconds` it leaves out by itself.
    pub(super) fn mask(&self) -> Option<String> {
        let volatile = self.volatile();
        let places: Vec<String> = volatile
            .iter()
            .filter(|v| self.maskable.contains(&v.field) && !v.field.ends_with(".seconds"))
            .map(|v| yaml(&v.field))
            .collect();
        (!places.is_empty()).then(|| format!("fingerprint: {{ all: true, except: [{}] }}", places.join(", ")))
    }
}

/// A place as a YAML flow sequence takes it.
fn yaml(place: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if place.chars().all(bare) {
        place.to_owned()
    } else {
        Value::from(place).to_string()
    }
}

/// The fields in which two runs differ, and how many agree.
pub(super) fn pairs(run: &RunRecord, twin: &RunRecord, learnt: &Learnt) -> (Vec<FieldPair>, u64) {
    let (own, theirs) = (of_run(run), of_run(twin));
    let names: BTreeSet<&String> = own.keys().chain(theirs.keys()).collect();
    let mut same = 0;
    let mut pairs = Vec::new();
    for name in names {
        let (a, b) = (own.get(name), theirs.get(name));
        if a == b {
            same += 1;
            continue;
        }
        // What is there in one run alone is told by the stages; it is still a difference.
        let agreement = learnt.agreement.get(name).map(|(score, _)| *score);
        pairs.push(FieldPair {
            field: name.clone(),
            run: a.map(|v| cut(v)),
            twin: b.map(|v| cut(v)),
            agreement,
            volatile: agreement.is_some_and(|score| score < VOLATILE),
        });
    }
    pairs.sort_by(|a, b| (a.volatile, &a.field).cmp(&(b.volatile, &b.field)));
    (pairs, same)
}

fn cut(value: &str) -> String {
    match value.char_indices().nth(VALUE) {
        None => value.to_owned(),
        Some((end, _)) => format!("{}… ({} bytes)", &value[..end], value.len()),
    }
}

/// What an answer and the first things seen say, the token masked.
fn of_run(run: &RunRecord) -> BTreeMap<String, String> {
    let mut all: BTreeMap<String, String> = seen(run).into_iter().collect();
    for (name, value) in &run.attributes {
        all.insert(format!("attributes.{name}"), masked(run, value));
    }
    if let Some(response) = &run.response {
        for part in ["status", "headers", "body", "error"] {
            if let Some(value) = response.get(part) {
                flatten(run, &format!("response.{part}"), value, 0, &mut |place, value| {
                    all.insert(place, value);
                });
            }
        }
    }
    all.into_iter().take(FIELDS).collect()
}

/// The first thing that held, under its channel and under each expectation that it met: the places of a fingerprint.
fn seen(run: &RunRecord) -> Vec<(String, String)> {
    let mut firsts: BTreeMap<&str, &Value> = BTreeMap::new();
    let mut held: Vec<_> = run.observations.iter().filter(|o| !o.met.is_empty()).collect();
    held.sort_by(|a, b| a.seconds.1.total_cmp(&b.seconds.1));
    for observation in held {
        for name in observation.met.iter().chain([&observation.channel]) {
            firsts.entry(name).or_insert(&observation.seen);
        }
    }
    let mut all = Vec::new();
    for (name, value) in firsts {
        flatten(run, name, value, 0, &mut |place, value| all.push((place, value)));
    }
    all
}

fn flatten(run: &RunRecord, place: &str, value: &Value, depth: usize, told: &mut dyn FnMut(String, String)) {
    match value {
        Value::Object(map) if depth < DEPTH => {
            for (key, value) in map {
                flatten(run, &format!("{place}.{key}"), value, depth + 1, told);
            }
        }
        Value::String(text) => told(place.to_owned(), masked(run, text)),
        other => told(place.to_owned(), masked(run, &other.to_string())),
    }
}

/// A value in which every run is called the same.
fn masked(run: &RunRecord, value: &str) -> String {
    if run.token.is_empty() {
        return value.to_owned();
    }
    value.replace(&run.token, "TOKEN")
}
