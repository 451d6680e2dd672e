//! A store that ends with the process.

mod small;
mod state;
mod upkeep;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::future::BoxFuture;
use serde_json::Value;

use self::state::State;
use super::{
    Claim, Fired, Intent, Keep, OpenRun, Page, Retention, RollupFilter, RunFilter, Store, StoreSize,
    StoredObservation, Upkeep,
};
use crate::model::{
    Fault, Mark, Moment, ObservationId, Reason, Rollup, RunId, RunRecord, SkipRecord, SkipSpan, TokenKey,
};

/// So many ended runs are kept, and as many skips, and as many observations that no open run bears.
const KEPT: usize = 200_000;

/// Keeps everything in memory; for `--store memory` and tests. The oldest of what has ended leaves when there is more
/// than the limit; what is open never does.
#[derive(Debug)]
pub struct MemoryStore {
    state: Mutex<State>,
    kept: usize,
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::keeping(KEPT)
    }
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty store that keeps `kept` ended runs, as many skips and as many observations that no open run bears.
    #[must_use]
    pub fn keeping(kept: usize) -> Self {
        Self {
            state: Mutex::default(),
            kept,
        }
    }

    /// How many ended runs, skips and observations had to leave.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.lock().dropped
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state and then holds it to its bounds.
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.lock();
        let changed = change(&mut state);
        let before = state.dropped;
        state.bound(self.kept);
        if before == 0 && state.dropped > 0 {
            tracing::warn!(
                kept = self.kept,
                "the store in memory is full: the oldest of what has ended leaves from now on; name a file under `store:` to keep it"
            );
        }
        changed
    }
}

