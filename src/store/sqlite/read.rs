//! What is read, on connections of its own: a reader never holds the writer.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;

use super::op::unpack;
use super::schema;
use super::trouble::fault;
use crate::model::{
    ChannelId, Fault, Moment, Observation, ObservationId, Reason, RunId, RunRecord, SkipRecord,
};
use crate::store::StoredObservation;

/// So many threads read the JSON of many rows.
const THREADS: usize = 2;
/// Rows for which another thread is worth its start.
const FEW: usize = 64;

/// So many reads run at once; more wait their turn.
const READERS: usize = 2;

/// The connections that read, opened when first needed.
#[derive(Debug)]
pub(super) struct Readers {
    file: PathBuf,
    idle: Mutex<Vec<Connection>>,
    turns: Semaphore,
}

/// Why a read gave nothing.
#[derive(Debug)]
pub(super) enum Unread {
    Sql(rusqlite::Error),
    /// A row holds what this landfall cannot read.
    Content(String),
}

impl From<rusqlite::Error> for Unread {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl Readers {
    pub(super) fn new(file: PathBuf) -> Self {
        Self {
            file,
            idle: Mutex::default(),
            turns: Semaphore::new(READERS),
        }
    }

    /// Runs `query` on a thread that may block.
    pub(super) async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        query: impl FnOnce(&Connection) -> Result<T, Unread> + Send + 'static,
    ) -> Result<T, Fault> {
        let _turn = self.turns.acquire().await.map_err(|_| {
            Fault::new(
                Reason::Stopped,
                format!("the store `{}` is shut down", self.file.display()),
            )
        })?;
        let readers = Arc::clone(self);
        tokio::task::spawn_blocking(move || readers.on_idle(query))
            .await
            .map_err(|e| Fault::new(Reason::Internal, format!("reading the store ended early: {e}")))?
    }

    /// Waits for the reads under way, refuses further ones, and closes.
    pub(super) async fn close(&self) {
        if let Ok(all) = self.turns.acquire_many(READERS as u32).await {
            self.turns.close();
            all.forget();
        }
        self.lock().clear();
    }

