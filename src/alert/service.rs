//! Alerting in the daemon: takes what ends, decides, keeps what it decided, and hands it to the destinations.

mod worker;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::deliver::{Line, OUTBOX, Status, Tools, lock};
use super::destination::Destination;
use super::notice::{About, Notice};
use super::policy::Policy;
use crate::clock::{Clock, Random};
use crate::model::{Fault, Moment, RunRecord, SkipRecord};
use crate::redact::Redactor;
use crate::store::Store;
use worker::Worker;

/// Ended runs and skips that wait to be looked at. What is beyond is read again from the store.
const QUEUE: usize = 10_000;

/// A probe to be watched.
#[derive(Clone, Debug)]
pub struct Watched {
    /// What its alerts say of it, and its rules.
    pub about: About,
    /// Who is told.
    pub policy: Policy,
    /// Its series: route and input.
    pub series: Vec<(String, String)>,
}

/// A destination, opened.
pub struct Opened {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: &'static str,
    /// Whether it wants each alert's last state alone.
    pub stateful: bool,
    /// Where messages go.
    pub destination: Arc<dyn Destination>,
    /// Of its settings: one that has the same goes on where another set of definitions is taken.
    pub digest: [u8; 32],
}

/// Whether a probe's alerts are not to be told at an instant.
pub type Maintenance = Arc<dyn Fn(&str, Moment) -> bool + Send + Sync>;

/// What alerting needs.
pub struct Setup {
    /// The probes.
    pub watched: Vec<Watched>,
    /// The destinations.
    pub destinations: Vec<Opened>,
    /// Keeps state and outbox.
    pub store: Arc<dyn Store>,
    /// The one clock.
    pub clock: Arc<dyn Clock>,
    /// The one source of randomness.
    pub random: Arc<dyn Random>,
    /// Takes secrets out.
    pub redactor: Arc<Redactor>,
    /// Whether a maintenance window keeps a probe's alerts from being told at an instant.
    pub maintenance: Maintenance,
}

/// Alerting at work. Cheap to call from where things happen: everything is queued.
pub struct Alerts {
    queue: mpsc::Sender<Item>,
    /// Runs and skips that found the queue full.
    missed: Arc<AtomicU64>,
    lines: Mutex<BTreeMap<String, Arc<Line>>>,
    open: Arc<Mutex<BTreeMap<String, Notice>>>,
    tools: Tools,
    stop: CancellationToken,
    tasks: TaskTracker,
}

/// The alerts that are open and were told, by what a store keeps of these probes; also while a daemon writes to it.
///
/// # Errors
/// The store does not answer.
pub async fn open_in(store: &dyn Store, watched: &[Watched], now: Moment) -> Result<Vec<Notice>, Fault> {
    worker::open_in(store, watched, now).await
}

/// How many messages wait for each destination, by what a store keeps.
///
/// # Errors
/// The store does not answer.
pub async fn waiting_in(store: &dyn Store) -> Result<BTreeMap<String, u64>, Fault> {
    let mut waiting = BTreeMap::new();
    for (key, _) in store.kept(OUTBOX.to_owned()).await? {
        let name = key.rsplit_once('/').map_or(key.as_str(), |(name, _)| name);
        *waiting.entry(name.to_owned()).or_default() += 1;
    }
    Ok(waiting)
}

/// What is handed to the worker.
enum Item {
    Run(Arc<RunRecord>),
    Skip(SkipRecord),
    /// The mutes in the store have changed.
    Mutes,
    /// Probes and destinations have changed.
    Take(Vec<Watched>, BTreeMap<String, Arc<Line>>),
}

impl Alerts {
    /// Starts alerting, which reads its state, catches up with what ended while it was not running, and works until
    /// `stop`.
    #[must_use]
    pub fn start(setup: Setup, stop: &CancellationToken, tasks: &TaskTracker) -> Arc<Self> {
        let (queue, items) = mpsc::channel(QUEUE);
        let missed = Arc::new(AtomicU64::new(0));
        let open = Arc::new(Mutex::new(BTreeMap::new()));
        let tools = Tools {
            store: setup.store,
            clock: setup.clock,
            random: setup.random,
            redactor: Arc::new(RwLock::new(setup.redactor)),
        };
        let lines: BTreeMap<String, Arc<Line>> = setup
            .destinations
            .into_iter()
            .map(|opened| (opened.name.clone(), Line::new(opened, stop.child_token())))
            .collect();
        let worker = Worker::new(
            tools.clone(),
            lines.clone(),
            setup.maintenance,
            missed.clone(),
            open.clone(),
        );
        for line in lines.values() {
            tasks.spawn(line.clone().drive(tools.clone()));
        }
        tasks.spawn(worker.run(setup.watched, items, stop.clone()));
        Arc::new(Self {
            queue,
            missed,
            lines: Mutex::new(lines),
            open,
            tools,
            stop: stop.clone(),
            tasks: tasks.clone(),
        })
    }

    /// A run has ended, or its verdict has changed. Never blocks.
    pub fn ended(&self, record: &Arc<RunRecord>) {
        self.put(Item::Run(Arc::clone(record)));
    }

    /// A tick did not fire. Never blocks.
    pub fn skipped(&self, skip: &SkipRecord) {
        self.put(Item::Skip(skip.clone()));
    }

    /// The mutes in the store have changed: they hold from now on.
    pub async fn mutes_changed(&self) {
        self.queue.send(Item::Mutes).await.ok();
    }

    /// Other definitions are in force from now on. What is known of probes that stay is kept; a destination that is as
    /// it was goes on, and what waits for one with other settings is sent by the new ones.
    pub async fn take(&self, watched: Vec<Watched>, destinations: Vec<Opened>, redactor: Arc<Redactor>) {
        *self
            .tools
            .redactor
            .write()
            .unwrap_or_else(PoisonError::into_inner) = redactor;
        let lines: BTreeMap<String, Arc<Line>> = {
            let mut lines = lock(&self.lines);
            let fresh = destinations.into_iter().map(|opened| {
                let name = opened.name.clone();
                let known = lines
                    .get(&name)
                    .filter(|line| line.digest == opened.digest)
                    .cloned();
                let line = known.unwrap_or_else(|| {
                    let line = Line::new(opened, self.stop.child_token());
                    self.tasks.spawn(line.clone().drive(self.tools.clone()));
                    line
                });
                (name, line)
            });
            let fresh = fresh.collect();
            *lines = fresh;
            lines.clone()
        };
        self.queue.send(Item::Take(watched, lines)).await.ok();
    }

    /// The last message of every alert that is open and was told.
    #[must_use]
    pub fn open(&self) -> Vec<Notice> {
        lock(&self.open).values().cloned().collect()
    }

    /// How each destination fares.
    #[must_use]
    pub fn destinations(&self) -> Vec<Status> {
        lock(&self.lines).values().map(|line| line.status()).collect()
    }

    /// Ended runs and skips that were not taken at once and were read again from the store.
    #[must_use]
    pub fn missed(&self) -> u64 {
        self.missed.load(Ordering::Relaxed)
    }

    fn put(&self, item: Item) {
        if self.queue.try_send(item).is_err() {
            self.missed.fetch_add(1, Ordering::Relaxed);
        }
    }
}
