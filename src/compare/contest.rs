//! One declared, advisory or noise comparison while its ticks come in.

use super::judge::Judge;
use super::{Metric, Role, Sample};
use crate::stats::StatError;
use crate::stats::looks::Looks;
use crate::stats::verdict::{Mode, Question, Verdict, Word};

/// One route against the baseline, on one input, by one metric.
#[derive(Clone, Debug)]
pub(super) struct Contest {
    /// The route's place among the arms; the baseline's is 0.
    pub(super) arm: usize,
    /// The input's place.
    pub(super) input: usize,
    pub(super) metric: Metric,
    pub(super) role: Role,
    pub(super) question: Question,
    judge: Judge,
    looks: Looks,
    /// The first verdict that said something, and after how many counted ticks: where it is stopped at, it stands.
    reached: Option<(u64, Verdict)>,
}

impl Contest {
    pub(super) fn new(
        arm: usize,
        input: usize,
        metric: Metric,
        role: Role,
        question: Question,
        dead_zone: Option<f64>,
    ) -> Result<Self, StatError> {
        Ok(Self {
            arm,
            input,
            metric,
            role,
            question,
            judge: Judge::new(metric, dead_zone),
            looks: Looks::new(question)?,
            reached: None,
        })
    }

    /// The same before its first tick.
    pub(super) fn afresh(&self, dead_zone: Option<f64>) -> Result<Self, StatError> {
        Self::new(
            self.arm,
            self.input,
            self.metric,
            self.role,
            self.question,
            dead_zone,
        )
    }

    /// One more tick that counts, the `n`-th of its input. `stops`: the first word is what it is about.
    pub(super) fn tick(&mut self, samples: &[Sample], n: u64, stops: bool) {
        let (Some(baseline), Some(route)) = (samples.first(), samples.get(self.arm)) else {
            return;
        };
        if self.reached.is_some() {
            return;
        }
        if let Some(relative) = self.judge.judge(baseline, route) {
            self.looks.add(relative);
        }
        self.judge.learn(baseline);
        if stops
            && self.question.mode == Mode::Sequential
            && self.looks.word() != Word::NotEnough
            && let Ok(verdict) = self.looks.verdict()
        {
            self.reached = Some((n, verdict));
        }
    }

    /// Whether it has a word that it stopped at.
    pub(super) fn is_reached(&self) -> bool {
        self.reached.is_some()
    }

    /// The word as it stands.
    pub(super) fn word(&self) -> Word {
        self.reached
            .map_or_else(|| self.looks.word(), |(_, verdict)| verdict.word)
    }

    /// The verdict as it stands, and after how many ticks it was reached.
    pub(super) fn verdict(&self) -> Result<(Verdict, Option<u64>), StatError> {
        match &self.reached {
            Some((n, verdict)) => Ok((*verdict, Some(*n))),
            None => Ok((self.looks.verdict()?, None)),
        }
    }

    /// How many seconds are too little to call a difference now.
    pub(super) fn dead_zone(&self) -> Option<f64> {
        self.judge.known_dead_zone()
    }
}
