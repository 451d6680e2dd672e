//! The machine: events in, commands out. It holds every run that is open or may still be amended.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use super::correlate::{Unclaimed, UnclaimedLimits};
use super::event::{Command, Event};
use super::judge::{Judgement, Sight, judge};
use super::run::{Gap, Phase, Run};
use crate::model::{ChannelId, Moment, RunId, Token};

mod channels;
mod fire;
mod observe;
mod resume;
mod runs;

use runs::Runs;

/// No closed run is looked for longer than this.
const LINGER_LIMIT: Duration = Duration::from_secs(3600);

/// What the machine is told once.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How long after a limit a look that has not come back is waited for, before the run is unobserved.
    pub patience: Duration,
    /// How long a closed run can still be amended.
    pub amend_for: Duration,
    /// How many closed runs can still be amended.
    pub amend_count: usize,
    /// What is held of observations that nobody has claimed.
    pub unclaimed: UnclaimedLimits,
}

impl Settings {
    /// 10 s of patience; a day, and at most 10,000 runs, to amend: each holds what was seen of it, some kilobytes.
    pub const STANDARD: Self = Self {
        patience: Duration::from_secs(10),
        amend_for: Duration::from_secs(86_400),
        amend_count: 10_000,
        unclaimed: UnclaimedLimits::STANDARD,
    };
}

/// Every run, every key, every deadline; no IO.
#[derive(Debug)]
pub struct Machine {
    settings: Settings,
    runs: Runs,
    /// Captured ids; a key of several open runs tells none of them apart and matches none.
    keys: HashMap<String, Vec<RunId>>,
    deadlines: BinaryHeap<Reverse<(Moment, RunId)>>,
    /// Closed runs in the order in which they will be forgotten.
    closed: std::collections::VecDeque<(Moment, RunId)>,
    channels: channels::Channels,
    unclaimed: Unclaimed,
    probes: HashMap<Arc<str>, fire::ProbeCount>,
    stopped: bool,
    stalls: resume::Stalls,
}

