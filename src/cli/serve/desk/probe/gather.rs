//! Reads what the history of a probe is made of.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::cli::history::Pages;
use crate::cli::report::{Part, hours, objectives, rolled_hours};
use crate::definition::{Probe, Workspace};
use crate::model::{Class, Ending, Fault, Layer, Mark, Moment, Reason, SkipRecord, SkipSpan};
use crate::report::causes::{Causes, Collector, Question};
use crate::report::course::{Course, CourseOf};
use crate::report::html::probe::{BadRun, DefinitionText, ProbeData};
use crate::report::paths::{PathCollector, Paths};
use crate::report::series::{Gathering, ProbeFigures, Rolled, Source};
use crate::report::silent_failure;
use crate::report::steps::{StepCollector, Steps};
use crate::store::{Order, RunFilter, Store};
use crate::web::daemon::{AskedRange, ProbeAsk};

/// So many runs are counted one by one at the most; longer windows are made of hourly roll-ups.
const MOST_COUNTED: u64 = 100_000;
/// So many are looked through for what separates bad from good and for paths, the newest.
const MOST_LOOKED_AT: u64 = 5_000;
/// So many bad ones are listed.
const MOST_BAD: usize = 15;

/// Figures of the window, and its course.
struct Counted {
    source: Source,
    figures: Option<ProbeFigures>,
    course: Course,
    notes: Vec<String>,
}

/// What was found by looking through single runs.
struct LookedAt {
    runs: u64,
    causes: Causes,
    paths: Paths,
    steps: Steps,
    bad: Vec<BadRun>,
}

/// Ticks of the probe that did not fire.
struct Skips {
    single: Vec<SkipRecord>,
    spans: Vec<SkipSpan>,
}

