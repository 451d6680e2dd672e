//! What channels hand their sightings to: redacts, finds keys, makes durable, and only then tells the loop.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use futures::future::BoxFuture;
use serde_json::{Map, Value};
use tokio::sync::{Notify, mpsc};

use super::Setup;
use super::drive::Message;
use super::lateness::Lateness;
use super::supervise::StoredCursors;
use super::wants::Wants;
use crate::channel::ObservationSink;
use crate::clock::Clock;
use crate::lifecycle::{Event, Seen};
use crate::model::{
    ChannelId, Expr, Fault, Moment, Observation, ObservationId, OwnMap, Reason, RunId, Sighting, Token,
    TokenKey, scan_value,
};
use crate::store::{Store, StoredObservation};

/// Sightings a second that bear no token of a run that is known; a burst may be ten times as many.
pub(super) const STRAYS_PER_SECOND: u64 = 1_000;
/// Values of one sighting that are taken for a possible captured id.
const CANDIDATES: usize = 64;
/// A captured id is looked for in values of this many bytes.
const CANDIDATE_LENGTH: std::ops::RangeInclusive<usize> = 3..=128;

/// Characters of a limit's words that go into records.
const LIMIT_WORDS: usize = 200;

/// What all sinks share.
pub(super) struct SinkShared {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) store: Arc<dyn Store>,
    pub(super) token_key: TokenKey,
    pub(super) messages: mpsc::Sender<Message>,
    /// For what is said without waiting: it overtakes `messages`.
    pub(super) control: mpsc::UnboundedSender<Message>,
    /// Tokens of runs that are known, so that the store can say whose an observation is.
    pub(super) tokens: Mutex<OwnMap<Token, RunId>>,
    /// By channel, then by what became of it.
    pub(super) counts: Mutex<BTreeMap<String, BTreeMap<String, u64>>>,
    pub(super) last_id: AtomicU64,
    pub(super) strays: Mutex<Budget>,
    pub(super) lateness: Lateness,
}

/// A token bucket over the engine's clock.
#[derive(Debug, Default)]
pub(super) struct Budget {
    used: u64,
    since: Option<Moment>,
}

impl Budget {
    pub(super) fn take(&mut self, now: Moment) -> bool {
        let since = *self.since.get_or_insert(now);
        let regained =
            u64::try_from(now.since(since).as_millis()).unwrap_or(u64::MAX) * STRAYS_PER_SECOND / 1000;
        if regained > 0 {
            self.used = self.used.saturating_sub(regained);
            self.since = Some(now);
        }
        let free = self.used < STRAYS_PER_SECOND * 10;
        self.used += u64::from(free);
        free
    }
}

impl SinkShared {
    pub(super) fn new(
        setup: &Setup,
        token_key: TokenKey,
        last_id: u64,
        messages: mpsc::Sender<Message>,
        control: mpsc::UnboundedSender<Message>,
    ) -> Self {
        Self {
            clock: setup.clock.clone(),
            store: setup.store.clone(),
            token_key,
            messages,
            control,
            lateness: Lateness::new(setup.clock.now()),
            tokens: Mutex::default(),
            counts: Mutex::default(),
            last_id: last_id.into(),
            strays: Mutex::new(Budget::default()),
        }
    }

    pub(super) fn count(&self, channel: &str, what: &str) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(channel).and_then(|of| of.get_mut(what)) {
            *count += 1;
            return;
        }
        *counts
            .entry(channel.to_owned())
            .or_default()
            .entry(what.to_owned())
            .or_default() += 1;
    }

    fn next_id(&self, now: Moment) -> ObservationId {
        let now = u64::try_from(now.0).unwrap_or(0);
        let bump = |last: u64| Some(now.max(last + 1));
        let last = self
            .last_id
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, bump)
            .unwrap_or(0);
        ObservationId(now.max(last + 1))
    }
}

/// One channel's sink.
pub(super) struct Sink {
    pub(super) shared: Arc<SinkShared>,
    pub(super) channel: ChannelId,
    pub(super) name: String,
    pub(super) wants: RwLock<Arc<Wants>>,
    pub(super) in_flight: Arc<InFlight>,
    pub(super) cursors: Arc<StoredCursors>,
}

