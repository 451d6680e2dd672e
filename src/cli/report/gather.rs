//! Reads what a report is made of.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::cli::history::{History, Pages, failed};
use crate::cli::{Exit, output};
use crate::definition::Probe;
use crate::model::{Ending, Fault, Moment, Reason, Rollup, RunRecord};
use crate::report::series::{self, Gathering, MOST_RUNS, Objective, Rolled, Source, Window};
use crate::stats::alerting::PERIOD;
use crate::store::{Order, RollupFilter, RunFilter, Store};

/// A stretch of time, its end not included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) struct Part {
    pub(in crate::cli) since: Moment,
    pub(in crate::cli) until: Moment,
}

/// What is asked for.
pub(in crate::cli) struct Gathered {
    pub(in crate::cli) part: Part,
    pub(in crate::cli) against: Option<Part>,
    pub(in crate::cli) from_rollups: bool,
}

impl Gathered {
    /// Reads it, and makes the figures.
    pub(in crate::cli) async fn report(
        &self,
        history: &History,
        objectives: BTreeMap<String, Objective>,
    ) -> Result<series::History, Exit> {
        let first = self
            .against
            .map_or(self.part.since, |against| against.since.min(self.part.since));
        let gone = gone_since(history.stores(), first)
            .await
            .map_err(|fault| failed(&fault))?;
        let rolled = self.from_rollups || gone.is_some();
        if rolled && !history.filter().labels.is_empty() {
            output::error(
                "roll-ups do not know labels: leave `--label` out, or choose a window of which the runs are kept",
            );
            return Err(Exit::Usage);
        }
        let source = if rolled { Source::Rollups } else { Source::Runs };
        let window = Window::new(Some(self.part.since), self.part.until);
        let mut report = series::History::new(history.now(), window, source);
        report.against = self.against.map(|part| Window::new(Some(part.since), part.until));
        report.marks = history.marks().await?;
        if let (Some(kept), false) = (gone, self.from_rollups) {
            report.notes.push(format!(
                "runs before {kept} are no longer all on record: these figures are from hourly roll-ups"
            ));
        }
        if rolled {
            report.notes.push(String::from(
                "roll-ups tell no receipts, no routes beside each other, no intervals of polls, no shifts of latency; clumping is reckoned by the hour",
            ));
        }
        report.probes = if rolled {
            let now = self.rolled(history, self.part, true).await?;
            let before = match self.against {
                Some(part) => Some(self.rolled(history, part, false).await?),
                None => None,
            };
            now.figures(&objectives, before.as_ref())
        } else {
            let now = self.runs(history, self.part, true).await?;
            let before = match self.against {
                Some(part) => Some(self.runs(history, part, false).await?),
                None => None,
            };
            now.figures(&objectives, before.as_ref())
        };
        Ok(report)
    }

    async fn runs(&self, history: &History, part: Part, skips: bool) -> Result<Gathering, Exit> {
        let filter = within(history.filter(), part);
        let mut gathering = of_runs(history.endings(filter), MOST_RUNS)
            .await
            .map_err(|fault| failed(&fault))?;
        if skips {
            for skip in history.skips().await? {
                gathering.skip(&skip);
            }
            for span in history.skip_spans().await? {
                gathering.span(&span, Some(part.since), part.until);
            }
        }
        Ok(gathering)
    }

    /// Whole hours of the window: those on record, and the runs of those that are not rolled up yet.
    async fn rolled(&self, history: &History, part: Part, skips: bool) -> Result<Rolled, Exit> {
        let hours = hours(part);
        let mut rolled = Rolled::default();
        for store in history.stores() {
            rolled_hours(store, &history.filter(), hours, &mut |hour| rolled.add(hour))
                .await
                .map_err(|fault| failed(&fault))?;
        }
        if skips {
            for skip in history.skips().await? {
                rolled.skip(&skip);
            }
            for span in history.skip_spans().await? {
                rolled.span(&span, Some(part.since), part.until);
            }
        }
        Ok(rolled)
    }
}

/// Gathers runs, at most `most`.
///
/// # Errors
/// The store does not answer, or there are more.
pub(in crate::cli) async fn of_runs(mut pages: Pages<Ending>, most: u64) -> Result<Gathering, Fault> {
    let mut gathering = Gathering::default();
    loop {
        let endings = pages.read().await?;
        if endings.is_empty() {
            return Ok(gathering);
        }
        for ending in endings {
            if gathering.runs() >= most || !gathering.add(ending) {
                return Err(Fault::new(
                    Reason::Limit,
                    format!(
                        "the window holds more than {most} runs, the most that are read one by one: choose a shorter one (`since`), one probe, or roll-ups (`landfall report --from-rollups`)"
                    ),
                ));
            }
        }
    }
}

