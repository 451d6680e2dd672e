//! What separates bad runs from good, as a line of a report.

use schemars::JsonSchema;
use serde::Serialize;

use crate::report::causes::{Causes, Outcome};

/// What separates a probe's bad runs from its good ones.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Separation {
    /// In a sentence; `landfall explain` tells the rest.
    pub sentence: String,
    /// How many runs were looked at: the newest of the window.
    pub runs: u64,
    /// Whether these are all of them.
    pub all: bool,
}

impl Separation {
    /// Of an answer about so many runs; `None` where no run was bad.
    #[must_use]
    pub fn of(causes: Causes, runs: u64, all: bool) -> Option<Self> {
        let told = !matches!(causes.outcome, Outcome::NoneBad | Outcome::NoRuns);
        told.then_some(Self {
            sentence: causes.sentence,
            runs,
            all,
        })
    }

    /// The sentence, and of what it is said.
    #[must_use]
    pub fn words(&self) -> String {
        if self.all {
            self.sentence.clone()
        } else {
            format!("{} (of the newest {} runs)", self.sentence, self.runs)
        }
    }
}
