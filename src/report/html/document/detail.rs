//! What a file shows of a probe besides its figures.

use std::time::Duration;

use crate::model::{Ending, Layer, Moment, RunRecord, SkipRecord};
use crate::report::causes::{Causes, Collector, Question};
use crate::report::course::{Course, CourseOf};
use crate::report::paths::{PathCollector, Paths};
use crate::report::steps::{StepCollector, Steps};
use crate::report::twins::Twins;
use crate::report::words::bad;

/// So many runs that did not end well are kept of those that are looked at, the first.
pub(super) const MOST_BAD: usize = 5;

/// A probe over time, and what single runs of it tell.
#[derive(Clone, Debug)]
pub struct Detail {
    /// Its runs over time.
    pub course: Course,
    /// By when an outcome should arrive, and after which it counts as lost, in seconds since the first byte: the longest of
    /// the runs' own limits.
    pub limits: Option<(f64, f64)>,
    /// What separates bad runs from good.
    pub causes: Causes,
    /// The ways that runs took.
    pub paths: Paths,
    /// The stages at which runs stop.
    pub steps: Steps,
    /// So many runs were read one by one for this.
    pub looked_at: u64,
    /// Whether that is all of them, or the newest.
    pub all: bool,
    /// The last of those that did not end well, the newest first, where the file does not hold the runs anyway.
    pub bad: Vec<Case>,
}

/// A run that did not end well.
#[derive(Clone, Debug)]
pub struct Case {
    /// Its record.
    pub run: RunRecord,
    /// It beside its twin; `None` where there is none.
    pub twins: Option<Twins>,
}

/// Takes single runs in, the newest first.
#[derive(Debug)]
pub struct Looked {
    causes: Collector,
    paths: PathCollector,
    steps: StepCollector,
    limits: Option<(f64, f64)>,
    bad: Vec<RunRecord>,
}

impl Detail {
    /// Of a probe's runs, where all of them are at hand.
    pub(super) fn of(probe: &str, runs: &[&RunRecord], skipped: &[SkipRecord]) -> Self {
        let mut looked = Looked::default();
        runs.iter().for_each(|run| looked.add(run));
        let mut detail = looked.finish(course(probe, runs, skipped), &[], true);
        detail.bad.clear();
        detail
    }
}

impl Default for Looked {
    fn default() -> Self {
        Self {
            causes: Collector::new(Question::default()),
            paths: PathCollector::default(),
            steps: StepCollector::default(),
            limits: None,
            bad: Vec::new(),
        }
    }
}

impl Looked {
    /// Takes one in.
    pub fn add(&mut self, run: &RunRecord) {
        self.causes.add(run);
        self.paths.add(run);
        self.steps.add(run);
        for of in run.expectations.iter().filter(|of| of.layer == Layer::Outcome) {
            let (within, end) = self.limits.unwrap_or_default();
            let own = (of.within, of.within + of.grace);
            if own.0 > 0.0 && own.1.is_finite() {
                self.limits = Some((within.max(own.0), end.max(own.1)));
            }
        }
        if bad(run) && self.bad.len() < MOST_BAD {
            self.bad.push(run.clone());
        }
    }

    /// So many were taken in.
    #[must_use]
    pub fn runs(&self) -> u64 {
        self.causes.runs()
    }

    /// What came of it; the bad runs have no twins yet.
    #[must_use]
    pub fn finish(self, course: Course, marks: &[crate::model::Mark], all: bool) -> Detail {
        let alone = |run| Case { run, twins: None };
        Detail {
            course,
            limits: self.limits,
            looked_at: self.causes.runs(),
            causes: self.causes.finish(marks),
            paths: self.paths.finish(),
            steps: self.steps.finish(),
            all,
            bad: self.bad.into_iter().map(alone).collect(),
        }
    }
}

/// The runs over the time in which they were due.
fn course(probe: &str, runs: &[&RunRecord], skipped: &[SkipRecord]) -> Course {
    let endings: Vec<Ending> = runs.iter().map(|run| Ending::of(run)).collect();
    let own = || skipped.iter().filter(|skip| skip.probe == probe);
    let not_fired = own().filter_map(|skip| Moment::from_rfc3339(&skip.tick));
    let ticks: Vec<Moment> = endings
        .iter()
        .map(|ending| ending.tick)
        .chain(not_fired)
        .collect();
    let since = ticks.iter().min().copied().unwrap_or(Moment(0));
    let last = ticks.iter().max().copied().unwrap_or(since);
    // The last tick lies in it.
    let mut course = CourseOf::new(since, last.after(Duration::from_secs(1)));
    endings.iter().for_each(|ending| course.add(ending));
    own().for_each(|skip| course.skip(skip));
    course.finish()
}
