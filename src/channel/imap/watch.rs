//! The channel as the engine sees it: who waits, which looks are wanted, what the last look found.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use rustls::ClientConfig;
use serde_json::{Value, json};
use tokio::sync::{Notify, oneshot, watch};
use tokio_util::sync::CancellationToken;

use super::config::{Delete, ImapConfig, Mode};
use super::drive::Driver;
use crate::channel::{Channel, OpenContext, Planted, Watch};
use crate::model::{Fault, Moment, Reason, RunId, Scope, Template, Token};
use crate::tls;

/// A run may be armed by a look that is at most this old.
const FRESH: Duration = Duration::from_secs(5);
/// How many planted mails may wait for the connection.
const PLANTS_LIMIT: usize = 64;

/// The settings, rendered.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) tls: Mode,
    /// What is trusted, where TLS is used.
    pub(super) client: Option<Arc<ClientConfig>>,
    pub(super) user: String,
    pub(super) password: Password,
    pub(super) folders: Vec<String>,
    pub(super) delete: bool,
    pub(super) burst: Duration,
    pub(super) idle_renew: Duration,
    pub(super) timeout: Duration,
    pub(super) max_size: u32,
}

/// A password that no debug output shows.
#[derive(Clone)]
pub(super) struct Password(String);

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

impl AsRef<str> for Password {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Settings {
    /// How messages call the server.
    pub(super) fn place(&self) -> String {
        format!("imap {}:{}", self.host, self.port)
    }
}

/// An inbox.
pub(super) struct Inbox {
    pub(super) context: OpenContext,
    pub(super) settings: Settings,
    pub(super) counters: Counters,
    pub(super) wake: Notify,
    address: Option<Template>,
    state: Mutex<State>,
    looked: watch::Sender<Looked>,
}

/// What is counted, for `check --online` and for tests.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) connections: AtomicU64,
    pub(super) open: AtomicU64,
    pub(super) commands: Arc<AtomicU64>,
    pub(super) looks: AtomicU64,
    pub(super) fetches: AtomicU64,
    pub(super) mails: AtomicU64,
    pub(super) moved: AtomicU64,
    pub(super) foreign: AtomicU64,
    pub(super) deleted: AtomicU64,
}

#[derive(Default)]
struct State {
    armed: HashMap<RunId, Moment>,
    wanted: BTreeSet<Moment>,
    plants: VecDeque<Plant>,
}

/// A mail to be added to the first folder.
pub(super) struct Plant {
    pub(super) mail: Vec<u8>,
    pub(super) done: oneshot::Sender<Result<(), Fault>>,
}

/// What became of looking.
#[derive(Clone, Debug, Default)]
struct Looked {
    /// When the last look that succeeded was sent.
    at: Option<Moment>,
    /// How many attempts have failed.
    failures: u64,
    /// Why landfall cannot see now, and when it tries again.
    down: Option<(Fault, Moment)>,
}

impl Inbox {
    /// Renders the settings.
    pub(super) fn new(config: ImapConfig, context: OpenContext) -> Result<Self, Fault> {
        let scope = &context.scope;
        let client = match config.tls.mode {
            Mode::None => None,
            Mode::Implicit | Mode::Starttls => Some(Arc::new(tls::client(&config.tls.tls, &context.root)?)),
        };
        let settings = Settings {
            host: scope.text(&config.host)?,
            port: config.port(),
            tls: config.tls.mode,
            client,
            user: scope.text(&config.user)?,
            password: Password(scope.secret(&config.password)?),
            folders: config.folders.iter().map(|f| f.value.clone()).collect(),
            delete: matches!(config.delete, Some(Delete::Own)),
            burst: config.burst.value.0,
            idle_renew: config.idle_renew.value.0,
            timeout: config.timeout.value.0,
            max_size: config.max_size.value,
        };
        Ok(Self {
            context,
            settings,
            counters: Counters::default(),
            wake: Notify::new(),
            address: config.address,
            state: Mutex::default(),
            looked: watch::Sender::new(Looked::default()),
        })
    }

    /// Now.
    pub(super) fn now(&self) -> Moment {
        self.context.clock.now()
    }

    /// Whether anything needs a connection.
    pub(super) fn needed(&self) -> bool {
        let state = self.state();
        !state.armed.is_empty() || !state.wanted.is_empty() || !state.plants.is_empty()
    }

    /// Whether a run waits.
    pub(super) fn waiting(&self) -> bool {
        !self.state().armed.is_empty()
    }

    /// How long the youngest waiting run has waited.
    pub(super) fn waited(&self) -> Option<Duration> {
        let youngest = self.state().armed.values().max().copied()?;
        Some(self.now().since(youngest))
    }

    /// The earliest instant at which a look was asked for.
    pub(super) fn wanted(&self) -> Option<Moment> {
        self.state().wanted.first().copied()
    }

    /// The next mail to plant.
    pub(super) fn planted(&self) -> Option<Plant> {
        self.state().plants.pop_front()
    }

    /// A look that was sent at `sent` has seen everything.
    pub(super) fn saw(&self, sent: Moment) {
        self.state().wanted.retain(|due| *due > sent);
        self.counters.looks.fetch_add(1, Ordering::Relaxed);
        self.looked.send_modify(|looked| {
            looked.at = Some(sent);
            looked.down = None;
        });
    }

