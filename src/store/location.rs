//! Where records are kept.

use std::path::{Path, PathBuf};

use crate::model::{Fault, Reason};

/// Which store a workspace asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// Nothing survives the process.
    Memory,
    /// A file.
    Sqlite(PathBuf),
}

impl Location {
    /// The file.
    ///
    /// # Errors
    /// It is in memory, and another process has no way to it.
    pub(super) fn file(&self) -> Result<&Path, Fault> {
        match self {
            Self::Sqlite(path) => Ok(path),
            Self::Memory => Err(Fault::new(
                Reason::Input,
                "the workspace keeps its records in memory (`store: memory`), where no other command finds them: name a file, such as `store: sqlite:landfall.db`",
            )),
        }
    }

    /// Reads `memory` or `sqlite:PATH`; a relative path starts at `root`.
    ///
    /// # Errors
    /// What it is instead, and what was expected.
    pub fn parse(text: &str, root: &Path) -> Result<Self, Fault> {
        match text.split_once(':') {
            None if text == "memory" => Ok(Self::Memory),
            Some(("sqlite", path)) if !path.is_empty() => Ok(Self::Sqlite(root.join(path))),
            _ => Err(Fault::new(
                Reason::Input,
                format!("`{text}` is no store: write `memory` or `sqlite:PATH`"),
            )),
        }
    }
}
