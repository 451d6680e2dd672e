//! What the machine is told, and what it asks for. Both lists are closed.

use std::sync::Arc;
use std::time::Duration;

use crate::model::{
    Accepted, ChannelId, Fault, Identity, Interval, Leg, Moment, ObservationId, Repeat, RunId, SkipReason,
    Tick, Token,
};

/// What a probe's ticks may not exceed; a limit skips a whole tick.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Runs fired per UTC day.
    pub per_day: Option<u64>,
    /// Runs open at once.
    pub in_flight: Option<u64>,
}

/// A tick that has come due.
#[derive(Clone, Debug)]
pub struct Due {
    /// The probe.
    pub probe: Arc<str>,
    /// The scheduled instant.
    pub tick: Tick,
    /// Nothing is fired after this.
    pub start_deadline: Moment,
    /// The probe's limits.
    pub limits: Limits,
    /// The legs belong together: none leaves before all are armed, and what skips one skips all.
    pub paired: bool,
    /// Between the starts of two legs that belong together; zero starts them at once.
    pub gap: Duration,
    /// What is to be fired.
    pub legs: Vec<DueLeg>,
}

/// One run that is to be fired.
#[derive(Clone, Debug)]
pub struct DueLeg {
    /// Its id.
    pub run: RunId,
    /// Its token.
    pub token: Token,
    /// What it is expected to do.
    pub leg: Arc<Leg>,
}

/// Something seen, as far as the machine needs it.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// Which observation; the engine holds its content.
    pub observation: ObservationId,
    /// Where.
    pub channel: ChannelId,
    /// When.
    pub at: Interval,
    /// When the look that saw it was sent.
    pub looked_at: Option<Moment>,
    /// Landfall's own outage widened the interval.
    pub widened: bool,
    /// What makes it the same as another.
    pub identity: Identity,
    /// What the channel knows of an earlier answer.
    pub repeat: Repeat,
    /// Tokens of ours that it bears.
    pub tokens: Vec<Token>,
    /// Values in it that may be somebody's captured id.
    pub keys: Vec<String>,
}

/// What the machine is told.
#[derive(Clone, Debug)]
pub enum Event {
    /// A tick has come due.
    Due(Due),
    /// A channel can miss nothing of the run from now on.
    Armed {
        /// Whose.
        run: RunId,
        /// Which channel.
        channel: ChannelId,
    },
    /// A channel cannot watch the run.
    ArmFailed {
        /// Whose.
        run: RunId,
        /// Which channel, by name.
        channel: String,
        /// Why.
        fault: Fault,
    },
    /// The intent is durable, and ours.
    Claimed {
        /// Whose.
        run: RunId,
    },
    /// The run cannot be fired.
    Refused {
        /// Whose.
        run: RunId,
        /// Why.
        reason: SkipReason,
        /// What exactly.
        detail: String,
    },
    /// The first byte left.
    Sent {
        /// Whose.
        run: RunId,
        /// When.
        at: Moment,
    },
    /// The request has ended, by an answer or without.
    Answered {
        /// Whose.
        run: RunId,
        /// When the first byte left.
        sent: Moment,
        /// When it ended.
        at: Moment,
        /// Layer 1.
        accepted: Accepted,
        /// Why not yes; a stable first word.
        reason: String,
        /// Captured ids: further correlation keys.
        keys: Vec<String>,
    },
    /// The time for the answer of a run ran out while landfall itself was held up: it may have been there.
    Belated {
        /// Whose.
        run: RunId,
    },
    /// Something was seen, and is durable.
    Seen(Seen),
    /// The engine has evaluated an observation against a run's expectations; bit n is expectation n.
    Marked {
        /// Whose.
        run: RunId,
        /// Which observation.
        observation: ObservationId,
        /// It passed `where`.
        matched: u64,
        /// It passed `where` and all of `expect`.
        held: u64,
    },
    /// Everything that could be seen on the channel up to this instant has been told.
    Watermark {
        /// Which channel.
        channel: ChannelId,
        /// Up to when.
        through: Moment,
    },
    /// The channel cannot see.
    Down {
        /// Which channel.
        channel: ChannelId,
        /// Since when.
        since: Moment,
    },
    /// The channel sees again.
    Up {
        /// Which channel.
        channel: ChannelId,
        /// A later look covered the gap.
        closed: bool,
    },
    /// Landfall itself could not see until just now, whatever the channel says of itself.
    Blinked {
        /// Which channel.
        channel: ChannelId,
        /// Since when.
        since: Moment,
    },
    /// A bound of landfall's own dropped something on the channel.
    Dropped {
        /// Which channel.
        channel: ChannelId,
        /// The limit, in the words that a record tells.
        what: Arc<str>,
        /// Runs that it may have touched; all that wait on the channel where it is empty.
        tokens: Vec<Token>,
    },
    /// A run of an earlier process, taken up again; it is never fired.
    Resumed(Box<super::Resumed>),
    /// The channel watches for these resumed runs again, and missed nothing that is still there to be seen.
    Rearmed {
        /// Which channel.
        channel: ChannelId,
        /// Which runs.
        runs: Vec<RunId>,
        /// Looks that began from here on speak for them.
        at: Moment,
    },
    /// Landfall itself stood still: suspended, stopped, or starved.
    Stalled {
        /// The last instant at which it is known to have worked.
        from: Moment,
        /// The first instant at which it worked again.
        to: Moment,
        /// Channels whose senders may have given up meanwhile: what came there is gone.
        lost: Vec<ChannelId>,
    },
    /// Cleanup of a run has ended.
    Cleaned {
        /// Whose.
        run: RunId,
        /// Whether every request of it was answered as it should be.
        done: bool,
    },
    /// Fire nothing more, and end what is open as it stands.
    Cut {
        /// Why, for the records.
        reason: String,
    },
    /// Fire nothing more; wait for what is open.
    StopFiring,
    /// Time has passed.
    Time,
}

