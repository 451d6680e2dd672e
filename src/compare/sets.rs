//! The runs of two sets, by series, and what has to be said of them.

use std::collections::{BTreeMap, HashMap};

use super::Sample;
use super::sample::instant;
use crate::model::{Moment, RunRecord};

/// One of the two sets.
#[derive(Clone, Copy, Debug)]
pub struct Side<'a> {
    /// How it is called: the file.
    pub name: &'a str,
    /// Its runs.
    pub runs: &'a [RunRecord],
}

/// Probe, route and input.
pub(super) type Name = (String, String, String);

/// The runs of one series in one set.
#[derive(Debug, Default)]
pub(super) struct Set {
    pub(super) seen: Vec<Sample>,
    pub(super) unobserved: u64,
    revisions: BTreeMap<String, Moment>,
    others: u64,
}

pub(super) fn sets(side: Side<'_>) -> Result<BTreeMap<Name, Set>, String> {
    let mut latest: HashMap<Name, (Moment, String)> = HashMap::new();
    let mut read = Vec::with_capacity(side.runs.len());
    for run in side.runs {
        let broken = |why: String| format!("`{}`, run {}: {why}", side.name, run.id);
        let tick = instant("tick", &run.tick).map_err(broken)?;
        let sample = Sample::of(run).map_err(broken)?;
        let name = (run.probe.clone(), run.route.clone(), run.input.clone());
        let newest = latest
            .entry(name.clone())
            .or_insert_with(|| (tick, run.revision.clone()));
        if tick >= newest.0 {
            *newest = (tick, run.revision.clone());
        }
        read.push((name, tick, &run.revision, sample));
    }
    let mut sets: BTreeMap<Name, Set> = BTreeMap::new();
    for (name, tick, revision, sample) in read {
        let current = latest.get(&name).is_some_and(|(_, of)| of == revision);
        let set = sets.entry(name).or_default();
        let since = set.revisions.entry(revision.clone()).or_insert(tick);
        *since = tick.max(*since);
        match (current, sample.observed()) {
            (false, _) => set.others += 1,
            (true, false) => set.unobserved += 1,
            (true, true) => set.seen.push(sample),
        }
    }
    Ok(sets)
}

impl Set {
    pub(super) fn runs(&self) -> u64 {
        self.seen.len() as u64
    }

    /// The latest revision: the one that is compared.
    pub(super) fn revision(&self) -> Option<&str> {
        let latest = self.revisions.iter().max_by_key(|(_, last)| **last)?;
        Some(latest.0)
    }

    pub(super) fn median(&self) -> Option<f64> {
        let mut median = super::median::Median::default();
        self.seen.iter().for_each(|sample| median.add(sample.wait.hi));
        median.value()
    }
}

pub(super) fn one_probe(common: &[&Name]) -> Option<String> {
    let first = &common.first()?.0;
    common.iter().all(|name| name.0 == *first).then(|| first.clone())
}

fn shown((probe, route, input): &Name) -> String {
    if input == "default" {
        format!("{probe}/{route}")
    } else {
        format!("{probe}/{route}/{input}")
    }
}

/// Different definitions are said, never mixed silently.
pub(super) fn revisions(name: &Name, (first, a): (&str, &Set), (second, b): (&str, &Set)) -> Vec<String> {
    let mut notes = Vec::new();
    for (file, set) in [(first, a), (second, b)] {
        if set.others > 0 {
            notes.push(format!(
                "`{file}` holds {} revisions of {}: only the latest counts, {} runs of others do not",
                set.revisions.len(),
                shown(name),
                set.others
            ));
        }
    }
    if let (Some(a), Some(b)) = (a.revision(), b.revision())
        && a != b
    {
        let name = shown(name);
        notes.push(format!(
            "{name} was defined otherwise in each: revision {a} in `{first}`, {b} in `{second}`"
        ));
    }
    notes
}

pub(super) fn only_in(
    first: Side<'_>,
    second: Side<'_>,
    a: &BTreeMap<Name, Set>,
    b: &BTreeMap<Name, Set>,
) -> Vec<String> {
    let mut notes = Vec::new();
    for (side, here, there) in [(first, a, b), (second, b, a)] {
        let names: Vec<String> = here
            .keys()
            .filter(|name| !there.contains_key(*name))
            .map(shown)
            .collect();
        if !names.is_empty() {
            let file = side.name;
            notes.push(format!(
                "only in `{file}`, and not compared: {}",
                names.join(", ")
            ));
        }
    }
    notes
}

pub(super) fn nothing_common(
    first: Side<'_>,
    second: Side<'_>,
    a: &BTreeMap<Name, Set>,
    b: &BTreeMap<Name, Set>,
) -> String {
    for (side, sets) in [(first, a), (second, b)] {
        if sets.is_empty() {
            return format!("`{}` holds no runs to compare", side.name);
        }
    }
    let list = |sets: &BTreeMap<Name, Set>| sets.keys().map(shown).collect::<Vec<_>>().join(", ");
    format!(
        "no probe, route and input is in both: `{}` has {}; `{}` has {}",
        first.name,
        list(a),
        second.name,
        list(b)
    )
}
