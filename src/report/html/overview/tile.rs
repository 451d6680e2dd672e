//! How probes and routes are now, as the overview shows them.

use std::collections::BTreeMap;

use crate::model::{Class, Moment, ProbeState, RunId, Seconds};

/// One probe.
#[derive(Clone, Debug, PartialEq)]
pub struct ProbeTile {
    /// Its name.
    pub name: String,
    /// What it is about; empty where nothing is said.
    pub description: String,
    /// The worst of its routes' states.
    pub state: ProbeState,
    /// Why, in a few words; empty where it is `ok`.
    pub why: String,
    /// When it fires, in words; `None`: by hand.
    pub schedule: Option<String>,
    /// The next tick, RFC 3339.
    pub next: Option<String>,
    /// Since when and why the whole probe is paused.
    pub paused: Option<(String, String)>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its routes, in the order of the definition.
    pub routes: Vec<RouteTile>,
}

/// One route of it.
#[derive(Clone, Debug, PartialEq)]
pub struct RouteTile {
    /// Its name.
    pub name: String,
    /// Its state.
    pub state: ProbeState,
    /// Why, in a few words; empty where it is `ok`.
    pub why: String,
    /// Runs that are waited for.
    pub in_flight: u32,
    /// How its last runs ended, the newest first.
    pub last: Vec<LastRun>,
    /// The last tick that did not fire, RFC 3339, and why.
    pub skipped: Option<(String, String)>,
}

/// How one run ended.
#[derive(Clone, Debug, PartialEq)]
pub struct LastRun {
    /// The run.
    pub run: RunId,
    /// Its tick, RFC 3339.
    pub tick: String,
    /// Its verdict.
    pub class: Class,
    /// When the outcome was there, in seconds since the first byte left.
    pub seconds: Option<Seconds>,
}

/// A run that is waited for.
#[derive(Clone, Debug, PartialEq)]
pub struct Flight {
    /// The run.
    pub run: RunId,
    /// Its probe.
    pub probe: String,
    /// Its route.
    pub route: String,
    /// Its input.
    pub input: String,
    /// Since when.
    pub since: Moment,
    /// Until when it is waited for, where the request has left.
    pub deadline: Option<Moment>,
}

/// Runs that are waited for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Flights {
    /// How many.
    pub all: usize,
    /// Those that have waited longest, a bounded number.
    pub oldest: Vec<Flight>,
}

/// A channel that cannot see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlindChannel {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// Since when, RFC 3339.
    pub since: Option<String>,
    /// Why.
    pub why: Option<String>,
}

/// How bad a state is, the worst first.
#[must_use]
pub(super) const fn badness(state: ProbeState) -> u8 {
    match state {
        ProbeState::Failing => 0,
        ProbeState::Degraded => 1,
        ProbeState::Blind => 2,
        ProbeState::NoData => 3,
        ProbeState::Ok => 4,
        ProbeState::Paused => 5,
    }
}
