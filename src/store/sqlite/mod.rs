//! The store of one process: an SQLite file.

/// An SQLite file in WAL mode with one writer thread.
#[derive(Debug)]
pub struct SqliteStore {}
