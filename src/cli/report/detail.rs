//! What a file for a browser shows of probes besides their figures: drawings over time, and what single runs tell.

use std::collections::{BTreeMap, HashMap};

use super::separates::RUNS;
use super::{Part, hours, rolled_hours};
use crate::cli::Exit;
use crate::cli::diff::{good, twin};
use crate::cli::history::{History, Pages, failed};
use crate::model::{Moment, Rollup, RunRecord};
use crate::report::course::CourseOf;
use crate::report::html::{DRAWN, Detail, Looked};
use crate::report::series::{self, Source};
use crate::report::twins::{RECENT, twins};
use crate::store::{Order, RunFilter};

/// Good runs by probe, route and input, from which is learnt what differs from run to run.
type Recent = HashMap<(String, String, String), Vec<RunRecord>>;

/// Of the worst probes of a report.
pub(super) async fn read(
    history: &History,
    part: Part,
    report: &series::History,
) -> Result<BTreeMap<String, Detail>, Exit> {
    let names: Vec<String> = report
        .probes
        .iter()
        .take(DRAWN)
        .map(|of| of.probe.clone())
        .collect();
    let mut courses = courses(history, part, &names, report.source).await?;
    let (since, clipped) = whole_since(history, part).await?;
    let mut details = BTreeMap::new();
    let mut recent = Recent::new();
    for name in names {
        let Some(course) = courses.remove(&name) else {
            continue;
        };
        let (looked, all) = looked(history, Part { since, ..part }, &name).await?;
        let mut detail = looked.finish(course.finish(), &report.marks, all && !clipped);
        for case in &mut detail.bad {
            if let Some((other, chosen)) = twin(history, &case.run).await? {
                let known = learnt(history, &case.run, &mut recent).await?;
                case.twins = Some(twins(&case.run, &other, chosen, known));
            }
        }
        details.insert(name, detail);
    }
    Ok(details)
}

/// The newest runs of a probe, one by one, and whether these are all.
async fn looked(history: &History, part: Part, probe: &str) -> Result<(Looked, bool), Exit> {
    let mut pages = newest(history, probe, part);
    let mut looked = Looked::default();
    loop {
        let runs = pages.next().await?;
        if runs.is_empty() {
            return Ok((looked, true));
        }
        for run in &runs {
            if looked.runs() == RUNS {
                return Ok((looked, false));
            }
            looked.add(run);
        }
    }
}

async fn learnt<'a>(
    history: &History,
    run: &RunRecord,
    recent: &'a mut Recent,
) -> Result<&'a [RunRecord], Exit> {
    let leg = (run.probe.clone(), run.route.clone(), run.input.clone());
    if !recent.contains_key(&leg) {
        let runs = good(history, run, None, Order::Newest, RECENT).await?;
        recent.insert(leg.clone(), runs);
    }
    Ok(recent.get(&leg).map_or(&[], Vec::as_slice))
}

/// The runs of these probes over time, from what their figures are made of.
async fn courses(
    history: &History,
    part: Part,
    names: &[String],
    source: Source,
) -> Result<BTreeMap<String, CourseOf>, Exit> {
    let part = match source {
        Source::Runs => part,
        Source::Rollups => hours(part),
    };
    let (skips, spans) = (history.skips().await?, history.skip_spans().await?);
    let mut courses = BTreeMap::new();
    for name in names {
        let of = match source {
            Source::Runs => {
                let first_skip = skips.iter().filter(|skip| skip.probe == *name);
                let first_skip = first_skip
                    .filter_map(|skip| Moment::from_rfc3339(&skip.tick))
                    .min();
                let first_span = spans
                    .iter()
                    .filter(|span| span.probe == *name)
                    .map(|span| span.first);
                let first = first_skip.into_iter().chain(first_span).min();
                let Part { since, until } = reached(history, part, name, first).await?;
                CourseOf::new(since, until)
            }
            Source::Rollups => CourseOf::of_hours(first_hour(history, part, name).await?, part.until),
        };
        courses.insert(name.clone(), of);
    }
    if names.is_empty() {
        return Ok(courses);
    }
    let filter = RunFilter {
        probes: names.to_vec(),
        since: Some(part.since),
        until: Some(part.until),
        ..history.filter()
    };
    match source {
        Source::Runs => singly(history, filter, &mut courses).await?,
        Source::Rollups => {
            let mut take = |hour: &Rollup| {
                if let Some(course) = courses.get_mut(&hour.probe) {
                    course.add_hour(hour);
                }
            };
            for store in history.stores() {
                rolled_hours(store, &filter, part, &mut take)
                    .await
                    .map_err(|fault| failed(&fault))?;
            }
        }
    }
    for skip in &skips {
        if let Some(course) = courses.get_mut(&skip.probe) {
            course.skip(skip);
        }
    }
    for span in &spans {
        if let Some(course) = courses.get_mut(&span.probe) {
            course.span(span);
        }
    }
    Ok(courses)
}

