//! Beside a process that may hold the store: read it, mark in it, copy it, without its lock. SQLite's own locks keep
//! the file whole; landfall's lock keeps two daemons apart.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use super::lock::StoreLock;
use super::schema::{self, KNOWN};
use super::small::{self, Small};
use super::trouble::{damaged, fault};
use super::{Options, SqliteStore, files};
use crate::model::{Fault, Mark, Reason};
use crate::store::Keep;

impl SqliteStore {
    /// Puts a mark into the store at `path`, beside a process that may have it open. Blocks, for some seconds where that
    /// one is busy.
    ///
    /// # Errors
    /// As [`SqliteStore::open_beside`]; the mark is outside its bounds; or it cannot be written.
    pub fn mark_beside(path: &Path, mark: &Mark, options: &Options) -> Result<(), Fault> {
        self::mark(path, mark, options)
    }

    /// Keeps and forgets values of the daemon's small state at `path`, beside a process that may have it open. Blocks as
    /// [`SqliteStore::mark_beside`] does.
    ///
    /// # Errors
    /// As [`SqliteStore::open_beside`]; a name or a value is larger than its bound; or it cannot be written.
    pub fn keep_beside(path: &Path, entries: Vec<Keep>, options: &Options) -> Result<(), Fault> {
        keep(path, entries, options)
    }
}

/// The file, links resolved, where it is a store that this landfall knows. One of an older landfall is brought up to date
/// first, unless somebody holds it.
pub(super) fn existing(path: &Path, options: &Options) -> Result<PathBuf, Fault> {
    if fs::metadata(path).is_err_and(|e| e.kind() == io::ErrorKind::NotFound) {
        return Err(Fault::new(
            Reason::Input,
            format!(
                "there is no store `{}` yet: `landfall run` and `landfall serve` make it",
                path.display()
            ),
        ));
    }
    let file = files::resolve(path)?;
    let version = schema::version(&schema::open_reader(&file)?, &file)?;
    if version < KNOWN {
        let lock = StoreLock::take(&file, &options.command, options.now).map_err(|held| {
            Fault::new(
                Reason::Store,
                format!(
                    "the store `{}` is of an older landfall (schema {version}; this one has {KNOWN}) and cannot be brought up to date now: {}",
                    file.display(),
                    held.message
                ),
            )
        })?;
        let writer = schema::open_writer(&file, options.max_bytes, lock.trust())?;
        writer
            .close()
            .map_err(|(_, e)| fault(&file, "bringing its schema up to date", &e))?;
        lock.closed();
    }
    Ok(file)
}

/// Puts a mark into the file in a transaction of its own.
fn mark(path: &Path, mark: &Mark, options: &Options) -> Result<(), Fault> {
    write(path, &Small::mark(mark)?, "marking", options)
}

/// Keeps and forgets values of the daemon's small state in a transaction of its own.
fn keep(path: &Path, entries: Vec<Keep>, options: &Options) -> Result<(), Fault> {
    write(path, &Small::keep(entries)?, "keeping state", options)
}

fn write(path: &Path, write: &Small, doing: &str, options: &Options) -> Result<(), Fault> {
    let file = existing(path, options)?;
    let on = schema::open_second_writer(&file)?;
    let done = on
        .execute_batch("BEGIN IMMEDIATE")
        .and_then(|()| small::apply(&on, write))
        .and_then(|()| on.execute_batch("COMMIT"));
    done.map_err(|e| fault(&file, doing, &e))
}

/// Copies the store as it is at one instant, while others write; verifies the copy and gives its bytes.
pub(super) fn copy(from: &Path, to: &Path) -> Result<u64, Fault> {
    if fs::symlink_metadata(to).is_ok() {
        return Err(Fault::new(
            Reason::Input,
            format!(
                "`{}` exists, and a backup overwrites nothing: name another file",
                to.display()
            ),
        ));
    }
    let mut name = to.as_os_str().to_owned();
    name.push(".part");
    let part = PathBuf::from(name);
    // It holds the key of the tokens, and whatever canaries carry.
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&part)
        .map_err(|e| unwritable(&part, &e))?;
    let part = Part(part);
    let source = schema::open_reader(from)?;
    fill(&source, from, &part.0)?;
    finish(&part.0, to).map_err(|e| unwritable(&part.0, &e))
}

fn fill(source: &Connection, from: &Path, part: &Path) -> Result<(), Fault> {
    let doing = |e: rusqlite::Error| fault(from, &format!("copying it to `{}`", part.display()), &e);
    let mut target = Connection::open(part).map_err(doing)?;
    // What was cut off is thrown away, so the copy needs no journal; it is forced to the disk at the end, at once.
    target
        .execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF")
        .map_err(doing)?;
    {
        let backup = Backup::new(source, &mut target).map_err(doing)?;
        // All pages in one step: one view of the store, however much is written meanwhile.
        match backup.step(-1).map_err(doing)? {
            StepResult::Done => {}
            other => {
                return Err(Fault::new(
                    Reason::Store,
                    format!(
                        "the store `{}` could not be copied ({other:?}): try again",
                        from.display()
                    ),
                ));
            }
        }
    }
    let check: String = target
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(doing)?;
    if check != "ok" {
        return Err(damaged(from, &format!("its copy: {}", check.replace('\n', " "))));
    }
    target.close().map_err(|(_, e)| doing(e))
}

fn finish(part: &Path, to: &Path) -> io::Result<u64> {
    let file = File::open(part)?;
    file.sync_all()?;
    let bytes = file.metadata()?.len();
    fs::rename(part, to)?;
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    Ok(bytes)
}

/// A file that is not left behind half done.
struct Part(PathBuf);

impl Drop for Part {
    fn drop(&mut self) {
        // After a success it bears its own name already.
        for end in ["", "-wal", "-shm", "-journal"] {
            let mut name = self.0.as_os_str().to_owned();
            name.push(end);
            drop(fs::remove_file(name));
        }
    }
}

fn unwritable(part: &Path, e: &io::Error) -> Fault {
    let help = if e.kind() == io::ErrorKind::AlreadyExists {
        "another backup writes it, or one was cut off: remove it where none runs"
    } else {
        "name a file that can be written"
    };
    Fault::new(
        Reason::Store,
        format!("the copy `{}` cannot be written: {e}; {help}", part.display()),
    )
}
