//! One destination at work: takes what waits in its outbox, tries, and tries again.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::destination::{Destination, Failure};
use super::notice::Notice;
use super::outbox::{Changes, Entry, Outbox, Verdict};
use super::service::Opened;
use crate::clock::{Clock, Random};
use crate::model::Moment;
use crate::redact::Redactor;
use crate::store::{Keep, Store};

/// Where messages that wait are kept in the store.
pub(super) const OUTBOX: &str = "alerts.outbox";
/// A destination that stays down is logged so often.
const LOG_AGAIN: Duration = Duration::from_secs(3_600);

/// How a destination fares.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Status {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// Messages that wait.
    pub waiting: usize,
    /// Messages that were taken since start.
    pub sent: u64,
    /// Attempts that failed since start.
    pub failed: u64,
    /// Messages that were given up since start.
    pub given_up: u64,
    /// Messages that waited and were replaced since start: by one that sums them up, or by a later state of their alert.
    pub summed_up: u64,
    /// When a message was last taken since start, RFC 3339; null before the first.
    pub last_success: Option<String>,
    /// When an attempt last failed since start, RFC 3339; null before the first.
    pub last_failure: Option<String>,
    /// Since when it takes nothing, RFC 3339; null while it does.
    pub down_since: Option<String>,
    /// What the last failed attempt said, while it is down.
    pub error: Option<String>,
}

/// A destination with what waits for it.
pub(super) struct Line {
    pub(super) name: String,
    /// Of its settings.
    pub(super) digest: [u8; 32],
    /// Ends it.
    pub(super) end: CancellationToken,
    kind: &'static str,
    stateful: bool,
    destination: Arc<dyn Destination>,
    outbox: Mutex<Outbox>,
    open: Mutex<Vec<Notice>>,
    state: Mutex<Fares>,
    wake: Notify,
}

/// What is counted.
#[derive(Default)]
struct Fares {
    sent: u64,
    failed: u64,
    given_up: u64,
    summed_up: u64,
    last_success: Option<Moment>,
    last_failure: Option<Moment>,
    down: Option<(Moment, String)>,
    logged: Option<Moment>,
}

/// What all destinations use.
#[derive(Clone)]
pub(super) struct Tools {
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) random: Arc<dyn Random>,
    /// Another one after a reload.
    pub(super) redactor: Arc<RwLock<Arc<Redactor>>>,
}

impl Tools {
    /// Without secrets.
    pub(super) fn clean(&self, text: &str) -> String {
        let redactor = self
            .redactor
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        redactor.text(text).into_owned()
    }
}

impl Line {
    pub(super) fn new(opened: Opened, end: CancellationToken) -> Arc<Self> {
        Arc::new(Self {
            name: opened.name,
            digest: opened.digest,
            end,
            kind: opened.kind,
            stateful: opened.stateful,
            destination: opened.destination,
            outbox: Mutex::default(),
            open: Mutex::default(),
            state: Mutex::default(),
            wake: Notify::new(),
        })
    }

    /// The name under which a message of this destination is kept.
    pub(super) fn key(name: &str, number: u64) -> String {
        format!("{name}/{number:020}")
    }

    /// One more message. It is kept already.
    pub(super) fn push(&self, entry: Entry) {
        lock(&self.outbox).push(entry);
        self.wake.notify_one();
    }

    /// What waits, for another that takes its place.
    pub(super) fn waiting(&self) -> Vec<Entry> {
        lock(&self.outbox).entries().cloned().collect()
    }

    /// The alerts that are open now, for a destination on which they expire.
    pub(super) fn set_open(&self, open: Vec<Notice>) {
        *lock(&self.open) = open;
    }

    pub(super) fn status(&self) -> Status {
        let waiting = lock(&self.outbox).len();
        let fares = lock(&self.state);
        Status {
            name: self.name.clone(),
            kind: self.kind.to_owned(),
            waiting,
            sent: fares.sent,
            failed: fares.failed,
            given_up: fares.given_up,
            summed_up: fares.summed_up,
            last_success: fares.last_success.map(Moment::to_rfc3339),
            last_failure: fares.last_failure.map(Moment::to_rfc3339),
            down_since: fares.down.as_ref().map(|(since, _)| since.to_rfc3339()),
            error: fares.down.as_ref().map(|(_, why)| why.clone()),
        }
    }

