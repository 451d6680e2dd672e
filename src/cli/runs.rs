//! `landfall runs`: the runs on record, also while a daemon writes more.

use std::path::PathBuf;

use super::history::{self, When};
use super::{Exit, args, output};
use crate::clock::{Clock as _, SystemClock};
use crate::diag::escape;
use crate::model::{Class, RunRecord};
use crate::report::line;
use crate::store::{self, Options, Order, RunFilter};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only runs whose tick is not before this: 2h (ago), 2026-11-22, 2026-11-22T10:00:00Z
    #[arg(long, value_name = "TIME", value_parser = When::parse)]
    since: Option<When>,
    /// Only runs whose tick is before this
    #[arg(long, value_name = "TIME", value_parser = When::parse)]
    until: Option<When>,
    /// Only these probes
    #[arg(long, value_name = "PROBE")]
    probe: Vec<String>,
    /// Only these routes
    #[arg(long, value_name = "ROUTE")]
    route: Vec<String>,
    /// Only these inputs
    #[arg(long, value_name = "INPUT")]
    input: Vec<String>,
    /// Only these classes, as last amended
    #[arg(long, value_name = "CLASS", value_parser = history::class)]
    class: Vec<Class>,
    /// Only runs with all of these labels
    #[arg(long, value_name = "KEY=VALUE", value_parser = args::pair)]
    label: Vec<(String, String)>,
    /// At most so many
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
    /// The earliest first; else the latest
    #[arg(long)]
    oldest_first: bool,
    /// What goes to standard output
    #[arg(long, value_enum, default_value_t = Form::Text)]
    format: Form,
    /// `sqlite:PATH`, instead of the workspace's store
    #[arg(long, value_name = "STORE")]
    store: Option<String>,
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
    let place = history::place(dir, args.store.as_deref())?;
    let now = SystemClock::start().now();
    let options = Options::new(now, "landfall runs");
    let store = history::blocking(move || store::open_beside(&place, &options)).await?;
    let form = args.format;
    let mut left = args.limit;
    let mut filter = RunFilter {
        probes: args.probe,
        routes: args.route,
        inputs: args.input,
        classes: args.class,
        labels: args.label,
        since: args.since.map(|when| when.moment(now)),
        until: args.until.map(|when| when.moment(now)),
        order: if args.oldest_first {
            Order::Oldest
        } else {
            Order::Newest
        },
        after: None,
        limit: None,
    };
    loop {
        filter.limit = left;
        let page = store
            .page(filter.clone())
            .await
            .map_err(|fault| history::failed(&fault))?;
        left = left.map(|left| left.saturating_sub(u32::try_from(page.runs.len()).unwrap_or(u32::MAX)));
        let text: String = page.runs.iter().map(|run| form.line(run)).collect();
        let read_on = output::piece(&text).map_err(|why| {
            output::error(&why);
            Exit::Usage
        })?;
        filter.after = page.next;
        if !read_on || filter.after.is_none() || left == Some(0) {
            break;
        }
    }
    store.shutdown().await.map_err(|fault| history::failed(&fault))
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
