//! Reads what the history of a probe is made of.

mod compared;
mod counted;
mod definition;
mod looked;

use std::sync::Arc;

use super::super::reading::beside;
use crate::cli::report::Part;
use crate::definition::Workspace;
use crate::model::{Fault, Moment, SkipRecord, SkipSpan};
use crate::report::html::probe::ProbeData;
use crate::report::steps::Steps;
use crate::store::{RunFilter, Store};
use crate::web::daemon::{AskedRange, ProbeAsk};

use counted::counted;
use definition::{definition, limits, maintenance};
use looked::looked_at;

/// Ticks of the probe that did not fire.
struct Skips {
    single: Vec<SkipRecord>,
    spans: Vec<SkipSpan>,
}

/// What is left to be read when the figures are there.
pub(super) struct Rest {
    filter: RunFilter,
    skips: Arc<Skips>,
    part: Part,
}

/// Figures and drawings of the window; then [`look`] for what single runs tell.
///
/// # Errors
/// The store does not answer.
pub(super) async fn figures(
    store: &Arc<dyn Store>,
    workspace: &Workspace,
    ask: &ProbeAsk,
    now: Moment,
) -> Result<(ProbeData, Rest), Fault> {
    let (since, until) = match ask.range {
        AskedRange::Last(long) => (now.before(long), now),
        AskedRange::Since(since) => (since, now.max(Moment(since.0.saturating_add(1)))),
        AskedRange::Between(since, until) => (since, until),
    };
    let part = Part { since, until };
    let filter = RunFilter {
        probes: vec![ask.probe.clone()],
        routes: ask.routes.clone(),
        inputs: ask.inputs.clone(),
        since: Some(since),
        until: Some(until),
        ..RunFilter::default()
    };
    let mut marks = store.marks(Some(since), Some(until)).await?;
    marks.sort_by_key(|mark| mark.at);
    let skips = Arc::new(skips(store, &filter, part).await?);
    let counted = counted(store, workspace, &filter, part, &skips).await?;
    let probe = workspace.probes.iter().find(|probe| *probe.name == *ask.probe);
    let data = ProbeData {
        made: now,
        source: counted.source,
        figures: counted.figures,
        course: counted.course,
        limits: probe.and_then(|probe| limits(probe)),
        compared: None,
        causes: None,
        paths: None,
        steps: Steps::default(),
        looked_at: 0,
        most: looked::MOST,
        partial: true,
        bad: Vec::new(),
        marks,
        maintenance: probe.map_or_else(Vec::new, |probe| maintenance(probe, since, now)),
        notes: counted.notes,
        definition: probe.and_then(|probe| definition(workspace, probe)),
    };
    Ok((data, Rest { filter, skips, part }))
}

/// Looks through the newest runs, one by one.
///
/// # Errors
/// The store does not answer.
pub(super) async fn look(
    store: &Arc<dyn Store>,
    workspace: &Workspace,
    rest: Rest,
    data: &mut ProbeData,
) -> Result<(), Fault> {
    let Rest { filter, skips, part } = rest;
    let name = filter.probes.first().map_or("", String::as_str);
    let probe = workspace.probes.iter().find(|probe| *probe.name == *name);
    // A run that is lost ends later than its twins which arrived: ticks count once all of them must have ended.
    let settled = data.limits.map_or(Some(part.until), |(_, lost)| {
        let lost = std::time::Duration::try_from_secs_f64(lost).ok()?;
        Some(part.until.min(data.made.before(lost)))
    });
    let pairing = probe
        .zip(settled)
        .and_then(|(probe, settled)| compared::Pairing::new(probe, &filter, settled));
    let looked = looked_at(store, &filter, pairing).await?;
    let marks = data.marks.clone();
    let done = beside(move || {
        let compared = looked.pairing.and_then(|pairing| pairing.finish(&skips));
        (
            compared,
            looked.causes.finish(&marks),
            looked.paths.finish(),
            looked.steps.finish(),
            looked.bad,
            looked.runs,
        )
    });
    let (compared, causes, paths, steps, bad, runs) = done.await?;
    data.compared = compared;
    data.causes = Some(causes);
    data.paths = Some(paths);
    data.steps = steps;
    data.bad = bad;
    data.looked_at = runs;
    data.partial = false;
    Ok(())
}

async fn skips(store: &Arc<dyn Store>, filter: &RunFilter, part: Part) -> Result<Skips, Fault> {
    let mut single = store.skips(Some(part.since)).await?;
    let mut spans = store.skip_spans(Some(part.since)).await?;
    let filter = filter.clone();
    // Ticks are written alike, so that text compares as time does.
    let end = part.until.to_rfc3339();
    beside(move || {
        let among = |wanted: &[String], name: &String| wanted.is_empty() || wanted.contains(name);
        let of = |probe: &String, route: &String, input: &String| {
            filter.probes.contains(probe) && among(&filter.routes, route) && among(&filter.inputs, input)
        };
        single.retain(|skip| of(&skip.probe, &skip.route, &skip.input) && skip.tick < end);
        spans.retain(|span| of(&span.probe, &span.route, &span.input) && span.first < part.until);
        Skips { single, spans }
    })
    .await
}
