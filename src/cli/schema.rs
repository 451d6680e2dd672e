//! `landfall schema`.

use super::args::SchemaOf;
use super::{Exit, args, output};
use crate::definition::schema::SchemaKind;

/// Runs the command.
pub(super) fn run(args: &args::Schema) -> Exit {
    let kind = match args.of {
        SchemaOf::Probe => SchemaKind::Probe,
        SchemaOf::Workspace => SchemaKind::Workspace,
        SchemaOf::Results => SchemaKind::Results,
    };
    output::data(&kind.text());
    Exit::Fine
}
