//! Which ticks are due now, and what is to become of each. Pure: two clock readings in, fates out.
//!
//! The loop is open: a tick's fate depends on the time alone, never on a run that is still open. Every tick that comes
//! due has one fate here: it is fired, or it is skipped with its reason. What could not be looked at in time (the
//! process was stopped, the machine suspended) is skipped in one stretch, never fired in a burst.
//!
//! Two time lines are followed. `every` counts on the line of [`Moment`]s, which no one can set, so that a wall clock
//! that is set changes nothing about it. `cron` and maintenance windows are what people wrote as a time of day: they
//! follow the wall clock. Where it is set forward, the instants that it leapt over are skipped; where it is set back,
//! those that have had their fate do not come again. A change of more than [`CORRECTION`] is a clock put right, and
//! the new time holds at once.

mod bundle;
mod pauses;
mod plan;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;
use std::time::Duration;

use super::schedule::{Effect, Stretch, Window};
use crate::model::{Moment, SkipReason};

pub use bundle::{Bundle, Grown};
pub use pauses::{Pause, PauseOf, Pauses};
pub use plan::{Clocks, Fate, Planned, START_DEADLINE};

/// The wall clock was set where it moves by so much against the line of moments; less is what two readings differ by.
const STEP: Duration = Duration::from_millis(100);

/// A wall clock that is set by more than this was wrong before: nothing is skipped for the time it leapt over, and
/// nothing waits for it to come again. Three hours, as cron(8) has it.
pub const CORRECTION: Duration = Duration::from_secs(3 * 3_600);

/// When to look at a probe, and which of its entries this is: an older one means nothing.
type Turn = Reverse<(Moment, u64, Arc<str>)>;

/// The ticks of all probes, each in its turn.
#[derive(Debug)]
pub struct Agenda {
    slots: BTreeMap<Arc<str>, Slot>,
    /// By when each is to be looked at next: on the line of moments, and by the wall clock.
    queues: [BinaryHeap<Turn>; 2],
    pauses: Pauses,
    /// The wall clock's reading less the line's; zero until the clock is set.
    offset: i64,
    turns: u64,
}

#[derive(Debug)]
struct Slot {
    plan: Planned,
    /// Every tick up to here has its fate; on the probe's own line.
    handled: Moment,
    next: Option<Moment>,
    /// Which entry of the queue is meant.
    turn: u64,
}

const LINE: usize = 0;
const WALL: usize = 1;

impl Agenda {
    /// An agenda without probes.
    #[must_use]
    pub fn new(pauses: Pauses, at: Clocks) -> Self {
        let mut agenda = Self {
            slots: BTreeMap::new(),
            queues: [BinaryHeap::new(), BinaryHeap::new()],
            pauses,
            offset: 0,
            turns: 0,
        };
        agenda.step(at, &mut Vec::new());
        agenda
    }

    /// From now on these are the probes. What has come due by the old ones gets its fate first; ticks that have had
    /// one do not come again, and a probe that was there before goes on where it was. A new one starts after `from`.
    pub fn replace(&mut self, plans: Vec<Planned>, from: Moment, at: Clocks, out: &mut Vec<Fate>) {
        self.take(at, out);
        let mut before = std::mem::take(&mut self.slots);
        self.queues.iter_mut().for_each(BinaryHeap::clear);
        for plan in plans {
            let line = place(&plan);
            let reading = self.reading(line, at.now);
            let handled = match before.remove(&plan.probe) {
                // The lead has given later ticks their fate already.
                Some(old) if place(&old.plan) == line => old.handled.max(reading),
                Some(old) => self
                    .reading(line, self.on_line(place(&old.plan), old.handled))
                    .max(reading),
                None => self.reading(line, from),
            };
            let probe = plan.probe.clone();
            let slot = Slot {
                plan,
                handled,
                next: None,
                turn: 0,
            };
            self.slots.insert(probe.clone(), slot);
            self.queue(&probe);
        }
    }

