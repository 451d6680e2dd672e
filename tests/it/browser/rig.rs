//! A daemon on the sandbox, with a run of every class on record.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::Child;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use landfall::clock::SystemClock;
use landfall::model::Class;
use landfall::sandbox::workspace::{self, Endpoints};
use landfall::sandbox::{self, Options, Running, Script};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::support::whole::http_client;
use crate::web::{breathe, spawn};

/// Waits for a callback that never comes, and for nothing else: a stall of landfall blinds it.
const BLIND: &str = r#"name: blind
description: A callback that is dropped while landfall stands still.
routes: { only: {} }
input: { text: "Please do fault:drop" }
request:
  http:
    url: "{{ vars.base }}/v1/messages?route={{ route.name }}"
    json: { ref: "{{ token }}", text: "{{ input.text }}", webhook: "{{ channels.hooks.url }}" }
outcome:
  - in: hooks
    within: 3s
    grace: 0s
settle: 0s
"#;

/// Stays open for as long as a test looks.
const OPEN: &str = r#"name: open
description: A callback that is waited for while people look.
routes: { only: {} }
input: { text: "Please do fault:drop" }
request:
  http:
    url: "{{ vars.base }}/v1/messages?route={{ route.name }}"
    json: { ref: "{{ token }}", text: "{{ input.text }}", webhook: "{{ channels.hooks.url }}" }
outcome:
  - in: hooks
    within: 20m
    grace: 10m
"#;

/// A workspace, and the sandbox that it probes.
pub(super) type Sandboxed = (tempfile::TempDir, CancellationToken, Running);

/// The daemon, and the sandbox that it probes.
pub(super) struct Rig {
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
    dir: tempfile::TempDir,
    pub(super) base: String,
    pub(super) client: reqwest::Client,
    pub(super) token: Option<&'static str>,
    stop: CancellationToken,
    gateway: Running,
}

/// A port that is known before it is used, and that no one takes meanwhile who asks for any: systems hand out those from
/// 32768 on.
pub(super) fn port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let nth = NEXT.fetch_add(1, Ordering::Relaxed) + std::process::id() % 12_000 * 61;
        let port = 20_000 + u16::try_from(nth % 12_000).unwrap();
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}

/// A sandbox, and a workspace of it whose probes fire by hand alone; `more` goes into landfall.yaml.
pub(super) async fn sandboxed(more: &str) -> Sandboxed {
    sandboxed_at(more, 0).await
}

/// The same, and the daemon is to listen on this port.
pub(super) async fn sandboxed_at(more: &str, at: u16) -> Sandboxed {
    drop(http_client());
    let dir = tempfile::tempdir().unwrap();
    let stop = CancellationToken::new();
    let mail = SocketAddr::from((Ipv4Addr::LOCALHOST, port()));
    let options = Options {
        faults: Script::demo(),
        seed: 1,
        database: Some(dir.path().join("messages.db")),
        smtp: Some(mail.to_string()),
        ..Options::default()
    };
    let gateway = sandbox::start(options, Arc::new(SystemClock::start()), stop.clone())
        .await
        .unwrap();
    let endpoints = Endpoints {
        gateway: gateway.address(),
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, at)),
        mail,
        database: dir.path().join("messages.db"),
    };
    for file in workspace::write(dir.path(), &endpoints).unwrap() {
        let text = std::fs::read_to_string(&file).unwrap();
        let by_hand: Vec<&str> = text
            .lines()
            .filter(|line| !line.starts_with("schedule:"))
            .collect();
        std::fs::write(&file, by_hand.join("\n") + "\n").unwrap();
    }
    for (name, text) in [("blind", BLIND), ("open", OPEN)] {
        std::fs::write(dir.path().join(format!("probes/{name}.yaml")), text).unwrap();
    }
    let main = dir.path().join("landfall.yaml");
    let text = std::fs::read_to_string(&main).unwrap();
    std::fs::write(&main, format!("{text}{more}")).unwrap();
    (dir, stop, gateway)
}

impl Rig {
    /// Serves, without a run yet.
    pub(super) async fn start(more: &str, token: Option<&'static str>) -> Self {
        Self::on(sandboxed(more).await, token).await
    }

