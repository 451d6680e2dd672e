//! `landfall check`: loads and validates; with `--online` also arms and tests every channel.

use std::path::PathBuf;

use super::{Exit, args, output, start};

/// Runs the command.
pub(super) async fn run(dir: Option<PathBuf>, args: args::Check) -> Exit {
    let Some(workspace) = start::workspace(dir, &args.var) else {
        return Exit::Usage;
    };
    output::line(&format!("{} probes, no error", workspace.probes.len()));
    Exit::Fine
}
