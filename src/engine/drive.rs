//! The loop: the one owner of the machine. It waits for messages and for the machine's next deadline.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::alarm::Alarm;
use super::live::Lives;
use super::reload::Reloads;
pub(super) use super::shared::{Queues, Shared};
use super::{Step, StepUpdate, Update};
use crate::definition::{LegDef, Probe, RunScope};
use crate::lifecycle::{Command, Event, Machine, Seen, Settings};
use crate::model::{ChannelId, Fault, Moment, Observation, ObservationId, OwnMap, RunId};

/// What the loop is told.
pub(super) enum Message {
    /// For the machine as it is.
    Event(Event),
    /// A tick, with what stands behind its legs.
    Due {
        event: Event,
        legs: Vec<Arc<LegDef>>,
        probe: Arc<Probe>,
    },
    /// Something was seen, and is durable.
    Seen {
        seen: Seen,
        observation: Arc<Observation>,
    },
    /// The request of a run has ended.
    Answered {
        event: Event,
        scope: Box<RunScope>,
        answer: Arc<super::live::LiveAnswer>,
    },
    /// An observation has been evaluated.
    Marked { event: Event, names: Vec<String> },
    /// Other definitions come into force.
    Reload(Box<super::reload::Step>),
    /// These runs that ended before the start are to be read.
    AskFor(Vec<RunId>),
    /// One of them has been read, or why not.
    Loaded {
        run: RunId,
        loaded: Result<Box<super::resume::Loaded>, String>,
    },
    /// A channel cannot see.
    Down {
        channel: ChannelId,
        since: Moment,
        fault: Fault,
    },
}

/// The loop's own state.
pub(super) struct Loop {
    pub(super) shared: Arc<Shared>,
    pub(super) machine: Machine,
    pub(super) live: Lives,
    /// Contents of observations that no run has claimed yet.
    pub(super) unclaimed: OwnMap<ObservationId, Arc<Observation>>,
    /// What stands behind the runs of ticks that have just been handed in.
    pub(super) incoming: OwnMap<RunId, Arc<LegDef>>,
    /// Their probe.
    pub(super) incoming_of: Option<Arc<Probe>>,
    /// Claims that the store has not answered.
    pub(super) claiming: OwnMap<RunId, JoinHandle<()>>,
    /// Runs that ended before the start.
    pub(super) bygones: super::resume::Bygones,
    /// So many runs that have ended may be amended.
    pub(super) amend_count: usize,
    /// Which reload new runs are of, and what those before are still looked for on.
    pub(super) reloads: Reloads,
    /// Empty between two messages; kept for its room.
    commands: Vec<Command>,
}

/// Runs until told to stop.
pub(super) async fn run(
    shared: Arc<Shared>,
    settings: Settings,
    mut inbox: mpsc::Receiver<Message>,
    mut controls: mpsc::UnboundedReceiver<Message>,
    left: super::resume::Left,
) {
    let tracker = shared.tasks.clone();
    tracker.spawn(super::resume::beat(shared.clone()));
    tracker.spawn(super::owed::keep(shared.clone()));
    let stop = shared.stop.clone();
    let clock = shared.clock.clone();
    let mut machine = Machine::new(settings);
    count_today(&shared, &mut machine).await;
    let mut state = Loop {
        live: Lives::new(shared.options.awake),
        shared,
        machine,
        unclaimed: OwnMap::default(),
        incoming: OwnMap::default(),
        incoming_of: None,
        claiming: OwnMap::default(),
        bygones: super::resume::Bygones::default(),
        amend_count: settings.amend_count,
        reloads: Reloads::default(),
        commands: Vec::new(),
    };
    let work = async move {
        state.resume(left, &settings);
        // Both are kept over the messages: to wait for them anew each time would cost more than most messages.
        let mut stopped = std::pin::pin!(stop.cancelled());
        let mut alarm = Alarm::default();
        loop {
            let message = tokio::select! {
                biased;
                () = &mut stopped => return,
                Some(message) = controls.recv() => message,
                Some(message) = inbox.recv() => message,
                () = alarm.rings(&*clock, state.next_alarm()) => Message::Event(Event::Time),
            };
            state.take(message);
        }
    };
    tracker.track_future(work).await;
}

/// `limits.per_day` counts what earlier processes fired.
async fn count_today(shared: &Shared, machine: &mut Machine) {
    let now = shared.clock.now();
    for probe in shared
        .workspace()
        .probes
        .iter()
        .filter(|p| p.limits.per_day.is_some())
    {
        match shared
            .store
            .claimed_since(probe.name.to_string(), now.day_start())
            .await
        {
            Ok(fired) => machine.seed_day(&probe.name, now, fired),
            Err(fault) => {
                tracing::error!(probe = %probe.name, %fault, "earlier runs of today are not counted")
            }
        }
    }
}

