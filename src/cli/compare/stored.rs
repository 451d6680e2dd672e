//! The same of runs on record, paired by the ticks at which they were fired.

use std::path::PathBuf;
use std::sync::Arc;

use super::super::history::{Filters, History};
use super::super::sweep::sweep;
use super::super::{Exit, output};
use super::Args;
use super::arms::noise_name;
use super::contestants::{Contestants, choose};
use super::held::Held;
use crate::compare::{Comparison, End, Experiment, Source};
use crate::definition::{LoadOptions, ProcessEnvironment, load};
use crate::model::RunRecord;
use crate::report::Format;
use crate::report::compare::{Explained, Inquiry};

/// Reads what is asked for and tells.
pub(super) async fn run(dir: Option<PathBuf>, args: &Args) -> Exit {
    match compared(dir, args).await {
        Ok(exit) | Err(exit) => exit,
    }
}

async fn compared(dir: Option<PathBuf>, args: &Args) -> Result<Exit, Exit> {
    let probe = &args.what[0];
    // Which routes there are is found among all of them.
    let mut scope = args.scope.clone();
    (scope.route, scope.input) = (Vec::new(), Vec::new());
    let history = History::open(
        dir.clone(),
        &Filters::of(vec![probe.clone()], scope),
        "landfall compare",
    )
    .await?;
    let (routes, inputs) = names(&history).await?;
    if routes.is_empty() {
        output::error(&format!(
            "there are no runs of `{probe}` on record that these options let through"
        ));
        return Ok(Exit::Undecided);
    }
    let chosen = contestants(dir, args, (routes, inputs)).map_err(|message| {
        output::error(&message);
        Exit::Usage
    })?;
    let (among, given) = (chosen.routes.clone(), chosen.inputs.clone());
    let compares = |run: &RunRecord| {
        (among.contains(&run.route) || run.route == chosen.baseline) && given.contains(&run.input)
    };
    let setup = args.setup(probe, &chosen.baseline, chosen.routes, chosen.inputs);
    let mut experiment = Experiment::new(setup, false).map_err(|error| {
        output::error(&error.to_string());
        Exit::Usage
    })?;
    let mut pages = history.pages(history.filter());
    let mut held = Held::default();
    let drawn = args.output.wants(Format::Html);
    loop {
        let page = pages.next().await?;
        if page.is_empty() {
            break;
        }
        for run in page {
            experiment.take(&run);
            if drawn && compares(&run) {
                held.take(Arc::new(run));
            }
        }
    }
    for skip in history.skips().await? {
        experiment.skip(&skip);
    }
    for span in history.skip_spans().await? {
        // A span is of one route: those of the baseline stand for the ticks.
        if span.route == chosen.baseline {
            experiment.skip_ticks(span.reason, span.ticks);
        }
    }
    experiment.finish();
    let comparison = experiment.comparison(Source::Store, End::Read).map_err(|error| {
        output::error(&error.to_string());
        Exit::Usage
    })?;
    let told = explained(&history, comparison).await?;
    history.close().await?;
    Ok(super::tell(&args.output, &told, &held))
}

/// Reads the runs once more where a route did worse: only now is known what is asked of them.
async fn explained(history: &History, comparison: Comparison) -> Result<Explained, Exit> {
    let mut inquiry = Inquiry::of(&comparison);
    if inquiry.is_empty() {
        return Ok(comparison.into());
    }
    sweep(history, history.filter(), |run| inquiry.add(run)).await?;
    let marks = history.marks().await?;
    Ok(inquiry.finish(comparison, &marks))
}

/// Every route and input that has a run, in the order of their names.
async fn names(history: &History) -> Result<(Vec<String>, Vec<String>), Exit> {
    let (mut routes, mut inputs) = (Vec::new(), Vec::new());
    let mut pages = history.pages(history.filter());
    loop {
        let page = pages.next().await?;
        if page.is_empty() {
            routes.sort_unstable();
            inputs.sort_unstable();
            return Ok((routes, inputs));
        }
        for run in page {
            for (names, name) in [(&mut routes, run.route), (&mut inputs, run.input)] {
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
    }
}

/// The second runs of a baseline are no route of their own. The baseline is the first route of the definition, where that
/// can be read; else it has to be named.
fn contestants(
    dir: Option<PathBuf>,
    args: &Args,
    (routes, inputs): (Vec<String>, Vec<String>),
) -> Result<Contestants, String> {
    let probe = &args.what[0];
    let asked = &args.scope.route;
    let noise = |route: &String| routes.iter().any(|of| noise_name(of) == *route);
    let mut known: Vec<String> = routes
        .iter()
        .filter(|route| asked.contains(route) || !noise(route))
        .cloned()
        .collect();
    let order = defined(dir, probe);
    known.sort_by_key(|route| order.iter().position(|of| of == route).unwrap_or(usize::MAX));
    let named = args.baseline.is_some() || asked.iter().any(|route| known.contains(route));
    if !named && known.len() > 1 && !order.contains(&known[0]) {
        return Err(format!(
            "name the baseline with `--baseline`: the definition of `{probe}` cannot be read here, and on record are {}",
            known.join(", ")
        ));
    }
    let asked = (asked.as_slice(), args.scope.input.as_slice());
    choose(
        probe,
        (&known, &inputs),
        args.baseline.as_deref(),
        asked,
        args.noise_arm,
    )
}

/// The routes as they are defined now; none where that cannot be read, which is not needed for what is on record.
fn defined(dir: Option<PathBuf>, probe: &str) -> Vec<String> {
    let options = LoadOptions {
        dir,
        vars: Vec::new(),
    };
    let loaded = load(&options, &ProcessEnvironment);
    let found = loaded
        .workspace
        .and_then(|workspace| workspace.probes.iter().find(|of| *of.name == *probe).cloned());
    let mut routes: Vec<String> = Vec::new();
    for def in found.iter().flat_map(|probe| &probe.legs) {
        let route = def.leg.route.to_string();
        if !routes.contains(&route) {
            routes.push(route);
        }
    }
    routes
}
