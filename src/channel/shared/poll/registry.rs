//! Who waits, and for what. No IO and no clock: every instant is passed in.

#[cfg(test)]
mod tests;
mod turn;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use tokio::sync::oneshot;

use super::states::Entry;
use super::{ARM_FRESH, KEYS_PER_RUN, Pace, WATCHES};
use crate::channel::shared::hand_over::HandOver;
use crate::channel::{Earlier, Watch};
use crate::model::{Fault, Moment, Reason, RunId, Scope, Token};

pub(super) use turn::{End, Step};

/// Told how a look ended: the instant up to which nothing is unseen.
pub(super) type Tell = oneshot::Sender<Result<Moment, Fault>>;

/// What the sink is to be told once the registry is let go of.
#[derive(Debug)]
pub(super) enum Notice {
    Down(Moment, Fault),
    Up,
    Dropped(String, Token),
}

/// One run that is being asked for.
pub(super) struct Turn {
    pub(super) ask: super::Ask,
    /// The looks that this question answers; those that come later wait for the next.
    looks: Vec<u64>,
    version: u32,
}

#[derive(Default)]
pub(super) struct Registry {
    pub(super) keys: HashMap<Arc<str>, Entry>,
    watches: HashMap<RunId, Waiting>,
    queue: BTreeSet<(Moment, RunId)>,
    looks: HashMap<u64, Look>,
    last_look: u64,
    last_good: Option<Moment>,
    failing: usize,
    down: bool,
    rallied: bool,
    open_at: Option<Moment>,
    hinted: bool,
    hint_at: Option<Moment>,
    closed: bool,
    pub(super) hand_over: HandOver,
    /// What earlier processes knew of runs, until their captured keys are told.
    earlier: HashMap<RunId, Earlier>,
}

struct Waiting {
    token: Token,
    scope: Arc<dyn Scope>,
    keys: Vec<Arc<str>>,
    armed: Moment,
    /// When the last question that was answered about all its keys was sent.
    covered: Option<Moment>,
    state: State,
    /// Rises with each `extend`.
    version: u32,
    /// Its place in the queue; none while it is asked for or need not be.
    next: Option<Moment>,
    asked: bool,
    /// Attempts that have failed in a row.
    failures: u32,
    /// Asked for by itself, since its row spoils the answer for others.
    alone: bool,
    looks: Vec<u64>,
}

#[derive(Clone, Debug, PartialEq)]
enum State {
    Polled,
    /// Something that names its address is missing.
    Dormant(Fault),
    Finished,
}

struct Look {
    /// Runs that have still to be asked for.
    left: usize,
    /// What is asked from now on is sent later than this.
    seen_to: Moment,
    /// Whether it is about one run alone: what is dropped of a run is told of that run, and fails no look at all.
    single: bool,
    fault: Option<Fault>,
    tell: Tell,
}

impl Registry {
    /// Takes a run in. `true`: a look that is fresh enough has succeeded; otherwise one has to follow.
    pub(super) fn arm(&mut self, watch: Watch, now: Moment, pace: &Pace) -> Result<bool, Fault> {
        if self.closed {
            return Err(stopped());
        }
        if self.watches.len() >= WATCHES {
            let message =
                format!("{WATCHES} runs wait on this channel already (limit: runs per polled channel)");
            return Err(Fault::new(Reason::Limit, message));
        }
        let run = watch.run;
        self.disarm(run);
        let key: Arc<str> = watch.token.as_str().into();
        let expected = now.after(pace.every);
        self.refer(&key, run, now, expected);
        self.watches.insert(
            run,
            Waiting {
                token: watch.token,
                scope: watch.scope,
                keys: vec![key],
                armed: now,
                covered: None,
                state: State::Polled,
                version: 0,
                next: None,
                asked: false,
                failures: 0,
                alone: false,
                looks: Vec::new(),
            },
        );
        self.schedule(run, expected);
        // Where each run has an address of its own, what another's answered says nothing.
        let shared = pace.one_peer && !self.down;
        Ok(shared && self.last_good.is_some_and(|good| now.since(good) <= ARM_FRESH))
    }

    /// Takes in a run that an earlier process had armed: what is found of it may have been there since then, and what
    /// that process had reported is known. Its keys are asked for as soon as may be, since nobody did meanwhile.
    pub(super) fn rearm(
        &mut self,
        watch: Watch,
        earlier: &Earlier,
        now: Moment,
        pace: &Pace,
    ) -> Result<(), Fault> {
        let run = watch.run;
        self.arm(watch, now, pace)?;
        if let Some(waiting) = self.watches.get_mut(&run) {
            waiting.armed = earlier.since.min(now);
            for key in waiting.keys.clone() {
                self.take_up(&key, earlier, now);
            }
        }
        self.earlier.insert(run, earlier.clone());
        self.schedule(run, now);
        Ok(())
    }

    fn take_up(&mut self, key: &Arc<str>, earlier: &Earlier, now: Moment) {
        if let Some(entry) = self.keys.get_mut(key) {
            let states = earlier.states.iter().filter(|(of, _)| **of == **key);
            entry.take_up(
                earlier.since.min(now),
                states.map(|(_, identity)| identity.as_str()),
            );
        }
    }

