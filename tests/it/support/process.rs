//! The real binary, in an environment that holds nothing but what a test names.

use std::path::Path;
use std::process::{Command, Output};

/// `landfall` in a folder, with these variables and no others.
pub(crate) fn landfall(folder: &Path, variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_landfall"));
    command.current_dir(folder).env_clear().envs(variables.iter().copied());
    command.stdin(std::process::Stdio::null());
    command
}

/// Runs it to its end; the result is its exit code, stdout and stderr.
pub(crate) fn ended(mut command: Command) -> (i32, String, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap_or(-1), text(stdout), text(stderr))
}
