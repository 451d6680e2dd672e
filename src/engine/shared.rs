//! What the loop and its tasks share.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU32, AtomicUsize};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::drive::Message;
use super::launch::Cached;
use super::recorder::Job;
use super::sink::SinkShared;
use super::slots::{Opened, Slots};
use super::supervise::{ChannelHealth, Opener};
use super::{Counters, Options, Setup, Update};
use crate::clock::Clock;
use crate::definition::Workspace;
use crate::model::{ChannelId, Fault, Moment, TokenKey};
use crate::redact::Redactor;
use crate::store::Store;

/// The ends of queues that the engine's parts hold.
pub(super) struct Queues {
    pub(super) messages: mpsc::Sender<Message>,
    pub(super) control: mpsc::UnboundedSender<Message>,
    pub(super) updates: mpsc::UnboundedSender<Update>,
}

/// What the loop and its tasks share.
pub(super) struct Shared {
    /// What is in force.
    workspace: RwLock<Arc<Workspace>>,
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) options: Options,
    pub(super) queues: Queues,
    pub(super) sinks: Arc<SinkShared>,
    slots: RwLock<Arc<Slots>>,
    pub(super) opener: Opener,
    /// One opened trigger a leg, by the address of its definition.
    pub(super) triggers: Mutex<HashMap<usize, Cached>>,
    pub(super) revisions: super::resume::Revisions,
    pub(super) recorder: mpsc::UnboundedSender<Job>,
    /// Skips that the store has not taken.
    pub(super) owed: super::owed::Owed,
    pub(super) tasks: TaskTracker,
    pub(super) stop: CancellationToken,
    /// Runs that have not ended.
    pub(super) open_runs: AtomicUsize,
    /// Held while other definitions are put into force.
    pub(super) reloading: tokio::sync::Mutex<()>,
    /// The generation of those in force.
    pub(super) installed: AtomicU32,
}

impl Shared {
    pub(super) async fn open(
        setup: &Setup,
        token_key: TokenKey,
        queues: Queues,
        stop: &CancellationToken,
        left: &super::resume::Left,
    ) -> Result<Self, Fault> {
        let last_id = setup.store.last_observation().await?.map_or(0, |id| id.0);
        let sinks = Arc::new(SinkShared::new(
            setup,
            token_key,
            last_id,
            queues.messages.clone(),
            queues.control.clone(),
        ));
        left.register(&sinks);
        let tasks = TaskTracker::new();
        let used = left.legs.channels();
        let opener = Opener::new(setup, &sinks, stop, &tasks, left.captures());
        let channels = opener.open_used(&setup.workspace, used).await?;
        let (recorder, jobs) = mpsc::unbounded_channel();
        tasks.spawn(super::recorder::run(
            jobs,
            setup.store.clone(),
            queues.updates.clone(),
            stop.clone(),
        ));
        Ok(Self {
            workspace: RwLock::new(setup.workspace.clone()),
            store: setup.store.clone(),
            clock: setup.clock.clone(),
            options: setup.options,
            queues,
            sinks,
            slots: RwLock::new(Arc::new(Slots::new(channels))),
            opener,
            triggers: Mutex::default(),
            revisions: super::resume::Revisions::default(),
            recorder,
            owed: super::owed::Owed::default(),
            tasks,
            stop: stop.clone(),
            open_runs: AtomicUsize::new(0),
            reloading: tokio::sync::Mutex::default(),
            installed: AtomicU32::new(0),
        })
    }

    /// The tick that follows another by a probe's schedule.
    pub(super) fn tick_after(&self, probe: &str, at: Moment) -> Option<Moment> {
        let workspace = self.workspace();
        let probe = workspace.probes.iter().find(|known| *known.name == *probe)?;
        probe.schedule.as_ref()?.next_after(&probe.name, at)
    }

    pub(super) fn tell(&self, message: Message) {
        // A loop that has ended has nothing left to be told.
        drop(self.queues.control.send(message));
    }

    pub(super) fn update(&self, update: Update) {
        // Nobody may be looking.
        drop(self.queues.updates.send(update));
    }

    /// What is in force.
    pub(super) fn workspace(&self) -> Arc<Workspace> {
        self.workspace
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Knows the secrets in force, and those before.
    pub(super) fn redactor(&self) -> Arc<Redactor> {
        let workspace = self.workspace.read().unwrap_or_else(PoisonError::into_inner);
        workspace.redactor.clone()
    }

    pub(super) fn put_in_force(&self, workspace: Arc<Workspace>) {
        *self.workspace.write().unwrap_or_else(PoisonError::into_inner) = workspace;
    }

    /// Every channel that is open.
    pub(super) fn slots(&self) -> Arc<Slots> {
        self.slots.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn change_slots<T>(&self, change: impl FnOnce(&mut Slots) -> T) -> T {
        let mut slots = self.slots.write().unwrap_or_else(PoisonError::into_inner);
        change(Arc::make_mut(&mut slots))
    }

    /// The numbers of the channels that new runs are fired on, by name.
    pub(super) fn names(&self) -> HashMap<String, ChannelId> {
        let slots = self.slots();
        let in_force = slots.in_force().map(|(id, opened)| (opened.name.clone(), id));
        in_force.collect()
    }

    /// The channel of a number.
    pub(super) fn channel(&self, id: ChannelId) -> Option<Arc<Opened>> {
        let slots = self.slots.read().unwrap_or_else(PoisonError::into_inner);
        slots.get(id).cloned()
    }

    pub(super) fn health(&self) -> Vec<ChannelHealth> {
        self.slots().in_force().map(|(_, c)| c.health()).collect()
    }

    pub(super) fn counters(&self) -> Counters {
        let counts = self.sinks.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let of = |(channel, of): (&String, &BTreeMap<String, u64>)| -> Vec<_> {
            of.iter()
                .map(|(what, count)| ((channel.clone(), what.clone()), *count))
                .collect()
        };
        Counters {
            observations: counts.iter().flat_map(of).collect(),
        }
    }

    pub(super) async fn stopped(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }
}
