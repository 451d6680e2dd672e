//! Whether a file has to be read from end to end before it is written to. It takes seconds a gigabyte, and a daemon that
//! is restarted should fire, not read.
//!
//! What `landfall` left in the lock's file tells. A clean close leaves the identity, the length and the time of the
//! store's file: as long as these are the same, nobody has touched it. A process that died leaves the boot it ran in: a
//! kill tears nothing, since what was written lies with the kernel; only a machine that went down can. Such a file is
//! opened at once and read from end to end beside the work.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::InterruptHandle;

use super::schema;
use crate::model::Fault;

/// How far the last holder's word goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// It closed the file, which nobody has touched since.
    Closed,
    /// It died, and the machine did not.
    Killed,
    /// The file has to be read first.
    None,
}

/// What the last holder's lines say of the file as it is now.
pub(super) fn of(left: &str, file: &Path) -> Trust {
    let field = |name: &str| {
        left.lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    };
    if let Some(closed) = field("closed") {
        let same = identity(file).is_ok_and(|now| now == closed);
        return if same { Trust::Closed } else { Trust::None };
    }
    match (field("boot"), boot()) {
        (Some(then), Some(now)) if then == now => Trust::Killed,
        _ => Trust::None,
    }
}

/// The line of a clean close. The file's time is moved by a nanosecond, to one that no later write can give it: the
/// kernel's own steps are coarser than two writes may lie apart.
pub(super) fn closed(file: &Path) -> io::Result<String> {
    let open = OpenOptions::new().write(true).open(file)?;
    let modified = open.metadata()?.modified()?;
    open.set_modified(modified + Duration::from_nanos(1))?;
    Ok(format!("closed: {}\n", identity(file)?))
}

/// The line that tells which boot of the machine this is; empty where that cannot be known.
pub(super) fn boot_line() -> String {
    boot().map_or_else(String::new, |boot| format!("boot: {boot}\n"))
}

fn boot() -> Option<String> {
    let text = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let id = text.trim();
    (!id.is_empty()).then(|| id.to_owned())
}

fn identity(file: &Path) -> io::Result<String> {
    let about = fs::metadata(file)?;
    Ok(format!(
        "{}:{} {} {}.{:09}",
        about.dev(),
        about.ino(),
        about.len(),
        about.mtime(),
        about.mtime_nsec()
    ))
}

/// What reading a file from end to end has found; nothing yet, or broken off, where it is empty.
pub(super) type Found = Arc<OnceLock<Result<(), Fault>>>;

/// Reads the file from end to end beside the work.
#[derive(Debug, Default)]
pub(super) struct Inspection {
    found: Found,
    running: Mutex<Option<Running>>,
}

struct Running {
    interrupt: InterruptHandle,
    thread: JoinHandle<()>,
}

impl Inspection {
    /// Begins, on a thread of its own.
    pub(super) fn begin(&self, file: &Path) -> Result<(), Fault> {
        let connection = schema::open_reader(file)?;
        let interrupt = connection.get_interrupt_handle();
        let found = self.found();
        let name = file.to_owned();
        let thread = std::thread::Builder::new()
            .name(String::from("landfall-inspect"))
            .spawn(move || {
                let read = match schema::read_through(&connection, &name) {
                    Ok(()) => Ok(()),
                    Err(Some(damage)) => Err(damage),
                    // Told to stop: nothing is known, and nothing is claimed.
                    Err(None) => return,
                };
                match &read {
                    Ok(()) => tracing::info!(store = %name.display(), "the store was found whole"),
                    Err(damage) => tracing::error!(store = %name.display(), "{damage}"),
                }
                drop(found.set(read));
            });
        match thread {
            Ok(thread) => *self.lock() = Some(Running { interrupt, thread }),
            Err(e) => tracing::warn!(error = %e, "the store is not read through: no thread for it"),
        }
        Ok(())
    }

    /// Where its result will be.
    pub(super) fn found(&self) -> Found {
        Arc::clone(&self.found)
    }

    /// What is wrong with the file, as far as it is known: from then on nothing is written.
    pub(super) fn damage(&self) -> Option<&Fault> {
        self.found.get()?.as_ref().err()
    }

    /// Ends it, so that the last connection can put the file in order.
    pub(super) fn end(&self) {
        let running = self.lock().take();
        if let Some(Running { interrupt, thread }) = running {
            interrupt.interrupt();
            // It has nothing to say that is not in `found`.
            drop(thread.join());
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running")
            .field("thread", &self.thread)
            .finish_non_exhaustive()
    }
}
