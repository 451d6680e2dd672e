//! Goes through much of history: slices of time are read side by side, and nothing is held but what was asked of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::mpsc;

use super::history::History;
use super::{Exit, output};
use crate::model::{Moment, RunRecord};
use crate::store::{Order, RunFilter};

/// So many slices are read at once; a store has two readers.
const READERS: usize = 2;
/// Slices of time, so that readers that are done sooner take more.
const SLICES: i64 = 16;

/// Gives every run that the filter lets through to `take`, in no certain order.
pub(super) async fn sweep(
    history: &History,
    filter: RunFilter,
    mut take: impl FnMut(&RunRecord),
) -> Result<(), Exit> {
    let slices = Arc::new(slices(history, &filter).await?);
    let next = Arc::new(AtomicUsize::new(0));
    let (hand_over, mut pages) = mpsc::channel(READERS);
    let readers: Vec<_> = (0..READERS)
        .map(|_| {
            let (slices, next, hand_over) = (slices.clone(), next.clone(), hand_over.clone());
            // The pages of each slice are opened here, since they hold the stores.
            let mut all: Vec<_> = slices
                .iter()
                .map(|slice| Some(history.pages(slice.clone())))
                .collect();
            tokio::spawn(async move {
                while let Some(slice) = all.get_mut(next.fetch_add(1, Ordering::Relaxed)) {
                    let Some(mut slice) = slice.take() else { continue };
                    loop {
                        let page = slice.next().await?;
                        if page.is_empty() || hand_over.send(page).await.is_err() {
                            break;
                        }
                    }
                }
                Ok(())
            })
        })
        .collect();
    drop(hand_over);
    while let Some(page) = pages.recv().await {
        page.iter().for_each(&mut take);
    }
    for reader in readers {
        reader.await.unwrap_or_else(|error| {
            output::error(&format!("reading history ended early: {error}"));
            Err(Exit::Blind)
        })?;
    }
    Ok(())
}

/// The filter, cut into slices of time.
async fn slices(history: &History, filter: &RunFilter) -> Result<Vec<RunFilter>, Exit> {
    let (Some(first), Some(last)) = (
        end(history, filter, Order::Oldest).await?,
        end(history, filter, Order::Newest).await?,
    ) else {
        return Ok(vec![filter.clone()]);
    };
    let step = (last.0.saturating_sub(first.0)) / SLICES;
    if step == 0 {
        return Ok(vec![filter.clone()]);
    }
    let edge = |n: i64| Moment(first.0.saturating_add(step.saturating_mul(n)));
    let slice = |n: i64| RunFilter {
        since: if n == 0 { filter.since } else { Some(edge(n)) },
        until: if n + 1 == SLICES {
            filter.until
        } else {
            Some(edge(n + 1))
        },
        order: Order::Oldest,
        ..filter.clone()
    };
    Ok((0..SLICES).map(slice).collect())
}

/// The tick of the first or the last run.
async fn end(history: &History, filter: &RunFilter, order: Order) -> Result<Option<Moment>, Exit> {
    let filter = RunFilter {
        order,
        limit: Some(1),
        ..filter.clone()
    };
    let page = history.pages(filter).next().await?;
    let ticks = page.iter().filter_map(|run| Moment::from_rfc3339(&run.tick));
    Ok(match order {
        Order::Oldest => ticks.min(),
        Order::Newest => ticks.max(),
    })
}

/// Says that nothing of a probe is on record, and which name may have been meant, unless some of it is.
pub(super) async fn known(history: &History, probe: &str) -> Result<(), Exit> {
    let one = |probes: Vec<String>, limit| RunFilter {
        probes,
        limit: Some(limit),
        order: Order::Newest,
        ..RunFilter::default()
    };
    let own = history.pages(one(vec![probe.to_owned()], 1)).next().await?;
    if !own.is_empty() {
        return Ok(());
    }
    let others = history.pages(one(Vec::new(), 1_000)).next().await?;
    let names: std::collections::BTreeSet<String> = others.into_iter().map(|run| run.probe).collect();
    let near = names
        .iter()
        .map(|name| (strsim::damerau_levenshtein(name, probe), name))
        .min()
        .filter(|(distance, name)| *distance <= 3.max(name.len() / 3));
    let hint = match near {
        Some((_, name)) => format!(": did you mean `{name}`?"),
        None if names.is_empty() => String::from(": the store has no runs at all"),
        None => {
            let names: Vec<&str> = names.iter().take(10).map(String::as_str).collect();
            format!("; on record are runs of {}", names.join(", "))
        }
    };
    output::error(&crate::diag::escape(&format!(
        "no run of probe `{probe}` is on record{hint}"
    )));
    Err(Exit::Usage)
}
