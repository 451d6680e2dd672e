//! `landfall schema`.

use super::args::SchemaOf;
use super::{Exit, args, output};
use crate::alert;
use crate::definition::schema::{SchemaKind, of_output, text};
use crate::{report, web};

/// Runs the command.
pub(super) fn run(args: &args::Schema) -> Exit {
    output::data(&match args.of {
        SchemaOf::Probe => SchemaKind::Probe.text(),
        SchemaOf::Workspace => SchemaKind::Workspace.text(),
        SchemaOf::Results => text(&of_output(
            report::schema(),
            "results",
            "What landfall run --format json prints",
        )),
        SchemaOf::Plan => text(&of_output(
            report::plan::schema(),
            "plan",
            "What landfall plan --format json prints",
        )),
        SchemaOf::Causes => text(&of_output(
            report::schema_of::<report::causes::Causes>(),
            "causes",
            "What landfall explain --format json prints",
        )),
        SchemaOf::Paths => text(&of_output(
            report::schema_of::<report::paths::Paths>(),
            "paths",
            "What landfall paths --format json prints",
        )),
        SchemaOf::Twins => text(&of_output(
            report::schema_of::<report::twins::Twins>(),
            "twins",
            "What landfall diff --format json prints",
        )),
        SchemaOf::Report => text(&of_output(
            report::schema_of::<report::series::History>(),
            "report",
            "What landfall report --format json prints",
        )),
        SchemaOf::Comparison => text(&of_output(
            report::schema_of::<report::compare::Explained>(),
            "comparison",
            "What landfall compare --format json prints",
        )),
        SchemaOf::Alert => text(&of_output(
            alert::notice::schema(),
            "alert",
            "What landfall tells its destinations of an alert",
        )),
        SchemaOf::Openapi => text(&web::document()),
    });
    Exit::Fine
}
