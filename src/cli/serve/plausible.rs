//! A clock that cannot be right: a machine without a battery boots in 1970. Nothing is fired, nor anything put on record,
//! until the clock shows a time that can be.

use std::time::Duration;

use super::notify;
use crate::clock::{Clock, SystemClock};
use crate::engine::CLOCK_TOLERANCE;
use crate::model::{Fault, Moment};
use crate::store::Store;

/// No landfall that has this line was built before: 2026-01-01.
const BUILT: Moment = Moment(1_767_225_600_000_000_000);
/// The clock is looked at this often.
const LOOK: Duration = Duration::from_secs(1);
/// How often it is said that nothing is fired yet.
const SAY: Duration = Duration::from_secs(60);

/// Returns once the wall clock is at most a minute before everything that is on record, and says what it waits for.
///
/// # Errors
/// The store does not answer.
pub(super) async fn wait(store: &dyn Store, clock: &SystemClock) -> Result<(), Fault> {
    let newest = store.newest().await?;
    let floor = newest.map_or(BUILT, |newest| newest.before(CLOCK_TOLERANCE).max(BUILT));
    let mut say = clock.now();
    loop {
        let wall = clock.wall();
        if wall >= floor {
            return Ok(());
        }
        if clock.now() >= say {
            say = clock.now().after(SAY);
            let why = match newest {
                Some(newest) if newest >= BUILT => format!("the store holds what happened at {newest}"),
                _ => format!("landfall was not built before {BUILT}"),
            };
            tracing::error!(
                "nothing is fired: the clock shows {wall}, and {why}; set the clock, or start with `--trust-clock`"
            );
            notify::waiting("the clock cannot be right; nothing is fired", SAY * 2);
        }
        clock.sleep(LOOK).await;
    }
}
