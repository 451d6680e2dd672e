//! Which ticks counted, and why the others did not.

use std::collections::BTreeMap;

use super::units::{Dropped, Unit};
use super::{Sample, Ticks};
use crate::stats::verdict::{Withheld, withheld};

/// Counts of ticks and runs.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    counted: u64,
    dropped: BTreeMap<Dropped, u64>,
    /// Runs of the revision that is compared, and how many of them landfall did not see.
    runs: u64,
    unobserved: u64,
    /// Ticks that belong to the comparison, counted or not.
    ticks: u64,
}

impl Tally {
    /// Looks at a tick: its runs where it counts.
    pub(super) fn take(&mut self, unit: Unit, revision: Option<&str>) -> Option<Vec<Sample>> {
        let (runs, unobserved) = unit.seen();
        let samples = unit.samples(revision);
        if samples.as_ref().err() != Some(&Dropped::OtherRevision) {
            self.runs += runs;
            self.unobserved += unobserved;
            self.ticks += 1;
        }
        match samples {
            Ok(samples) => {
                self.counted += 1;
                Some(samples)
            }
            Err(why) => {
                *self.dropped.entry(why).or_default() += 1;
                None
            }
        }
    }

    /// Ticks that did not fire, of which no more is known.
    pub(super) fn skip(&mut self, why: Dropped, ticks: u64) {
        let count = self.dropped.entry(why).or_default();
        *count = count.saturating_add(ticks);
        self.ticks = self.ticks.saturating_add(ticks);
    }

    /// Why no verdict may be given, if so.
    pub(super) fn withheld(&self) -> Option<Withheld> {
        let selected = self.dropped.iter().filter(|(why, _)| why.selects());
        let skipped = selected.fold(0_u64, |sum, (_, ticks)| sum.saturating_add(*ticks));
        withheld(self.unobserved, self.runs, skipped, self.ticks)
    }

    pub(super) fn dropped(&self) -> u64 {
        self.dropped
            .values()
            .fold(0, |sum, ticks| sum.saturating_add(*ticks))
    }

    pub(super) fn shown(&self, in_flight: u64) -> Ticks {
        let dropped = self
            .dropped
            .iter()
            .map(|(why, ticks)| (why.word().to_owned(), *ticks));
        Ticks {
            counted: self.counted,
            dropped: dropped.collect(),
            in_flight,
            runs: self.runs,
            unobserved: self.unobserved,
        }
    }
}
