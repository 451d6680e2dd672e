//! A channel that a reload could not open: runs that need it are skipped with the reason, and it is tried again.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::channel::{Channel, ChannelConfig, Earlier, OpenContext, Planted, Watch};
use crate::model::{Fault, Moment, Reason, RunId, Scope, Token};

/// Between two attempts.
const AGAIN: Duration = Duration::from_secs(5);

/// What is opened as soon as that goes.
pub(super) struct Waiting {
    config: ChannelConfig,
    context: OpenContext,
    why: Mutex<Fault>,
    opened: OnceLock<Arc<dyn Channel>>,
}

impl Waiting {
    pub(super) fn new(config: ChannelConfig, context: OpenContext, why: Fault) -> Arc<Self> {
        Arc::new(Self {
            config,
            context,
            why: Mutex::new(why),
            opened: OnceLock::new(),
        })
    }

    /// Why it is not open.
    pub(super) fn why(&self) -> Option<Fault> {
        self.opened().err()
    }

    fn opened(&self) -> Result<&Arc<dyn Channel>, Fault> {
        let why = || self.why.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.opened.get().ok_or_else(why)
    }

    async fn open(&self, stop: &CancellationToken) -> Option<Arc<dyn Channel>> {
        if let Some(opened) = self.opened.get() {
            return Some(opened.clone());
        }
        let why = self.why.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.context.sink.down(self.context.clock.now(), why);
        loop {
            tokio::select! {
                () = stop.cancelled() => return None,
                () = self.context.clock.sleep(AGAIN) => {}
            }
            match self.config.clone().open(self.context.clone()).await {
                Ok(opened) => {
                    self.context.sink.up(false);
                    return Some(self.opened.get_or_init(|| opened).clone());
                }
                Err(fault) => {
                    let named = could_not(&self.context.name, self.config.kind(), &fault);
                    *self.why.lock().unwrap_or_else(PoisonError::into_inner) = named;
                }
            }
        }
    }
}

/// What is said of a channel that cannot be opened.
pub(super) fn could_not(name: &str, kind: &str, fault: &Fault) -> Fault {
    let message = format!("channel `{name}` ({kind}) could not be opened: {fault}");
    Fault::new(fault.reason, message)
}

impl Channel for Waiting {
    fn offers(&self, token: &Token, scope: &dyn Scope) -> Result<Value, Fault> {
        self.opened()?.offers(token, scope)
    }

    fn arm(&self, watch: Watch) -> BoxFuture<'_, Result<(), Fault>> {
        match self.opened() {
            Ok(opened) => opened.arm(watch),
            Err(why) => Box::pin(async { Err(why) }),
        }
    }

    fn rearm(&self, watch: Watch, earlier: Earlier) -> BoxFuture<'_, Result<(), Fault>> {
        match self.opened() {
            Ok(opened) => opened.rearm(watch, earlier),
            Err(why) => Box::pin(async { Err(why) }),
        }
    }

    fn extend(&self, run: RunId, keys: &[String], scope: Arc<dyn Scope>) {
        if let Ok(opened) = self.opened() {
            opened.extend(run, keys, scope);
        }
    }

    fn look(&self, due: Moment) -> BoxFuture<'_, Result<Moment, Fault>> {
        match self.opened() {
            Ok(opened) => opened.look(due),
            Err(why) => Box::pin(async { Err(why) }),
        }
    }

    fn look_for(&self, run: RunId, due: Moment) -> BoxFuture<'_, Result<Moment, Fault>> {
        match self.opened() {
            Ok(opened) => opened.look_for(run, due),
            Err(why) => Box::pin(async { Err(why) }),
        }
    }

    fn remembers(&self) -> bool {
        self.opened().is_ok_and(|opened| opened.remembers())
    }

    fn is_addressed(&self) -> bool {
        self.opened().is_ok_and(|opened| opened.is_addressed())
    }

    fn disarm(&self, run: RunId) {
        if let Ok(opened) = self.opened() {
            opened.disarm(run);
        }
    }

    fn drive(self: Arc<Self>, stop: CancellationToken) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            if let Some(opened) = self.open(&stop).await {
                opened.drive(stop).await;
            }
        })
    }

    fn plant(&self, token: &Token) -> BoxFuture<'_, Result<Planted, Fault>> {
        match self.opened() {
            Ok(opened) => opened.plant(token),
            Err(why) => Box::pin(async { Err(why) }),
        }
    }

    fn counters(&self) -> BTreeMap<&'static str, u64> {
        self.opened().map(|opened| opened.counters()).unwrap_or_default()
    }
}

/// Nothing answers for a channel: a reload has taken it away while a tick was on its way.
pub(super) fn taken_away(name: &str) -> Fault {
    Fault::new(
        Reason::Stopped,
        format!("a reload took channel `{name}` away while this tick was on its way"),
    )
}
