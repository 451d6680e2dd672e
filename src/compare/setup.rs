//! What is compared, declared before the first tick.

use std::collections::BTreeMap;

use super::Metric;
use crate::stats::ticks::Counts;
use crate::stats::verdict::{Mode, Question, verdict};
use crate::stats::{CONFIDENCE, StatError, family};

/// How often one looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Looking {
    /// After every tick.
    Always,
    /// Once, when so many ticks count.
    Once(u64),
}

/// What is compared, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct Setup {
    /// The probe.
    pub probe: String,
    /// The route that the others are held against.
    pub baseline: String,
    /// The others.
    pub routes: Vec<String>,
    /// The name under which the baseline is fired a second time at each tick.
    pub noise: Option<String>,
    /// The inputs; each is a series of its own.
    pub inputs: Vec<String>,
    /// What the comparison is about.
    pub primary: Metric,
    /// What else the exit code rests on.
    pub gates: Vec<Metric>,
    /// Margins that are not [`Metric::margin`].
    pub margins: BTreeMap<Metric, f64>,
    /// The confidence of all declared comparisons together.
    pub confidence: f64,
    /// How often one looks.
    pub looking: Looking,
    /// How many seconds are too little to call a difference of latency; `None` for a tenth of the baseline's median wait.
    pub dead_zone: Option<f64>,
}

impl Setup {
    /// A comparison of success, looked at after every tick.
    #[must_use]
    pub fn new(probe: &str, baseline: &str, routes: &[&str]) -> Self {
        Self {
            probe: probe.to_owned(),
            baseline: baseline.to_owned(),
            routes: routes.iter().map(|route| (*route).to_owned()).collect(),
            noise: None,
            inputs: vec![String::from("default")],
            primary: Metric::Success,
            gates: Vec::new(),
            margins: BTreeMap::new(),
            confidence: CONFIDENCE,
            looking: Looking::Always,
            dead_zone: None,
        }
    }

    /// How many comparisons are declared: each route, input and metric that is gated.
    #[must_use]
    pub fn family(&self) -> u64 {
        (self.routes.len() * self.inputs.len() * self.declared().count()) as u64
    }

    /// The metrics that the exit code rests on, the primary one first.
    pub fn declared(&self) -> impl Iterator<Item = Metric> {
        let gates = Metric::ALL.into_iter();
        let gates = gates.filter(|metric| *metric != self.primary && self.gates.contains(metric));
        std::iter::once(self.primary).chain(gates)
    }

    /// The margin of a metric.
    #[must_use]
    pub fn margin(&self, metric: Metric) -> f64 {
        self.margins.get(&metric).copied().unwrap_or(metric.margin())
    }

    /// The confidence of each comparison, so that all of them hold together (Bonferroni).
    ///
    /// # Errors
    /// No route or input, a confidence that is not above 0 and below 1.
    pub fn each(&self) -> Result<f64, StatError> {
        family::confidence(self.confidence, self.family())
    }

    /// What is asked of a metric.
    ///
    /// # Errors
    /// As [`Setup::each`]; a margin that is not above 0 and below 1.
    pub(super) fn question(&self, metric: Metric, peers: bool) -> Result<Question, StatError> {
        let question = Question {
            margin: self.margin(metric),
            mode: match self.looking {
                Looking::Always => Mode::Sequential,
                Looking::Once(_) => Mode::Fixed,
            },
            conf: self.each()?,
            peers,
        };
        verdict(Counts::default(), question).map(|_| question)
    }

    /// All routes of a tick: the baseline, the others, the baseline again.
    #[must_use]
    pub fn arms(&self) -> Vec<&str> {
        let others = self.routes.iter().chain(&self.noise);
        std::iter::once(&self.baseline)
            .chain(others)
            .map(String::as_str)
            .collect()
    }
}
