//! Hands everything that the engine tells to everybody who asked for it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::mpsc::UnboundedReceiver;
use tokio_util::sync::CancellationToken;

use crate::engine::Update;

/// Somebody who wants to know what happens: the page, the metrics, the alerts.
pub(crate) trait Subscriber: Send + Sync {
    /// Takes one update. It is called in the order in which things happened, and must not block: what takes time goes
    /// into a bounded queue of the subscriber's own, which counts what it had to drop.
    fn take(&self, update: &Update);
}

/// Everybody who asked.
#[derive(Default)]
pub(crate) struct Hub {
    subscribers: RwLock<Vec<Arc<dyn Subscriber>>>,
}

impl Hub {
    /// From now on it is told everything.
    pub(crate) fn subscribe(&self, subscriber: Arc<dyn Subscriber>) {
        self.subscribers
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .push(subscriber);
    }

    /// Tells everybody one thing. A subscriber with a bug keeps no other from being told.
    pub(crate) fn tell(&self, update: &Update) {
        let subscribers = self
            .subscribers
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        for subscriber in subscribers {
            if catch_unwind(AssertUnwindSafe(|| subscriber.take(update))).is_err() {
                tracing::error!("a bug of landfall's own: a subscriber to the engine's updates panicked");
            }
        }
    }

    /// Tells everything that comes until `ended`, and then what is left: whoever holds the engine keeps nobody waiting.
    pub(crate) async fn run(
        self: Arc<Self>,
        mut updates: UnboundedReceiver<Update>,
        ended: CancellationToken,
    ) {
        loop {
            tokio::select! {
                biased;
                update = updates.recv() => match update {
                    Some(update) => self.tell(&update),
                    None => return,
                },
                () = ended.cancelled() => break,
            }
        }
        while let Ok(update) = updates.try_recv() {
            self.tell(&update);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[derive(Default)]
    struct Counting(AtomicUsize);

    impl Subscriber for Counting {
        fn take(&self, _: &Update) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    struct Broken;

    impl Subscriber for Broken {
        #[expect(clippy::panic, reason = "the bug that is tested for")]
        fn take(&self, _: &Update) {
            panic!("planted");
        }
    }

    #[tokio::test]
    async fn everybody_is_told_even_beside_one_that_panics() {
        let hub = Arc::new(Hub::default());
        let (first, second) = (Arc::new(Counting::default()), Arc::new(Counting::default()));
        hub.subscribe(first.clone());
        hub.subscribe(Arc::new(Broken));
        hub.subscribe(second.clone());
        let (updates, outbox) = tokio::sync::mpsc::unbounded_channel();
        for closed in [true, false, true] {
            let channel = String::from("hooks");
            drop(updates.send(Update::ChannelUp { channel, closed }));
        }
        let ended = CancellationToken::new();
        ended.cancel();
        // Its sender is still there, as with an engine that somebody holds.
        hub.run(outbox, ended).await;
        drop(updates);
        assert_eq!(first.0.load(Ordering::Relaxed), 3);
        assert_eq!(second.0.load(Ordering::Relaxed), 3);
    }
}
