//! `landfall schema`.

use super::{Exit, args};

/// Runs the command.
pub(super) fn run(_: &args::Schema) -> Exit {
    Exit::Usage
}
