//! The shell around [`crate::lifecycle`]: one loop that owns the machine and does what it asks for.
//!
//! `run`, `serve` and `compare` share it: they differ only in the ticks they hand in and in what they make of the
//! [`Update`]s that come out.

mod alarm;
mod answer;
mod doors;
mod drive;
mod evaluate;
mod lateness;
mod launch;
mod live;
mod owed;
mod perform;
mod record;
mod recorder;
mod reload;
mod resume;
mod selftest;
mod shared;
mod sink;
mod slots;
mod supervise;
#[cfg(test)]
mod tests;
mod ticker;
mod update;
mod waiting;
mod wants;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::channel::Listener;
use crate::clock::{Clock, Random};
use crate::definition::{LegDef, Probe, Workspace};
use crate::lifecycle::{Due, DueLeg, Event, Limits, Settings};
use crate::model::{Fault, Moment, RunId, Tick, TokenKey};
use crate::store::Store;

pub use reload::ChannelChanges;
pub use resume::{Come, Progress, Wait};
pub use selftest::{ChannelTest, Observed, SelfTest, TriggerTest};
pub use supervise::ChannelHealth;
pub use ticker::{ByHand, CLOCK_TOLERANCE, Ticker};
pub use update::{Counters, Step, StepUpdate, Update};

use drive::Message;

/// What the engine is given.
pub struct Setup {
    /// What to probe.
    pub workspace: Arc<Workspace>,
    /// Where records are kept.
    pub store: Arc<dyn Store>,
    /// The one clock.
    pub clock: Arc<dyn Clock>,
    /// The one source of randomness.
    pub random: Arc<dyn Random>,
    /// The shared HTTP listener.
    pub listener: Arc<dyn Listener>,
    /// What the machine is told once.
    pub settings: Settings,
    /// How the engine itself behaves.
    pub options: Options,
}

/// How the engine behaves.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Skip `cleanup:`.
    pub keep_data: bool,
    /// The legs of a tick belong together: none leaves before all are armed, and what skips one skips all.
    pub paired: bool,
    /// Judge at the end of `within`; nothing is late.
    pub no_grace: bool,
    /// Tell every step of every run, not their ends alone.
    pub steps: bool,
    /// Take up the runs that an earlier process left open in the store.
    pub resume: bool,
    /// How long what is held of a run stays unpacked when nothing comes of it; `None` is 3 s. No verdict depends on it.
    pub awake: Option<Duration>,
}

/// The engine, running.
#[derive(Clone)]
pub struct Engine {
    messages: mpsc::Sender<Message>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    token_key: TokenKey,
    options: Options,
    stop: CancellationToken,
    shared: Arc<drive::Shared>,
}

impl Engine {
    /// Opens every channel that an enabled probe uses and starts the loop. Updates come out of the receiver, which
    /// must be read: the loop does not wait for it, but records are written before they are told.
    ///
    /// # Errors
    /// The store does not answer, or a channel cannot be built (a port in use, a file that cannot be read).
    pub async fn start(setup: Setup) -> Result<(Self, mpsc::UnboundedReceiver<Update>), Fault> {
        Self::start_with(setup, |_| {}).await
    }

    /// The same, with what was opened changed before anything is fired.
    async fn start_with(
        setup: Setup,
        change: impl FnOnce(&mut drive::Shared),
    ) -> Result<(Self, mpsc::UnboundedReceiver<Update>), Fault> {
        let token_key = setup.store.token_key(setup.random.bytes()).await?;
        let left = if setup.options.resume {
            resume::Left::read(&setup).await?
        } else {
            resume::Left::default()
        };
        let (messages, inbox) = mpsc::channel(4096);
        let (updates, outbox) = mpsc::unbounded_channel();
        let stop = CancellationToken::new();
        let (control, controls) = mpsc::unbounded_channel();
        let queues = drive::Queues {
            messages: messages.clone(),
            control,
            updates,
        };
        let mut shared = drive::Shared::open(&setup, token_key.clone(), queues, &stop, &left).await?;
        change(&mut shared);
        let shared = Arc::new(shared);
        let engine = Self {
            messages,
            clock: setup.clock.clone(),
            random: setup.random.clone(),
            token_key,
            options: setup.options,
            stop,
            shared: shared.clone(),
        };
        tokio::spawn(drive::run(shared, setup.settings, inbox, controls, left));
        Ok((engine, outbox))
    }

    /// Hands in a tick of a probe, with the legs that `choose` keeps. The result is how many runs or skips will come
    /// of it.
    pub async fn tick(
        &self,
        probe: &Arc<Probe>,
        due: Moment,
        start_deadline: Moment,
        choose: &(dyn Fn(&crate::model::Leg) -> bool + Sync),
    ) -> usize {
        let legs = probe.legs.iter().filter(|l| choose(&l.leg)).cloned().collect();
        self.tick_of(probe, legs, due, start_deadline, Duration::ZERO)
            .await
    }

