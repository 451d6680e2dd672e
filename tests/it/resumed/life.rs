//! One life of landfall after the other, on one store and one port; and a target that takes orders.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use axum::Json;
use axum::extract::State;
use axum::routing::{delete, post};
use landfall::clock::{Clock, SystemClock};
use landfall::engine::Options;
use landfall::model::{RunRecord, SkipRecord};
use landfall::store::{self, Location, Store};
use serde_json::{Value, json};

use crate::support::channel::eventually;
use crate::support::whole::Whole;

/// A target that takes every order, gives it a number, and calls nobody.
#[derive(Clone, Default)]
pub(super) struct Target {
    pub(super) base: String,
    orders: Arc<Mutex<Vec<Value>>>,
    cleaned: Arc<Mutex<u32>>,
}

impl Target {
    pub(super) async fn start() -> Self {
        async fn take(State(target): State<Target>, Json(order): Json<Value>) -> Json<Value> {
            let mut orders = target.orders.lock().unwrap();
            orders.push(order);
            Json(json!({ "id": format!("order-{:06}", 424_242 + orders.len()) }))
        }
        async fn clean(State(target): State<Target>) {
            *target.cleaned.lock().unwrap() += 1;
        }
        let mut target = Self::default();
        let app = axum::Router::new()
            .route("/orders", post(take))
            .route("/orders/{id}", delete(clean))
            .with_state(target.clone());
        let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        target.base = format!("http://{}", socket.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(socket, app).await });
        target
    }

    /// What it was sent.
    pub(super) fn orders(&self) -> Vec<Value> {
        self.orders.lock().unwrap().clone()
    }

    pub(super) fn cleaned(&self) -> u32 {
        *self.cleaned.lock().unwrap()
    }
}

/// A folder in which landfall lives again and again.
pub(super) struct Lives {
    pub(super) dir: tempfile::TempDir,
    port: u16,
}

impl Lives {
    /// A workspace of one probe, with these channels and this outcome.
    pub(super) fn new(target: &Target, channels: &Value, more: &Value) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let workspace = json!({ "vars": { "base": target.base }, "channels": channels });
        let mut probe = json!({
            "name": "orders",
            "request": { "http": {
                "url": "{{ vars.base }}/orders",
                "json": { "ref": "{{ token }}" },
            } },
            "cleanup": [{ "http": { "method": "DELETE", "url": "{{ vars.base }}/orders/{{ token }}" } }],
            "settle": "10ms",
        });
        for (key, value) in more.as_object().unwrap() {
            probe[key] = value.clone();
        }
        crate::support::whole::write(dir.path(), &workspace, &probe);
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        Self { dir, port }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Changes the probe's file.
    pub(super) fn rewrite(&self, file: &str, change: impl FnOnce(&mut Value)) {
        let path = self.path(file);
        let mut value: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        change(&mut value);
        std::fs::write(path, value.to_string()).unwrap();
    }

    /// Another life.
    pub(super) async fn begin(&self) -> Life {
        let store = open(self.dir.path()).await;
        let options = Options {
            resume: true,
            ..Options::default()
        };
        let whole = Whole::start_with(self.dir.path(), store.clone(), options, self.port).await;
        Life { whole, store }
    }

    /// A life that fires once and ends as soon as the answer is on record.
    pub(super) async fn fire_and_end(&self) {
        let life = self.begin().await;
        assert_eq!(life.whole.tick().await, 1);
        life.answered().await;
        life.end().await;
    }
}

/// One life.
pub(super) struct Life {
    pub(super) whole: Whole,
    store: Arc<dyn Store>,
}

impl Life {
    pub(super) async fn closed(&mut self) -> Arc<RunRecord> {
        self.whole.closed().await
    }

    /// Waits until the answer of a run is on record.
    pub(super) async fn answered(&self) {
        let clock = SystemClock::start();
        let answered = |run: &store::OpenRun| run.fired.as_ref().is_some_and(|f| f.answer.is_some());
        let give_up = clock.now().after(std::time::Duration::from_secs(60));
        while !self.store.open_runs().await.unwrap().iter().any(answered) {
            assert!(
                clock.now() < give_up,
                "no open run has its answer on record after 60 s"
            );
            clock.sleep(std::time::Duration::from_millis(2)).await;
        }
    }

    pub(super) async fn skips(&self) -> Vec<SkipRecord> {
        self.store.skips(None).await.unwrap()
    }

    pub(super) async fn open(&self) -> usize {
        self.store.open_runs().await.unwrap().len()
    }

    /// Leaves what is open to the next.
    pub(super) async fn end(self) {
        self.whole.end().await;
        self.store.shutdown().await.unwrap();
    }
}

async fn open(dir: &Path) -> Arc<dyn Store> {
    let now = SystemClock::start().now();
    let location = Location::Sqlite(dir.join("landfall.db"));
    let opened =
        tokio::task::spawn_blocking(move || store::open(&location, store::Options::new(now, "a test")));
    opened.await.unwrap().unwrap()
}

/// The token of the one order that the target was sent.
pub(super) async fn token(target: &Target) -> String {
    let order = eventually("an order", || target.orders().first().cloned()).await;
    order["ref"].as_str().unwrap().to_owned()
}
