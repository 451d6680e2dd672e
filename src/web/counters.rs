//! What the listener has done and refused, by stable words.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! words {
    ($($(#[doc = $doc:literal])+ $name:ident => $word:literal),+ $(,)?) => {
        /// A word under which something is counted; metrics and messages use it as it is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(usize)]
        pub enum Word {
            $($(#[doc = $doc])+ $name),+
        }

        impl Word {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The word.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$name => $word),+ }
            }
        }
    };
}

words! {
    /// Connections taken.
    Accepted => "accepted",
    /// Requests whose head was whole.
    Requests => "requests",
    /// Connections refused: too many are open.
    Connections => "connections",
    /// Connections refused: too many are open from that source.
    ConnectionsPerSource => "connections_per_source",
    /// Failures to accept, as when file descriptors run out.
    AcceptFailed => "accept_failed",
    /// Connections cut: no whole head in time.
    HeadTimeout => "head_timeout",
    /// Requests refused: no whole body in time.
    BodyTimeout => "body_timeout",
    /// Connections closed after they were silent for long.
    Idle => "idle",
    /// Connections cut: the answer was not read in time.
    WriteTimeout => "write_timeout",
    /// Requests refused: too many headers, or too large.
    HeadTooLarge => "head_too_large",
    /// Requests refused: not HTTP/1.
    Malformed => "malformed",
    /// Requests refused: the body is over its limit.
    BodyTooLarge => "body_too_large",
    /// Requests refused: too many bytes are held for others.
    BodyBytes => "body_bytes",
    /// Requests whose sender broke off.
    Aborted => "aborted",
    /// Requests that match nothing, answered 404.
    Unmatched => "unmatched",
    /// Requests that match nothing, over their budget.
    UnmatchedOverBudget => "unmatched_over_budget",
    /// Requests that came before landfall had started, answered 503.
    Starting => "starting",
    /// Handlers that took too long.
    HandlerTimeout => "handler_timeout",
    /// Handlers that panicked: a bug of landfall's.
    HandlerPanic => "handler_panic",
    /// Connections cut because the listener stopped before their request was done.
    Stopped => "stopped",
}

/// One count for each [`Word`].
#[derive(Debug)]
pub struct Counters([AtomicU64; Word::ALL.len()]);

impl Default for Counters {
    fn default() -> Self {
        Self(std::array::from_fn(|_| AtomicU64::new(0)))
    }
}

impl Counters {
    /// Counts one.
    pub fn add(&self, word: Word) {
        self.0[word as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// How many so far.
    #[must_use]
    pub fn get(&self, word: Word) -> u64 {
        self.0[word as usize].load(Ordering::Relaxed)
    }

    /// All of them, zeros too, so that every series exists from the start.
    #[must_use]
    pub fn snapshot(&self) -> BTreeMap<&'static str, u64> {
        Word::ALL.iter().map(|w| (w.word(), self.get(*w))).collect()
    }
}
