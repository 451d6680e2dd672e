//! `landfall compare` as its users run it, against the sandbox's real faults.

mod files;
mod live;
mod stored;

use std::path::Path;
use std::sync::Arc;

use landfall::clock::SystemClock;
use landfall::sandbox::{self, Options, Running, Script};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::support::process;
use crate::support::whole::write;

/// A gateway, and a workspace with a probe of it.
struct Bench {
    dir: tempfile::TempDir,
    stop: CancellationToken,
    _gateway: Running,
}

impl Bench {
    /// A gateway that does to each route what the script says, and a probe of these routes.
    async fn start(script: &str, routes: &[&str]) -> Self {
        Self::with(script, routes, &json!({})).await
    }

    /// The same with more keys of the probe.
    async fn with(script: &str, routes: &[&str], more: &Value) -> Self {
        drop(rustls::crypto::ring::default_provider().install_default());
        let faults = Script::parse("test", script).unwrap();
        let stop = CancellationToken::new();
        let options = Options {
            faults,
            seed: 3,
            remember: 10_000,
            ..Options::default()
        };
        let gateway = sandbox::start(options, Arc::new(SystemClock::start()), stop.clone())
            .await
            .unwrap();
        let dir = tempfile::tempdir().unwrap();
        let base = format!("http://{}", gateway.address());
        let workspace = json!({
            "listen": "127.0.0.1:0", "vars": { "base": base }, "channels": { "hooks": { "callback": {} } },
        });
        let routes: serde_json::Map<String, Value> = routes
            .iter()
            .map(|route| ((*route).to_owned(), json!({})))
            .collect();
        let mut probe = json!({
            "name": "message",
            "routes": routes,
            "input": { "text": "Your order is paid" },
            "request": { "http": {
                "method": "POST", "url": "{{ vars.base }}/v1/messages?route={{ route.name }}",
                "json": { "ref": "{{ token }}", "text": "{{ input.text }}", "webhook": "{{ channels.hooks.url }}" },
            } },
            "outcome": [{
                "in": "hooks", "where": "seen.json.event == \"message.delivered\"", "within": "1500ms", "grace": "0s",
            }],
            "settle": "0s",
            "fingerprint": ["hooks.json.text"],
            "attributes": { "route": "response.headers[\"x-route\"]" },
        });
        for (key, value) in more.as_object().unwrap() {
            probe[key] = value.clone();
        }
        write(dir.path(), &workspace, &probe);
        Self {
            dir,
            stop,
            _gateway: gateway,
        }
    }

    /// `landfall` there: exit code, stdout, stderr.
    async fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        landfall(self.dir.path(), arguments).await
    }

    /// The same with `--format json`; the result is the exit code and the object.
    async fn json(&self, arguments: &[&str]) -> (i32, Value) {
        let (code, out, err) = self.run(&[arguments, &["--format", "json"]].concat()).await;
        let value = serde_json::from_str(&out);
        (code, value.unwrap_or_else(|why| panic!("{why}: {out}\n{err}")))
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// The real binary, while the gateway goes on answering.
async fn landfall(dir: &Path, arguments: &[&str]) -> (i32, String, String) {
    let mut command = process::landfall(dir, &[("NO_COLOR", "1")]);
    command.args(arguments);
    tokio::task::spawn_blocking(move || process::ended(command))
        .await
        .unwrap()
}

/// The comparisons that the exit code rests on.
fn declared(comparison: &Value) -> Vec<&Value> {
    let all = comparison["comparisons"].as_array().unwrap();
    all.iter()
        .filter(|compared| compared["role"] == "declared")
        .collect()
}
