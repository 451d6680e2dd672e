//! Hourly roll-ups of one machine or of several, and what can still be said of their runs.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::changes::{Compared, Place};
use super::consistency::{ConsistencyFigures, LayerScore, drops_at, share};
use super::figures::{clumping_by_hour, counted};
use super::gathering::{Skips, compared, empty, finish};
use super::latency::{LayersFigures, rolled_layer, rolled_times, rolled_wait};
use super::{DefinitionFigures, Objective, ProbeFigures, SeriesFigures, SeriesKey, Share};
use crate::model::{Class, Moment, Rollup, SkipRecord, SkipSpan};
use crate::stats::CONFIDENCE;
use crate::stats::consistency::{consistency, score_of};
use crate::stats::layers::{content_looks_volatile, content_varies};

/// Endings that are not kept by name make so many groups at the most.
const ALONE: u64 = 1_000_000;

/// Roll-ups, merged by probe, route and input.
#[derive(Clone, Debug, Default)]
pub struct Rolled {
    series: BTreeMap<(String, String, String), Merged>,
    skips: Skips,
}

#[derive(Clone, Debug)]
struct Merged {
    all: Rollup,
    /// The end of the last hour.
    end: Moment,
    /// Delivered and observed runs of each hour.
    hours: BTreeMap<Moment, (u64, u64)>,
}

impl Rolled {
    /// Takes an hour in.
    pub fn add(&mut self, rollup: &Rollup) {
        let of = |class| rollup.classes.get(&class).copied().unwrap_or(0);
        let counts = (of(Class::Delivered), rollup.runs() - of(Class::Unobserved));
        let end = Rollup::next_hour(rollup.hour);
        let key = (rollup.probe.clone(), rollup.route.clone(), rollup.input.clone());
        let merged = self.series.entry(key).or_insert_with(|| Merged {
            all: Rollup::empty(rollup.hour, &rollup.probe, &rollup.route, &rollup.input),
            end,
            hours: BTreeMap::new(),
        });
        merged.all.merge(rollup);
        merged.end = merged.end.max(end);
        let hour = merged.hours.entry(rollup.hour).or_default();
        *hour = (hour.0 + counts.0, hour.1 + counts.1);
    }

    /// Takes a skipped tick in.
    pub fn skip(&mut self, skip: &SkipRecord) {
        self.skips.add(skip);
    }

    /// Takes in what lies of a span of skips in `since <= t < until`.
    pub fn span(&mut self, span: &SkipSpan, since: Option<Moment>, until: Moment) {
        self.skips.span(span, since, until);
    }

    /// The same with all inputs of a route as one, called nothing, and without skips. How consistently runs end is not to
    /// be read from it: that is of one input each.
    #[must_use]
    pub fn of_routes(&self) -> Self {
        let mut routes: BTreeMap<(String, String, String), Merged> = BTreeMap::new();
        for ((probe, route, _), merged) in &self.series {
            let key = (probe.clone(), route.clone(), String::new());
            match routes.entry(key) {
                Entry::Vacant(first) => {
                    let mut merged = merged.clone();
                    merged.all.input.clear();
                    first.insert(merged);
                }
                Entry::Occupied(mut known) => {
                    let known = known.get_mut();
                    known.all.merge(&merged.all);
                    known.end = known.end.max(merged.end);
                    for (hour, (good, runs)) in &merged.hours {
                        let counts = known.hours.entry(*hour).or_default();
                        *counts = (counts.0 + good, counts.1 + runs);
                    }
                }
            }
        }
        Self {
            series: routes,
            skips: Skips::default(),
        }
    }

    /// The figures by probe, the worst first; see [`super::Gathering::figures`].
    #[must_use]
    pub fn figures(
        &self,
        objectives: &BTreeMap<String, Objective>,
        before: Option<&Self>,
    ) -> Vec<ProbeFigures> {
        let mut probes: BTreeMap<&str, Vec<&Merged>> = BTreeMap::new();
        for probe in self.skips.probes() {
            probes.entry(probe).or_default();
        }
        for ((probe, ..), merged) in &self.series {
            probes.entry(probe).or_default().push(merged);
        }
        let one = |(probe, series): (&str, Vec<&Merged>)| {
            let mut found = ProbeFigures {
                definitions: definitions(&series),
                series: series.iter().map(|merged| self.one(merged)).collect(),
                skips: self.skips.figures(probe),
                ..empty(probe)
            };
            if found.series.iter().any(|series| series.revision.is_none()) {
                found.notes.push(String::from(
                    "these hours do not tell the runs of one definition from those of another: their figures are of all of them",
                ));
            }
            if let Some(before) = before {
                compared(&mut found, &self.compared(probe), &before.compared(probe));
            }
            finish(&mut found, objectives.get(probe));
            found
        };
        probes.into_iter().map(one).collect()
    }

    fn one(&self, merged: &Merged) -> SeriesFigures {
        let all = &merged.all;
        let key = SeriesKey {
            probe: all.probe.clone(),
            route: all.route.clone(),
            input: all.input.clone(),
            ..SeriesKey::default()
        };
        let skipped = self.skips.unintended(&key);
        let hours: Vec<(u64, u64)> = merged.hours.values().copied().collect();
        let clumping = clumping_by_hour(&hours);
        SeriesFigures {
            revision: revision(all),
            first: all.hour.to_rfc3339(),
            last: merged.end.to_rfc3339(),
            consistency: consistent(all),
            layers: LayersFigures {
                accepted: rolled_layer(&all.accepted),
                executed: rolled_layer(&all.executed),
                outcome: rolled_layer(&all.outcome),
            },
            wait: rolled_wait(&all.outcome, all.watched),
            lag: rolled_times(&all.lag),
            ..counted(
                &key,
                (&all.classes, &all.flags),
                (all.judged, all.silent),
                (skipped, all.runs() + skipped),
                clumping,
            )
        }
    }

