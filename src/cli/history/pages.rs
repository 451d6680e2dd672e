//! Runs of one store or of several, some at a time.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use super::failed;
use crate::cli::Exit;
use crate::model::{RunId, RunRecord};
use crate::store::{Order, Place, RunFilter, Store};

/// Reads on where it was: no more than a page of each store is held.
pub(in crate::cli) struct Pages {
    sources: Vec<Source>,
    filter: RunFilter,
    /// The runs of the last tick that were handed out, so that a copy in another store is known.
    seen: (String, HashSet<RunId>),
}

struct Source {
    store: Arc<dyn Store>,
    runs: VecDeque<RunRecord>,
    after: Option<Place>,
    done: bool,
}

impl Pages {
    pub(super) fn new(stores: Vec<Arc<dyn Store>>, filter: RunFilter) -> Self {
        let source = |store| Source {
            store,
            runs: VecDeque::new(),
            after: filter.after,
            done: false,
        };
        Self {
            sources: stores.into_iter().map(source).collect(),
            filter,
            seen: Default::default(),
        }
    }

    /// The next runs in the filter's order; none where that was all. `limit` bounds what
    /// is read at once: who wants so many counts them.
    pub(in crate::cli) async fn next(&mut self) -> Result<Vec<RunRecord>, Exit> {
        loop {
            for source in &mut self.sources {
                source.fill(&self.filter).await?;
            }
            let page = match self.sources.as_mut_slice() {
                [one] => std::mem::take(&mut one.runs).into(),
                _ => self.merged(),
            };
            if !page.is_empty() || self.sources.iter().all(|s| s.done && s.runs.is_empty()) {
                return Ok(page);
            }
        }
    }

    /// What can be put in order without reading on: until a source is empty that has more.
    fn merged(&mut self) -> Vec<RunRecord> {
        let mut page = Vec::new();
        while self.sources.iter().all(|s| s.done || !s.runs.is_empty()) {
            let heads = self.sources.iter_mut().filter(|s| !s.runs.is_empty());
            let key = |source: &&mut Source| source.runs.front().map(|run| (run.tick.clone(), run.id));
            let next = match self.filter.order {
                Order::Oldest => heads.min_by_key(key),
                Order::Newest => heads.max_by_key(key),
            };
            let Some(run) = next.and_then(|source| source.runs.pop_front()) else {
                break;
            };
            if self.seen.0 != run.tick {
                self.seen = (run.tick.clone(), HashSet::new());
            }
            if self.seen.1.insert(run.id) {
                page.push(run);
            }
        }
        page
    }
}

impl Source {
    async fn fill(&mut self, filter: &RunFilter) -> Result<(), Exit> {
        while self.runs.is_empty() && !self.done {
            let filter = RunFilter {
                after: self.after,
                ..filter.clone()
            };
            let page = self.store.page(filter).await.map_err(|fault| failed(&fault))?;
            self.runs = page.runs.into();
            self.after = page.next;
            self.done = page.next.is_none();
        }
        Ok(())
    }
}
