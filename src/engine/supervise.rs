//! Opens the channels, keeps each one working, and knows how each is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::Map;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Setup;
use super::doors::Doors;
use super::sink::{Sink, SinkShared};
use super::slots::{Opened, Slots};
use super::waiting::{Waiting, could_not};
use super::wants::wants;
use crate::channel::{Channel, OpenContext};
use crate::clock::{Clock, Random};
use crate::definition::{ChannelDef, RunScope, Workspace};
use crate::model::{ChannelId, Fault, Moment, Reason};
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

/// A channel that has ended is started again after this.
const RESTART_AFTER: Duration = Duration::from_secs(1);

/// Channels that some leg waits on or names in a template. Who starts the engine hands in the probes it may fire: a
/// disabled one that is named is among them.
pub(super) fn used(workspace: &Workspace) -> BTreeSet<ChannelId> {
    let legs = workspace.probes.iter().flat_map(|p| &p.legs);
    legs.flat_map(|def| {
        let waited = def.leg.expectations.iter().map(|e| e.channel);
        waited
            .chain(def.channel_names.values().copied())
            .collect::<Vec<_>>()
    })
    .collect()
}

/// Opens channels, at the start and after.
pub(super) struct Opener {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) random: Arc<dyn Random>,
    pub(super) store: Arc<dyn Store>,
    pub(super) doors: Arc<Doors>,
    pub(super) sinks: Arc<SinkShared>,
    pub(super) stop: CancellationToken,
    pub(super) tasks: TaskTracker,
    /// Whether runs of an earlier process are correlated by more than their token.
    pub(super) captures: bool,
    opened: AtomicU64,
}

/// What is to be opened, and where it will stand.
pub(super) struct Place<'w> {
    pub(super) workspace: &'w Workspace,
    pub(super) id: ChannelId,
    pub(super) def: &'w ChannelDef,
    /// Whose number and runs it takes over.
    pub(super) instead_of: Option<&'w Opened>,
}

impl Opener {
    pub(super) fn new(
        setup: &Setup,
        sinks: &Arc<SinkShared>,
        stop: &CancellationToken,
        tasks: &TaskTracker,
        captures: bool,
    ) -> Self {
        Self {
            clock: setup.clock.clone(),
            random: setup.random.clone(),
            store: setup.store.clone(),
            doors: Doors::new(setup.listener.clone()),
            sinks: sinks.clone(),
            stop: stop.clone(),
            tasks: tasks.clone(),
            captures,
            opened: AtomicU64::new(0),
        }
    }

    /// Opens what is used, and these besides, by [`ChannelId`], and drives it.
    pub(super) async fn open_used(
        &self,
        workspace: &Workspace,
        besides: BTreeSet<ChannelId>,
    ) -> Result<BTreeMap<ChannelId, Arc<Opened>>, Fault> {
        let mut opened = BTreeMap::new();
        let mut all = used(workspace);
        all.extend(besides);
        for id in all {
            let Some(def) = workspace.channels.get(usize::from(id.0)) else {
                continue;
            };
            opened.insert(id, self.open_one(workspace, id, def).await?);
        }
        Ok(opened)
    }

    /// Opens one channel and drives it until the engine stops.
    pub(super) async fn open_one(
        &self,
        workspace: &Workspace,
        id: ChannelId,
        def: &ChannelDef,
    ) -> Result<Arc<Opened>, Fault> {
        let instead_of = None;
        let place = Place {
            workspace,
            id,
            def,
            instead_of,
        };
        let opened = self.build(&place).await?;
        self.drive(&opened);
        Ok(opened)
    }

    /// Opens one channel, which does not work yet.
    pub(super) async fn build(&self, place: &Place<'_>) -> Result<Arc<Opened>, Fault> {
        let (instance, sink, context) = self.ground(place);
        let def = place.def;
        let opened = def.config.clone().open(context).await;
        let channel = opened.map_err(|fault| {
            self.doors.close(instance);
            could_not(&def.name.value, def.config.kind(), &fault)
        })?;
        Ok(self.opened(place, (instance, sink), channel, None))
    }

    /// One that is opened as soon as that goes.
    pub(super) fn build_later(&self, place: &Place<'_>, why: Fault) -> Arc<Opened> {
        let (instance, sink, context) = self.ground(place);
        let waiting = Waiting::new(place.def.config.clone(), context, why);
        self.opened(place, (instance, sink), waiting.clone(), Some(waiting))
    }

