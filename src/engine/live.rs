//! What the engine holds of a run besides what the machine knows: contents, scope, the request.
//!
//! Most runs that are in flight wait, and so do those that have ended and may still be amended. Their contents are
//! needed when something comes of them, else not: some seconds after they were last touched they are packed, and they
//! are unpacked when they are asked for, each value the very one that it was. A run that is decided at once is never
//! packed while it is open.

mod codec;
mod contents;
mod packed;
mod press;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Weak};
use std::time::Duration;

use serde_json::Value;

use crate::definition::{LegDef, Probe, RunScope};
use crate::diag::Sources;
use crate::model::{Moment, Observation, ObservationId, OwnMap, RunId, Timings, Token};
use crate::trigger::Prepared;
pub(super) use packed::{Bytes, Handle, Packed, Share};
pub(super) use press::Press;

/// A run that was not touched for this long falls asleep.
const AWAKE: Duration = Duration::from_secs(3);
/// Where more are awake, the one that was touched first falls asleep sooner.
const AWAKE_MOST: usize = 2048;
/// Runs that fall asleep between two messages at most, so that none waits long for it.
const AT_ONCE: usize = 4;
/// The loop is not woken for it sooner than this after a run was touched: it can wait for other work.
const IDLE: Duration = Duration::from_millis(100);
/// Nor sooner than this after it had last been at work.
const SOON: Duration = Duration::from_millis(1);

/// One run's contents.
pub(super) struct Live {
    pub(super) token: Token,
    pub(super) def: Arc<LegDef>,
    pub(super) scope: RunScope,
    /// Taken when it fires.
    pub(super) prepared: Option<Prepared>,
    /// The request as people see it, redacted.
    pub(super) request: Arc<Value>,
    pub(super) answer: Option<Arc<LiveAnswer>>,
    pub(super) observations: HashMap<ObservationId, Arc<Observation>>,
    /// When the first byte left, once the answer is known.
    pub(super) sent: Option<Moment>,
    /// Came before the answer: evaluated once `response` and the captured names are known.
    pub(super) early: Vec<ObservationId>,
    /// The files that its definition's places are in.
    pub(super) sources: Arc<Sources>,
    /// Its probe, until its intent is on record.
    pub(super) probe: Option<Arc<Probe>>,
}

/// What is kept of the answer.
#[derive(Debug)]
pub(super) struct LiveAnswer {
    /// Its status, for who follows the run step by step; not kept for longer.
    pub(super) status: Option<i64>,
    pub(super) timings: Timings,
    pub(super) attributes: BTreeMap<String, String>,
    /// The answer as records show it, redacted.
    pub(super) shown: Value,
}

/// Every run's contents, awake or asleep.
pub(super) struct Lives {
    runs: OwnMap<RunId, Entry>,
    /// Runs that are awake, with when they were touched as far as was known when they were queued.
    awake: VecDeque<(Moment, RunId)>,
    /// By the address of the leg's definition.
    shares: HashMap<usize, Arc<Share>>,
    now: Moment,
    awake_for: Duration,
    /// Runs whose contents could not be had again.
    spoilt: Vec<Token>,
}

enum Entry {
    Awake(Box<Awake>),
    Asleep(Arc<Packed>),
}

struct Awake {
    live: Live,
    touched: Moment,
    handle: Weak<Handle>,
}

impl Lives {
    pub(super) fn new(awake_for: Option<Duration>) -> Self {
        Self {
            runs: OwnMap::default(),
            awake: VecDeque::new(),
            shares: HashMap::new(),
            now: Moment(i64::MIN),
            awake_for: awake_for.unwrap_or(AWAKE),
            spoilt: Vec::new(),
        }
    }

    pub(super) fn insert(&mut self, run: RunId, live: Live) {
        self.wakes(run, live, Weak::new());
    }

    /// A run that an earlier process left.
    pub(super) fn insert_asleep(&mut self, run: RunId, packed: Arc<Packed>) {
        self.runs.insert(run, Entry::Asleep(packed));
    }

    pub(super) fn reserve(&mut self, more: usize) {
        self.runs.reserve(more);
    }

    fn wakes(&mut self, run: RunId, live: Live, handle: Weak<Handle>) {
        let touched = self.now;
        self.awake.push_back((touched, run));
        let awake = Awake {
            live,
            touched,
            handle,
        };
        self.runs.insert(run, Entry::Awake(Box::new(awake)));
    }

    /// A run's contents; one that sleeps wakes.
    pub(super) fn get(&mut self, run: &RunId) -> Option<&mut Live> {
        if let Entry::Asleep(packed) = self.runs.get(run)? {
            let packed = Arc::clone(packed);
            match packed.wake(*run) {
                Ok(live) => {
                    let handle = packed.handle().clone();
                    if let Some(handle) = handle.upgrade() {
                        handle.wakes(live.scope.clone());
                    }
                    self.wakes(*run, live, handle);
                }
                Err(fault) => {
                    tracing::error!(%run, %fault, "what is held of a run cannot be had again: what is missing of it is unobserved");
                    self.spoilt.extend(packed.token());
                }
            }
        }
        match self.runs.get_mut(run)? {
            Entry::Awake(awake) => {
                awake.touched = self.now;
                Some(&mut awake.live)
            }
            Entry::Asleep(_) => None,
        }
    }

