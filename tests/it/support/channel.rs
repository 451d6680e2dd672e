//! What a channel is given in a test: a sink that records, a listener that mounts nothing, cursors in memory.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::BoxFuture;
use landfall::channel::{Cursors, Handler, Listener, ObservationSink, OpenContext};
use landfall::clock::{Clock, SeededRandom, SystemClock};
use landfall::model::{Fault, Moment, ObservationId, Reason, Sighting, Token, TokenKey};

/// Records everything a channel says.
#[derive(Default)]
pub(crate) struct RecordingSink {
    pub(crate) sightings: Mutex<Vec<Sighting>>,
    pub(crate) downs: Mutex<Vec<Fault>>,
    pub(crate) ups: Mutex<Vec<bool>>,
    pub(crate) dropped: Mutex<Vec<String>>,
    pub(crate) refused: Mutex<Vec<String>>,
    /// Set to make every send fail, as a full disk would.
    pub(crate) broken: Mutex<bool>,
    /// Sightings that it was handed; held as a writer, `gate` keeps them waiting, as a locked store would.
    pub(crate) handed: AtomicUsize,
    pub(crate) gate: tokio::sync::RwLock<()>,
}

impl RecordingSink {
    pub(crate) fn seen(&self) -> Vec<Sighting> {
        self.sightings.lock().unwrap().clone()
    }
}

impl ObservationSink for RecordingSink {
    fn send(&self, sighting: Sighting) -> BoxFuture<'_, Result<ObservationId, Fault>> {
        Box::pin(async move {
            self.handed.fetch_add(1, Ordering::Relaxed);
            let _open = self.gate.read().await;
            if *self.broken.lock().unwrap() {
                return Err(Fault::new(Reason::Store, "the disk is full"));
            }
            let mut sightings = self.sightings.lock().unwrap();
            sightings.push(sighting);
            Ok(ObservationId(sightings.len() as u64))
        })
    }
    fn down(&self, _since: Moment, fault: Fault) {
        self.downs.lock().unwrap().push(fault);
    }
    fn up(&self, closed: bool) {
        self.ups.lock().unwrap().push(closed);
    }
    fn dropped(&self, what: &str, _tokens: &[Token]) {
        self.dropped.lock().unwrap().push(what.to_owned());
    }
    fn refused(&self, what: &str) {
        self.refused.lock().unwrap().push(what.to_owned());
    }
}

/// Cursors that last as long as the test.
#[derive(Default)]
pub(crate) struct MemoryCursors(Mutex<HashMap<String, String>>);

impl Cursors for MemoryCursors {
    fn load(&self, name: &str) -> BoxFuture<'_, Result<Option<String>, Fault>> {
        let found = self.0.lock().unwrap().get(name).cloned();
        Box::pin(async move { Ok(found) })
    }
    fn save(&self, name: &str, cursor: String) -> BoxFuture<'_, Result<(), Fault>> {
        self.0.lock().unwrap().insert(name.to_owned(), cursor);
        Box::pin(async { Ok(()) })
    }
}

/// A listener for kinds that need none.
pub(crate) struct NoListener;

impl Listener for NoListener {
    fn mount(&self, _prefix: &str, _handler: Arc<dyn Handler>) {}
    fn public_url(&self) -> String {
        String::from("http://127.0.0.1:1")
    }
    fn ip(&self) -> IpAddr {
        IpAddr::V4(Ipv4Addr::LOCALHOST)
    }
}

/// The key that tests issue tokens with.
pub(crate) fn test_key() -> TokenKey {
    TokenKey::new([7; 32])
}

/// A context around a recording sink.
pub(crate) fn context(root: &Path, sink: Arc<RecordingSink>, listener: Arc<dyn Listener>) -> OpenContext {
    OpenContext {
        name: String::from("under_test"),
        clock: Arc::new(SystemClock::start()),
        random: Arc::new(SeededRandom::new(1)),
        sink,
        listener,
        cursors: Arc::new(MemoryCursors::default()),
        token_key: test_key(),
        root: root.to_owned(),
        scope: Arc::new(landfall::definition::RunScope::of_vars(&serde_json::Map::new())),
    }
}

/// Waits for a state, not for a time: looks again until it holds, at most a minute: machines are busy.
pub(crate) async fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let clock = SystemClock::start();
    let give_up = clock.now().after(Duration::from_secs(60));
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(clock.now() < give_up, "still waiting after 60 s for {what}");
        clock.sleep(Duration::from_millis(5)).await;
    }
}
