//! What pages and API ask of the history of one probe.

use std::sync::Arc;
use std::time::Duration;

use crate::model::Moment;
use crate::report::html::probe::ProbeData;

/// Which runs of a probe are meant.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ProbeAsk {
    /// The probe's name.
    pub probe: String,
    /// Those whose ticks lie in it.
    pub range: AskedRange,
    /// Only these routes; all where it is empty.
    pub routes: Vec<String>,
    /// Only these inputs; all where it is empty.
    pub inputs: Vec<String>,
}

/// A stretch of time as it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AskedRange {
    /// From so long ago until now.
    Last(Duration),
    /// From a moment until now.
    Since(Moment),
    /// From one moment to another, which is not part of it.
    Between(Moment, Moment),
}

/// What is known of it.
#[derive(Clone, Debug, Default)]
pub struct ProbeAnswer {
    /// The last that was made; `None` while the first is being made.
    pub data: Option<Arc<ProbeData>>,
    /// Why there is no newer one; empty where this is as new as it need be, or a newer one is on its way.
    pub stale: String,
}