    /// When to look again, on the line of moments.
    #[must_use]
    pub fn next(&self) -> Option<Moment> {
        let of = |line: usize| {
            let Reverse((wake, ..)) = self.queues[line].peek()?;
            Some(self.on_line(line, *wake))
        };
        of(LINE).into_iter().chain(of(WALL)).min()
    }

    /// The next tick of a probe, on the line of moments.
    #[must_use]
    pub fn next_of(&self, probe: &str) -> Option<Moment> {
        let slot = self.slots.get(probe)?;
        slot.next.map(|next| self.on_line(place(&slot.plan), next))
    }

    /// Gives every tick that is due its fate.
    pub fn take(&mut self, at: Clocks, out: &mut Vec<Fate>) {
        self.step(at, out);
        for line in [LINE, WALL] {
            let now = self.reading(line, at.now);
            while let Some(Reverse((wake, turn, probe))) = self.queues[line].peek() {
                if *wake > now {
                    break;
                }
                let (turn, probe) = (*turn, probe.clone());
                self.queues[line].pop();
                if self.slots.get(&probe).is_some_and(|slot| slot.turn == turn) {
                    self.decide(&probe, line, now, out);
                    self.queue(&probe);
                }
            }
        }
    }

    /// What is paused.
    #[must_use]
    pub const fn pauses(&self) -> &Pauses {
        &self.pauses
    }

    /// What is paused, to change it.
    pub const fn pauses_mut(&mut self) -> &mut Pauses {
        &mut self.pauses
    }

    /// The instant at which a probe is fired by hand: now, or the first after it that is no tick of its schedule, so
    /// that it has a place of its own in the fence.
    #[must_use]
    pub fn by_hand(&self, probe: &str, now: Moment) -> Moment {
        let mut at = now;
        if let Some(slot) = self.slots.get(probe)
            && let Some(schedule) = &slot.plan.schedule
        {
            let line = place(&slot.plan);
            let is_tick = |at: Moment| {
                let own = self.reading(line, at);
                schedule.next_after(probe, Moment(own.0.saturating_sub(1))) == Some(own)
            };
            while is_tick(at) {
                at = Moment(at.0.saturating_add(1));
            }
        }
        at
    }

    fn decide(&mut self, probe: &Arc<str>, line: usize, now: Moment, out: &mut Vec<Fate>) {
        let offset = self.offset;
        let Some(slot) = self.slots.get_mut(probe) else {
            return;
        };
        let (Some(due), Some(schedule)) = (slot.next, &slot.plan.schedule) else {
            return;
        };
        let deadline = slot.plan.start_deadline();
        let to_line = |at: Moment| {
            if line == WALL {
                Moment(at.0.saturating_sub(offset))
            } else {
                at
            }
        };
        let wall = |at: Moment| {
            if line == WALL {
                at
            } else {
                Moment(at.0.saturating_add(offset))
            }
        };
        let on_line = |ticks: Stretch| Stretch {
            first: to_line(ticks.first),
            last: to_line(ticks.last),
            ..ticks
        };
        if due.after(deadline) < now {
            let last = Moment(now.before(deadline).0 - 1);
            let missed = schedule
                .between(probe, Moment(due.0 - 1), last)
                .unwrap_or(Stretch::one(due));
            slot.handled = missed.last;
            let (reason, detail) = match self.pauses.of(probe, None).filter(|p| p.since <= to_line(due)) {
                Some(pause) => (SkipReason::Paused, pause.to_string()),
                None => (SkipReason::LateStart, held_up(now, due, deadline)),
            };
            let ticks = on_line(missed);
            out.push(skip(probe, None, ticks, reason, detail));
            return;
        }
        slot.handled = due;
        let (tick, wall) = (Stretch::one(to_line(due)), wall(due));
        if let Some(pause) = self.pauses.of(probe, None) {
            out.push(skip(probe, None, tick, SkipReason::Paused, pause.to_string()));
            return;
        }
        let closed = slot
            .plan
            .windows
            .iter()
            .filter(|window| window.effect() == Effect::Stop);
        if let Some((window, until)) = closed
            .filter_map(|w| w.covers(wall).map(|until| (w, until)))
            .next()
        {
            let detail = maintenance(window, until);
            out.push(skip(probe, None, tick, SkipReason::Maintenance, detail));
            return;
        }
        let mut paused = Vec::new();
        for route in &slot.plan.routes {
            if let Some(pause) = self.pauses.of(probe, Some(route)) {
                let detail = pause.to_string();
                out.push(skip(probe, Some(route.clone()), tick, SkipReason::Paused, detail));
                paused.push(route.clone());
            }
        }
        if paused.len() < slot.plan.routes.len() {
            out.push(Fate::Fire {
                probe: probe.clone(),
                due: tick.first,
                start_deadline: tick.first.after(deadline),
                paused,
            });
        }
    }

