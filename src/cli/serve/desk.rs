//! The daemon as pages and API see it: one place that answers for engine, schedule, store and board.

mod act;
mod alerts;
mod figures;
mod overview;
pub(super) mod probe;
mod reading;
mod run;
mod views;

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::{Mutex, broadcast};

use super::bell::Bell;
use super::board::Board;
use super::force::Force;
use super::gauges::Sources;
use super::reload::Reloads;
use crate::alert::Alerts;
use crate::clock::{Clock, Random};
use crate::engine::{Engine, Ticker};
use crate::model::{Mark, Moment, RunId};
use crate::redact::Redactor;
use crate::report::around::{Neighbours, OpenRun};
use crate::report::html::overview::{Flights, Range};
use crate::report::metrics::{self, Metrics};
use crate::report::series::History;
use crate::report::twins::Twins;
use crate::store::{Page, RunFilter, Store};
use crate::web::daemon::{
    AlertsView, Change, ChannelView, Daemon, Event, Fire, Fired, MuteView, NewMark, NewMute, Pause,
    PauseView, ProbeAnswer, ProbeAsk, ProbeView, Reckoned, Refused, Reloaded, Resumed, RunSummary, RunView,
    Status, StoreView, Target, Unmuted, Unready,
};

pub(super) use overview::Overviews;

/// So many runs in flight are told one by one.
const FLIGHTS: usize = 200;
/// The store has so long to take a heartbeat before it counts as one that does not write.
const STORE_PATIENCE: Duration = Duration::from_secs(2);
/// A page waits so long for that word.
const PATIENCE: Duration = Duration::from_millis(100);
/// Whether the store writes is asked at most this often, whoever wants to know.
const STORE_EVERY: Duration = Duration::from_secs(1);
/// The schedule's loop turns at least once a second while all is well.
const BEAT: Duration = Duration::from_secs(5);

/// Whether the store writes, as far as it was asked.
#[derive(Debug, Default)]
pub(super) struct Writes {
    /// When it last was, and what it said.
    last: Option<(Moment, Option<String>)>,
    /// Since when it has not answered.
    silent: Option<Moment>,
}

/// What the desk answers from.
pub(super) struct Desk {
    pub(super) engine: Engine,
    pub(super) ticker: Ticker,
    pub(super) store: Arc<dyn Store>,
    pub(super) board: Arc<Board>,
    /// Who tells people.
    pub(super) alerting: Arc<Alerts>,
    pub(super) bell: Arc<Bell>,
    /// What was counted, and what is read when somebody asks.
    pub(super) metrics: (Metrics, Sources),
    /// Which definitions are in force.
    pub(super) force: Arc<Force>,
    /// Who puts others into force.
    pub(super) reloads: Reloads,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) random: Arc<dyn Random>,
    pub(super) started: Moment,
    /// Where the store is.
    pub(super) location: crate::store::Location,
    /// Whether the store writes.
    pub(super) writes: Mutex<Writes>,
    /// Figures of all routes, for the overview.
    pub(super) overviews: Overviews,
    /// Figures are made for one at a time: each may hold many runs.
    pub(super) reckoning: Mutex<()>,
    /// What was made of the histories of probes.
    pub(super) histories: probe::Histories,
}

impl Desk {
    /// Why the store does not write. Who waits no longer than `patience` hears of it once it has not written for as long
    /// as [`STORE_PATIENCE`].
    async fn store_trouble(&self, patience: Duration) -> Option<String> {
        let mut writes = tokio::time::timeout(patience, self.writes.lock()).await.ok()?;
        let now = self.clock.now();
        if let Some((at, said)) = writes
            .last
            .as_ref()
            .filter(|(at, _)| now.since(*at) < STORE_EVERY)
        {
            let _asked = at;
            return said.clone();
        }
        let said = match tokio::time::timeout(patience, self.store.alive(now)).await {
            Ok(answer) => {
                writes.silent = None;
                answer.err().map(|fault| fault.message)
            }
            Err(_) => {
                let silent = *writes.silent.get_or_insert(now);
                let long = self.clock.now().since(silent);
                if patience < STORE_PATIENCE && long < STORE_PATIENCE {
                    return writes.last.as_ref().and_then(|(_, said)| said.clone());
                }
                Some(format!(
                    "the store has not taken a write for {} s",
                    long.as_secs().max(1)
                ))
            }
        };
        writes.last = Some((self.clock.now(), said.clone()));
        said
    }

    async fn unready_within(&self, patience: Duration) -> Vec<Unready> {
        let mut unready = Vec::new();
        let mut add = |part: &str, why: String| {
            unready.push(Unready {
                part: part.to_owned(),
                why,
            });
        };
        if let Some(why) = self.store_trouble(patience).await {
            add("store", why);
        }
        let silent = self.clock.now().since(self.ticker.beat());
        if silent > BEAT {
            add(
                "schedule",
                format!("the schedule has not turned for {} s", silent.as_secs()),
            );
        }
        // One channel that is down makes its runs unobserved, and says so. To take landfall out of service for it
        // would lose the callbacks that others wait for.
        let channels = self.engine.channels();
        if !channels.is_empty() && channels.iter().all(|channel| channel.down.is_some()) {
            add("channels", String::from("no channel can see"));
        }
        unready
    }
}

