//! Connections: opened, verified, brought up to this landfall's schema.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::trouble::{damaged, fault};
use super::trust::Trust;
use crate::model::{Fault, Reason};

/// One file a step; the number of a step is its place, from 1. A step that was released never changes.
pub(super) const MIGRATIONS: [&str; 5] = [
    include_str!("../migrations/0001.sql"),
    include_str!("../migrations/0002.sql"),
    include_str!("../migrations/0003.sql"),
    include_str!("../migrations/0004.sql"),
    include_str!("../migrations/0005.sql"),
];

/// The schema that this landfall writes.
pub(super) const KNOWN: usize = MIGRATIONS.len();

/// `LFAL`, in the file's header: tells a store of landfall's from any other SQLite file.
const APPLICATION_ID: i32 = 0x4c46_414c;

/// How long a connection waits for another program that holds the file.
const BUSY: Duration = Duration::from_secs(2);

/// How long a command waits that writes beside a busy daemon.
const PATIENT: Duration = Duration::from_secs(15);

/// What the write-ahead log is cut to once it has been copied into the file.
const LOG_BYTES: u64 = 64 << 20;

/// Opens the one connection that writes. Nothing is changed in the file before it has been found whole (read from end to
/// end, unless it can be trusted), ours, and not newer than this landfall.
pub(super) fn open_writer(file: &Path, max_bytes: Option<u64>, trust: Trust) -> Result<Connection, Fault> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = open(file, flags)?;
    let version = version(&connection, file)?;
    whole_length(&connection, file)?;
    if trust == Trust::None {
        read_through(&connection, file).map_err(|found| found.unwrap_or_else(|| damaged(file, "unread")))?;
    }
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

/// Opens a connection that writes beside the one that has the lock, a little and seldom.
pub(super) fn open_second_writer(file: &Path) -> Result<Connection, Fault> {
    let connection = open(
        file,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection
        .busy_timeout(PATIENT)
        .and_then(|()| settings(&connection, None))
        .map_err(|e| fault(file, "setting it up", &e))?;
    Ok(connection)
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
pub(super) fn version(connection: &Connection, file: &Path) -> Result<usize, Fault> {
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
    let known = KNOWN;
    usize::try_from(version)
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
        })
}

/// Reads the file from end to end. `Err(None)` where that was broken off.
pub(super) fn read_through(connection: &Connection, file: &Path) -> Result<(), Option<Fault>> {
    let check = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0));
    match check {
        Ok(said) if said == "ok" => Ok(()),
        Ok(said) => Err(Some(damaged(file, &said.replace('\n', " ")))),
        Err(e) if e.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) => Err(None),
        Err(e) => Err(Some(fault(file, "verifying it", &e))),
    }
}

/// That the file is as long as its header says: what was cut off is seen at once.
fn whole_length(connection: &Connection, file: &Path) -> Result<(), Fault> {
    let number = |name: &str| -> Result<u64, Fault> {
        connection
            .pragma_query_value(None, name, |row| row.get::<_, i64>(0))
            .map(i64::unsigned_abs)
            .map_err(|e| fault(file, "verifying it", &e))
    };
    let expected = number("page_size")? * number("page_count")?;
    let length = std::fs::metadata(file).map_or(0, |about| about.len());
    let mut log = file.as_os_str().to_owned();
    log.push("-wal");
    // Pages may still lie in the log alone.
    let logged = std::fs::metadata(log).map_or(0, |about| about.len());
    if length.saturating_add(logged) < expected {
        return Err(damaged(
            file,
            &format!("it has {length} bytes, and {expected} were written"),
        ));
    }
    Ok(())
}

fn settings(connection: &Connection, max_bytes: Option<u64>) -> rusqlite::Result<()> {
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", false)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    // What is written is appended, so that little is read again; and where a commit has split a page, SQLite looks
    // through all that is cached.
    connection.pragma_update(None, "cache_size", -8_192)?;
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
