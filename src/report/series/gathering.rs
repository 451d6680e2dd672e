//! Runs taken in one by one, and what becomes of them.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;

use super::changes::{Compared, Place, changes, of_rows};
use super::figures::series;
use super::objective::judge;
use super::routes::routes;
use super::rows::{Rows, key};
use super::{DefinitionFigures, MOST_RUNS, Objective, ProbeFigures, SeriesFigures, SeriesKey, words};
use crate::model::{Ending, Moment, SkipReason, SkipRecord, SkipSpan};

/// Runs of a window, gathered in the order of their ticks, and the ticks that did not fire.
#[derive(Clone, Debug, Default)]
pub struct Gathering {
    series: BTreeMap<SeriesKey, Rows>,
    runs: u64,
    skips: Skips,
}

/// Ticks that did not fire, by probe, route and input.
#[derive(Clone, Debug, Default)]
pub(super) struct Skips(BTreeMap<(String, String, String), BTreeMap<SkipReason, u64>>);

/// Ticks of a route and input that did not fire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SkipFigures {
    /// The route's name.
    pub route: String,
    /// The input's name.
    pub input: String,
    /// How many.
    pub ticks: u64,
    /// Of these the ones that nobody meant to leave out: all but paused, in maintenance, or claimed by another.
    pub unintended: u64,
    /// By reason.
    pub reasons: BTreeMap<SkipReason, u64>,
}

/// The first and the last tick of a definition, and its runs.
type Known = (Option<(Moment, Moment)>, u64);

impl Gathering {
    /// Takes a run in. False where the gathering is full ([`MOST_RUNS`]) and the run was not taken.
    #[must_use]
    pub fn add(&mut self, mut ending: Ending) -> bool {
        if self.runs >= MOST_RUNS {
            return false;
        }
        self.runs += 1;
        let key = key(&mut ending);
        self.series.entry(key).or_default().add(&ending);
        true
    }

    /// Takes a skipped tick in.
    pub fn skip(&mut self, skip: &SkipRecord) {
        self.skips.add(skip);
    }

    /// Takes in what lies of a span of skips in `since <= t < until`.
    pub fn span(&mut self, span: &SkipSpan, since: Option<Moment>, until: Moment) {
        self.skips.span(span, since, until);
    }

    /// Runs that were taken in.
    #[must_use]
    pub const fn runs(&self) -> u64 {
        self.runs
    }

    /// The figures by probe, the worst first; `objectives` by the names of probes; `before` is the window to be compared
    /// with.
    #[must_use]
    pub fn figures(
        &self,
        objectives: &BTreeMap<String, Objective>,
        before: Option<&Self>,
    ) -> Vec<ProbeFigures> {
        let names = self.series.keys().map(|key| key.probe.as_str());
        let names: BTreeSet<&str> = names.chain(self.skips.probes()).collect();
        let one = |probe: &str| {
            let figures = |(key, rows): (&SeriesKey, &Rows)| {
                let (skipped, due) = (self.skips.unintended(key), self.due(key));
                series(key, rows, skipped, due)
            };
            let mut found = ProbeFigures {
                definitions: self.definitions(probe),
                series: self
                    .series
                    .iter()
                    .filter(|(key, _)| key.probe == probe)
                    .map(figures)
                    .collect(),
                skips: self.skips.figures(probe),
                routes: routes(&self.series, probe),
                ..empty(probe)
            };
            if let Some(before) = before {
                let (now, then) = (of_rows(&self.series, probe), of_rows(&before.series, probe));
                compared(&mut found, &now, &then);
            }
            finish(&mut found, objectives.get(probe));
            found
        };
        let mut all: Vec<ProbeFigures> = names.into_iter().map(one).collect();
        all.sort_by(|a, b| worst(a).total_cmp(&worst(b)));
        all
    }

    /// Runs of the route and input, whatever the definition, and skips.
    fn due(&self, of: &SeriesKey) -> u64 {
        let same =
            |key: &SeriesKey| (&key.probe, &key.route, &key.input) == (&of.probe, &of.route, &of.input);
        let series = self.series.iter().filter(|(key, _)| same(key));
        series.map(|(_, rows)| rows.runs()).sum::<u64>() + self.skips.unintended(of)
    }

    fn definitions(&self, probe: &str) -> Vec<DefinitionFigures> {
        let mut found: BTreeMap<&str, Known> = BTreeMap::new();
        for (key, rows) in self.series.iter().filter(|(key, _)| key.probe == probe) {
            let entry = found.entry(&key.revision).or_default();
            entry.1 += rows.runs();
            entry.0 = match (entry.0, rows.ticks) {
                (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
                (a, b) => a.or(b),
            };
        }
        let mut found: Vec<_> = found.into_iter().collect();
        // By the last tick: the definition in force is the last.
        found.sort_by_key(|(_, (ticks, _))| ticks.map(|(first, last)| (last, first)));
        let one = |(revision, (ticks, runs)): (&str, Known)| DefinitionFigures {
            revision: revision.to_owned(),
            first: ticks.map(|ticks| ticks.0.to_rfc3339()),
            last: ticks.map(|ticks| ticks.1.to_rfc3339()),
            runs,
        };
        found.into_iter().map(one).collect()
    }
}

impl Skips {
    pub(super) fn add(&mut self, skip: &SkipRecord) {
        self.count((&skip.probe, &skip.route, &skip.input), skip.reason, 1);
    }