/// All of it.
///
/// # Errors
/// The store does not answer.
pub(super) async fn gather(
    store: &Arc<dyn Store>,
    workspace: &Workspace,
    ask: &ProbeAsk,
    now: Moment,
) -> Result<ProbeData, Fault> {
    let (since, until) = match ask.range {
        AskedRange::Last(long) => (now.before(long), now),
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
    let counted = counted(store, workspace, &filter, part).await?;
    let looked = looked_at(store, &filter, marks.clone()).await?;
    let probe = workspace.probes.iter().find(|probe| *probe.name == *ask.probe);
    Ok(ProbeData {
        made: now,
        source: counted.source,
        figures: counted.figures,
        course: counted.course,
        limits: probe.and_then(|probe| limits(probe)),
        causes: Some(looked.causes),
        paths: Some(looked.paths),
        steps: looked.steps,
        looked_at: looked.runs,
        most: MOST_LOOKED_AT,
        bad: looked.bad,
        marks,
        notes: counted.notes,
        definition: probe.and_then(|probe| definition(workspace, probe)),
    })
}

/// From single runs where all are on record and few enough; else from hourly roll-ups.
async fn counted(
    store: &Arc<dyn Store>,
    workspace: &Workspace,
    filter: &RunFilter,
    part: Part,
) -> Result<Counted, Fault> {
    let skips = skips(store, filter, part).await?;
    let extent = store.extent().await?;
    let gone = extent
        .whole_since
        .zip(extent.first_rollup)
        .filter(|(kept, first)| part.since < *kept && first < kept);
    if let Some((kept, _)) = gone {
        let why = format!("runs before {kept} are no longer all on record");
        return rolled(store, workspace, filter, part, &skips, &why).await;
    }
    match single(store, workspace, filter, part, &skips).await? {
        Some(counted) => Ok(counted),
        None => {
            let why = format!("this time holds more than {MOST_COUNTED} runs");
            rolled(store, workspace, filter, part, &skips, &why).await
        }
    }
}

/// `None` where there are more runs than are counted one by one.
async fn single(
    store: &Arc<dyn Store>,
    workspace: &Workspace,
    filter: &RunFilter,
    part: Part,
    skips: &Skips,
) -> Result<Option<Counted>, Fault> {
    let oldest = RunFilter {
        order: Order::Oldest,
        // A page of this size is counted in no time, so that nobody else waits for it.
        limit: Some(1_000),
        ..filter.clone()
    };
    let mut pages = Pages::<Ending>::new(vec![Arc::clone(store)], oldest);
    let mut course = CourseOf::new(part.since, part.until);
    let mut gathering = Gathering::default();
    loop {
        let endings = pages.read().await?;
        if endings.is_empty() {
            break;
        }
        for ending in endings {
            course.add(&ending);
            if gathering.runs() >= MOST_COUNTED || !gathering.add(ending) {
                return Ok(None);
            }
        }
    }
    for skip in &skips.single {
        gathering.skip(skip);
        course.skip(skip);
    }
    for span in &skips.spans {
        gathering.span(span, Some(part.since), part.until);
        course.span(span);
    }
    let objectives = objectives(&workspace.probes);
    let (figures, course) = beside(move || {
        let figures = gathering.figures(&objectives, None).into_iter().next();
        (figures, course.finish())
    })
    .await?;
    Ok(Some(Counted {
        source: Source::Runs,
        figures,
        course,
        notes: Vec::new(),
    }))
}

async fn rolled(
    store: &Arc<dyn Store>,
    workspace: &Workspace,
    filter: &RunFilter,
    part: Part,
    skips: &Skips,
    why: &str,
) -> Result<Counted, Fault> {
    let part = hours(part);
    let mut course = CourseOf::of_hours(part.since, part.until);
    let mut rolled = Rolled::default();
    let mut take = |hour: &crate::model::Rollup| {
        rolled.add(hour);
        course.add_hour(hour);
    };
    rolled_hours(store, filter, part, &mut take).await?;
    for skip in &skips.single {
        rolled.skip(skip);
        course.skip(skip);
    }
    for span in &skips.spans {
        rolled.span(span, Some(part.since), part.until);
        course.span(span);
    }
    let objectives = objectives(&workspace.probes);
    let (figures, course) = beside(move || {
        let figures = rolled.figures(&objectives, None).into_iter().next();
        (figures, course.finish())
    })
    .await?;
    let notes = vec![format!(
        "{why}: the figures and drawings are of whole hours, from hourly roll-ups, which tell no receipts and no routes beside each other"
    )];
    Ok(Counted {
        source: Source::Rollups,
        figures,
        course,
        notes,
    })
}

async fn skips(store: &Arc<dyn Store>, filter: &RunFilter, part: Part) -> Result<Skips, Fault> {
    let among = |wanted: &[String], name: &String| wanted.is_empty() || wanted.contains(name);
    let of = |probe: &String, route: &String, input: &String| {
        filter.probes.contains(probe) && among(&filter.routes, route) && among(&filter.inputs, input)
    };
    let mut single = store.skips(Some(part.since)).await?;
    // Ticks are written alike, so that text compares as time does.
    let end = part.until.to_rfc3339();
    single.retain(|skip| of(&skip.probe, &skip.route, &skip.input) && skip.tick < end);
    let mut spans = store.skip_spans(Some(part.since)).await?;
    spans.retain(|span| of(&span.probe, &span.route, &span.input) && span.first < part.until);
    Ok(Skips { single, spans })
}

/// Looks through the newest runs, one by one.
async fn looked_at(store: &Arc<dyn Store>, filter: &RunFilter, marks: Vec<Mark>) -> Result<LookedAt, Fault> {
    let mut collector = Collector::new(Question::default());
    let mut paths = PathCollector::default();
    let mut steps = StepCollector::default();
    let mut bad = Vec::new();
    let mut rest = filter.clone();
    rest.order = Order::Newest;
    // Runs that failed are kept longer: beyond here they would be all there is.
    rest.since = rest.since.max(store.extent().await?.whole_since);
    let mut runs = 0;
    while runs < MOST_LOOKED_AT {
        rest.limit = Some(u32::try_from((MOST_LOOKED_AT - runs).min(1_000)).unwrap_or(1_000));
        let page = store.page(rest.clone()).await?;
        for run in &page.runs {
            collector.add(run);
            paths.add(run);
            steps.add(run);
            if run.class != Class::Delivered && bad.len() < MOST_BAD {
                bad.push(BadRun {
                    id: run.id,
                    tick: run.tick.clone(),
                    route: run.route.clone(),
                    input: run.input.clone(),
                    class: run.class,
                    reason: run.reason.clone(),
                    seconds: run.layers.outcome.seconds,
                    silent: silent_failure(run),
                });
            }
        }
        runs += page.runs.len() as u64;
        rest.after = page.next;
        if rest.after.is_none() {
            break;
        }
    }
    let (causes, paths) = beside(move || (collector.finish(&marks), paths.finish())).await?;
    Ok(LookedAt {
        runs,
        causes,
        paths,
        steps: steps.finish(),
        bad,
    })
}

/// The longest time by which an outcome should arrive, and after which it counts as lost, in seconds.
fn limits(probe: &Probe) -> Option<(f64, f64)> {
    let outcomes = probe.legs.iter().flat_map(|leg| &leg.leg.expectations);
    let outcomes = outcomes.filter(|expectation| expectation.layer == Layer::Outcome);
    outcomes
        .map(|of| (of.within.as_secs_f64(), (of.within + of.grace).as_secs_f64()))
        .reduce(|a, b| (a.0.max(b.0), a.1.max(b.1)))
}

/// The file of a probe, without secrets, and the lines at which it waits for something.
fn definition(workspace: &Workspace, probe: &Probe) -> Option<DefinitionText> {
    let sources = &workspace.sources;
    let first = probe.legs.iter().flat_map(|leg| &leg.checks).next()?;
    let file = sources.get(first.span.file)?;
    let mut places = BTreeMap::new();
    for leg in &probe.legs {
        for (check, of) in leg.checks.iter().zip(&leg.leg.expectations) {
            if let Some(place) = sources.place(check.span).filter(|place| place.file == file.name) {
                let said = match of.layer {
                    Layer::FailedWhen => String::from("says that it failed"),
                    Layer::Receipt => String::from("what is claimed"),
                    _ => format!(
                        "within {} s, lost after {} s",
                        seconds(of.within),
                        seconds(of.within + of.grace)
                    ),
                };
                places.insert(place.line, said);
            }
        }
    }
    Some(DefinitionText {
        file: file.name.clone(),
        places,
        text: workspace.redactor.text(&file.text).into_owned(),
    })
}

fn seconds(of: std::time::Duration) -> String {
    let text = format!("{:.3}", of.as_secs_f64());
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Where nothing else waits for it.
async fn beside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Fault> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Fault::new(Reason::Internal, error.to_string()))
}
