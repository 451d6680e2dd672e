//! From a tick that has come due to a request that has left: arm, claim, fire, or skip with a reason.

use std::sync::Arc;

use super::Machine;
use crate::lifecycle::event::{Command, Due};
use crate::lifecycle::run::{Answered, Phase, Run};
use crate::model::{Fault, Moment, RunId, SkipReason};

/// A UTC day in nanoseconds.
const DAY: i64 = 86_400_000_000_000;

/// What a probe's limits are held against.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ProbeCount {
    pub(super) open: u64,
    day: i64,
    fired_today: u64,
}

impl Machine {
    /// Tells how many runs of a probe were fired on the day of `now`, those of earlier processes among them.
    pub fn seed_day(&mut self, probe: &Arc<str>, now: Moment, fired: u64) {
        let count = self.probes.entry(probe.clone()).or_default();
        let day = now.0.div_euclid(DAY);
        let known = if count.day == day { count.fired_today } else { 0 };
        count.day = day;
        count.fired_today = fired.max(known);
    }

    pub(super) fn due(&mut self, now: Moment, due: Due, out: &mut Vec<Command>) {
        let legs = due.legs.len() as u64;
        let count = self.probes.entry(due.probe.clone()).or_default();
        let day = now.0.div_euclid(DAY);
        if count.day != day {
            count.day = day;
            count.fired_today = 0;
        }
        let refused = if self.stopped {
            Some((SkipReason::Stopped, String::from("landfall was stopping")))
        } else if now > due.start_deadline {
            Some((SkipReason::LateStart, late(now, due.start_deadline)))
        } else if let Some(max) = due.limits.per_day.filter(|max| count.fired_today + legs > *max) {
            let detail = format!(
                "limits.per_day: {max}, {} fired today, {legs} due",
                count.fired_today
            );
            Some((SkipReason::Limit, detail))
        } else if let Some(max) = due.limits.in_flight.filter(|max| count.open + legs > *max) {
            Some((
                SkipReason::Limit,
                format!("limits.in_flight: {max}, {} open, {legs} due", count.open),
            ))
        } else {
            None
        };
        if let Some((reason, detail)) = refused {
            for leg in due.legs {
                let (tick, detail) = (due.tick, detail.clone());
                out.push(Command::Skip {
                    run: leg.run,
                    leg: leg.leg,
                    tick,
                    reason,
                    detail,
                });
            }
            return;
        }
        count.open += legs;
        count.fired_today += legs;
        let mates: Option<Arc<[RunId]>> = due.paired.then(|| due.legs.iter().map(|leg| leg.run).collect());
        for (place, leg) in (0_u32..).zip(due.legs) {
            let mut run = Run::new(leg.run, leg.token, leg.leg, due.tick, due.start_deadline);
            run.mates.clone_from(&mates);
            run.delay = due.gap.saturating_mul(place);
            run.start_deadline = due.start_deadline.after(run.delay);
            let channels = run.channels();
            run.phase = Phase::Arming(u16::try_from(channels.len()).unwrap_or(u16::MAX));
            out.push(Command::Arm {
                run: run.id,
                channels,
            });
            self.runs.insert(run);
        }
    }

    pub(super) fn armed(&mut self, now: Moment, id: RunId, out: &mut Vec<Command>) {
        let Some(run) = self.runs.get_mut(&id) else { return };
        let Phase::Arming(left) = run.phase else { return };
        if left > 1 {
            run.phase = Phase::Arming(left - 1);
            return;
        }
        run.phase = Phase::Arming(0);
        if now > run.start_deadline {
            let detail = late(now, run.start_deadline);
            self.skip(id, SkipReason::LateStart, detail, out);
            return;
        }
        let Some(mates) = run.mates.clone() else {
            run.phase = Phase::Claiming;
            out.push(Command::Claim { run: id });
            return;
        };
        for mate in mates.iter().copied() {
            self.claim(now, mate, out);
        }
    }

    /// Has the intent of a run that belongs to others put on record, once all of them are armed. One that leaves after
    /// the others is claimed when it is meant to leave, so that a stop in between leaves no intent behind.
    pub(super) fn claim(&mut self, now: Moment, id: RunId, out: &mut Vec<Command>) {
        let arming = |run: &Run| matches!(run.phase, Phase::Arming(left) if left > 0);
        if self.mates(id).any(arming) {
            return;
        }
        let Some(run) = self.runs.get_mut(&id).filter(|r| r.phase == Phase::Arming(0)) else {
            return;
        };
        let at = run.intended();
        if !run.delay.is_zero() && now < at {
            self.sleep(id, at);
        } else {
            run.phase = Phase::Claiming;
            out.push(Command::Claim { run: id });
        }
    }

    pub(super) fn arm_failed(&mut self, id: RunId, channel: &str, fault: &Fault, out: &mut Vec<Command>) {
        let detail = format!("channel `{channel}` could not be armed: {fault}");
        self.skip(id, SkipReason::ArmFailed, detail, out);
    }

    /// The runs that belong to one, itself included, in the order in which they leave; none where it stands for itself.
    fn mates(&self, id: RunId) -> impl Iterator<Item = &Run> {
        let mates = self.runs.get(&id).and_then(|run| run.mates.as_deref());
        mates
            .unwrap_or_default()
            .iter()
            .filter_map(|mate| self.runs.get(mate))
    }

