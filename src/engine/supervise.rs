//! Opens the channels, keeps each one working, and knows how each is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use serde_json::Map;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Setup;
use super::sink::{InFlight, Sink, SinkShared};
use crate::channel::{Channel, OpenContext};
use crate::clock::Clock;
use crate::definition::{ChannelDef, RunScope, Workspace};
use crate::model::{ChannelId, Expr, Fault, Moment, Reason};
use crate::store::Store;

/// How a channel is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelHealth {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: &'static str,
    /// Since when it cannot see, and why; `None` while it sees.
    pub down: Option<(Moment, String)>,
}

/// One opened channel.
pub(super) struct Opened {
    pub(super) name: String,
    pub(super) kind: &'static str,
    pub(super) channel: Arc<dyn Channel>,
    pub(super) sink: Arc<Sink>,
    pub(super) down: Mutex<Option<(Moment, String)>>,
}

impl Opened {
    pub(super) fn health(&self) -> ChannelHealth {
        let down = self.down.lock().unwrap_or_else(PoisonError::into_inner).clone();
        ChannelHealth {
            name: self.name.clone(),
            kind: self.kind,
            down,
        }
    }
}

/// A channel that has ended is started again after this.
const RESTART_AFTER: Duration = Duration::from_secs(1);

/// Channels that some leg waits on or names in a template. Who starts the engine hands in the probes it may fire: a
/// disabled one that is named is among them.
fn used(workspace: &Workspace) -> BTreeSet<ChannelId> {
    let legs = workspace.probes.iter().flat_map(|p| &p.legs);
    legs.flat_map(|def| {
        let waited = def.leg.expectations.iter().map(|e| e.channel);
        waited
            .chain(def.channel_names.values().copied())
            .collect::<Vec<_>>()
    })
    .collect()
}

/// `key:` expressions of the expectations on a channel, each once.
fn key_exprs(workspace: &Workspace, channel: ChannelId) -> Vec<Expr> {
    let mut exprs: Vec<Expr> = Vec::new();
    for def in workspace.probes.iter().flat_map(|p| &p.legs) {
        for (spec, check) in def.leg.expectations.iter().zip(&def.checks) {
            if spec.channel == channel
                && let Some(key) = &check.key
                && !exprs.iter().any(|e| e.source == key.source)
            {
                exprs.push(key.clone());
            }
        }
    }
    exprs
}

/// Opens what is used, and these besides, by [`ChannelId`].
pub(super) async fn open(
    setup: &Setup,
    shared: &Arc<SinkShared>,
    stop: &CancellationToken,
    tasks: &TaskTracker,
    besides: BTreeSet<ChannelId>,
) -> Result<BTreeMap<ChannelId, Arc<Opened>>, Fault> {
    let mut opened = BTreeMap::new();
    let mut all = used(&setup.workspace);
    all.extend(besides);
    for id in all {
        let Some(def) = setup.workspace.channels.get(usize::from(id.0)) else {
            continue;
        };
        opened.insert(id, open_one(setup, shared, id, def, stop, tasks).await?);
    }
    Ok(opened)
}

/// Opens one channel and drives it until `stop`.
pub(super) async fn open_one(
    setup: &Setup,
    shared: &Arc<SinkShared>,
    id: ChannelId,
    def: &ChannelDef,
    stop: &CancellationToken,
    tasks: &TaskTracker,
) -> Result<Arc<Opened>, Fault> {
    let workspace = &setup.workspace;
    let vars = RunScope::of_vars(&workspace.vars);
    let name = def.name.value.clone();
    let sink = Arc::new(Sink {
        shared: shared.clone(),
        channel: id,
        name: name.clone(),
        key_exprs: key_exprs(workspace, id),
        vars: vars.clone(),
        in_flight: InFlight::default(),
    });
    let context = OpenContext {
        name: name.clone(),
        clock: setup.clock.clone(),
        random: setup.random.clone(),
        sink: sink.clone(),
        listener: setup.listener.clone(),
        cursors: Arc::new(StoredCursors(setup.store.clone())),
        token_key: shared.token_key.clone(),
        root: workspace.root.clone(),
        scope: Arc::new(vars),
    };
    let kind = def.config.kind();
    let channel = def.config.clone().open(context).await.map_err(|fault| {
        Fault::new(
            fault.reason,
            format!("channel `{name}` ({kind}) could not be opened: {fault}"),
        )
    })?;
    let entry = Arc::new(Opened {
        name,
        kind,
        channel,
        sink,
        down: Mutex::new(None),
    });
    tasks.spawn(keep(entry.clone(), setup.clock.clone(), stop.clone()));
    Ok(entry)
}

/// Drives a channel until told to stop; one that ends or panics is blind until it works again.
async fn keep(opened: Arc<Opened>, clock: Arc<dyn Clock>, stop: CancellationToken) {
    use crate::channel::ObservationSink as _;
    while !stop.is_cancelled() {
        let work = std::panic::AssertUnwindSafe(opened.channel.clone().drive(stop.clone()));
        let ended = work.catch_unwind().await;
        if stop.is_cancelled() {
            return;
        }
        let why = if ended.is_err() {
            "stopped by a bug of landfall's own"
        } else {
            "stopped working"
        };
        tracing::error!(channel = %opened.name, why, "the channel is started again");
        opened.sink.down(clock.now(), Fault::new(Reason::Internal, why));
        clock.sleep(RESTART_AFTER).await;
        opened.sink.up(false);
    }
}

struct StoredCursors(Arc<dyn Store>);

impl crate::channel::Cursors for StoredCursors {
    fn load(&self, name: &str) -> futures::future::BoxFuture<'_, Result<Option<String>, Fault>> {
        self.0.cursor(name.to_owned())
    }
    fn save(&self, name: &str, cursor: String) -> futures::future::BoxFuture<'_, Result<(), Fault>> {
        self.0.save_cursor(name.to_owned(), cursor)
    }
}

/// What `channels.NAME` is for one run.
pub(super) fn offers(
    opened: &BTreeMap<ChannelId, Arc<Opened>>,
    names: &BTreeMap<String, ChannelId>,
    token: &crate::model::Token,
    scope: &RunScope,
) -> Result<Map<String, serde_json::Value>, Fault> {
    let mut all = Map::new();
    for (name, id) in names {
        if let Some(entry) = opened.get(id) {
            all.insert(name.clone(), entry.channel.offers(token, scope)?);
        }
    }
    Ok(all)
}
