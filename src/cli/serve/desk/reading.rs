//! Many runs read and counted so that nobody else waits: pages that are there in no time, and no counting on a thread that
//! answers others.

use std::sync::Arc;

use crate::model::{Ending, Fault, Moment, Reason, Rollup};
use crate::store::{RollupFilter, RunFilter, Store};

/// So many endings are read at once.
const AT_ONCE: u32 = 1_000;
/// Roll-ups are read for so long a time at once.
const HOURS: std::time::Duration = std::time::Duration::from_hours(24);

/// What came of reading.
pub(super) struct Read<T> {
    /// Into what it was taken.
    pub(super) to: T,
    /// Runs that were.
    pub(super) runs: u64,
    /// Where there are more runs than may be read: the tick of the last that was.
    pub(super) cut: Option<Moment>,
}

/// Takes the runs of a filter, in its order and no more than `most`, into `to`.
///
/// # Errors
/// The store does not answer.
pub(super) async fn endings<T: Send + 'static>(
    store: &Arc<dyn Store>,
    filter: RunFilter,
    most: u64,
    mut to: T,
    take: fn(&mut T, Ending),
) -> Result<Read<T>, Fault> {
    let mut rest = RunFilter {
        limit: Some(AT_ONCE),
        ..filter
    };
    let mut runs = 0;
    loop {
        let mut page = store.endings(rest.clone()).await?;
        let left = usize::try_from(most - runs).unwrap_or(usize::MAX);
        let more = page.next.is_some() || page.endings.len() > left;
        page.endings.truncate(left);
        runs += page.endings.len() as u64;
        let last = page.endings.last().map(|ending| ending.tick);
        to = beside(move || {
            page.endings.into_iter().for_each(|ending| take(&mut to, ending));
            to
        })
        .await?;
        let cut = last.filter(|_| runs >= most && more);
        rest.after = page.next;
        if cut.is_some() || rest.after.is_none() {
            return Ok(Read { to, runs, cut });
        }
    }
}

/// Takes the hours that are rolled up and begin in `since <= hour < until` into `to`.
///
/// # Errors
/// The store does not answer.
pub(super) async fn hours<T: Send + 'static>(
    store: &Arc<dyn Store>,
    filter: RollupFilter,
    (since, until): (Moment, Moment),
    mut to: T,
    take: impl Fn(&mut T, &Rollup) + Clone + Send + 'static,
) -> Result<T, Fault> {
    let mut from = since;
    while from < until {
        let end = from.after(HOURS).min(until);
        let wanted = RollupFilter {
            since: Some(from),
            until: Some(end),
            ..filter.clone()
        };
        let rollups = store.rollups(wanted).await?;
        let take = take.clone();
        to = beside(move || {
            rollups.iter().for_each(|rollup| take(&mut to, rollup));
            to
        })
        .await?;
        from = end;
    }
    Ok(to)
}

/// Computes where nothing else waits for it.
///
/// # Errors
/// The computation ended early: a bug of landfall's.
pub(super) async fn beside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Fault> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Fault::new(Reason::Internal, error.to_string()))
}
