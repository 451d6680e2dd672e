//! What is known of one run, and of what its channels could see.

use std::sync::Arc;
use std::time::Duration;

use crate::model::{
    Accepted, ChannelId, Class, Identity, Interval, Leg, Moment, ObservationId, Repeat, RunId, Tick, Token,
};

/// How far a run has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Its channels are being armed; so many have not confirmed.
    Arming(u16),
    /// Armed; its intent is being made durable.
    Claiming,
    /// Durable; waits for its instant.
    Ready,
    /// On its way; nothing may fire it again.
    Fired,
    /// Decided; its cleanup runs.
    Cleaning,
    /// On record. What arrives from now on amends.
    Closed,
}

/// How the request ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Answered {
    /// When.
    pub at: Moment,
    /// Layer 1.
    pub accepted: Accepted,
    /// Why not yes.
    pub reason: String,
}

/// One thing that arrived, or one state in which something was seen.
#[derive(Clone, Debug, PartialEq)]
pub struct Arrival {
    /// The observation.
    pub observation: ObservationId,
    /// Where.
    pub channel: ChannelId,
    /// When; of several deliveries of the same thing the earliest.
    pub at: Interval,
    /// When the look that saw it was sent.
    pub looked_at: Option<Moment>,
    /// Landfall's own outage widened the interval.
    pub widened: bool,
    /// What makes it the same as another.
    pub identity: Identity,
    /// How often it was delivered.
    pub attempts: u32,
    /// It came again after an answer that nothing proves to have been received.
    pub redelivered: bool,
    /// It came again after an acknowledgement that was provably received.
    pub after_ack: bool,
    /// Expectations whose `where` it passes, by bit.
    pub matched: u64,
    /// Expectations whose `where` and `expect` it passes, by bit.
    pub held: u64,
    /// Not yet evaluated.
    pub pending: bool,
}

/// A stretch in which a channel could not see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// Since.
    pub from: Moment,
    /// Until; `None` while it lasts.
    pub to: Option<Moment>,
}

impl Gap {
    /// Whether any of it lies in `[from, to]`.
    #[must_use]
    pub fn touches(self, from: Moment, to: Moment) -> bool {
        self.from <= to && self.to.is_none_or(|end| end >= from)
    }
}

/// Most things that are kept of one run; more taint what is not yet decided.
pub(super) const ARRIVALS_LIMIT: usize = 256;

/// How a run of an earlier process is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resumption {
    /// When it was taken up again.
    pub at: Moment,
    /// Since when each channel watches for it again.
    pub armed: Vec<(ChannelId, Moment)>,
    /// It had been closed before; what its channels could see then is known by the verdict on record alone.
    pub ended: Option<super::Judged>,
}

/// One run.
#[derive(Clone, Debug)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// Its token.
    pub token: Token,
    /// What it is expected to do.
    pub leg: Arc<Leg>,
    /// Its scheduled instant.
    pub tick: Tick,
    /// Nothing is fired after this.
    pub start_deadline: Moment,
    /// The runs of its tick that it belongs to, itself included, in the order in which they leave; `None` where it
    /// stands for itself.
    pub mates: Option<Arc<[RunId]>>,
    /// How long after its tick it is meant to leave.
    pub delay: Duration,
    /// How far it has come.
    pub phase: Phase,
    /// When the first byte left.
    pub sent: Option<Moment>,
    /// It is not known whether it left.
    pub fire_unknown: bool,
    /// Landfall ended while the request was under way, and may have cut it off: nothing that is missing is the
    /// target's fault.
    pub interrupted: bool,
    /// The time for the answer ran out while landfall was held up: a refusal may have been there.
    pub belated: bool,
    /// The wall clock was set between two processes: of what was observed after this nobody knows how long it took.
    pub unclocked: Option<ObservationId>,
    /// How it is watched since an earlier process left it; `None` for a run of this process.
    pub resumed: Option<Box<Resumption>>,
    /// How the request ended.
    pub answered: Option<Answered>,
    /// Captured ids.
    pub keys: Vec<String>,
    /// What arrived.
    pub arrivals: Vec<Arrival>,
    /// The first limit that dropped something which may have been of this run.
    pub tainted: Option<Arc<str>>,
    /// Ended before all was decided, and why.
    pub cut: Option<(Moment, Arc<str>)>,
    /// Whether the cleanup failed.
    pub cleanup_failed: bool,
    /// The class on record.
    pub class: Option<Class>,
    /// When it was closed.
    pub closed_at: Option<Moment>,
    /// Changes since.
    pub amendments: Vec<(Moment, Class, Class)>,
    /// Its channels need not watch for it from here on.
    pub(super) unwatch: Option<Moment>,
    /// The instant at which it is looked at next, where one is queued.
    pub(super) wake: Option<Moment>,
}

