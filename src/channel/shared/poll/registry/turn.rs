//! Whose turn it is to be asked for, and what its end means for the next.

use std::time::Duration;

use super::{Notice, Registry, State, Turn, Waiting};
use crate::channel::shared::poll::{AGE_PART, Ask, DOWN_SPACING, HINT_SPACING, LONGEST_PAUSE, Pace, SLOWEST};
use crate::model::{Fault, Moment, RunId};

/// What to do next.
pub(in super::super) enum Step {
    /// Ask for these now.
    Ask(Vec<Turn>),
    /// Nothing before this instant, or before something is armed.
    Wait(Option<Moment>),
}

/// How asking for one run ended.
pub(in super::super) enum End {
    /// Answered, and all of it has gone to the sink.
    Covered { sent: Moment, finished: bool },
    /// It cannot be asked for yet.
    Unready(Fault),
    /// Answered, and what was seen could not be put on record.
    Unkept(Fault),
    /// Its own state spoils every answer.
    Spoilt(Fault),
    /// Not answered. The jitter is from 0 to 1.
    Down { sent: Moment, fault: Fault, jitter: f64 },
}

impl Waiting {
    fn turn(&mut self, run: RunId) -> Turn {
        self.next = None;
        self.asked = true;
        Turn {
            ask: Ask {
                run,
                token: self.token,
                keys: self.keys.clone(),
                scope: self.scope.clone(),
            },
            looks: std::mem::take(&mut self.looks),
            version: self.version,
        }
    }
}

impl Registry {
    /// What to do now, a lane being free.
    pub(in super::super) fn step(&mut self, now: Moment, pace: &Pace) -> Step {
        let gate = self.open_at.filter(|at| self.down && pace.one_peer && *at > now);
        if let Some(at) = gate {
            return Step::Wait((!self.queue.is_empty()).then_some(at));
        }
        let hint = self.take_hint(now);
        let Some((first, _)) = self.queue.first().copied() else {
            return Step::Wait(None);
        };
        if first > now {
            return Step::Wait(Some(hint.map_or(first, |at| at.min(first))));
        }
        // One question for all that is nearly due costs less than two.
        let slack = if pace.batch > 1 {
            pace.every / 2
        } else {
            Duration::ZERO
        };
        let until = now.after(slack);
        let mut turns = Vec::new();
        while let Some((at, run)) = self.queue.first().copied() {
            let alone = self.watches.get(&run).is_some_and(|w| w.alone);
            if at > until || turns.len() >= pace.batch || (alone && !turns.is_empty()) {
                break;
            }
            self.queue.pop_first();
            turns.extend(self.watches.get_mut(&run).map(|watch| watch.turn(run)));
            if alone {
                break;
            }
        }
        Step::Ask(turns)
    }

    /// Notes how a turn ended, and plans the next.
    pub(in super::super) fn done(
        &mut self,
        turn: &Turn,
        end: End,
        now: Moment,
        pace: &Pace,
    ) -> Option<Notice> {
        let run = turn.ask.run;
        let Some(watch) = self.watches.get_mut(&run) else {
            // It was let go of in the meantime, and nobody waits for what it would have seen.
            self.tell(&turn.looks, &Ok(()), true);
            return None;
        };
        watch.asked = false;
        let current = watch.version == turn.version;
        let every = interval(watch, now, pace);
        let own = matches!(end, End::Spoilt(_) | End::Unready(_));
        let (told, mut next, notice) = match end {
            End::Covered { sent, finished } => {
                watch.covered = current.then_some(sent);
                watch.alone = false;
                if finished {
                    watch.state = State::Finished;
                }
                let next = sent.after(every).max(now.after(every / 2));
                self.last_good = Some(sent);
                self.cover(turn, sent, next);
                (Ok(()), next, self.recovered(run, now, pace))
            }
            End::Unready(_) if !current => (Ok(()), now, None),
            End::Unready(fault) => {
                // Before the answer it is armed all the same: there is nothing yet to look at.
                let known = watch.version > 0;
                let notice = known.then(|| Notice::Dropped(fault.message.clone(), watch.token));
                watch.state = State::Dormant(fault.clone());
                (if known { Err(fault) } else { Ok(()) }, now, notice)
            }
            End::Unkept(fault) => (Err(fault), now.after(every), None),
            End::Spoilt(fault) => {
                let said = std::mem::replace(&mut watch.alone, true);
                let notice = (!said).then(|| Notice::Dropped(fault.message.clone(), watch.token));
                (Err(fault), now.after(SLOWEST.max(every)), notice)
            }
            End::Down { sent, fault, jitter } => {
                let next = now.after(pause(watch.failures, every, jitter));
                let since = watch.covered.unwrap_or(sent).min(sent);
                self.failing += usize::from(watch.failures == 0);
                watch.failures = watch.failures.saturating_add(1);
                (Err(fault.clone()), next, self.failed(turn, since, fault, now))
            }
        };
        self.tell(&turn.looks, &told, own);
        let Some(watch) = self.watches.get_mut(&run) else {
            return notice;
        };
        if !watch.looks.is_empty() || watch.version != turn.version {
            next = now;
        }
        match watch.state {
            State::Polled => self.schedule(run, next),
            State::Finished | State::Dormant(_) => {
                let looks = std::mem::take(&mut watch.looks);
                self.tell(&looks, &told, own);
            }
        }
        notice
    }

