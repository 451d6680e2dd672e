//! The one stated state of a probe and of each of its routes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a probe or a route is, stated in one place for pages, API, metrics and alerts. The order is from well to worst,
/// then what is not measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProbeState {
    /// Its last runs were delivered.
    Ok,
    /// Some of its last runs did not end well.
    Degraded,
    /// Its last runs did not end well.
    Failing,
    /// Landfall could not see what became of its last runs.
    Blind,
    /// No run has ended yet, or none lately.
    NoData,
    /// Somebody has paused it.
    Paused,
}

impl ProbeState {
    /// Every state.
    pub const ALL: [Self; 6] = [
        Self::Ok,
        Self::Degraded,
        Self::Failing,
        Self::Blind,
        Self::NoData,
        Self::Paused,
    ];

    /// The word of the contract.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Degraded => "degraded",
            Self::Failing => "failing",
            Self::Blind => "blind",
            Self::NoData => "no_data",
            Self::Paused => "paused",
        }
    }
}
