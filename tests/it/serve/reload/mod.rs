//! Other definitions while it runs.

mod channels;
mod files;
mod refused;
mod runs;

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use reqwest::Response;
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};

use super::daemon::Daemon;
use crate::support::channel::eventually;
use crate::support::whole::http_client;

/// A target that takes everything and calls nobody: what came of a request is the test's to say.
pub(super) struct Silent {
    pub(super) base: String,
    orders: Arc<Mutex<Vec<Value>>>,
}

async fn take(State(orders): State<Arc<Mutex<Vec<Value>>>>, Json(order): Json<Value>) -> StatusCode {
    orders.lock().unwrap().push(order);
    StatusCode::ACCEPTED
}

impl Silent {
    pub(super) async fn start() -> Self {
        let orders: Arc<Mutex<Vec<Value>>> = Arc::default();
        let app = axum::Router::new()
            .route("/orders", post(take))
            .with_state(orders.clone());
        let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", socket.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(socket, app).await });
        Self { base, orders }
    }

    /// The orders of a probe that have come in, in their order.
    pub(super) fn orders(&self, probe: &str) -> Vec<Value> {
        let orders = self.orders.lock().unwrap();
        orders
            .iter()
            .filter(|order| order["probe"] == probe)
            .cloned()
            .collect()
    }

    /// Waits until the `n`th order of a probe has come in; the result is that one.
    pub(super) async fn order(&self, probe: &str, n: usize) -> Value {
        let what = format!("order {n} of `{probe}`");
        eventually(&what, || self.orders(probe).get(n - 1).cloned()).await
    }
}

/// A workspace that a test writes, and the daemon on it.
pub(super) struct Rig {
    pub(super) dir: tempfile::TempDir,
    pub(super) daemon: Daemon,
    pub(super) base: String,
    client: reqwest::Client,
}

/// `landfall.yaml` with a callback channel; `more` goes into it.
pub(super) fn workspace(base: &str, more: &Value) -> Value {
    let mut workspace = json!({
        "listen": "127.0.0.1:0",
        "stop_grace": "0s",
        "vars": { "base": base },
        "channels": { "hooks": { "callback": {} } },
    });
    for (key, value) in more.as_object().unwrap() {
        workspace[key] = value.clone();
    }
    workspace
}

/// A probe that is fired by hand and waits for a callback; `more` goes into it.
pub(super) fn probe(name: &str, more: &Value) -> Value {
    let mut probe = json!({
        "name": name,
        "request": { "http": {
            "url": "{{ vars.base }}/orders",
            "json": { "ref": "{{ token }}", "webhook": "{{ channels.hooks.url }}", "probe": name },
        } },
        "outcome": [{ "in": "hooks", "within": "60s", "grace": "1s" }],
        "settle": "10ms",
    });
    for (key, value) in more.as_object().unwrap() {
        probe[key] = value.clone();
    }
    probe
}

