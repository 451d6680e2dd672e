//! What pages and API know of the daemon, and what they may ask of it.
//!
//! [`Daemon`] is the one way by which [`crate::web`] reaches what runs; `cli::serve` implements it. It speaks of
//! records and of [`views`]: these types are the API's answers, and their doc comments its reference.

mod alerts;
mod probe;
mod refused;
mod views;

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::broadcast;

use crate::model::{Mark, Moment, RunId};
use crate::redact::Redactor;
use crate::report::around::{Neighbours, OpenRun};
use crate::report::html::overview::{Figures, Flights, Range};
use crate::report::metrics::Form;
use crate::report::series::History;
use crate::report::twins::Twins;
use crate::store::{Page, RunFilter};

pub use alerts::{AlertView, AlertsView, DestinationView, MuteView, NewMute, Unmuted};
pub use probe::{AskedRange, ProbeAnswer, ProbeAsk};
pub use refused::{Diagnostic, Refused};
pub use views::{
    Change, ChannelReload, ChannelView, Fire, Fired, LastRun, NewMark, Pause, PauseView, ProbeView, Reloaded,
    Resumed, RouteView, RunPage, RunSummary, RunView, ScheduleView, SkipView, Status, StoreView, Target,
    Unready,
};

/// What an event is about; who wants the content asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A run closed, or its verdict changed: [`Daemon::changes`] has it.
    Run {
        /// The run.
        run: RunId,
        /// Its probe.
        probe: Arc<str>,
    },
    /// A tick of a leg did not fire.
    Skip {
        /// Its probe.
        probe: Arc<str>,
    },
    /// A run began or came a step further.
    Step {
        /// The run.
        run: RunId,
        /// Its probe.
        probe: Arc<str>,
    },
    /// A channel went down or came up.
    Channel {
        /// Its name.
        name: String,
    },
    /// A pause, a mark or a set of definitions is another.
    Changed,
}

/// Figures of a range as far as they are made.
#[derive(Clone, Debug, Default)]
pub struct Reckoned {
    /// The last ones; `None` while the first are being made.
    pub figures: Option<Arc<Figures>>,
    /// Why there are no newer ones; empty where these are the newest, or newer ones are on their way.
    pub stale: String,
}

/// The daemon as `web` sees it.
///
/// What only reads answers from memory, or from the store by a page of bounded size. What acts returns when the act
/// is durable. Nothing that it hands out holds a secret.
pub trait Daemon: Send + Sync + 'static {
    /// What this landfall is, since when, and how it does.
    fn status(&self) -> BoxFuture<'_, Status>;

    /// What keeps it from doing its work: the store does not write, channels are not armed, the schedule does not
    /// run. Empty where it is ready.
    fn unready(&self) -> BoxFuture<'_, Vec<Unready>>;

    /// Every probe in the order of the definitions, disabled ones too.
    fn probes(&self) -> BoxFuture<'_, Vec<ProbeView>>;

    /// What Prometheus reads.
    fn metrics(&self, form: Form) -> BoxFuture<'_, Vec<u8>>;

    /// How each channel is.
    fn channels(&self) -> Vec<ChannelView>;

    /// A page of ended runs.
    fn runs(&self, filter: RunFilter) -> BoxFuture<'_, Result<Page, Refused>>;

    /// One ended run with its earlier verdicts; `None` where there is none, or it is still open.
    fn run(&self, id: RunId) -> BoxFuture<'_, Result<Option<RunView>, Refused>>;

    /// The runs around an ended one; `None` where there is no such run.
    fn neighbours(&self, id: RunId) -> BoxFuture<'_, Result<Option<Neighbours>, Refused>>;

    /// An ended run beside another: that which is named, else the other route at the same tick, else the last good run of
    /// its route. `None` where there is none of these.
    fn twins(&self, id: RunId, named: Option<RunId>) -> BoxFuture<'_, Result<Option<Twins>, Refused>>;

    /// A run that has not ended; `None` where no such run is open.
    fn open_run(&self, id: RunId) -> BoxFuture<'_, Result<Option<OpenRun>, Refused>>;

    /// Where a trace is looked at: an address with `{trace_id}` in it.
    fn trace_url(&self) -> Option<String>;

    /// What closed or was amended after `after`, oldest first, at most `limit`. With `None` nothing is listed: the
    /// answer's last position is where to go on from.
    fn changes(&self, after: Option<u64>, limit: u32) -> BoxFuture<'_, Result<(Vec<Change>, u64), Refused>>;

    /// Events as they come. A receiver that is too slow loses some, is told so, and reads [`Daemon::changes`].
    fn subscribe(&self) -> broadcast::Receiver<Event>;

    /// Fires a tick of a probe now, beside its schedule.
    fn fire(&self, ask: Fire) -> BoxFuture<'_, Result<Fired, Refused>>;

    /// Fires no more ticks of a probe or route until it is resumed; outlives a restart.
    fn pause(&self, ask: Pause) -> BoxFuture<'_, Result<PauseView, Refused>>;

    /// Ends a pause.
    fn resume(&self, target: Target) -> BoxFuture<'_, Result<Resumed, Refused>>;

    /// Loads the definitions anew; where they are wrong the last good set stays and the diagnostics are the answer.
    fn reload(&self) -> BoxFuture<'_, Result<Reloaded, Refused>>;

    /// The figures of a probe over the runs since then; by the last seven days where nothing is said.
    fn figures(&self, probe: String, since: Option<Moment>) -> BoxFuture<'_, Result<History, Refused>>;

    /// The figures of all routes over a range, for the overview. They are made beside, for one range at a time, and kept:
    /// the answer comes at once, or after a fraction of a second where newer ones are nearly there, and bears the instant
    /// at which they were made.
    fn overview(&self, range: Range) -> BoxFuture<'_, Reckoned>;

    /// Runs that are waited for, with those that have waited longest.
    fn flights(&self) -> Flights;

    /// What became of a probe's runs in a window, what separates the bad from the good and which ways they took: made
    /// beside, one at a time, and kept. The answer comes within `patience` with what there is then.
    fn probe(&self, ask: ProbeAsk, patience: Duration) -> BoxFuture<'_, Result<ProbeAnswer, Refused>>;

    /// Marks on the time line, newest first, at most `limit`.
    fn marks(&self, limit: u32) -> BoxFuture<'_, Result<Vec<Mark>, Refused>>;

    /// Notes a deployment or an incident.
    fn mark(&self, mark: NewMark) -> BoxFuture<'_, Result<Mark, Refused>>;

    /// The alerts that are open and were told, the mutes in force, and how those who are told fare.
    fn alerts(&self) -> BoxFuture<'_, Result<AlertsView, Refused>>;

    /// Tells nobody of alerts for a while; outlives a restart.
    fn mute(&self, mute: NewMute) -> BoxFuture<'_, Result<MuteView, Refused>>;

    /// Ends a mute.
    fn unmute(&self, id: String) -> BoxFuture<'_, Result<Unmuted, Refused>>;

    /// Knows the secrets of the definitions in force; every answer goes through it.
    fn redactor(&self) -> Arc<Redactor>;

    /// How large the store is.
    fn store(&self) -> BoxFuture<'_, Result<StoreView, Refused>>;
}
