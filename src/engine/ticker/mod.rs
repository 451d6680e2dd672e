//! The schedule at work: hands each tick to the engine shortly before its instant, whatever became of the ticks before.
//!
//! One timer serves all probes; [`Agenda`] says which tick is next and what becomes of it. What does not fire goes on
//! record by stretches ([`books`]), and a start accounts for the time in which landfall was not running ([`missed`]).

mod books;
mod missed;
mod operate;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::Engine;
use crate::clock::{Alarm, Clock};
use crate::definition::Probe;
use crate::lifecycle::agenda::{Agenda, Bundle, Clocks, Fate, PauseOf, Pauses, Planned, START_DEADLINE};
use crate::lifecycle::schedule::Stretch;
use crate::model::{Fault, Leg, Moment, SkipReason};

pub use operate::ByHand;

/// A tick is handed out so long before its instant, or a quarter of an interval where that is less: its channels are
/// armed and its intent is on record when its instant comes.
const LEAD: Duration = Duration::from_millis(250);
/// The clocks are looked at this often, whatever is due.
const LOOK: Duration = Duration::from_secs(1);
/// A clock may be so far before what is on record: it is set back by little when it is put right.
pub const CLOCK_TOLERANCE: Duration = Duration::from_secs(60);
/// Where pauses are kept in the store.
const PAUSES: &str = "pauses";

/// The schedule of all probes.
#[derive(Clone)]
pub struct Ticker {
    inner: Arc<Inner>,
}

struct Inner {
    engine: Engine,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    /// Something was changed that the loop must look at.
    changed: Notify,
    stopping: AtomicBool,
    /// When the loop last turned.
    beat: AtomicI64,
}

struct State {
    agenda: Agenda,
    bundle: Bundle,
    probes: BTreeMap<Arc<str>, Arc<Probe>>,
    /// The last instant of a firing by hand, so that no two are one.
    by_hand: Moment,
    /// Since when each probe has had the schedule that it has, over restarts.
    in_force: BTreeMap<Arc<str>, Moment>,
    /// Ticks up to here had their fate in an earlier process.
    handled: Moment,
    /// It has had probes.
    begun: bool,
}

