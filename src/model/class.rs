//! What a run ends as (DESIGN.md section 3).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The verdict on a run. The order is that of the contract's documentation, not of severity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Every outcome expectation was met within `within`, as many times as it should.
    Delivered,
    /// Met after `within`, inside `grace`.
    Late,
    /// Met, and arrived more often than `times` allows.
    Duplicate,
    /// Something passed `where`, and by the end of `grace` not enough of it passed `expect`.
    Mismatched,
    /// Something arrived that `times: 0` forbids.
    Unwanted,
    /// A `failed_when` expectation was met: the system itself said that it failed.
    Failed,
    /// Nothing, or too little, passed `where` by the end of `grace`, and landfall was watching.
    Lost,
    /// The API refused it or could not be reached, and nothing arrived.
    Rejected,
    /// Refused or not reached, and the outcome arrived all the same.
    Phantom,
    /// Landfall could not see, and nothing else decided the run for the worse.
    Unobserved,
}

impl Class {
    /// Every class, in the order in which reports list them.
    pub const ALL: [Self; 10] = [
        Self::Delivered,
        Self::Late,
        Self::Duplicate,
        Self::Mismatched,
        Self::Unwanted,
        Self::Failed,
        Self::Lost,
        Self::Rejected,
        Self::Phantom,
        Self::Unobserved,
    ];

    /// The word of the contract.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Late => "late",
            Self::Duplicate => "duplicate",
            Self::Mismatched => "mismatched",
            Self::Unwanted => "unwanted",
            Self::Failed => "failed",
            Self::Lost => "lost",
            Self::Rejected => "rejected",
            Self::Phantom => "phantom",
            Self::Unobserved => "unobserved",
        }
    }

    /// The class of that word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.word() == word)
    }
}

/// Layer 1 of a run: whether the API took it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Accepted {
    /// It answered, and `accepted` held.
    Yes,
    /// It refused, or could not be reached.
    No,
    /// The request went out and no whole answer came back.
    Unknown,
}

/// What a layer says in a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LayerState {
    /// It happened.
    Yes,
    /// It did not.
    No,
    /// Landfall cannot say.
    Unknown,
    /// The probe says nothing about this layer.
    Undeclared,
}

/// What became of one expectation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExpectationState {
    /// Met within `within`.
    Met,
    /// Met inside `grace` (or, after an amendment, after it).
    Late,
    /// Met, and more often than allowed.
    Duplicate,
    /// Enough passed `where`, not enough passed `expect`.
    Mismatched,
    /// Something arrived that must not.
    Unwanted,
    /// Too little passed `where`.
    Lost,
    /// Landfall could not see.
    Blind,
}

impl ExpectationState {
    /// The word of the contract.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Late => "late",
            Self::Duplicate => "duplicate",
            Self::Mismatched => "mismatched",
            Self::Unwanted => "unwanted",
            Self::Lost => "lost",
            Self::Blind => "blind",
        }
    }
}

/// Facts about a run that do not change its class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Flag {
    /// The request went out and no whole answer came back.
    InDoubt,
    /// In doubt, and lost: not a silent failure, since nothing said yes.
    Unanswered,
    /// A declared step was not seen.
    Unexecuted,
    /// The verdict changed after the run had closed.
    Amended,
    /// Steps were seen in another order than declared.
    OutOfOrder,
    /// An outcome came before the answer to the request.
    Early,
    /// A limit lies inside the interval of an observation that decided.
    Straddling,
    /// The attribute that tells the route taken differs from the route asked for.
    Rerouted,
    /// The provider said delivered, and the outcome was lost.
    FalseReceipt,
    /// The system said failed, and the outcome arrived.
    FalseFailure,
    /// Claimed before a crash, and no record whether the request left.
    FireUnknown,
    /// Cleanup did not succeed: what the canary made may still be there.
    CleanupFailed,
    /// Landfall dropped something (a limit that names itself) which may have been of this run.
    Dropped,
}
