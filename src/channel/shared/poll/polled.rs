//! The channel that a source makes.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt};
use serde_json::Value;
use tokio::sync::{Notify, oneshot, watch};
use tokio_util::sync::CancellationToken;

use super::registry::{End, Notice, Registry, Step, Turn};
use super::{Answered, Ask, Failure, Found, SENDS_AT_ONCE, Source};
use crate::channel::ObservationSink;
use crate::channel::{Channel, Earlier, OpenContext, Planted, Watch};
use crate::clock::{Clock, Random};
use crate::model::{
    Fault, Identity, Interval, Moment, Reason, RunId, Scope, Sighting, Token, TokenKey, scan_text,
};

/// A polled channel.
pub(crate) struct Polled<S> {
    source: S,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    sink: Arc<dyn ObservationSink>,
    token_key: TokenKey,
    registry: Mutex<Registry>,
    changed: Notify,
    wanted: watch::Sender<bool>,
    looks: AtomicU64,
}

/// A sighting on its way to the sink.
struct Report {
    key: Arc<str>,
    identity: String,
    digest: [u8; 16],
    sighting: Sighting,
}

impl<S: Source> Polled<S> {
    pub(crate) fn new(source: S, context: &OpenContext) -> Self {
        Self {
            source,
            clock: Arc::clone(&context.clock),
            random: Arc::clone(&context.random),
            sink: Arc::clone(&context.sink),
            token_key: context.token_key.clone(),
            registry: Mutex::default(),
            changed: Notify::new(),
            wanted: watch::Sender::new(false),
            looks: AtomicU64::new(0),
        }
    }

