//! Notices when landfall itself could not see: its runtime blocked, its process stopped, its machine suspended or starved.
//!
//! A task beats; where a beat comes late, what happened since the one before may have been seen late or not at all, and
//! the machine is told. A thread of its own listens to the beats, so that a runtime that hangs is said to hang while it
//! does.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::model::Moment;

/// Between two beats.
const BEAT: Duration = Duration::from_millis(100);
/// A beat that is so late was held up.
const STALL: Duration = Duration::from_millis(500);

/// Beats until `stop`; `stalled` is told since when nothing was seen.
pub(super) async fn run<F: Future<Output = ()> + Send>(
    clock: Arc<dyn Clock>,
    stop: CancellationToken,
    stalled: impl Fn(Moment) -> F + Send,
) {
    let last = Arc::new(AtomicI64::new(clock.now().0));
    let listener = listen(clock.clone(), last.clone(), stop.clone());
    if let Err(error) = listener {
        tracing::warn!(%error, "no thread watches the runtime: one that hangs goes unsaid");
    }
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = clock.sleep(BEAT) => {}
        }
        let now = clock.now();
        let before = Moment(last.swap(now.0, Ordering::AcqRel));
        if now.since(before) >= STALL {
            tracing::warn!(
                seconds = now.since(before).as_secs_f64(),
                "landfall could not see: it was blocked, stopped, suspended or starved; runs that it may have misjudged are unobserved"
            );
            stalled(before).await;
        }
    }
}

fn listen(clock: Arc<dyn Clock>, last: Arc<AtomicI64>, stop: CancellationToken) -> std::io::Result<()> {
    let work = move || {
        let mut said = None;
        loop {
            std::thread::sleep(STALL);
            // Beats end with the daemon.
            if stop.is_cancelled() {
                return;
            }
            let beat = last.load(Ordering::Acquire);
            let silent = clock.now().since(Moment(beat));
            if silent >= STALL && said != Some(beat) {
                said = Some(beat);
                tracing::error!(
                    seconds = silent.as_secs_f64(),
                    "the runtime does not turn: something blocks it"
                );
            }
        }
    };
    std::thread::Builder::new()
        .name(String::from("watch"))
        .spawn(work)
        .map(drop)
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;
    use crate::clock::SystemClock;

    #[test]
    fn a_runtime_that_was_blocked_is_noticed_with_its_time() {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
        let stop = CancellationToken::new();
        let (tell, mut told) = mpsc::unbounded_channel();
        let stalled = move |since| {
            let tell = tell.clone();
            async move { tell.send(since).unwrap() }
        };
        let started = clock.now();
        runtime.spawn(run(clock.clone(), stop.clone(), stalled));
        runtime.spawn(async { std::thread::sleep(STALL * 2) });
        let since = runtime.block_on(told.recv()).unwrap();
        stop.cancel();
        assert!(since >= started && since.after(STALL) <= clock.now());
    }
}
