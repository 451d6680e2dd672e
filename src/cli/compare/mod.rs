//! `landfall compare`: routes against each other, fired for it or on record, and two result files.

mod arms;
mod asked;
mod contestants;
mod held;
mod live;
mod results;
mod stored;
mod watch;

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::history::filters::Scope;
use super::{Exit, args, output};
use crate::compare::Metric;
use crate::report::compare::Explained;
use crate::report::{self, Format};
use asked::{Margin, confidence, margin, metric};

/// Ticks that are fired at most, where nothing else is said.
const CAP: u64 = 300;
/// Between ticks, where nothing else is said.
const EVERY: Duration = Duration::from_secs(1);

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A probe; or two result files of `run` (json or ndjson), the first being the baseline
    #[arg(value_name = "PROBE|FILE", required = true, num_args = 1..=2)]
    what: Vec<String>,
    /// The route that the others are held against; the probe's first where it is left out
    #[arg(long, value_name = "ROUTE")]
    baseline: Option<String>,
    /// Compare stored runs, paired by tick, instead of firing
    #[arg(long)]
    from_store: bool,
    /// What the comparison is about
    #[arg(long, value_name = "METRIC", value_parser = metric, default_value = "success")]
    metric: Metric,
    /// Let the exit code rest on this metric too; may be given several times
    #[arg(long, value_name = "METRIC", value_parser = metric)]
    gate: Vec<Metric>,
    /// The loss that does not matter, as a net share of ticks: 0.05 or 5% for the metric, latency=10% for a gate; 5 points
    /// where it is left out, 10 of latency
    #[arg(long, value_name = "[METRIC=]SHARE", value_parser = margin)]
    margin: Vec<Margin>,
    /// How sure all verdicts together are to be
    #[arg(long, value_name = "SHARE", value_parser = confidence, default_value = "95%")]
    confidence: f64,
    /// How much sooner is no difference of latency; a tenth of the baseline's median where it is left out
    #[arg(long, value_name = "TIME", value_parser = asked::time)]
    dead_zone: Option<Duration>,
    /// Look once, when so many ticks count, instead of after every tick
    #[arg(long, value_name = "N", conflicts_with = "cap", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    fixed: Option<u64>,
    /// Fire at most so many ticks; 300 where it is left out
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    cap: Option<u64>,
    /// Fire for at most so long
    #[arg(long = "for", id = "for_", value_name = "TIME", value_parser = args::some_time)]
    for_: Option<Duration>,
    /// Time between ticks; 1s where it is left out
    #[arg(long, value_name = "TIME", value_parser = args::some_time)]
    every: Option<Duration>,
    /// Pause between the runs of a tick, where the way filters texts that come again
    #[arg(long, value_name = "TIME", value_parser = args::some_time)]
    route_gap: Option<Duration>,
    /// Fire the baseline twice at each tick: against itself it must not differ
    #[arg(long)]
    noise_arm: bool,
    /// Draw the order of the routes from this seed; it is printed
    #[arg(long, value_name = "SEED")]
    seed: Option<u64>,
    /// Judge at the end of `within`: nothing is late, what is not there is lost
    #[arg(long)]
    no_grace: bool,
    /// Skip `cleanup`: what the canaries made stays
    #[arg(long)]
    keep_data: bool,
    /// Replace a value of `vars`
    #[arg(long, value_name = "KEY=VALUE", value_parser = args::pair)]
    var: Vec<(String, String)>,
    /// Listen for callbacks here instead of the workspace's `listen`
    #[arg(long, value_name = "ADDR")]
    listen: Option<std::net::SocketAddr>,
    /// How the outside reaches the listener
    #[arg(long, value_name = "URL", value_parser = args::public_url)]
    public_url: Option<String>,
    #[command(flatten)]
    scope: Scope,
    #[command(flatten)]
    output: args::Output,
}

/// Runs the command.
pub(super) async fn run(dir: Option<PathBuf>, args: Args) -> Exit {
    let prepared = args.check().and_then(|()| output::prepare(&args.output));
    if let Err(message) = prepared {
        output::error(&message);
        return Exit::Usage;
    }
    if let [first, second] = args.what.as_slice() {
        return results::run(&args, Path::new(first), Path::new(second));
    }
    if args.from_store {
        return stored::run(dir, &args).await;
    }
    live::run(dir, args).await
}

/// Tells what came out, and with which exit code; of runs that are held a file for a browser shows the views.
fn tell(output: &args::Output, told: &Explained, held: &held::Held) -> Exit {
    let render = |format, style| match format {
        Format::Html => report::compare::in_html(told, &held.runs(), held.more()),
        other => report::compare::render(told, other, style),
    };
    if let Err(message) = output::told(output.format, &output.out, render) {
        output::error(&message);
        return Exit::Usage;
    }
    match told.comparison.exit_code() {
        0 => Exit::Fine,
        1 => Exit::Failed,
        4 => Exit::Blind,
        _ => Exit::Undecided,
    }
}
