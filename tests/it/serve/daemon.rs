//! The real binary as a daemon, with a target that delivers what it is sent.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use rusqlite::{Connection, OpenFlags};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::support::channel::eventually;
use crate::support::process::landfall;
use crate::support::whole::{http_client, write};

/// What the target does with a request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Does {
    /// Takes it and calls back at once.
    Deliver,
    /// Takes it and calls nobody.
    Nothing,
}

#[derive(Clone)]
struct Sent {
    does: Does,
    client: reqwest::Client,
    tokens: Arc<Mutex<Vec<String>>>,
    webhooks: Arc<Mutex<Vec<String>>>,
}

/// A target, and what it was sent.
pub(super) struct Target {
    pub(super) base: String,
    tokens: Arc<Mutex<Vec<String>>>,
    webhooks: Arc<Mutex<Vec<String>>>,
}

impl Target {
    pub(super) async fn start(does: Does) -> Self {
        let (tokens, webhooks) = (Arc::default(), Arc::default());
        let sent = Sent {
            does,
            client: http_client(),
            tokens: Arc::clone(&tokens),
            webhooks: Arc::clone(&webhooks),
        };
        let app = axum::Router::new().route("/orders", post(take)).with_state(sent);
        let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(socket, app).await });
        Self {
            base: format!("http://{address}"),
            tokens,
            webhooks,
        }
    }

    /// Where the first of what it was sent wants its callback.
    pub(super) fn webhook(&self) -> String {
        self.webhooks.lock().unwrap()[0].clone()
    }

    /// The tokens of what it was sent, in order.
    pub(super) fn tokens(&self) -> Vec<String> {
        self.tokens.lock().unwrap().clone()
    }
}

async fn take(State(sent): State<Sent>, Json(order): Json<Value>) -> StatusCode {
    let text = |key: &str| order[key].as_str().unwrap().to_owned();
    let (token, webhook) = (text("ref"), text("webhook"));
    sent.webhooks.lock().unwrap().push(webhook.clone());
    sent.tokens.lock().unwrap().push(token.clone());
    if sent.does == Does::Deliver {
        let body = json!({ "ref": token });
        tokio::spawn(async move { sent.client.post(webhook).json(&body).send().await });
    }
    StatusCode::ACCEPTED
}

/// A folder with a workspace of one probe.
pub(super) struct Place {
    pub(super) dir: tempfile::TempDir,
}

impl Place {
    /// A probe `orders` of one route that fires at `target` as `schedule` says; `more` goes into it.
    pub(super) fn new(target: &Target, schedule: Value, more: &Value) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let workspace = json!({
            "listen": "127.0.0.1:0",
            "vars": { "base": target.base },
            "channels": { "hooks": { "callback": {} } },
        });
        let mut probe = json!({
            "name": "orders",
            "schedule": schedule,
            "request": { "http": {
                "url": "{{ vars.base }}/orders",
                "json": { "ref": "{{ token }}", "webhook": "{{ channels.hooks.url }}" },
            } },
            "outcome": [{ "in": "hooks", "within": "5s", "grace": "1s" }],
            "settle": "10ms",
        });
        for (key, value) in more.as_object().unwrap() {
            probe[key] = value.clone();
        }
        write(dir.path(), &workspace, &probe);
        Self { dir }
    }

    /// Adds a key to `landfall.yaml`.
    pub(super) fn set(&self, key: &str, value: Value) {
        let path = self.path("landfall.yaml");
        let mut workspace: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        workspace[key] = value;
        std::fs::write(path, workspace.to_string()).unwrap();
    }

    /// Gives the probe another schedule, for the next start.
    pub(super) fn change_schedule(&self, schedule: Value) {
        let path = self.path("probes/probe.yaml");
        let mut probe: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        probe["schedule"] = schedule;
        std::fs::write(path, probe.to_string()).unwrap();
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The one text column of a query over the store.
    pub(super) fn asked(&self, query: &str) -> Vec<String> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
        let Ok(store) = Connection::open_with_flags(self.path("landfall.db"), flags) else {
            return Vec::new();
        };
        let Ok(mut statement) = store.prepare(query) else {
            return Vec::new();
        };
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.filter_map(Result::ok).collect()
    }
}

/// The daemon at work.
pub(super) struct Daemon {
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Daemon {
    pub(super) fn start(dir: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = landfall(dir, variables);
        command.arg("serve").args(arguments);
        Self::spawn(command)
    }

    /// `landfall demo` instead.
    pub(super) fn demo(dir: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = landfall(dir, variables);
        command.arg("demo").args(arguments);
        Self::spawn(command)
    }

    /// As a service manager starts it: the watchdog's variables name its process.
    pub(super) fn managed(dir: &Path, variables: &[(&str, &str)]) -> Self {
        let mut command = Command::new("/bin/sh");
        command
            .args([
                "-c",
                "export WATCHDOG_PID=$$; exec \"$0\" serve",
                env!("CARGO_BIN_EXE_landfall"),
            ])
            .current_dir(dir)
            .env_clear()
            .envs(variables.iter().copied())
            .stdin(Stdio::null());
        Self::spawn(command)
    }

    fn spawn(mut command: Command) -> Self {
        let mut child = command
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines: Arc<Mutex<Vec<String>>> = Arc::default();
        let (into, from) = (lines.clone(), child.stderr.take().unwrap());
        std::thread::spawn(move || {
            for line in BufReader::new(from).lines().map_while(Result::ok) {
                into.lock().unwrap().push(line);
            }
        });
        Self { child, lines }
    }

    /// Waits until it serves.
    pub(super) async fn serving(&self) {
        self.says("serving").await;
    }

    /// Waits until it has logged a line with this in it; the result is the line.
    pub(super) async fn says(&self, what: &str) -> String {
        eventually(&format!("a line with `{what}`"), || self.said(what)).await
    }

    /// The last line with this in it.
    pub(super) fn said(&self, what: &str) -> Option<String> {
        let lines = self.lines.lock().unwrap();
        lines.iter().rev().find(|line| line.contains(what)).cloned()
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(super) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.child.id().try_into().unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Waits for its end.
    pub(super) async fn ended(&mut self) -> ExitStatus {
        let child = &mut self.child;
        eventually("the end of the daemon", || child.try_wait().unwrap()).await
    }

    /// Asks it to stop and waits for its end.
    pub(super) async fn stopped(mut self) -> ExitStatus {
        self.signal(Signal::TERM);
        self.ended().await
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // A test that failed leaves nothing behind; one that has ended cannot be killed.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