    pub(super) fn span(&mut self, span: &SkipSpan, since: Option<Moment>, until: Moment) {
        let ticks = ticks_within(span, since, until);
        self.count((&span.probe, &span.route, &span.input), span.reason, ticks);
    }

    fn count(&mut self, of: (&str, &str, &str), reason: SkipReason, ticks: u64) {
        let of = (of.0.to_owned(), of.1.to_owned(), of.2.to_owned());
        if ticks > 0 {
            *self.0.entry(of).or_default().entry(reason).or_default() += ticks;
        }
    }

    pub(super) fn probes(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(|(probe, ..)| probe.as_str())
    }

    /// Ticks of the series' route and input that should have fired.
    pub(super) fn unintended(&self, key: &SeriesKey) -> u64 {
        let of = (key.probe.clone(), key.route.clone(), key.input.clone());
        self.0.get(&of).map_or(0, unintended)
    }

    pub(super) fn figures(&self, probe: &str) -> Vec<SkipFigures> {
        let of = self.0.iter().filter(|((name, ..), _)| name == probe);
        let one = |((_, route, input), reasons): (&(String, String, String), &BTreeMap<SkipReason, u64>)| {
            SkipFigures {
                route: route.clone(),
                input: input.clone(),
                ticks: reasons.values().sum(),
                unintended: unintended(reasons),
                reasons: reasons.clone(),
            }
        };
        of.map(one).collect()
    }
}

fn unintended(reasons: &BTreeMap<SkipReason, u64>) -> u64 {
    let meant = [SkipReason::Paused, SkipReason::Maintenance, SkipReason::Claimed];
    let others = reasons.iter().filter(|(reason, _)| !meant.contains(reason));
    others.map(|(_, ticks)| ticks).sum()
}

/// How many ticks of a span lie in the window, as if they were evenly spread.
fn ticks_within(span: &SkipSpan, since: Option<Moment>, until: Moment) -> u64 {
    let from = since.map_or(span.first, |since| since.max(span.first));
    let to = span.last.min(Moment(until.0.saturating_sub(1)));
    let long = i128::from(span.last.0) - i128::from(span.first.0);
    if from > to {
        return 0;
    }
    if span.ticks < 2 || long <= 0 {
        return span.ticks;
    }
    // Tick k of 0 to n - 1 is at first + k * long / (n - 1).
    let steps = i128::from(span.ticks - 1);
    let after = |at: Moment| (i128::from(at.0) - i128::from(span.first.0)) * steps;
    let first = (after(from) + long - 1).div_euclid(long);
    let last = after(to).div_euclid(long);
    u64::try_from(last - first + 1).unwrap_or(0).min(span.ticks)
}

pub(super) fn empty(probe: &str) -> ProbeFigures {
    ProbeFigures {
        probe: probe.to_owned(),
        definitions: Vec::new(),
        series: Vec::new(),
        skips: Vec::new(),
        routes: Vec::new(),
        changes: Vec::new(),
        objectives: Vec::new(),
        separates: None,
        notes: Vec::new(),
    }
}

/// Adds the comparison of two windows.
pub(super) fn compared(
    found: &mut ProbeFigures,
    now: &BTreeMap<Place, Compared>,
    before: &BTreeMap<Place, Compared>,
) {
    found.changes = changes(now, before);
    let missing = now.keys().filter(|place| !before.contains_key(*place));
    for (route, input, _) in missing {
        let name = words::place(route, input, "");
        found.notes.push(format!(
            "{name} has no run in the other window: nothing to compare it with"
        ));
    }
}

/// Puts the worst first, judges by the objective, and says what has to be known.
pub(super) fn finish(found: &mut ProbeFigures, objective: Option<&Objective>) {
    let current = found.definitions.last().map(|last| last.revision.clone());
    let past = |series: &SeriesFigures| series.revision != current;
    found.series.sort_by(|a, b| {
        (past(a), share(a))
            .partial_cmp(&(past(b), share(b)))
            .unwrap_or(std::cmp::Ordering::Equal)
    });
    if let Some(objective) = objective {
        let of = found
            .series
            .iter()
            .filter(|series| series.revision.is_none() || !past(series));
        found.objectives = of.map(|series| judge(series, objective)).collect();
    }
    if found.definitions.len() > 1 {
        found.notes.insert(0, words::pool(&found.definitions));
    }
}

/// What is not known comes before what is bad.
fn share(series: &SeriesFigures) -> f64 {
    series.on_time.share.unwrap_or(-1.0)
}

fn worst(probe: &ProbeFigures) -> f64 {
    probe.series.first().map_or(2.0, share)
}
