//! What a run is expected to do, compiled to what the machine needs: no text, no expression, no kind.

use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ChannelId, Moment};

/// Which part of a probe an expectation belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    /// A step: the system did the work.
    Executed,
    /// The user has the result.
    Outcome,
    /// The system's own word that it failed.
    FailedWhen,
    /// What the provider claims.
    Receipt,
}

/// How often something must arrive: at least `min`, at most `max`. `{0, 0}` forbids it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Times {
    /// Fewer is lost.
    pub min: u32,
    /// More is a duplicate.
    pub max: u32,
}

impl Times {
    /// Exactly once.
    pub const ONCE: Self = Self { min: 1, max: 1 };

    /// Whether it must not arrive at all.
    #[must_use]
    pub const fn forbids(self) -> bool {
        self.max == 0
    }
}

/// One expectation as the machine sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct ExpectationSpec {
    /// Where it belongs.
    pub layer: Layer,
    /// How reports call it: its `name:`, its `step:`, else the channel.
    pub name: String,
    /// The step's name, for `executed`.
    pub step: Option<String>,
    /// The channel it waits on.
    pub channel: ChannelId,
    /// The channel's name in the workspace, for records.
    pub channel_name: String,
    /// Counted from the first byte sent.
    pub within: Duration,
    /// Counted from `within`.
    pub grace: Duration,
    /// How often.
    pub times: Times,
}

/// One probe × route × input, at one revision of its definition: what all its runs share.
#[derive(Clone, Debug, PartialEq)]
pub struct Leg {
    /// The probe's name.
    pub probe: Arc<str>,
    /// Digest of the definition, so that figures never mix versions silently.
    pub revision: Arc<str>,
    /// The route's name.
    pub route: Arc<str>,
    /// The input's name; `default` where the probe has only `input:`.
    pub input: Arc<str>,
    /// Where landfall runs.
    pub location: Arc<str>,
    /// Steps first, in the order declared, then outcomes, `failed_when`, receipts.
    pub expectations: Vec<ExpectationSpec>,
    /// Keep looking this long after the last expected arrival.
    pub settle: Duration,
}

impl Leg {
    /// The latest instant at which an expectation of a run sent at `sent` is still open.
    #[must_use]
    pub fn grace_end(&self, sent: Moment) -> Moment {
        self.expectations
            .iter()
            .map(|e| sent.after(e.within).after(e.grace))
            .max()
            .unwrap_or(sent)
    }
}

/// One scheduled instant of a probe. Every due tick has exactly one fate per leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Tick {
    /// When it was meant to fire.
    pub due: Moment,
}