impl Machine {
    /// A machine without runs.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            runs: Runs::default(),
            keys: HashMap::new(),
            deadlines: BinaryHeap::new(),
            closed: std::collections::VecDeque::new(),
            channels: channels::Channels::new(settings.patience),
            unclaimed: Unclaimed::new(settings.unclaimed),
            probes: HashMap::new(),
            stopped: false,
            stalls: resume::Stalls::default(),
        }
    }

    /// Takes one event; what is to be done about it is appended to `out`.
    pub fn handle(&mut self, now: Moment, event: Event, out: &mut Vec<Command>) {
        match event {
            Event::Due(due) => self.due(now, due, out),
            Event::Armed { run, .. } => self.armed(now, run, out),
            Event::ArmFailed { run, channel, fault } => self.arm_failed(run, &channel, &fault, out),
            Event::Claimed { run } => self.claimed(now, run, out),
            Event::Refused { run, reason, detail } => self.skip(run, reason, detail, out),
            Event::Sent { run, at } => self.sent(now, run, at, out),
            Event::Answered {
                run,
                sent,
                at,
                accepted,
                reason,
                keys,
            } => {
                let answered = super::Answered { at, accepted, reason };
                self.answered(now, run, sent, answered, keys, out);
            }
            Event::Belated { run } => self.belated(run),
            Event::Seen(mut seen) => {
                self.stalls.widen(&mut seen);
                self.seen(seen, out);
            }
            Event::Resumed(resumed) => self.resume(now, *resumed, out),
            Event::Rearmed { channel, runs, at } => self.rearmed(now, channel, &runs, at, out),
            Event::Stalled { from, to, lost } => self.stalled(from, to, &lost),
            Event::Marked {
                run,
                observation,
                matched,
                held,
            } => {
                self.marked(now, run, observation, matched, held, out);
            }
            Event::Watermark { channel, through } => {
                let waiting = self.channels.watermark(channel, through);
                self.advance_all(now, waiting, out);
            }
            Event::Down { channel, since } => self.channels.down(channel, since),
            Event::Up { channel, closed } => {
                let waiting = self.channels.up(channel, now, closed);
                self.advance_all(now, waiting, out);
            }
            Event::Blinked { channel, since } => self.channels.blinked(channel, since, now),
            Event::Dropped {
                channel,
                what,
                tokens,
            } => self.dropped(now, channel, &what, &tokens),
            Event::Cleaned { run, done } => self.cleaned(now, run, done, out),
            Event::StopFiring => self.stop_firing(out),
            Event::Cut { reason } => self.cut(now, &reason, out),
            Event::Time => self.pass(now, out),
        }
    }

    /// The next instant at which `Event::Time` is due.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Moment> {
        let run = self.deadlines.peek().map(|Reverse((at, _))| *at);
        run.into_iter().chain(self.unclaimed.next_expiry()).min()
    }

    /// A run that is known.
    #[must_use]
    pub fn run(&self, id: RunId) -> Option<&Run> {
        self.runs.get(&id)
    }

    /// The run of a token.
    #[must_use]
    pub fn run_of(&self, token: &Token) -> Option<RunId> {
        self.runs.of(token).map(|run| run.id)
    }

    /// What can be said of a run now.
    #[must_use]
    pub fn judge(&self, id: RunId, now: Moment) -> Option<Judgement> {
        self.runs.get(&id).map(|run| judge(run, &self.channels, now))
    }

    /// Runs that are not closed.
    #[must_use]
    pub fn open(&self) -> usize {
        self.runs.len() - self.closed.len()
    }

    /// Closed runs that may still be amended.
    #[must_use]
    pub fn closed(&self) -> usize {
        self.closed.len()
    }

    /// Whether a captured id is waited for, so that texts need searching for more than tokens.
    #[must_use]
    pub fn knows_key(&self, key: &str) -> bool {
        self.keys.contains_key(key)
    }

    /// Gaps of a channel that no look has closed.
    #[must_use]
    pub fn gaps(&self, channel: ChannelId) -> &[Gap] {
        self.channels.gaps(channel)
    }

    /// A number that was free is a channel's: nothing that was known of it holds.
    pub fn new_channel(&mut self, channel: ChannelId) {
        self.channels.forget(channel);
    }

    fn pass(&mut self, now: Moment, out: &mut Vec<Command>) {
        while let Some(Reverse((at, id))) = self.deadlines.peek().copied() {
            if at > now {
                break;
            }
            self.deadlines.pop();
            if let Some(run) = self.runs.get_mut(&id)
                && run.wake == Some(at)
            {
                run.wake = None;
                self.advance(now, id, out);
            }
        }
        for seen in self.unclaimed.expire(now) {
            let reason = super::StrayReason::Expired;
            out.push(Command::Stray {
                observation: seen.observation,
                reason,
            });
        }
        self.forget(now, out);
    }

    fn advance_all(&mut self, now: Moment, runs: impl IntoIterator<Item = RunId>, out: &mut Vec<Command>) {
        for id in runs {
            self.advance(now, id, out);
        }
    }

    /// Looks at a run as it stands: fires it, asks for looks, closes or amends it, or sleeps until its next instant.
    fn advance(&mut self, now: Moment, id: RunId, out: &mut Vec<Command>) {
        let Some(run) = self.runs.get(&id) else { return };
        match run.phase {
            Phase::Arming(0) => self.claim(now, id, out),
            Phase::Arming(_) | Phase::Claiming | Phase::Cleaning => {}
            Phase::Ready => self.fire(now, id, out),
            Phase::Fired => self.wait(now, id, out),
            Phase::Closed => self.amend(now, id, out),
        }
    }

    fn wait(&mut self, now: Moment, id: RunId, out: &mut Vec<Command>) {
        let Some(run) = self.runs.get(&id) else { return };
        if run.pending() && run.cut.is_none() {
            return;
        }
        let judgement = judge(run, &self.channels, now);
        if let (Some(_), Some(closes)) = (judgement.class, judgement.closes) {
            if closes <= now || run.cut.is_some() {
                self.end(id, out);
            } else {
                self.sleep(id, closes);
            }
            return;
        }
        let mut next: Option<Moment> = None;
        let mut wait_on: Vec<ChannelId> = Vec::new();
        let Some(sent) = run.sent else { return };
        for (spec, finding) in run.leg.expectations.iter().zip(&judgement.findings) {
            if finding.state.is_some() {
                continue;
            }
            let limit = sent.after(spec.within);
            let end = limit.after(spec.grace);
            let watched = run.watched_since(spec.channel);
            // A limit that has passed wants a look that stands for it.
            for due in [limit, end].into_iter().filter(|due| *due <= now) {
                let due = due.max(watched);
                if due <= now && self.channels.want_look(spec.channel, due) {
                    out.push(Command::Look {
                        channel: spec.channel,
                        due,
                    });
                }
            }
            if end <= now {
                wait_on.push(spec.channel);
            }
            next = next.into_iter().chain([finding.moment]).min();
        }
        for channel in wait_on {
            self.channels.wait(channel, id);
        }
        if let Some(next) = next {
            self.sleep(id, next);
        }
    }

    fn sleep(&mut self, id: RunId, until: Moment) {
        if let Some(run) = self.runs.get_mut(&id)
            && run.wake.is_none_or(|wake| until < wake)
        {
            run.wake = Some(until);
            self.deadlines.push(Reverse((until, id)));
        }
    }

    fn end(&mut self, id: RunId, out: &mut Vec<Command>) {
        let Some(run) = self.runs.get_mut(&id) else { return };
        run.phase = Phase::Cleaning;
        run.wake = None;
        out.push(Command::Cleanup { run: id });
    }

    fn cleaned(&mut self, now: Moment, id: RunId, done: bool, out: &mut Vec<Command>) {
        let Some(run) = self.runs.get_mut(&id).filter(|r| r.phase == Phase::Cleaning) else {
            return;
        };
        run.cleanup_failed = !done;
        run.phase = Phase::Closed;
        run.closed_at = Some(now);
        run.class = judge(run, &self.channels, now).class;
        let probe = run.leg.probe.clone();
        let unwatch = looked_for_until(now, run.sent);
        run.unwatch = Some(unwatch);
        self.closed.push_back((now.after(self.settings.amend_for), id));
        if let Some(count) = self.probes.get_mut(&probe) {
            count.open = count.open.saturating_sub(1);
        }
        out.push(Command::Close { run: id });
        self.sleep(id, unwatch);
        self.forget(now, out);
    }

    fn amend(&mut self, now: Moment, id: RunId, out: &mut Vec<Command>) {
        let Some(run) = self.runs.get_mut(&id) else { return };
        match run.unwatch {
            Some(at) if at <= now => {
                run.unwatch = None;
                out.push(Command::Disarm { run: id });
            }
            Some(at) => self.sleep(id, at),
            None => {}
        }
        let Some(run) = self.runs.get_mut(&id) else { return };
        if run.pending() {
            return;
        }
        let judgement = judge(run, &self.channels, now);
        if let (Some(before), Some(after)) = (run.class, judgement.class)
            && before != after
            && resume::amends(run, before, after)
        {
            run.class = Some(after);
            run.amendments.push((now, before, after));
            out.push(Command::Amend { run: id });
        }
    }

    fn forget(&mut self, now: Moment, out: &mut Vec<Command>) {
        while let Some((until, id)) = self.closed.front().copied() {
            if until > now && self.closed.len() <= self.settings.amend_count {
                break;
            }
            self.closed.pop_front();
            self.remove(id);
            out.push(Command::Disarm { run: id });
            out.push(Command::Forget { run: id });
        }
    }

    fn remove(&mut self, id: RunId) -> Option<Run> {
        let run = self.runs.remove(&id)?;
        for key in &run.keys {
            if let Some(runs) = self.keys.get_mut(key) {
                runs.retain(|r| *r != id);
                if runs.is_empty() {
                    self.keys.remove(key);
                }
            }
        }
        Some(run)
    }
}

/// Until when a run that was closed at this instant is looked for. Looking costs: that is as long again as it was waited
/// for. What is pushed later than that amends it all the same.
#[must_use]
pub fn looked_for_until(closed: Moment, sent: Option<Moment>) -> Moment {
    let waited = sent.map_or(Duration::ZERO, |sent| closed.since(sent));
    closed.after(waited.min(LINGER_LIMIT))
}
