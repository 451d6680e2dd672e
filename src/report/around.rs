//! What stands around a run: the runs before and after it, those of its tick, and a run that has not ended yet.

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::{Accepted, Class, Ending, Layer, RunId, RunRecord};

/// A run, as far as the page of another one names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Neighbour {
    /// Its id.
    pub id: RunId,
    /// Its route.
    pub route: String,
    /// Its input.
    pub input: String,
    /// Its tick, RFC 3339.
    pub tick: String,
    /// Its verdict.
    pub class: Class,
}

/// The runs around one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Neighbours {
    /// The run before it of the same probe, route and input; null where there is none on record.
    pub previous: Option<Neighbour>,
    /// The one after it.
    pub next: Option<Neighbour>,
    /// The others of its probe at the same tick, by route and input; at most a hundred.
    pub same_tick: Vec<Neighbour>,
    /// Whether there are more than these at the tick.
    pub more: bool,
}

impl Neighbour {
    /// Of how a run ended.
    #[must_use]
    pub fn of(ending: &Ending) -> Self {
        Self {
            id: ending.id,
            route: ending.route.clone(),
            input: ending.input.clone(),
            tick: ending.tick.to_rfc3339(),
            class: ending.class,
        }
    }

    /// Of a record.
    #[must_use]
    pub fn of_record(run: &RunRecord) -> Self {
        Self {
            id: run.id,
            route: run.route.clone(),
            input: run.input.clone(),
            tick: run.tick.clone(),
            class: run.class,
        }
    }
}

impl Neighbours {
    /// Those of a run among others, as a report that holds them all knows them.
    #[must_use]
    pub fn among<'a>(run: &RunRecord, all: impl IntoIterator<Item = &'a RunRecord>) -> Self {
        let mut found = Self::default();
        let (mut before, mut after): (Option<&RunRecord>, Option<&RunRecord>) = (None, None);
        let others = all.into_iter();
        for other in others.filter(|other| other.id != run.id && other.probe == run.probe) {
            let leg = (&other.route, &other.input) == (&run.route, &run.input);
            if other.tick == run.tick {
                found.same_tick.push(Neighbour::of_record(other));
            } else if leg && other.tick < run.tick {
                before = Some(before.filter(|known| known.tick > other.tick).unwrap_or(other));
            } else if leg {
                after = Some(after.filter(|known| known.tick < other.tick).unwrap_or(other));
            }
        }
        found.previous = before.map(Neighbour::of_record);
        found.next = after.map(Neighbour::of_record);
        found.sort(AT_TICK);
        found
    }

    /// Puts those of the tick in order, and keeps so many.
    pub fn sort(&mut self, most: usize) {
        let key = |n: &Neighbour| (n.route.clone(), n.input.clone(), n.id);
        self.same_tick.sort_by_key(key);
        self.more |= self.same_tick.len() > most;
        self.same_tick.truncate(most);
    }
}

/// The most runs of a tick that are named.
pub const AT_TICK: usize = 100;

/// A run that has left, or is about to, and has not ended. Times are RFC 3339 in UTC, durations seconds.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct OpenRun {
    /// Its id.
    pub id: RunId,
    /// Its probe.
    pub probe: String,
    /// Its route.
    pub route: String,
    /// Its input.
    pub input: String,
    /// The scheduled instant.
    pub tick: String,
    /// Its token.
    pub token: String,
    /// Digest of the definition.
    pub revision: String,
    /// When the first byte left; null where it has not, or nobody knows.
    pub sent: Option<String>,
    /// What came back; null where nothing has yet.
    pub answer: Option<OpenAnswer>,
    /// What is waited for, steps first.
    pub waits: Vec<OpenWait>,
    /// What has been seen of it so far, at most a hundred.
    pub seen: Vec<OpenSeen>,
    /// Whether more was seen.
    pub more: bool,
    /// When the last of what is waited for is given up; null where nothing has left.
    pub deadline: Option<String>,
    /// When this was so.
    pub now: String,
}

/// The answer to a run that has not ended.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct OpenAnswer {
    /// Whether the API took it.
    pub accepted: Accepted,
    /// Its status; null where no whole answer came.
    pub status: Option<i64>,
    /// Why not accepted; empty where it was.
    pub reason: String,
    /// Seconds after the first byte sent.
    pub seconds: f64,
}

/// What a run that has not ended waits for.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct OpenWait {
    /// Where it belongs.
    pub layer: Layer,
    /// How it is called.
    pub name: String,
    /// The channel.
    #[serde(rename = "in")]
    pub channel: String,
    /// Its limit in seconds.
    pub within: f64,
    /// How long after the limit it still counts as late.
    pub grace: f64,
}

/// Something seen of a run that has not ended.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct OpenSeen {
    /// The channel.
    #[serde(rename = "in")]
    pub channel: String,
    /// Seconds after the first byte sent; null where nobody knows when that was.
    pub seconds: Option<f64>,
    /// One line about it.
    pub summary: String,
}

/// What is seen of a run that has not ended is listed up to so many.
pub const SEEN: usize = 100;
