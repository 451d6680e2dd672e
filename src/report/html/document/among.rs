//! The runs of a file, as those around one are looked for among them.

use std::collections::BTreeMap;

use crate::model::{Class, RunRecord};
use crate::report::around::Neighbours;
use crate::report::twins::{Chosen, RECENT, Twins, other_route, twins};

/// The runs of each probe in the order of their ticks.
pub(super) struct Among<'a>(BTreeMap<&'a str, Vec<&'a RunRecord>>);

impl<'a> Among<'a> {
    /// Of runs in the order of their ticks.
    pub(super) fn new(runs: impl Iterator<Item = &'a RunRecord>) -> Self {
        let mut of: BTreeMap<&str, Vec<&RunRecord>> = BTreeMap::new();
        for run in runs {
            of.entry(&run.probe).or_default().push(run);
        }
        Self(of)
    }

    /// The runs around one.
    pub(super) fn neighbours(&self, run: &RunRecord) -> Neighbours {
        Neighbours::among(run, self.of_probe(run).iter().copied())
    }

    /// The run that tells most of one: the other route at the same tick, else the last good run before it on the same route,
    /// else the first good one after it.
    pub(super) fn twin(&self, run: &RunRecord) -> Option<(&'a RunRecord, Chosen)> {
        let all = self.of_probe(run);
        let at_tick = || all.iter().filter(|o| o.tick == run.tick && o.input == run.input);
        let best = other_route(run, at_tick().map(|o| (o.id, o.route.as_str(), o.class)));
        if let Some(twin) = at_tick().find(|other| Some(other.id) == best) {
            return Some((twin, Chosen::OtherRoute));
        }
        let before = self.good(run).rev().find(|other| other.tick < run.tick);
        if let Some(twin) = before {
            return Some((twin, Chosen::LastGood));
        }
        self.good(run).next().map(|twin| (twin, Chosen::NearestGood))
    }

    /// It beside its twin.
    pub(super) fn twins(&self, run: &RunRecord) -> Option<Twins> {
        let (twin, chosen) = self.twin(run)?;
        Some(twins(
            run,
            twin,
            chosen,
            self.good(run).rev().take(RECENT as usize),
        ))
    }

    /// The others on the same route with the same input that were delivered.
    fn good(&self, run: &RunRecord) -> impl DoubleEndedIterator<Item = &'a RunRecord> {
        let leg = (run.route.clone(), run.input.clone(), run.id);
        self.of_probe(run).iter().copied().filter(move |other| {
            other.class == Class::Delivered
                && (&other.route, &other.input) == (&leg.0, &leg.1)
                && other.id != leg.2
        })
    }

    fn of_probe(&self, run: &RunRecord) -> &[&'a RunRecord] {
        self.0.get(run.probe.as_str()).map_or(&[], Vec::as_slice)
    }
}
