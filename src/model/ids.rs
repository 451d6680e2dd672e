//! Identifiers that are not names.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One firing of one probe, one input, down one route, at one tick. A UUIDv7, so that ids sort by time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct RunId(pub uuid::Uuid);

impl RunId {
    /// The trace that the run's request belongs to: its 16 bytes in hex. So what a tracing backend shows is found from
    /// a run, and a run from a trace, with nothing else on record.
    #[must_use]
    pub fn trace_id(self) -> String {
        self.0.simple().to_string()
    }

    /// The span of one part of the run within its trace, 8 bytes in hex: the same each time it is asked for, so that a
    /// process that resumes a run goes on with its trace.
    #[must_use]
    pub fn span_id(self, part: &str) -> String {
        let hash = blake3::Hasher::new_derive_key("landfall span")
            .update(self.0.as_bytes())
            .update(part.as_bytes())
            .finalize();
        // All zeros is no span (W3C Trace Context, section 3.2.2.4); a hash is that once in 2^64.
        hash.to_hex().as_str()[..16].to_owned()
    }

    /// The value of a `traceparent` header for the run's request (W3C Trace Context, section 3.2): sampled, for what
    /// a canary does is meant to be looked at.
    #[must_use]
    pub fn traceparent(self) -> String {
        format!("00-{}-{}-01", self.trace_id(), self.span_id("request"))
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One thing seen on a channel; rises with time, so that the store appends instead of inserting in random order.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct ObservationId(pub u64);

/// A channel's place in the workspace's list of channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ChannelId(pub u16);

/// A map by keys that landfall made or checked itself (ids, verified tokens). Nobody else can choose them so that they
/// collide, which lets their hash be a fast one.
pub type OwnMap<K, V> = std::collections::HashMap<K, V, foldhash::fast::RandomState>;
