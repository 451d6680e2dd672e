//! What the engine tells while it works.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::{Accepted, Moment, RunId, RunRecord, SkipRecord, SkipSpan};

/// One thing that happened.
#[derive(Clone, Debug)]
pub enum Update {
    /// A run came one step further.
    Step(StepUpdate),
    /// A run has ended; its record is durable, or the store said why not in `stored`.
    Closed {
        /// The record.
        record: Arc<RunRecord>,
        /// Why it is not on record.
        not_stored: Option<String>,
    },
    /// The verdict on a closed run has changed.
    Amended(Arc<RunRecord>),
    /// A leg of a tick did not fire.
    Skipped(SkipRecord),
    /// Ticks of a leg did not fire, one after the other. A stretch that grows is told again.
    SkippedSpan {
        /// All of it.
        span: Arc<SkipSpan>,
        /// How many of its ticks have not been told before.
        added: u64,
    },
    /// A channel cannot see.
    ChannelDown {
        /// Its name.
        channel: String,
        /// Why.
        fault: String,
    },
    /// It sees again.
    ChannelUp {
        /// Its name.
        channel: String,
        /// Whether a later look has covered the gap.
        closed: bool,
    },
}

/// A step of a run.
#[derive(Clone, Debug)]
pub struct StepUpdate {
    /// Whose.
    pub run: RunId,
    /// The probe.
    pub probe: Arc<str>,
    /// The route.
    pub route: Arc<str>,
    /// The input.
    pub input: Arc<str>,
    /// When.
    pub at: Moment,
    /// What.
    pub step: Step,
}

/// The steps of a run, in the order in which they come when all goes well.
#[derive(Clone, Debug)]
pub enum Step {
    /// Its channels are being armed.
    Arming {
        /// Their names.
        channels: Vec<String>,
    },
    /// Its intent is being made durable.
    Claiming,
    /// The request is on its way.
    Firing,
    /// The first byte left.
    Sent {
        /// Seconds after the scheduled instant.
        lag: f64,
        /// Until when outcomes are waited for.
        deadline: Moment,
    },
    /// The request has ended.
    Answered {
        /// Layer 1.
        accepted: Accepted,
        /// Status or reason.
        detail: String,
    },
    /// Something of it was seen.
    Seen {
        /// On which channel.
        channel: String,
        /// What.
        summary: String,
        /// Seconds since the first byte sent.
        seconds: f64,
    },
    /// It was evaluated.
    Met {
        /// The expectations that it meets, by name.
        names: Vec<String>,
    },
}

/// What was counted since start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Observations by channel and what became of them (`matched`, a stray's reason, `dropped`, `refused`).
    pub observations: BTreeMap<(String, String), u64>,
}