    /// Works until it is ended. What is not sent then waits in the store.
    pub(super) async fn drive(self: Arc<Self>, tools: Tools) {
        let stop = self.end.clone();
        let every = self.destination.refresh_every();
        let mut refresh = every.map(|every| tools.clock.now().after(every));
        loop {
            let due = lock(&self.outbox).due();
            let next = match (due, refresh) {
                (Some(due), Some(refresh)) => Some(due.min(refresh)),
                (one, other) => one.or(other),
            };
            let sleep = async {
                match next {
                    Some(next) => tools.clock.sleep_until(next).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.wake.notified() => {}
                () = sleep => {}
            }
            let now = tools.clock.now();
            if let (Some(at), Some(every)) = (refresh, every)
                && at <= now
            {
                refresh = Some(now.after(every));
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = self.refresh(&tools) => {}
                }
            }
            if lock(&self.outbox)
                .due()
                .is_some_and(|due| due <= tools.clock.now())
            {
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = self.attempt(&tools) => {}
                }
            }
        }
    }

    async fn attempt(&self, tools: &Tools) {
        let now = tools.clock.now();
        let changes = lock(&self.outbox).compact(now, self.stateful);
        lock(&self.state).summed_up += changes.forget.len() as u64;
        self.keep(tools, changes).await;
        let Some(entry) = lock(&self.outbox).first().cloned() else {
            return;
        };
        match self.destination.send(&entry.notice).await {
            Ok(said) => {
                lock(&self.outbox).taken(entry.number);
                self.went_well(tools, &entry.notice.id, &said);
                self.forget(tools, entry.number).await;
            }
            Err(failure) => self.went_wrong(tools, &entry, failure).await,
        }
    }

    async fn refresh(&self, tools: &Tools) {
        let open = lock(&self.open).clone();
        if open.is_empty() {
            return;
        }
        match self.destination.refresh(&open).await {
            Ok(said) => self.went_well(tools, "open alerts", &said),
            Err(failure) => self.note_failure(tools, "open alerts", &failure),
        }
    }

    fn went_well(&self, tools: &Tools, what: &str, said: &str) {
        let mut fares = lock(&self.state);
        fares.sent += 1;
        fares.last_success = Some(tools.clock.now());
        let down = fares.down.take();
        fares.logged = None;
        drop(fares);
        let said = tools.clean(said);
        tracing::info!(destination = %self.name, message = what, answer = %said, "alert sent");
        if let Some((since, _)) = down {
            tracing::warn!(destination = %self.name, down_since = %since.to_rfc3339(), "the destination takes alerts again");
        }
    }

    async fn went_wrong(&self, tools: &Tools, entry: &Entry, failure: Failure) {
        self.note_failure(tools, &entry.notice.id, &failure);
        let dice = dice(tools);
        let now = tools.clock.now();
        let verdict = lock(&self.outbox).failed(entry.number, now, &failure, dice);
        match verdict {
            Verdict::Again(_) if failure.in_doubt && !entry.in_doubt => {
                let keep = vec![Entry {
                    in_doubt: true,
                    ..entry.clone()
                }];
                let changes = Changes {
                    keep,
                    ..Changes::default()
                };
                self.keep(tools, changes).await;
            }
            Verdict::Again(_) => {}
            Verdict::GivenUp => {
                lock(&self.state).given_up += 1;
                tracing::error!(
                    destination = %self.name,
                    message = %entry.notice.id,
                    title = %entry.notice.title,
                    "an alert was given up: the destination does not take it"
                );
                self.forget(tools, entry.number).await;
            }
        }
    }

    fn note_failure(&self, tools: &Tools, what: &str, failure: &Failure) {
        let now = tools.clock.now();
        let why = tools.clean(&failure.message);
        let mut fares = lock(&self.state);
        fares.failed += 1;
        fares.last_failure = Some(now);
        let since = fares.down.as_ref().map_or(now, |(since, _)| *since);
        fares.down = Some((since, why.clone()));
        let loud = fares.logged.is_none_or(|last| now.since(last) >= LOG_AGAIN);
        if loud {
            fares.logged = Some(now);
        }
        drop(fares);
        if loud {
            tracing::error!(destination = %self.name, message = what, error = %why, "an alert could not be sent; it is tried again");
        } else {
            tracing::debug!(destination = %self.name, message = what, error = %why, "an alert could not be sent");
        }
    }

    async fn forget(&self, tools: &Tools, number: u64) {
        let changes = Changes {
            forget: vec![number],
            ..Changes::default()
        };
        self.keep(tools, changes).await;
    }

    async fn keep(&self, tools: &Tools, changes: Changes) {
        let mut entries: Vec<Keep> = changes
            .forget
            .iter()
            .map(|number| Keep::forget(OUTBOX, Self::key(&self.name, *number)))
            .collect();
        for entry in &changes.keep {
            if let Ok(value) = serde_json::to_value(entry) {
                entries.push(Keep::put(OUTBOX, Self::key(&self.name, entry.number), value));
            }
        }
        if entries.is_empty() {
            return;
        }
        if let Err(fault) = tools.store.keep_all(entries).await {
            // What was sent and is not forgotten is sent once more after a restart, with the same id.
            tracing::warn!(destination = %self.name, error = %fault.message, "what was sent could not be noted");
        }
    }
}

fn dice(tools: &Tools) -> u64 {
    let bytes = tools.random.bytes();
    let mut eight = [0; 8];
    eight.copy_from_slice(&bytes[..8]);
    u64::from_le_bytes(eight)
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
