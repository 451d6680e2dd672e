//! What is to be loaded, and what that gave.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use super::files;
use super::probe::Workspace;
use crate::diag::{Problems, Sources};
use crate::redact::Redactor;

/// Which workspace to load, and what the command line says of it.
#[derive(Clone, Debug, Default)]
pub struct LoadOptions {
    /// The folder with `landfall.yaml`; `None` looks for the nearest one upwards from the current folder.
    pub dir: Option<PathBuf>,
    /// `--var NAME=VALUE`.
    pub vars: Vec<(String, String)>,
}

/// What loading gave.
#[derive(Debug)]
pub struct Loaded {
    /// The workspace; `None` where there is an error.
    pub workspace: Option<Workspace>,
    /// Everything that is wrong, or will not go as written.
    pub problems: Problems,
    /// The files that problems point into.
    pub sources: Arc<Sources>,
    /// Knows every secret that was read, also where the workspace did not load.
    pub redactor: Arc<Redactor>,
    /// The files that secrets were looked for in.
    pub secret_files: Vec<PathBuf>,
    pub(super) expanded: Value,
}

impl Loaded {
    /// The definitions with references resolved, defaults and overrides in place and secrets masked: `workspace`, and
    /// `probes` by file. To be written with `serde_yaml`. Null where [`load_expanded`](super::load_expanded) was not asked.
    #[must_use]
    pub const fn expanded(&self) -> &Value {
        &self.expanded
    }
}

/// The nearest folder at or above `from` that has a `landfall.yaml`.
#[must_use]
pub fn discover(from: &Path) -> Option<PathBuf> {
    from.ancestors()
        .find(|folder| folder.join(files::WORKSPACE).is_file())
        .map(Path::to_owned)
}
