//! `landfall runs`: the runs on record, also while a daemon writes more.

use std::path::PathBuf;

use super::history::{self, Filters, History};
use super::{Exit, output};
use crate::diag::escape;
use crate::model::{Class, RunRecord};
use crate::report::line;
use crate::store::{Order, RunFilter};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    filters: Filters,
    /// Only these classes, as last amended
    #[arg(long, value_name = "CLASS", value_parser = history::class)]
    class: Vec<Class>,
    /// At most so many
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
    /// The earliest first; else the latest
    #[arg(long)]
    oldest_first: bool,
    /// What goes to standard output
    #[arg(long, value_enum, default_value_t = Form::Text)]
    format: Form,
}

/// How runs are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    /// A line for people
    Text,
    /// A record a line, as `run --format ndjson` prints it
    Ndjson,
}

/// Runs the command.
pub(super) async fn run(dir: Option<PathBuf>, args: Args) -> Exit {
    match print(dir, args).await {
        Ok(()) => Exit::Fine,
        Err(exit) => exit,
    }
}

async fn print(dir: Option<PathBuf>, args: Args) -> Result<(), Exit> {
    let history = History::open(dir, &args.filters, "landfall runs").await?;
    let (form, mut left) = (args.format, args.limit);
    let mut pages = history.pages(RunFilter {
        classes: args.class,
        order: if args.oldest_first {
            Order::Oldest
        } else {
            Order::Newest
        },
        limit: args.limit,
        ..history.filter()
    });
    while left != Some(0) {
        let mut runs = pages.next().await?;
        if runs.is_empty() {
            break;
        }
        if let Some(left) = &mut left {
            runs.truncate(*left as usize);
            *left = left.saturating_sub(u32::try_from(runs.len()).unwrap_or(u32::MAX));
        }
        let text: String = runs.iter().map(|run| form.line(run)).collect();
        let read_on = output::piece(&text).map_err(|why| {
            output::error(&why);
            Exit::Usage
        })?;
        if !read_on {
            break;
        }
    }
    history.close().await
}

impl Form {
    fn line(self, run: &RunRecord) -> String {
        match self {
            Self::Ndjson => line(run),
            Self::Text => text(run),
        }
    }
}

/// Tick, class, series, how long the outcome took, why, id.
fn text(run: &RunRecord) -> String {
    let took = run
        .layers
        .outcome
        .seconds
        .map_or_else(|| String::from("-"), |seconds| format!("{:.3}s", seconds.1));
    let mut said = format!(
        "{}  {:<10}  {}/{}/{}  {took}  {}",
        run.tick,
        run.class.word(),
        run.probe,
        run.route,
        run.input,
        run.id
    );
    if !run.reason.is_empty() {
        said.push_str("  ");
        said.push_str(&run.reason);
    }
    escape(&said) + "\n"
}
