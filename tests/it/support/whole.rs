//! A whole landfall in the test: a workspace from files, the real engine, a real listener.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use landfall::clock::{Clock, SeededRandom, SystemClock};
use landfall::definition::{LoadOptions, ProcessEnvironment, Workspace, load};
use landfall::engine::{Engine, Options, Setup, Update};
use landfall::lifecycle::Settings;
use landfall::model::RunRecord;
use landfall::store::Store;
use landfall::web::HttpListener;
use serde_json::Value;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio_util::sync::CancellationToken;

/// Engines that were started by this process.
static STARTS: AtomicU64 = AtomicU64::new(7);

/// Writes `landfall.yaml` and one probe; JSON is YAML.
pub(crate) fn write(dir: &Path, workspace: &Value, probe: &Value) {
    std::fs::create_dir_all(dir.join("probes")).unwrap();
    std::fs::write(dir.join("landfall.yaml"), workspace.to_string()).unwrap();
    std::fs::write(dir.join("probes/probe.yaml"), probe.to_string()).unwrap();
}

/// A client for peers; the product installs its own provider of TLS.
pub(crate) fn http_client() -> reqwest::Client {
    // A second installation of the same provider is refused, which is as good.
    drop(rustls::crypto::ring::default_provider().install_default());
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// The engine on a workspace.
pub(crate) struct Whole {
    pub(crate) engine: Engine,
    pub(crate) updates: UnboundedReceiver<Update>,
    workspace: Arc<Workspace>,
    stop: CancellationToken,
}

impl Whole {
    /// Loads what the folder holds and starts.
    pub(crate) async fn start(dir: &Path, store: Arc<dyn Store>) -> Self {
        Self::start_with(dir, store, Options::default(), 0).await
    }

    /// The same on a port of its own (0: any), with these options.
    pub(crate) async fn start_with(dir: &Path, store: Arc<dyn Store>, options: Options, port: u16) -> Self {
        // Every run sleeps as soon as it waits, so that each verdict is one on a run that slept.
        let engine_options = Options {
            awake: options.awake.or(Some(Duration::ZERO)),
            ..options
        };
        let options = LoadOptions {
            dir: Some(dir.to_owned()),
            vars: Vec::new(),
        };
        let loaded = load(&options, &ProcessEnvironment);
        let said = loaded.problems.render(&loaded.sources, false);
        let workspace = Arc::new(loaded.workspace.expect(&said));
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
        let stop = CancellationToken::new();
        let socket = landfall::web::bind(([127, 0, 0, 1], port).into()).await.unwrap();
        let settings = landfall::web::Settings::default();
        // Two processes on one store draw no two equal tokens.
        let seed = if engine_options.resume {
            STARTS.fetch_add(1, Ordering::Relaxed)
        } else {
            7
        };
        let listener = HttpListener::new(socket.local_addr().unwrap(), settings, clock.clone());
        tokio::spawn(listener.clone().run(socket, stop.clone()));
        let setup = Setup {
            workspace: workspace.clone(),
            store,
            clock,
            random: Arc::new(SeededRandom::new(seed)),
            listener,
            settings: Settings::STANDARD,
            options: engine_options,
        };
        let (engine, updates) = Engine::start(setup).await.unwrap();
        Self {
            engine,
            updates,
            workspace,
            stop,
        }
    }

    /// Fires every route of the one probe; returns how many runs or skips will come of it.
    pub(crate) async fn tick(&self) -> usize {
        self.tick_within(Duration::from_secs(30)).await
    }

    /// The same, where what has not started by then is skipped.
    pub(crate) async fn tick_within(&self, start: Duration) -> usize {
        let now = self.engine.now();
        let deadline = now.after(start);
        self.engine
            .tick(&self.workspace.probes[0], now, deadline, &|_| true)
            .await
    }

    /// The next run that ends.
    pub(crate) async fn closed(&mut self) -> Arc<RunRecord> {
        loop {
            match self.updates.recv().await.unwrap() {
                Update::Closed { record, .. } => return record,
                Update::Skipped(skip) => panic!("{skip:?}"),
                _ => {}
            }
        }
    }

    /// Stops everything.
    pub(crate) async fn end(self) {
        self.engine.shut_down().await;
        self.stop.cancel();
    }
}
