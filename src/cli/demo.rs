//! `landfall demo`.

use super::{Exit, args};

/// Runs the command.
pub(super) async fn run(_: args::Demo) -> Exit {
    Exit::Usage
}
