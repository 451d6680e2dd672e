//! `landfall diff`: where two runs first part.

use std::path::PathBuf;

use super::history::{Filters, History};
use super::pick::pick;
use super::told::{Answer, Output};
use super::{Exit, output};
use crate::model::{Class, Moment, RunRecord};
use crate::report::Style;
use crate::report::twins::{self, Chosen, RECENT, Twins, other_route, twins};
use crate::store::{Order, RunFilter};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The run: its id, the beginning of one, or its token
    #[arg(value_name = "RUN")]
    run: String,
    /// The run that it is held against; else the other route at the same tick, or the last good run
    #[arg(value_name = "TWIN")]
    twin: Option<String>,
    /// `sqlite:PATH`, instead of the workspace's store; several are read as one
    #[arg(long, value_name = "STORE")]
    store: Vec<String>,
    #[command(flatten)]
    output: Output,
}

/// Runs the command.
pub(super) async fn run(dir: Option<PathBuf>, args: Args) -> Exit {
    match diff(dir, args).await {
        Ok(exit) | Err(exit) => exit,
    }
}

async fn diff(dir: Option<PathBuf>, args: Args) -> Result<Exit, Exit> {
    let mut filters = Filters::default();
    filters.scope.store = args.store;
    let history = History::open(dir, &filters, "landfall diff").await?;
    let run = pick(&history, &args.run).await?;
    let (twin, chosen) = match &args.twin {
        Some(named) => (pick(&history, named).await?, Chosen::Named),
        None => find(&history, &run).await?,
    };
    if twin.id == run.id {
        output::error("both are the same run: name two");
        return Err(Exit::Usage);
    }
    let recent = good(&history, &run, None, Order::Newest, RECENT).await?;
    history.close().await?;
    let answer = twins(&run, &twin, chosen, &recent);
    args.output.tell(&answer).map_err(|why| {
        output::error(&why);
        Exit::Usage
    })?;
    Ok(Exit::Fine)
}

/// The twin that tells most; where there is none, that is said.
async fn find(history: &History, run: &RunRecord) -> Result<(RunRecord, Chosen), Exit> {
    let found = twin(history, run).await?;
    found.ok_or_else(|| {
        output::error(&crate::diag::escape(&format!(
            "run {} has no twin: no other route fired at its tick, and no run of {}/{} was delivered; name one: `landfall diff {} TWIN`",
            run.id, run.probe, run.route, run.id
        )));
        Exit::Undecided
    })
}

/// The other route at the same tick, a good one rather than a bad one; else the last good run on the same route, or the
/// first.
pub(super) async fn twin(history: &History, run: &RunRecord) -> Result<Option<(RunRecord, Chosen)>, Exit> {
    let tick = Moment::from_rfc3339(&run.tick);
    if let Some(tick) = tick {
        let mut pages = history.pages(RunFilter {
            probes: vec![run.probe.clone()],
            inputs: vec![run.input.clone()],
            since: Some(tick),
            // A record tells its tick to the millisecond.
            until: Some(Moment(tick.0.saturating_add(1_000_000))),
            order: Order::Oldest,
            ..RunFilter::default()
        });
        let same = pages.next().await?;
        let at_tick = same.iter().filter(|other| other.tick == run.tick);
        let best = other_route(run, at_tick.map(|o| (o.id, o.route.as_str(), o.class)));
        if let Some(twin) = same.into_iter().find(|other| Some(other.id) == best) {
            return Ok(Some((twin, Chosen::OtherRoute)));
        }
    }
    let not_itself = |runs: Vec<RunRecord>| runs.into_iter().find(|other| other.id != run.id);
    if let Some(twin) = not_itself(good(history, run, tick, Order::Newest, 2).await?) {
        return Ok(Some((twin, Chosen::LastGood)));
    }
    let nearest = not_itself(good(history, run, None, Order::Oldest, 2).await?);
    Ok(nearest.map(|twin| (twin, Chosen::NearestGood)))
}

/// Good runs on the same route with the same input.
pub(super) async fn good(
    history: &History,
    run: &RunRecord,
    until: Option<Moment>,
    order: Order,
    limit: u32,
) -> Result<Vec<RunRecord>, Exit> {
    let filter = RunFilter {
        probes: vec![run.probe.clone()],
        routes: vec![run.route.clone()],
        inputs: vec![run.input.clone()],
        classes: vec![Class::Delivered],
        until,
        order,
        limit: Some(limit),
        ..RunFilter::default()
    };
    let mut runs = history.pages(filter).next().await?;
    runs.truncate(limit as usize);
    Ok(runs)
}

impl Answer for Twins {
    fn text(&self, style: Style) -> String {
        twins::text(self, style)
    }

    fn markdown(&self) -> String {
        twins::markdown(self)
    }

    fn sentence(&self) -> (String, String) {
        (
            format!("diff {} {}", self.run.id, self.twin.id),
            self.sentence.clone(),
        )
    }
}
