//! A paired comparison while its runs come in, and what can be said of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::contest::Contest;
use super::sample::instant;
use super::tally::Tally;
use super::units::{Dropped, Fate, Key, Unit, Units};
use super::{Looking, Metric, Role, Sample, Setup};
use crate::model::{Moment, RunRecord, SkipReason, SkipRecord};
use crate::stats::StatError;
use crate::stats::verdict::Withheld;

/// A paired comparison: records and skips in, in any order; words out.
#[derive(Clone, Debug)]
pub struct Experiment {
    pub(super) setup: Setup,
    pub(super) arms: Vec<String>,
    /// The first word of a comparison is what it ends with.
    pub(super) stops: bool,
    pub(super) inputs: Vec<Series>,
    pub(super) contests: Vec<Contest>,
    pub(super) tally: Tally,
    /// The first and the last tick that count.
    pub(super) span: Option<(Moment, Moment)>,
    /// The revision that is compared, and ticks of others; of history.
    pub(super) revision: Option<Arc<str>>,
    pub(super) others: u64,
    pub(super) revisions: BTreeMap<Arc<str>, u64>,
    /// What could not be read, the first of it.
    pub(super) unreadable: Option<String>,
}

/// The ticks of one input.
#[derive(Clone, Debug)]
pub(super) struct Series {
    waiting: Units,
    /// The runs of every tick that counts, in the order of the arms.
    pub(super) counted: Vec<Vec<Sample>>,
}

impl Experiment {
    /// A comparison that starts now. `stops`: each declared comparison ends with its first word other than `not enough
    /// runs`, as one that is looked at while it is fired does; history is read to its end.
    ///
    /// # Errors
    /// No route or input to compare, a margin or confidence that is not above 0 and below 1.
    pub fn new(setup: Setup, stops: bool) -> Result<Self, StatError> {
        let arms: Vec<String> = setup.arms().into_iter().map(str::to_owned).collect();
        let declared: Vec<Metric> = setup.declared().collect();
        let mut contests = Vec::new();
        let mut add = |arm, metric, role| -> Result<(), StatError> {
            let question = setup.question(metric, role == Role::Noise)?;
            for input in 0..setup.inputs.len() {
                contests.push(Contest::new(arm, input, metric, role, question, setup.dead_zone)?);
            }
            Ok(())
        };
        for arm in 1..=setup.routes.len() {
            for metric in &declared {
                add(arm, *metric, Role::Declared)?;
            }
            for metric in Metric::ALL.iter().filter(|metric| !declared.contains(metric)) {
                add(arm, *metric, Role::Advisory)?;
            }
        }
        if setup.noise.is_some() {
            for metric in &declared {
                add(arms.len() - 1, *metric, Role::Noise)?;
            }
        }
        contests.sort_by_key(|contest: &Contest| contest.role);
        let series = Series {
            waiting: Units::new(arms.len()),
            counted: Vec::new(),
        };
        Ok(Self {
            inputs: vec![series; setup.inputs.len()],
            setup,
            arms,
            stops,
            contests,
            tally: Tally::default(),
            span: None,
            revision: None,
            others: 0,
            revisions: BTreeMap::new(),
            unreadable: None,
        })
    }

    /// A tick has been fired here: no later one is looked at before it has ended.
    pub fn expect(&mut self, tick: Moment, location: &str) {
        for series in &mut self.inputs {
            series.waiting.at(key(tick, location));
        }
    }

    /// Takes in the record of a run; again where it was amended. False where it is of no compared series.
    pub fn take(&mut self, run: &RunRecord) -> bool {
        let (Some(arm), Some(input)) = (self.arm(&run.route), self.input(&run.input)) else {
            return false;
        };
        if run.probe != self.setup.probe {
            return false;
        }
        let tick = match instant("tick", &run.tick) {
            Ok(tick) => tick,
            Err(why) => {
                self.tally.skip(Dropped::Unreadable, 1);
                self.cannot_read(run, &why);
                return true;
            }
        };
        let fate = match Sample::of(run) {
            Ok(sample) => Fate::Ran(sample, Arc::from(run.revision.as_str())),
            Err(why) => {
                self.cannot_read(run, &why);
                Fate::Unreadable
            }
        };
        self.inputs[input]
            .waiting
            .put(key(tick, &run.location), arm, fate);
        true
    }

