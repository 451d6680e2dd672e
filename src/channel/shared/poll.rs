//! What every polled channel stands on: one watcher per channel that asks for all pending keys at once.
//!
//! A kind writes a [`Source`]: how to ask once. [`Polled`] makes a channel of it. It asks while something is armed and
//! never otherwise, young waits often and old ones less so; looks that are forced wait for the next question, never
//! for one already under way; a failure is told once, retried with a growing and jittered pause, and what it
//! widened is marked. A row or a resource is a state: its first sight and each change of its content are reported.

mod polled;
mod registry;
mod states;

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use serde_json::{Map, Value};

use crate::model::{Fault, Moment, RunId, Scope, Token};

pub(crate) use polled::Polled;

/// The slowest that an old wait is polled.
pub(crate) const SLOWEST: Duration = Duration::from_secs(5);
/// An arm is content with a look that is no older.
const ARM_FRESH: Duration = Duration::from_secs(5);
/// The interval of a wait is this part of its age: 2.5 %.
const AGE_PART: u32 = 40;
/// A question that left later than planned by more than this was held up by landfall itself.
const OWN_DELAY: Duration = Duration::from_secs(1);
/// The longest pause between two attempts to reach a peer that is down.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// The shortest time between two attempts to reach a peer that is down, however many looks are forced.
const DOWN_SPACING: Duration = Duration::from_millis(250);
/// Hints that come faster than this share one question.
const HINT_SPACING: Duration = Duration::from_millis(50);
/// Runs that may wait on one polled channel.
const WATCHES: usize = 250_000;
/// Keys of one run, its token among them.
const KEYS_PER_RUN: usize = 32;
/// States (rows) remembered of one key.
const STATES_PER_KEY: usize = 100;
/// Changes that are reported of one state.
const REPORTS_PER_STATE: u16 = 1_000;
/// Sightings handed to the sink at once, so that they share a commit.
const SENDS_AT_ONCE: usize = 256;

/// How a source wants to be asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// The interval while something young is waited for.
    pub(crate) every: Duration,
    /// Runs per question.
    pub(crate) batch: usize,
    /// Questions under way at once.
    pub(crate) lanes: usize,
    /// Whether one peer is behind all questions, so that an answer (or none) for one run speaks for all.
    pub(crate) one_peer: bool,
    /// The longest a question may take.
    pub(crate) timeout: Duration,
}

/// One run as a source sees it.
#[derive(Clone)]
pub(crate) struct Ask {
    /// Whose it is.
    pub(crate) run: RunId,
    /// Its token.
    pub(crate) token: Token,
    /// Its token and captured ids.
    pub(crate) keys: Vec<Arc<str>>,
    /// Renders what names the run.
    pub(crate) scope: Arc<dyn Scope>,
}

/// One state that a source found.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// Whose it is: the text of its key.
    pub(crate) key: String,
    /// What tells it from other states, where that is declared.
    pub(crate) id: Option<String>,
    /// Of its whole content: another digest is another content.
    pub(crate) digest: [u8; 16],
    /// What expressions see.
    pub(crate) seen: Map<String, Value>,
    /// One line for reports.
    pub(crate) summary: String,
}

/// What came of one question.
#[derive(Debug, Default)]
pub(crate) struct Reply {
    /// Every state there is of the runs asked for.
    pub(crate) found: Vec<Found>,
    /// Runs whose states change no more.
    pub(crate) finished: Vec<RunId>,
    /// Runs that cannot be asked for yet, with what is missing.
    pub(crate) unready: Vec<(RunId, Fault)>,
    /// Limits that were hit, and the run that each may have touched (none: any of the question).
    pub(crate) dropped: Vec<(String, Option<Token>)>,
    /// What was refused and concerns no run.
    pub(crate) refused: Vec<String>,
}

/// A reply with its times.
#[derive(Debug)]
pub(crate) struct Answered {
    /// When the question was sent: all that was there by then is in the reply.
    pub(crate) sent: Moment,
    /// When the reply was whole.
    pub(crate) came: Moment,
    /// The reply.
    pub(crate) reply: Reply,
}

/// Why there is no reply.
#[derive(Clone, Debug)]
pub(crate) enum Failure {
    /// The source cannot be seen.
    Down(Fault),
    /// The source is there and something of what was asked for spoils the whole answer: it is asked for in halves.
    Spoilt(Fault),
}

/// How one kind of polled channel asks.
pub(crate) trait Source: Send + Sync + 'static {
    /// How it wants to be asked at the moment.
    fn pace(&self) -> Pace;

    /// What `channels.NAME` is in a run's templates.
    fn offers(&self, token: &Token, scope: &dyn Scope) -> Result<Value, Fault>;

    /// Why nothing can be planted.
    fn read_only(&self) -> &'static str;

    /// Asks once, for all of these. Dropping the future gives the question up.
    fn ask<'a>(&'a self, asks: &'a [Ask]) -> BoxFuture<'a, Result<Answered, Failure>>;

    /// Connections open now.
    fn connections(&self) -> u64;

    /// Waits for hints that something changed while `wanted` says that something is armed. May be dropped at any time.
    fn attend<'a>(
        &'a self,
        _wanted: tokio::sync::watch::Receiver<bool>,
        _hint: &'a Hint<'a>,
    ) -> BoxFuture<'a, ()> {
        Box::pin(std::future::pending())
    }

    /// Lets go of its connections.
    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}

/// To be called when something may have changed.
pub(crate) type Hint<'a> = dyn Fn() + Send + Sync + 'a;
