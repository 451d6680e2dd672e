//! How far runs came, stage by stage, and after which they stopped. Pure over records.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::words::name;
use crate::model::{Class, ExpectationRecord, ExpectationState, Layer, LayerState, RunRecord};

/// Series that are told apart.
pub const SERIES: usize = 64;
/// Stages of one series that are told apart.
pub const STAGES: usize = 40;

/// How far the runs of each series came.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Steps {
    /// A row a probe, route and input.
    pub series: Vec<SeriesSteps>,
    /// Runs of further series.
    pub left_out: u64,
}

/// How far the runs of one probe, route and input came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SeriesSteps {
    /// The probe's name.
    pub probe: String,
    /// The route's name.
    pub route: String,
    /// The input's name.
    pub input: String,
    /// Runs that were observed.
    pub runs: u64,
    /// Runs that were not; they are in no stage.
    pub unobserved: u64,
    /// The stages in the order in which a run passes them.
    pub stages: Vec<Stage>,
    /// Steps beyond the limit.
    pub more_stages: u64,
}

/// One stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Stage {
    /// Which.
    pub kind: StageKind,
    /// The step's name, of a step.
    pub step: Option<String>,
    /// Runs that came so far.
    pub reached: u64,
    /// Runs of which nobody knows.
    pub unknown: u64,
    /// Runs that came so far and no further.
    pub stopped: u64,
    /// Runs that were not seen here and came further.
    pub missed: u64,
}

/// Which stage of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StageKind {
    /// Its tick came.
    Due,
    /// The first byte left.
    Sent,
    /// The API took it.
    Accepted,
    /// The system did a step of the work.
    Step,
    /// The user has the result.
    Outcome,
}

/// Takes in records, in any order.
#[derive(Clone, Debug, Default)]
pub struct StepCollector {
    series: BTreeMap<(String, String, String), Counts>,
    left_out: u64,
}

#[derive(Clone, Debug, Default)]
struct Counts {
    runs: u64,
    unobserved: u64,
    /// Names of steps in the order of the definition.
    names: Vec<String>,
    /// Due, sent, accepted, the steps, the outcome.
    ends: [Count; 4],
    steps: Vec<Count>,
    more: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    reached: u64,
    unknown: u64,
    stopped: u64,
    missed: u64,
}

/// What a run says of a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    Yes,
    No,
    Unknown,
    Nothing,
}

/// How far these runs came.
#[must_use]
pub fn steps<'a>(runs: impl IntoIterator<Item = &'a RunRecord>) -> Steps {
    let mut collector = StepCollector::default();
    for run in runs {
        collector.add(run);
    }
    collector.finish()
}

impl StageKind {
    /// How people call it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Due => "due",
            Self::Sent => "sent",
            Self::Accepted => "accepted",
            Self::Step => "step",
            Self::Outcome => "outcome",
        }
    }
}

impl SeriesSteps {
    /// `probe/route`, and the input where the probe names several.
    #[must_use]
    pub fn name(&self) -> String {
        name(&self.probe, &self.route, &self.input)
    }
}

impl StepCollector {
    /// Takes a run in.
    pub fn add(&mut self, run: &RunRecord) {
        let key = (run.probe.clone(), run.route.clone(), run.input.clone());
        if self.series.len() >= SERIES && !self.series.contains_key(&key) {
            self.left_out += 1;
            return;
        }
        self.series.entry(key).or_default().add(run);
    }

    /// What was counted.
    #[must_use]
    pub fn finish(self) -> Steps {
        let series = self.series.into_iter();
        Steps {
            series: series
                .map(|((probe, route, input), counts)| counts.told(probe, route, input))
                .collect(),
            left_out: self.left_out,
        }
    }
}

impl Counts {
    fn add(&mut self, run: &RunRecord) {
        if run.class == Class::Unobserved {
            self.unobserved += 1;
            return;
        }
        self.runs += 1;
        let executed: Vec<(&str, Said)> = run
            .expectations
            .iter()
            .filter(|of| of.layer == Layer::Executed)
            .map(|of| (of.step.as_deref().unwrap_or(&of.name), met(of)))
            .collect();
        let mut more = 0;
        for (name, _) in &executed {
            if !self.names.iter().any(|known| known == name) {
                if self.names.len() < STAGES {
                    self.names.push((*name).to_owned());
                    self.steps.push(Count::default());
                } else {
                    more += 1;
                }
            }
        }
        self.more = self.more.max(more);
        let step = |name: &str| {
            executed
                .iter()
                .find(|(of, _)| *of == name)
                .map_or(Said::Nothing, |of| of.1)
        };
        let sent = if run.sent.is_some() { Said::Yes } else { Said::No };
        let mut said = vec![Said::Yes, sent, layer(run.layers.accepted.state)];
        said.extend(self.names.iter().map(|name| step(name)));
        said.push(layer(run.layers.outcome.state));
        let furthest = said.iter().rposition(|of| *of == Said::Yes).unwrap_or(0);
        let through = furthest + 1 == said.len();
        let [due, sent, accepted, outcome] = &mut self.ends;
        let counts = [due, sent, accepted]
            .into_iter()
            .chain(&mut self.steps)
            .chain([outcome]);
        for (n, (count, said)) in counts.zip(&said).enumerate() {
            match said {
                Said::Yes => count.reached += 1,
                Said::Unknown => count.unknown += 1,
                Said::No if n < furthest => count.missed += 1,
                Said::No | Said::Nothing => {}
            }
            count.stopped += u64::from(n == furthest && !through);
        }
    }

    fn told(self, probe: String, route: String, input: String) -> SeriesSteps {
        let stage = |kind, step, count: Count| Stage {
            kind,
            step,
            reached: count.reached,
            unknown: count.unknown,
            stopped: count.stopped,
            missed: count.missed,
        };
        let [due, sent, accepted, outcome] = self.ends;
        let mut stages = vec![
            stage(StageKind::Due, None, due),
            stage(StageKind::Sent, None, sent),
            stage(StageKind::Accepted, None, accepted),
        ];
        let steps = self.names.into_iter().zip(self.steps);
        stages.extend(steps.map(|(name, count)| stage(StageKind::Step, Some(name), count)));
        stages.push(stage(StageKind::Outcome, None, outcome));
        SeriesSteps {
            probe,
            route,
            input,
            runs: self.runs,
            unobserved: self.unobserved,
            stages,
            more_stages: self.more,
        }
    }
}

const fn layer(state: LayerState) -> Said {
    match state {
        LayerState::Yes => Said::Yes,
        LayerState::No => Said::No,
        LayerState::Unknown => Said::Unknown,
        LayerState::Undeclared => Said::Nothing,
    }
}

const fn met(expectation: &ExpectationRecord) -> Said {
    match expectation.state {
        ExpectationState::Met | ExpectationState::Late | ExpectationState::Duplicate => Said::Yes,
        ExpectationState::Blind => Said::Unknown,
        ExpectationState::Mismatched | ExpectationState::Unwanted | ExpectationState::Lost => Said::No,
    }
}

#[cfg(test)]
mod tests;