impl Loop {
    pub(super) fn take(&mut self, message: Message) {
        let now = self.shared.clock.now();
        self.live.rest(now);
        self.forget_bygones(now);
        let event = match message {
            Message::Event(event) => {
                self.note(&event);
                event
            }
            Message::Due { event, legs, probe } => {
                self.incoming_of = Some(probe);
                if let Event::Due(due) = &event {
                    self.incoming.extend(due.legs.iter().map(|l| l.run).zip(legs));
                }
                event
            }
            Message::Reload(step) => return self.reload(*step),
            Message::AskFor(runs) => return self.ask_for(runs),
            Message::Loaded { run, loaded } => return self.loaded(run, loaded),
            Message::Seen { seen, observation } => {
                let Some((seen, observation)) = self.hold(seen, observation) else {
                    return;
                };
                self.unclaimed.insert(observation.id, observation);
                Event::Seen(seen)
            }
            Message::Answered { event, scope, answer } => {
                self.answered(&event, *scope, answer);
                event
            }
            Message::Marked { event, names } => {
                if let Event::Marked { run, .. } = &event
                    && !names.is_empty()
                {
                    self.step(*run, Step::Met { names });
                }
                event
            }
            Message::Down {
                channel,
                since,
                fault,
            } => {
                self.down(channel, since, &fault);
                Event::Down { channel, since }
            }
        };
        let blinded = super::resume::blinded(&event);
        tracing::trace!(?event, "event");
        let mut commands = std::mem::take(&mut self.commands);
        self.machine.handle(now, event, &mut commands);
        for command in commands.drain(..) {
            self.perform(command);
        }
        self.commands = commands;
        self.shared
            .open_runs
            .store(self.machine.open(), Ordering::Release);
        self.incoming.clear();
        if let Some(channel) = blinded {
            self.keep_gaps(channel);
        }
        self.tell_spoilt();
    }

    /// Tells people what the machine is about to be told.
    fn note(&mut self, event: &Event) {
        match event {
            Event::Sent { run, at } => {
                let Some(known) = self.machine.run(*run) else {
                    return;
                };
                let step = Step::Sent {
                    lag: at.seconds_since(known.intended()),
                    deadline: known.leg.grace_end(*at),
                };
                self.step(*run, step);
            }
            Event::Up { channel, closed } => {
                if let Some(opened) = self.shared.channel(*channel) {
                    *opened.down.lock().unwrap_or_else(PoisonError::into_inner) = None;
                    let update = Update::ChannelUp {
                        channel: opened.name.clone(),
                        closed: *closed,
                    };
                    self.shared.update(update);
                }
            }
            Event::Rearmed { channel, runs, .. } => self.let_go_of(*channel, runs),
            Event::Claimed { run } | Event::Refused { run, .. } => {
                self.claiming.remove(run);
            }
            _ => {}
        }
    }

    fn down(&self, channel: ChannelId, since: Moment, fault: &Fault) {
        let Some(opened) = self.shared.channel(channel) else {
            return;
        };
        let why = self.shared.redactor().text(&fault.message).into_owned();
        tracing::warn!(channel = %opened.name, fault = %why, "cannot see");
        *opened.down.lock().unwrap_or_else(PoisonError::into_inner) = Some((since, why.clone()));
        self.shared.update(Update::ChannelDown {
            channel: opened.name.clone(),
            fault: why,
        });
    }

    pub(super) fn step(&self, run: RunId, step: Step) {
        if !self.shared.options.steps {
            return;
        }
        let Some(known) = self.machine.run(run) else {
            return;
        };
        self.shared.update(Update::Step(StepUpdate {
            run,
            probe: known.leg.probe.clone(),
            route: known.leg.route.clone(),
            input: known.leg.input.clone(),
            at: self.shared.clock.now(),
            step,
        }));
    }

    /// Every command of the machine, in the order given.
    fn perform(&mut self, command: Command) {
        tracing::trace!(?command, "command");
        match command {
            Command::Arm { run, channels } => self.arm(run, &channels),
            Command::Claim { run } => self.claim(run),
            Command::Fire { run } => self.fire(run),
            Command::Evaluate { run, observation } => self.evaluate(run, observation),
            Command::Redelivered { run, observation } => {
                if let Some(observation) = self.unclaimed.remove(&observation) {
                    self.seen_step(run, &observation);
                }
            }
            Command::Look { channel, due } => self.look(channel, due),
            Command::Extend { run } => self.extend(run),
            Command::Cleanup { run } => self.cleanup(run),
            Command::Close { run } => {
                self.record(run, false);
                self.ended(run);
            }
            Command::Amend { run } => self.record(run, true),
            Command::Skip {
                run,
                leg,
                tick,
                reason,
                detail,
            } => self.skip(run, &leg, tick, reason, detail),
            Command::Disarm { run } => self.disarm(run),
            Command::Stray { observation, reason } => {
                if let Some(observation) = self.unclaimed.remove(&observation)
                    && let Some(opened) = self.shared.channel(observation.channel)
                {
                    self.shared.sinks.count(&opened.name, reason.word());
                }
            }
            Command::Forget { run } => self.let_go(run),
        }
    }
}
