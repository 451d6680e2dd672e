//! What both stores refuse, in the same words.

use super::Intent;
use crate::model::{Fault, Reason, RunId};

pub(super) fn run_claimed_twice(intent: &Intent) -> Fault {
    Fault::new(
        Reason::Internal,
        format!(
            "run {} was claimed before for another tick than {} of probe `{}`, route `{}`, input `{}`: run ids are given once",
            intent.run, intent.tick, intent.probe, intent.route, intent.input
        ),
    )
}

pub(super) fn never_claimed(run: RunId) -> Fault {
    Fault::new(
        Reason::Internal,
        format!("run {run} was noted as fired, and no claim of it is on record"),
    )
}

pub(super) fn observation_differs(id: u64) -> Fault {
    Fault::new(
        Reason::Internal,
        format!(
            "observation {id} is on record with other content: ids are given once and rise (see `last_observation`)"
        ),
    )
}
