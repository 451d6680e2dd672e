//! What the API answers and takes. Times are RFC 3339 in UTC, durations are seconds.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::{
    Class, Flag, Layers, MarkKind, Moment, ProbeState, RunId, RunRecord, Seconds, SkipReason,
};

/// What this landfall is and how it does.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Status {
    /// landfall's version.
    pub version: String,
    /// The workspace's `location`.
    pub location: String,
    /// When it started.
    pub started: String,
    /// Now, by its clock.
    pub now: String,
    /// Whether it is ready; `unready` says why not.
    pub ready: bool,
    /// What keeps it from doing its work.
    pub unready: Vec<Unready>,
    /// How many probes are in each state.
    pub probes: BTreeMap<String, u32>,
    /// Runs fired and not yet decided.
    pub in_flight: u32,
    /// When the definitions in force were loaded.
    pub loaded: String,
    /// What is wrong with the definitions as they are now on disk, where the last reload was refused.
    pub refused: Vec<super::Diagnostic>,
    /// Since when the refused definitions are not in force.
    pub refused_at: Option<String>,
    /// Keys of `landfall.yaml` that are another on disk and hold from the next start on.
    pub restart: Vec<String>,
}

/// One thing that keeps landfall from doing its work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Unready {
    /// Which part: `store`, `channel`, `schedule`.
    pub part: String,
    /// Why, for people.
    pub why: String,
}

/// One probe.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ProbeView {
    /// Its name.
    pub name: String,
    /// Its `description`; empty where it has none.
    pub description: String,
    /// Whether its schedule fires.
    pub enabled: bool,
    /// The worst of its routes' states.
    pub state: ProbeState,
    /// Why it is so, in a few words; empty where it is `ok`.
    pub why: String,
    /// When it fires; null where it fires only by hand.
    pub schedule: Option<ScheduleView>,
    /// Its pause, where the whole probe is paused.
    pub paused: Option<PauseView>,
    /// Its inputs' names.
    pub inputs: Vec<String>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Digest of its definition.
    pub revision: String,
    /// Runs fired and not yet decided.
    pub in_flight: u32,
    /// Its routes in the order of the definition.
    pub routes: Vec<RouteView>,
}

/// When a probe fires.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ScheduleView {
    /// As it is defined: `every 1m`, `cron */5 * * * * Europe/Amsterdam`.
    pub text: String,
    /// The next tick; null where it is paused or disabled.
    pub next: Option<String>,
}

/// One route of a probe.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RouteView {
    /// Its name.
    pub name: String,
    /// Its state.
    pub state: ProbeState,
    /// Why it is so, in a few words; empty where it is `ok`.
    pub why: String,
    /// Its pause.
    pub paused: Option<PauseView>,
    /// Runs fired and not yet decided.
    pub in_flight: u32,
    /// How its last runs ended, of all inputs, newest first; at most ten of each.
    pub last: Vec<LastRun>,
    /// Its last tick that did not fire.
    pub skipped: Option<SkipView>,
}

/// How one run ended.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct LastRun {
    /// Its id.
    pub id: RunId,
    /// The scheduled instant.
    pub tick: String,
    /// The verdict.
    pub class: Class,
    /// Why, in a few words.
    pub reason: String,
    /// When the outcome was there, as an interval in seconds since the first byte sent.
    pub seconds: Option<Seconds>,
}

/// A tick that did not fire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SkipView {
    /// The scheduled instant.
    pub tick: String,
    /// Why.
    pub reason: SkipReason,
    /// What exactly.
    pub detail: String,
}

/// The essence of one ended run.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct RunSummary {
    /// Its id, a UUIDv7.
    pub id: RunId,
    /// The probe's name.
    pub probe: String,
    /// The route's name.
    pub route: String,
    /// The input's name.
    pub input: String,
    /// The scheduled instant.
    pub tick: String,
    /// When the first byte left; null where nothing was sent or nobody knows.
    pub sent: Option<String>,
    /// The verdict.
    pub class: Class,
    /// Why, in a few words.
    pub reason: String,
    /// Facts that do not change the class.
    pub flags: Vec<Flag>,
    /// Accepted, and lost or mismatched: nothing said so.
    pub silent_failure: bool,
    /// Seconds from the scheduled instant to the first byte sent.
    pub lag: Option<f64>,
    /// The three layers.
    pub layers: Layers,
    /// Digest of the definition.
    pub revision: String,
    /// The probe's labels.
    pub labels: BTreeMap<String, String>,
}

