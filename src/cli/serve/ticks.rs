//! Hands in the ticks of every schedule, each at its instant.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::clock::{Alarm, Clock};
use crate::definition::{Probe, Workspace};
use crate::engine::Engine;
use crate::model::Moment;

/// A tick that could not leave so long after it was due is skipped, or half an interval where that is less.
const START_DEADLINE: Duration = Duration::from_secs(30);

/// Works until `stop`.
pub(super) async fn run(
    engine: Engine,
    workspace: Arc<Workspace>,
    clock: Arc<dyn Clock>,
    stop: CancellationToken,
) {
    let alarm = Alarm::new(clock.clone());
    let mut next: BinaryHeap<Reverse<(Moment, usize)>> = BinaryHeap::new();
    let after = |probe: &Probe, at: Moment| probe.schedule.as_ref()?.next_after(&probe.name, at);
    let started = clock.now();
    for (place, probe) in workspace.probes.iter().enumerate() {
        next.extend(after(probe, started).map(|due| Reverse((due, place))));
    }
    while let Some(Reverse((due, place))) = next.pop() {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = alarm.until(due) => {}
        }
        let probe = &workspace.probes[place];
        let gap = probe.schedule.as_ref().map(|s| s.min_gap() / 2);
        let deadline = due.after(gap.unwrap_or(START_DEADLINE).min(START_DEADLINE));
        engine.tick(probe, due, deadline, &|_| true).await;
        next.extend(after(probe, due.max(clock.now())).map(|due| Reverse((due, place))));
    }
    stop.cancelled().await;
}
