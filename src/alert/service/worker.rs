//! The one task that owns what alerting knows.

mod cause;
mod load;

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Item, Maintenance, Watched};
use crate::alert::deliver::{Line, OUTBOX, Tools, lock};
use crate::alert::mute::{self, Mute};
use crate::alert::notice::Notice;
use crate::alert::outbox::Entry;
use crate::alert::policy::Severity;
use crate::alert::rules::{self, Decision, Event, Input, State};
use crate::model::{Moment, RunRecord};
use crate::store::{KEEP_BYTES, Keep};
pub(in crate::alert) use load::open_in;
use load::{SERIES, STATE};

/// How often time is looked at, and how often state that decided nothing is kept.
const BEAT: Duration = Duration::from_secs(1);
const KEEP_EVERY: Duration = Duration::from_secs(5);
/// How often mutes are read again: `landfall alerts mute` writes them beside the daemon.
const MUTES_EVERY: Duration = Duration::from_secs(5);
/// Items that are taken before what they decided is kept.
const AT_ONCE: usize = 512;
/// What is noted so long before an alert began is told with it.
const MARKS_BEFORE: Duration = Duration::from_secs(7_200);
/// A message is kept in at most so many bytes; a larger one loses routes.
const MESSAGE_BYTES: usize = KEEP_BYTES / 2;

/// A probe with what is known of it.
struct Probe {
    watched: Watched,
    state: State,
    /// Since when it is watched without a break.
    watching: Moment,
    /// Series whose state is not kept yet.
    dirty: BTreeSet<String>,
}

pub(super) struct Worker {
    tools: Tools,
    lines: BTreeMap<String, Arc<Line>>,
    maintenance: Maintenance,
    missed: Arc<AtomicU64>,
    caught_up: u64,
    open: Arc<Mutex<BTreeMap<String, Notice>>>,
    probes: BTreeMap<String, Box<Probe>>,
    mutes: Vec<Mute>,
    mutes_read: Moment,
    /// When every probe was last asked what the time decides.
    asked_all: Moment,
    /// What was decided and is not kept yet.
    unkept: Vec<Keep>,
    kept: Moment,
    number: u64,
    /// The messages that waited before are with their destinations.
    outbox_read: bool,
}

impl Worker {
    pub(super) fn new(
        tools: Tools,
        lines: BTreeMap<String, Arc<Line>>,
        maintenance: Maintenance,
        missed: Arc<AtomicU64>,
        open: Arc<Mutex<BTreeMap<String, Notice>>>,
    ) -> Self {
        let kept = tools.clock.now();
        Self {
            tools,
            lines,
            maintenance,
            missed,
            caught_up: 0,
            open,
            probes: BTreeMap::new(),
            mutes: Vec::new(),
            mutes_read: kept,
            asked_all: Moment(0),
            unkept: Vec::new(),
            kept,
            number: 0,
            outbox_read: false,
        }
    }

