//! One process a store: a lock that the operating system drops when its holder dies, however it dies.

use std::fs::{File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::trust::{self, Found, Trust};
use crate::model::{Fault, Moment, Reason};

/// One who has let go in order, or has only just come, has no name in the file. A program that he was starting holds the
/// lock with him until it runs: for so many pauses he is waited for.
const NAMELESS_TRIES: u32 = 200;
const NAMELESS_PAUSE: Duration = Duration::from_millis(5);

/// Held for as long as the store is open. The file stays behind, so that no two processes can hold locks on two files
/// of one name; what it says of a holder is read only while the lock is held, and what it says of the store's file
/// only once it is not.
#[derive(Debug)]
pub(super) struct StoreLock {
    file: File,
    store: PathBuf,
    /// What is said of the holder, without the boot.
    holder: String,
    /// What the last holder left.
    trust: Trust,
    /// What reading it beside the work has found.
    found: Found,
}

impl StoreLock {
    /// Takes the lock of the store at `store`.
    pub(super) fn take(store: &Path, command: &str, since: Moment) -> Result<Self, Fault> {
        let path = lock_path(store);
        let trouble = |e: io::Error| {
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
        let mut tries = 0;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if tries < NAMELESS_TRIES && nameless(&mut file) => {
                    tries += 1;
                    std::thread::sleep(NAMELESS_PAUSE);
                }
                Err(TryLockError::WouldBlock) => return Err(in_use(store, &mut file)),
                Err(TryLockError::Error(e)) => return Err(trouble(e)),
            }
        }
        // The umask may have taken bits from the mode above; nobody but the holder gets here.
        file.set_permissions(Permissions::from_mode(0o600))
            .map_err(trouble)?;
        let mut left = String::new();
        let read = (&file).take(4096).read_to_string(&mut left);
        let trust = read.map_or(Trust::None, |_| trust::of(&left, store));
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let holder = format!(
            "pid: {}\nhost: {}\nsince: {since}\ncommand: {}\n",
            std::process::id(),
            one_line(&host),
            one_line(command)
        );
        // Without the boot: until the file has been found whole, nothing of it is to be trusted.
        replace(&file, &holder).map_err(trouble)?;
        Ok(Self {
            file,
            store: store.to_owned(),
            holder,
            trust,
            found: Found::default(),
        })
    }

    /// How far the file may be taken as the last holder left it.
    pub(super) const fn trust(&self) -> Trust {
        self.trust
    }

    /// The file was opened; `found` is what reading it beside the work will find.
    pub(super) fn opened(&mut self, found: Found) {
        self.found = found;
        self.note_boot();
    }

    /// The disk failed under the file: whoever opens it next reads it first, also if this process is killed.
    pub(super) fn doubt(&self) {
        // On a disk that takes nothing it stays as it was, and the file is read beside the work.
        let _noted = replace(&self.file, &self.holder);
    }

    /// Lets go after the last connection has closed the file in order.
    pub(super) fn closed(self) {
        match (self.trust, self.found.get()) {
            (_, Some(Err(_))) => self.doubt(),
            // It was not read to the end: the next one begins again.
            (Trust::Killed, None) => self.note_boot(),
            _ => {
                // Where this fails the next one to open it reads the file from end to end.
                let _noted = trust::closed(&self.store).and_then(|line| replace(&self.file, &line));
            }
        }
    }

    fn note_boot(&self) {
        // As above.
        let _noted = replace(&self.file, &format!("{}{}", self.holder, trust::boot_line()));
    }
}

fn replace(file: &File, text: &str) -> io::Result<()> {
    let mut file = file;
    file.set_len(0)?;
    file.seek(SeekFrom::Start(0))?;
    file.write_all(text.as_bytes())
}

fn lock_path(store: &Path) -> PathBuf {
    let mut name = store.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}

/// What the file says.
fn said(file: &mut File) -> io::Result<String> {
    let mut text = String::new();
    file.seek(SeekFrom::Start(0))?;
    file.take(4096).read_to_string(&mut text)?;
    Ok(text)
}

fn nameless(file: &mut File) -> bool {
    said(file).is_ok_and(|text| !text.lines().any(|line| line.starts_with("pid: ")))
}

fn in_use(store: &Path, file: &mut File) -> Fault {
    let read = said(file);
    let text = read.as_deref().unwrap_or_default();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_who_has_let_go_is_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let store = dir.path().join("landfall.db");
        let file = File::create(lock_path(&store)).unwrap();
        file.lock().unwrap();
        // As a program does that was being started when its parent let go.
        let holder = std::thread::spawn(move || {
            std::thread::sleep(NAMELESS_PAUSE * 10);
            drop(file);
        });
        StoreLock::take(&store, "a test", Moment(0)).unwrap();
        holder.join().unwrap();
    }
}
