//! Debian's Chromium without a window, driven over its DevTools protocol: commands go down one pipe and answers come up
//! another, each a JSON object that ends with a zero byte (`--remote-debugging-pipe`). When the test ends the pipes close,
//! and the browser with them.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::page::Page;

/// A browser that does not answer for so long is broken.
const PATIENCE: Duration = Duration::from_secs(60);
const PROGRAMS: [&str; 2] = ["/usr/bin/chromium", "/usr/bin/chromium-browser"];

/// One browser; each page of it keeps cookies of its own.
pub(super) struct Browser {
    child: Child,
    wire: Arc<Wire>,
    _home: tempfile::TempDir,
}

/// The two pipes.
pub(super) struct Wire {
    down: Mutex<File>,
    waiting: Mutex<HashMap<u64, oneshot::Sender<Value>>>,
    events: Mutex<Vec<Value>>,
    next: AtomicU64,
}

impl Browser {
    pub(super) async fn start() -> Self {
        let program = PROGRAMS.iter().find(|path| Path::new(path).is_file());
        let program = program.expect("chromium is missing; run: apt-get install chromium");
        let home = tempfile::tempdir().unwrap();
        let (down, up) = (pipe(home.path(), "down"), pipe(home.path(), "up"));
        let mut command = Command::new("sh");
        // What it writes on its way is of no use; what a page says comes as an event.
        command
            .args(["-c", r#"exec "$@" 3<"$DOWN" 4>"$UP""#, "sh", program])
            .args([
                "--headless=new",
                "--remote-debugging-pipe",
                "--no-sandbox",
                "--disable-gpu",
            ])
            .args([
                "--disable-dev-shm-usage",
                "--disable-background-networking",
                "--disable-component-update",
            ])
            .args([
                "--disable-sync",
                "--disable-default-apps",
                "--disable-extensions",
                "--no-first-run",
            ])
            .args([
                "--hide-scrollbars",
                "--force-color-profile=srgb",
                "--no-proxy-server",
            ])
            .arg("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost")
            .arg(format!(
                "--user-data-dir={}",
                home.path().join("profile").display()
            ))
            .env_clear()
            .envs([("DOWN", &down), ("UP", &up)])
            .env("HOME", home.path())
            .env("PATH", "/usr/bin:/bin")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let child = command.spawn().unwrap();
        // Opening either end waits for the other.
        let opened = tokio::task::spawn_blocking(move || {
            let down = OpenOptions::new().write(true).open(down).unwrap();
            (down, File::open(up).unwrap())
        });
        let (down, up) = opened.await.unwrap();
        let wire = Arc::new(Wire {
            down: Mutex::new(down),
            waiting: Mutex::default(),
            events: Mutex::default(),
            next: AtomicU64::new(1),
        });
        let reader = Arc::clone(&wire);
        std::thread::spawn(move || reader.read(up));
        wire.call(None, "Browser.getVersion", json!({})).await;
        Self {
            child,
            wire,
            _home: home,
        }
    }

    /// An empty page with cookies of its own.
    pub(super) async fn page(&self) -> Page {
        let call = async |method, params| self.wire.call(None, method, params).await;
        let context = call("Target.createBrowserContext", json!({})).await;
        let context = &context["browserContextId"];
        let target = json!({ "url": "about:blank", "browserContextId": context });
        let target = call("Target.createTarget", target).await;
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let session = call("Target.attachToTarget", attach).await;
        Page::new(
            Arc::clone(&self.wire),
            session["sessionId"].as_str().unwrap().to_owned(),
        )
        .await
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Wire {
    /// The result of a command, to a page or to the browser itself.
    pub(super) async fn call(&self, session: Option<&str>, method: &str, params: Value) -> Value {
        let answer = self.ask(session, method, params).await;
        answer.unwrap_or_else(|refused| panic!("{method}: {refused}"))
    }

    /// The same, or why the browser refused it.
    pub(super) async fn ask(
        &self,
        session: Option<&str>,
        method: &str,
        params: Value,
    ) -> Result<Value, Value> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (answer, answered) = oneshot::channel();
        self.waiting.lock().unwrap().insert(id, answer);
        self.send(id, session, method, &params);
        let answered = tokio::time::timeout(PATIENCE, answered).await;
        let answer = answered.unwrap_or_else(|_| panic!("the browser does not answer {method} {params}"));
        let answer = answer.expect("the browser has ended");
        match &answer["error"] {
            Value::Null => Ok(answer["result"].clone()),
            refused => Err(refused.clone()),
        }
    }

    /// What a page has said, from the `from`th event on.
    pub(super) fn events(&self, session: &str, from: usize) -> Vec<Value> {
        let events = self.events.lock().unwrap();
        let own = events
            .iter()
            .skip(from)
            .filter(|event| event["sessionId"] == session);
        own.cloned().collect()
    }

    /// How many events there were.
    pub(super) fn heard(&self) -> usize {
        self.events.lock().unwrap().len()
    }

    fn send(&self, id: u64, session: Option<&str>, method: &str, params: &Value) {
        let mut message = json!({ "id": id, "method": method, "params": params });
        if let Some(session) = session {
            message["sessionId"] = session.into();
        }
        let mut down = self.down.lock().unwrap();
        down.write_all(format!("{message}\0").as_bytes()).unwrap();
    }

    fn read(&self, up: File) {
        let mut up = BufReader::new(up);
        let mut bytes = Vec::new();
        while up.read_until(0, &mut bytes).is_ok_and(|n| n > 0) {
            let message: Value = serde_json::from_slice(&bytes[..bytes.len() - 1]).unwrap();
            bytes.clear();
            if let Some(id) = message["id"].as_u64() {
                if let Some(waiting) = self.waiting.lock().unwrap().remove(&id) {
                    drop(waiting.send(message));
                }
                continue;
            }
            // A dialog holds the page up; that there was one stays on record.
            if message["method"] == "Page.javascriptDialogOpening" {
                let id = self.next.fetch_add(1, Ordering::Relaxed);
                let session = message["sessionId"].as_str();
                self.send(
                    id,
                    session,
                    "Page.handleJavaScriptDialog",
                    &json!({ "accept": false }),
                );
            }
            self.events.lock().unwrap().push(message);
        }
        // Who still waits is told.
        self.waiting.lock().unwrap().clear();
    }
}

fn pipe(home: &Path, name: &str) -> PathBuf {
    let path = home.join(name);
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mkfifoat(rustix::fs::CWD, &path, mode).unwrap();
    path
}