    /// A run that will not be fired, and all that belong to it. Nothing that has been fired can be skipped.
    pub(super) fn skip(&mut self, id: RunId, reason: SkipReason, detail: String, out: &mut Vec<Command>) {
        let mates = self.runs.get(&id).and_then(|run| run.mates.clone());
        for mate in mates.as_deref().unwrap_or(&[id]) {
            self.skip_one(*mate, reason, detail.clone(), out);
        }
    }

    fn skip_one(&mut self, id: RunId, reason: SkipReason, detail: String, out: &mut Vec<Command>) {
        if self.runs.get(&id).is_none_or(Run::fired) {
            return;
        }
        let Some(run) = self.remove(id) else { return };
        if let Some(count) = self.probes.get_mut(&run.leg.probe) {
            count.open = count.open.saturating_sub(1);
            count.fired_today = count.fired_today.saturating_sub(1);
        }
        out.push(Command::Disarm { run: id });
        out.push(Command::Skip {
            run: id,
            leg: run.leg,
            tick: run.tick,
            reason,
            detail,
        });
        out.push(Command::Forget { run: id });
    }

    pub(super) fn claimed(&mut self, now: Moment, id: RunId, out: &mut Vec<Command>) {
        let Some(run) = self.runs.get_mut(&id).filter(|r| r.phase == Phase::Claiming) else {
            return;
        };
        run.phase = Phase::Ready;
        let (delay, alone) = (run.delay, run.mates.is_none());
        let mut leaving = vec![(id, run.intended())];
        if !alone {
            // Those that leave together wait for the last intent.
            let together = |run: &&Run| run.delay == delay;
            if self
                .mates(id)
                .filter(together)
                .any(|run| matches!(run.phase, Phase::Arming(_) | Phase::Claiming))
            {
                return;
            }
            leaving = self
                .mates(id)
                .filter(together)
                .map(|run| (run.id, run.intended()))
                .collect();
        }
        for (id, at) in leaving {
            if at <= now {
                self.fire(now, id, out);
            } else {
                self.sleep(id, at);
            }
        }
    }

    pub(super) fn fire(&mut self, now: Moment, id: RunId, out: &mut Vec<Command>) {
        let Some(run) = self.runs.get_mut(&id).filter(|r| r.phase == Phase::Ready) else {
            return;
        };
        if self.stopped {
            let detail = String::from("landfall was stopping");
            self.skip(id, SkipReason::Stopped, detail, out);
        } else if now > run.start_deadline {
            let detail = late(now, run.start_deadline);
            self.skip(id, SkipReason::LateStart, detail, out);
        } else {
            run.phase = Phase::Fired;
            out.push(Command::Fire { run: id });
        }
    }

    pub(super) fn sent(&mut self, now: Moment, id: RunId, at: Moment, out: &mut Vec<Command>) {
        if let Some(run) = self.runs.get_mut(&id).filter(|r| r.fired() && r.sent.is_none()) {
            run.sent = Some(at);
            self.advance(now, id, out);
        }
    }

    pub(super) fn answered(
        &mut self,
        now: Moment,
        id: RunId,
        sent: Moment,
        answered: Answered,
        keys: Vec<String>,
        out: &mut Vec<Command>,
    ) {
        let Some(run) = self
            .runs
            .get_mut(&id)
            .filter(|r| r.fired() && r.answered.is_none())
        else {
            return;
        };
        run.sent = run.sent.or(Some(sent));
        run.answered = Some(answered);
        run.keys.clone_from(&keys);
        // Also without a key: a watch may wait for a captured value, or for the word that there is none.
        out.push(Command::Extend { run: id });
        for key in keys {
            self.register_key(id, key, out);
        }
        self.advance(now, id, out);
    }

    /// Told before the answer.
    pub(super) fn belated(&mut self, id: RunId) {
        if let Some(run) = self.runs.get_mut(&id) {
            run.belated = true;
        }
    }

    pub(super) fn stop_firing(&mut self, out: &mut Vec<Command>) {
        self.stopped = true;
        let unfired: Vec<RunId> = self.runs.values().filter(|r| !r.fired()).map(|r| r.id).collect();
        for id in unfired {
            self.skip(
                id,
                SkipReason::Stopped,
                String::from("landfall was stopping"),
                out,
            );
        }
    }

    pub(super) fn cut(&mut self, now: Moment, reason: &str, out: &mut Vec<Command>) {
        self.stop_firing(out);
        let reason: Arc<str> = reason.into();
        let open: Vec<RunId> = self
            .runs
            .values()
            .filter(|r| r.phase == Phase::Fired)
            .map(|r| r.id)
            .collect();
        for id in open {
            if let Some(run) = self.runs.get_mut(&id) {
                // Cut while the request was on its way: it may have left.
                run.sent = run.sent.or(Some(now));
                run.cut = Some((now, reason.clone()));
                self.advance(now, id, out);
            }
        }
    }
}

fn late(now: Moment, deadline: Moment) -> String {
    format!("{:.3} s past its start deadline", now.seconds_since(deadline))
}
