//! What survives. One trait; [`memory`] and [`sqlite`] behind it.

mod ended;
mod filter;
mod location;
mod memory;
mod open;
mod opening;
mod refusal;
mod small;
mod sqlite;
mod upkeep;

use std::path::PathBuf;
use std::sync::Arc;

use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::model::{
    Ending, Fault, Mark, Moment, ObservationId, Rollup, RunId, RunRecord, SkipRecord, SkipSpan, TokenKey,
};

pub use ended::{Amendable, EndedRun};
pub use filter::{Endings, LOOKED_THROUGH, Order, PAGE_RUNS, Page, Place, RunFilter};
pub use location::Location;
pub use memory::MemoryStore;
pub use open::{Fired, OpenRow, OpenRun, OpenText, StoredObservation, TakeOpen};
pub use opening::{keep_beside, mark_beside, open, open_beside};
pub use small::{KEEP_BYTES, Keep, StoreSize};
pub use sqlite::{Ack, Options, SqliteStore};
pub use upkeep::{Extent, Retention, RollupFilter, Upkeep};

/// What is about to be fired: on record before the first byte leaves (invariant 7).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Intent {
    /// The run.
    pub run: RunId,
    /// With `input`, `route`, `location` and `tick` the fence: a second intent with the same five is refused.
    pub probe: String,
    /// Part of the fence.
    pub input: String,
    /// Part of the fence.
    pub route: String,
    /// Part of the fence.
    pub location: String,
    /// The scheduled instant. Part of the fence.
    pub tick: Moment,
    /// Digest of the definition.
    pub revision: String,
    /// The correlation token.
    pub token: String,
    /// When the intent was made.
    pub at: Moment,
    /// What a later process needs to wait on: deadlines, expectations, rendered addresses; opaque to the store.
    pub plan: Value,
}

/// What became of an intent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Durable, and ours.
    Won,
    /// Another intent has the same fence.
    Taken,
}

