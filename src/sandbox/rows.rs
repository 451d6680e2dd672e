//! The gateway's database: one SQLite file, one thread that writes it, one transaction for all that is waiting.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, params};
use tokio::sync::{mpsc, oneshot};

use super::ledger::{Attempt, instant};
use super::message::Event;
use crate::clock::Clock;

/// Changes that may wait for the writer.
const QUEUE: usize = 4_096;
/// Changes in one transaction.
const BATCH: usize = 512;

const TABLE: &str = "CREATE TABLE IF NOT EXISTS messages (
    id TEXT PRIMARY KEY,
    ref TEXT NOT NULL,
    route TEXT NOT NULL,
    provider TEXT NOT NULL,
    status TEXT NOT NULL,
    text TEXT NOT NULL,
    steps TEXT NOT NULL,
    updated_at TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS messages_ref ON messages (ref);";

// `steps` holds every status the row ever had, in order: one who looks now and then misses none of them. A status that
// comes after a later one, on a machine that is held up, is a step and takes nothing back.
const UPSERT: &str = "INSERT INTO messages (id, ref, route, provider, status, text, steps, updated_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?5, ?7)
    ON CONFLICT (id) DO UPDATE SET provider = excluded.provider, text = excluded.text,
        status = CASE WHEN excluded.status IN ('queued', 'sent') AND status NOT IN ('queued', excluded.status)
            THEN status ELSE excluded.status END,
        steps = steps || ' ' || excluded.status, updated_at = excluded.updated_at";

/// The table `messages (id, ref, route, provider, status, text, steps, updated_at)`.
#[derive(Debug)]
pub(super) struct Rows {
    queue: mpsc::Sender<Job>,
}

/// A row's new state.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) id: String,
    pub(super) reference: String,
    pub(super) route: String,
    pub(super) provider: String,
    pub(super) status: Event,
    pub(super) text: String,
}

#[derive(Debug)]
enum Job {
    Put(Row, oneshot::Sender<Attempt>),
    /// All rows of a message, by the gateway's id or the sender's reference.
    Delete(String),
}

impl Rows {
    /// Opens the file, makes the table and starts the writer, which ends when the result is dropped.
    ///
    /// # Errors
    /// A file that is no database, cannot be written, or has another table of that name.
    pub(super) fn open(path: &Path, clock: Arc<dyn Clock>) -> Result<Self, String> {
        let said = |e: rusqlite::Error| format!("cannot use the database `{}`: {e}", path.display());
        let connection = Connection::open(path).map_err(said)?;
        connection.busy_timeout(Duration::from_secs(5)).map_err(said)?;
        // One who reads never waits for the writer, nor the writer for him.
        connection
            .pragma_update(None, "journal_mode", "WAL")
            .map_err(said)?;
        connection
            .pragma_update(None, "synchronous", "NORMAL")
            .map_err(said)?;
        connection.execute_batch(TABLE).map_err(said)?;
        connection.prepare(UPSERT).map(drop).map_err(said)?;
        let (queue, jobs) = mpsc::channel(QUEUE);
        std::thread::Builder::new()
            .name(String::from("sandbox-rows"))
            .spawn(move || write(connection, jobs, &*clock))
            .map_err(|e| format!("cannot start the database's writer: {e}"))?;
        Ok(Self { queue })
    }

    /// Puts a row's new state; returns when it is committed, with the instants before and after.
    ///
    /// # Errors
    /// The writer is gone.
    pub(super) async fn put(&self, row: Row) -> Result<Attempt, String> {
        let (done, committed) = oneshot::channel();
        let gone = || String::from("the database's writer has ended");
        self.queue.send(Job::Put(row, done)).await.map_err(|_| gone())?;
        committed.await.map_err(|_| gone())
    }

    /// Deletes all rows of a message, in its turn.
    pub(super) async fn delete(&self, id: String) {
        // A writer that is gone has nothing left to delete.
        self.queue.send(Job::Delete(id)).await.ok();
    }
}

fn write(mut connection: Connection, mut jobs: mpsc::Receiver<Job>, clock: &dyn Clock) {
    let mut batch = Vec::with_capacity(BATCH);
    while jobs.blocking_recv_many(&mut batch, BATCH) > 0 {
        let result = commit(&mut connection, &batch, clock);
        let now = clock.now();
        let (at, error) = match result {
            Ok(at) => (at, None),
            Err(e) => (now, Some(format!("the database did not take it: {e}"))),
        };
        for job in batch.drain(..) {
            if let Job::Put(_, done) = job {
                let attempt = Attempt {
                    at,
                    done: now,
                    error: error.clone(),
                };
                // Who asked may have been told to stop meanwhile.
                done.send(attempt).ok();
            }
        }
    }
}

fn commit(
    connection: &mut Connection,
    batch: &[Job],
    clock: &dyn Clock,
) -> rusqlite::Result<crate::model::Moment> {
    let transaction = connection.transaction()?;
    let updated = instant::text(clock.now());
    for job in batch {
        match job {
            Job::Put(row, _) => {
                transaction.prepare_cached(UPSERT)?.execute(params![
                    row.id,
                    row.reference,
                    row.route,
                    row.provider,
                    row.status.word(),
                    row.text,
                    updated,
                ])?;
            }
            Job::Delete(id) => {
                // A message's rows are `ID-0`, `ID-1`, …
                let sql = "DELETE FROM messages WHERE ref = ?1 OR (id > ?1 || '-' AND id < ?1 || '.')";
                transaction.prepare_cached(sql)?.execute([id])?;
            }
        }
    }
    let at = clock.now();
    transaction.commit()?;
    Ok(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;

    #[tokio::test]
    async fn a_status_that_comes_late_takes_no_later_one_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("gateway.db");
        let rows = Rows::open(&path, Arc::new(SystemClock::start())).unwrap();
        let row = |status| Row {
            id: "m-0".into(),
            reference: "r".into(),
            route: "alpha".into(),
            provider: "north".into(),
            status,
            text: "hello".into(),
        };
        for event in [Event::Queued, Event::Delivered, Event::Sent] {
            rows.put(row(event)).await.unwrap();
        }
        let read = Connection::open(&path).unwrap();
        let found: (String, String) = read
            .query_row("SELECT status, steps FROM messages", [], |r| {
                Ok((r.get(0)?, r.get(1)?))
            })
            .unwrap();
        assert_eq!(found, ("delivered".into(), "queued delivered sent".into()));
    }
}
