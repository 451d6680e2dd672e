//! The records that leave the machine: what the store keeps, what `--format json` prints. This is the contract
//! others script against; its schema is generated from these types.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Accepted, Class, ExpectationState, Flag, Layer, LayerState, Moment, RunId, Seconds, Timings};

/// One run, ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunRecord {
    /// Its id, a UUIDv7.
    pub id: RunId,
    /// The probe's name.
    pub probe: String,
    /// Digest of the probe's definition.
    pub revision: String,
    /// The route's name.
    pub route: String,
    /// The input's name.
    pub input: String,
    /// Where landfall ran.
    pub location: String,
    /// The scheduled instant, RFC 3339.
    pub tick: String,
    /// The correlation token.
    pub token: String,
    /// When the first byte left, RFC 3339; null where nothing was sent or nobody knows.
    pub sent: Option<String>,
    /// The verdict.
    pub class: Class,
    /// Why, in a few words; a stable first word where the class is `rejected`.
    pub reason: String,
    /// Facts that do not change the class.
    pub flags: Vec<Flag>,
    /// Seconds from the scheduled instant to the first byte sent.
    pub lag: Option<f64>,
    /// The request's time in parts, seconds.
    pub timings: Timings,
    /// The three layers.
    pub layers: Layers,
    /// The last step that was seen, where `executed` says no.
    pub stopped_after: Option<String>,
    /// What was waited for. `failed_when` and receipts are listed where they were met.
    pub expectations: Vec<ExpectationRecord>,
    /// What was seen.
    pub observations: Vec<ObservationRecord>,
    /// The hops it is known to have taken.
    pub path: Vec<Hop>,
    /// What may explain a difference.
    pub attributes: BTreeMap<String, String>,
    /// Digest of what 'the same outcome' means for this probe; null where it declares no `fingerprint`.
    pub fingerprint: Option<String>,
    /// Changes of the verdict after the run had closed.
    pub amendments: Vec<Amendment>,
    /// The request as rendered, secrets redacted.
    pub request: Option<Value>,
    /// The answer, secrets redacted, its body cut; `error` where no whole answer came.
    pub response: Option<Value>,
    /// The probe's `labels`.
    pub labels: BTreeMap<String, String>,
}

/// Accepted, executed, outcome.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Layers {
    /// The API took it.
    pub accepted: LayerRecord,
    /// The system did the work.
    pub executed: LayerRecord,
    /// The user has the result.
    pub outcome: LayerRecord,
}

/// What one layer says.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LayerRecord {
    /// Yes, no, unknown, undeclared.
    pub state: LayerState,
    /// When, as an interval in seconds since the first byte sent; null where it did not happen.
    pub seconds: Option<Seconds>,
}

/// What became of one expectation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExpectationRecord {
    /// Where it belongs.
    pub layer: Layer,
    /// How it is called.
    pub name: String,
    /// The step's name, for `executed`.
    pub step: Option<String>,
    /// The channel.
    #[serde(rename = "in")]
    pub channel: String,
    /// The verdict on it.
    pub state: ExpectationState,
    /// How many distinct things met it.
    pub count: u32,
    /// When it was met, as an interval in seconds since the first byte sent; null where it was not.
    pub seconds: Option<Seconds>,
    /// Why, where it was not simply met; else empty.
    pub reason: String,
    /// Its limit in seconds.
    pub within: f64,
    /// How long after the limit it still counted as late, in seconds.
    pub grace: f64,
    /// The expressions that did not hold, with the line that states each.
    pub unmet: Vec<Unmet>,
}

/// An expression that did not hold for something that was seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Unmet {
    /// The expression.
    pub expression: String,
    /// The line that states it, as it stands in the file.
    #[serde(default)]
    pub source: String,
    /// The file, relative to the workspace.
    pub file: String,
    /// Its line, from 1.
    pub line: u32,
    /// Its column, from 1.
    pub column: u32,
    /// What was expected, as far as the expression tells.
    pub expected: String,
    /// What was there instead.
    pub actual: String,
}

