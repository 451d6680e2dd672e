//! How far a run has come that has not ended, for those who look on.

use super::kept::{KeptAnswer, Plan, Wait};
use crate::model::{Accepted, Moment};
use crate::store::OpenRun;

/// How far it has come, as it stands on record.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// What it waits for; steps first.
    pub waits: Vec<Wait>,
    /// What came back, where something did.
    pub answer: Option<Come>,
}

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Come {
    /// When the request had ended.
    pub at: Moment,
    /// Layer 1.
    pub accepted: Accepted,
    /// Its status, where a whole answer came.
    pub status: Option<i64>,
    /// Why not yes; else empty.
    pub reason: String,
}

impl Progress {
    /// Of a run that the store holds as open.
    #[must_use]
    pub fn of(open: &OpenRun) -> Self {
        let plan: Plan = serde_json::from_value(open.intent.plan.clone()).unwrap_or_default();
        let answer = open.fired.as_ref().and_then(|fired| fired.answer.clone());
        let answer: Option<KeptAnswer> = answer.and_then(|answer| serde_json::from_value(answer).ok());
        Self {
            waits: plan.waits,
            answer: answer.map(|answer| Come {
                at: answer.at,
                accepted: answer.accepted,
                status: answer.response.map(|response| response.status),
                reason: answer.reason,
            }),
        }
    }
}