/// Sightings that have arrived and are not yet with the loop.
#[derive(Debug, Default)]
pub(super) struct InFlight {
    open: Mutex<BTreeSet<(Moment, u64)>>,
    next: AtomicU64,
    changed: Notify,
}

impl InFlight {
    fn begin(&self, at: Moment) -> InFlightGuard<'_> {
        let key = (at, self.next.fetch_add(1, Ordering::Relaxed));
        self.open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(key);
        InFlightGuard { of: self, key }
    }

    /// Returns once nothing that arrived at or before `through` is on its way.
    pub(super) async fn drained(&self, through: Moment) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // Registered before the look, so that a change in between is not missed.
            changed.as_mut().enable();
            let first = self
                .open
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .first()
                .copied();
            if first.is_none_or(|(at, _)| at > through) {
                return;
            }
            changed.await;
        }
    }
}

struct InFlightGuard<'a> {
    of: &'a InFlight,
    key: (Moment, u64),
}

impl Drop for InFlightGuard<'_> {
    fn drop(&mut self) {
        self.of
            .open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.key);
        self.of.changed.notify_waiters();
    }
}

impl Sink {
    /// Other definitions are in force.
    pub(super) fn want(&self, wants: Wants) {
        let mut now = self.wants.write().unwrap_or_else(PoisonError::into_inner);
        *now = Arc::new(wants.after(&now));
    }

    pub(super) fn wants(&self) -> Arc<Wants> {
        self.wants.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Tokens of ours, those that the channel itself points to before those found in the content.
    fn tokens(&self, sighting: &Sighting) -> Vec<Token> {
        let pointed: Vec<Token> = sighting
            .keys
            .iter()
            .filter_map(|k| self.shared.token_key.verify(k))
            .collect();
        if !pointed.is_empty() {
            return pointed;
        }
        let mut found = Vec::new();
        for (_, value) in &sighting.seen {
            for token in scan_value(&self.shared.token_key, value) {
                if !found.contains(&token) {
                    found.push(token);
                }
            }
        }
        found
    }

    fn named_keys(wants: &Wants, seen: &Map<String, Value>) -> Vec<String> {
        let extra = Map::from_iter([(String::from("seen"), Value::Object(seen.clone()))]);
        let value = |expr: &Expr| match wants.vars.value(expr, &extra) {
            Ok(Some(Value::String(text))) => Some(text),
            Ok(Some(Value::Number(n))) => Some(n.to_string()),
            _ => None,
        };
        wants.key_exprs.iter().filter_map(value).collect()
    }

    /// Tokens of ours, and where there is none what may be somebody's captured id.
    pub(super) fn keys_of(&self, sighting: &Sighting) -> (Vec<Token>, Vec<String>) {
        self.keys_by(&self.wants(), sighting)
    }

    fn keys_by(&self, wants: &Wants, sighting: &Sighting) -> (Vec<Token>, Vec<String>) {
        let mut tokens = self.tokens(sighting);
        let mut keys = Vec::new();
        if tokens.is_empty() && (wants.captures || !wants.key_exprs.is_empty()) {
            keys.extend(sighting.keys.iter().cloned());
            keys.extend(Self::named_keys(wants, &sighting.seen));
            tokens.extend(keys.iter().filter_map(|k| self.shared.token_key.verify(k)));
            sighting
                .seen
                .values()
                .for_each(|value| candidates(value, &mut keys));
        }
        (tokens, keys)
    }

    async fn take(&self, mut sighting: Sighting) -> Result<ObservationId, Fault> {
        let _in_flight = self.in_flight.begin(sighting.at.hi);
        let wants = self.wants();
        let mut seen = Value::Object(std::mem::take(&mut sighting.seen));
        wants.redactor.value(&mut seen);
        if let Value::Object(map) = seen {
            sighting.seen = map;
        }
        sighting.summary = wants.redactor.text(&sighting.summary).into_owned();
        let (tokens, keys) = self.keys_by(&wants, &sighting);
        let now = self.shared.clock.now();
        self.shared.lateness.widen(&mut sighting, now);
        let runs: Vec<RunId> = {
            let known = self.shared.tokens.lock().unwrap_or_else(PoisonError::into_inner);
            tokens.iter().filter_map(|t| known.get(t).copied()).collect()
        };
        // Whoever saw a token once can send it for ever: it is worth no more than none.
        if runs.is_empty() {
            let mut strays = self.shared.strays.lock().unwrap_or_else(PoisonError::into_inner);
            if !strays.take(now) {
                drop(strays);
                self.shared.count(&self.name, "over_stray_budget");
                let message = format!(
                    "more than {STRAYS_PER_SECOND} observations a second of no run that is known (limit of strays)"
                );
                return Err(Fault::new(Reason::Limit, message));
            }
        }
        let observation = Arc::new(Observation {
            id: self.shared.next_id(now),
            channel: self.channel,
            sighting,
        });
        let stored = StoredObservation {
            channel: self.name.clone(),
            observation: Arc::clone(&observation),
            runs,
        };
        if let Err(fault) = self.shared.store.observe(stored).await {
            // The sender may try again, or not: until it has, landfall saw this and cannot say that it never came.
            self.dropped("the store did not take it", &tokens);
            return Err(fault);
        }
        let id = observation.id;
        let s = &observation.sighting;
        let seen = Seen {
            observation: id,
            channel: self.channel,
            at: s.at,
            looked_at: s.looked_at,
            widened: s.widened,
            identity: s.identity.clone(),
            repeat: s.repeat,
            tokens,
            keys,
        };
        let message = Message::Seen { seen, observation };
        self.shared
            .messages
            .send(message)
            .await
            .map_err(|_| Fault::new(Reason::Stopped, "landfall is stopping"))?;
        Ok(id)
    }

    fn tell(&self, message: Message) {
        // A loop that has ended has nothing left to be told.
        drop(self.shared.control.send(message));
    }
}

impl ObservationSink for Sink {
    fn send(&self, sighting: Sighting) -> BoxFuture<'_, Result<ObservationId, Fault>> {
        Box::pin(self.take(sighting))
    }