    /// The same with these legs of the probe, in the order in which they are to leave: at once, or, where they are
    /// paired, `gap` after each other.
    pub async fn tick_of(
        &self,
        probe: &Arc<Probe>,
        legs: Vec<Arc<LegDef>>,
        due: Moment,
        start_deadline: Moment,
        gap: Duration,
    ) -> usize {
        let mut due_legs = Vec::with_capacity(legs.len());
        for def in &legs {
            let token = self.token_key.issue(probe.token, self.random.bytes());
            due_legs.push(DueLeg {
                run: self.run_id(),
                token,
                leg: self.leg_of(def),
            });
        }
        let event = Event::Due(Due {
            probe: probe.name.clone(),
            tick: Tick { due },
            start_deadline,
            limits: Limits {
                per_day: probe.limits.per_day,
                in_flight: probe.limits.in_flight,
            },
            paired: self.options.paired,
            gap,
            legs: due_legs,
        });
        let count = legs.len();
        let probe = probe.clone();
        let sent = self.messages.send(Message::Due { event, legs, probe }).await;
        if sent.is_ok() { count } else { 0 }
    }

    /// Fires nothing more, waits for what is open.
    pub async fn stop_firing(&self) {
        self.tell(Event::StopFiring).await;
    }

    /// Fires nothing more and ends what is open as it stands.
    pub async fn cut(&self, reason: &str) {
        self.tell(Event::Cut {
            reason: reason.to_owned(),
        })
        .await;
    }

    /// Landfall itself could not see since `since`: its process was stopped, its machine suspended or starved. What a run
    /// waits for may have come in that time, unseen or seen late.
    pub async fn blinked(&self, since: Moment) {
        for (channel, _) in self.shared.slots().all() {
            self.tell(Event::Blinked { channel, since }).await;
        }
    }

    /// Runs that have not ended.
    #[must_use]
    pub fn open_runs(&self) -> usize {
        self.shared.open_runs.load(std::sync::atomic::Ordering::Acquire)
    }

    /// Stops the channels and the loop; returns when both have let go.
    pub async fn shut_down(self) {
        self.stop.cancel();
        self.shared.stopped().await;
    }

    /// How each channel is.
    #[must_use]
    pub fn channels(&self) -> Vec<ChannelHealth> {
        self.shared.health()
    }

    /// What was counted so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.shared.counters()
    }

    /// Now, by the engine's clock.
    #[must_use]
    pub fn now(&self) -> Moment {
        self.clock.now()
    }

    async fn tell(&self, event: Event) {
        // A loop that has ended has nothing left to be told.
        drop(self.messages.send(Message::Event(event)).await);
    }

    fn run_id(&self) -> RunId {
        let mut random = [0; 10];
        random.copy_from_slice(&self.random.bytes()[..10]);
        let millis = u64::try_from(self.clock.now().0 / 1_000_000).unwrap_or(0);
        RunId(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
    }

    fn leg_of(&self, def: &Arc<LegDef>) -> Arc<crate::model::Leg> {
        if !self.options.no_grace {
            return def.leg.clone();
        }
        let mut leg = crate::model::Leg::clone(&def.leg);
        for expectation in &mut leg.expectations {
            expectation.grace = Duration::ZERO;
        }
        Arc::new(leg)
    }
}

impl Engine {
    /// Renders the request of each leg as it would be fired, and sends nothing. Channels are built, since their
    /// addresses are in the requests, but nothing is armed.
    ///
    /// # Errors
    /// As [`Engine::start`]; a request that does not render is an error in its place.
    pub async fn dry_run(
        setup: Setup,
        legs: &[(Arc<Probe>, Arc<LegDef>)],
    ) -> Result<Vec<Result<serde_json::Value, Fault>>, Fault> {
        let token_key = setup.store.token_key(setup.random.bytes()).await?;
        let (messages, _inbox) = mpsc::channel(1);
        let (control, _controls) = mpsc::unbounded_channel();
        let (updates, _outbox) = mpsc::unbounded_channel();
        let queues = drive::Queues {
            messages,
            control,
            updates,
        };
        let stop = CancellationToken::new();
        stop.cancel();
        let shared =
            drive::Shared::open(&setup, token_key.clone(), queues, &stop, &resume::Left::default()).await?;
        let now = setup.clock.now();
        let render = |(probe, def): &(Arc<Probe>, Arc<LegDef>)| {
            let token = token_key.issue(probe.token, setup.random.bytes());
            let run = RunId(uuid::Uuid::nil());
            let (_, prepared) = shared.prepare((probe, def), run, now, &token)?;
            let mut shown = prepared.shown;
            setup.workspace.redactor.value(&mut shown);
            Ok(shown)
        };
        Ok(legs.iter().map(render).collect())
    }
}