impl Daemon for Desk {
    fn status(&self) -> BoxFuture<'_, Status> {
        Box::pin(async move {
            let unready = self.unready_within(PATIENCE).await;
            views::status(self, unready)
        })
    }

    fn metrics(&self, form: metrics::Form) -> BoxFuture<'_, Vec<u8>> {
        Box::pin(async move {
            let (counted, now) = &self.metrics;
            counted.told(form, now.read().await)
        })
    }

    fn unready(&self) -> BoxFuture<'_, Vec<Unready>> {
        Box::pin(self.unready_within(STORE_PATIENCE))
    }

    fn probes(&self) -> BoxFuture<'_, Vec<ProbeView>> {
        Box::pin(async move { views::probes(self) })
    }

    fn channels(&self) -> Vec<ChannelView> {
        views::channels(self)
    }

    fn runs(&self, filter: RunFilter) -> BoxFuture<'_, Result<Page, Refused>> {
        Box::pin(async move { Ok(self.store.page(filter).await?) })
    }

    fn run(&self, id: RunId) -> BoxFuture<'_, Result<Option<RunView>, Refused>> {
        Box::pin(async move {
            let Some(record) = self.store.run(id).await? else {
                return Ok(None);
            };
            let replaced = self.store.replaced(id).await?;
            Ok(Some(RunView { record, replaced }))
        })
    }

    fn neighbours(&self, id: RunId) -> BoxFuture<'_, Result<Option<Neighbours>, Refused>> {
        Box::pin(run::neighbours(self, id))
    }

    fn twins(&self, id: RunId, named: Option<RunId>) -> BoxFuture<'_, Result<Option<Twins>, Refused>> {
        Box::pin(run::beside(self, id, named))
    }

    fn open_run(&self, id: RunId) -> BoxFuture<'_, Result<Option<OpenRun>, Refused>> {
        Box::pin(run::open(self, id))
    }

    fn trace_url(&self) -> Option<String> {
        self.force.now().workspace.trace_url.clone()
    }

    fn changes(&self, after: Option<u64>, limit: u32) -> BoxFuture<'_, Result<(Vec<Change>, u64), Refused>> {
        Box::pin(async move {
            let Some(after) = after else {
                return Ok((Vec::new(), self.store.last_change().await?));
            };
            let changes = self.store.changes(after, limit).await?;
            let last = changes.last().map_or(after, |(position, _)| *position);
            let changes = changes.iter().map(|(position, run)| Change {
                position: *position,
                run: RunSummary::of(run),
            });
            Ok((changes.collect(), last))
        })
    }

    fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.bell.subscribe()
    }

    fn fire(&self, ask: Fire) -> BoxFuture<'_, Result<Fired, Refused>> {
        Box::pin(act::fire(self, ask))
    }

    fn pause(&self, ask: Pause) -> BoxFuture<'_, Result<PauseView, Refused>> {
        Box::pin(act::pause(self, ask))
    }

    fn resume(&self, target: Target) -> BoxFuture<'_, Result<Resumed, Refused>> {
        Box::pin(act::resume(self, target))
    }

    fn reload(&self) -> BoxFuture<'_, Result<Reloaded, Refused>> {
        Box::pin(self.reloads.ask("asked for by the API"))
    }

    fn figures(&self, probe: String, since: Option<Moment>) -> BoxFuture<'_, Result<History, Refused>> {
        Box::pin(figures::figures(self, probe, since))
    }

    fn overview(&self, range: Range) -> BoxFuture<'_, Reckoned> {
        Box::pin(overview::overview(self, range))
    }

    fn flights(&self) -> Flights {
        self.board.flights(FLIGHTS)
    }

    fn probe(&self, ask: ProbeAsk, patience: Duration) -> BoxFuture<'_, Result<ProbeAnswer, Refused>> {
        Box::pin(probe::answer(self, ask, patience))
    }

    fn marks(&self, limit: u32) -> BoxFuture<'_, Result<Vec<Mark>, Refused>> {
        Box::pin(async move {
            let mut marks = self.store.marks(None, None).await?;
            marks.reverse();
            marks.truncate(limit as usize);
            Ok(marks)
        })
    }

    fn mark(&self, mark: NewMark) -> BoxFuture<'_, Result<Mark, Refused>> {
        Box::pin(act::mark(self, mark))
    }

    fn alerts(&self) -> BoxFuture<'_, Result<AlertsView, Refused>> {
        Box::pin(alerts::all(self))
    }

    fn mute(&self, mute: NewMute) -> BoxFuture<'_, Result<MuteView, Refused>> {
        Box::pin(alerts::set(self, mute))
    }

    fn unmute(&self, id: String) -> BoxFuture<'_, Result<Unmuted, Refused>> {
        Box::pin(async move { alerts::end(self, &id).await })
    }

    fn redactor(&self) -> Arc<Redactor> {
        Arc::clone(&self.force.now().workspace.redactor)
    }

    fn store(&self) -> BoxFuture<'_, Result<StoreView, Refused>> {
        Box::pin(async move { Ok(views::store(self, self.store.size().await?)) })
    }
}
