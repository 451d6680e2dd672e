//! `landfall run`, killed at any instant while callbacks pour in: what it had answered with 2xx is in its store, and
//! what it had fired has its intent there (invariants 6 and 7).

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::routing::post;
use rand::{Rng, SeedableRng};
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};

use crate::support::channel::eventually;
use crate::support::process::landfall;
use crate::support::whole::{http_client, write};

const ROUNDS: u64 = 8;
const SENDERS: usize = 8;

/// Where the target was told to call back, by the token that came with the request.
type Told = Arc<Mutex<Vec<(String, String)>>>;

/// A target that takes every order and calls nobody: the test does.
async fn target(told: Told) -> String {
    async fn take(State(told): State<Told>, Json(order): Json<Value>) -> Json<Value> {
        let text = |key: &str| order[key].as_str().unwrap().to_owned();
        told.lock().unwrap().push((text("ref"), text("webhook")));
        Json(json!({}))
    }
    let app = axum::Router::new().route("/orders", post(take)).with_state(told);
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(socket, app).await });
    format!("http://{address}")
}

fn workspace(dir: &Path, base: &str) {
    let workspace = json!({
        "listen": "127.0.0.1:0",
        "vars": { "base": base },
        "channels": { "hooks": { "callback": {} } },
    });
    let probe = json!({
        "name": "orders",
        "request": { "http": {
            "url": "{{ vars.base }}/orders",
            "json": { "ref": "{{ token }}", "webhook": "{{ channels.hooks.url }}" },
        } },
        "outcome": [{ "in": "hooks", "within": "60s", "times": { "min": 60_000, "max": 100_000 } }],
    });
    write(dir, &workspace, &probe);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_and_what_was_fired_is_there_after_a_kill() {
    let told = Told::default();
    let base = target(told.clone()).await;
    let dir = tempfile::tempdir().unwrap();
    workspace(dir.path(), &base);
    let mut rng = rand::rngs::StdRng::seed_from_u64(19);
    let acknowledged: Arc<Mutex<Vec<String>>> = Arc::default();
    for round in 0..ROUNDS {
        let before = told.lock().unwrap().len();
        let mut run = landfall(dir.path(), &[]);
        run.args(["run", "--count", "100", "--every", "20ms"]);
        run.stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null());
        let mut run = run.spawn().unwrap();
        let (_, webhook) =
            eventually("the first request", || told.lock().unwrap().get(before).cloned()).await;
        let senders: Vec<_> = (0..SENDERS)
            .map(|sender| {
                tokio::spawn(pour(
                    webhook.clone(),
                    format!("{round}-{sender}"),
                    acknowledged.clone(),
                ))
            })
            .collect();
        let enough = acknowledged.lock().unwrap().len() + rng.random_range(20..400);
        eventually("callbacks that were answered", || {
            (acknowledged.lock().unwrap().len() >= enough).then_some(())
        })
        .await;
        run.kill().unwrap();
        run.wait().unwrap();
        for sender in senders {
            sender.await.unwrap();
        }
    }
    let store = Connection::open_with_flags(dir.path().join("landfall.db"), OpenFlags::SQLITE_OPEN_READ_ONLY)
        .unwrap();
    let all = |sql: &str| -> Vec<String> {
        let mut query = store.prepare(sql).unwrap();
        query
            .query_map([], |row| row.get(0))
            .unwrap()
            .map(Result::unwrap)
            .collect()
    };
    let kept = all("SELECT sighting FROM observations").join("\n");
    for id in acknowledged.lock().unwrap().iter() {
        assert!(
            kept.contains(&format!("\"{id}\"")),
            "callback {id} was answered with 2xx and is gone"
        );
    }
    let claimed = all("SELECT intent FROM intents").join("\n");
    let fired = told.lock().unwrap().clone();
    for (token, _) in &fired {
        assert!(
            claimed.contains(token.as_str()),
            "{token} was fired and has no intent"
        );
    }
    let mut once: Vec<&String> = fired.iter().map(|(token, _)| token).collect();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), fired.len(), "a run was fired twice");
}

/// Calls back until nobody answers, each time under a new id.
async fn pour(webhook: String, name: String, acknowledged: Arc<Mutex<Vec<String>>>) {
    let client = http_client();
    for n in 0.. {
        let id = format!("event-{name}-{n}");
        let call = client
            .post(&webhook)
            .header("webhook-id", &id)
            .body("{}")
            .timeout(Duration::from_secs(5));
        match call.send().await {
            Ok(answer) if answer.status().is_success() => acknowledged.lock().unwrap().push(id),
            Ok(_) => {}
            Err(_) => return,
        }
    }
}
