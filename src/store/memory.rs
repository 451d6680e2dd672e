//! A store that ends with the process.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::future::BoxFuture;

use super::{Claim, Fired, Intent, OpenRun, RunFilter, Store, StoredObservation, refusal};
use crate::model::{Fault, Moment, ObservationId, RunId, RunRecord, SkipRecord, TokenKey};

/// So many ended runs are kept, and as many skips, and as many observations that no open run bears.
const KEPT: usize = 200_000;

/// Keeps everything in memory; for `--store memory` and tests. The oldest of what has ended leaves when there is more
/// than the limit; what is open never does.
#[derive(Debug)]
pub struct MemoryStore {
    state: Mutex<State>,
    kept: usize,
}

type Fence = (Moment, String, String, String, String);
type SkipKey = (Moment, String, String, String);

#[derive(Debug, Default)]
struct State {
    key: Option<[u8; 32]>,
    claims: BTreeMap<Fence, RunId>,
    claimed: HashMap<RunId, (Fence, Moment)>,
    open: BTreeMap<RunId, (Intent, Option<Fired>)>,
    observations: BTreeMap<ObservationId, StoredObservation>,
    links: BTreeSet<(RunId, ObservationId)>,
    records: BTreeMap<(Moment, RunId), Arc<RunRecord>>,
    ended: HashMap<RunId, Moment>,
    replaced: HashMap<RunId, Vec<Arc<RunRecord>>>,
    /// Claims by time, for each probe.
    by_probe: HashMap<String, BTreeSet<(Moment, RunId)>>,
    /// Observations that no run bears.
    strays: BTreeSet<ObservationId>,
    skips: BTreeMap<SkipKey, SkipRecord>,
    cursors: HashMap<String, String>,
    dropped: u64,
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

impl State {
    fn claim(&mut self, intents: Vec<Intent>) -> Result<Vec<Claim>, Fault> {
        let mut taken: BTreeMap<Fence, RunId> = BTreeMap::new();
        let mut won: Vec<Intent> = Vec::new();
        let mut claims = Vec::with_capacity(intents.len());
        for intent in intents {
            let fence = fence(&intent);
            if self.claims.contains_key(&fence) || taken.contains_key(&fence) {
                claims.push(Claim::Taken);
                continue;
            }
            if self.claimed.contains_key(&intent.run) || won.iter().any(|other| other.run == intent.run) {
                return Err(refusal::run_claimed_twice(&intent));
            }
            taken.insert(fence, intent.run);
            won.push(intent);
            claims.push(Claim::Won);
        }
        for intent in won {
            self.claims.insert(fence(&intent), intent.run);
            self.claimed.insert(intent.run, (fence(&intent), intent.at));
            let of_probe = self.by_probe.entry(intent.probe.clone()).or_default();
            of_probe.insert((intent.at, intent.run));
            self.open.insert(intent.run, (intent, None));
        }
        Ok(claims)
    }

    fn fired(&mut self, run: RunId, fired: Fired) -> Result<(), Fault> {
        match self.open.get_mut(&run) {
            Some((_, noted)) => {
                let answer = fired
                    .answer
                    .or_else(|| noted.take().and_then(|noted| noted.answer));
                *noted = Some(Fired {
                    sent: fired.sent,
                    answer,
                });
                Ok(())
            }
            None if self.claimed.contains_key(&run) => Ok(()),
            None => Err(refusal::never_claimed(run)),
        }
    }

    fn observe(&mut self, mut stored: StoredObservation) -> Result<(), Fault> {
        let id = stored.observation.id;
        let kept = self.observations.get(&id);
        if let Some(kept) = kept {
            if kept.channel != stored.channel || kept.observation != stored.observation {
                return Err(refusal::observation_differs(id.0));
            }
            stored.runs.extend(&kept.runs);
        }
        stored.runs.sort_unstable();
        stored.runs.dedup();
        if stored.runs.is_empty() {
            self.strays.insert(id);
        } else {
            self.strays.remove(&id);
        }
        self.links.extend(stored.runs.iter().map(|run| (*run, id)));
        self.observations.insert(id, stored);
        Ok(())
    }