/// The objectives of probes that have one, by name.
pub(in crate::cli) fn objectives(probes: &[Arc<Probe>]) -> BTreeMap<String, Objective> {
    let one = |probe: &Arc<Probe>| {
        let stated = probe.objective.as_ref()?;
        #[expect(clippy::cast_precision_loss, reason = "ticks of 30 days are few")]
        let every = probe
            .cadence()
            .filter(|cadence| cadence.ticks > 0)
            .map(|cadence| PERIOD / cadence.ticks as f64);
        let objective = Objective {
            on_time: stated.on_time,
            p95: stated.p95,
            consistency: stated.consistency,
            window: stated.window,
            every,
        };
        Some((probe.name.to_string(), objective))
    };
    probes.iter().filter_map(one).collect()
}

fn within(filter: RunFilter, part: Part) -> RunFilter {
    RunFilter {
        since: Some(part.since),
        until: Some(part.until),
        ..filter
    }
}

/// The whole hours in a window: from the first that begins in it.
pub(in crate::cli) fn hours(part: Part) -> Part {
    let floor = Rollup::hour_of(part.since);
    let since = if floor < part.since {
        Rollup::next_hour(floor)
    } else {
        floor
    };
    Part {
        since,
        until: part.until,
    }
}

/// From which moment on all runs are on record, where some of the window may be gone: roll-ups are left of them.
async fn gone_since(stores: &[Arc<dyn Store>], since: Moment) -> Result<Option<Moment>, Fault> {
    let mut gone = None;
    for store in stores {
        let extent = store.extent().await?;
        if let (Some(kept), Some(first)) = (extent.whole_since, extent.first_rollup)
            && since < kept
            && first < kept
        {
            gone = gone.max(Some(kept));
        }
    }
    Ok(gone)
}

/// Hands over the hours of one store that lie in `part`, then those of later runs, rolled up here.
///
/// # Errors
/// The store does not answer.
pub(in crate::cli) async fn rolled_hours(
    store: &Arc<dyn Store>,
    filter: &RunFilter,
    part: Part,
    take: &mut (dyn FnMut(&Rollup) + Send),
) -> Result<(), Fault> {
    let mut wanted = RollupFilter {
        probes: filter.probes.clone(),
        routes: filter.routes.clone(),
        inputs: filter.inputs.clone(),
        since: Some(part.since),
        until: Some(part.until),
    };
    // A week at a time, so that years of hours are never held at once.
    let mut from = part.since;
    let last = store.extent().await?.last_rollup;
    let end = last
        .map_or(part.since, Rollup::next_hour)
        .clamp(part.since, part.until);
    while from < end {
        let to = from.after(std::time::Duration::from_hours(24 * 7)).min(end);
        (wanted.since, wanted.until) = (Some(from), Some(to));
        for rollup in store.rollups(wanted.clone()).await? {
            // The last hour may reach beyond the window.
            if Rollup::next_hour(rollup.hour) <= part.until {
                take(&rollup);
            }
        }
        from = to;
    }
    let rest = RunFilter {
        since: Some(end),
        until: Some(part.until),
        order: Order::Oldest,
        ..filter.clone()
    };
    let mut pages = Pages::<RunRecord>::new(vec![Arc::clone(store)], rest);
    let mut hour: BTreeMap<(String, String, String), Rollup> = BTreeMap::new();
    let mut at = None;
    loop {
        let runs = pages.read().await?;
        if runs.is_empty() {
            hour.values().for_each(&mut *take);
            return Ok(());
        }
        for run in runs {
            let tick = Moment::from_rfc3339(&run.tick).unwrap_or(part.since);
            let of = Rollup::hour_of(tick);
            if at.is_some_and(|at| at != of) {
                hour.values().for_each(&mut *take);
                hour.clear();
            }
            at = Some(of);
            let key = (run.probe.clone(), run.route.clone(), run.input.clone());
            hour.entry(key)
                .or_insert_with(|| Rollup::empty(of, &run.probe, &run.route, &run.input))
                .add(&run);
        }
    }
}
