//! What the service manager is told (`sd_notify(3)`), where there is one: without `NOTIFY_SOCKET` nothing is sent.

use std::time::Duration;

use sd_notify::NotifyState;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::engine::Ticker;

/// A schedule that has not turned for so long is stuck: the service manager is no longer told that all is well.
const STUCK: Duration = Duration::from_secs(10);

/// Everything is started.
pub(super) fn ready(status: &str) {
    send(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// Definitions are taken anew; to be followed by [`ready`]. The time tells the service manager which of its own
/// requests this answers (`sd_notify(3)`, `Type=notify-reload`).
pub(super) fn reloading() {
    let states = [
        Some(NotifyState::Reloading),
        NotifyState::monotonic_usec_now().ok(),
    ];
    send(&states.into_iter().flatten().collect::<Vec<_>>());
}

/// How it is, in a line.
pub(super) fn status(status: &str) {
    send(&[NotifyState::Status(status)]);
}

/// The start takes longer; `status` says why.
pub(super) fn waiting(status: &str, patience: Duration) {
    let micros = u32::try_from(patience.as_micros()).unwrap_or(u32::MAX);
    send(&[
        NotifyState::Status(status),
        NotifyState::ExtendTimeoutUsec(micros),
    ]);
}

/// It is told to stop, and takes up to `grace`.
pub(super) fn stopping(grace: Duration) {
    // What comes after the grace (commits, closed connections) takes a little time of its own.
    let micros = grace.saturating_add(Duration::from_secs(15)).as_micros();
    send(&[
        NotifyState::Stopping,
        NotifyState::ExtendTimeoutUsec(u32::try_from(micros).unwrap_or(u32::MAX)),
    ]);
}

/// Tells the service manager that landfall is well, twice in the time that it allows, as long as the schedule turns.
pub(super) async fn watchdog(ticker: Ticker, clock: std::sync::Arc<dyn Clock>, stop: CancellationToken) {
    let mut micros = 0;
    if !sd_notify::watchdog_enabled(false, &mut micros) || micros == 0 {
        return;
    }
    let pause = Duration::from_micros(micros) / 2;
    loop {
        if clock.now().since(ticker.beat()) < STUCK {
            send(&[NotifyState::Watchdog]);
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = clock.sleep(pause) => {}
        }
    }
}

fn send(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(false, states) {
        tracing::debug!(%error, "the service manager was not told");
    }
}