    /// The same with a probe of one's own besides.
    pub(super) async fn probing(yaml: &str) -> Self {
        let made = sandboxed("").await;
        std::fs::write(made.0.path().join("probes/own.yaml"), yaml).unwrap();
        Self::on(made, None).await
    }

    /// Serves a workspace.
    pub(super) async fn on((dir, stop, gateway): Sandboxed, token: Option<&'static str>) -> Self {
        let (child, lines) = spawn(dir.path());
        let mut rig = Self {
            child,
            lines,
            dir,
            base: String::new(),
            client: http_client(),
            token,
            stop,
            gateway,
        };
        let serving = rig.serving().await;
        let pages = serving.split("pages=").nth(1).unwrap();
        pages
            .split_whitespace()
            .next()
            .unwrap()
            .trim_matches('"')
            .clone_into(&mut rig.base);
        rig
    }

    /// Kills the daemon.
    pub(super) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again, on the workspace and the store of the one that was killed.
    pub(super) async fn again(&mut self) {
        (self.child, self.lines) = spawn(self.dir.path());
        self.serving().await;
    }

    /// The line that says where it serves. Browsers keep a machine busy: this waits longer than other tests do.
    async fn serving(&self) -> String {
        for _ in 0..6_000 {
            let found = {
                let lines = self.lines.lock().unwrap();
                lines.iter().find(|line| line.contains("serving")).cloned()
            };
            if let Some(line) = found {
                return line;
            }
            breathe().await;
        }
        panic!("it does not serve: {:?}", self.lines.lock().unwrap());
    }

    /// Fires until a run of every class is on record; the result is one of each.
    pub(super) async fn every_class(&self) -> BTreeMap<Class, String> {
        self.fire("blind", 1).await;
        for _ in 0..6_000 {
            if !self.gateway.truth().is_empty() {
                break;
            }
            breathe().await;
        }
        // It stands still until what is waited for is overdue.
        let pid = Pid::from_child(&self.child);
        kill_process(pid, Signal::STOP).unwrap();
        for _ in 0..400 {
            breathe().await;
        }
        kill_process(pid, Signal::CONT).unwrap();
        let mut all = self.ended(1).await;
        self.fire("message", 3).await;
        // On a busy machine landfall may see too little of some: then they are fired again.
        let mut runs = 4;
        for _ in 0..10 {
            self.fire("named", 9).await;
            runs += 9;
            all.extend(self.ended(runs).await);
            if Class::ALL.iter().all(|class| all.contains_key(class)) {
                return all;
            }
        }
        panic!("not every class has a run: {all:?}");
    }

    /// Fires all routes of a probe, which makes so many runs.
    pub(super) async fn fire(&self, probe: &str, runs: u64) {
        let request = self
            .client
            .post(format!("{}/api/v1/probes/{probe}/fire", self.base));
        let fired = self.signed(request).json(&json!({})).send().await.unwrap();
        assert_eq!(fired.status(), 202);
        assert_eq!(fired.json::<Value>().await.unwrap()["runs"], runs);
    }

    /// Waits until so many runs are on record; one of each class.
    pub(super) async fn ended(&self, runs: usize) -> BTreeMap<Class, String> {
        for _ in 0..6_000 {
            let request = self.client.get(format!("{}/api/v1/runs?limit=200", self.base));
            let page: Value = self.signed(request).send().await.unwrap().json().await.unwrap();
            let all = page["runs"].as_array().unwrap();
            if all.len() >= runs {
                let one = |run: &Value| {
                    let class = Class::from_word(run["class"].as_str().unwrap()).unwrap();
                    (class, run["id"].as_str().unwrap().to_owned())
                };
                return all.iter().map(one).collect();
            }
            breathe().await;
        }
        panic!("there are never {runs} runs");
    }

    pub(super) async fn post(&self, path: &str, body: &Value) {
        let request = self.client.post(format!("{}{path}", self.base));
        let answer = self.signed(request).json(body).send().await.unwrap();
        assert!(
            answer.status().is_success(),
            "{path}: {}",
            answer.text().await.unwrap()
        );
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    fn signed(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        match self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        self.stop.cancel();
    }
}
