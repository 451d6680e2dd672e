//! Pages, API and health of the real `landfall serve`.

mod acts;
mod api;
mod auth;
mod document;
mod follow;
mod local;
mod overview;
mod pages;
mod probe_page;
mod run_page;
mod schemathesis;
mod telemetry;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};

use axum::Json;
use axum::http::StatusCode;
use axum::routing::post;
use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::support::channel::eventually;
use crate::support::process::landfall;
use crate::support::whole::{http_client, write};

/// A daemon with one probe `orders` of two routes: `good` delivers, `gone` answers 202 and delivers nothing. It fires
/// by hand alone.
pub(crate) struct Rig {
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
    pub(crate) dir: Arc<tempfile::TempDir>,
    pub(crate) base: String,
    pub(crate) client: reqwest::Client,
}

/// What a body of the target becomes, and where.
async fn take(Json(order): Json<Value>) -> StatusCode {
    let webhook = order["webhook"].as_str().unwrap().to_owned();
    if order["via"] == "good" {
        let body = json!({ "ref": order["ref"], "note": order["note"] });
        tokio::spawn(async move { http_client().post(webhook).json(&body).send().await });
    }
    StatusCode::ACCEPTED
}

async fn target() -> String {
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", socket.local_addr().unwrap());
    let app = axum::Router::new().route("/orders", post(take));
    tokio::spawn(async move { axum::serve(socket, app).await });
    base
}

/// Writes the workspace; `more` goes into landfall.yaml, `note` into every request.
async fn folder(more: &Value, note: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let mut workspace = json!({
        "listen": "127.0.0.1:0",
        "vars": { "base": target().await },
        "channels": { "hooks": { "callback": {} } },
    });
    for (key, value) in more.as_object().unwrap() {
        workspace[key] = value.clone();
    }
    let probe = json!({
        "name": "orders",
        "description": "An order is confirmed.",
        "labels": { "team": "payments" },
        "routes": { "good": { "vars": { "via": "good" } }, "gone": { "vars": { "via": "gone" } } },
        "request": { "http": {
            "url": "{{ vars.base }}/orders",
            "json": {
                "ref": "{{ token }}", "webhook": "{{ channels.hooks.url }}", "via": "{{ route.via }}", "note": note,
            },
        } },
        "outcome": [{ "in": "hooks", "within": "2s", "grace": "10ms" }],
        "settle": "10ms",
    });
    write(dir.path(), &workspace, &probe);
    dir
}

impl Rig {
    pub(crate) async fn start() -> Self {
        Self::with(&json!({}), "").await
    }

    pub(crate) async fn with(more: &Value, note: &str) -> Self {
        Self::again(Arc::new(folder(more, note).await)).await
    }

    /// Starts on a folder that was served before.
    pub(crate) async fn again(dir: Arc<tempfile::TempDir>) -> Self {
        // Installs the provider of TLS that every client needs.
        drop(http_client());
        let (child, lines) = spawn(dir.path());
        let mut rig = Self {
            child,
            lines,
            dir,
            base: String::new(),
            client: reqwest::Client::builder()
                .no_proxy()
                .redirect(reqwest::redirect::Policy::none())
                .build()
                .unwrap(),
        };
        let serving = eventually("the daemon to serve", || rig.said("serving")).await;
        let pages = serving.split("pages=").nth(1).unwrap();
        let pages = pages.split_whitespace().next().unwrap().trim_matches('"');
        pages.clone_into(&mut rig.base);
        rig
    }

    /// The last line of the log with this in it.
    pub(crate) fn said(&self, what: &str) -> Option<String> {
        let lines = self.lines.lock().unwrap();
        lines.iter().rev().find(|line| line.contains(what)).cloned()
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base))
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.request(Method::GET, path).send().await.unwrap()
    }

    pub(crate) async fn json(&self, path: &str) -> Value {
        let response = self.get(path).await;
        assert_eq!(response.status(), 200, "{path}");
        response.json().await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Response {
        self.request(Method::POST, path).json(body).send().await.unwrap()
    }

    /// Fires one route and waits until its run has ended; the result is the run of the list.
    pub(crate) async fn fired(&self, route: &str) -> Value {
        let fired = self
            .post("/api/v1/probes/orders/fire", &json!({ "routes": [route] }))
            .await;
        assert_eq!(fired.status(), 202);
        let fired: Value = fired.json().await.unwrap();
        assert_eq!(fired["runs"], 1);
        let tick = &fired["tick"].as_str().unwrap()[..23];
        for _ in 0..2000 {
            let page = self.json(&format!("/api/v1/runs?route={route}")).await;
            let found = page["runs"]
                .as_array()
                .unwrap()
                .iter()
                .find(|run| run["tick"].as_str().unwrap().starts_with(tick));
            if let Some(run) = found {
                return run.clone();
            }
            breathe().await;
        }
        panic!("the run of {tick} has not ended");
    }
}

/// Lets others work before one looks again.
pub(crate) async fn breathe() {
    use landfall::clock::Clock as _;
    landfall::clock::SystemClock::start()
        .sleep(std::time::Duration::from_millis(10))
        .await;
}

impl Drop for Rig {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// `landfall serve` in a folder, and what it says.
pub(crate) fn spawn(dir: &Path) -> (Child, Arc<Mutex<Vec<String>>>) {
    let mut command = landfall(dir, &[]);
    command.arg("serve");
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines: Arc<Mutex<Vec<String>>> = Arc::default();
    let (into, from) = (Arc::clone(&lines), child.stderr.take().unwrap());
    std::thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            into.lock().unwrap().push(line);
        }
    });
    (child, lines)
}

/// A problem of this status; its content.
pub(crate) async fn problem(response: Response, status: u16) -> Value {
    assert_eq!(response.status(), status);
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    let problem: Value = response.json().await.unwrap();
    assert_eq!(problem["status"], status);
    for key in ["type", "title", "detail"] {
        assert!(!problem[key].as_str().unwrap().is_empty(), "{problem}");
    }
    problem
}
