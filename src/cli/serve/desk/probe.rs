//! The history of one probe: made beside when it is asked for, kept, and made again when it is no longer new.

mod gather;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::{Desk, act, views};
use crate::clock::Clock;
use crate::definition::Workspace;
use crate::model::{Fault, Moment};
use crate::report::html::probe::ProbeData;
use crate::store::Store;
use crate::web::daemon::{ProbeAnswer, ProbeAsk, Refused};

/// So many windows are kept; of more those that were asked for last.
const KEPT: usize = 32;
/// A window is new for so long, and for twenty times as long as it took to make it.
const NEW: Duration = Duration::from_secs(1);
const TIMES: u32 = 20;
/// But for no longer than this.
const OLD: Duration = Duration::from_mins(2);
/// What is older than new by so much is said to be.
const LATE: Duration = Duration::from_secs(5);

/// What was made of probes' histories. Clones share it.
#[derive(Clone)]
pub(in crate::cli::serve) struct Histories(Arc<Inner>);

struct Inner {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    shelf: Mutex<HashMap<ProbeAsk, Kept>>,
    /// Counts up whenever something has been made.
    ended: watch::Sender<u64>,
    /// One is made at a time: each may hold many runs.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Kept {
    data: Option<Arc<ProbeData>>,
    cost: Duration,
    trouble: Option<String>,
    making: bool,
    asked: Option<Moment>,
    /// The definition by which it was made.
    revision: String,
}

/// What became of a probe's runs.
pub(super) async fn answer(desk: &Desk, ask: ProbeAsk, patience: Duration) -> Result<ProbeAnswer, Refused> {
    let force = desk.force.now();
    let probe = act::probe(desk, &ask.probe)?;
    known("route", &ask.routes, &views::routes(&probe))?;
    known("input", &ask.inputs, &views::inputs(&probe))?;
    Ok(desk.histories.get(ask, &force.workspace, patience).await)
}

/// Whether each is one of those that there are; both are parameters of that name.
fn known(what: &'static str, asked: &[String], there: &[&str]) -> Result<(), Refused> {
    act::known(what, what, asked, there).map_err(|refused| match refused {
        Refused::Invalid { detail, .. } => Refused::Invalid {
            pointer: String::from(what),
            detail,
        },
        other => other,
    })
}

impl Histories {
    /// Nothing is made yet.
    pub(in crate::cli::serve) fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(Inner {
            store,
            clock,
            shelf: Mutex::default(),
            ended: watch::Sender::new(0),
            turn: tokio::sync::Mutex::default(),
        }))
    }

    /// What there is after `patience` at the latest; where that is not new, newer is being made.
    async fn get(&self, ask: ProbeAsk, workspace: &Arc<Workspace>, patience: Duration) -> ProbeAnswer {
        let mut ended = self.0.ended.subscribe();
        let now = self.0.clock.now();
        let probe = workspace.probes.iter().find(|probe| *probe.name == *ask.probe);
        let revision = probe.map_or_else(String::new, |probe| probe.revision.to_string());
        if self.0.want(&ask, &revision, now) {
            let (inner, ask, workspace) = (Arc::clone(&self.0), ask.clone(), Arc::clone(workspace));
            tokio::spawn(async move { inner.make(ask, workspace).await });
        }
        let made = async { while self.0.is_making(&ask) && ended.changed().await.is_ok() {} };
        tokio::pin!(made);
        tokio::select! {
            () = made => {}
            () = self.0.clock.sleep(patience) => {}
        }
        self.0.told(&ask)
    }
}

impl Inner {
    fn shelf(&self) -> MutexGuard<'_, HashMap<ProbeAsk, Kept>> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that it is asked for; whether somebody has to make it now.
    fn want(&self, ask: &ProbeAsk, revision: &str, now: Moment) -> bool {
        let mut shelf = self.shelf();
        while shelf.len() >= KEPT && !shelf.contains_key(ask) {
            let idle = shelf.iter().filter(|(_, kept)| !kept.making);
            let Some(oldest) = idle
                .min_by_key(|(_, kept)| kept.asked)
                .map(|(ask, _)| ask.clone())
            else {
                // All are being made: this one is not kept in mind, and will be asked for again.
                return false;
            };
            shelf.remove(&oldest);
        }
        let kept = shelf.entry(ask.clone()).or_default();
        kept.asked = Some(now);
        let make = !kept.making && !kept.is_new(now, revision);
        if make {
            kept.making = true;
            revision.clone_into(&mut kept.revision);
        }
        make
    }

    fn is_making(&self, ask: &ProbeAsk) -> bool {
        self.shelf().get(ask).is_some_and(|kept| kept.making)
    }

    async fn make(&self, ask: ProbeAsk, workspace: Arc<Workspace>) {
        let _turn = self.turn.lock().await;
        let begun = self.clock.now();
        let made = self.gather(&ask, &workspace, begun).await;
        let cost = self.clock.now().since(begun);
        if let Some(kept) = self.shelf().get_mut(&ask) {
            kept.making = false;
            kept.cost = cost;
            match made {
                Ok(data) => {
                    kept.data = Some(Arc::new(data));
                    kept.trouble = None;
                }
                Err(Fault { message, .. }) => {
                    tracing::warn!(
                        probe = ask.probe,
                        why = message,
                        "the history of a probe could not be read"
                    );
                    kept.trouble = Some(message);
                }
            }
        }
        self.ended.send_modify(|count| *count += 1);
    }

    /// All of it. The figures are told before the rest where there were none.
    async fn gather(&self, ask: &ProbeAsk, workspace: &Workspace, now: Moment) -> Result<ProbeData, Fault> {
        let (mut data, rest) = gather::figures(&self.store, workspace, ask, now).await?;
        if let Some(kept) = self.shelf().get_mut(ask).filter(|kept| kept.data.is_none()) {
            kept.data = Some(Arc::new(data.clone()));
        }
        gather::look(&self.store, workspace, rest, &mut data).await?;
        Ok(data)
    }

    fn told(&self, ask: &ProbeAsk) -> ProbeAnswer {
        let now = self.clock.now();
        self.shelf().get(ask).map_or_else(busy, |kept| kept.told(now))
    }
}

/// So much is asked for at once that this has to wait.
fn busy() -> ProbeAnswer {
    ProbeAnswer {
        data: None,
        stale: format!("{KEPT} other windows are being made: come again."),
    }
}

impl Kept {
    fn new_for(&self) -> Duration {
        self.cost.saturating_mul(TIMES).clamp(NEW, OLD)
    }

    fn is_new(&self, now: Moment, revision: &str) -> bool {
        let made = self
            .data
            .as_ref()
            .filter(|_| self.trouble.is_none() && self.revision == revision);
        made.is_some_and(|data| now.since(data.made) < self.new_for())
    }

    fn told(&self, now: Moment) -> ProbeAnswer {
        let when = self.data.as_ref().map(|data| {
            let text = data.made.to_rfc3339();
            text.get(11..19).unwrap_or(&text).to_owned()
        });
        let made = self.data.as_ref().map(|data| now.since(data.made));
        let late = made.is_some_and(|age| age > self.new_for() + LATE);
        let stale = match (&self.trouble, when) {
            (Some(why), Some(when)) => {
                format!("The store does not answer ({why}): these are the figures of {when}.")
            }
            (Some(why), None) => format!("The store does not answer ({why}): there are no figures yet."),
            (None, Some(when)) if late && self.making => {
                format!("The store is busy: these are the figures of {when}, and newer ones are being made.")
            }
            (None, _) => String::new(),
        };
        ProbeAnswer {
            data: self.data.clone(),
            stale,
        }
    }
}
