//! What people do to the schedule: fire now, pause, resume.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::json;

use super::{PAUSES, Ticker, planned};
use crate::definition::Probe;
use crate::lifecycle::agenda::{Pause, PauseOf, Pauses, START_DEADLINE};
use crate::model::{Fault, Leg, Moment, Reason};

/// A firing by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByHand {
    /// Its tick.
    pub tick: Moment,
    /// How many runs or skips come of it.
    pub runs: usize,
}

impl Ticker {
    /// Fires a probe now, paused or not; only these routes, where any is named.
    ///
    /// # Errors
    /// There is no such probe or route, or landfall is stopping.
    pub async fn fire(&self, probe: &str, routes: &[String]) -> Result<ByHand, Fault> {
        if self.inner.stopping.load(Ordering::Acquire) {
            return Err(Fault::new(
                Reason::Stopped,
                "landfall is stopping and fires nothing more",
            ));
        }
        let (probe, tick) = {
            let mut state = self.inner.lock();
            let found = find(&state.probes, probe, routes)?;
            let now = self
                .inner
                .clock
                .now()
                .max(Moment(state.by_hand.0.saturating_add(1)));
            let tick = state.agenda.by_hand(probe, now);
            state.by_hand = tick;
            (found, tick)
        };
        let wanted = |leg: &Leg| routes.is_empty() || routes.iter().any(|route| route == leg.route.as_ref());
        let deadline = tick.after(START_DEADLINE);
        let runs = self.inner.engine.tick(&probe, tick, deadline, &wanted).await;
        Ok(ByHand { tick, runs })
    }

    /// Pauses everything, a probe or a route, also over restarts. Whether it was not paused before.
    ///
    /// # Errors
    /// There is no such probe or route, or the pause is not on record; then nothing is paused.
    pub async fn pause(&self, what: PauseOf, note: &str) -> Result<bool, Fault> {
        self.known(&what)?;
        let pause = Pause {
            since: self.inner.clock.now(),
            note: note.to_owned(),
        };
        if self
            .inner
            .lock()
            .agenda
            .pauses()
            .iter()
            .any(|(paused, _)| *paused == what)
        {
            return Ok(false);
        }
        let store = &self.inner.engine.shared.store;
        store.keep(PAUSES, &what.key(), Some(json!(pause))).await?;
        tracing::info!(what = what.key(), note, "paused");
        Ok(self.inner.lock().agenda.pauses_mut().pause(what, pause))
    }

    /// Resumes what was paused. Whether it was.
    ///
    /// # Errors
    /// It is not on record; then it stays paused.
    pub async fn resume(&self, what: &PauseOf) -> Result<bool, Fault> {
        if !self
            .inner
            .lock()
            .agenda
            .pauses()
            .iter()
            .any(|(paused, _)| paused == what)
        {
            return Ok(false);
        }
        self.inner
            .engine
            .shared
            .store
            .keep(PAUSES, &what.key(), None)
            .await?;
        tracing::info!(what = what.key(), "resumed");
        Ok(self.inner.lock().agenda.pauses_mut().resume(what))
    }

    /// What is paused.
    #[must_use]
    pub fn pauses(&self) -> Pauses {
        self.inner.lock().agenda.pauses().clone()
    }

    fn known(&self, what: &PauseOf) -> Result<(), Fault> {
        let state = self.inner.lock();
        match what {
            PauseOf::All => Ok(()),
            PauseOf::Probe(probe) => find(&state.probes, probe, &[]).map(|_| ()),
            PauseOf::Route(probe, route) => {
                find(&state.probes, probe, std::slice::from_ref(route)).map(|_| ())
            }
        }
    }
}

/// A probe that has these routes.
fn find(probes: &BTreeMap<Arc<str>, Arc<Probe>>, name: &str, routes: &[String]) -> Result<Arc<Probe>, Fault> {
    let Some(probe) = probes.get(name) else {
        let names: Vec<&str> = probes.keys().map(|name| name.as_ref()).collect();
        let message = format!(
            "no enabled probe is called `{name}`; there are: {}",
            names.join(", ")
        );
        return Err(Fault::new(Reason::Input, message));
    };
    for route in routes {
        if !probe.legs.iter().any(|def| def.leg.route.as_ref() == route) {
            let names: Vec<String> = planned(probe)
                .routes
                .iter()
                .map(|name| name.to_string())
                .collect();
            let message = format!(
                "probe `{name}` has no route `{route}`; it has: {}",
                names.join(", ")
            );
            return Err(Fault::new(Reason::Input, message));
        }
    }
    Ok(probe.clone())
}
