//! Alerting in the daemon.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::force::Force;
use super::hub::Subscriber;
use crate::alert::{Alerts, Setup};
use crate::cli::alerts::{destinations, watched};
use crate::clock::{Clock, SystemRandom};
use crate::engine::Update;
use crate::model::{Fault, Moment, SkipRecord};
use crate::store::Store;

/// Tells alerting what ends and what does not fire.
pub(super) struct Told(pub(super) Arc<Alerts>);

impl Subscriber for Told {
    fn take(&self, update: &Update) {
        match update {
            Update::Closed { record, .. } | Update::Amended(record) => self.0.ended(record),
            Update::Skipped(skip) => self.0.skipped(skip),
            // A stretch that has grown: that it goes on is what counts, not how many ticks it has.
            Update::SkippedSpan { span, .. } => self.0.skipped(&SkipRecord {
                probe: span.probe.clone(),
                route: span.route.clone(),
                input: span.input.clone(),
                tick: span.last.to_rfc3339(),
                reason: span.reason,
                detail: span.detail.clone(),
            }),
            Update::Step(_) | Update::ChannelDown { .. } | Update::ChannelUp { .. } => {}
        }
    }
}

/// Starts alerting.
///
/// # Errors
/// A destination that cannot be opened; rules that cannot be reckoned.
pub(super) fn start(
    force: &Arc<Force>,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    stop: &CancellationToken,
    tasks: &TaskTracker,
) -> Result<Arc<Alerts>, Fault> {
    let workspace = &force.now().workspace;
    // Windows are times of the wall clock.
    let (wall, in_force) = (clock.clone(), force.clone());
    let maintenance = move |probe: &str, _: Moment| {
        let force = in_force.now();
        let probes = &force.workspace.probes;
        let found = probes.binary_search_by(|known| known.name.as_ref().cmp(probe));
        let windows = found
            .ok()
            .and_then(|at| probes.get(at))
            .map(|probe| &probe.maintenance);
        windows.is_some_and(|windows| windows.iter().any(|window| window.covers(wall.wall()).is_some()))
    };
    let setup = Setup {
        watched: watched(workspace)?,
        destinations: destinations(workspace, &clock)?,
        store,
        clock,
        random: Arc::new(SystemRandom),
        redactor: workspace.redactor.clone(),
        maintenance: Arc::new(maintenance),
    };
    Ok(Alerts::start(setup, stop, tasks))
}
