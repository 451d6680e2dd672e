//! The runs of a comparison that is fired, in case a route does worse: then one asks what its bad runs have in common.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::compare::Comparison;
use crate::model::{Fault, Mark, RunId, RunRecord};
use crate::report::compare::{Explained, Inquiry};

/// So many runs are held; causes are looked for in these.
const MOST: usize = 20_000;

/// Runs that were looked at.
#[derive(Default)]
pub(super) struct Held {
    runs: BTreeMap<RunId, Arc<RunRecord>>,
    more: u64,
}

impl Held {
    /// Holds a run, or its amended record.
    pub(super) fn take(&mut self, run: Arc<RunRecord>) {
        if self.runs.len() < MOST || self.runs.contains_key(&run.id) {
            self.runs.insert(run.id, run);
        } else {
            self.more += 1;
        }
    }

    /// They in the order of their ticks.
    pub(super) fn runs(&self) -> Vec<Arc<RunRecord>> {
        let mut runs: Vec<Arc<RunRecord>> = self.runs.values().cloned().collect();
        runs.sort_by(|a, b| (&a.tick, &a.route, &a.input).cmp(&(&b.tick, &b.route, &b.input)));
        runs
    }

    /// So many came that are not held.
    pub(super) const fn more(&self) -> u64 {
        self.more
    }

    /// The comparison with what separates bad runs from good where a route did worse.
    pub(super) fn explained(&self, comparison: Comparison, marks: Result<Vec<Mark>, Fault>) -> Explained {
        let mut inquiry = Inquiry::of(&comparison);
        if inquiry.is_empty() {
            return comparison.into();
        }
        self.runs.values().for_each(|run| inquiry.add(run));
        let (marks, unread) = match marks {
            Ok(marks) => (marks, None),
            Err(fault) => (Vec::new(), Some(format!("marks could not be read: {fault}"))),
        };
        let mut told = inquiry.finish(comparison, &marks);
        told.comparison.notes.extend(unread);
        if self.more > 0 {
            let note = format!(
                "causes are looked for in the first {MOST} runs: {} more came",
                self.more
            );
            told.comparison.notes.push(note);
        }
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Class, LayerRecord, LayerState, Layers, Timings};

    fn run(n: u128, class: Class) -> Arc<RunRecord> {
        let layer = LayerRecord {
            state: LayerState::Unknown,
            seconds: None,
        };
        Arc::new(RunRecord {
            id: RunId(uuid::Uuid::from_u128(n)),
            probe: String::from("orders"),
            revision: String::new(),
            route: String::from("b"),
            input: String::from("default"),
            location: String::new(),
            tick: String::from("2026-10-01T12:00:00.000Z"),
            token: String::new(),
            sent: None,
            class,
            reason: String::new(),
            flags: Vec::new(),
            lag: None,
            timings: Timings::default(),
            layers: Layers {
                accepted: layer,
                executed: layer,
                outcome: layer,
            },
            stopped_after: None,
            expectations: Vec::new(),
            observations: Vec::new(),
            path: Vec::new(),
            attributes: BTreeMap::new(),
            fingerprint: None,
            amendments: Vec::new(),
            request: None,
            response: None,
            labels: BTreeMap::new(),
        })
    }

    #[test]
    fn what_is_too_much_is_counted_and_what_was_amended_replaces_itself() {
        let mut held = Held::default();
        for n in 0..MOST as u128 + 3 {
            held.take(run(n, Class::Lost));
        }
        held.take(run(0, Class::Late));
        assert_eq!((held.runs.len(), held.more), (MOST, 3));
        assert_eq!(held.runs.values().next().map(|run| run.class), Some(Class::Late));
    }
}
