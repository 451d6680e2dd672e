//! From a location to its store.

use std::sync::Arc;

use super::{Keep, Location, MemoryStore, Options, SqliteStore, Store};
use crate::model::{Fault, Mark};

/// Opens what a workspace asks for. It reads and checks the whole file, so call it off the async threads.
///
/// # Errors
/// The file is in use, damaged, of a newer landfall, or cannot be made.
pub fn open(location: &Location, options: Options) -> Result<Arc<dyn Store>, Fault> {
    Ok(match location {
        Location::Memory => Arc::new(MemoryStore::default()),
        Location::Sqlite(path) => Arc::new(SqliteStore::open(path, options)?),
    })
}

/// Opens what is there to be read, beside a daemon that may have it open. Blocks.
///
/// # Errors
/// There is nothing to read: see [`SqliteStore::open_beside`].
pub fn open_beside(location: &Location, options: &Options) -> Result<Arc<dyn Store>, Fault> {
    Ok(Arc::new(SqliteStore::open_beside(location.file()?, options)?))
}

/// Puts a mark on the time line, beside a daemon that may have the store open. Blocks.
///
/// # Errors
/// See [`SqliteStore::mark_beside`].
pub fn mark_beside(location: &Location, mark: &Mark, options: &Options) -> Result<(), Fault> {
    SqliteStore::mark_beside(location.file()?, mark, options)
}

/// Keeps and forgets values of the daemon's small state, beside a daemon that may have the store open. Blocks.
///
/// # Errors
/// See [`SqliteStore::keep_beside`].
pub fn keep_beside(location: &Location, entries: Vec<Keep>, options: &Options) -> Result<(), Fault> {
    SqliteStore::keep_beside(location.file()?, entries, options)
}