    /// What fired a run.
    pub(super) fn def(&self, run: &RunId) -> Option<&Arc<LegDef>> {
        self.runs.get(run).map(|entry| match entry {
            Entry::Awake(awake) => &awake.live.def,
            Entry::Asleep(packed) => &packed.share().def,
        })
    }

    /// What fired each run that is known.
    pub(super) fn defs(&self) -> impl Iterator<Item = &Arc<LegDef>> {
        self.runs.values().map(|entry| match entry {
            Entry::Awake(awake) => &awake.live.def,
            Entry::Asleep(packed) => &packed.share().def,
        })
    }

    /// A run's scope for channels that keep it.
    pub(super) fn handle(&mut self, run: RunId) -> Option<Arc<Handle>> {
        self.get(&run)?;
        let Entry::Awake(awake) = self.runs.get_mut(&run)? else {
            return None;
        };
        let scope = awake.live.scope.clone();
        if let Some(known) = awake.handle.upgrade() {
            known.wakes(scope);
            return Some(known);
        }
        let handle = Arc::new(Handle::awake(run, scope));
        awake.handle = Arc::downgrade(&handle);
        Some(handle)
    }

    /// Lets go of a run; the result is its token.
    pub(super) fn remove(&mut self, run: &RunId) -> Option<Token> {
        match self.runs.remove(run)? {
            Entry::Awake(awake) => Some(awake.live.token),
            Entry::Asleep(packed) => packed.token(),
        }
    }

    /// An observation that some run holds.
    pub(super) fn shown(&mut self, id: ObservationId) -> Option<Arc<Observation>> {
        let holder = self.runs.iter().find_map(|(run, entry)| {
            let holds = match entry {
                Entry::Awake(awake) => awake.live.observations.contains_key(&id),
                Entry::Asleep(packed) => packed.holds(id),
            };
            holds.then_some(*run)
        });
        self.get(&holder?)?.observations.get(&id).cloned()
    }

    /// Time has come to `now`: lays to sleep what was not touched for long.
    pub(super) fn rest(&mut self, now: Moment) {
        self.now = now;
        for _ in 0..AT_ONCE {
            let many = self.awake.len() > AWAKE_MOST;
            let due = |(at, _): &mut (Moment, RunId)| many || at.after(self.awake_for) <= now;
            let Some((_, run)) = self.awake.pop_front_if(due) else {
                return;
            };
            self.rest_one(run, many);
        }
    }

    /// When the next run falls asleep: never before now, so that nobody takes a queue of them for a loop that was held up.
    pub(super) fn next_rest(&self) -> Option<Moment> {
        let (after, soonest) = (self.awake_for.max(IDLE), self.now.after(SOON));
        self.awake.front().map(|(at, _)| at.after(after).max(soonest))
    }

    fn rest_one(&mut self, run: RunId, many: bool) {
        let Some(Entry::Awake(awake)) = self.runs.get(&run) else {
            return;
        };
        let fresh = awake.touched.after(self.awake_for) > self.now;
        let under_way = !awake.live.at_rest();
        if under_way || (fresh && !many) {
            // Where it is still under way it is looked at again after as long.
            let again = if under_way { self.now } else { awake.touched };
            self.awake.push_back((again, run));
            return;
        }
        let handle = match awake.handle.strong_count() {
            0 => Weak::new(),
            _ => awake.handle.clone(),
        };
        let share = share(&mut self.shares, &awake.live);
        let packed = Arc::new(Packed::new(run, &awake.live, share, handle));
        if let Some(handle) = packed.handle().upgrade() {
            handle.sleeps(Arc::clone(&packed));
        }
        self.runs.insert(run, Entry::Asleep(packed));
    }

    /// Runs whose contents were lost since this was last asked.
    pub(super) fn spoilt(&mut self) -> Vec<Token> {
        std::mem::take(&mut self.spoilt)
    }
}

/// What the runs of the leg share. Legs of which no run sleeps any longer are let go when there is a new one.
fn share(shares: &mut HashMap<usize, Arc<Share>>, live: &Live) -> Arc<Share> {
    let place = Arc::as_ptr(&live.def) as usize;
    if let Some(known) = shares.get(&place).filter(|known| known.is_of(live)) {
        return Arc::clone(known);
    }
    shares.retain(|_, share| Arc::strong_count(share) > 1);
    let vars = Arc::clone(live.scope.vars());
    let share = Arc::new(Share::new(live.def.clone(), vars, live.sources.clone()));
    shares.insert(place, Arc::clone(&share));
    share
}

impl Live {
    /// Whether nothing of it is under way.
    fn at_rest(&self) -> bool {
        self.prepared.is_none() && self.answer.is_some() && self.early.is_empty()
    }
}