    fn registry(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn look_at(&self, run: Option<RunId>, due: Moment) -> Result<Moment, Fault> {
        self.clock.sleep_until(due).await;
        let (tell, told) = oneshot::channel();
        let now = self.clock.now();
        let notices = self.registry().look(run, due, now, tell);
        self.notify(notices);
        self.changed.notify_one();
        told.await
            .unwrap_or_else(|_| Err(Fault::new(Reason::Stopped, "the channel has stopped")))
    }

    fn notify(&self, notices: impl IntoIterator<Item = Notice>) {
        for notice in notices {
            match notice {
                Notice::Down(since, fault) => self.sink.down(since, fault),
                // A state is there until it is looked at: the look that succeeded has covered the gap.
                Notice::Up => self.sink.up(true),
                Notice::Dropped(what, token) => self.sink.dropped(&what, &[token]),
            }
        }
    }

    async fn work(&self, stop: &CancellationToken) {
        let mut asked = FuturesUnordered::new();
        loop {
            let pace = self.source.pace();
            let mut wake = None;
            if asked.len() < pace.lanes {
                match self.registry().step(self.clock.now(), &pace) {
                    Step::Ask(turns) => {
                        asked.push(self.ask(turns));
                        continue;
                    }
                    Step::Wait(until) => wake = until,
                }
            }
            let sleep = async {
                match wake {
                    Some(at) => self.clock.sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                Some(()) = asked.next(), if !asked.is_empty() => {}
                () = self.changed.notified() => {}
                () = sleep => {}
            }
        }
    }

    /// Asks for these runs; where one of them spoils the answer, in halves until it stands alone.
    async fn ask(&self, turns: Vec<Turn>) {
        let mut open = vec![turns];
        while let Some(turns) = open.pop() {
            let asks: Vec<Ask> = turns.iter().map(|turn| turn.ask.clone()).collect();
            let began = self.clock.now();
            self.looks.fetch_add(1, Ordering::Relaxed);
            let timeout = self.source.pace().timeout;
            let answer = tokio::time::timeout(timeout, self.source.ask(&asks)).await;
            match answer {
                Ok(Ok(answered)) => self.deliver(turns, answered).await,
                Ok(Err(Failure::Spoilt(_))) if turns.len() > 1 => {
                    let mut turns = turns;
                    let half = turns.split_off(turns.len() / 2);
                    open.extend([half, turns]);
                }
                Ok(Err(Failure::Spoilt(fault))) => self.end(&turns, |_| End::Spoilt(fault.clone())),
                Ok(Err(Failure::Down(fault))) => self.give_up(turns, &mut open, began, &fault),
                Err(_) => {
                    let message = format!("no whole answer within {timeout:?}; the question was given up");
                    self.give_up(turns, &mut open, began, &Fault::new(Reason::Timeout, message));
                }
            }
        }
    }

    fn give_up(&self, turns: Vec<Turn>, open: &mut Vec<Vec<Turn>>, sent: Moment, fault: &Fault) {
        let jitter = f64::from(self.random.bytes()[0]) / 255.0;
        let all: Vec<Turn> = turns.into_iter().chain(open.drain(..).flatten()).collect();
        self.end(&all, |_| End::Down {
            sent,
            fault: fault.clone(),
            jitter,
        });
    }

    fn end(&self, turns: &[Turn], mut how: impl FnMut(&Ask) -> End) {
        let (now, pace) = (self.clock.now(), self.source.pace());
        let mut notices = Vec::new();
        {
            let mut registry = self.registry();
            for turn in turns {
                notices.extend(registry.done(turn, how(&turn.ask), now, &pace));
            }
        }
        self.notify(notices);
    }

    async fn deliver(&self, turns: Vec<Turn>, answered: Answered) {
        let Answered { sent, came, reply } = answered;
        for what in &reply.refused {
            self.sink.refused(what);
        }
        for (what, token) in &reply.dropped {
            let all = || turns.iter().map(|t| t.ask.token).collect();
            self.sink.dropped(what, &token.map_or_else(all, |t| vec![t]));
        }
        let reports = self.compare(&reply.found, sent, came);
        let mut unkept: HashMap<Arc<str>, Fault> = HashMap::new();
        let mut kept = Vec::new();
        let sink = &self.sink;
        let sends = futures::stream::iter(reports).map(|report| async move {
            let Report {
                key,
                identity,
                digest,
                sighting,
            } = report;
            (key, identity, digest, sink.send(sighting).await)
        });
        let mut sends = sends.buffered(SENDS_AT_ONCE);
        while let Some((key, identity, digest, result)) = sends.next().await {
            match result {
                Ok(_) => kept.push((key, identity, digest)),
                Err(fault) => {
                    unkept.insert(key, fault);
                }
            }
        }
        {
            let mut registry = self.registry();
            registry.hand_over.took(came, self.clock.now());
            for (key, identity, digest) in &kept {
                if let Some(entry) = registry.keys.get_mut(key) {
                    entry.learn(identity, *digest);
                }
            }
        }
        let finished: HashSet<RunId> = reply.finished.into_iter().collect();
        let mut unready: HashMap<RunId, Fault> = reply.unready.into_iter().collect();
        self.end(&turns, |ask| {
            if let Some(fault) = unready.remove(&ask.run) {
                return End::Unready(fault);
            }
            match ask.keys.iter().find_map(|key| unkept.get(key)) {
                Some(fault) => End::Unkept(fault.clone()),
                None => End::Covered {
                    sent,
                    finished: finished.contains(&ask.run),
                },
            }
        });
    }

    /// What of the states found is new, with its times.
    fn compare(&self, found: &[Found], sent: Moment, came: Moment) -> Vec<Report> {
        let mut reports = Vec::new();
        let mut dropped: Vec<(&'static str, Vec<Token>)> = Vec::new();
        let mut strange = 0_usize;
        {
            let registry = self.registry();
            let mut rows: BTreeMap<Arc<str>, Vec<usize>> = BTreeMap::new();
            for (at, row) in found.iter().enumerate() {
                match self.entry_of(&registry, &row.key) {
                    Some(key) => rows.entry(key).or_default().push(at),
                    None => strange += 1,
                }
            }
            for (key, places) in rows {
                let Some(entry) = registry.keys.get(&key) else {
                    continue;
                };
                let difference = entry.compare(found, &places);
                let tokens = || entry.runs.iter().filter_map(|run| registry.token(*run)).collect();
                dropped.extend(difference.dropped.iter().map(|what| (*what, tokens())));
                reports.extend(difference.news.into_iter().map(|news| {
                    let row = &found[news.found];
                    let lo = entry.unseen_at().min(came);
                    let identity = Identity::State(news.identity.clone());
                    let mut sighting = Sighting::new(Interval { lo, hi: came }, identity, row.seen.clone());
                    sighting.looked_at = Some(sent);
                    sighting.widened = entry.widened(sent) || registry.hand_over.delayed(lo);
                    sighting.keys = vec![key.to_string()];
                    sighting.summary.clone_from(&row.summary);
                    Report {
                        key: Arc::clone(&key),
                        identity: news.identity,
                        digest: row.digest,
                        sighting,
                    }
                }));
            }
        }
        for (what, tokens) in dropped {
            self.sink.dropped(what, &tokens);
        }
        if strange > 0 {
            self.sink.refused("a state whose key was not asked for");
        }
        reports
    }

    /// The key that a row's key stands for: as it is, without padding, in lower case, or with a token inside.
    fn entry_of(&self, registry: &Registry, text: &str) -> Option<Arc<str>> {
        let known = |text: &str| registry.keys.get_key_value(text).map(|(key, _)| Arc::clone(key));
        let text = text.trim();
        known(text).or_else(|| known(&text.to_lowercase())).or_else(|| {
            scan_text(&self.token_key, text)
                .iter()
                .find_map(|t| known(t.as_str()))
        })
    }
}

/// Lets a run go whose arming was given up.
struct Arming<'a, S: Source>(&'a Polled<S>, Option<RunId>);

impl<S: Source> Drop for Arming<'_, S> {
    fn drop(&mut self) {
        if let Some(run) = self.1 {
            self.0.disarm(run);
        }
    }
}

impl<S: Source> Channel for Polled<S> {
    fn offers(&self, token: &Token, scope: &dyn Scope) -> Result<Value, Fault> {
        self.source.offers(token, scope)
    }

