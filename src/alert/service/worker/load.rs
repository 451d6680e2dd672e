//! What alerting knew before: its state and outbox in the store, and what ended since.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize as _;
use serde_json::Value;

use super::{Probe, Worker};
use crate::alert::deliver::{Line, OUTBOX, lock};
use crate::alert::mute;
use crate::alert::notice::Notice;
use crate::alert::outbox::Entry;
use crate::alert::policy::Topic;
use crate::alert::rules::{self, Decision, Episode, Event, Input, Series, State};
use crate::alert::service::Watched;
use crate::model::{Fault, Moment};
use crate::store::{Keep, Order, Place, RunFilter, Store};

/// Where the state of probes is kept in the store.
pub(super) const STATE: &str = "alerts.state";
/// Where that of series is.
pub(super) const SERIES: &str = "alerts.series";
/// Without a state of its own, a probe's rules start from so much of its history.
const HISTORY: Duration = Duration::from_secs(3 * 86_400);

impl Worker {
    /// Reads state, outbox and mutes, and what ended since.
    pub(super) async fn load(&mut self, watched: Vec<Watched>) -> Result<(), Fault> {
        let waiting = if self.outbox_read {
            Vec::new()
        } else {
            self.tools.store.kept(OUTBOX.to_owned()).await?
        };
        self.outbox_read = true;
        for (key, value) in waiting {
            let name = key.rsplit_once('/').map_or("", |(name, _)| name);
            let entry = serde_json::from_value::<Entry>(value);
            match (self.lines.get(name), entry) {
                (Some(line), Ok(entry)) => {
                    self.number = self.number.max(entry.number);
                    line.push(entry);
                }
                (None, _) => {
                    tracing::warn!(
                        destination = name,
                        "a message waits for a destination that is gone: it is dropped"
                    );
                    self.unkept.push(Keep::forget(OUTBOX, key));
                }
                (_, Err(error)) => {
                    tracing::error!(%key, %error, "a message that waits cannot be read: it is dropped");
                    self.unkept.push(Keep::forget(OUTBOX, key));
                }
            }
        }
        self.mutes = mute::mutes(self.tools.store.as_ref(), self.tools.clock.now()).await?;
        self.watch(watched).await
    }

    /// From now on these are the destinations. What waited for one that was replaced waits for the new one.
    pub(super) fn take_lines(&mut self, lines: BTreeMap<String, Arc<Line>>) {
        let old = std::mem::replace(&mut self.lines, lines);
        for (name, line) in old {
            let now = self.lines.get(&name);
            if now.is_some_and(|now| Arc::ptr_eq(now, &line)) {
                continue;
            }
            line.end.cancel();
            let waiting = line.waiting();
            if now.is_none() && !waiting.is_empty() {
                let messages = waiting.len();
                tracing::warn!(destination = %name, messages, "messages wait for a destination that is gone: they are dropped");
            }
            for entry in waiting {
                match now {
                    Some(now) => now.push(entry),
                    None => self
                        .unkept
                        .push(Keep::forget(OUTBOX, Line::key(&name, entry.number))),
                }
            }
        }
    }

    /// Takes over which probes there are, with what is known of each.
    pub(super) async fn watch(&mut self, watched: Vec<Watched>) -> Result<(), Fault> {
        let now = self.tools.clock.now();
        let states: BTreeMap<String, Value> = self
            .tools
            .store
            .kept(STATE.to_owned())
            .await?
            .into_iter()
            .collect();
        let series = self
            .tools
            .store
            .kept(SERIES.to_owned())
            .await?
            .into_iter()
            .collect();
        let mut old = std::mem::take(&mut self.probes);
        let mut fresh = Vec::new();
        for one in watched {
            let name = one.about.probe.clone();
            let mut probe = match old.remove(&name) {
                Some(mut known) => {
                    known.watched = one;
                    known
                }
                None => {
                    let state = read(&name, states.get(&name), &series);
                    if state.series.is_empty() {
                        fresh.push(name.clone());
                    }
                    Box::new(Probe {
                        watched: one,
                        state,
                        watching: now,
                        dirty: BTreeSet::new(),
                    })
                }
            };
            let series = probe.watched.series.clone();
            probe.state.expect(
                series
                    .iter()
                    .map(|(route, input)| (route.as_str(), input.as_str())),
            );
            self.probes.insert(name, probe);
        }
        for name in &fresh {
            self.learn(name, now.before(HISTORY)).await?;
        }
        let decided = self.catch_up().await?;
        self.tell(decided).await;
        self.reopen();
        Ok(())
    }