    fn on_idle<T>(&self, query: impl FnOnce(&Connection) -> Result<T, Unread>) -> Result<T, Fault> {
        let idle = self.lock().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => schema::open_reader(&self.file)?,
        };
        match query(&connection) {
            Ok(read) => {
                self.lock().push(connection);
                Ok(read)
            }
            // A connection that failed is not used again: the next read opens another.
            Err(Unread::Sql(error)) => Err(fault(&self.file, "reading", &error)),
            Err(Unread::Content(what)) => Err(Fault::new(
                Reason::Store,
                format!(
                    "the store `{}` holds what this landfall cannot read: {what}; run the landfall that wrote it",
                    self.file.display()
                ),
            )),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn cursor(on: &Connection, name: &str) -> Result<Option<String>, Unread> {
    let mut query = on.prepare_cached("SELECT cursor FROM cursors WHERE name = ?1")?;
    Ok(query.query_row([name], |row| row.get(0)).optional()?)
}

pub(super) fn claimed_since(on: &Connection, probe: &str, since: Moment) -> Result<u64, Unread> {
    let mut query = on.prepare_cached("SELECT count(*) FROM claims WHERE probe = ?1 AND at >= ?2")?;
    let count: i64 = query.query_row(params![probe, since.0], |row| row.get(0))?;
    Ok(count.unsigned_abs())
}

pub(super) fn strays(
    on: &Connection,
    from: ObservationId,
    most: u32,
) -> Result<Vec<StoredObservation>, Unread> {
    let mut query = on.prepare_cached(
        "SELECT NULL, id, channel, channel_id, runs, sighting FROM observations
         WHERE id >= ?1 AND length(runs) = 0 ORDER BY id DESC LIMIT ?2",
    )?;
    let from = i64::try_from(from.0).unwrap_or(i64::MAX);
    let mut rows = query.query(params![from, most])?;
    let mut strays = Vec::new();
    while let Some(row) = rows.next()? {
        strays.push(observation(row)?);
    }
    strays.reverse();
    Ok(strays)
}

pub(super) fn last_observation(on: &Connection) -> Result<Option<ObservationId>, Unread> {
    let last: Option<i64> = on.query_row("SELECT max(id) FROM observations", [], |row| row.get(0))?;
    Ok(last.map(|id| ObservationId(id.unsigned_abs())))
}

pub(super) fn replaced(on: &Connection, run: RunId) -> Result<Vec<RunRecord>, Unread> {
    let mut query = on.prepare_cached("SELECT record FROM history WHERE run = ?1 ORDER BY seq")?;
    let mut rows = query.query([&run.0.as_bytes()[..]])?;
    let mut records = Vec::new();
    while let Some(row) = rows.next()? {
        records.push(decoded(row, 0, &format!("a replaced record of run {run}"))?);
    }
    Ok(records)
}

pub(super) fn skips(on: &Connection, since: Option<Moment>) -> Result<Vec<SkipRecord>, Unread> {
    let mut query = on.prepare_cached(
        "SELECT record, tick FROM skips WHERE tick >= ?1 ORDER BY tick, probe, input, route",
    )?;
    let mut rows = query.query([since.map_or(i64::MIN, |since| since.0)])?;
    let mut skips = Vec::new();
    while let Some(row) = rows.next()? {
        skips.push(decoded(
            row,
            0,
            &format!("the skip of tick {}", Moment(row.get(1)?)),
        )?);
    }
    Ok(skips)
}

pub(super) fn observation(row: &Row<'_>) -> Result<StoredObservation, Unread> {
    let id = ObservationId(row.get::<_, i64>(1)?.unsigned_abs());
    Ok(StoredObservation {
        channel: row.get(2)?,
        observation: Arc::new(Observation {
            id,
            channel: ChannelId(row.get(3)?),
            sighting: decoded(row, 5, &format!("observation {}", id.0))?,
        }),
        runs: unpack(&row.get::<_, Vec<u8>>(4)?),
    })
}

pub(super) fn run_id(row: &Row<'_>, column: usize) -> rusqlite::Result<RunId> {
    row.get::<_, [u8; 16]>(column)
        .map(|bytes| RunId(uuid::Uuid::from_bytes(bytes)))
}

/// Reads a column of JSON.
pub(super) fn decoded<T: DeserializeOwned>(row: &Row<'_>, column: usize, what: &str) -> Result<T, Unread> {
    let text = row.get_ref(column)?.as_str().map_err(rusqlite::Error::from)?;
    serde_json::from_str(text).map_err(|e| Unread::Content(format!("{what}: {e}")))
}

/// Reads pieces of JSON that stand one after the other in `text`, each with its end, on several threads; in their order.
pub(super) fn side_by_side<K: Sync, T: Send>(
    text: &str,
    pieces: &[(K, usize)],
    read: impl Fn(&K, &str) -> Result<T, Unread> + Sync,
) -> Result<Vec<T>, Unread> {
    let part = |from: usize, to: usize| -> Result<Vec<T>, Unread> {
        let mut begin = from.checked_sub(1).map_or(0, |before| pieces[before].1);
        let mut done = Vec::with_capacity(to - from);
        for (key, end) in &pieces[from..to] {
            done.push(read(key, &text[begin..*end])?);
            begin = *end;
        }
        Ok(done)
    };
    let step = pieces.len().div_ceil(THREADS).max(FEW);
    let part = &part;
    std::thread::scope(|scope| {
        let starts = (0..pieces.len()).step_by(step);
        let parts: Vec<_> = starts
            .map(|from| scope.spawn(move || part(from, (from + step).min(pieces.len()))))
            .collect();
        let mut all = Vec::with_capacity(pieces.len());
        for part in parts {
            let ended = || {
                Err(Unread::Content(String::from(
                    "a thread that read them ended early",
                )))
            };
            all.extend(part.join().unwrap_or_else(|_| ended())?);
        }
        Ok(all)
    })
}
