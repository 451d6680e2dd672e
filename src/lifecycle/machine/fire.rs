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
    /// Tells how many runs of a probe were fired on the day of `now` by earlier processes.
    pub fn seed_day(&mut self, probe: &Arc<str>, now: Moment, fired: u64) {
        let count = self.probes.entry(probe.clone()).or_default();
        count.day = now.0.div_euclid(DAY);
        count.fired_today = fired;
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
        for leg in due.legs {
            let mut run = Run::new(leg.run, leg.token, leg.leg, due.tick, due.start_deadline);
            run.paired = due.paired;
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
        if now > run.start_deadline {
            let detail = late(now, run.start_deadline);
            self.skip(id, SkipReason::LateStart, detail, out);
            return;
        }
        run.phase = Phase::Claiming;
        out.push(Command::Claim { run: id });
    }

    pub(super) fn arm_failed(&mut self, id: RunId, channel: &str, fault: &Fault, out: &mut Vec<Command>) {
        let Some(run) = self.runs.get(&id) else { return };
        let detail = format!("channel `{channel}` could not be armed: {fault}");
        let group: Vec<RunId> = if run.paired {
            let (probe, tick) = (run.leg.probe.clone(), run.tick);
            let of_tick = |r: &&Run| r.leg.probe == probe && r.tick == tick && !r.fired();
            self.runs.values().filter(of_tick).map(|r| r.id).collect()
        } else {
            vec![id]
        };
        for id in group {
            self.skip(id, SkipReason::ArmFailed, detail.clone(), out);
        }
    }

    /// A run that will not be fired. Nothing that has been fired can be skipped.
    pub(super) fn skip(&mut self, id: RunId, reason: SkipReason, detail: String, out: &mut Vec<Command>) {
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
        if run.tick.due <= now {
            self.fire(now, id, out);
        } else {
            let due = run.tick.due;
            self.sleep(id, due);
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