    fn queue(&mut self, probe: &Arc<str>) {
        self.turns += 1;
        let Some(slot) = self.slots.get_mut(probe) else {
            return;
        };
        let next = slot
            .plan
            .schedule
            .as_ref()
            .and_then(|s| s.next_after(probe, slot.handled));
        slot.next = next;
        slot.turn = self.turns;
        if let Some(next) = next {
            let wake = next.before(slot.plan.lead);
            self.queues[place(&slot.plan)].push(Reverse((wake, slot.turn, probe.clone())));
        }
    }

    /// Notices that the wall clock was set.
    fn step(&mut self, at: Clocks, out: &mut Vec<Fate>) {
        let offset = at.wall.0.saturating_sub(at.now.0);
        let by = offset.saturating_sub(self.offset);
        if Duration::from_nanos(by.unsigned_abs()) < STEP {
            return;
        }
        self.offset = offset;
        out.push(Fate::Stepped { by });
        if Duration::from_nanos(by.unsigned_abs()) <= CORRECTION {
            return;
        }
        let of_wall: Vec<Arc<str>> = self
            .slots
            .values()
            .filter(|slot| slot.plan.by_wall())
            .map(|slot| slot.plan.probe.clone())
            .collect();
        for probe in of_wall {
            if let Some(slot) = self.slots.get_mut(&probe) {
                slot.handled = at.wall;
            }
            self.queue(&probe);
        }
    }

    /// A place on the line of moments, by the clock that `line` follows.
    const fn reading(&self, line: usize, at: Moment) -> Moment {
        if line == WALL {
            Moment(at.0.saturating_add(self.offset))
        } else {
            at
        }
    }

    /// The other way round.
    const fn on_line(&self, line: usize, at: Moment) -> Moment {
        if line == WALL {
            Moment(at.0.saturating_sub(self.offset))
        } else {
            at
        }
    }
}

fn place(plan: &Planned) -> usize {
    if plan.by_wall() { WALL } else { LINE }
}

fn skip(
    probe: &Arc<str>,
    route: Option<Arc<str>>,
    ticks: Stretch,
    reason: SkipReason,
    detail: String,
) -> Fate {
    Fate::Skip {
        probe: probe.clone(),
        route,
        ticks,
        reason,
        detail,
    }
}

fn held_up(now: Moment, due: Moment, deadline: Duration) -> String {
    format!(
        "landfall came to it {:.3} s after it was due, later than its start deadline of {:.3} s: the process was stopped, \
         the machine suspended or overloaded, or the wall clock set",
        now.seconds_since(due),
        deadline.as_secs_f64()
    )
}

fn maintenance(window: &Window, until: Moment) -> String {
    match window.reason() {
        "" => format!("maintenance until {until}"),
        reason => format!("maintenance until {until}: {reason}"),
    }
}
