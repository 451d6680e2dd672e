//! Figures and course of the window: from single runs where they are few, else from hourly roll-ups.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::super::super::reading::{beside, endings, hours};
use super::Skips;
use crate::cli::report::{Part, hours as whole_hours, objectives};
use crate::definition::Workspace;
use crate::model::{Ending, Fault, Moment, Rollup};
use crate::report::course::{Course, CourseOf};
use crate::report::series::{Gathering, Objective, ProbeFigures, Rolled, Source};
use crate::store::{Order, RollupFilter, RunFilter, Store};

/// So many runs are counted one by one at the most; what holds more is made of hourly roll-ups.
const MOST_COUNTED: u64 = 20_000;
/// The same of a short window, of which whole hours would tell little.
const MOST_OF_SHORT: u64 = 100_000;
const SHORT: Duration = Duration::from_hours(6);
/// So many runs of hours that are not rolled up yet are counted beside the roll-ups, the newest.
const MOST_NOT_ROLLED: u64 = 50_000;

/// Figures of the window, and its course.
pub(super) struct Counted {
    pub(super) source: Source,
    pub(super) figures: Option<ProbeFigures>,
    pub(super) course: Course,
    pub(super) notes: Vec<String>,
}

/// Hours of a probe, and the runs of those that are not rolled up.
struct Rolling {
    until: Moment,
    rolled: Rolled,
    course: CourseOf,
    open: BTreeMap<(Moment, String, String), Rollup>,
}

/// From what it is decided before anything is read: by the number of runs, and by what is left of them.
pub(super) async fn counted(
    store: &Arc<dyn Store>,
    workspace: &Workspace,
    filter: &RunFilter,
    part: Part,
    skips: &Arc<Skips>,
) -> Result<Counted, Fault> {
    let extent = store.extent().await?;
    let last = extent.last_rollup;
    let gone = extent
        .whole_since
        .zip(extent.first_rollup)
        .filter(|(kept, first)| part.since < *kept && first < kept);
    let objectives = objectives(&workspace.probes);
    if let Some((kept, _)) = gone {
        let why = format!("Runs before {kept} are no longer all on record");
        return rolled(store, objectives, filter, part, skips, (last, &why)).await;
    }
    let most = match part.until.since(part.since) <= SHORT {
        true => MOST_OF_SHORT,
        false => MOST_COUNTED,
    };
    if store.count(filter.clone(), most + 1).await? > most {
        let why = format!("This time holds more than {most} runs");
        return rolled(store, objectives, filter, part, skips, (last, &why)).await;
    }
    single(store, objectives, filter, part, skips).await
}

async fn single(
    store: &Arc<dyn Store>,
    objectives: BTreeMap<String, Objective>,
    filter: &RunFilter,
    part: Part,
    skips: &Arc<Skips>,
) -> Result<Counted, Fault> {
    let oldest = RunFilter {
        order: Order::Oldest,
        ..filter.clone()
    };
    let begun = (Gathering::default(), CourseOf::new(part.since, part.until));
    // A few more may have ended since they were counted.
    let read = endings(
        store,
        oldest,
        MOST_OF_SHORT * 2,
        begun,
        |(gathering, course), ending| {
            course.add(&ending);
            let _full = gathering.add(ending);
        },
    );
    let read = read.await?;
    let notes = read.cut.map(|cut| {
        format!(
            "More than {} runs are not counted one by one: nothing after {cut} is.",
            read.runs
        )
    });
    let ((mut gathering, mut course), skips) = (read.to, Arc::clone(skips));
    let (figures, course) = beside(move || {
        for skip in &skips.single {
            gathering.skip(skip);
            course.skip(skip);
        }
        for span in &skips.spans {
            gathering.span(span, Some(part.since), part.until);
            course.span(span);
        }
        let figures = gathering.figures(&objectives, None).into_iter().next();
        (figures, course.finish())
    })
    .await?;
    Ok(Counted {
        source: Source::Runs,
        figures,
        course,
        notes: notes.into_iter().collect(),
    })
}

async fn rolled(
    store: &Arc<dyn Store>,
    objectives: BTreeMap<String, Objective>,
    filter: &RunFilter,
    part: Part,
    skips: &Arc<Skips>,
    (last, why): (Option<Moment>, &str),
) -> Result<Counted, Fault> {
    let part = whole_hours(part);
    let end = last
        .map_or(part.since, Rollup::next_hour)
        .clamp(part.since, part.until.max(part.since));
    let wanted = RollupFilter {
        probes: filter.probes.clone(),
        routes: filter.routes.clone(),
        inputs: filter.inputs.clone(),
        ..RollupFilter::default()
    };
    let rolling = Rolling {
        until: part.until,
        rolled: Rolled::default(),
        course: CourseOf::of_hours(part.since, part.until),
        open: BTreeMap::new(),
    };
    let rolling = hours(store, wanted, (part.since, end), rolling, Rolling::hour).await?;
    let rest = RunFilter {
        since: Some(end),
        until: Some(part.until),
        order: Order::Newest,
        ..filter.clone()
    };
    let read = endings(store, rest, MOST_NOT_ROLLED, rolling, Rolling::ending).await?;
    let mut notes = vec![format!(
        "{why}: the figures and drawings are of whole hours, from hourly roll-ups, which tell no receipts and no routes beside each other"
    )];
    notes.extend(read.cut.map(|cut| {
        format!(
            "Of the hours from {end} on, which are not rolled up yet, the newest {} runs are counted: nothing between that and {cut} is",
            read.runs
        )
    }));
    let (rolling, skips) = (read.to, Arc::clone(skips));
    let (figures, course) = beside(move || rolling.finish(&skips, part, &objectives)).await?;
    Ok(Counted {
        source: Source::Rollups,
        figures,
        course,
        notes,
    })
}

impl Rolling {
    fn hour(&mut self, hour: &Rollup) {
        // The last hour may reach beyond the window.
        if Rollup::next_hour(hour.hour) <= self.until {
            self.rolled.add(hour);
            self.course.add_hour(hour);
        }
    }

    fn ending(&mut self, ending: Ending) {
        let hour = Rollup::hour_of(ending.tick);
        let key = (hour, ending.route.clone(), ending.input.clone());
        self.open
            .entry(key)
            .or_insert_with(|| Rollup::empty(hour, &ending.probe, &ending.route, &ending.input))
            .add_ending(&ending);
    }

    fn finish(
        mut self,
        skips: &Skips,
        part: Part,
        objectives: &BTreeMap<String, Objective>,
    ) -> (Option<ProbeFigures>, Course) {
        for hour in self.open.values_mut() {
            hour.settle();
            self.rolled.add(hour);
            self.course.add_hour(hour);
        }
        for skip in &skips.single {
            self.rolled.skip(skip);
            self.course.skip(skip);
        }
        for span in &skips.spans {
            self.rolled.span(span, Some(part.since), part.until);
            self.course.span(span);
        }
        let figures = self.rolled.figures(objectives, None).into_iter().next();
        (figures, self.course.finish())
    }
}
