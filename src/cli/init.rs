//! `landfall init`.

use super::{Exit, args};

/// Runs the command.
pub(super) fn run(_: &args::Init) -> Exit {
    Exit::Usage
}
