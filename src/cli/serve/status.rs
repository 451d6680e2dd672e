//! Says when the state of a probe changes: in the log, and to the service manager as a line of counts.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::board::Board;
use super::force::Force;
use super::notify;
use crate::clock::Clock;
use crate::engine::Ticker;
use crate::model::ProbeState;

/// States are looked at this often.
const LOOK: Duration = Duration::from_secs(5);

/// Works until `stop`.
pub(super) async fn run(
    board: Arc<Board>,
    ticker: Ticker,
    force: Arc<Force>,
    clock: Arc<dyn Clock>,
    stop: CancellationToken,
) {
    let mut before: BTreeMap<Arc<str>, ProbeState> = BTreeMap::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = clock.sleep(LOOK) => {}
        }
        let pauses = ticker.pauses();
        let mut changed = false;
        let workspace = force.now().workspace.clone();
        let served = before.len();
        before.retain(|name, _| workspace.probes.iter().any(|probe| probe.name == *name));
        changed |= before.len() != served;
        for probe in &workspace.probes {
            let (state, _) = board.states(probe, &pauses);
            let was = before.insert(probe.name.clone(), state);
            if was == Some(state) {
                continue;
            }
            changed = true;
            let was = was.unwrap_or(ProbeState::NoData);
            if was != state {
                tracing::info!(probe = %probe.name, was = was.word(), now = state.word(), "the probe's state has changed");
            }
        }
        if changed {
            notify::status(&counts(before.values().copied()));
        }
    }
}

/// `12 probes: 10 ok, 2 failing`.
pub(super) fn counts(states: impl ExactSizeIterator<Item = ProbeState>) -> String {
    let mut said = format!("{} probes", states.len());
    let mut counts: BTreeMap<ProbeState, usize> = BTreeMap::new();
    for state in states {
        *counts.entry(state).or_default() += 1;
    }
    let mut separator = ": ";
    for state in ProbeState::ALL {
        if let Some(count) = counts.get(&state) {
            said.push_str(&format!("{separator}{count} {}", state.word()));
            separator = ", ";
        }
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_counted_in_the_order_of_the_contract() {
        use ProbeState::{Failing, Ok, Paused};
        assert_eq!(
            counts([Paused, Ok, Failing, Ok].into_iter()),
            "4 probes: 2 ok, 1 failing, 1 paused"
        );
        assert_eq!(counts([].into_iter()), "0 probes");
    }
}
