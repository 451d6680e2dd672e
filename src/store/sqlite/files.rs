//! The store's file and its folder: made for nobody but their owner, whatever the umask.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::model::{Fault, Reason};

/// The one name of the store's file, links resolved, so that two ways to it meet at one lock. Makes the folder.
pub(super) fn resolve(path: &Path) -> Result<PathBuf, Fault> {
    let name = path.file_name().ok_or_else(|| {
        Fault::new(
            Reason::Store,
            format!(
                "the store `{}` is no file name: name a file, such as `sqlite:landfall.db`",
                path.display()
            ),
        )
    })?;
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    make_folder(folder).map_err(|e| trouble("make the folder of", path, &e))?;
    let folder = folder
        .canonicalize()
        .map_err(|e| trouble("find the folder of", path, &e))?;
    let whole = folder.join(name);
    match whole.canonicalize() {
        Ok(target) => Ok(target),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(whole),
        Err(e) => Err(trouble("find", path, &e)),
    }
}

/// Makes the file, empty, where there is none. SQLite gives its `-wal` and `-shm` files the rights of this one.
pub(super) fn make_file(path: &Path) -> Result<(), Fault> {
    let made = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    match made {
        Ok(file) => file
            .set_permissions(Permissions::from_mode(0o600))
            .and_then(|()| file.sync_all())
            // The name itself lies in the folder, which has to reach the disk too.
            .and_then(|()| File::open(path.parent().unwrap_or(Path::new("/")))?.sync_all())
            .map_err(|e| trouble("make", path, &e)),
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => is_file(path),
        Err(e) => Err(trouble("make", path, &e)),
    }
}

fn is_file(path: &Path) -> Result<(), Fault> {
    let about = fs::metadata(path).map_err(|e| trouble("open", path, &e))?;
    if about.is_file() {
        return Ok(());
    }
    Err(Fault::new(
        Reason::Store,
        format!(
            "the store `{}` is not a file: name one under `store:`",
            path.display()
        ),
    ))
}

fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.as_os_str().is_empty() || folder.is_dir() {
        return Ok(());
    }
    if let Some(parent) = folder.parent() {
        make_folder(parent)?;
    }
    match DirBuilder::new().mode(0o700).create(folder) {
        Ok(()) => fs::set_permissions(folder, Permissions::from_mode(0o700)),
        // Another process was quicker; its folder serves.
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        Err(e) => Err(e),
    }
}

fn trouble(doing: &str, path: &Path, e: &io::Error) -> Fault {
    Fault::new(
        Reason::Store,
        format!(
            "cannot {doing} the store `{}`: {e}; name a file that can be written under `store:`, or run with `--store memory`",
            path.display()
        ),
    )
}