    fn compared(&self, probe: &str) -> BTreeMap<Place, Compared> {
        let of = self.series.iter().filter(|((name, ..), _)| name == probe);
        of.map(|((_, route, input), merged)| {
            let figures = self.one(merged);
            let compared = Compared {
                unobserved: figures.unobserved,
                side: super::Side {
                    revision: figures.revision,
                    runs: figures.runs,
                    left_out: 0,
                    on_time: Share::of(figures.on_time.count, figures.on_time.of),
                    silent_failures: figures.silent_failures,
                },
                outcome: None,
            };
            ((route.clone(), input.clone(), String::new()), compared)
        })
        .collect()
    }
}

/// The definition of all the runs, where it is one.
fn revision(all: &Rollup) -> Option<String> {
    let (revision, runs) = all.revisions.iter().next()?;
    (*runs == all.runs()).then(|| revision.clone())
}

fn definitions(series: &[&Merged]) -> Vec<DefinitionFigures> {
    let mut found: BTreeMap<&String, u64> = BTreeMap::new();
    for (revision, runs) in series.iter().flat_map(|merged| &merged.all.revisions) {
        *found.entry(revision).or_default() += runs;
    }
    let one = |(revision, runs): (&String, u64)| DefinitionFigures {
        revision: revision.clone(),
        first: None,
        last: None,
        runs,
    };
    found.into_iter().map(one).collect()
}

/// By the endings on record; of older roll-ups, which have none, by the classes alone.
fn consistent(all: &Rollup) -> Option<ConsistencyFigures> {
    let observed = all.runs() - all.classes.get(&Class::Unobserved).copied().unwrap_or(0);
    let told: u64 = all.endings.values().sum::<u64>() + all.other_endings;
    let endings: BTreeMap<String, u64> = if told == observed {
        all.endings.clone()
    } else {
        let seen = all
            .classes
            .iter()
            .filter(|(class, _)| **class != Class::Unobserved);
        seen.map(|(class, runs)| (class.word().to_owned(), *runs))
            .collect()
    };
    let other = if told == observed { all.other_endings } else { 0 };
    let coarse = counts(endings.values(), other);
    let coarse_score = score_of(&coarse).ok()?;
    let printed: u64 = all.fingerprints.values().sum::<u64>() + all.other_fingerprints;
    let strict = match printed >= observed {
        true => counts(all.fingerprints.values(), all.other_fingerprints),
        false => coarse.clone(),
    };
    let found = consistency(&strict, CONFIDENCE).ok()?;
    let (usual, most) = endings
        .iter()
        .max_by_key(|(words, runs)| (**runs, std::cmp::Reverse(*words)))?;
    let mut layers = if told == observed && other == 0 {
        along(&endings)
    } else {
        Vec::new()
    };
    let score = found.score.min(coarse_score);
    if printed >= observed && !layers.is_empty() {
        layers.push(LayerScore {
            layer: String::from("content"),
            score,
        });
    }
    let shown = found.shown();
    Some(ConsistencyFigures {
        runs: found.runs,
        score,
        lower: shown.map(|bounds| bounds.lower),
        upper: shown.map(|bounds| bounds.upper),
        coarse: coarse_score,
        usual: Rollup::layers_of(usual).join(", "),
        usual_share: share(*most, found.runs),
        endings: coarse.len() as u64,
        endings_with_content: strict.len() as u64,
        differs_one_in: found.differs_one_in,
        drops_at: drops_at(&layers),
        layers,
        content_varies: content_varies(coarse_score, score),
        content_looks_volatile: content_looks_volatile(found.runs, coarse_score, strict.len() as u64),
    })
}

/// Counts of what is kept by name, and of what is not: these as if each, or each few of very many, were alone, so that
/// no agreement is claimed that nobody knows of.
fn counts<'a>(named: impl Iterator<Item = &'a u64>, other: u64) -> Vec<u64> {
    let groups = other.min(ALONE);
    let each = |place: u64| other / groups + u64::from(place < other % groups);
    let mut all: Vec<u64> = named.copied().chain((0..groups).map(each)).collect();
    all.sort_unstable_by(|a, b| b.cmp(a));
    all
}

fn along(endings: &BTreeMap<String, u64>) -> Vec<LayerScore> {
    let executes = endings.keys().any(|words| !Rollup::layer_of(words, 1).is_empty());
    let mut scores = Vec::new();
    for (place, name) in ["accepted", "executed", "outcome"].into_iter().enumerate() {
        let mut joint: BTreeMap<Vec<&str>, u64> = BTreeMap::new();
        for (words, runs) in endings {
            let upto = (0..=place).map(|place| Rollup::layer_of(words, place));
            *joint.entry(upto.collect()).or_default() += runs;
        }
        if let (Ok(score), true) = (score_of(&counts(joint.values(), 0)), place != 1 || executes) {
            scores.push(LayerScore {
                layer: name.to_owned(),
                score,
            });
        }
    }
    scores
}
