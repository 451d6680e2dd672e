//! What a restart finds.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Intent, StoredObservation};
use crate::model::Moment;

/// A run that was claimed and has not been closed: what a restart finds.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenRun {
    /// What was intended.
    pub intent: Intent,
    /// What is known of the firing; `None` is *fire unknown*.
    pub fired: Option<Fired>,
    /// What has been seen of it.
    pub observations: Vec<StoredObservation>,
}

/// What became of a firing, as far as a restart needs it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fired {
    /// When the first byte left.
    pub sent: Moment,
    /// The answer and what was captured; opaque to the store. `None` until there is one.
    pub answer: Option<Value>,
}