    /// Shows what was open before a restart.
    fn reopen(&self) {
        let now = self.tools.clock.now();
        let open = self.probes.values();
        let open = open.flat_map(|probe| told(&probe.watched, &probe.state, now));
        *lock(&self.open) = open
            .map(|notice| (notice.alert.clone(), self.without_secrets(notice)))
            .collect();
        self.show_open();
    }

    /// Goes through a probe's history without telling of it: what is still open at its end is told from there on.
    async fn learn(&mut self, name: &str, since: Moment) -> Result<(), Fault> {
        let mut after = None;
        loop {
            let page = self.tools.store.page(history(name, since, after)).await?;
            let Some(probe) = self.probes.get_mut(name) else {
                return Ok(());
            };
            for record in &page.runs {
                if let Some(tick) = Moment::from_rfc3339(&record.tick) {
                    let rules = &probe.watched.about.rules;
                    rules::step(&mut probe.state, rules, tick, Input::Run(tick, record), &|_| true);
                }
            }
            probe.dirty.extend(probe.state.series.keys().cloned());
            after = page.next;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    /// Takes what ended and was not taken yet, from the store.
    pub(super) async fn catch_up(&mut self) -> Result<Vec<(String, Decision)>, Fault> {
        let mut decided = Vec::new();
        let from: Vec<(String, Moment)> = self
            .probes
            .iter()
            .filter_map(|(name, p)| Some((name.clone(), p.state.catch_up_from()?)))
            .collect();
        for (name, since) in from {
            let mut after = None;
            loop {
                let page = self.tools.store.page(history(&name, since, after)).await?;
                for record in &page.runs {
                    let tick = Moment::from_rfc3339(&record.tick).unwrap_or(since);
                    let known = self
                        .probes
                        .get(&name)
                        .is_some_and(|p| p.state.knows(tick, record));
                    if !known {
                        decided.extend(self.ended(record));
                    }
                }
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
        }
        Ok(decided)
    }
}

/// The alerts that are open and were told, by what the store keeps of these probes.
///
/// # Errors
/// The store does not answer.
pub(in crate::alert) async fn open_in(
    store: &dyn Store,
    watched: &[Watched],
    now: Moment,
) -> Result<Vec<Notice>, Fault> {
    let states: BTreeMap<String, Value> = store.kept(STATE.to_owned()).await?.into_iter().collect();
    let series = store.kept(SERIES.to_owned()).await?.into_iter().collect();
    let of = |one: &Watched| {
        let name = &one.about.probe;
        told(one, &read(name, states.get(name), &series), now)
    };
    Ok(watched.iter().flat_map(of).collect())
}

/// The open alerts of a probe that were told, as a message would say them now.
fn told(watched: &Watched, state: &State, now: Moment) -> Vec<Notice> {
    let open = state.open().filter(|(_, episode)| episode.told.is_some());
    let notice = |(topic, episode): (Topic, &Episode)| {
        let decision = Decision {
            event: Event::Reminder,
            topic,
            at: now,
            was: None,
            episode: episode.clone(),
        };
        Notice::of(&watched.about, state, &decision, &[])
    };
    open.map(notice).collect()
}

fn history(name: &str, since: Moment, after: Option<Place>) -> RunFilter {
    RunFilter {
        probes: vec![name.to_owned()],
        since: Some(since),
        order: Order::Oldest,
        after,
        ..RunFilter::default()
    }
}

/// A probe's state as it was kept. What cannot be read is begun anew, which is said.
fn read(name: &str, state: Option<&Value>, series: &BTreeMap<String, Value>) -> State {
    let mut read: State = state
        .and_then(|value| {
            State::deserialize(value)
                .inspect_err(
                    |error| tracing::error!(probe = name, %error, "what was told of a probe cannot be read"),
                )
                .ok()
        })
        .unwrap_or_default();
    let prefix = format!("{name}/");
    for (key, value) in series.range(prefix.clone()..) {
        let Some(own) = key.strip_prefix(&prefix) else {
            break;
        };
        match Series::deserialize(value) {
            Ok(series) => {
                read.series.insert(own.to_owned(), Box::new(series));
            }
            Err(error) => tracing::error!(%key, %error, "the state of a series cannot be read"),
        }
    }
    read
}