    fn cover(&mut self, turn: &Turn, sent: Moment, next: Moment) {
        for key in &turn.ask.keys {
            if let Some(entry) = self.keys.get_mut(key) {
                entry.cover(sent, next);
            }
        }
    }

    fn failed(&mut self, turn: &Turn, since: Moment, fault: Fault, now: Moment) -> Option<Notice> {
        for key in &turn.ask.keys {
            if let Some(entry) = self.keys.get_mut(key) {
                entry.failed = true;
            }
        }
        self.open_at = Some(now.after(DOWN_SPACING));
        self.rallied = false;
        let first = !std::mem::replace(&mut self.down, true);
        first.then_some(Notice::Down(since, fault))
    }

    /// A run was answered for; `Up` once all that had failed have been.
    fn recovered(&mut self, run: RunId, now: Moment, pace: &Pace) -> Option<Notice> {
        let watch = self.watches.get_mut(&run)?;
        self.failing -= usize::from(watch.failures > 0);
        watch.failures = 0;
        if !self.down {
            return None;
        }
        if self.failing == 0 {
            self.down = false;
            return Some(Notice::Up);
        }
        if pace.one_peer && !std::mem::replace(&mut self.rallied, true) {
            // The one peer is back: nobody needs to sit out a pause.
            self.hurry(now, |w| w.failures > 0);
        }
        None
    }

    /// Makes everything due if a hint has come; else when the hint may be taken.
    fn take_hint(&mut self, now: Moment) -> Option<Moment> {
        if !self.hinted {
            return None;
        }
        let open = self
            .hint_at
            .map(|at| at.after(HINT_SPACING))
            .filter(|at| *at > now);
        if open.is_none() {
            self.hinted = false;
            self.hint_at = Some(now);
            self.hurry(now, |w| w.failures == 0);
        }
        open
    }

    fn hurry(&mut self, now: Moment, which: impl Fn(&Waiting) -> bool) {
        let late = self.queue.iter().filter(|(at, _)| *at > now);
        let runs: Vec<RunId> = late
            .map(|(_, run)| *run)
            .filter(|run| self.watches.get(run).is_some_and(&which))
            .collect();
        for run in runs {
            self.schedule(run, now);
        }
    }
}

/// Young waits are asked for often, old ones at a fixed part of their age.
fn interval(watch: &Waiting, now: Moment, pace: &Pace) -> Duration {
    pace.every.max((now.since(watch.armed) / AGE_PART).min(SLOWEST))
}

/// Doubles with each failure, and is drawn from the upper half so that many do not come back at once.
fn pause(failures: u32, every: Duration, jitter: f64) -> Duration {
    let longest = LONGEST_PAUSE.max(every);
    let whole = every.saturating_mul(1 << failures.min(10)).min(longest);
    whole.mul_f64(0.5 + jitter.clamp(0.0, 1.0) / 2.0)
}