impl RunSummary {
    /// The essence of a record.
    #[must_use]
    pub fn of(run: &RunRecord) -> Self {
        Self {
            id: run.id,
            probe: run.probe.clone(),
            route: run.route.clone(),
            input: run.input.clone(),
            tick: run.tick.clone(),
            sent: run.sent.clone(),
            class: run.class,
            reason: run.reason.clone(),
            flags: run.flags.clone(),
            silent_failure: crate::report::silent_failure(run),
            lag: run.lag,
            layers: run.layers,
            revision: run.revision.clone(),
            labels: run.labels.clone(),
        }
    }
}

/// One ended run, whole.
#[derive(Clone, Debug)]
pub struct RunView {
    /// Its record.
    pub record: RunRecord,
    /// The records that amendments replaced, oldest first.
    pub replaced: Vec<RunRecord>,
}

/// A page of runs.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RunPage {
    /// Newest first.
    pub runs: Vec<RunSummary>,
    /// The `cursor` of the next page; null where this is the last.
    pub next: Option<String>,
}

/// A run that closed, or whose verdict changed.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Change {
    /// Its place in the order in which things closed and changed; the event's id.
    pub position: u64,
    /// The run.
    pub run: RunSummary,
}

/// One channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ChannelView {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// Whether it sees.
    pub up: bool,
    /// Since when it cannot see.
    pub down_since: Option<String>,
    /// Why it cannot see.
    pub why: Option<String>,
    /// What was seen on it since the start, by what became of it.
    pub observations: BTreeMap<String, u64>,
}

/// A probe, or one route of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The probe's name.
    pub probe: String,
    /// The route's name; `None`: the whole probe.
    pub route: Option<String>,
}

/// What to fire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fire {
    /// The probe.
    pub probe: String,
    /// Only these routes; all where it is empty.
    pub routes: Vec<String>,
}

/// What was fired.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Fired {
    /// The probe.
    pub probe: String,
    /// The scheduled instant that its runs bear.
    pub tick: String,
    /// How many runs or skips will come of it.
    pub runs: u32,
}

/// What to pause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pause {
    /// The probe or route.
    pub target: Target,
    /// Why, for those who read it later; may be empty.
    pub reason: String,
    /// Who asked: the token's name.
    pub by: String,
}

/// A pause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PauseView {
    /// Since when.
    pub since: String,
    /// Who asked for it, and why.
    pub note: String,
}

/// What was resumed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Resumed {
    /// Whether there was something to end.
    pub was: bool,
}

/// What a reload did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Reloaded {
    /// Probes that are new.
    pub added: Vec<String>,
    /// Probes that are another.
    pub changed: Vec<String>,
    /// Probes that are gone.
    pub removed: Vec<String>,
    /// How many are as they were.
    pub unchanged: u32,
    /// Channels that are another.
    pub channels: Vec<ChannelReload>,
    /// Keys of `landfall.yaml` that are another and hold from the next start on; until then the values before do.
    pub restart: Vec<String>,
}

/// What a reload did with a channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ChannelReload {
    /// Its name.
    pub name: String,
    /// `opened`; `replaced` by one with other settings; `closing` once every run on it has ended; `failed` to open: what
    /// needs it is skipped, and it is tried again.
    pub change: String,
    /// Why it could not be opened.
    pub why: Option<String>,
}

impl Reloaded {
    /// Whether everything is as it was.
    #[must_use]
    pub const fn is_nothing(&self) -> bool {
        self.added.is_empty()
            && self.changed.is_empty()
            && self.removed.is_empty()
            && self.channels.is_empty()
    }
}

/// A mark to set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMark {
    /// What happened.
    pub text: String,
    /// When it happened or began; left out: now.
    pub at: Option<Moment>,
    /// When it ended; left out for what is an instant or goes on.
    pub until: Option<Moment>,
    /// What sort of thing it is.
    pub kind: MarkKind,
    /// What it concerns.
    pub labels: BTreeMap<String, String>,
    /// Who set it: the token's name.
    pub by: String,
}

/// The store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct StoreView {
    /// Where it is: `memory`, or the file.
    pub location: String,
    /// Bytes on disk, the write-ahead log included; zero in memory.
    pub bytes: u64,
    /// Of these the write-ahead log.
    pub log_bytes: u64,
    /// Bytes in the file that deleted rows left and new ones will take.
    pub free_bytes: u64,
    /// Ended runs.
    pub runs: u64,
    /// Runs that were claimed and have not been closed.
    pub open_runs: u64,
    /// Observations.
    pub observations: u64,
    /// Ticks that did not fire, each row one tick.
    pub skips: u64,
    /// Rows that tell many skipped ticks at once.
    pub skip_spans: u64,
    /// Marks.
    pub marks: u64,
    /// The tick of the oldest ended run.
    pub oldest: Option<String>,
}
