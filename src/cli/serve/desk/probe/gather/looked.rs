//! What only single runs tell: what separates bad from good, paths, steps, and routes beside each other tick by tick.

use std::sync::Arc;

use super::super::super::reading::beside;
use super::compared::Pairing;
use crate::model::{Class, Fault, RunRecord};
use crate::report::causes::{Collector, Question};
use crate::report::html::probe::BadRun;
use crate::report::paths::PathCollector;
use crate::report::silent_failure;
use crate::report::steps::StepCollector;
use crate::store::{Order, RunFilter, Store};

/// So many are looked through, the newest.
pub(super) const MOST: u64 = 5_000;
/// So many at once.
const AT_ONCE: u64 = 500;
/// So many bad ones are listed.
const MOST_BAD: usize = 15;

/// What was found so far.
pub(super) struct LookedAt {
    pub(super) runs: u64,
    pub(super) causes: Collector,
    pub(super) paths: PathCollector,
    pub(super) steps: StepCollector,
    pub(super) bad: Vec<BadRun>,
    pub(super) pairing: Option<Pairing>,
}

/// Looks through the newest runs of the filter.
pub(super) async fn looked_at(
    store: &Arc<dyn Store>,
    filter: &RunFilter,
    pairing: Option<Pairing>,
) -> Result<LookedAt, Fault> {
    let mut found = LookedAt {
        runs: 0,
        causes: Collector::new(Question::default()),
        paths: PathCollector::default(),
        steps: StepCollector::default(),
        bad: Vec::new(),
        pairing,
    };
    let mut rest = filter.clone();
    rest.order = Order::Newest;
    // Runs that failed are kept longer: beyond here they would be all there is.
    rest.since = rest.since.max(store.extent().await?.whole_since);
    while found.runs < MOST {
        rest.limit = u32::try_from((MOST - found.runs).min(AT_ONCE)).ok();
        let page = store.page(rest.clone()).await?;
        found = beside(move || {
            page.runs.iter().for_each(|run| found.add(run));
            found
        })
        .await?;
        rest.after = page.next;
        if rest.after.is_none() {
            break;
        }
    }
    Ok(found)
}

impl LookedAt {
    fn add(&mut self, run: &RunRecord) {
        self.runs += 1;
        self.causes.add(run);
        self.paths.add(run);
        self.steps.add(run);
        if let Some(pairing) = &mut self.pairing {
            pairing.add(run);
        }
        if run.class != Class::Delivered && self.bad.len() < MOST_BAD {
            self.bad.push(BadRun {
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
}
