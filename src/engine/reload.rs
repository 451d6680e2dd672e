//! Other definitions for a running engine.
//!
//! What runs goes on: each run keeps the definition that fired it, and the channels that it is on stay open until it is
//! looked for no longer. The loop takes the new definitions between two messages, so no tick is of both.

mod swap;

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::sync::Arc;

use tokio::sync::oneshot;

use super::drive::{Loop, Message};
use super::slots::{Generation, Old, OpenOn, Opened};
use super::wants::wants;
use crate::definition::{LegDef, Workspace};
use crate::model::{ChannelId, Fault, Moment, Reason, RunId};

pub use swap::ChannelChanges;

/// Replaced versions of one channel that are kept open for the runs on them.
const VERSIONS: usize = 8;

/// What the loop is told of a reload.
pub(super) enum Step {
    /// Numbers that nothing has are wanted for channels; fewer come back where there are no more.
    Reserve {
        count: usize,
        numbers: oneshot::Sender<Vec<ChannelId>>,
    },
    /// From now on these definitions are in force.
    Install(Install),
    /// Every tick by the definitions before this generation has been handed in.
    Settled(Generation),
}

/// Definitions that come into force.
pub(super) struct Install {
    pub(super) workspace: Arc<Workspace>,
    /// Channels that were opened for them.
    pub(super) put: Vec<(ChannelId, Arc<Opened>)>,
    /// Channels that they do not use.
    pub(super) retire: Vec<ChannelId>,
    /// What probes with a new limit have fired today.
    pub(super) fired_today: Vec<(Arc<str>, u64)>,
    pub(super) done: oneshot::Sender<Generation>,
}

/// What the loop knows of reloads.
#[derive(Default)]
pub(super) struct Reloads {
    /// Channels replaced up to this one may be closed once no run is open on them.
    settled: Generation,
    open: OpenOn,
    eras: Eras,
}

impl Reloads {
    /// A run of this leg is open.
    pub(super) fn begin(&mut self, run: RunId, leg: &LegDef) {
        self.open.begin(leg, self.eras.of(run));
    }
}

/// Which generation a run is of, told by the time in its id: nothing has to be kept of a run.
#[derive(Debug, Default)]
struct Eras {
    /// The generation of runs from before the first of the boundaries.
    first: Generation,
    /// Each begins another generation: runs with this time, in milliseconds, or a later one are of it.
    boundaries: VecDeque<u64>,
}

impl Eras {
    /// The generation of runs from now on.
    fn now(&self) -> Generation {
        self.first + Generation::try_from(self.boundaries.len()).unwrap_or(Generation::MAX)
    }

    /// Begins another one. Runs of this very millisecond are of the one before: some of them are counted already.
    fn begin(&mut self, now: Moment) -> Generation {
        let millis = u64::try_from(now.0 / 1_000_000).unwrap_or(0) + 1;
        let last = self.boundaries.back().copied().unwrap_or(0);
        self.boundaries.push_back(millis.max(last));
        self.now()
    }

    fn of(&self, run: RunId) -> Generation {
        // A UUIDv7 begins with its time (RFC 9562, section 5.7).
        let millis = u64::try_from(run.0.as_u128() >> 80).unwrap_or(u64::MAX);
        let passed = self.boundaries.partition_point(|boundary| *boundary <= millis);
        self.first + Generation::try_from(passed).unwrap_or(Generation::MAX)
    }

    /// No run of an earlier generation than this one is open.
    fn forget(&mut self, oldest: Generation) {
        while self.first < oldest && self.boundaries.pop_front().is_some() {
            self.first += 1;
        }
    }
}

impl Loop {
    pub(super) fn reload(&mut self, step: Step) {
        match step {
            Step::Reserve { count, numbers } => {
                let free = self.free_numbers(count);
                for id in &free {
                    self.machine.new_channel(*id);
                }
                // Who asked has gone where the engine stops.
                numbers.send(free).unwrap_or_default();
            }
            Step::Install(install) => self.install(install),
            Step::Settled(generation) => {
                self.reloads.settled = self.reloads.settled.max(generation);
                self.close_drained();
            }
        }
    }

    /// A run is open no longer, or was never fired.
    pub(super) fn ended(&mut self, run: RunId) {
        let generation = self.reloads.eras.of(run);
        let Some(def) = self.live.def(&run) else { return };
        // The last of an earlier generation, on some channel.
        if self.reloads.open.end(def, generation) && generation < self.reloads.eras.now() {
            self.close_drained();
        }
    }

