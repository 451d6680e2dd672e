//! What the store keeps of a run so that a later process can wait for it: both parts redacted, and bounded.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::definition::RunScope;
use crate::engine::answer::cut;
use crate::lifecycle::Run;
use crate::model::{Accepted, Layer, Moment, Response, Timings};
use crate::redact::Redactor;

/// Bytes of an answer's body that are kept for expressions. Where there is more, what is then not met is unobserved.
const BODY_KEPT: usize = 64 * 1024;

/// What is on record before the first byte leaves: [`crate::store::Intent::plan`].
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// What is waited for, for a process that no longer has the definition.
    #[serde(default)]
    pub(super) waits: Vec<Wait>,
    /// `channels` as the request was rendered with.
    #[serde(default)]
    pub(super) channels: Map<String, Value>,
}

/// One expectation, as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Wait {
    /// Where it belongs.
    pub layer: Layer,
    /// How reports call it.
    pub name: String,
    /// The step that it is; else null.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// The channel's name.
    #[serde(rename = "in")]
    pub channel: String,
    /// Its limit in seconds after the first byte sent.
    pub within: f64,
    /// How long after that it still counts as late, in seconds.
    pub grace: f64,
}

impl Plan {
    /// Of a run that is about to be claimed.
    pub(crate) fn of(run: &Run, scope: &RunScope, redactor: &Redactor) -> Value {
        let wait = |e: &crate::model::ExpectationSpec| Wait {
            layer: e.layer,
            name: e.name.clone(),
            step: e.step.clone(),
            channel: e.channel_name.clone(),
            within: e.within.as_secs_f64(),
            grace: e.grace.as_secs_f64(),
        };
        let mut channels = scope.get("channels").cloned().unwrap_or_default();
        redactor.value(&mut channels);
        let waits: Vec<Wait> = run.leg.expectations.iter().map(wait).collect();
        serde_json::json!({ "waits": waits, "channels": channels })
    }
}

/// What is kept of the answer: [`crate::store::Fired::answer`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct KeptAnswer {
    /// When the request had ended.
    pub(crate) at: Moment,
    /// Layer 1.
    pub(crate) accepted: Accepted,
    /// Why not yes.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) reason: String,
    /// Captured ids: correlation keys.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) keys: Vec<String>,
    /// Captured values, by name.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub(crate) captured: Map<String, Value>,
    /// What expressions see of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) response: Option<Response>,
    /// The body was larger than is kept.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) partial: bool,
    /// The parts of its time.
    #[serde(default)]
    pub(crate) timings: Timings,
    /// What the trigger itself knows.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) attributes: BTreeMap<String, String>,
}

/// What is on record of a run, as text.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine) struct Kept<'a> {
    /// Its scheduled instant.
    pub(in crate::engine) tick: Moment,
    /// [`Plan`] in JSON.
    pub(in crate::engine) plan: &'a str,
    /// [`KeptAnswer`] in JSON.
    pub(in crate::engine) answer: Option<&'a str>,
    /// When the first byte left; where nobody knows, the earliest instant at which it can have.
    pub(in crate::engine) sent: Moment,
}

impl Kept<'_> {
    pub(super) fn plan(&self) -> Plan {
        serde_json::from_str(self.plan).unwrap_or_default()
    }

    pub(super) fn answer(&self) -> Option<KeptAnswer> {
        serde_json::from_str(self.answer?).ok()
    }
}

/// The limit by which a part of an answer was left out.
pub(super) fn partial() -> Arc<str> {
    format!("bytes of an answer kept for a restart ({BODY_KEPT})").into()
}

impl KeptAnswer {
    /// As it is written: without secrets, and no larger than its bound.
    pub(crate) fn written(mut self, redactor: &Redactor) -> Value {
        if let Some(response) = &mut self.response
            && response.body.len() > BODY_KEPT
        {
            response.body = cut(&response.body, BODY_KEPT).to_owned();
            response.json = Value::Null;
            self.partial = true;
        }
        let mut value = serde_json::to_value(self).unwrap_or_default();
        redactor.value(&mut value);
        value
    }
}
