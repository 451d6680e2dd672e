//! The store of one process: an SQLite file.

mod apply;
mod beside;
mod changes;
mod checkpoint;
mod ended;
mod files;
mod lock;
mod op;
mod open;
mod options;
mod page;
mod prune;
mod queue;
mod read;
mod rollup;
mod schema;
mod select;
mod small;
mod trouble;
mod trust;
mod upkeep;
mod withdrawal;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use futures::future::BoxFuture;
use serde_json::Value;
use tokio::sync::Mutex;

use self::lock::StoreLock;
use self::op::{Answer, Op};
use self::queue::Queue;
use self::read::Readers;
use self::small::{Counted, Small};
use self::trust::{Inspection, Trust};
use self::withdrawal::Withdrawal;
use self::writer::Writer;
use super::{
    Amendable, Claim, EndedRun, Endings, Extent, Fired, Intent, Keep, OpenRun, Page, Retention, RollupFilter,
    RunFilter, Store, StoreSize, StoredObservation, TakeOpen, Upkeep,
};
use crate::model::{
    Fault, Mark, Moment, ObservationId, Reason, Rollup, RunId, RunRecord, SkipRecord, SkipSpan, TokenKey,
};

pub use self::options::{Ack, Options};

/// An SQLite file in WAL mode with one writer thread, group commit and `synchronous = FULL`. Reads run on connections
/// of their own and on threads that may block: it wants a tokio runtime, and no paused clock.
#[derive(Debug)]
pub struct SqliteStore {
    file: PathBuf,
    queue: Arc<Queue>,
    readers: Arc<Readers>,
    inspection: Inspection,
    counted: Arc<Counted>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl SqliteStore {
    /// Opens the store at `path`, or makes it (0600, missing folders 0700). Blocks: the file is read from end to end, unless
    /// it was closed in order and not touched since; after a kill that the machine survived it is read beside the work.
    ///
    /// # Errors
    /// Another process has it open, it is damaged, of a newer landfall or not landfall's, or it cannot be made. Each
    /// message names the file and what to do.
    pub fn open(path: &Path, options: Options) -> Result<Self, Fault> {
        let file = files::resolve(path)?;
        let mut lock = StoreLock::take(&file, &options.command, options.now)?;
        files::make_file(&file)?;
        let trust = lock.trust();
        let connection = schema::open_writer(&file, options.max_bytes, trust)?;
        let inspection = Inspection::default();
        if trust == Trust::Killed {
            inspection.begin(&file)?;
        }
        lock.opened(inspection.found());
        let queue = Arc::new(Queue::new(options.queue_ops, options.queue_bytes));
        let writer = Writer::new(file.clone(), options.max_bytes, options.ack, connection, lock);
        let works = Arc::clone(&queue);
        let thread = std::thread::Builder::new()
            .name(String::from("landfall-store"))
            .spawn(move || writer.run(&works))
            .map_err(|e| {
                Fault::new(
                    Reason::Store,
                    format!("cannot start the thread of the store `{}`: {e}", file.display()),
                )
            })?;
        Ok(Self {
            readers: Arc::new(Readers::new(file.clone())),
            file,
            queue,
            inspection,
            counted: Arc::default(),
            writer: Mutex::new(Some(thread)),
        })
    }

    /// Opens what is there to be read, beside a process that may have it open: without the lock, and every write is
    /// refused. Blocks.
    ///
    /// # Errors
    /// There is none, it is not landfall's or of a newer one, or of an older one that is in use.
    pub fn open_beside(path: &Path, options: &Options) -> Result<Self, Fault> {
        let file = beside::existing(path, options)?;
        let queue = Queue::new(0, 0);
        queue.close();
        Ok(Self {
            readers: Arc::new(Readers::new(file.clone())),
            file,
            queue: Arc::new(queue),
            inspection: Inspection::default(),
            counted: Arc::default(),
            writer: Mutex::new(None),
        })
    }

    /// The file, links resolved.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    async fn write(&self, op: Op) -> Result<Answer, Fault> {
        if let Some(damage) = self.inspection.damage() {
            return Err(damage.clone());
        }
        let receiver = self
            .queue
            .push(op)
            .map_err(|refusal| self.queue.fault(&self.file, refusal))?;
        receiver.await.unwrap_or_else(|_| {
            Err(Fault::new(
                Reason::Internal,
                format!(
                    "the thread that writes the store `{}` has ended: this is a bug of landfall's; restart it",
                    self.file.display()
                ),
            ))
        })
    }

    async fn done(&self, op: Result<Op, Fault>) -> Result<(), Fault> {
        self.write(op?).await.map(drop)
    }