    /// Works until `stop`; what ended before that is gone through first.
    pub(super) async fn run(
        mut self,
        watched: Vec<Watched>,
        mut items: mpsc::Receiver<Item>,
        stop: CancellationToken,
    ) {
        while let Err(fault) = self.load(watched.clone()).await {
            tracing::error!(error = %fault.message, "alerting cannot read what it knew: it tries again");
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.tools.clock.sleep(BEAT) => {}
            }
        }
        loop {
            let beat = self.tools.clock.sleep(BEAT);
            let mut batch = Vec::new();
            tokio::select! {
                biased;
                count = items.recv_many(&mut batch, AT_ONCE) => {
                    if count == 0 {
                        break;
                    }
                }
                () = stop.cancelled() => break,
                () = beat => {}
            }
            self.turn(batch, items.is_empty()).await;
        }
        // What came in before the end belongs to it.
        items.close();
        let mut rest = Vec::new();
        while items.recv_many(&mut rest, AT_ONCE).await > 0 {
            self.turn(std::mem::take(&mut rest), items.is_empty()).await;
        }
        self.kept = Moment(0);
        self.keep().await;
    }

    /// `drained`: nothing more waits. Only then is what was missed read from the store, for it came after what waits.
    async fn turn(&mut self, batch: Vec<Item>, drained: bool) {
        if self.tools.clock.now().since(self.mutes_read) >= MUTES_EVERY {
            self.read_mutes().await;
        }
        let mut decided = Vec::new();
        for item in batch {
            match item {
                Item::Run(record) => decided.extend(self.ended(&record)),
                Item::Skip(skip) => {
                    let key = rules::key(&skip.route, &skip.input);
                    decided.extend(self.step(&skip.probe, Some(key), |_| Input::Skip(&skip)));
                }
                Item::Mutes => self.read_mutes().await,
                Item::Take(watched, lines) => {
                    self.take_lines(lines);
                    if let Err(fault) = self.watch(watched).await {
                        tracing::error!(error = %fault.message, "alerting cannot read what it knew of a probe");
                    }
                }
            }
        }
        let missed = self.missed.load(Ordering::Relaxed);
        if missed > self.caught_up && drained {
            tracing::warn!(
                missed = missed - self.caught_up,
                "more runs ended than alerting could take: they are read from the store"
            );
            match self.catch_up().await {
                Ok(more) => {
                    self.caught_up = missed;
                    decided.extend(more);
                }
                Err(fault) => tracing::error!(error = %fault.message, "what was missed cannot be read yet"),
            }
        }
        decided.extend(self.time_passes());
        self.tell(decided).await;
        self.keep().await;
    }

    /// What time alone decides: asked of every probe, but however much ends, once a beat.
    fn time_passes(&mut self) -> Vec<(String, Decision)> {
        let now = self.tools.clock.now();
        if now.since(self.asked_all) < BEAT {
            return Vec::new();
        }
        self.asked_all = now;
        let names: Vec<String> = self.probes.keys().cloned().collect();
        let decided = names
            .iter()
            .flat_map(|name| self.step(name, None, |probe| Input::Time(probe.watching)));
        decided.collect()
    }

    fn ended(&mut self, record: &RunRecord) -> Vec<(String, Decision)> {
        let Some(tick) = Moment::from_rfc3339(&record.tick) else {
            tracing::error!(run = %record.id, tick = %record.tick, "a run's tick is no time: alerting leaves it out");
            return Vec::new();
        };
        let key = rules::key(&record.route, &record.input);
        self.step(&record.probe, Some(key), |_| Input::Run(tick, record))
    }

    /// One step of a probe's rules.
    fn step<'i>(
        &mut self,
        name: &str,
        series: Option<String>,
        input: impl FnOnce(&Probe) -> Input<'i>,
    ) -> Vec<(String, Decision)> {
        let now = self.tools.clock.now();
        let Some(probe) = self.probes.get_mut(name) else {
            return Vec::new();
        };
        let maintenance = OnceCell::new();
        let in_maintenance = || *maintenance.get_or_init(|| (self.maintenance)(name, now));
        let (mutes, labels) = (&self.mutes, &probe.watched.about.labels);
        let quiet =
            |route: &str| in_maintenance() || mutes.iter().any(|m| m.covers(name, route, labels, now));
        let input = input(probe);
        let decisions = rules::step(&mut probe.state, &probe.watched.about.rules, now, input, &quiet);
        probe.dirty.extend(series);
        if !decisions.is_empty() {
            // All of what a decision rests on is kept with it.
            probe.dirty.extend(probe.state.series.keys().cloned());
        }
        decisions.into_iter().map(|d| (name.to_owned(), d)).collect()
    }

    /// Makes messages of decisions and hands them to those who are to be told: all of them are kept with the state that
    /// they rest on, in one commit, before any of them leaves.
    async fn tell(&mut self, decided: Vec<(String, Decision)>) {
        let mut messages = Vec::new();
        for (name, decision) in &decided {
            messages.extend(self.messages(name, decision).await);
        }
        if decided.is_empty() {
            return;
        }
        // Where the store is in trouble, telling is worth more than keeping.
        self.keep_now().await;
        for (target, entry) in messages {
            if let Some(line) = self.lines.get(&target) {
                line.push(entry);
            }
        }
        self.show_open();
    }

    async fn messages(&mut self, name: &str, decision: &Decision) -> Vec<(String, Entry)> {
        let from = decision.episode.since.before(MARKS_BEFORE);
        let marks = self.tools.store.marks(Some(from), None).await.unwrap_or_default();
        let cause = self.cause(name, decision, &marks).await;
        let Some(probe) = self.probes.get(name) else {
            return Vec::new();
        };
        let notice = Notice::of(&probe.watched.about, &probe.state, decision, &marks).because(cause);
        let notice = fitting(self.without_secrets(notice));
        let targets = targets(&probe.watched, decision);
        tracing::warn!(probe = name, alert = %notice.alert, title = %notice.title, to = ?targets, "alert");
        let mut open = lock(&self.open);
        if decision.event == Event::Resolved {
            open.remove(&notice.alert);
        } else {
            open.insert(notice.alert.clone(), notice.clone());
        }
        drop(open);
        let now = self.tools.clock.now();
        let mut messages = Vec::new();
        for target in targets {
            self.number = (self.number + 1).max(u64::try_from(now.0).unwrap_or(0));
            let entry = Entry {
                number: self.number,
                queued: now,
                notice: notice.clone(),
                in_doubt: false,
                attempts: 0,
            };
            self.unkept
                .push(Keep::put(OUTBOX, Line::key(&target, entry.number), value(&entry)));
            messages.push((target, entry));
        }
        messages
    }

    /// Tells each destination which alerts of its own are open.
    fn show_open(&self) {
        let open = lock(&self.open).clone();
        for (name, line) in &self.lines {
            let of_line = open.values().filter(|notice| {
                let probe = self.probes.get(&notice.probe);
                probe.is_some_and(|p| names(&p.watched, notice.severity).contains(name))
            });
            line.set_open(of_line.cloned().collect());
        }
    }

    async fn keep(&mut self) {
        let due = self.tools.clock.now().since(self.kept) >= KEEP_EVERY;
        if !self.unkept.is_empty() || due && self.probes.values().any(|p| !p.dirty.is_empty()) {
            self.keep_now().await;
        }
    }

    /// Keeps state and messages in one commit.
    async fn keep_now(&mut self) {
        let mut entries = self.unkept.clone();
        for (name, probe) in self.probes.iter().filter(|(_, p)| !p.dirty.is_empty()) {
            entries.push(Keep::put(STATE, name, value(&probe.state)));
            for key in &probe.dirty {
                if let Some(series) = probe.state.series.get(key) {
                    entries.push(Keep::put(SERIES, format!("{name}/{key}"), value(series)));
                }
            }
        }
        if entries.is_empty() {
            return;
        }
        match self.tools.store.keep_all(entries).await {
            Ok(()) => {
                self.unkept.clear();
                self.probes.values_mut().for_each(|p| p.dirty.clear());
                self.kept = self.tools.clock.now();
            }
            Err(fault) => tracing::error!(error = %fault.message, "what alerting decided cannot be kept yet"),
        }
    }

    async fn read_mutes(&mut self) {
        self.mutes_read = self.tools.clock.now();
        match mute::mutes(self.tools.store.as_ref(), self.tools.clock.now()).await {
            Ok(mutes) => self.mutes = mutes,
            Err(fault) => {
                tracing::error!(error = %fault.message, "the mutes cannot be read: those before hold")
            }
        }
    }

    fn without_secrets(&self, notice: Notice) -> Notice {
        let mut value = value(&notice);
        strike(&mut value, &|text| self.tools.clean(text));
        serde_json::from_value(value).unwrap_or(notice)
    }
}