    fn close(&mut self, tick: Moment, record: Arc<RunRecord>) {
        let run = record.id;
        self.open.remove(&run);
        let before = self
            .ended
            .insert(run, tick)
            .and_then(|tick| self.records.remove(&(tick, run)));
        if let Some(before) = before.filter(|before| **before != *record) {
            self.replaced.entry(run).or_default().push(before);
        }
        self.records.insert((tick, run), record);
    }

    fn open_runs(&self) -> Vec<OpenRun> {
        let seen = |run: RunId| {
            self.links
                .range((run, ObservationId(0))..=(run, ObservationId(u64::MAX)))
                .filter_map(|(_, id)| self.observations.get(id).cloned())
                .collect()
        };
        self.open
            .values()
            .map(|(intent, fired)| OpenRun {
                intent: intent.clone(),
                fired: fired.clone(),
                observations: seen(intent.run),
            })
            .collect()
    }

    fn runs(&self, filter: &RunFilter) -> Vec<RunRecord> {
        let is = |wanted: &Option<String>, name: &str| wanted.as_deref().is_none_or(|wanted| wanted == name);
        self.records
            .iter()
            .rev()
            .take_while(|((tick, _), _)| filter.since.is_none_or(|since| *tick >= since))
            .filter(|(_, record)| is(&filter.probe, &record.probe) && is(&filter.route, &record.route))
            .take(filter.limit.map_or(usize::MAX, |limit| limit as usize))
            .map(|(_, record)| RunRecord::clone(record))
            .collect()
    }

    fn bound(&mut self, kept: usize) {
        while self.records.len() > kept {
            if let Some(((_, run), _)) = self.records.pop_first() {
                self.forget(run);
            }
        }
        while self.skips.len() > kept {
            self.skips.pop_first();
            self.dropped += 1;
        }
        while self.strays.len() > kept {
            if let Some(stray) = self.strays.pop_first() {
                self.observations.remove(&stray);
                self.dropped += 1;
            }
        }
    }

    /// A run that ended leaves, with what only it bore.
    fn forget(&mut self, run: RunId) {
        self.dropped += 1;
        self.ended.remove(&run);
        self.replaced.remove(&run);
        if let Some((fence, at)) = self.claimed.remove(&run) {
            if let Some(of_probe) = self.by_probe.get_mut(&fence.1) {
                of_probe.remove(&(at, run));
            }
            self.claims.remove(&fence);
        }
        let links: Vec<_> = self
            .links
            .range((run, ObservationId(0))..=(run, ObservationId(u64::MAX)))
            .copied()
            .collect();
        for (run, id) in links {
            self.links.remove(&(run, id));
            if let Some(stored) = self.observations.get_mut(&id) {
                stored.runs.retain(|other| *other != run);
                if stored.runs.is_empty() {
                    self.observations.remove(&id);
                }
            }
        }
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

    fn skip(&self, tick: Moment, record: SkipRecord) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(async move {
            let key = (
                tick,
                record.probe.clone(),
                record.input.clone(),
                record.route.clone(),
            );
            // A tick has one fate: the first that was put on record.
            self.change(|state| {
                state.skips.entry(key).or_insert(record);
            });
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

    fn runs(&self, filter: RunFilter) -> BoxFuture<'_, Result<Vec<RunRecord>, Fault>> {
        Box::pin(async move { Ok(self.lock().runs(&filter)) })
    }

    fn last_observation(&self) -> BoxFuture<'_, Result<Option<ObservationId>, Fault>> {
        Box::pin(async move { Ok(self.lock().observations.keys().next_back().copied()) })
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

    fn shutdown(&self) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(async { Ok(()) })
    }
}

fn fence(intent: &Intent) -> Fence {
    (
        intent.tick,
        intent.probe.clone(),
        intent.input.clone(),
        intent.route.clone(),
        intent.location.clone(),
    )
}
