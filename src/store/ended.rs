//! What is kept of a run that has ended, for as long as it may be amended.

use crate::model::{Moment, ObservationId, RunId};

/// What the store cannot read from the record of a run that ends, so that a later process can amend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Amendable {
    /// When it ended.
    pub at: Moment,
    /// When the first byte left, as far as that is known.
    pub sent: Option<Moment>,
    /// Captured ids, redacted.
    pub keys: Vec<String>,
    /// What it was judged by. What is on record of it with a higher id has not been heeded.
    pub seen: Vec<ObservationId>,
    /// So many runs that have ended are kept: the one that ended first leaves.
    pub most: usize,
}

/// A run that has ended and may be amended, as a start knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndedRun {
    /// Its id.
    pub run: RunId,
    /// When it ended.
    pub at: Moment,
    /// When the first byte left.
    pub sent: Option<Moment>,
    /// The last observation that it was judged by; zero where it was judged by none.
    pub heeded: ObservationId,
    /// Its token, as it is on record.
    pub token: String,
    /// Its probe.
    pub probe: String,
    /// Digest of the definition that fired it.
    pub revision: String,
    /// Captured ids.
    pub keys: Vec<String>,
}