/// Within what the store keeps.
fn fitting(mut notice: Notice) -> Notice {
    while value(&notice).to_string().len() > MESSAGE_BYTES && notice.routes.len() > 1 {
        notice.routes.pop();
        notice.more_routes += 1;
    }
    notice
}

/// Who is told of a decision: those for each loudness that the alert was told with.
fn targets(watched: &Watched, decision: &Decision) -> BTreeSet<String> {
    let told = decision.episode.told.as_ref();
    let severities = told.map(|t| t.severities.clone()).unwrap_or_default();
    severities
        .iter()
        .flat_map(|severity| names(watched, *severity))
        .cloned()
        .collect()
}

fn names(watched: &Watched, severity: Severity) -> &[String] {
    match severity {
        Severity::Page => &watched.policy.pages,
        Severity::Ticket => &watched.policy.tickets,
    }
}

fn value(of: &impl serde::Serialize) -> Value {
    serde_json::to_value(of).unwrap_or_default()
}

/// Every text of a value, changed. Numbers stay numbers.
fn strike(value: &mut Value, clean: &dyn Fn(&str) -> String) {
    match value {
        Value::String(text) => *text = clean(text),
        Value::Array(items) => items.iter_mut().for_each(|item| strike(item, clean)),
        Value::Object(entries) => entries.values_mut().for_each(|item| strike(item, clean)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