/// What every store does. Each write returns when it is durable; writes of many callers share a commit. A full queue
/// refuses at once (`Reason::Store`) instead of waiting: trouble in the store must not reach the schedule.
pub trait Store: Send + Sync + 'static {
    /// The installation's token key, made at first use.
    ///
    /// # Errors
    /// The store does not answer.
    fn token_key(&self, fresh: [u8; 32]) -> BoxFuture<'_, Result<TokenKey, Fault>>;

    /// Puts intents on record, each or none of them durable when this returns. Where the future is dropped before it
    /// has answered, what it claimed is withdrawn: nobody was told, so nothing was fired.
    ///
    /// # Errors
    /// Not durable: nothing may be fired.
    fn claim(&self, intents: Vec<Intent>) -> BoxFuture<'_, Result<Vec<Claim>, Fault>>;

    /// Notes that the first byte left, then (again) that the answer came.
    ///
    /// # Errors
    /// Not durable.
    fn fired(&self, run: RunId, fired: Fired) -> BoxFuture<'_, Result<(), Fault>>;

    /// Puts an observation on record; until this returns nothing may be acknowledged.
    ///
    /// # Errors
    /// Not durable.
    fn observe(&self, observation: StoredObservation) -> BoxFuture<'_, Result<(), Fault>>;

    /// Puts the record of an ended run in the place of its intent, or replaces it where it was amended.
    ///
    /// # Errors
    /// Not durable.
    fn close(&self, tick: Moment, record: Arc<RunRecord>) -> BoxFuture<'_, Result<(), Fault>>;

    /// The same, and keeps what a later process needs to amend the run. Closing it is right for a store that ends with
    /// its process.
    ///
    /// # Errors
    /// Not durable.
    fn end(&self, tick: Moment, record: Arc<RunRecord>, _how: Amendable) -> BoxFuture<'_, Result<(), Fault>> {
        self.close(tick, record)
    }

    /// Runs that have ended, not before `since`, and may be amended; in the order in which they ended.
    ///
    /// # Errors
    /// The store does not answer.
    fn ended(&self, _since: Moment) -> BoxFuture<'_, Result<Vec<EndedRun>, Fault>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    /// Those of them of which something is on record that they were not judged by: at most `most`, the latest.
    ///
    /// # Errors
    /// The store does not answer.
    fn unheeded(&self, _since: Moment, _most: u32) -> BoxFuture<'_, Result<Vec<RunId>, Fault>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    /// What these of them were while they were open, as [`Store::each_open`] has it.
    ///
    /// # Errors
    /// The store does not answer, or `take` did not take something.
    fn each_ended(&self, _runs: Vec<RunId>, _take: TakeOpen) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(async { Ok(()) })
    }

    /// Puts on record that a run which would have been is skipped. Where its intent is on record it is withdrawn in the
    /// same commit, so that the tick has one fate at every instant.
    ///
    /// # Errors
    /// Not durable, and the intent stands.
    fn skip(&self, run: RunId, tick: Moment, record: SkipRecord) -> BoxFuture<'_, Result<(), Fault>>;

    /// What a channel last saved.
    ///
    /// # Errors
    /// The store does not answer.
    fn cursor(&self, name: String) -> BoxFuture<'_, Result<Option<String>, Fault>>;

    /// Saves how far a channel has read.
    ///
    /// # Errors
    /// Not durable.
    fn save_cursor(&self, name: String, cursor: String) -> BoxFuture<'_, Result<(), Fault>>;

    /// How many runs of a probe were claimed at or after `since`: for `limits.per_day`.
    ///
    /// # Errors
    /// The store does not answer.
    fn claimed_since(&self, probe: String, since: Moment) -> BoxFuture<'_, Result<u64, Fault>>;

    /// Runs that were claimed and never closed, with what is known of them.
    ///
    /// # Errors
    /// The store does not answer.
    fn open_runs(&self) -> BoxFuture<'_, Result<Vec<OpenRun>, Fault>>;

    /// The same in parts, by the runs' ids, each run before what was seen of it: for a start that finds many. `take`
    /// may be called on another thread.
    ///
    /// # Errors
    /// The store does not answer, or `take` did not take something.
    fn each_open(&self, take: TakeOpen) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(open::each_of(self, take))
    }

    /// One run that was claimed and has not been closed. Reading all of them is right for a store of few.
    ///
    /// # Errors
    /// The store does not answer.
    fn open_run(&self, run: RunId) -> BoxFuture<'_, Result<Option<OpenRun>, Fault>> {
        Box::pin(async move {
            let open = self.open_runs().await?;
            Ok(open.into_iter().find(|open| open.intent.run == run))
        })
    }

    /// One page of ended runs, as last amended: at most [`PAGE_RUNS`] and some megabytes, so that a history of any
    /// length is read without being held. [`Page::next`] is the `after` of the page that follows.
    ///
    /// # Errors
    /// The store does not answer.
    fn page(&self, filter: RunFilter) -> BoxFuture<'_, Result<Page, Fault>>;

    /// One page of how runs ended, as last amended: the runs of [`Store::page`] as far as figures need them, of bounded
    /// size and many times faster.
    ///
    /// # Errors
    /// The store does not answer.
    fn endings(&self, filter: RunFilter) -> BoxFuture<'_, Result<Endings, Fault>> {
        Box::pin(async move {
            let page = self.page(filter).await?;
            Ok(Endings {
                endings: page.runs.iter().map(Ending::of).collect(),
                next: page.next,
            })
        })
    }

    /// How many ended runs the filter lets through wherever a page begins, counted no further than `most`.
    ///
    /// # Errors
    /// The store does not answer.
    fn count(&self, filter: RunFilter, most: u64) -> BoxFuture<'_, Result<u64, Fault>>;

    /// All the ended runs that the filter lets through, at once: for few, or with a limit; else see [`Store::page`].
    ///
    /// # Errors
    /// The store does not answer.
    fn runs(&self, filter: RunFilter) -> BoxFuture<'_, Result<Vec<RunRecord>, Fault>> {
        Box::pin(async move {
            let mut rest = filter;
            let mut runs = Vec::new();
            loop {
                let page = self.page(rest.clone()).await?;
                rest.limit = rest
                    .limit
                    .map(|limit| limit.saturating_sub(u32::try_from(page.runs.len()).unwrap_or(u32::MAX)));
                runs.extend(page.runs);
                rest.after = page.next;
                if rest.after.is_none() || rest.limit == Some(0) {
                    return Ok(runs);
                }
            }
        })
    }

    /// Ended runs, as last amended, in the order in which they closed or were amended: those whose position in it is
    /// after `after`, at most `limit`. A run has one position, that of its last change; positions rise and are never
    /// given again while what follows is on record. So whoever was away reads on where he was.
    ///
    /// # Errors
    /// The store does not answer.
    fn changes(&self, after: u64, limit: u32) -> BoxFuture<'_, Result<Vec<(u64, RunRecord)>, Fault>>;

    /// The position of the last change; zero where nothing has ended.
    ///
    /// # Errors
    /// The store does not answer.
    fn last_change(&self) -> BoxFuture<'_, Result<u64, Fault>>;

    /// One ended run, as last amended.
    ///
    /// # Errors
    /// The store does not answer.
    fn run(&self, run: RunId) -> BoxFuture<'_, Result<Option<RunRecord>, Fault>>;

    /// Observations that no run is known to bear, from this id on, in order; at most so many, the newest. An empty list
    /// is right for a store that ends with its process.
    ///
    /// # Errors
    /// The store does not answer.
    fn strays(
        &self,
        _from: ObservationId,
        _most: u32,
    ) -> BoxFuture<'_, Result<Vec<StoredObservation>, Fault>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    /// The highest observation id on record, so that ids rise over restarts too. `None` is right for a store that
    /// begins empty.
    ///
    /// # Errors
    /// The store does not answer.
    fn last_observation(&self) -> BoxFuture<'_, Result<Option<ObservationId>, Fault>> {
        Box::pin(async { Ok(None) })
    }

    /// The records of a run that amendments replaced, oldest first. An empty list is right for a store that keeps
    /// only the last.
    ///
    /// # Errors
    /// The store does not answer.
    fn replaced(&self, _run: RunId) -> BoxFuture<'_, Result<Vec<RunRecord>, Fault>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    /// Skips whose tick is not before `since`.
    ///
    /// # Errors
    /// The store does not answer.
    fn skips(&self, since: Option<Moment>) -> BoxFuture<'_, Result<Vec<SkipRecord>, Fault>>;

    /// Puts spans of skipped ticks on record, all in one commit. One with the probe, input, route, reason and first tick
    /// of a span on record takes its place: so a span grows, and one written again after a crash is one.
    ///
    /// # Errors
    /// Not durable.
    fn skip_span(&self, spans: Vec<SkipSpan>) -> BoxFuture<'_, Result<(), Fault>>;

    /// Spans of skips whose last tick is not before `since`, by their first.
    ///
    /// # Errors
    /// The store does not answer.
    fn skip_spans(&self, since: Option<Moment>) -> BoxFuture<'_, Result<Vec<SkipSpan>, Fault>>;

    /// Keeps and forgets values of the daemon's own small state, all in one commit.
    ///
    /// # Errors
    /// Not durable; or a name or a value is larger than its bound ([`KEEP_BYTES`]), and then none of them is kept.
    fn keep_all(&self, entries: Vec<Keep>) -> BoxFuture<'_, Result<(), Fault>>;

    /// Keeps one value, or forgets it.
    ///
    /// # Errors
    /// As [`Store::keep_all`].
    fn keep(&self, space: &str, key: &str, value: Option<Value>) -> BoxFuture<'_, Result<(), Fault>> {
        self.keep_all(vec![Keep {
            space: space.to_owned(),
            key: key.to_owned(),
            value,
        }])
    }

    /// What is kept in a space, by key.
    ///
    /// # Errors
    /// The store does not answer.
    fn kept(&self, space: String) -> BoxFuture<'_, Result<Vec<(String, Value)>, Fault>>;

    /// Puts a mark on the time line, or in the place of the one that has its id.
    ///
    /// # Errors
    /// Not durable, or outside its bounds ([`Mark::check`]).
    fn mark(&self, mark: Mark) -> BoxFuture<'_, Result<(), Fault>>;

    /// Marks of which any part lies in `since <= t < until`, by their time.
    ///
    /// # Errors
    /// The store does not answer.
    fn marks(&self, since: Option<Moment>, until: Option<Moment>) -> BoxFuture<'_, Result<Vec<Mark>, Fault>>;

    /// The heartbeat: a restart knows by it since when landfall was down.
    ///
    /// # Errors
    /// Not durable.
    fn alive(&self, at: Moment) -> BoxFuture<'_, Result<(), Fault>>;

    /// The last heartbeat.
    ///
    /// # Errors
    /// The store does not answer.
    fn last_alive(&self) -> BoxFuture<'_, Result<Option<Moment>, Fault>>;

    /// The newest moment that landfall itself put on record: ticks and the heartbeat. A clock that is well before it
    /// is not to be believed.
    ///
    /// # Errors
    /// The store does not answer.
    fn newest(&self) -> BoxFuture<'_, Result<Option<Moment>, Fault>>;

    /// How much the store holds.
    ///
    /// # Errors
    /// The store does not answer.
    fn size(&self) -> BoxFuture<'_, Result<StoreSize, Fault>>;

    /// One turn of upkeep, some minutes after the last: rolls up the hours that have ended, again where their runs have
    /// changed since, then removes what has been kept long enough, in steps that never hold a write up for long. It
    /// may be dropped at any instant, and the next turn goes on.
    ///
    /// # Errors
    /// The store does not take it; what was done before stays done.
    fn upkeep(&self, now: Moment, retention: Retention) -> BoxFuture<'_, Result<Upkeep, Fault>>;

    /// Hours that have been rolled up, by hour, probe, route and input.
    ///
    /// # Errors
    /// The store does not answer.
    fn rollups(&self, filter: RollupFilter) -> BoxFuture<'_, Result<Vec<Rollup>, Fault>>;

    /// How far back runs and roll-ups reach. Nothing is right for a store that removes and rolls up nothing.
    ///
    /// # Errors
    /// The store does not answer.
    fn extent(&self) -> BoxFuture<'_, Result<Extent, Fault>> {
        Box::pin(async { Ok(Extent::default()) })
    }

    /// Copies the store as it is at one instant to a new file, while it is written to, and verifies the copy; gives its
    /// bytes.
    ///
    /// # Errors
    /// The file exists or cannot be written, or the store is in memory.
    fn backup(&self, to: PathBuf) -> BoxFuture<'_, Result<u64, Fault>>;

    /// Commits what is queued and lets go of files and locks.
    fn shutdown(&self) -> BoxFuture<'_, Result<(), Fault>>;
}
