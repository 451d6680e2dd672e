//! What two runs of a tick are compared by.

use schemars::JsonSchema;
use serde::Serialize;

use crate::stats::verdict::{LATENCY_MARGIN, MARGIN};

/// What two runs of a tick are compared by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Delivered, or not.
    Success,
    /// How long the outcome took; one that never came is later than any that did.
    Latency,
    /// Whether what arrived was as it should be, among ticks at which it arrived on both.
    Content,
}

impl Metric {
    /// Every metric.
    pub const ALL: [Self; 3] = [Self::Success, Self::Latency, Self::Content];

    /// The word of the contract.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Latency => "latency",
            Self::Content => "content",
        }
    }

    /// The metric of that word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|metric| metric.word() == word)
    }

    /// The loss that does not matter, where nothing else is said: a net share of ticks.
    #[must_use]
    pub const fn margin(self) -> f64 {
        match self {
            Self::Success | Self::Content => MARGIN,
            Self::Latency => LATENCY_MARGIN,
        }
    }
}
