//! When to say something: a pure function of the state, what happened, and the time (statistics.md section 4).
//!
//! Two things are kept apart. What *is*: the rules that each series breaks now ([`Series::broken`]). What was *told*:
//! one [`Episode`] a probe and topic, so that one outage is one alert with the routes inside. After each step both are
//! compared, and the difference is what is decided.

mod series;
mod spans;
#[cfg(test)]
mod tests;
mod told;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::evidence::Evidence;
use super::policy::{Rule, Rules, Topic};
use crate::model::{Class, Moment, RunRecord, SkipReason, SkipRecord};
use crate::stats::alerting;

pub(super) use series::rank;
pub use series::{Broken, Series};
use told::Story;
pub use told::{Decision, Episode, Event, Member};

use series::{Seen, Taken};

/// Why a tick that should have fired could not: landfall was blind to what it would have told.
const OWN_FAULT: [SkipReason; 4] = [
    SkipReason::ArmFailed,
    SkipReason::Store,
    SkipReason::LateStart,
    SkipReason::Render,
];
/// Why a tick should not fire here and now: no data is to be expected.
const EXCUSED: [SkipReason; 5] = [
    SkipReason::Maintenance,
    SkipReason::Paused,
    SkipReason::Limit,
    SkipReason::Claimed,
    SkipReason::Stopped,
];
/// Outcomes told at once that are remembered so as not to tell them again; beyond that the oldest is forgotten.
const DAMPED: usize = 256;

/// What alerting knows of one probe. It survives a restart.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    /// By route and input. Boxed: the map makes room for eleven at a time, and most probes have one.
    #[serde(skip)]
    pub series: BTreeMap<String, Box<Series>>,
    outcome: Story,
    sight: Story,
    /// Outcomes that were told at once, until when they are not told again.
    damped: BTreeMap<String, Moment>,
}

/// What happened.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// A run has closed, or its verdict has changed. Its tick, exactly.
    Run(Moment, &'a RunRecord),
    /// A tick did not fire.
    Skip(&'a SkipRecord),
    /// Time passed; since when the probe is watched without a break.
    Time(Moment),
}

/// Whether nothing is to be told of a route now.
pub type Quiet<'a> = &'a dyn Fn(&str) -> bool;

/// Takes one thing that happened; what is to be told.
pub fn step(
    state: &mut State,
    rules: &Rules,
    now: Moment,
    input: Input<'_>,
    quiet: Quiet<'_>,
) -> Vec<Decision> {
    match input {
        Input::Run(tick, record) => state.run(rules, now, tick, record),
        Input::Skip(skip) => state.skip(rules, now, skip),
        Input::Time(watching) => {
            for series in state.series.values_mut() {
                series.silent(rules, now, watching);
            }
        }
    }
    state.settle(rules, now, quiet)
}

/// The name of a series in the state. Names of routes and inputs hold no slash.
#[must_use]
pub fn key(route: &str, input: &str) -> String {
    format!("{route}/{input}")
}

impl State {
    /// Makes the series of a probe known, so that one that never gives data is missed, and forgets those that are gone.
    pub fn expect<'a>(&mut self, series: impl IntoIterator<Item = (&'a str, &'a str)>) {
        let mut old = std::mem::take(&mut self.series);
        for (route, input) in series {
            let key = key(route, input);
            let kept = old
                .remove(&key)
                .unwrap_or_else(|| Box::new(Series::new(route, input)));
            self.series.insert(key, kept);
        }
    }

    /// Whether a record has been taken already, or is older than what could be told.
    #[must_use]
    pub fn knows(&self, tick: Moment, record: &RunRecord) -> bool {
        let series = self.series.get(&key(&record.route, &record.input));
        series.is_some_and(|s| {
            s.knows(tick, record.class) || s.complete_since().is_some_and(|since| tick < since)
        })
    }

    /// From which tick on the store has to be read to catch up with what was missed.
    #[must_use]
    pub fn catch_up_from(&self) -> Option<Moment> {
        self.series
            .values()
            .filter_map(|series| series.complete_since())
            .min()
    }

    /// The open alerts that were told, or are about to be.
    pub fn open(&self) -> impl Iterator<Item = (Topic, &Episode)> {
        [(Topic::Outcome, &self.outcome), (Topic::Sight, &self.sight)]
            .into_iter()
            .filter_map(|(topic, story)| Some((topic, story.episode.as_ref()?)))
    }

    fn run(&mut self, rules: &Rules, now: Moment, tick: Moment, record: &RunRecord) {
        let fingerprint = fingerprint(record);
        let damped = self.damped.get(&fingerprint).is_some_and(|until| now < *until);
        let series = self
            .series
            .entry(key(&record.route, &record.input))
            .or_insert_with(|| Box::new(Series::new(&record.route, &record.input)));
        let before = series.broken.get(&Rule::AtOnce).map(|b| b.opened);
        let known = series.knows(tick, record.class);
        let seen = Seen {
            tick,
            class: record.class,
            wait: record.layers.outcome.seconds.as_ref().map(|s| s.1),
            damped,
        };
        let taken = series.take(rules, now, &seen);
        if rules.bad(record.class) == Some(true) && (taken == Taken::New || !known) {
            series.evidence = Some(Box::new(Evidence::of(record)));
        }
        let opened = series.broken.get(&Rule::AtOnce).map(|b| b.opened);
        if opened.is_some() && opened != before {
            self.damp(fingerprint, now);
        }
    }

    fn skip(&mut self, rules: &Rules, now: Moment, skip: &SkipRecord) {
        let Some(series) = self.series.get_mut(&key(&skip.route, &skip.input)) else {
            return;
        };
        if OWN_FAULT.contains(&skip.reason) {
            series.missed(rules, now);
        } else if EXCUSED.contains(&skip.reason) {
            series.excused = Some(now);
        }
    }

    fn damp(&mut self, fingerprint: String, now: Moment) {
        self.damped.retain(|_, until| *until > now);
        let until = now.after(std::time::Duration::from_secs_f64(alerting::REPEAT_AFTER));
        self.damped.insert(fingerprint, until);
        while self.damped.len() > DAMPED {
            let oldest = self.damped.iter().min_by_key(|(_, until)| **until);
            let Some(key) = oldest.map(|(key, _)| key.clone()) else {
                return;
            };
            self.damped.remove(&key);
        }
    }

    fn settle(&mut self, rules: &Rules, now: Moment, quiet: Quiet<'_>) -> Vec<Decision> {
        let mut decisions = Vec::new();
        self.outcome
            .settle(Topic::Outcome, &self.series, rules, now, quiet, &mut decisions);
        self.sight
            .settle(Topic::Sight, &self.series, rules, now, quiet, &mut decisions);
        decisions
    }
}

/// What 'the same outcome' is for telling it once a day.
fn fingerprint(record: &RunRecord) -> String {
    let outcome = record.fingerprint.as_deref().unwrap_or_default();
    let class: Class = record.class;
    format!("{}/{}/{}/{outcome}", record.route, record.input, class.word())
}
