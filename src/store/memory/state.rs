//! What the store in memory holds.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::small::Small;
use crate::model::{Fault, Moment, ObservationId, Rollup, RunId, RunRecord, SkipRecord};
use crate::store::{
    Claim, Fired, Intent, OpenRun, Order, Page, Place, RunFilter, StoredObservation, refusal,
};

type Fence = (Moment, String, String, String, String);
pub(super) type SkipKey = (Moment, String, String, String);

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) key: Option<[u8; 32]>,
    pub(super) claims: BTreeMap<Fence, RunId>,
    pub(super) claimed: HashMap<RunId, (Fence, Moment)>,
    pub(super) open: BTreeMap<RunId, (Intent, Option<Fired>)>,
    pub(super) observations: BTreeMap<ObservationId, StoredObservation>,
    pub(super) links: BTreeSet<(RunId, ObservationId)>,
    pub(super) records: BTreeMap<(Moment, RunId), Arc<RunRecord>>,
    pub(super) ended: HashMap<RunId, Moment>,
    pub(super) replaced: HashMap<RunId, Vec<Arc<RunRecord>>>,
    /// The last position that a change was given.
    pub(super) changed: u64,
    /// Ended runs by the position of their last change.
    pub(super) changes: BTreeMap<u64, RunId>,
    /// The same the other way round.
    pub(super) change_of: HashMap<RunId, u64>,
    /// Claims by time, for each probe.
    pub(super) by_probe: HashMap<String, BTreeSet<(Moment, RunId)>>,
    /// Observations that no run bears.
    pub(super) strays: BTreeSet<ObservationId>,
    pub(super) skips: BTreeMap<SkipKey, SkipRecord>,
    pub(super) cursors: HashMap<String, String>,
    pub(super) small: Small,
    pub(super) rollups: BTreeMap<SkipKey, Rollup>,
    /// Of earlier hours a part of the runs may be gone.
    pub(super) pruned: Option<Moment>,
    pub(super) dropped: u64,
}

impl State {
    pub(super) fn claim(&mut self, intents: Vec<Intent>) -> Result<Vec<Claim>, Fault> {
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

    pub(super) fn fired(&mut self, run: RunId, fired: Fired) -> Result<(), Fault> {
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

    pub(super) fn observe(&mut self, mut stored: StoredObservation) -> Result<(), Fault> {
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

    pub(super) fn close(&mut self, tick: Moment, record: Arc<RunRecord>) {
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
        self.changed += 1;
        self.changes.insert(self.changed, run);
        if let Some(old) = self.change_of.insert(run, self.changed) {
            self.changes.remove(&old);
        }
    }

    pub(super) fn skip(&mut self, run: RunId, tick: Moment, record: SkipRecord) {
        if self.open.remove(&run).is_some() {
            self.unclaim(run);
        }
        let key = (
            tick,
            record.probe.clone(),
            record.input.clone(),
            record.route.clone(),
        );
        // A tick has one fate: the first that was put on record.
        self.skips.entry(key).or_insert(record);
    }

    pub(super) fn changes(&self, after: u64, limit: u32) -> Vec<(u64, RunRecord)> {
        let record = |run: &RunId| {
            let tick = self.ended.get(run)?;
            self.records.get(&(*tick, *run)).map(|r| RunRecord::clone(r))
        };
        self.changes
            .range(after.saturating_add(1)..)
            .filter_map(|(position, run)| Some((*position, record(run)?)))
            .take(limit as usize)
            .collect()
    }

    pub(super) fn open_runs(&self) -> Vec<OpenRun> {
        self.open.keys().filter_map(|run| self.open_run(*run)).collect()
    }

    pub(super) fn open_run(&self, run: RunId) -> Option<OpenRun> {
        let (intent, fired) = self.open.get(&run)?;
        let links = self
            .links
            .range((run, ObservationId(0))..=(run, ObservationId(u64::MAX)));
        Some(OpenRun {
            intent: intent.clone(),
            fired: fired.clone(),
            observations: links
                .filter_map(|(_, id)| self.observations.get(id).cloned())
                .collect(),
        })
    }

    pub(super) fn page(&self, filter: &RunFilter) -> Page {
        let most = filter.page_runs();
        let follows = |place: &Place| match (filter.order, filter.after) {
            (_, None) => true,
            (Order::Newest, Some(after)) => *place < after,
            (Order::Oldest, Some(after)) => *place > after,
        };
        let records = self.records.iter().map(|((tick, run), record)| {
            (
                Place {
                    tick: *tick,
                    run: *run,
                },
                record,
            )
        });
        let admitted =
            |(place, record): &(Place, &Arc<RunRecord>)| follows(place) && filter.admits(place.tick, record);
        let mut chosen: Vec<_> = match filter.order {
            Order::Newest => records.rev().filter(admitted).take(most + 1).collect(),
            Order::Oldest => records.filter(admitted).take(most + 1).collect(),
        };
        let more = chosen.len() > most;
        chosen.truncate(most);
        Page {
            next: chosen.last().map(|(place, _)| *place).filter(|_| more),
            runs: chosen
                .into_iter()
                .map(|(_, record)| RunRecord::clone(record))
                .collect(),
        }
    }

    pub(super) fn count(&self, filter: &RunFilter, most: u64) -> u64 {
        let admitted =
            |((tick, _), record): &(&(Moment, RunId), &Arc<RunRecord>)| filter.admits(*tick, record);
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        self.records.iter().filter(admitted).take(most).count() as u64
    }

    pub(super) fn bound(&mut self, kept: usize) {
        while self.records.len() > kept {
            if let Some(((tick, run), _)) = self.records.pop_first() {
                // Of its hour a part is gone: what was rolled up of it stays as it is.
                let whole = Rollup::next_hour(Rollup::hour_of(tick));
                self.pruned = self.pruned.max(Some(whole));
                self.forget(run);
                self.dropped += 1;
            }
        }
        while self.skips.len() > kept {
            self.skips.pop_first();
            self.dropped += 1;
        }
        self.dropped += self.small.bound(kept);
        while self.strays.len() > kept {
            if let Some(stray) = self.strays.pop_first() {
                self.observations.remove(&stray);
                self.dropped += 1;
            }
        }
    }

    fn unclaim(&mut self, run: RunId) {
        if let Some((fence, at)) = self.claimed.remove(&run) {
            if let Some(of_probe) = self.by_probe.get_mut(&fence.1) {
                of_probe.remove(&(at, run));
            }
            self.claims.remove(&fence);
        }
    }

    /// A run that ended leaves, with what only it bore.
    pub(super) fn forget(&mut self, run: RunId) {
        self.ended.remove(&run);
        if let Some(position) = self.change_of.remove(&run) {
            self.changes.remove(&position);
        }
        self.replaced.remove(&run);
        self.unclaim(run);
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

fn fence(intent: &Intent) -> Fence {
    (
        intent.tick,
        intent.probe.clone(),
        intent.input.clone(),
        intent.route.clone(),
        intent.location.clone(),
    )
}
