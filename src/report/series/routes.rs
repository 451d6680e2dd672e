//! Routes beside each other: the same input, at the same ticks.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use schemars::JsonSchema;
use serde::Serialize;

use super::SeriesKey;
use super::rows::Rows;
use crate::model::Moment;
use crate::stats::CONFIDENCE;
use crate::stats::agreement::route_agreement;
use crate::stats::divergence::{Divergence, divergence};
use crate::stats::layers::VOLATILE_RUNS;

/// Of so many routes each pair is compared; of more, those pairs alone that have the first of them.
const ALL_PAIRS: usize = 12;

/// Routes that got the same input at the same ticks, at one location and by one definition.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct RoutesFigures {
    /// The input's name.
    pub input: String,
    /// Where landfall ran.
    pub location: String,
    /// Digest of the definition.
    pub revision: String,
    /// The routes, by name.
    pub routes: Vec<String>,
    /// Ticks at which every one of them was observed.
    pub ticks: u64,
    /// Ticks left out, since a route did not fire or was not observed.
    pub left_out: u64,
    /// Whether endings were compared with their content. Not where the content looks volatile: then no two runs agree.
    pub with_content: bool,
    /// The mean over ticks of the share of pairs of routes that ended alike; null without a tick.
    pub agreement: Option<f64>,
    /// The lower limit of its 95 % interval.
    pub lower: Option<f64>,
    /// The upper limit.
    pub upper: Option<f64>,
    /// Pairs of routes; of more than twelve routes only those with the first.
    pub pairs: Vec<PairFigures>,
}

/// Two routes.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct PairFigures {
    /// The one.
    pub first: String,
    /// The other.
    pub second: String,
    /// Ticks at which both were observed.
    pub ticks: u64,
    /// How far they differ in how they end, the noise of each taken out: half of the sum of squared differences of the
    /// chances of each ending. May come out slightly below zero where they do not differ.
    pub divergence: f64,
    /// The chance of so great a difference if the routes' names could be exchanged within each tick.
    pub p: f64,
    /// The share of ticks on which both ended alike.
    pub same_tick: f64,
    /// The share of pairs of runs of different ticks that ended alike.
    pub across: f64,
    /// `same_tick` less `across`: above zero they fail together, for a cause that both have.
    pub shared_fate: f64,
}

/// Endings of one input, location and definition by tick.
type Group<'a> = BTreeMap<&'a str, &'a Rows>;

/// The figures of all routes of a probe.
pub(super) fn routes(series: &BTreeMap<SeriesKey, Rows>, probe: &str) -> Vec<RoutesFigures> {
    let mut groups: BTreeMap<(&str, &str, &str), Group<'_>> = BTreeMap::new();
    for (key, rows) in series.iter().filter(|(key, _)| key.probe == probe) {
        let group = (key.input.as_str(), key.location.as_str(), key.revision.as_str());
        groups.entry(group).or_default().insert(&key.route, rows);
    }
    groups
        .into_iter()
        .filter(|(_, group)| group.len() > 1)
        .map(|((input, location, revision), group)| {
            let mut figures = beside(&group);
            input.clone_into(&mut figures.input);
            location.clone_into(&mut figures.location);
            revision.clone_into(&mut figures.revision);
            figures
        })
        .collect()
}

fn beside(group: &Group<'_>) -> RoutesFigures {
    let volatile = |rows: &&Rows| {
        let (distinct, runs) = (
            rows.endings.strict.len() as u64,
            rows.endings.by_tick.len() as u64,
        );
        runs >= VOLATILE_RUNS && distinct > runs / 2
    };
    let with_content = !group.values().any(volatile);
    let mut ticks: BTreeMap<Moment, Vec<Option<u64>>> = BTreeMap::new();
    for (place, rows) in group.values().enumerate() {
        for (tick, coarse, strict) in &rows.endings.by_tick {
            let endings = ticks.entry(*tick).or_insert_with(|| vec![None; group.len()]);
            endings[place] = Some(if with_content { *strict } else { *coarse });
        }
    }
    let whole: Vec<Vec<u64>> = ticks
        .values()
        .filter_map(|endings| endings.iter().copied().collect())
        .collect();
    let agreement = route_agreement(&whole, CONFIDENCE).ok();
    let names: Vec<&str> = group.keys().copied().collect();
    let mut pairs = Vec::new();
    for first in 0..names.len() {
        for second in first + 1..names.len() {
            if first == 0 || names.len() <= ALL_PAIRS {
                let both = ticks.values().filter_map(|e| e[first].zip(e[second]));
                let both: Vec<(u64, u64)> = both.collect();
                let found = divergence(&both, seed(names[first], names[second])).ok();
                pairs.extend(found.map(|found| pair(names[first], names[second], &found)));
            }
        }
    }
    RoutesFigures {
        input: String::new(),
        location: String::new(),
        revision: String::new(),
        routes: names.into_iter().map(str::to_owned).collect(),
        ticks: whole.len() as u64,
        left_out: (ticks.len() - whole.len()) as u64,
        with_content,
        agreement: agreement.map(|a| a.score),
        lower: agreement.map(|a| a.bounds.lower),
        upper: agreement.map(|a| a.bounds.upper),
        pairs,
    }
}

/// The same routes are swapped in the same way each time, so that a report of the same runs is the same.
fn seed(first: &str, second: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (first, second).hash(&mut hasher);
    hasher.finish()
}

fn pair(first: &str, second: &str, found: &Divergence) -> PairFigures {
    PairFigures {
        first: first.to_owned(),
        second: second.to_owned(),
        ticks: found.ticks,
        divergence: found.divergence,
        p: found.p,
        same_tick: found.same_tick,
        across: found.across,
        shared_fate: found.shared_fate,
    }
}
