//! Runs that had ended before the start and may still be amended. Of each only its token and its captured ids are held;
//! what it was is read from the store once something arrives for it, and it then ends in the machine like any other.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, PoisonError};

use tokio::sync::mpsc;

use super::loader::{self, Asked, Before, Loaded};
use super::watch::{self, Watches};
use super::{Left, Watched, shown};
use crate::engine::drive::{Loop, Message, Shared};
use crate::lifecycle::{Event, Resumed, Seen, Settings};
use crate::model::{Moment, Observation, ObservationId, OwnMap, RunId, Token};
use crate::store::EndedRun;

/// Observations that wait for their run to be read. More are on record and are heeded at the next start.
const HELD: usize = 4096;

/// The runs that ended before the start.
#[derive(Default)]
pub(in crate::engine) struct Bygones {
    runs: OwnMap<RunId, Bygone>,
    by_token: OwnMap<Token, RunId>,
    by_key: HashMap<String, Vec<RunId>>,
    /// In the order in which they are forgotten.
    order: VecDeque<(Moment, RunId)>,
    /// So many runs that have ended may be amended, those of this process among them.
    most: usize,
    held: Vec<Held>,
    /// Reads them; `None` where there are none.
    wanted: Option<mpsc::UnboundedSender<Asked>>,
}

struct Bygone {
    token: Token,
    keys: Box<[String]>,
    at: Moment,
    heeded: ObservationId,
    asked: bool,
}

/// Something that was seen of runs that are being read.
struct Held {
    runs: Vec<RunId>,
    seen: Seen,
    observation: Arc<Observation>,
}

impl Bygones {
    /// Takes in those that the store has, and begins to look which of them need more than to be known.
    pub(in crate::engine) fn begin(shared: &Arc<Shared>, settings: &Settings, left: &mut Left) -> Self {
        let ended = std::mem::take(&mut left.ended);
        let before = Before {
            last: left.last,
            unclocked: left.unclocked,
        };
        let mut bygones = Self {
            most: settings.amend_count,
            ..Self::default()
        };
        if ended.is_empty() {
            return bygones;
        }
        for run in &ended {
            bygones.know(run, settings);
        }
        let (wanted, asked) = mpsc::unbounded_channel();
        bygones.wanted = Some(wanted);
        let stop = shared.stop.clone();
        let since = shared.clock.now().before(settings.amend_for);
        let (loading, looking) = (shared.clone(), shared.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = loader::run(loading, asked, before) => {}
            }
        });
        let stop = shared.stop.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = loader::look(looking, ended, since) => {}
            }
        });
        bygones
    }

    fn know(&mut self, run: &EndedRun, settings: &Settings) {
        let Some(token) = Token::from_record(&run.token) else {
            return;
        };
        for key in &run.keys {
            self.by_key.entry(key.clone()).or_default().push(run.run);
        }
        self.by_token.insert(token, run.run);
        self.order.push_back((run.at.after(settings.amend_for), run.run));
        let bygone = Bygone {
            token,
            keys: run.keys.clone().into(),
            at: run.at,
            heeded: run.heeded,
            asked: false,
        };
        self.runs.insert(run.run, bygone);
    }

    /// Those among them that an observation is about: by its token, else by a captured id.
    fn about(&self, seen: &Seen) -> Vec<RunId> {
        if self.runs.is_empty() {
            return Vec::new();
        }
        let mut runs: Vec<RunId> = seen
            .tokens
            .iter()
            .filter_map(|token| self.by_token.get(token).copied())
            .collect();
        if seen.tokens.is_empty() {
            let of_keys = seen.keys.iter().filter_map(|key| self.by_key.get(key));
            // A captured id that several share tells none of them apart: two are enough to see that.
            runs.extend(of_keys.flat_map(|runs| runs.iter().take(2).copied()));
            runs.sort_unstable();
            runs.dedup();
        }
        runs
    }

    fn ask(&mut self, run: RunId) {
        if let Some(bygone) = self.runs.get_mut(&run)
            && !bygone.asked
            && let Some(wanted) = &self.wanted
        {
            bygone.asked = true;
            // Who reads them ends with the engine.
            let (at, heeded) = (bygone.at, bygone.heeded);
            wanted.send(Asked { run, at, heeded }).unwrap_or_default();
        }
    }

    fn remove(&mut self, run: RunId) -> Option<Token> {
        let bygone = self.runs.remove(&run)?;
        self.by_token.remove(&bygone.token);
        for key in &bygone.keys {
            if let Some(runs) = self.by_key.get_mut(key) {
                runs.retain(|of| *of != run);
                if runs.is_empty() {
                    self.by_key.remove(key);
                }
            }
        }
        Some(bygone.token)
    }

    /// Those that may be amended no longer, when `closed` runs of the machine may be.
    fn outdated(&mut self, now: Moment, closed: usize) -> Option<RunId> {
        let many = self.runs.len() + closed > self.most;
        let (_, run) = self.order.pop_front_if(|(until, _)| many || *until <= now)?;
        Some(run)
    }

    /// What waited for this run alone, or for it as the last.
    fn release(&mut self, run: RunId) -> Vec<(Seen, Arc<Observation>)> {
        for held in &mut self.held {
            held.runs.retain(|of| *of != run);
        }
        let free = self.held.extract_if(.., |held| held.runs.is_empty());
        free.map(|held| (held.seen, held.observation)).collect()
    }
}