impl Run {
    /// A run that has not been armed.
    #[must_use]
    pub fn new(id: RunId, token: Token, leg: Arc<Leg>, tick: Tick, start_deadline: Moment) -> Self {
        Self {
            id,
            token,
            leg,
            tick,
            start_deadline,
            mates: None,
            delay: Duration::ZERO,
            phase: Phase::Arming(0),
            sent: None,
            fire_unknown: false,
            interrupted: false,
            belated: false,
            unclocked: None,
            resumed: None,
            answered: None,
            keys: Vec::new(),
            arrivals: Vec::new(),
            tainted: None,
            cut: None,
            cleanup_failed: false,
            class: None,
            closed_at: None,
            amendments: Vec::new(),
            unwatch: None,
            wake: None,
        }
    }

    /// The instant at which it is meant to leave.
    #[must_use]
    pub fn intended(&self) -> Moment {
        self.tick.due.after(self.delay)
    }

    /// The channels on which it waits, each once.
    #[must_use]
    pub fn channels(&self) -> Vec<ChannelId> {
        let mut channels: Vec<ChannelId> = self.leg.expectations.iter().map(|e| e.channel).collect();
        channels.sort_unstable();
        channels.dedup();
        channels
    }

    /// Whether any expectation is about the channel.
    #[must_use]
    pub fn waits_on(&self, channel: ChannelId) -> bool {
        self.leg.expectations.iter().any(|e| e.channel == channel)
    }

    /// Only looks that began from here on speak for it: always, or since a channel watches for it again.
    /// `Moment(i64::MAX)` while it does not.
    #[must_use]
    pub fn watched_since(&self, channel: ChannelId) -> Moment {
        let Some(resumed) = &self.resumed else {
            return Moment(i64::MIN);
        };
        let armed = resumed.armed.iter().find(|(of, _)| *of == channel);
        armed.map_or(Moment(i64::MAX), |(_, at)| *at)
    }

    /// Whether its channels need not watch for it any longer.
    #[must_use]
    pub fn unwatched(&self) -> bool {
        self.phase == Phase::Closed && self.unwatch.is_none()
    }

    /// How an earlier process judged it that closed it.
    #[must_use]
    pub fn judged(&self) -> Option<super::Judged> {
        self.resumed.as_ref()?.ended
    }

    /// Whether it has left or may have left.
    #[must_use]
    pub const fn fired(&self) -> bool {
        matches!(self.phase, Phase::Fired | Phase::Cleaning | Phase::Closed)
    }

    /// Takes in one sighting. The result says whether its content has to be evaluated.
    pub(super) fn take(&mut self, seen: &super::Seen) -> bool {
        let event = matches!(seen.identity, Identity::Event(_));
        let same = |a: &Arrival| event && a.channel == seen.channel && a.identity == seen.identity;
        if seen.repeat != Repeat::AfterAck
            && let Some(known) = self.arrivals.iter_mut().find(|a| same(a) && !a.after_ack)
        {
            known.attempts = known.attempts.saturating_add(1);
            known.redelivered = true;
            if seen.at.hi < known.at.hi {
                known.at = seen.at;
                known.looked_at = seen.looked_at;
                known.widened = seen.widened;
            }
            return false;
        }
        if self.arrivals.len() >= ARRIVALS_LIMIT {
            self.taint(&Arc::from(format!(
                "more than {ARRIVALS_LIMIT} arrivals of one run"
            )));
            return false;
        }
        // Most runs see one thing, and many runs may wait: no room is taken for more before there is more.
        if self.arrivals.is_empty() {
            self.arrivals.reserve_exact(1);
        }
        self.arrivals.push(Arrival {
            observation: seen.observation,
            channel: seen.channel,
            at: seen.at,
            looked_at: seen.looked_at,
            widened: seen.widened,
            identity: seen.identity.clone(),
            attempts: 1,
            redelivered: false,
            after_ack: seen.repeat == Repeat::AfterAck,
            matched: 0,
            held: 0,
            pending: true,
        });
        true
    }

    /// A limit dropped something that may have been of this run.
    pub(super) fn taint(&mut self, limit: &Arc<str>) {
        self.tainted.get_or_insert_with(|| Arc::clone(limit));
    }

    /// Whether an observation has not been evaluated yet.
    #[must_use]
    pub fn pending(&self) -> bool {
        self.arrivals.iter().any(|a| a.pending)
    }
}
