//! Lets go of what is past its retention, a batch at a time.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::force::Force;
use crate::clock::Clock;
use crate::store::Store;

/// Hours are rolled up and old runs are let go this often.
const EVERY: Duration = Duration::from_secs(5 * 60);
/// The first time comes this soon: a start has other things to do.
const FIRST: Duration = Duration::from_secs(30);

/// Works until `stop`; what it is at then is taken up by the next start.
pub(super) async fn run(
    store: Arc<dyn Store>,
    force: Arc<Force>,
    clock: Arc<dyn Clock>,
    stop: CancellationToken,
) {
    let mut wait = FIRST;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = clock.sleep(wait) => {}
        }
        wait = EVERY;
        let done = tokio::select! {
            () = stop.cancelled() => return,
            done = store.upkeep(clock.now(), force.now().workspace.retention) => done,
        };
        match done {
            Ok(done) => tracing::debug!(?done, "the store is kept"),
            Err(fault) => tracing::error!(%fault, "old runs are not let go, and hours are not rolled up"),
        }
    }
}
