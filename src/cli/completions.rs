//! `landfall completions`.

use clap::CommandFactory as _;

use super::{Exit, args, output};

/// Runs the command.
pub(super) fn run(args: &args::Completions) -> Exit {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut args::Args::command(), "landfall", &mut text);
    output::data(&String::from_utf8_lossy(&text));
    Exit::Fine
}
