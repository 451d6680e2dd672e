//! `landfall show`: one run's timeline, from the store.

use std::path::PathBuf;

use super::history::{Filters, History, failed};
use super::pick::pick;
use super::{Exit, output};
use crate::model::RunRecord;
use crate::report;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The run: its id, the beginning of one, or its token
    #[arg(value_name = "RUN")]
    run: String,
    /// `sqlite:PATH`, instead of the workspace's store; several are read as one
    #[arg(long, value_name = "STORE")]
    store: Vec<String>,
    /// What goes to standard output
    #[arg(long, value_enum, default_value_t = Form::Text)]
    format: Form,
}

/// How a run is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    /// Its timeline
    Text,
    /// Its record, as `run --format json` has it
    Json,
    /// The same on one line, and the records that amendments replaced, oldest first, on lines of their own
    Ndjson,
}

/// Runs the command.
pub(super) async fn run(dir: Option<PathBuf>, args: Args) -> Exit {
    match show(dir, args).await {
        Ok(()) => Exit::Fine,
        Err(exit) => exit,
    }
}

async fn show(dir: Option<PathBuf>, args: Args) -> Result<(), Exit> {
    let mut filters = Filters::default();
    filters.scope.store = args.store;
    let history = History::open(dir, &filters, "landfall show").await?;
    let run = pick(&history, &args.run).await?;
    let mut replaced = Vec::new();
    if args.format == Form::Ndjson {
        for store in history.stores() {
            replaced.extend(store.replaced(run.id).await.map_err(|fault| failed(&fault))?);
        }
    }
    history.close().await?;
    output::put(&args.format.render(&run, &replaced)).map_err(|why| {
        output::error(&why);
        Exit::Usage
    })
}

impl Form {
    fn render(self, run: &RunRecord, replaced: &[RunRecord]) -> String {
        match self {
            Self::Text => report::timeline(run, output::style()),
            Self::Json => report::pretty(run),
            Self::Ndjson => replaced.iter().chain([run]).map(report::line).collect(),
        }
    }
}
