//! What ends a command from outside: Ctrl-C, and the SIGTERM that service managers and CI send.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Both signals, from when it is made.
pub(super) struct Interrupts(Option<(Signal, Signal)>);

impl Interrupts {
    /// Where the signals cannot be had, the process ends by them.
    pub(super) fn listen() -> Self {
        let signals = signal(SignalKind::interrupt()).and_then(|i| Ok((i, signal(SignalKind::terminate())?)));
        Self(signals.ok())
    }

    /// The next of either.
    pub(super) async fn next(&mut self) {
        let told = match &mut self.0 {
            Some((interrupt, terminate)) => tokio::select! {
                told = interrupt.recv() => told,
                told = terminate.recv() => told,
            },
            None => None,
        };
        if told.is_none() {
            std::future::pending().await
        }
    }
}

/// Works until it is done. The first signal is the work's own matter; at the second it is dropped: `None`.
pub(super) async fn until_told_twice<T>(work: impl Future<Output = T>) -> Option<T> {
    let mut interrupts = Interrupts::listen();
    let twice = async {
        interrupts.next().await;
        interrupts.next().await;
    };
    tokio::select! {
        done = work => Some(done),
        () = twice => None,
    }
}
