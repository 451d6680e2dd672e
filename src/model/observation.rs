//! One thing seen on a channel.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{ChannelId, Interval, Moment, ObservationId};

/// What makes two sightings the same thing.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Identity {
    /// An event with the sender's own id: a webhook id, a Message-ID, a broker's id.
    Event(String),
    /// An event that bears no id: each sighting is its own.
    Anonymous,
    /// A state: a row or a resource. Seen again it is a transition, not an arrival.
    State(String),
}

/// What a channel knows of an event that it has seen before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Repeat {
    /// Not seen before, or the channel does not answer its senders.
    #[default]
    First,
    /// Sent again after an answer of which nothing proves that it was received: one observation with attempts.
    Redelivery,
    /// Sent again after an acknowledgement that was provably received: a duplicate.
    AfterAck,
}

/// What a channel reports: content and times, before anyone knows whose it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sighting {
    /// When it arrived.
    pub at: Interval,
    /// When the look that saw it was sent, for a polled channel: a look sent within 50 ms of a limit counts at it.
    pub looked_at: Option<Moment>,
    /// A limit inside `at` is landfall's own fault: its outage widened the interval.
    pub widened: bool,
    /// The interval narrowed by the source's own timestamp: evidence, never used to classify.
    pub narrowed: Option<Interval>,
    /// What makes it the same as another.
    pub identity: Identity,
    /// Whether the channel has answered it before.
    pub repeat: Repeat,
    /// What expressions see as `seen`, decoded.
    pub seen: Map<String, Value>,
    /// Keys the channel knows without a search: an address' tag, a row's `key` column, a path segment.
    pub keys: Vec<String>,
    /// A bounce, a delay notice or an automatic answer: meets no expectation unless `where` asks for it.
    pub automatic: bool,
    /// One line for reports: method and path, subject, a row's columns.
    pub summary: String,
}

impl Sighting {
    /// An event that was pushed and has arrived at one instant.
    #[must_use]
    pub fn new(at: Interval, identity: Identity, seen: Map<String, Value>) -> Self {
        Self {
            at,
            looked_at: None,
            widened: false,
            narrowed: None,
            identity,
            repeat: Repeat::First,
            seen,
            keys: Vec::new(),
            automatic: false,
            summary: String::new(),
        }
    }
}

/// A sighting that is on record: redacted, numbered, its channel known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// Rises with time.
    pub id: ObservationId,
    /// Where it was seen.
    pub channel: ChannelId,
    /// What was seen.
    pub sighting: Sighting,
}