    /// Takes in a leg that did not fire. A skip names no location: it stands for every place that has no run of it.
    pub fn skip(&mut self, skip: &SkipRecord) {
        let place = (
            self.arm(&skip.route),
            self.input(&skip.input),
            Moment::from_rfc3339(&skip.tick),
        );
        if let (Some(arm), Some(input), Some(tick)) = place
            && skip.probe == self.setup.probe
        {
            self.inputs[input].waiting.skip(tick, arm, skip.reason);
        }
    }

    /// Takes in so many ticks that did not fire, of which no more is known.
    pub fn skip_ticks(&mut self, reason: SkipReason, ticks: u64) {
        self.tally.skip(Dropped::Skipped(reason), ticks);
    }

    /// Looks at every tick that has ended and has no earlier one under way.
    pub fn look(&mut self) {
        for input in 0..self.inputs.len() {
            while let Some((key, unit)) = self.inputs[input].waiting.next() {
                self.count(input, key.0, unit);
            }
        }
    }

    /// Everything there is has been taken in: looks at all of it. Where several revisions of the definition fired it, the
    /// latest is compared.
    pub fn finish(&mut self) {
        let ticks = self.inputs.iter().flat_map(|series| series.waiting.revisions());
        let latest = ticks
            .max_by_key(|(tick, _)| *tick)
            .map(|(_, revision)| revision.clone());
        self.revision = self.revision.take().or(latest);
        for input in 0..self.inputs.len() {
            while let Some((key, unit)) = self.inputs[input].waiting.pop() {
                self.count(input, key.0, unit);
            }
        }
    }

    /// Whether no further tick is needed: each declared comparison has its word, or as many ticks count as are looked at.
    #[must_use]
    pub fn is_decided(&self) -> bool {
        match self.setup.looking {
            Looking::Always => {
                let mut declared = self
                    .contests
                    .iter()
                    .filter(|contest| contest.role == Role::Declared);
                declared.all(Contest::is_reached)
            }
            Looking::Once(ticks) => self.counted() >= ticks,
        }
    }

    /// Ticks that count, of the input that has fewest.
    #[must_use]
    pub fn counted(&self) -> u64 {
        let counted = self.inputs.iter().map(|series| series.counted.len() as u64);
        counted.min().unwrap_or(0)
    }

    /// Ticks that count or may still come to count, of the input that has fewest.
    #[must_use]
    pub fn hopeful(&self) -> u64 {
        let each = self
            .inputs
            .iter()
            .map(|series| (series.counted.len() + series.waiting.len()) as u64);
        each.min().unwrap_or(0)
    }

    /// Ticks that do not count.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.tally.dropped()
    }

    /// Ticks that have not been looked at: they have not ended, or one before them has not.
    #[must_use]
    pub fn in_flight(&self) -> u64 {
        self.inputs.iter().map(|series| series.waiting.len() as u64).sum()
    }

    /// Why no verdict may be given now, if so.
    #[must_use]
    pub fn withheld(&self) -> Option<Withheld> {
        self.tally.withheld()
    }

    fn arm(&self, route: &str) -> Option<usize> {
        self.arms.iter().position(|arm| arm == route)
    }

    fn input(&self, input: &str) -> Option<usize> {
        self.setup.inputs.iter().position(|known| known == input)
    }

    fn cannot_read(&mut self, run: &RunRecord, why: &str) {
        self.unreadable
            .get_or_insert_with(|| format!("run {}: {why}", run.id));
    }

    fn count(&mut self, input: usize, tick: Moment, unit: Unit) {
        let revision = unit.revision();
        let Some(samples) = self.tally.take(unit, self.revision.as_deref()) else {
            self.others +=
                u64::from(revision.is_some() && revision != self.revision && self.revision.is_some());
            return;
        };
        if let Some(revision) = revision {
            *self.revisions.entry(revision).or_default() += 1;
        }
        self.span = Some(
            self.span
                .map_or((tick, tick), |(a, b)| (a.min(tick), b.max(tick))),
        );
        let n = self.inputs[input].counted.len() as u64 + 1;
        let stops = self.stops && self.tally.withheld().is_none();
        for contest in self.contests.iter_mut().filter(|contest| contest.input == input) {
            contest.tick(&samples, n, stops && contest.role == Role::Declared);
        }
        self.inputs[input].counted.push(samples);
    }
}

fn key(tick: Moment, location: &str) -> Key {
    (tick, Arc::from(location))
}
