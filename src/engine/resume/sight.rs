//! What landfall itself could not see, over processes: gaps of listeners, stretches in which it stood still, and a wall
//! clock that was set.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::clock::Clock;
use crate::engine::drive::{Loop, Message, Shared};
use crate::engine::lateness::BEAT;
use crate::lifecycle::{Event, Run};
use crate::model::{ChannelId, Fault, Moment, RunId};
use crate::store::Store;

/// Where gaps are kept, by channel; where the line of time is kept, and stalls.
const SPACE: &str = "sight";
const LINE: &str = "line";
const STALLS: &str = "stalls";
const GAPS: &str = "gaps ";

/// A beat that comes later than this says that landfall stood still.
const STALL: Duration = Duration::from_secs(1);
/// Senders are taken to wait so long for an answer; in a longer stall some may have given up.
const SENDERS_WAIT: Duration = Duration::from_secs(5);
/// The wall clock was set where two processes' lines of time part by more (statistics.md section 6.2).
const CLOCK_SET: Duration = Duration::from_secs(1);
/// Most stalls that are kept.
const STALLS_KEPT: usize = 64;

/// A stretch of time; `None` where it had not ended.
type Stretch = (Moment, Option<Moment>);

/// What earlier processes could not see.
#[derive(Debug, Default)]
pub(super) struct Blindness {
    /// By the channel's name.
    pub(super) gaps: BTreeMap<String, Vec<Stretch>>,
    pub(super) stalls: Vec<Stretch>,
    line: Option<Line>,
}

/// Which line of time a process counted on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Line {
    boot: String,
    origin: Moment,
}

impl Blindness {
    pub(super) async fn load(store: &dyn Store) -> Result<Self, Fault> {
        let mut blindness = Self::default();
        for (key, value) in store.kept(SPACE.to_owned()).await? {
            let stretches = || serde_json::from_value(value.clone()).unwrap_or_default();
            if let Some(channel) = key.strip_prefix(GAPS) {
                blindness.gaps.insert(channel.to_owned(), stretches());
            } else if key == STALLS {
                blindness.stalls = stretches();
            } else if key == LINE {
                blindness.line = serde_json::from_value(value).ok();
            }
        }
        Ok(blindness)
    }

    /// Whether the wall clock was set since an earlier process began to count, of which the last sign is of `until`.
    pub(super) fn clock_was_set(&self, clock: &dyn Clock, until: Moment) -> bool {
        if until > clock.now().after(CLOCK_SET) {
            return true;
        }
        match (&self.line, clock.origin()) {
            (Some(line), Some((boot, origin))) if line.boot == boot => {
                line.origin.0.abs_diff(origin.0) > CLOCK_SET.as_nanos().try_into().unwrap_or(u64::MAX)
            }
            _ => false,
        }
    }
}

/// Says on which line of time this process counts.
pub(super) async fn keep_line(store: &dyn Store, clock: &dyn Clock) {
    let Some((boot, origin)) = clock.origin() else {
        return;
    };
    let line = serde_json::to_value(Line { boot, origin }).ok();
    if let Err(fault) = store.keep(SPACE, LINE, line).await {
        tracing::warn!(%fault, "should the wall clock be set while landfall is not running, the next start will not know");
    }
}

impl Shared {
    /// Puts the gaps of a channel on record, so that a later process knows of them. Nobody waits for it.
    pub(in crate::engine) fn keep_gaps(self: &Arc<Self>, channel: &str, gaps: &[crate::lifecycle::Gap]) {
        let gaps: Vec<Stretch> = gaps.iter().map(|gap| (gap.from, gap.to)).collect();
        self.keep_sight(format!("{GAPS}{channel}"), json!(gaps));
    }

    /// Puts stalls on record.
    pub(in crate::engine) fn keep_stalls(self: &Arc<Self>, stalls: &[(Moment, Moment)]) {
        self.keep_sight(STALLS.to_owned(), json!(stalls));
    }

    fn keep_sight(self: &Arc<Self>, key: String, value: Value) {
        if !self.options.resume {
            return;
        }
        let shared = self.clone();
        tokio::spawn(async move {
            if let Err(fault) = shared.store.keep(SPACE, &key, Some(value)).await {
                tracing::warn!(%fault, key, "what landfall could not see is not on record");
            }
        });
    }
}

/// Looks all the time how late landfall comes, and whether it stood still: stopped, starved, or on a machine that was
/// suspended.
pub(in crate::engine) async fn beat(shared: Arc<Shared>) {
    let mut stalls: Vec<(Moment, Moment)> = Vec::new();
    let mut last = shared.clock.now();
    loop {
        tokio::select! {
            () = shared.stop.cancelled() => return,
            () = shared.clock.sleep(BEAT) => {}
        }
        let now = shared.clock.now();
        if let Some(late) = shared.sinks.lateness.beat(now) {
            tracing::warn!(
                seconds = late.as_secs_f64(),
                "landfall is held up: the machine has too little time for it; what it sees is timed as an interval, and what a limit lies in is unobserved"
            );
        }
        if now.since(last) > BEAT + STALL {
            let seconds = now.seconds_since(last);
            tracing::warn!(seconds, "landfall stood still");
            let mut lost: Vec<ChannelId> = Vec::new();
            if now.since(last) > SENDERS_WAIT {
                let slots = shared.slots();
                let listeners = slots.all().filter(|(_, o)| !o.channel.remembers());
                lost.extend(listeners.map(|(id, _)| id));
            }
            stalls.push((last, now));
            stalls.drain(..stalls.len().saturating_sub(STALLS_KEPT));
            shared.keep_stalls(&stalls);
            let (from, to) = (last, now);
            shared.tell(Message::Event(Event::Stalled { from, to, lost }));
        }
        last = now;
    }
}

impl Loop {
    /// A channel has come to watch for runs that need it no longer.
    pub(in crate::engine) fn let_go_of(&self, channel: ChannelId, runs: &[RunId]) {
        let Some(opened) = self.shared.channel(channel) else {
            return;
        };
        let unwatched = |run: &&RunId| self.machine.run(**run).is_none_or(Run::unwatched);
        for run in runs.iter().filter(unwatched) {
            opened.channel.disarm(*run);
        }
    }

    /// A later process has to know what this one could not see.
    pub(in crate::engine) fn keep_gaps(&self, channel: ChannelId) {
        // The name of one that was replaced is its successor's.
        let slots = self.shared.slots();
        if let Some(opened) = slots.get(channel).filter(|_| !slots.is_retired(channel)) {
            self.shared.keep_gaps(&opened.name, self.machine.gaps(channel));
        }
    }
}

/// The channel of which an event says what it cannot see.
pub(in crate::engine) const fn blinded(event: &Event) -> Option<ChannelId> {
    match event {
        Event::Down { channel, .. } | Event::Up { channel, .. } | Event::Dropped { channel, .. } => {
            Some(*channel)
        }
        _ => None,
    }
}
