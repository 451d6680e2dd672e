//! What 100,000 runs in flight cost: bytes each above idle, and what an outcome costs while they wait.
//!
//! ```text
//! cargo bench --bench flight
//! ```
//!
//! A whole engine on an SQLite file fires them at another process, which answers with an id that is captured and keeps
//! their callback addresses. Each waits for one callback. Memory is what this process grew by since it was idle (a few
//! runs had ended by then), over their number, once the last has fallen asleep. Then 2,000 outcomes come while 100,000
//! wait, and the same in an engine of its own where no other waits: CPU of this process for each, from the request to
//! the record. Goal: at most 1 KiB a run.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a bench says what it needs by failing, and prints"
)]
#![expect(unreachable_pub, reason = "the shared part is a module of each bench")]

#[expect(dead_code, reason = "each bench uses its part")]
mod common;

use std::io::BufRead as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{Peer, Rig, cpu, resident, role};
use landfall::engine::Update;
use landfall::model::Class;
use serde_json::{Value, json};
use tokio::net::TcpListener;

const RUNS: usize = 100_000;
/// Runs that are fired, and ended, before anything is measured.
const WARM: usize = 500;
/// Outcomes of which the cost is measured.
const OUTCOMES: usize = 2_000;
/// Requests under way at once.
const AT_ONCE: usize = 64;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    if role().is_some() {
        return runtime.block_on(play());
    }
    runtime.block_on(async {
        let alone = measure(OUTCOMES).await;
        let among = measure(RUNS).await;
        println!(
            "memory a run, {RUNS} in flight      {:8.0} B (goal 1024)",
            among.bytes
        );
        println!(
            "an outcome, {OUTCOMES} in flight        {:8.1} µs CPU",
            alone.outcome
        );
        println!(
            "an outcome, {RUNS} in flight      {:8.1} µs CPU   ratio {:.2}",
            among.outcome,
            among.outcome / alone.outcome
        );
    });
}

struct Cost {
    bytes: f64,
    /// Microseconds.
    outcome: f64,
}

async fn measure(runs: usize) -> Cost {
    let root = tempfile::tempdir().unwrap();
    let peer = tokio::task::spawn_blocking(|| Peer::start("peer")).await.unwrap();
    let api = peer.ready.clone();
    let peer = Arc::new(Mutex::new(peer));
    let workspace = "store: sqlite:bench.db\nlisten: 127.0.0.1:0\nchannels: { hooks: { callback: {} } }\n";
    let probe = json!({
        "name": "bench", "input": { "amount": 100 },
        "request": { "http": {
            "url": format!("http://{api}/orders"), "keep_alive": true,
            "json": { "ref": "{{ token }}", "webhook": "{{ channels.hooks.url }}" },
        } },
        "capture": { "order": "response.json.id" },
        "outcome": [{ "in": "hooks", "expect": "seen.json.amount == input.amount", "within": "1h" }],
        "settle": "0s",
    });
    let mut rig = Rig::start(root.path(), workspace, &probe.to_string()).await;
    outstanding(&rig, &peer, 0, WARM).await;
    call(&mut rig, &peer, WARM).await;
    let idle = resident();
    outstanding(&rig, &peer, WARM, runs).await;
    // The last of them falls asleep.
    rig.clock.sleep(Duration::from_secs(6)).await;
    let bytes = (resident() - idle) / runs as f64;
    assert_eq!(rig.engine.open_runs(), runs);
    let began = cpu();
    call(&mut rig, &peer, OUTCOMES).await;
    Cost {
        bytes,
        outcome: (cpu() - began) * 1e6 / OUTCOMES as f64,
    }
}

/// Fires so many more than there were: the peer has taken the request of each.
async fn outstanding(rig: &Rig, peer: &Arc<Mutex<Peer>>, before: usize, more: usize) {
    for fired in before + 1..=before + more {
        rig.tick(i64::try_from(fired).unwrap()).await;
        if fired % AT_ONCE == 0 || fired == before + more {
            ask(peer, format!("wait {fired}")).await;
        }
    }
}

/// Has the peer call back for the oldest runs, and waits for their records.
async fn call(rig: &mut Rig, peer: &Arc<Mutex<Peer>>, count: usize) {
    ask(peer, format!("call {count}")).await;
    for _ in 0..count {
        let Update::Closed { record, .. } = rig.updates.recv().await.unwrap() else {
            panic!("something else");
        };
        assert_eq!(record.class, Class::Delivered, "{record:?}");
    }
}

async fn ask(peer: &Arc<Mutex<Peer>>, what: String) -> String {
    let peer = Arc::clone(peer);
    tokio::task::spawn_blocking(move || peer.lock().unwrap().ask(&what))
        .await
        .unwrap()
}

/// What the peer has taken, and which of it was called back.
#[derive(Default)]
struct Taken {
    hooks: Vec<String>,
    called: usize,
}

/// The peer: takes canary requests and keeps their webhooks; calls them back when told to.
async fn play() {
    drop(rustls::crypto::ring::default_provider().install_default());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("{}", listener.local_addr().unwrap());
    let taken = Arc::new(Mutex::new(Taken::default()));
    let app = axum::Router::new().fallback({
        let taken = Arc::clone(&taken);
        move |body: axum::body::Bytes| {
            let value: Value = serde_json::from_slice(&body).unwrap();
            let number = {
                let mut taken = taken.lock().unwrap();
                taken.hooks.push(value["webhook"].as_str().unwrap().to_owned());
                taken.hooks.len()
            };
            let answer = json!({ "id": format!("order-{number}"), "status": "accepted", "lines": [{ "sku": "CANARY-1" }] });
            let head = [("x-served-by", "node-1"), ("x-request-id", "fixed"), ("vary", "accept")];
            async move { (axum::http::StatusCode::ACCEPTED, head, axum::Json(answer)) }
        }
    });
    tokio::spawn(async move { axum::serve(listener, app).await });
    let (told, mut lines) = tokio::sync::mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            told.send(line.unwrap()).unwrap();
        }
    });
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    while let Some(line) = lines.recv().await {
        let (what, count) = line.split_once(' ').unwrap();
        let count: usize = count.parse().unwrap();
        if what == "wait" {
            while taken.lock().unwrap().hooks.len() < count {
                tokio::task::yield_now().await;
            }
        } else {
            let hooks: Vec<String> = {
                let mut taken = taken.lock().unwrap();
                let from = taken.called;
                taken.called += count;
                taken.hooks[from..from + count].to_vec()
            };
            for part in hooks.chunks(AT_ONCE) {
                let calls = part.iter().map(|hook| {
                    let body = r#"{"amount": 100}"#;
                    client
                        .post(hook)
                        .header("content-type", "application/json")
                        .body(body)
                        .send()
                });
                for called in futures::future::join_all(calls).await {
                    assert!(called.unwrap().status().is_success());
                }
            }
        }
        println!("done");
    }
}
