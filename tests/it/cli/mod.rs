//! Commands, run as their users run them.

mod completions;
mod diff;
mod explain;
mod gate;
mod help;
mod history;
mod init;
mod plan;
mod reference;
mod report;
mod schema;
mod usage;
mod validator;
mod written;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The command itself, without what this machine's environment would change.
pub(crate) fn landfall(dir: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_landfall"))
        .args(arguments)
        .current_dir(dir)
        .env_remove("LANDFALL_LOG")
        .env("NO_COLOR", "1")
        .output()
        .expect("landfall starts")
}

pub(crate) fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

pub(crate) fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("UTF-8")
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A file that is generated and committed: compared, or written where `UPDATE=1` asks for it.
fn committed(path: &str, text: &str) {
    let file = root().join(path);
    if std::env::var_os("UPDATE").is_some_and(|value| value == "1") {
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("folders");
        std::fs::write(&file, text).expect("written");
    }
    let found = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        found == text,
        "{path} is not what the code says: run the tests with UPDATE=1 and commit it"
    );
}
