//! What the engine holds of a run besides what the machine knows: contents, scope, the request.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde_json::Value;

use crate::definition::{LegDef, RunScope};
use crate::diag::Sources;
use crate::model::{Moment, Observation, ObservationId, Response, Timings, Token};
use crate::trigger::Prepared;

/// One run's contents.
pub(super) struct Live {
    pub(super) token: Token,
    pub(super) def: Arc<LegDef>,
    pub(super) scope: RunScope,
    /// Taken when it fires.
    pub(super) prepared: Option<Prepared>,
    /// The request as people see it, redacted.
    pub(super) request: Arc<Value>,
    pub(super) answer: Option<Arc<LiveAnswer>>,
    pub(super) observations: HashMap<ObservationId, Arc<Observation>>,
    /// When the first byte left, once the answer is known.
    pub(super) sent: Option<Moment>,
    /// Came before the answer: evaluated once `response` and the captured names are known.
    pub(super) early: Vec<ObservationId>,
    /// The files that its definition's places are in; `None`: the workspace's own.
    pub(super) sources: Option<Arc<Sources>>,
}

/// What is kept of the answer.
#[derive(Debug)]
pub(super) struct LiveAnswer {
    pub(super) response: Option<Response>,
    pub(super) timings: Timings,
    pub(super) attributes: BTreeMap<String, String>,
    /// The answer as records show it, redacted.
    pub(super) shown: Value,
}