    fn down(&self, since: Moment, fault: Fault) {
        self.tell(Message::Down {
            channel: self.channel,
            since,
            fault,
        });
    }

    fn up(&self, closed: bool) {
        self.tell(Message::Event(Event::Up {
            channel: self.channel,
            closed,
        }));
    }

    fn dropped(&self, what: &str, tokens: &[Token]) {
        tracing::warn!(channel = %self.name, what, "dropped at a limit of landfall's own");
        self.shared.count(&self.name, "dropped");
        // A record tells the words; channels may quote a piece of what they dropped in them.
        let wants = self.wants();
        let clean = wants.redactor.text(what);
        let mut words = clean.chars();
        let mut told: String = words.by_ref().take(LIMIT_WORDS).collect();
        if words.next().is_some() {
            told.push('…');
        }
        self.tell(Message::Event(Event::Dropped {
            channel: self.channel,
            what: told.into(),
            tokens: tokens.to_vec(),
        }));
    }

    fn refused(&self, what: &str) {
        self.shared.count(&self.name, what);
    }
}

/// Values that may be a captured id: whole leaves, and the words of texts.
fn candidates(value: &Value, out: &mut Vec<String>) {
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        if out.len() >= CANDIDATES {
            return;
        }
        match value {
            Value::Number(n) => push(out, &n.to_string()),
            Value::String(text)
                if CANDIDATE_LENGTH.contains(&text.len()) && !text.contains(char::is_whitespace) =>
            {
                push(out, text);
            }
            Value::String(text) => {
                let part = |c: char| !(c.is_alphanumeric() || matches!(c, '-' | '_' | '.'));
                text.split(part)
                    .filter(|w| w.contains(|c: char| c.is_ascii_digit()))
                    .for_each(|w| push(out, w));
            }
            Value::Array(items) => open.extend(items),
            Value::Object(map) => open.extend(map.values()),
            Value::Null | Value::Bool(_) => {}
        }
    }
}

fn push(out: &mut Vec<String>, text: &str) {
    if out.len() < CANDIDATES && CANDIDATE_LENGTH.contains(&text.len()) && !out.iter().any(|k| k == text) {
        out.push(text.to_owned());
    }
}