    fn arm(&self, watch: Watch) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(async move {
            let run = watch.run;
            let (now, pace) = (self.clock.now(), self.source.pace());
            let fresh = self.registry().arm(watch, now, &pace)?;
            self.wanted.send_replace(true);
            self.changed.notify_one();
            let mut arming = Arming(self, Some(run));
            if !fresh {
                self.look_at(Some(run), now).await?;
            }
            arming.1 = None;
            Ok(())
        })
    }

    fn rearm(&self, watch: Watch, earlier: Earlier) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(async move {
            let run = watch.run;
            let (now, pace) = (self.clock.now(), self.source.pace());
            self.registry().rearm(watch, &earlier, now, &pace)?;
            self.wanted.send_replace(true);
            self.changed.notify_one();
            let mut arming = Arming(self, Some(run));
            self.look_at(Some(run), now).await?;
            arming.1 = None;
            Ok(())
        })
    }

    fn extend(&self, run: RunId, keys: &[String], scope: Arc<dyn Scope>) {
        let now = self.clock.now();
        let notice = self.registry().extend(run, keys, scope, now);
        self.notify(notice);
        self.changed.notify_one();
    }

    fn look(&self, due: Moment) -> BoxFuture<'_, Result<Moment, Fault>> {
        Box::pin(self.look_at(None, due))
    }

    fn look_for(&self, run: RunId, due: Moment) -> BoxFuture<'_, Result<Moment, Fault>> {
        Box::pin(self.look_at(Some(run), due))
    }

    fn disarm(&self, run: RunId) {
        let empty = {
            let mut registry = self.registry();
            registry.disarm(run);
            registry.is_empty()
        };
        if empty {
            self.wanted.send_replace(false);
        }
    }

    fn drive(self: Arc<Self>, stop: CancellationToken) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let hint = || {
                self.registry().hint();
                self.changed.notify_one();
            };
            tokio::select! {
                () = self.work(&stop) => {}
                () = async {
                    self.source.attend(self.wanted.subscribe(), &hint).await;
                    std::future::pending().await
                } => {}
            }
            self.registry().close();
            self.source.close().await;
        })
    }

    fn plant(&self, _: &Token) -> BoxFuture<'_, Result<Planted, Fault>> {
        Box::pin(std::future::ready(Ok(Planted::ReadOnly(self.source.read_only()))))
    }

    fn counters(&self) -> BTreeMap<&'static str, u64> {
        BTreeMap::from([
            ("connections", self.source.connections()),
            ("looks", self.looks.load(Ordering::Relaxed)),
            ("armed", u64::try_from(self.registry().len()).unwrap_or(u64::MAX)),
        ])
    }
}