/// One thing seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ObservationRecord {
    /// The channel.
    #[serde(rename = "in")]
    pub channel: String,
    /// When it arrived, as an interval in seconds since the first byte sent.
    pub seconds: Seconds,
    /// How often it was delivered, the first time included.
    pub attempts: u32,
    /// Whether it came again after an answer that landfall cannot prove was received.
    pub redelivered: bool,
    /// One line about it, secrets redacted.
    pub summary: String,
    /// Which expectations it met, by name.
    pub met: Vec<String>,
    /// A bounce, a delay notice or an automatic answer.
    pub automatic: bool,
    /// The decoded content as expressions saw it, secrets redacted, cut at the limits.
    pub seen: Value,
}

/// One hop of a run's path.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Hop {
    /// The hop's name.
    pub hop: String,
    /// Which entry of `path:` gave it.
    pub source: String,
    /// Where the source has a time: seconds since the first byte sent; of a hop of a mail, since the hop before.
    pub seconds: Option<f64>,
}

/// A change of the verdict after the run had closed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Amendment {
    /// When, RFC 3339.
    pub at: String,
    /// The class before.
    pub from: Class,
    /// The class after.
    pub to: Class,
    /// What made it change.
    pub reason: String,
}

/// Why a tick did not fire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SkipReason {
    /// Its start deadline had passed.
    LateStart,
    /// An earlier run is still open, and the probe forbids overlap.
    Overlap,
    /// A limit of the probe.
    Limit,
    /// A channel could not be armed.
    ArmFailed,
    /// The intent could not be made durable.
    Store,
    /// Another process has claimed it.
    Claimed,
    /// The probe is paused.
    Paused,
    /// Landfall was not running.
    Down,
    /// The request could not be rendered.
    Render,
    /// Landfall was told to stop before it fired.
    Stopped,
    /// A maintenance window in which the probe does not fire.
    Maintenance,
}

impl SkipReason {
    /// Every reason.
    pub const ALL: [Self; 11] = [
        Self::LateStart,
        Self::Overlap,
        Self::Limit,
        Self::ArmFailed,
        Self::Store,
        Self::Claimed,
        Self::Paused,
        Self::Down,
        Self::Render,
        Self::Stopped,
        Self::Maintenance,
    ];

    /// The word of the contract.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::LateStart => "late_start",
            Self::Overlap => "overlap",
            Self::Limit => "limit",
            Self::ArmFailed => "arm_failed",
            Self::Store => "store",
            Self::Claimed => "claimed",
            Self::Paused => "paused",
            Self::Down => "down",
            Self::Render => "render",
            Self::Stopped => "stopped",
            Self::Maintenance => "maintenance",
        }
    }
}

/// A tick of a leg that did not fire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SkipRecord {
    /// The probe's name.
    pub probe: String,
    /// The route's name.
    pub route: String,
    /// The input's name.
    pub input: String,
    /// The scheduled instant, RFC 3339.
    pub tick: String,
    /// Why.
    pub reason: SkipReason,
    /// What exactly, for people.
    pub detail: String,
}

/// Ticks of a leg that did not fire for one reason, one after the other: a month of being down is one row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SkipSpan {
    /// The probe's name.
    pub probe: String,
    /// The route's name.
    pub route: String,
    /// The input's name.
    pub input: String,
    /// Why.
    pub reason: SkipReason,
    /// What exactly, for people.
    pub detail: String,
    /// The first scheduled instant of it, RFC 3339.
    #[serde(with = "super::moment::rfc3339")]
    #[schemars(with = "String")]
    pub first: Moment,
    /// The last, RFC 3339; the first itself where it is one tick.
    #[serde(with = "super::moment::rfc3339")]
    #[schemars(with = "String")]
    pub last: Moment,
    /// How many ticks were due from `first` to `last`, both included.
    pub ticks: u64,
}

impl Accepted {
    /// How a record says it.
    #[must_use]
    pub const fn layer_state(self) -> LayerState {
        match self {
            Self::Yes => LayerState::Yes,
            Self::No => LayerState::No,
            Self::Unknown => LayerState::Unknown,
        }
    }
}
