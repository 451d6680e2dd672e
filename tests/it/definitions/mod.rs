//! Definitions: what loads, what does not, and what is said of it.

mod bad;
mod good;
mod hostile;
mod kinds;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use landfall::definition::{Environment, LoadOptions, Loaded, load_expanded};

/// An environment of the test's own; files are real.
#[derive(Default)]
struct Variables(BTreeMap<String, String>);

impl Variables {
    fn of(entries: &[(&str, &str)]) -> Self {
        Self(
            entries
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect(),
        )
    }
}

impl Environment for Variables {
    fn variable(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned()
    }

    fn file(&self, path: &Path) -> Result<String, String> {
        fs::read_to_string(path).map_err(|_| String::from("no such file"))
    }
}

/// What every case may refer to.
fn usual() -> Variables {
    Variables::of(&[("API_KEY", "k3y-of-the-api"), ("SHORT", "abc"), ("EMPTY", "")])
}

fn cases(kind: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/cases/definitions")
        .join(kind)
}

fn load_dir(dir: &Path) -> Loaded {
    let options = LoadOptions {
        dir: Some(dir.to_owned()),
        ..LoadOptions::default()
    };
    load_expanded(&options, &usual())
}

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a temporary folder");
    for (name, text) in files {
        write(dir.path(), name, text.as_bytes());
    }
    dir
}

fn write(dir: &Path, name: &str, bytes: &[u8]) {
    let path = dir.join(name);
    fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
    fs::write(path, bytes).expect("a file");
}

/// What is said of these files.
fn said(files: &[(&str, &str)]) -> String {
    let dir = folder(files);
    let loaded = load_dir(dir.path());
    loaded.problems.render(&loaded.sources, false)
}
