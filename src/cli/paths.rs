//! `landfall paths`: the ways that runs took, and how each ended.

use std::path::PathBuf;

use super::history::filters::Scope;
use super::history::{Filters, History};
use super::sweep::{known, sweep};
use super::told::{Answer, Output};
use super::{Exit, output};
use crate::report::Style;
use crate::report::paths::{self, PathCollector, Paths};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The probe
    #[arg(value_name = "PROBE")]
    probe: String,
    #[command(flatten)]
    scope: Scope,
    #[command(flatten)]
    output: Output,
}

/// Runs the command.
pub(super) async fn run(dir: Option<PathBuf>, args: Args) -> Exit {
    match paths(dir, args).await {
        Ok(exit) | Err(exit) => exit,
    }
}

async fn paths(dir: Option<PathBuf>, args: Args) -> Result<Exit, Exit> {
    let filters = Filters::of(vec![args.probe.clone()], args.scope);
    let history = History::open(dir, &filters, "landfall paths").await?;
    let mut collector = PathCollector::default();
    sweep(&history, history.filter(), |run| collector.add(run)).await?;
    if collector.runs() == 0 {
        known(&history, &args.probe).await?;
    }
    history.close().await?;
    let answer = collector.finish();
    args.output.tell(&answer).map_err(|why| {
        output::error(&why);
        Exit::Usage
    })?;
    Ok(if answer.runs == 0 {
        Exit::Undecided
    } else {
        Exit::Fine
    })
}

impl Answer for Paths {
    fn text(&self, style: Style) -> String {
        paths::text(self, style)
    }

    fn markdown(&self) -> String {
        paths::markdown(self)
    }

    fn sentence(&self) -> (String, String) {
        (format!("paths {}", self.probes.join(", ")), self.sentence.clone())
    }

    fn parts(&self) -> Vec<serde_json::Value> {
        let one = |path| serde_json::to_value(path).unwrap_or_default();
        self.paths.iter().map(one).collect()
    }
}