    /// The lowest numbers that no channel has, and no run that is known.
    fn free_numbers(&self, count: usize) -> Vec<ChannelId> {
        if count == 0 {
            return Vec::new();
        }
        let slots = self.shared.slots();
        let mut taken: BTreeSet<ChannelId> = slots.all().map(|(id, _)| id).collect();
        taken.extend(slots.old().iter().map(|old| old.id));
        let mut seen: HashSet<*const LegDef> = HashSet::new();
        for def in self.live.defs().filter(|def| seen.insert(Arc::as_ptr(def))) {
            taken.extend(def.leg.expectations.iter().map(|e| e.channel));
            taken.extend(def.channel_names.values());
        }
        let free = (0..=u16::MAX).map(ChannelId).filter(|id| !taken.contains(id));
        free.take(count).collect()
    }

    fn install(&mut self, install: Install) {
        let Install {
            workspace,
            put,
            retire,
            fired_today,
            done,
        } = install;
        let now = self.shared.clock.now();
        let generation = self.reloads.eras.begin(now);
        for (probe, fired) in fired_today {
            self.machine.seed_day(&probe, now, fired);
        }
        let crowded = self.shared.change_slots(|slots| {
            for (id, opened) in put {
                slots.put(id, opened, generation);
            }
            for id in retire {
                slots.retire(id, generation);
            }
            slots.crowded(VERSIONS)
        });
        let slots = self.shared.slots();
        for old in slots.old() {
            old.opened.sink.cursors.keep_to_itself();
        }
        let old = slots.old().iter().map(|old| (old.id, &old.opened));
        for (id, opened) in slots.all().chain(old) {
            opened.sink.want(wants(&workspace, id, false));
        }
        self.shared.age_triggers(&workspace.probes, generation);
        self.shared.put_in_force(workspace);
        for old in crowded {
            self.cut(&old);
        }
        // Who asked has gone where the engine stops.
        done.send(generation).unwrap_or_default();
    }

    /// Closes a channel on which something may still be looked for.
    fn cut(&mut self, old: &Old) {
        let name = &old.opened.name;
        let why = format!("more than {VERSIONS} replaced versions of channel `{name}` were open");
        tracing::error!(
            channel = name,
            "the oldest is closed, and runs on it are unobserved: {why}"
        );
        if self.shared.channel(old.id).is_none() {
            let fault = Fault::new(Reason::Limit, why);
            let (channel, since) = (old.id, self.shared.clock.now());
            self.take(Message::Down {
                channel,
                since,
                fault,
            });
        }
        self.shared.opener.close(&old.opened);
    }

    /// Closes what was replaced or taken away, as far as no run is open on it.
    fn close_drained(&mut self) {
        let (settled, open) = (self.reloads.settled, &self.reloads.open);
        let done = self
            .shared
            .change_slots(|slots| slots.drain(settled, |id, before| open.any(id, before)));
        for old in &done {
            tracing::info!(channel = %old.opened.name, "a channel that a reload replaced or took away has no run left and is closed");
            self.shared.opener.close(&old.opened);
        }
        let now = self.reloads.eras.now();
        let oldest = self
            .reloads
            .open
            .oldest()
            .unwrap_or(now)
            .min(self.reloads.settled);
        self.reloads.eras.forget(oldest);
        self.shared.forget_triggers(oldest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_of_the_same_generation_whenever_it_is_asked_for() {
        let run =
            |millis: u64| RunId(uuid::Builder::from_unix_timestamp_millis(millis, &[7; 10]).into_uuid());
        let mut eras = Eras::default();
        assert_eq!((eras.of(run(0)), eras.of(run(5_000))), (0, 0));
        assert_eq!(eras.begin(Moment(1_000_900_000)), 1);
        // Of the millisecond of the reload: it may have been counted before it.
        assert_eq!((eras.of(run(1_000)), eras.of(run(1_001))), (0, 1));
        assert_eq!(eras.begin(Moment(1_000_950_000)), 2);
        assert_eq!(eras.begin(Moment(9_000_000_000)), 3);
        let all = [0, 1_000, 1_001, 9_000, 9_001].map(|millis| eras.of(run(millis)));
        assert_eq!(all, [0, 0, 2, 2, 3]);
        eras.forget(2);
        assert_eq!((eras.of(run(1_001)), eras.of(run(9_001)), eras.now()), (2, 3, 3));
        eras.forget(7);
        assert_eq!((eras.of(run(9_001)), eras.now()), (3, 3));
    }
}