    /// An attempt has failed; the next one comes at `retry`. Whoever waits for a look is told.
    pub(super) fn failed(&self, fault: &Fault, retry: Moment) {
        let mut state = self.state();
        let now = self.now();
        state.wanted.retain(|due| *due > now);
        let plants = std::mem::take(&mut state.plants);
        drop(state);
        for plant in plants {
            // Nobody may be waiting any more.
            plant.done.send(Err(fault.clone())).ok();
        }
        self.looked.send_modify(|looked| {
            looked.failures += 1;
            looked.down = Some((fault.clone(), retry));
        });
    }

    /// When the last look that succeeded was sent.
    pub(super) fn last_look(&self) -> Option<Moment> {
        self.looked.borrow().at
    }

    /// Returns when a look sent at `least` or later has succeeded.
    async fn seen_since(&self, least: Moment, want: Moment) -> Result<Moment, Fault> {
        let mut looked = self.looked.subscribe();
        let failures = {
            let looked = looked.borrow_and_update();
            if let Some((fault, retry)) = &looked.down
                && *retry > self.now()
            {
                return Err(fault.clone());
            }
            if let Some(at) = looked.at.filter(|at| *at >= least && looked.down.is_none()) {
                return Ok(at);
            }
            looked.failures
        };
        self.state().wanted.insert(want);
        self.wake.notify_one();
        let patience = want.since(self.now()) + 6 * self.settings.timeout;
        let outcome = tokio::time::timeout(patience, async {
            loop {
                if looked.changed().await.is_err() {
                    return Err(Fault::new(Reason::Stopped, "the inbox is no longer watched"));
                }
                let now = looked.borrow_and_update();
                match (&now.down, now.at) {
                    (None, Some(at)) if at >= least => return Ok(at),
                    (Some((fault, _)), _) if now.failures > failures => return Err(fault.clone()),
                    _ => {}
                }
            }
        });
        outcome.await.unwrap_or_else(|_| {
            let seconds = patience.as_secs_f64();
            let place = self.settings.place();
            Err(Fault::new(
                Reason::Timeout,
                format!("{place}: no look came to an end within {seconds:.0} s"),
            ))
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn marked_mail(&self, token: &Token) -> String {
        let now = self.now();
        let date = jiff::Timestamp::from_nanosecond(i128::from(now.0))
            .map(|at| at.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string())
            .unwrap_or_default();
        format!(
            "From: landfall <landfall@localhost>\r\nTo: landfall+{token}@localhost\r\nSubject: landfall check {token}\r\n\
             Date: {date}\r\nMessage-ID: <{token}.{}@landfall>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\
             \r\nPlanted by `landfall check --online` to see it arrive. It may be deleted.\r\n",
            now.0
        )
    }
}

impl Channel for Inbox {
    fn offers(&self, _token: &Token, scope: &dyn Scope) -> Result<Value, Fault> {
        match &self.address {
            Some(address) => Ok(json!({ "address": scope.text(address)? })),
            None => Ok(json!({})),
        }
    }

    fn arm(&self, watch: Watch) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(async move {
            let now = self.now();
            self.state().armed.insert(watch.run, now);
            let fresh = self.seen_since(now.before(FRESH), now).await;
            match fresh {
                // The driver may be asleep, with nothing to wait for until now.
                Ok(_) => self.wake.notify_one(),
                Err(_) => {
                    self.state().armed.remove(&watch.run);
                }
            }
            fresh.map(|_| ())
        })
    }

    fn extend(&self, _run: RunId, _keys: &[String], _scope: Arc<dyn Scope>) {
        // Every mail of the folders goes to the sink, whatever key it bears.
    }

    fn look(&self, due: Moment) -> BoxFuture<'_, Result<Moment, Fault>> {
        Box::pin(self.seen_since(due, due))
    }

    fn disarm(&self, run: RunId) {
        self.state().armed.remove(&run);
        self.wake.notify_one();
    }

    fn drive(self: Arc<Self>, stop: CancellationToken) -> BoxFuture<'static, ()> {
        Box::pin(Driver::new(self).run(stop))
    }

    fn plant(&self, token: &Token) -> BoxFuture<'_, Result<Planted, Fault>> {
        let mail = self.marked_mail(token).into_bytes();
        Box::pin(async move {
            let (done, outcome) = oneshot::channel();
            {
                let mut state = self.state();
                if state.plants.len() >= PLANTS_LIMIT {
                    let what = format!("more than {PLANTS_LIMIT} planted mails wait for the inbox");
                    return Err(Fault::new(Reason::Limit, what));
                }
                state.plants.push_back(Plant { mail, done });
            }
            self.wake.notify_one();
            let patience = 6 * self.settings.timeout;
            match tokio::time::timeout(patience, outcome).await {
                Ok(Ok(outcome)) => outcome.map(|()| Planted::Yes),
                _ => {
                    let what = format!("{}: the planted mail was not taken", self.settings.place());
                    Err(Fault::new(Reason::Timeout, what))
                }
            }
        })
    }

    fn counters(&self) -> BTreeMap<&'static str, u64> {
        let c = &self.counters;
        [
            ("connections", &c.connections),
            ("connections_open", &c.open),
            ("commands", &*c.commands),
            ("looks", &c.looks),
            ("fetches", &c.fetches),
            ("mails", &c.mails),
            ("moved", &c.moved),
            ("foreign", &c.foreign),
            ("deleted", &c.deleted),
        ]
        .into_iter()
        .map(|(name, count)| (name, count.load(Ordering::Relaxed)))
        .collect()
    }
}