impl Store for MemoryStore {
    fn token_key(&self, fresh: [u8; 32]) -> BoxFuture<'_, Result<TokenKey, Fault>> {
        Box::pin(async move { Ok(TokenKey::new(*self.lock().key.get_or_insert(fresh))) })
    }

    fn claim(&self, intents: Vec<Intent>) -> BoxFuture<'_, Result<Vec<Claim>, Fault>> {
        Box::pin(async move { self.change(|state| state.claim(intents)) })
    }

    fn fired(&self, run: RunId, fired: Fired) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(async move { self.change(|state| state.fired(run, fired)) })
    }

    fn observe(&self, observation: StoredObservation) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(async move { self.change(|state| state.observe(observation)) })
    }

    fn close(&self, tick: Moment, record: Arc<RunRecord>) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(async move {
            self.change(|state| state.close(tick, record));
            Ok(())
        })
    }

    fn skip(&self, run: RunId, tick: Moment, record: SkipRecord) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(async move {
            self.change(|state| state.skip(run, tick, record));
            Ok(())
        })
    }

    fn cursor(&self, name: String) -> BoxFuture<'_, Result<Option<String>, Fault>> {
        Box::pin(async move { Ok(self.lock().cursors.get(&name).cloned()) })
    }

    fn save_cursor(&self, name: String, cursor: String) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(async move {
            self.lock().cursors.insert(name, cursor);
            Ok(())
        })
    }

    fn claimed_since(&self, probe: String, since: Moment) -> BoxFuture<'_, Result<u64, Fault>> {
        Box::pin(async move {
            let state = self.lock();
            let from = (since, RunId(uuid::Uuid::nil()));
            Ok(state
                .by_probe
                .get(&probe)
                .map_or(0, |of_probe| of_probe.range(from..).count() as u64))
        })
    }

    fn open_runs(&self) -> BoxFuture<'_, Result<Vec<OpenRun>, Fault>> {
        Box::pin(async move { Ok(self.lock().open_runs()) })
    }

    fn open_run(&self, run: RunId) -> BoxFuture<'_, Result<Option<OpenRun>, Fault>> {
        Box::pin(async move { Ok(self.lock().open_run(run)) })
    }

    fn page(&self, filter: RunFilter) -> BoxFuture<'_, Result<Page, Fault>> {
        Box::pin(async move { Ok(self.lock().page(&filter)) })
    }

    fn count(&self, filter: RunFilter, most: u64) -> BoxFuture<'_, Result<u64, Fault>> {
        Box::pin(async move { Ok(self.lock().count(&filter, most)) })
    }

    fn run(&self, run: RunId) -> BoxFuture<'_, Result<Option<RunRecord>, Fault>> {
        Box::pin(async move {
            let state = self.lock();
            let tick = state.ended.get(&run).copied();
            let record = tick.and_then(|tick| state.records.get(&(tick, run)));
            Ok(record.map(|record| RunRecord::clone(record)))
        })
    }

    fn last_observation(&self) -> BoxFuture<'_, Result<Option<ObservationId>, Fault>> {
        Box::pin(async move { Ok(self.lock().observations.keys().next_back().copied()) })
    }

    fn changes(&self, after: u64, limit: u32) -> BoxFuture<'_, Result<Vec<(u64, RunRecord)>, Fault>> {
        Box::pin(async move { Ok(self.lock().changes(after, limit)) })
    }

    fn last_change(&self) -> BoxFuture<'_, Result<u64, Fault>> {
        Box::pin(async move { Ok(self.lock().changed) })
    }

    fn replaced(&self, run: RunId) -> BoxFuture<'_, Result<Vec<RunRecord>, Fault>> {
        Box::pin(async move {
            let state = self.lock();
            let replaced = state.replaced.get(&run).into_iter().flatten();
            Ok(replaced.map(|record| RunRecord::clone(record)).collect())
        })
    }

    fn skips(&self, since: Option<Moment>) -> BoxFuture<'_, Result<Vec<SkipRecord>, Fault>> {
        Box::pin(async move {
            let state = self.lock();
            let wanted = state
                .skips
                .iter()
                .filter(|((tick, ..), _)| since.is_none_or(|since| *tick >= since));
            Ok(wanted.map(|(_, record)| record.clone()).collect())
        })
    }

    fn skip_span(&self, spans: Vec<SkipSpan>) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(async move {
            self.change(|state| state.small.skip_span(spans));
            Ok(())
        })
    }

    fn skip_spans(&self, since: Option<Moment>) -> BoxFuture<'_, Result<Vec<SkipSpan>, Fault>> {
        Box::pin(async move { Ok(self.lock().small.skip_spans(since)) })
    }

    fn keep_all(&self, entries: Vec<Keep>) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(async move { self.lock().small.keep(entries) })
    }

    fn kept(&self, space: String) -> BoxFuture<'_, Result<Vec<(String, Value)>, Fault>> {
        Box::pin(async move { Ok(self.lock().small.kept(&space)) })
    }

    fn mark(&self, mark: Mark) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(async move {
            mark.check()?;
            self.change(|state| state.small.mark(mark));
            Ok(())
        })
    }

    fn marks(&self, since: Option<Moment>, until: Option<Moment>) -> BoxFuture<'_, Result<Vec<Mark>, Fault>> {
        Box::pin(async move { Ok(self.lock().small.marks(since, until)) })
    }

    fn alive(&self, at: Moment) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(async move {
            self.lock().small.alive = Some(at);
            Ok(())
        })
    }

    fn last_alive(&self) -> BoxFuture<'_, Result<Option<Moment>, Fault>> {
        Box::pin(async move { Ok(self.lock().small.alive) })
    }

    fn newest(&self) -> BoxFuture<'_, Result<Option<Moment>, Fault>> {
        Box::pin(async move { Ok(self.lock().newest()) })
    }

    fn size(&self) -> BoxFuture<'_, Result<StoreSize, Fault>> {
        Box::pin(async move { Ok(self.lock().size()) })
    }

    fn upkeep(&self, now: Moment, retention: Retention) -> BoxFuture<'_, Result<Upkeep, Fault>> {
        Box::pin(async move { Ok(self.lock().keep_up(now, retention)) })
    }

    fn rollups(&self, filter: RollupFilter) -> BoxFuture<'_, Result<Vec<Rollup>, Fault>> {
        Box::pin(async move { Ok(self.lock().rolled_up(&filter)) })
    }

    fn backup(&self, to: PathBuf) -> BoxFuture<'_, Result<u64, Fault>> {
        Box::pin(async move {
            Err(Fault::new(
                Reason::Input,
                format!(
                    "nothing is copied to `{}`: this store is in memory; name a file under `store:`",
                    to.display()
                ),
            ))
        })
    }

    fn shutdown(&self) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(async { Ok(()) })
    }
}
