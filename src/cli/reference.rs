//! `landfall reference`.

use super::{Exit, args};

/// Runs the command.
pub(super) fn run(_: &args::Reference) -> Exit {
    Exit::Usage
}
