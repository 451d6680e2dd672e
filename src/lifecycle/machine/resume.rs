//! A run that an earlier process fired: waited for again with its deadlines, never fired again.

use std::time::Duration;

use super::Machine;
use crate::lifecycle::event::{Command, Seen};
use crate::lifecycle::run::{Answered, Phase, Resumption, Run};
use crate::lifecycle::{Firing, Resumed};
use crate::model::{Accepted, ChannelId, Class, Moment, RunId};

/// What was waiting to be read when landfall stood still is read and stamped within this.
const CATCH_UP: Duration = Duration::from_secs(1);
/// Most stalls that are remembered: an observation is no older than its run, and few runs see so many.
const STALLS: usize = 64;

/// Stretches in which landfall itself stood still.
#[derive(Debug, Default)]
pub(super) struct Stalls(std::collections::VecDeque<(Moment, Moment)>);

impl Stalls {
    /// What arrived in such a stretch, or was waiting to be read at its end, arrived at an instant that nobody knows.
    pub(super) fn widen(&self, seen: &mut Seen) {
        for (from, to) in &self.0 {
            if seen.at.hi >= *from && seen.at.lo <= to.after(CATCH_UP) {
                seen.at.lo = seen.at.lo.min(*from);
                seen.widened = true;
            }
        }
    }
}

impl Machine {
    pub(super) fn resume(&mut self, now: Moment, resumed: Resumed, out: &mut Vec<Command>) {
        if self.runs.get(&resumed.run).is_some() {
            return;
        }
        let id = resumed.run;
        let run = run_of(now, &resumed);
        let open = run.phase == Phase::Fired;
        if open {
            self.probes.entry(run.leg.probe.clone()).or_default().open += 1;
        } else if let Some(ended) = &resumed.ended {
            // As without a stop: the closed are forgotten in the order in which they ended.
            let until = ended.at.after(self.settings.amend_for);
            let place = self.closed.partition_point(|(at, _)| *at <= until);
            self.closed.insert(place, (until, id));
        }
        let unwatch = run.unwatch;
        self.runs.insert(run);
        for seen in &resumed.seen {
            self.attach(id, seen, out);
        }
        for key in resumed.keys {
            self.register_key(id, key, out);
        }
        if open {
            self.advance(now, id, out);
        } else if let Some(unwatch) = unwatch {
            self.sleep(id, unwatch);
        }
    }

    pub(super) fn rearmed(
        &mut self,
        now: Moment,
        channel: ChannelId,
        runs: &[RunId],
        at: Moment,
        out: &mut Vec<Command>,
    ) {
        for id in runs {
            let Some(run) = self.runs.get_mut(id) else {
                continue;
            };
            if let Some(resumed) = &mut run.resumed
                && !resumed.armed.iter().any(|(of, _)| *of == channel)
            {
                resumed.armed.reserve_exact(1);
                resumed.armed.push((channel, at));
            }
            self.advance(now, *id, out);
        }
    }

    pub(super) fn stalled(&mut self, from: Moment, to: Moment, lost: &[ChannelId]) {
        for channel in lost {
            self.channels.blind(*channel, from, to);
        }
        let list = &mut self.stalls.0;
        list.push_back((from, to));
        if list.len() > STALLS {
            list.pop_front();
        }
        // What was read at its end may have been told before it.
        for run in self.runs.values_mut().filter(|run| run.phase != Phase::Closed) {
            for arrival in &mut run.arrivals {
                if arrival.at.hi >= from && arrival.at.lo <= to.after(CATCH_UP) {
                    arrival.at.lo = arrival.at.lo.min(from);
                    arrival.widened = true;
                }
            }
        }
    }
}

fn run_of(now: Moment, resumed: &Resumed) -> Run {
    let (token, leg) = (resumed.token, resumed.leg.clone());
    let mut run = Run::new(resumed.run, token, leg, resumed.tick, resumed.tick.due);
    run.phase = Phase::Fired;
    run.keys.clone_from(&resumed.keys);
    run.unclocked = resumed.unclocked;
    run.tainted = resumed.partial.clone();
    if resumed.unclocked.is_some() {
        // Waiting on would prove nothing: its deadlines were counted on another line of time.
        run.cut = Some((now, "the clock was set while landfall was not running".into()));
    }
    match &resumed.firing {
        Firing::Unknown { claimed } => {
            run.sent = Some(*claimed);
            run.fire_unknown = true;
        }
        Firing::Interrupted { sent, until } => {
            run.sent = Some(*sent);
            run.interrupted = true;
            run.answered = Some(Answered {
                at: (*until).max(*sent),
                accepted: Accepted::Unknown,
                reason: String::from("stopped: landfall ended before the answer came"),
            });
        }
        Firing::Answered { sent, answered } => {
            run.sent = Some(*sent);
            run.answered = Some(answered.clone());
        }
    }
    if let Some(ended) = &resumed.ended {
        run.phase = Phase::Closed;
        run.class = Some(ended.class);
        run.closed_at = Some(ended.at);
        run.amendments.clone_from(&ended.amendments);
        run.cleanup_failed = ended.cleanup_failed;
        run.belated = ended.belated;
        run.delay = ended.delay;
        run.unwatch = Some(super::looked_for_until(ended.at, run.sent)).filter(|at| *at > now);
    }
    run.resumed = Some(Box::new(Resumption {
        at: now,
        armed: Vec::new(),
        ended: resumed.ended.as_ref().map(|ended| ended.judged),
    }));
    run
}

/// Whether what is known now may change a verdict on record. Of one that an earlier process gave, only something that
/// has arrived since can change it, never something missing.
pub(super) fn amends(run: &Run, before: Class, after: Class) -> bool {
    let Some(judged) = run.judged() else { return true };
    if run.arrivals.iter().all(|a| a.observation <= judged.last) {
        return false;
    }
    match before {
        Class::Delivered | Class::Late => matches!(after, Class::Duplicate | Class::Unwanted),
        _ => !matches!(after, Class::Unobserved | Class::Lost | Class::Rejected),
    }
}
