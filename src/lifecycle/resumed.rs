//! What an earlier process left of a run.

use std::sync::Arc;
use std::time::Duration;

use super::{Answered, Seen};
use crate::model::{Class, Leg, Moment, ObservationId, RunId, Tick, Token};

/// A run of an earlier process, as far as its store knows it.
#[derive(Clone, Debug)]
pub struct Resumed {
    /// Its id.
    pub run: RunId,
    /// Its token.
    pub token: Token,
    /// What it is expected to do, at the revision that fired it.
    pub leg: Arc<Leg>,
    /// Its scheduled instant.
    pub tick: Tick,
    /// How far the firing had come.
    pub firing: Firing,
    /// Captured ids.
    pub keys: Vec<String>,
    /// What had been seen of it, in the order in which it was put on record.
    pub seen: Vec<Seen>,
    /// The limit by which a part of the answer was not kept: what is missing then proves nothing.
    pub partial: Option<Arc<str>>,
    /// The wall clock was set between the two processes: the last observation of which it is known how long it took.
    pub unclocked: Option<ObservationId>,
    /// How it had ended; `None` where it was open.
    pub ended: Option<Ended>,
}

/// How far the firing of a run had come.
#[derive(Clone, Debug, PartialEq)]
pub enum Firing {
    /// It was claimed, and nobody knows whether it left (invariant 7): it is never fired again.
    Unknown {
        /// The earliest instant at which it can have left.
        claimed: Moment,
    },
    /// The first byte left, and the process ended before an answer was on record.
    Interrupted {
        /// When the first byte left.
        sent: Moment,
        /// The last instant at which the earlier process is known to have worked.
        until: Moment,
    },
    /// The request had ended.
    Answered {
        /// When the first byte left.
        sent: Moment,
        /// How it ended.
        answered: Answered,
    },
}

/// How a run had ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Ended {
    /// When, as far as it is known.
    pub at: Moment,
    /// Its class.
    pub class: Class,
    /// How it had changed before.
    pub amendments: Vec<(Moment, Class, Class)>,
    /// Whether its cleanup failed.
    pub cleanup_failed: bool,
    /// The time for the answer ran out while landfall was held up.
    pub belated: bool,
    /// How long after its tick it was meant to leave.
    pub delay: Duration,
    /// By what.
    pub judged: Judged,
}

/// What a verdict on record says of what could be seen: the process that knew it has ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Judged {
    /// Expectations, by bit, of which everything was seen.
    pub seen: u64,
    /// Expectations, by bit, of which something may have gone unseen.
    pub blind: u64,
    /// The last observation that was heeded.
    pub last: ObservationId,
}
