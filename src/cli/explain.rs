//! `landfall explain`: what separates bad runs from good.

use std::path::PathBuf;
use std::time::Duration;

use super::history::filters::Scope;
use super::history::{self, Filters, History};
use super::sweep::{known, sweep};
use super::told::{Answer, Output};
use super::{Exit, output};
use crate::model::{Class, Lapse};
use crate::report::Style;
use crate::report::causes::{self, Bad, Causes, Collector, Outcome, Question};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The probe
    #[arg(value_name = "PROBE")]
    probe: String,
    /// Only these classes count as bad, against delivered runs; else all that are not delivered
    #[arg(long, value_name = "CLASS", value_parser = history::class, value_delimiter = ',', conflicts_with = "slow")]
    bad: Vec<Class>,
    /// Of runs that arrived the late ones count as bad, and with a time those that took longer, such as `--slow=2s`
    #[arg(long, value_name = "TIME", value_parser = time, num_args = 0..=1, require_equals = true)]
    slow: Option<Option<Duration>>,
    /// What shuffles are drawn from: the same seed gives the same answer
    #[arg(long, value_name = "S", default_value_t = 0)]
    seed: u64,
    #[command(flatten)]
    scope: Scope,
    #[command(flatten)]
    output: Output,
}

fn time(text: &str) -> Result<Duration, String> {
    Lapse::parse(text).map(|lapse| lapse.0)
}

/// Runs the command.
pub(super) async fn run(dir: Option<PathBuf>, args: Args) -> Exit {
    match explain(dir, args).await {
        Ok(exit) | Err(exit) => exit,
    }
}

async fn explain(dir: Option<PathBuf>, args: Args) -> Result<Exit, Exit> {
    if args.bad.contains(&Class::Delivered) {
        output::error(
            "`--bad delivered`: delivered runs are what bad ones are compared with; name other classes",
        );
        return Err(Exit::Usage);
    }
    let bad = match (&args.slow, args.bad.is_empty()) {
        (Some(limit), _) => Bad::Slow(limit.map(|limit| limit.as_secs_f64())),
        (None, true) => Bad::NotDelivered,
        (None, false) => Bad::Classes(args.bad.iter().copied().collect()),
    };
    let filters = Filters::of(vec![args.probe.clone()], args.scope);
    let history = History::open(dir, &filters, "landfall explain").await?;
    let mut collector = Collector::new(Question { bad, seed: args.seed });
    sweep(&history, history.filter(), |run| collector.add(run)).await?;
    if collector.runs() == 0 {
        known(&history, &args.probe).await?;
    }
    let marks = history.marks().await?;
    history.close().await?;
    let answer = collector.finish(&marks);
    args.output.tell(&answer).map_err(|why| {
        output::error(&why);
        Exit::Usage
    })?;
    Ok(match answer.outcome {
        Outcome::Causes | Outcome::Nothing | Outcome::NoneBad => Exit::Fine,
        Outcome::TooFew | Outcome::AllBad | Outcome::NoRuns => Exit::Undecided,
    })
}

impl Answer for Causes {
    fn text(&self, style: Style) -> String {
        causes::text(self, style)
    }

    fn markdown(&self) -> String {
        causes::markdown(self)
    }

    fn sentence(&self) -> (String, String) {
        (
            format!("explain {}", self.probes.join(", ")),
            self.sentence.clone(),
        )
    }
}
