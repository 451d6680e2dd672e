//! When the write-ahead log is copied back into the file, so that it stays bounded. It happens between commits, after
//! the callers have their answers.

use std::path::PathBuf;

use rusqlite::Connection;

/// The log is copied back when so many bytes were written since the last time.
const BYTES: usize = 4 << 20;
/// Or after so many commits: each writes a few whole pages, however little it says.
const COMMITS: u32 = 250;
/// From so many pages on (128 MiB) a log that cannot be reset is worth a warning.
const WARN_PAGES: i64 = 32_768;

/// Counts what was written since the log was last copied back.
#[derive(Debug)]
pub(super) struct Checkpoints {
    file: PathBuf,
    bytes: usize,
    commits: u32,
    warned: bool,
}

impl Checkpoints {
    pub(super) fn new(file: PathBuf) -> Self {
        Self {
            file,
            bytes: 0,
            commits: 0,
            warned: false,
        }
    }

    /// Copies the log back where it is due. A reader that holds an old snapshot keeps a part of it from being
    /// reset: writing goes on, and the next turn tries again.
    pub(super) fn after_commit(&mut self, on: &Connection, bytes: usize) -> rusqlite::Result<()> {
        self.bytes += bytes;
        self.commits += 1;
        if self.bytes < BYTES && self.commits < COMMITS {
            return Ok(());
        }
        self.bytes = 0;
        self.commits = 0;
        let (log, copied) = self.checkpoint(on, "PASSIVE")?;
        let held = log > copied && log > WARN_PAGES;
        if held && !self.warned {
            tracing::warn!(
                store = %self.file.display(), pages = log,
                "the store's write-ahead log grows: another program holds an old view of the file open; close it"
            );
        }
        self.warned = held;
        forget_pages(on)
    }

    /// Copies everything back, so that a closed store is one file.
    pub(super) fn at_end(&self, on: &Connection) -> rusqlite::Result<()> {
        self.checkpoint(on, "TRUNCATE").map(drop)
    }

    /// Pages in the log and pages copied. A failure loses nothing: the log keeps what was not copied.
    fn checkpoint(&self, on: &Connection, mode: &str) -> rusqlite::Result<(i64, i64)> {
        let done = on.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |row| {
            Ok((row.get(1)?, row.get(2)?))
        });
        done.inspect_err(|e| {
            tracing::warn!(
                store = %self.file.display(), error = %e,
                "the store's write-ahead log could not be copied back; nothing is lost, and it is tried again"
            );
        })
    }
}

/// Lets the pages go that are cached and not in use. The caches of all connections of a process are one pool, in which a full
/// cache takes pages from the others and counts them as its own; once the pool is full, a cache that was robbed lets each page go
/// as soon as it has looked at it, and every write reads its trees' roots again, for ever. An emptied pool counts anew; what is
/// written is appended, so that little is missed.
fn forget_pages(on: &Connection) -> rusqlite::Result<()> {
    on.execute_batch("PRAGMA shrink_memory")
}
