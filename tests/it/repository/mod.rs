//! The repository checks itself: who imports whom, lengths, files that nothing names, leftovers, the lists of kinds.

mod coverage;
mod files;
mod imports;
mod kinds;
mod supply;
mod tree;

use std::fs;
use std::path::{Path, PathBuf};

/// The project's folder.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below a folder of the project, by its path in the project, in order. What is built, and what git keeps
/// for itself, is left out.
pub(crate) fn files_below(folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
        for entry in entries.flatten() {
            if entry.file_name() == "target" || entry.file_name() == ".git" {
                continue;
            }
            if entry.path().is_file() {
                found.push(entry.path().strip_prefix(root()).unwrap().to_owned());
            } else {
                folders.push(entry.path());
            }
        }
    }
    found.sort();
    found
}

/// The Rust files below `src` and `tests`.
fn rust_files() -> Vec<PathBuf> {
    let mut found = files_below("src");
    found.extend(files_below("tests"));
    found.retain(|path| path.extension().is_some_and(|e| e == "rs"));
    found
}

fn text(path: &Path) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}