    /// Drives a channel until it, or the engine, is stopped.
    pub(super) fn drive(&self, opened: &Arc<Opened>) {
        self.tasks.spawn(keep(opened.clone(), self.clock.clone()));
    }

    /// Stops a channel, which then answers nowhere.
    pub(super) fn close(&self, opened: &Opened) {
        opened.stop.cancel();
        self.doors.close(opened.instance);
    }

    fn ground(&self, place: &Place<'_>) -> (u64, Arc<Sink>, OpenContext) {
        let instance = self.opened.fetch_add(1, Ordering::Relaxed);
        let name = place.def.name.value.clone();
        let mut wants = wants(place.workspace, place.id, self.captures);
        if let Some(old) = place.instead_of {
            // Runs that it takes over are correlated as they were.
            wants = wants.after(&old.sink.wants());
        }
        let vars = wants.vars.clone();
        let sink = Arc::new(Sink {
            shared: self.sinks.clone(),
            channel: place.id,
            name: name.clone(),
            wants: RwLock::new(Arc::new(wants)),
            // A look at either has to wait for what came in by the other.
            in_flight: place
                .instead_of
                .map(|old| old.sink.in_flight.clone())
                .unwrap_or_default(),
            cursors: Arc::new(StoredCursors::new(self.store.clone())),
        });
        let context = OpenContext {
            name,
            clock: self.clock.clone(),
            random: self.random.clone(),
            sink: sink.clone(),
            listener: self.doors.entrance(instance),
            cursors: sink.cursors.clone(),
            token_key: self.sinks.token_key.clone(),
            root: place.workspace.root.clone(),
            scope: Arc::new(vars),
        };
        (instance, sink, context)
    }

    fn opened(
        &self,
        place: &Place<'_>,
        (instance, sink): (u64, Arc<Sink>),
        channel: Arc<dyn Channel>,
        waiting: Option<Arc<Waiting>>,
    ) -> Arc<Opened> {
        Arc::new(Opened {
            name: place.def.name.value.clone(),
            kind: place.def.config.kind(),
            channel,
            sink,
            down: Mutex::new(None),
            waiting,
            digest: place.def.digest,
            instance,
            stop: self.stop.child_token(),
            ended: CancellationToken::new(),
        })
    }
}

/// Drives a channel until told to stop; one that ends or panics is blind until it works again.
async fn keep(opened: Arc<Opened>, clock: Arc<dyn Clock>) {
    use crate::channel::ObservationSink as _;
    let stop = opened.stop.clone();
    let _ended = opened.ended.clone().drop_guard();
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

/// How far a channel has read. One that no new run is fired on keeps that to itself: the name in the store is its
/// successor's.
pub(super) struct StoredCursors {
    store: Arc<dyn Store>,
    own: Mutex<Option<BTreeMap<String, String>>>,
}

impl StoredCursors {
    fn new(store: Arc<dyn Store>) -> Self {
        let own = Mutex::new(None);
        Self { store, own }
    }

    /// Nothing more is put on record.
    pub(super) fn keep_to_itself(&self) {
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        own.get_or_insert_default();
    }
}

impl crate::channel::Cursors for StoredCursors {
    fn load(&self, name: &str) -> BoxFuture<'_, Result<Option<String>, Fault>> {
        let own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(cursor) = own.as_ref().and_then(|own| own.get(name)) {
            let cursor = cursor.clone();
            return Box::pin(async { Ok(Some(cursor)) });
        }
        drop(own);
        self.store.cursor(name.to_owned())
    }

    fn save(&self, name: &str, cursor: String) -> BoxFuture<'_, Result<(), Fault>> {
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = own.as_mut() {
            own.insert(name.to_owned(), cursor);
            return Box::pin(async { Ok(()) });
        }
        drop(own);
        self.store.save_cursor(name.to_owned(), cursor)
    }
}

/// What `channels.NAME` is for one run.
pub(super) fn offers(
    opened: &Slots,
    names: &BTreeMap<String, ChannelId>,
    token: &crate::model::Token,
    scope: &RunScope,
) -> Result<Map<String, serde_json::Value>, Fault> {
    let mut all = Map::new();
    for (name, id) in names {
        if let Some(entry) = opened.get(*id) {
            all.insert(name.clone(), entry.channel.offers(token, scope)?);
        }
    }
    Ok(all)
}
