//! A store that ends with the process.

/// Keeps everything in memory; for `--store memory` and tests.
#[derive(Debug, Default)]
pub struct MemoryStore {}