/// What the machine asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Have the channels watch for the run; answer each with `Armed` or `ArmFailed`.
    Arm {
        /// Whose.
        run: RunId,
        /// Which channels.
        channels: Vec<ChannelId>,
    },
    /// Make the intent durable; answer with `Claimed` or `Refused`.
    Claim {
        /// Whose.
        run: RunId,
    },
    /// Fire; answer with `Sent` and `Answered`.
    Fire {
        /// Whose.
        run: RunId,
    },
    /// Evaluate the observation against the run's expectations; answer with `Marked`.
    Evaluate {
        /// Whose.
        run: RunId,
        /// Which observation.
        observation: ObservationId,
    },
    /// The observation is the same thing as an earlier one of the run; its content is not needed.
    Redelivered {
        /// Whose.
        run: RunId,
        /// Which observation.
        observation: ObservationId,
    },
    /// Look on the channel now; answer with `Watermark`, or `Down`.
    Look {
        /// Which channel.
        channel: ChannelId,
        /// The instant that the look stands for.
        due: Moment,
    },
    /// Tell the channels of captured ids.
    Extend {
        /// Whose.
        run: RunId,
    },
    /// Run the cleanup; answer with `Cleaned`.
    Cleanup {
        /// Whose.
        run: RunId,
    },
    /// The run has ended: write its record.
    Close {
        /// Whose.
        run: RunId,
    },
    /// The verdict on a closed run has changed: write its record anew.
    Amend {
        /// Whose.
        run: RunId,
    },
    /// A leg of a tick does not fire.
    Skip {
        /// The run that will not be.
        run: RunId,
        /// What it would have done.
        leg: Arc<Leg>,
        /// Its tick.
        tick: Tick,
        /// Why.
        reason: SkipReason,
        /// What exactly.
        detail: String,
    },
    /// The channels need not watch for the run any longer.
    Disarm {
        /// Whose.
        run: RunId,
    },
    /// The observation belongs to no run that is known; let go of it.
    Stray {
        /// Which observation.
        observation: ObservationId,
        /// Why.
        reason: StrayReason,
    },
    /// The run is forgotten; let go of all that is held for it.
    Forget {
        /// Whose.
        run: RunId,
    },
}

/// Why an observation belongs to nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StrayReason {
    /// It bears no token and no value that could be a captured id.
    NoKey,
    /// A token of ours, of no run that is known here.
    UnknownToken,
    /// It was held for a captured id until it was too old.
    Expired,
    /// It was held for a captured id, and others pushed it out.
    Crowded,
    /// It bears a run's key on a channel on which that run waits for nothing.
    Unexpected,
}

impl StrayReason {
    /// A stable word for counters.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::NoKey => "no_key",
            Self::UnknownToken => "unknown_token",
            Self::Expired => "expired",
            Self::Crowded => "crowded",
            Self::Unexpected => "unexpected",
        }
    }
}
