//! Connections: opened, verified, brought up to this landfall's schema.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::trouble::{damaged, fault};
use crate::model::{Fault, Reason};

/// One file a step; the number of a step is its place, from 1. A step that was released never changes.
const MIGRATIONS: [&str; 2] = [
    include_str!("../migrations/0001.sql"),
    include_str!("../migrations/0002.sql"),
];

/// `LFAL`, in the file's header: tells a store of landfall's from any other SQLite file.
const APPLICATION_ID: i32 = 0x4c46_414c;

/// How long a connection waits for another program that holds the file.
const BUSY: Duration = Duration::from_secs(2);

/// What the write-ahead log is cut to once it has been copied into the file.
const LOG_BYTES: u64 = 64 << 20;

/// Opens the one connection that writes. The file is read from end to end and nothing is changed in it before it has
/// been found whole, ours, and not newer than this landfall.
pub(super) fn open_writer(file: &Path, max_bytes: Option<u64>) -> Result<Connection, Fault> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = open(file, flags)?;
    let version = verify(&connection, file)?;
    let doing = "setting it up";
    settings(&connection, max_bytes).map_err(|e| fault(file, doing, &e))?;
    let mode: String = connection
        .query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))
        .map_err(|e| fault(file, doing, &e))?;
    if mode != "wal" {
        return Err(Fault::new(
            Reason::Store,
            format!(
                "the store `{}` cannot have a write-ahead log here (SQLite says `{mode}`): put it on a local disk, not on a network share",
                file.display()
            ),
        ));
    }
    migrate(&connection, version).map_err(|e| fault(file, "bringing its schema up to date", &e))?;
    Ok(connection)
}

/// Opens a connection that only reads. The writer must have been opened before.
pub(super) fn open_reader(file: &Path) -> Result<Connection, Fault> {
    open(
        file,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )
}

fn open(file: &Path, flags: OpenFlags) -> Result<Connection, Fault> {
    let doing = "opening it";
    let connection = Connection::open_with_flags(file, flags).map_err(|e| fault(file, doing, &e))?;
    connection
        .busy_timeout(BUSY)
        .map_err(|e| fault(file, doing, &e))?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// The version of its schema; zero where the file is empty.
fn verify(connection: &Connection, file: &Path) -> Result<usize, Fault> {
    let doing = "verifying it";
    let number = |sql: &str| -> Result<i64, Fault> {
        connection
            .query_row(sql, [], |row| row.get(0))
            .map_err(|e| fault(file, doing, &e))
    };
    let application = number("PRAGMA application_id")?;
    let version = number("PRAGMA user_version")?;
    let tables = number("SELECT count(*) FROM sqlite_schema")?;
    let empty = application == 0 && version == 0 && tables == 0;
    if !empty && application != i64::from(APPLICATION_ID) {
        return Err(Fault::new(
            Reason::Store,
            format!(
                "`{}` is an SQLite file, but not a store of landfall's: name another file under `store:`",
                file.display()
            ),
        ));
    }
    let known = MIGRATIONS.len();
    let version = usize::try_from(version)
        .ok()
        .filter(|version| *version <= known)
        .ok_or_else(|| {
            Fault::new(
                Reason::Store,
                format!(
                    "the store `{}` was written by a newer landfall (schema {version}; this one knows up to {known}): run that landfall, put back a copy made by `landfall backup` before the update, or name another file under `store:`",
                    file.display()
                ),
            )
        })?;
    let check: String = connection
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(|e| fault(file, doing, &e))?;
    if check != "ok" {
        return Err(damaged(file, &check.replace('\n', " ")));
    }
    Ok(version)
}

fn settings(connection: &Connection, max_bytes: Option<u64>) -> rusqlite::Result<()> {
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", false)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "cache_size", -32_768)?;
    // The writer copies the log back itself, after it has answered its callers.
    set_and_ignore_answer(connection, "wal_autocheckpoint", 0)?;
    set_and_ignore_answer(connection, "journal_size_limit", LOG_BYTES)?;
    if let Some(bytes) = max_bytes {
        let page: i64 = connection.query_row("PRAGMA page_size", [], |row| row.get(0))?;
        set_and_ignore_answer(
            connection,
            "max_page_count",
            (bytes / page.unsigned_abs().max(1)).max(1),
        )?;
    }
    Ok(())
}

fn set_and_ignore_answer(connection: &Connection, name: &str, value: u64) -> rusqlite::Result<()> {
    let value = i64::try_from(value).unwrap_or(i64::MAX);
    connection.pragma_update_and_check(None, name, value, |_| Ok(()))
}

fn migrate(connection: &Connection, version: usize) -> rusqlite::Result<()> {
    for (number, step) in (1_i64..).zip(MIGRATIONS).skip(version) {
        let transaction = connection.unchecked_transaction()?;
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", number)?;
        transaction.commit()?;
    }
    Ok(())
}