/// The part from the first tick of a probe: a week of which one hour was fired would be drawn as a line at its edge.
async fn reached(
    history: &History,
    part: Part,
    probe: &str,
    first_skip: Option<Moment>,
) -> Result<Part, Exit> {
    let first = RunFilter {
        probes: vec![probe.to_owned()],
        since: Some(part.since),
        until: Some(part.until),
        limit: Some(1),
        ..history.filter()
    };
    let first = history.endings(first).next().await?.first().map(|run| run.tick);
    let first = first.into_iter().chain(first_skip).min().unwrap_or(part.since);
    let last = newest_tick(history, part, probe).await?;
    let since = first.max(part.since);
    // What was fired lately ends where the window does; else the gap would be most of what is drawn.
    let long = last.since(since);
    let until = if part.until.since(last) > long {
        last.after(long / 8)
    } else {
        part.until
    };
    let least = since.after(std::time::Duration::from_secs(1));
    Ok(Part {
        since,
        until: until.clamp(least, part.until.max(least)),
    })
}

/// The hour from which on anything of a part is on record, as a roll-up or as a run.
async fn first_hour(history: &History, part: Part, probe: &str) -> Result<Moment, Exit> {
    let mut first = None;
    for store in history.stores() {
        let extent = store.extent().await.map_err(|fault| failed(&fault))?;
        first = first.into_iter().chain(extent.first_rollup).min();
    }
    if first.is_none() {
        first = Some(reached(history, part, probe, None).await?.since);
    }
    Ok(first.map_or(part.since, Rollup::hour_of).max(part.since))
}

/// Of the last run of a probe; the end of the part where there is none.
async fn newest_tick(history: &History, part: Part, probe: &str) -> Result<Moment, Exit> {
    let last = RunFilter {
        probes: vec![probe.to_owned()],
        since: Some(part.since),
        until: Some(part.until),
        order: Order::Newest,
        limit: Some(1),
        ..history.filter()
    };
    let last = history.endings(last).next().await?;
    Ok(last.first().map_or(part.until, |run| run.tick))
}

async fn singly(
    history: &History,
    filter: RunFilter,
    courses: &mut BTreeMap<String, CourseOf>,
) -> Result<(), Exit> {
    let mut pages = history.endings(filter);
    loop {
        let endings = pages.next().await?;
        if endings.is_empty() {
            return Ok(());
        }
        for ending in &endings {
            if let Some(course) = courses.get_mut(&ending.probe) {
                course.add(ending);
            }
        }
    }
}

/// The runs of a probe in a part of history, the newest first.
pub(super) fn newest(history: &History, probe: &str, part: Part) -> Pages<RunRecord> {
    history.pages(RunFilter {
        probes: vec![probe.to_owned()],
        since: Some(part.since),
        until: Some(part.until),
        order: Order::Newest,
        ..history.filter()
    })
}

/// Since when in a part of history all runs are on record, and whether that is not from its beginning: runs that ended badly
/// are kept longer, and before then they would be all there is.
pub(super) async fn whole_since(history: &History, part: Part) -> Result<(Moment, bool), Exit> {
    let mut since = part.since;
    for store in history.stores() {
        let extent = store.extent().await.map_err(|fault| failed(&fault))?;
        since = since.max(extent.whole_since.unwrap_or(since));
    }
    Ok((since, since > part.since))
}
