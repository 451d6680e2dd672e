//! Reads what the figures of a range are made of: whole hours that are rolled up, and the runs of those that are not.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use super::super::reading::{beside, endings, hours};
use crate::model::{Fault, Moment, Rollup};
use crate::report::html::overview::{Collecting, Figures, Range};
use crate::store::{Order, RollupFilter, RunFilter, Store};

/// So many runs are read one by one at the most, the newest; hours that are rolled up do not count.
const RUNS: u64 = 300_000;
/// The same for the first figures of a range, which somebody waits for.
const FIRST_RUNS: u64 = 20_000;

/// Figures, and whether they are first ones that leave something out.
pub(super) struct Made {
    pub(super) figures: Figures,
    pub(super) partial: bool,
}

/// The figures of a range that ends now; `first` where there are none yet. Of `changed` hours the roll-up is not believed.
pub(super) async fn figures(
    store: &Arc<dyn Store>,
    range: Range,
    now: Moment,
    changed: &[(Moment, String)],
    first: bool,
) -> Result<Made, Fault> {
    let most = if first { FIRST_RUNS } else { RUNS };
    let mut collecting = Collecting::new(range, now);
    let stretch = collecting.stretch();
    let mut from = stretch.since;
    if range.part() >= Duration::from_hours(1) {
        let last = store.extent().await?.last_rollup;
        let end = last.map_or(from, Rollup::next_hour).clamp(from, stretch.until);
        collecting = rolled_up(store, collecting, (from, end), (changed, most)).await?;
        from = end;
    }
    let left = RunFilter {
        since: Some(from),
        until: Some(stretch.until),
        order: Order::Newest,
        ..RunFilter::default()
    };
    let read = endings(store, left, most, collecting, |collecting, ending| {
        collecting.ending(&ending)
    })
    .await?;
    let notes: Vec<String> = read.cut.into_iter().map(|cut| note(most, cut, first)).collect();
    let partial = first && read.cut.is_some();
    let mut collecting = read.to;
    let skips = store.skips(Some(stretch.since)).await?;
    let spans = store.skip_spans(Some(stretch.since)).await?;
    let marks = store.marks(Some(stretch.since), Some(stretch.until)).await?;
    let figures = beside(move || {
        skips.iter().for_each(|skip| collecting.skip(skip));
        spans.iter().for_each(|span| collecting.span(span, stretch.until));
        collecting.figures(now, marks, notes)
    });
    Ok(Made {
        figures: figures.await?,
        partial,
    })
}

fn note(most: u64, cut: Moment, first: bool) -> String {
    let cut = cut.to_rfc3339();
    let cut = cut.get(..19).unwrap_or(&cut).replacen('T', " ", 1);
    let rest = match first {
        true => "The rest follows in a moment.",
        false => "A shorter time range shows all of it.",
    };
    format!(
        "There are more than {most} runs that are not rolled up, and the newest of them are counted: nothing from before {cut} is. {rest}"
    )
}

/// The hours of a stretch that are rolled up, and the runs of those that have changed since.
async fn rolled_up(
    store: &Arc<dyn Store>,
    collecting: Collecting,
    (from, end): (Moment, Moment),
    (changed, most): (&[(Moment, String)], u64),
) -> Result<Collecting, Fault> {
    let anew: HashSet<(Moment, String)> = changed
        .iter()
        .filter(|(hour, _)| *hour >= from && *hour < end)
        .cloned()
        .collect();
    let anew = Arc::new(anew);
    let known = Arc::clone(&anew);
    let take = move |collecting: &mut Collecting, rollup: &Rollup| {
        if known.is_empty() || !known.contains(&(rollup.hour, rollup.probe.clone())) {
            collecting.hour(rollup);
        }
    };
    let mut collecting = hours(store, RollupFilter::default(), (from, end), collecting, take).await?;
    for (hour, probe) in anew.iter() {
        let filter = RunFilter {
            probes: vec![probe.clone()],
            since: Some(*hour),
            until: Some(Rollup::next_hour(*hour)),
            order: Order::Newest,
            ..RunFilter::default()
        };
        let read = endings(store, filter, most, collecting, |collecting, ending| {
            collecting.ending(&ending)
        });
        collecting = read.await?.to;
    }
    Ok(collecting)
}