impl Ticker {
    /// A schedule without probes; what was paused before is paused. `last_alive`: the last heartbeat of the process
    /// before this one.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn new(engine: Engine, last_alive: Option<Moment>) -> Result<Self, Fault> {
        let clock = engine.clock.clone();
        let kept = engine.shared.store.kept(PAUSES.to_owned()).await?;
        let mut pauses = Pauses::default();
        for (key, value) in kept {
            match serde_json::from_value(value) {
                Ok(pause) => drop(pauses.pause(PauseOf::of_key(&key), pause)),
                Err(error) => {
                    tracing::error!(key, %error, "a pause in the store cannot be read and does not hold")
                }
            }
        }
        let now = clock.now();
        let agenda = Agenda::new(pauses, clocks(&*clock));
        let state = State {
            agenda,
            bundle: Bundle::default(),
            probes: BTreeMap::new(),
            by_hand: now,
            in_force: BTreeMap::new(),
            begun: false,
            // A clock that was set back a little between two processes makes no tick come twice.
            handled: last_alive
                .filter(|alive| *alive <= now.after(CLOCK_TOLERANCE))
                .map_or(now, |alive| alive.after(LEAD).max(now)),
        };
        Ok(Self {
            inner: Arc::new(Inner {
                engine,
                beat: AtomicI64::new(now.0),
                clock,
                state: Mutex::new(state),
                changed: Notify::new(),
                stopping: AtomicBool::new(false),
            }),
        })
    }

    /// From now on these probes are fired. What has come due by the old ones is handed out first; a probe that was
    /// there before goes on where it was.
    ///
    /// # Errors
    /// The store does not answer; the old ones are fired then.
    pub async fn set_probes(&self, probes: &[Arc<Probe>]) -> Result<(), Fault> {
        let store = &self.inner.engine.shared.store;
        let in_force = missed::in_force(store.as_ref(), probes, self.inner.clock.now()).await?;
        let mut fates = Vec::new();
        let by_old = {
            let mut state = self.inner.lock();
            let at = clocks(&*self.inner.clock);
            let plans = probes.iter().map(|probe| planned(probe)).collect();
            // The first time it goes on where the process before left off, as far as that is accounted for.
            let from = if state.begun { at.now } else { state.handled };
            state.begun = true;
            state.agenda.replace(plans, from, at, &mut fates);
            state.in_force = in_force;
            let new = probes.iter().map(|probe| (probe.name.clone(), probe.clone()));
            std::mem::replace(&mut state.probes, new.collect())
        };
        self.inner.hand_out(fates, Some(&by_old)).await;
        self.inner.changed.notify_one();
        Ok(())
    }

    /// Fires the probes that fire when the daemon starts.
    pub async fn on_start(&self) {
        let probes: Vec<_> = {
            let state = self.inner.lock();
            state
                .probes
                .values()
                .filter(|probe| probe.on_start)
                .cloned()
                .collect()
        };
        for probe in probes {
            let fates = self.inner.on_start(&probe);
            self.inner.hand_out(fates, None).await;
        }
    }

    /// Puts on record which ticks came due while landfall was not running. To be called once, after
    /// [`Ticker::set_probes`]; it may take a while, and the schedule goes on beside it.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn account_for_downtime(&self, last_alive: Moment) -> Result<u64, Fault> {
        let (started, probes): (Moment, Vec<_>) = {
            let state = self.inner.lock();
            let started = state.handled;
            let since = |probe: &Arc<Probe>| state.in_force.get(&probe.name).copied().unwrap_or(started);
            let probes = state.probes.values().map(|probe| (probe.clone(), since(probe)));
            (started, probes.collect())
        };
        missed::account(&self.inner.engine, probes, last_alive, started).await
    }

    /// Hands out ticks until `stop`; the books are closed when it returns.
    pub async fn run(&self, stop: CancellationToken) {
        let books = CancellationToken::new();
        let kept = tokio::spawn(books::keep(self.inner.clone(), books.clone()));
        self.inner.run(stop).await;
        books.cancel();
        drop(kept.await);
    }

    /// Fires nothing more: what comes due is skipped with its reason.
    pub async fn stop_firing(&self) {
        self.inner.stopping.store(true, Ordering::Release);
        self.inner.engine.stop_firing().await;
    }

    /// The next tick of a probe.
    #[must_use]
    pub fn next_of(&self, probe: &str) -> Option<Moment> {
        self.inner.lock().agenda.next_of(probe)
    }

    /// When the loop last turned: at least once a second while all is well.
    #[must_use]
    pub fn beat(&self) -> Moment {
        Moment(self.inner.beat.load(Ordering::Acquire))
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn run(&self, stop: CancellationToken) {
        let alarm = Alarm::new(self.clock.clone());
        let mut fates = Vec::new();
        loop {
            let now = self.clock.now();
            self.beat.store(now.0, Ordering::Release);
            let next = self.lock().agenda.next();
            let wake = next.into_iter().chain([now.after(LOOK)]).min().unwrap_or(now);
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = self.changed.notified() => {}
                () = alarm.until(wake) => {}
            }
            self.lock().agenda.take(clocks(&*self.clock), &mut fates);
            self.hand_out(std::mem::take(&mut fates), None).await;
        }
    }

    /// Does what was decided. `of`: by these definitions, where others have taken their place already.
    async fn hand_out(&self, fates: Vec<Fate>, of: Option<&BTreeMap<Arc<str>, Arc<Probe>>>) {
        for fate in fates {
            match fate {
                Fate::Fire {
                    probe,
                    due,
                    start_deadline,
                    paused,
                } => {
                    let found = match of {
                        Some(probes) => probes.get(&probe).cloned(),
                        None => self.lock().probes.get(&probe).cloned(),
                    };
                    let Some(found) = found else { continue };
                    if self.stopping.load(Ordering::Acquire) {
                        let (reason, why) = (SkipReason::Stopped, String::from("landfall was stopping"));
                        self.lock()
                            .bundle
                            .add(&probe, None, reason, Stretch::one(due), why);
                        continue;
                    }
                    self.lock().bundle.fired(&probe, &paused);
                    let wanted = |leg: &Leg| !paused.contains(&leg.route);
                    self.engine.tick(&found, due, start_deadline, &wanted).await;
                }
                Fate::Skip {
                    probe,
                    route,
                    ticks,
                    reason,
                    detail,
                } => {
                    self.lock()
                        .bundle
                        .add(&probe, route.as_ref(), reason, ticks, detail);
                }
                Fate::Stepped { by } => stepped(by),
            }
        }
    }

    /// What becomes of the tick that a start is.
    fn on_start(&self, probe: &Arc<Probe>) -> Vec<Fate> {
        let mut state = self.lock();
        let now = self.clock.now().max(Moment(state.by_hand.0.saturating_add(1)));
        let due = state.agenda.by_hand(&probe.name, now);
        state.by_hand = due;
        if let Some(pause) = state.agenda.pauses().of(&probe.name, None) {
            return vec![Fate::Skip {
                probe: probe.name.clone(),
                route: None,
                ticks: Stretch::one(due),
                reason: SkipReason::Paused,
                detail: pause.to_string(),
            }];
        }
        let routes = planned(probe).routes;
        let is_paused = |route: &Arc<str>| state.agenda.pauses().of(&probe.name, Some(route)).is_some();
        vec![Fate::Fire {
            probe: probe.name.clone(),
            due,
            start_deadline: due.after(START_DEADLINE),
            paused: routes.into_iter().filter(is_paused).collect(),
        }]
    }
}

fn clocks(clock: &dyn Clock) -> Clocks {
    let (now, wall) = clock.both();
    Clocks { now, wall }
}

fn stepped(by: i64) {
    #[expect(clippy::cast_precision_loss, reason = "a label, to the millisecond")]
    let seconds = by as f64 / 1e9;
    tracing::warn!(
        seconds,
        "the wall clock was set: `cron` schedules and maintenance windows follow it, `every` goes on as before, and times \
         on record stay those of the clock at the start until landfall is started again"
    );
}

/// A probe as the agenda needs it.
fn planned(probe: &Probe) -> Planned {
    let mut routes: Vec<Arc<str>> = Vec::new();
    for def in &probe.legs {
        if !routes.contains(&def.leg.route) {
            routes.push(def.leg.route.clone());
        }
    }
    let gap = probe.schedule.as_ref().map(|schedule| schedule.min_gap() / 4);
    Planned {
        probe: probe.name.clone(),
        schedule: probe.schedule.clone(),
        start_deadline: probe.start_deadline,
        lead: gap.unwrap_or(LEAD).min(LEAD),
        routes,
        windows: probe.maintenance.clone(),
    }
}
