//! One process a store: a lock that the operating system drops when its holder dies, however it dies.

use std::fs::{File, OpenOptions, Permissions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::model::{Fault, Moment, Reason};

/// Held for as long as the store is open. The file stays behind, empty, so that no two processes can hold locks on
/// two files of one name.
#[derive(Debug)]
pub(super) struct StoreLock(File);

impl StoreLock {
    /// Takes the lock of the store at `store`.
    pub(super) fn take(store: &Path, command: &str, since: Moment) -> Result<Self, Fault> {
        let path = lock_path(store);
        let trouble = |e: std::io::Error| {
            Fault::new(
                Reason::Store,
                format!(
                    "cannot lock the store: `{}`: {e}; make the folder writable, or run with `--store memory`",
                    path.display()
                ),
            )
        };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(trouble)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(in_use(store, &mut file)),
            Err(TryLockError::Error(e)) => return Err(trouble(e)),
        }
        // The umask may have taken bits from the mode above; nobody but the holder gets here.
        file.set_permissions(Permissions::from_mode(0o600))
            .map_err(trouble)?;
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let holder = format!(
            "pid: {}\nhost: {}\nsince: {since}\ncommand: {}\n",
            std::process::id(),
            one_line(&host),
            one_line(command)
        );
        file.set_len(0)
            .and_then(|()| file.write_all(holder.as_bytes()))
            .map_err(trouble)?;
        Ok(Self(file))
    }
}

impl Drop for StoreLock {
    fn drop(&mut self) {
        // Best effort: a stale text misleads nobody, for only the text of a lock that is held is ever read.
        let _emptied = self.0.set_len(0);
    }
}

fn lock_path(store: &Path) -> PathBuf {
    let mut name = store.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}

fn in_use(store: &Path, file: &mut File) -> Fault {
    let mut text = String::new();
    let read = file
        .seek(SeekFrom::Start(0))
        .and_then(|_| file.take(4096).read_to_string(&mut text));
    let field = |name: &str| {
        text.lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
            .unwrap_or("unknown")
    };
    let holder = if read.is_ok() && !text.is_empty() {
        format!(
            "`{}` (pid {} on {}, since {})",
            field("command"),
            field("pid"),
            field("host"),
            field("since")
        )
    } else {
        String::from("another process")
    };
    Fault::new(
        Reason::Store,
        format!(
            "the store `{}` is in use by {holder}: stop that one, name another file under `store:`, or run with `--store memory`",
            store.display()
        ),
    )
}

fn one_line(text: &str) -> String {
    text.chars()
        .take(1000)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}