impl Rig {
    /// Starts on these; each probe stands in a file of its name.
    pub(super) async fn start(workspace: &Value, probes: &[Value], arguments: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("probes")).unwrap();
        put(dir.path(), "landfall.yaml", workspace);
        for probe in probes {
            put(dir.path(), &file_of(probe), probe);
        }
        Self::on(dir, arguments).await
    }

    /// Starts on what stands there.
    pub(super) async fn on(dir: tempfile::TempDir, arguments: &[&str]) -> Self {
        let daemon = Daemon::start(dir.path(), arguments, &[]);
        let line = daemon.says("serving").await;
        let (_, after) = line.split_once("http://").unwrap();
        let end = after
            .find(|c: char| c.is_whitespace() || c == '"')
            .unwrap_or(after.len());
        let base = format!("http://{}", &after[..end]);
        let client = http_client();
        Self {
            dir,
            daemon,
            base,
            client,
        }
    }

    pub(super) fn write(&self, name: &str, value: &Value) {
        put(self.dir.path(), name, value);
    }

    pub(super) fn put(&self, probe: &Value) {
        self.write(&file_of(probe), probe);
    }

    pub(super) fn remove(&self, probe: &str) {
        std::fs::remove_file(self.dir.path().join(format!("probes/{probe}.yaml"))).unwrap();
    }

    pub(super) async fn get(&self, path: &str) -> String {
        let answer = self
            .client
            .get(format!("{}{path}", self.base))
            .send()
            .await
            .unwrap();
        answer.text().await.unwrap()
    }

    pub(super) async fn json(&self, path: &str) -> Value {
        serde_json::from_str(&self.get(path).await).unwrap()
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> Response {
        let request = self.client.post(format!("{}{path}", self.base)).json(body);
        request.send().await.unwrap()
    }

    /// Fires a probe by hand.
    pub(super) async fn fire(&self, probe: &str) {
        let path = format!("/api/v1/probes/{probe}/fire");
        let answer = self.post(&path, &json!({})).await;
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    }

    /// Asks for a reload that is taken; the result says what it did.
    pub(super) async fn reload(&self) -> Value {
        let answer = self.post("/api/v1/reload", &json!({})).await;
        let (status, body) = (answer.status(), answer.text().await.unwrap());
        assert_eq!(status, 200, "{body}");
        serde_json::from_str(&body).unwrap()
    }

    /// Calls an address, as the system would; the result is the status.
    pub(super) async fn call(&self, method: reqwest::Method, url: &str, body: &Value) -> u16 {
        let request = self.client.request(method, url).json(body);
        request.send().await.unwrap().status().as_u16()
    }

    /// The names of the probes that are served, and their revisions.
    pub(super) async fn probes(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let all = self.json("/api/v1/probes").await;
        let all = all["probes"].as_array().unwrap().iter();
        all.map(|probe| (text(&probe["name"]), text(&probe["revision"])))
            .collect()
    }

    /// Waits until the API lists these probes.
    pub(super) async fn serves(&self, names: &[&str]) {
        let look = async {
            while self.probes().await.iter().map(|(name, _)| name).ne(names) {
                crate::web::breathe().await;
            }
        };
        let found = tokio::time::timeout(Duration::from_secs(30), look).await;
        found.unwrap_or_else(|_| panic!("still waiting after 30 s for {names:?}"));
    }

    /// The value of a metric without labels, or with these.
    pub(super) async fn metric(&self, name: &str) -> f64 {
        let text = self.get("/metrics").await;
        let line = text.lines().find(|line| {
            let rest = line.strip_prefix(name);
            rest.is_some_and(|rest| rest.starts_with(' '))
        });
        let line = line.unwrap_or_else(|| panic!("no `{name}` in {text}"));
        line[name.len()..]
            .trim()
            .split(' ')
            .next()
            .unwrap()
            .parse()
            .unwrap()
    }

    /// The one text column of a query over the store.
    pub(super) fn asked(&self, query: &str) -> Vec<String> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
        let path = self.dir.path().join("landfall.db");
        let Ok(store) = Connection::open_with_flags(path, flags) else {
            return Vec::new();
        };
        let Ok(mut statement) = store.prepare(query) else {
            return Vec::new();
        };
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.filter_map(Result::ok).collect()
    }

    /// The records of a probe's runs, oldest first.
    pub(super) fn records(&self, probe: &str) -> Vec<Value> {
        let all = self.asked("SELECT record FROM records ORDER BY tick");
        let all = all
            .iter()
            .map(|record| serde_json::from_str::<Value>(record).unwrap());
        all.filter(|record| record["probe"] == probe).collect()
    }

    /// Waits until a probe has so many records.
    pub(super) async fn ended(&self, probe: &str, n: usize) -> Vec<Value> {
        eventually(&format!("{n} ended runs of `{probe}`"), || {
            let records = self.records(probe);
            (records.len() >= n).then_some(records)
        })
        .await
    }
}

fn file_of(probe: &Value) -> String {
    format!("probes/{}.yaml", probe["name"].as_str().unwrap())
}

/// JSON is YAML.
fn put(dir: &Path, name: &str, value: &Value) {
    std::fs::write(dir.join(name), value.to_string()).unwrap();
}