    fn unexpected(&self, answer: &Answer) -> Fault {
        Fault::new(
            Reason::Internal,
            format!(
                "the store `{}` gave the answer of another write: {answer:?}",
                self.file.display()
            ),
        )
    }
}

impl Store for SqliteStore {
    fn token_key(&self, fresh: [u8; 32]) -> BoxFuture<'_, Result<TokenKey, Fault>> {
        Box::pin(async move {
            match self.write(Op::TokenKey(fresh)).await? {
                Answer::Key(key) => Ok(TokenKey::new(key)),
                _ => Err(Fault::new(
                    Reason::Internal,
                    format!(
                        "the store `{}` gave the answer of another write",
                        self.file.display()
                    ),
                )),
            }
        })
    }

    fn claim(&self, intents: Vec<Intent>) -> BoxFuture<'_, Result<Vec<Claim>, Fault>> {
        Box::pin(async move {
            let mut withdrawal = Withdrawal {
                queue: &self.queue,
                runs: intents.iter().map(|intent| intent.run).collect(),
            };
            let answer = self.write(Op::claim(intents)?).await;
            withdrawal.runs.clear();
            match answer? {
                Answer::Claims(claims) => Ok(claims),
                other => Err(self.unexpected(&other)),
            }
        })
    }

    fn fired(&self, run: RunId, fired: Fired) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(async move { self.done(Op::fired(run, &fired)).await })
    }

    fn observe(&self, observation: StoredObservation) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(async move { self.done(Op::observe(&observation)).await })
    }

    fn close(&self, tick: Moment, record: Arc<RunRecord>) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(async move { self.done(Op::close(tick, &record, None)).await })
    }

    fn end(&self, tick: Moment, record: Arc<RunRecord>, how: Amendable) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(async move { self.done(Op::close(tick, &record, Some(&how))).await })
    }

    fn ended(&self, since: Moment) -> BoxFuture<'_, Result<Vec<EndedRun>, Fault>> {
        Box::pin(self.readers.read(move |on| ended::all(on, since)))
    }

    fn unheeded(&self, since: Moment, most: u32) -> BoxFuture<'_, Result<Vec<RunId>, Fault>> {
        Box::pin(self.readers.read(move |on| ended::unheeded(on, since, most)))
    }

    fn each_ended(&self, runs: Vec<RunId>, take: TakeOpen) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(self.readers.read(move |on| open::each_ended(on, &runs, take)))
    }

    fn skip(&self, run: RunId, tick: Moment, record: SkipRecord) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(async move { self.done(Op::skip(run, tick, record)).await })
    }

    fn cursor(&self, name: String) -> BoxFuture<'_, Result<Option<String>, Fault>> {
        Box::pin(self.readers.read(move |on| read::cursor(on, &name)))
    }

    fn save_cursor(&self, name: String, cursor: String) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(async move { self.done(Ok(Op::Cursor { name, cursor })).await })
    }

    fn claimed_since(&self, probe: String, since: Moment) -> BoxFuture<'_, Result<u64, Fault>> {
        Box::pin(
            self.readers
                .read(move |on| read::claimed_since(on, &probe, since)),
        )
    }

    fn open_runs(&self) -> BoxFuture<'_, Result<Vec<OpenRun>, Fault>> {
        Box::pin(self.readers.read(open::all))
    }

    fn open_run(&self, run: RunId) -> BoxFuture<'_, Result<Option<OpenRun>, Fault>> {
        Box::pin(self.readers.read(move |on| open::one(on, run)))
    }

    fn each_open(&self, take: TakeOpen) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(self.readers.read(move |on| open::each(on, take)))
    }

    fn page(&self, filter: RunFilter) -> BoxFuture<'_, Result<Page, Fault>> {
        Box::pin(self.readers.read(move |on| page::page(on, &filter)))
    }

    fn endings(&self, filter: RunFilter) -> BoxFuture<'_, Result<Endings, Fault>> {
        Box::pin(self.readers.read(move |on| page::endings(on, &filter)))
    }

    fn count(&self, filter: RunFilter, most: u64) -> BoxFuture<'_, Result<u64, Fault>> {
        Box::pin(self.readers.read(move |on| page::count(on, &filter, most)))
    }

    fn extent(&self) -> BoxFuture<'_, Result<Extent, Fault>> {
        Box::pin(self.readers.read(rollup::extent))
    }

    fn run(&self, run: RunId) -> BoxFuture<'_, Result<Option<RunRecord>, Fault>> {
        Box::pin(self.readers.read(move |on| page::run(on, run)))
    }

    fn strays(&self, from: ObservationId, most: u32) -> BoxFuture<'_, Result<Vec<StoredObservation>, Fault>> {
        Box::pin(self.readers.read(move |on| read::strays(on, from, most)))
    }

    fn last_observation(&self) -> BoxFuture<'_, Result<Option<ObservationId>, Fault>> {
        Box::pin(self.readers.read(read::last_observation))
    }

    fn changes(&self, after: u64, limit: u32) -> BoxFuture<'_, Result<Vec<(u64, RunRecord)>, Fault>> {
        Box::pin(self.readers.read(move |on| changes::changes(on, after, limit)))
    }

    fn last_change(&self) -> BoxFuture<'_, Result<u64, Fault>> {
        Box::pin(self.readers.read(changes::last))
    }

    fn replaced(&self, run: RunId) -> BoxFuture<'_, Result<Vec<RunRecord>, Fault>> {
        Box::pin(self.readers.read(move |on| read::replaced(on, run)))
    }

    fn skips(&self, since: Option<Moment>) -> BoxFuture<'_, Result<Vec<SkipRecord>, Fault>> {
        Box::pin(self.readers.read(move |on| read::skips(on, since)))
    }

    fn keep_all(&self, entries: Vec<Keep>) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(async move { self.done(Small::keep(entries).map(Op::Small)).await })
    }

    fn kept(&self, space: String) -> BoxFuture<'_, Result<Vec<(String, Value)>, Fault>> {
        Box::pin(self.readers.read(move |on| small::kept(on, &space)))
    }

    fn mark(&self, mark: Mark) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(async move { self.done(Small::mark(&mark).map(Op::Small)).await })
    }

    fn marks(&self, since: Option<Moment>, until: Option<Moment>) -> BoxFuture<'_, Result<Vec<Mark>, Fault>> {
        Box::pin(self.readers.read(move |on| small::marks(on, since, until)))
    }

    fn skip_span(&self, spans: Vec<SkipSpan>) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(async move { self.done(Small::skip_spans(spans).map(Op::Small)).await })
    }

    fn skip_spans(&self, since: Option<Moment>) -> BoxFuture<'_, Result<Vec<SkipSpan>, Fault>> {
        Box::pin(self.readers.read(move |on| small::skip_spans(on, since)))
    }

    fn alive(&self, at: Moment) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(async move { self.done(Ok(Op::Small(Small::Alive(at)))).await })
    }

    fn last_alive(&self) -> BoxFuture<'_, Result<Option<Moment>, Fault>> {
        Box::pin(self.readers.read(small::last_alive))
    }

    fn newest(&self) -> BoxFuture<'_, Result<Option<Moment>, Fault>> {
        Box::pin(self.readers.read(small::newest))
    }

    fn size(&self) -> BoxFuture<'_, Result<StoreSize, Fault>> {
        let (file, counted) = (self.file.clone(), Arc::clone(&self.counted));
        Box::pin(self.readers.read(move |on| small::size(on, &file, &counted)))
    }

    fn upkeep(&self, now: Moment, retention: Retention) -> BoxFuture<'_, Result<Upkeep, Fault>> {
        Box::pin(self.keep_up(now, retention))
    }

    fn rollups(&self, filter: RollupFilter) -> BoxFuture<'_, Result<Vec<Rollup>, Fault>> {
        Box::pin(self.readers.read(move |on| rollup::read(on, &filter)))
    }

    fn backup(&self, to: PathBuf) -> BoxFuture<'_, Result<u64, Fault>> {
        let from = self.file.clone();
        Box::pin(async move {
            // On a thread and a connection of its own: a copy takes long, and readers are few.
            tokio::task::spawn_blocking(move || beside::copy(&from, &to))
                .await
                .map_err(|e| Fault::new(Reason::Internal, format!("the backup ended early: {e}")))?
        })
    }

    fn shutdown(&self) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(async move {
            // Before the writer: the last connection to close leaves one file behind.
            self.readers.close().await;
            self.inspection.end();
            self.queue.close();
            let Some(thread) = self.writer.lock().await.take() else {
                return Ok(());
            };
            let ended = tokio::task::spawn_blocking(move || thread.join().is_ok()).await;
            if matches!(ended, Ok(true)) {
                return Ok(());
            }
            Err(Fault::new(
                Reason::Internal,
                format!(
                    "the thread that writes the store `{}` ended in a panic: this is a bug of landfall's",
                    self.file.display()
                ),
            ))
        })
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        self.inspection.end();
        // What is queued is still committed, by a thread that nobody waits for; `shutdown` waits.
        self.queue.close();
    }
}
