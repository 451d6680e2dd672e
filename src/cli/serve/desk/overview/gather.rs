//! Reads what the figures of a range are made of: whole hours that are rolled up, and the runs of those that are not.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use crate::model::{Fault, Moment, Reason, Rollup};
use crate::report::html::overview::{Collecting, Figures, Range};
use crate::store::{Order, RollupFilter, RunFilter, Store};

/// So many runs are read one by one at the most, the newest; hours that are rolled up do not count.
pub(super) const RUNS: usize = 300_000;
/// Roll-ups are read for so long a time at once, so that a month of them is never held.
const AT_ONCE: Duration = Duration::from_hours(24);

/// The figures of a range that ends now. Of `changed` hours the roll-up is not believed.
pub(super) async fn figures(
    store: &Arc<dyn Store>,
    range: Range,
    now: Moment,
    changed: &[(Moment, String)],
) -> Result<Figures, Fault> {
    let mut collecting = Collecting::new(range, now);
    let stretch = collecting.stretch();
    let mut from = stretch.since;
    if range.part() >= Duration::from_hours(1) {
        let last = store.extent().await?.last_rollup;
        let end = last.map_or(from, Rollup::next_hour).clamp(from, stretch.until);
        hours(store, &mut collecting, (from, end), changed).await?;
        from = end;
    }
    let mut notes = Vec::new();
    let left = RunFilter {
        since: Some(from),
        until: Some(stretch.until),
        ..RunFilter::default()
    };
    if let Some(first) = runs(store, &mut collecting, left, RUNS).await? {
        let first = first.to_rfc3339();
        notes.push(format!(
            "There are more than {RUNS} runs that are not rolled up, and the newest of them are counted: nothing from before {} is. A shorter time range shows all of it.",
            first.get(..19).unwrap_or(&first).replacen('T', " ", 1)
        ));
    }
    for skip in store.skips(Some(stretch.since)).await? {
        collecting.skip(&skip);
    }
    for span in store.skip_spans(Some(stretch.since)).await? {
        collecting.span(&span, stretch.until);
    }
    let marks = store.marks(Some(stretch.since), Some(stretch.until)).await?;
    tokio::task::spawn_blocking(move || collecting.figures(now, marks, notes))
        .await
        .map_err(|error| Fault::new(Reason::Internal, error.to_string()))
}

/// The hours of a stretch that are rolled up, and the runs of those that have changed since.
async fn hours(
    store: &Arc<dyn Store>,
    collecting: &mut Collecting,
    (from, end): (Moment, Moment),
    changed: &[(Moment, String)],
) -> Result<(), Fault> {
    let anew: HashSet<&(Moment, String)> = changed
        .iter()
        .filter(|(hour, _)| *hour >= from && *hour < end)
        .collect();
    let mut at = from;
    while at < end {
        let to = at.after(AT_ONCE).min(end);
        let filter = RollupFilter {
            since: Some(at),
            until: Some(to),
            ..RollupFilter::default()
        };
        for rollup in store.rollups(filter).await? {
            if anew.is_empty() || !anew.contains(&(rollup.hour, rollup.probe.clone())) {
                collecting.hour(&rollup);
            }
        }
        at = to;
    }
    for (hour, probe) in anew {
        let filter = RunFilter {
            probes: vec![probe.clone()],
            since: Some(*hour),
            until: Some(Rollup::next_hour(*hour)),
            ..RunFilter::default()
        };
        runs(store, collecting, filter, RUNS).await?;
    }
    Ok(())
}

/// Runs one by one, the newest first; where there are more than `most`, the tick of the last that was taken.
async fn runs(
    store: &Arc<dyn Store>,
    collecting: &mut Collecting,
    mut filter: RunFilter,
    most: usize,
) -> Result<Option<Moment>, Fault> {
    filter.order = Order::Newest;
    let mut taken = 0;
    loop {
        let page = store.endings(filter.clone()).await?;
        for ending in &page.endings {
            if taken >= most {
                return Ok(Some(ending.tick));
            }
            taken += 1;
            collecting.ending(ending);
        }
        filter.after = page.next;
        if filter.after.is_none() {
            return Ok(None);
        }
    }
}
