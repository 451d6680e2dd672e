//! Runs of one store or of several, some at a time.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use futures::future::BoxFuture;

use super::failed;
use crate::cli::Exit;
use crate::model::{Ending, Fault, Moment, RunId, RunRecord};
use crate::store::{Order, Place, RunFilter, Store};

/// Reads on where it was: no more than a page of each store is held.
pub(in crate::cli) struct Pages<T> {
    sources: Vec<Source<T>>,
    filter: RunFilter,
    /// The runs of the last tick that were handed out, so that a copy in another store is known.
    seen: (Option<Moment>, HashSet<RunId>),
}

/// Some of them, and where the next begins.
type Part<T> = (Vec<T>, Option<Place>);

/// What is read of a run.
pub(in crate::cli) trait Stored: Sized + Send {
    /// Its tick.
    fn tick(&self) -> Moment;

    /// Its id.
    fn id(&self) -> RunId;

    /// A page of them, and where the next begins.
    fn page(store: &dyn Store, filter: RunFilter) -> BoxFuture<'_, Result<Part<Self>, Fault>>;
}

struct Source<T> {
    store: Arc<dyn Store>,
    runs: VecDeque<T>,
    after: Option<Place>,
    done: bool,
}

impl Stored for RunRecord {
    fn tick(&self) -> Moment {
        Moment::from_rfc3339(&self.tick).unwrap_or(Moment(i64::MIN))
    }

    fn id(&self) -> RunId {
        self.id
    }

    fn page(store: &dyn Store, filter: RunFilter) -> BoxFuture<'_, Result<Part<Self>, Fault>> {
        Box::pin(async move { store.page(filter).await.map(|page| (page.runs, page.next)) })
    }
}

impl Stored for Ending {
    fn tick(&self) -> Moment {
        self.tick
    }

    fn id(&self) -> RunId {
        self.id
    }

    fn page(store: &dyn Store, filter: RunFilter) -> BoxFuture<'_, Result<Part<Self>, Fault>> {
        Box::pin(async move { store.endings(filter).await.map(|page| (page.endings, page.next)) })
    }
}

impl<T: Stored> Pages<T> {
    /// Reads from these stores.
    pub(in crate::cli) fn new(stores: Vec<Arc<dyn Store>>, filter: RunFilter) -> Self {
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

    /// The next runs in the filter's order; none where that was all. `limit` bounds what is read at once: who wants so
    /// many counts them. What cannot be read has been said.
    pub(in crate::cli) async fn next(&mut self) -> Result<Vec<T>, Exit> {
        self.read().await.map_err(|fault| failed(&fault))
    }

    /// The same, with the fault.
    ///
    /// # Errors
    /// A store does not answer.
    pub(in crate::cli) async fn read(&mut self) -> Result<Vec<T>, Fault> {
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
    fn merged(&mut self) -> Vec<T> {
        let mut page = Vec::new();
        while self.sources.iter().all(|s| s.done || !s.runs.is_empty()) {
            let heads = self.sources.iter_mut().filter(|s| !s.runs.is_empty());
            let key = |source: &&mut Source<T>| source.runs.front().map(|run| (run.tick(), run.id()));
            let next = match self.filter.order {
                Order::Oldest => heads.min_by_key(key),
                Order::Newest => heads.max_by_key(key),
            };
            let Some(run) = next.and_then(|source| source.runs.pop_front()) else {
                break;
            };
            if self.seen.0 != Some(run.tick()) {
                self.seen = (Some(run.tick()), HashSet::new());
            }
            if self.seen.1.insert(run.id()) {
                page.push(run);
            }
        }
        page
    }
}

impl<T: Stored> Source<T> {
    async fn fill(&mut self, filter: &RunFilter) -> Result<(), Fault> {
        while self.runs.is_empty() && !self.done {
            let filter = RunFilter {
                after: self.after,
                ..filter.clone()
            };
            let (runs, next) = T::page(self.store.as_ref(), filter).await?;
            self.runs = runs.into();
            self.after = next;
            self.done = next.is_none();
        }
        Ok(())
    }
}