impl Loop {
    /// Holds an observation back until the runs that it is about are read; given back where there are none.
    pub(in crate::engine) fn hold(
        &mut self,
        seen: Seen,
        observation: Arc<Observation>,
    ) -> Option<(Seen, Arc<Observation>)> {
        let runs = self.bygones.about(&seen);
        if runs.is_empty() {
            return Some((seen, observation));
        }
        if self.bygones.held.len() >= HELD {
            if let Some(opened) = self.shared.channel(observation.channel) {
                tracing::warn!(channel = %opened.name, "more than {HELD} observations wait for runs that ended before the start: this one is heeded at the next");
                self.shared.sinks.count(&opened.name, "crowded");
            }
            return None;
        }
        for run in &runs {
            self.bygones.ask(*run);
        }
        self.bygones.held.push(Held {
            runs,
            seen,
            observation,
        });
        None
    }

    /// Forgets those that may be amended no longer.
    pub(in crate::engine) fn forget_bygones(&mut self, now: Moment) {
        while let Some(run) = self.bygones.outdated(now, self.machine.closed()) {
            self.let_bygone_go(run);
        }
    }

    fn let_bygone_go(&mut self, run: RunId) {
        if let Some(token) = self.bygones.remove(run) {
            let tokens = &self.shared.sinks.tokens;
            let mut tokens = tokens.lock().unwrap_or_else(PoisonError::into_inner);
            if tokens.get(&token) == Some(&run) {
                tokens.remove(&token);
            }
        }
        // Of a run that is forgotten they are strays.
        self.show_again(run);
    }

    fn show_again(&mut self, run: RunId) {
        for (seen, observation) in self.bygones.release(run) {
            self.take(Message::Seen { seen, observation });
        }
    }

    /// These are to be read, though nothing has arrived for them.
    pub(in crate::engine) fn ask_for(&mut self, runs: Vec<RunId>) {
        for run in runs {
            self.bygones.ask(run);
        }
    }

    /// One has been read.
    pub(in crate::engine) fn loaded(&mut self, run: RunId, loaded: Result<Box<Loaded>, String>) {
        match loaded {
            Err(why) => {
                tracing::warn!(%run, why, "a run that ended before the start cannot be amended");
                self.let_bygone_go(run);
            }
            // It may have become too old meanwhile.
            Ok(loaded) if self.bygones.runs.contains_key(&run) => {
                self.bygones.remove(run);
                self.take_up_bygone(run, *loaded);
                self.show_again(run);
            }
            Ok(_) => {}
        }
    }

    fn take_up_bygone(&mut self, run: RunId, loaded: Loaded) {
        let Loaded {
            packed,
            leg,
            resumed,
            observations,
            ended,
        } = loaded;
        self.live.insert_asleep(run, packed.clone());
        let names = self.shared.names();
        let (shown, seen): (Vec<_>, Vec<_>) = observations
            .iter()
            .filter_map(|stored| shown(stored, &names))
            .unzip();
        let ids: HashSet<ObservationId> = shown.iter().map(|observation| observation.id).collect();
        for observation in shown {
            self.unclaimed.insert(observation.id, observation);
        }
        let (token, keys) = (resumed.token, resumed.keys.clone());
        let resumed = Resumed { seen, ..resumed };
        self.take(Message::Event(Event::Resumed(Box::new(resumed))));
        for id in ids {
            // On a channel that it no longer waits on.
            self.unclaimed.remove(&id);
        }
        if self.machine.run(run).is_some_and(|run| !run.unwatched()) {
            let mut watches = Watches::new();
            let watched = Watched {
                packed: &packed,
                token,
                // What is new now was not there when it was closed.
                sent: ended,
                keys: &keys,
                observations: &observations,
            };
            self.watch_again(run, &leg, &watched, &mut watches);
            watch::start(&self.shared, watches);
        }
    }
}
