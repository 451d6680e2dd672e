//! The daemon's own small state, and how large a store is.

use serde_json::Value;

use crate::model::{Fault, Moment, Reason};

/// A value that is kept has at most so many bytes of JSON.
pub const KEEP_BYTES: usize = 256 << 10;
/// A space or a key has at most so many bytes.
const NAME_BYTES: usize = 512;

/// One value to keep, or to forget.
#[derive(Clone, Debug, PartialEq)]
pub struct Keep {
    /// Whose it is: `pauses`, `mutes`, `alerts`, `outbox`. At most 512 bytes.
    pub space: String,
    /// Its name there. At most 512 bytes.
    pub key: String,
    /// What is kept, at most [`KEEP_BYTES`] of JSON; `None` forgets it.
    pub value: Option<Value>,
}

/// How much a store holds. Bytes are those of now; rows of a large file may be those of when it was last smaller or larger
/// by a hundredth, since counting reads the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreSize {
    /// Bytes on disk, the write-ahead log included; zero in memory.
    pub bytes: u64,
    /// Of these the write-ahead log.
    pub log_bytes: u64,
    /// Bytes in the file that deleted rows left and new ones will take.
    pub free_bytes: u64,
    /// Ended runs.
    pub runs: u64,
    /// Runs that were claimed and have not been closed.
    pub open_runs: u64,
    /// Observations.
    pub observations: u64,
    /// Ticks that did not fire, each row one tick.
    pub skips: u64,
    /// Rows that tell many skipped ticks at once.
    pub skip_spans: u64,
    /// Marks.
    pub marks: u64,
    /// The tick of the oldest ended run.
    pub oldest: Option<Moment>,
}

impl Keep {
    /// A value to keep.
    #[must_use]
    pub fn put(space: impl Into<String>, key: impl Into<String>, value: Value) -> Self {
        Self {
            space: space.into(),
            key: key.into(),
            value: Some(value),
        }
    }

    /// A value to forget.
    #[must_use]
    pub fn forget(space: impl Into<String>, key: impl Into<String>) -> Self {
        Self {
            space: space.into(),
            key: key.into(),
            value: None,
        }
    }

    /// Its value as JSON, held to the bounds.
    pub(super) fn encode(&self) -> Result<Option<String>, Fault> {
        let Self { space, key, value } = self;
        for (what, name) in [("space", space), ("key", key)] {
            if name.is_empty() || name.len() > NAME_BYTES {
                return Err(Fault::new(
                    Reason::Limit,
                    format!(
                        "a {what} of the store's small state has 1 to {NAME_BYTES} bytes, and this one has {}",
                        name.len()
                    ),
                ));
            }
        }
        let Some(value) = value else { return Ok(None) };
        let text = value.to_string();
        if text.len() > KEEP_BYTES {
            return Err(Fault::new(
                Reason::Limit,
                format!(
                    "the value `{key}` in `{space}` has {} bytes, and the store keeps at most {KEEP_BYTES} of each: keep less of it",
                    text.len()
                ),
            ));
        }
        Ok(Some(text))
    }
}
