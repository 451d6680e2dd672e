//! How a store is opened.

use crate::model::Moment;

/// How a store is opened.
#[derive(Clone, Debug)]
pub struct Options {
    /// Now: what a second opener is told of the holder.
    pub now: Moment,
    /// The command that opens it: what a second opener is told of the holder.
    pub command: String,
    /// At most so many writes wait for the disk; more are refused at once.
    pub queue_ops: usize,
    /// At most so many bytes wait for the disk; more are refused at once.
    pub queue_bytes: usize,
    /// The file grows no larger; more is refused as on a full disk. `None`: as large as the disk allows.
    pub max_bytes: Option<u64>,
    /// When a write is answered.
    pub ack: Ack,
}

impl Options {
    /// The defaults: 16,384 writes and 64 MiB in the queue, no limit to the file, answers after the commit.
    #[must_use]
    pub fn new(now: Moment, command: impl Into<String>) -> Self {
        Self {
            now,
            command: command.into(),
            queue_ops: 16_384,
            queue_bytes: 64 << 20,
            max_bytes: None,
            ack: Ack::AfterCommit,
        }
    }
}

/// When a write is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ack {
    /// Once it is durable.
    AfterCommit,
    /// A fault, for the negative control of the durability tests: before, and the commit follows once `hold` writes
    /// have been answered. No command offers it.
    #[doc(hidden)]
    BeforeCommit {
        /// Writes to answer before a commit.
        hold: usize,
    },
}