    /// Adds keys, and a scope that knows more. What the limit on keys leaves out is told.
    pub(super) fn extend(
        &mut self,
        run: RunId,
        keys: &[String],
        scope: Arc<dyn Scope>,
        now: Moment,
    ) -> Option<Notice> {
        let watch = self.watches.get_mut(&run)?;
        watch.scope = scope;
        watch.version += 1;
        watch.covered = None;
        let mut new: Vec<Arc<str>> = Vec::new();
        for key in keys.iter().filter(|k| !k.is_empty()) {
            if !watch.keys.iter().chain(&new).any(|k| **k == **key) {
                new.push(key.as_str().into());
            }
        }
        let room = KEYS_PER_RUN.saturating_sub(watch.keys.len());
        let full = new.len() > room;
        new.truncate(room);
        watch.keys.extend(new.iter().cloned());
        let (armed, token) = (watch.armed, watch.token);
        if watch.state != State::Finished {
            watch.state = State::Polled;
            // One that is being asked for is asked again at its end, since its version has changed.
            if !watch.asked {
                self.schedule(run, now);
            }
        }
        for key in &new {
            // Nothing of this run was there before it was armed, whatever its name.
            self.refer(key, run, armed, now);
        }
        if let Some(earlier) = self.earlier.remove(&run) {
            for key in &new {
                self.take_up(key, &earlier, now);
            }
        }
        full.then(|| Notice::Dropped(format!("keys per run ({KEYS_PER_RUN})"), token))
    }

    /// Forgets a run and all that is remembered for it.
    pub(super) fn disarm(&mut self, run: RunId) {
        let Some(watch) = self.watches.remove(&run) else {
            return;
        };
        self.earlier.remove(&run);
        if let Some(next) = watch.next {
            self.queue.remove(&(next, run));
        }
        self.failing -= usize::from(watch.failures > 0);
        for key in &watch.keys {
            if let Some(entry) = self.keys.get_mut(key) {
                entry.runs.retain(|r| *r != run);
                if entry.runs.is_empty() {
                    self.keys.remove(key);
                }
            }
        }
        // Nobody waits for what this run would have seen.
        self.tell(&watch.looks, &Ok(()), true);
    }

    /// Asks for a look at one run, or at all, that is sent no earlier than `due`, which has come.
    pub(super) fn look(&mut self, run: Option<RunId>, due: Moment, now: Moment, tell: Tell) -> Vec<Notice> {
        let mut notices = Vec::new();
        if self.closed {
            answer(tell, Err(stopped()));
            return notices;
        }
        let runs: Vec<RunId> = run.map_or_else(|| self.watches.keys().copied().collect(), |r| vec![r]);
        self.last_look += 1;
        let id = self.last_look;
        let mut left = 0;
        let mut seen_to = now;
        for one in runs {
            let Some(watch) = self.watches.get_mut(&one) else {
                continue;
            };
            match (&watch.state, watch.covered) {
                (State::Finished, _) => {}
                (State::Dormant(fault), _) if run.is_some() => {
                    answer(tell, Err(fault.clone()));
                    return notices;
                }
                (State::Dormant(fault), _) => {
                    notices.push(Notice::Dropped(fault.message.clone(), watch.token));
                }
                (State::Polled, Some(at)) if at >= due && watch.failures == 0 => seen_to = seen_to.min(at),
                (State::Polled, _) => {
                    left += 1;
                    watch.looks.push(id);
                    // One that is being asked for is asked again at its end.
                    if !watch.asked {
                        self.schedule(one, now);
                    }
                }
            }
        }
        if left == 0 {
            answer(tell, Ok(seen_to.max(due)));
        } else {
            let single = run.is_some();
            let fault = None;
            self.looks.insert(
                id,
                Look {
                    left,
                    seen_to,
                    single,
                    fault,
                    tell,
                },
            );
        }
        notices
    }

    /// Something may have changed: all is asked for anew.
    pub(super) fn hint(&mut self) {
        self.hinted = true;
    }

    /// Nothing is answered any more.
    pub(super) fn close(&mut self) {
        self.closed = true;
        for (_, look) in self.looks.drain() {
            answer(look.tell, Err(stopped()));
        }
    }

    /// Whether nothing is armed.
    pub(super) fn is_empty(&self) -> bool {
        self.watches.is_empty()
    }

    /// How many runs wait.
    pub(super) fn len(&self) -> usize {
        self.watches.len()
    }

    /// The token of a run that waits.
    pub(super) fn token(&self, run: RunId) -> Option<Token> {
        self.watches.get(&run).map(|w| w.token)
    }

    fn refer(&mut self, key: &Arc<str>, run: RunId, since: Moment, expected: Moment) {
        self.keys
            .entry(Arc::clone(key))
            .and_modify(|entry| {
                entry.runs.push(run);
                entry.again = true;
            })
            .or_insert_with(|| Entry::new(run, since, expected));
    }

    fn schedule(&mut self, run: RunId, at: Moment) {
        let Some(watch) = self.watches.get_mut(&run) else {
            return;
        };
        if let Some(old) = watch.next.replace(at) {
            self.queue.remove(&(old, run));
        }
        self.queue.insert((at, run));
    }

    /// Notes for these looks that a run was asked for, or why not. `own`: the fault is the run's own and is told of it.
    fn tell(&mut self, looks: &[u64], result: &Result<(), Fault>, own: bool) {
        for id in looks {
            let Some(look) = self.looks.get_mut(id) else {
                continue;
            };
            look.left -= 1;
            if let Err(fault) = result
                && (look.single || !own)
            {
                look.fault.get_or_insert_with(|| fault.clone());
            }
            if look.left == 0
                && let Some(look) = self.looks.remove(id)
            {
                answer(look.tell, look.fault.map_or(Ok(look.seen_to), Err));
            }
        }
    }
}

fn answer(tell: Tell, result: Result<Moment, Fault>) {
    // Whoever asked may have gone.
    drop(tell.send(result));
}

fn stopped() -> Fault {
    Fault::new(Reason::Stopped, "landfall is stopping")
}
