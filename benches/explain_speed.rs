//! How long `landfall explain` takes over a long history, as a user runs it: starting, reading the store and answering.
//!
//! ```text
//! cargo bench --bench explain_speed              # 100,000 stored runs
//! cargo bench --bench explain_speed -- 5000      # fewer
//! ```
//!
//! Goal: 100,000 runs with 30 attributes within 5 s on two cores.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench says what it needs by failing, and prints"
)]

use std::path::Path;
use std::sync::Arc;

use landfall::clock::{Clock as _, SystemClock};
use landfall::model::{Class, Moment, RunRecord};
use landfall::store::{self, SqliteStore, Store as _};
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde_json::json;

fn main() {
    let runs = std::env::args()
        .skip(1)
        .find_map(|a| a.parse().ok())
        .unwrap_or(100_000);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(history(runs));
}

/// A history of so many runs with thirty attributes, explained by the command itself.
async fn history(runs: usize) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("runs.db");
    fill(&file, runs).await;
    let bytes = std::fs::metadata(&file).unwrap().len();
    for attempt in 1..=3 {
        let clock = SystemClock::start();
        let before = clock.now();
        let said = std::process::Command::new(env!("CARGO_BIN_EXE_landfall"))
            .args(["explain", "orders", "--format", "json", "--store"])
            .arg(format!("sqlite:{}", file.display()))
            .output()
            .unwrap();
        let took = clock.now().seconds_since(before);
        let answer: serde_json::Value = serde_json::from_slice(&said.stdout)
            .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&said.stderr)));
        assert_eq!(answer["runs"], runs);
        println!(
            "landfall explain over {runs} runs of {} attributes ({} MB), run {attempt}: {took:.2} s (goal 5): {}",
            answer["considered"].as_array().unwrap().len(),
            bytes >> 20,
            answer["sentence"]
        );
    }
}

async fn fill(file: &Path, runs: usize) {
    let clock = SystemClock::start();
    let store = SqliteStore::open(file, store::Options::new(clock.now(), "bench")).unwrap();
    let mut random = ChaCha8Rng::seed_from_u64(9);
    let first = Moment(clock.now().0 - runs as i64 * 10_000_000_000);
    for start in (0..runs).step_by(500) {
        let some = (start..(start + 500).min(runs)).map(|n| {
            let tick = Moment(first.0 + n as i64 * 10_000_000_000);
            store.close(tick, Arc::new(stored(n, tick, &mut random)))
        });
        let written: Vec<_> = some.collect();
        for done in futures::future::join_all(written).await {
            done.unwrap();
        }
    }
    store.shutdown().await.unwrap();
}

/// A run of a size that is usual: an answer with headers, an event, a mail with its hops.
fn stored(n: usize, tick: Moment, random: &mut ChaCha8Rng) -> RunRecord {
    let provider = random.random_range(0..5);
    let lost = random.random_bool(if provider == 3 { 0.2 } else { 0.05 });
    let mut attributes = json!({ "provider": format!("p{provider}") });
    for place in 0..24 {
        attributes[format!("attribute-{place}")] =
            json!(format!("value {}", random.random_range(0..2 + place % 7)));
    }
    let seconds = json!([1.25, 1.25]);
    let seen = json!({
        "in": "hooks", "seconds": seconds, "attempts": 1, "redelivered": false, "summary": "POST /c/… order.paid",
        "met": ["event"], "automatic": false,
        "seen": {
            "method": "POST", "headers": { "content-type": "application/json", "user-agent": "gateway/2" },
            "json": { "event": "order.paid", "id": n, "amount": 100, "shard": n % 4 },
            "text": format!("{{\"event\": \"order.paid\", \"id\": {n}, \"amount\": 100}}"),
        },
    });
    let (state, at) = if lost {
        ("no", json!(null))
    } else {
        ("yes", seconds.clone())
    };
    let record = json!({
        "id": uuid::Uuid::from_u128(n as u128 + 1), "probe": "orders", "revision": "r1",
        "route": (["a", "b"][n % 2]), "input": "default", "location": "eu", "tick": tick.to_rfc3339(),
        "token": format!("token{n}"), "sent": tick.to_rfc3339_nanos(),
        "class": (if lost { Class::Lost } else { Class::Delivered }), "reason": "", "flags": [], "lag": 0.001,
        "timings": { "connect": 0.002, "first_byte": 0.04, "total": 0.045 },
        "layers": {
            "accepted": { "state": "yes", "seconds": [0.045, 0.045] },
            "executed": { "state": "undeclared", "seconds": null },
            "outcome": { "state": state, "seconds": at },
        },
        "stopped_after": null,
        "expectations": [{
            "layer": "outcome", "name": "event", "step": null, "in": "hooks", "state": (if lost { "lost" } else { "met" }),
            "count": u8::from(!lost), "seconds": at, "reason": "", "within": 30.0, "grace": 30.0, "unmet": [],
        }],
        "observations": (if lost { json!([]) } else { json!([seen]) }),
        "path": [{ "hop": format!("edge-{}", n % 3), "source": "response.headers[\"x-served-by\"]", "seconds": null }],
        "attributes": attributes, "fingerprint": null, "amendments": [],
        "request": { "method": "POST", "url": "https://api.example.com/orders", "insecure": false },
        "response": {
            "status": 202, "body": "{\"status\": \"queued\"}", "body_cut": false, "seconds": 0.045,
            "headers": {
                "content-type": "application/json", "date": "Thu, 01 Oct 2026 12:00:00 GMT", "x-request-id": n.to_string(),
                "x-cache": (["hit", "miss"][n % 2]), "server": "edge",
            },
        },
        "labels": { "team": "payments" },
    });
    serde_json::from_value(record).unwrap()
}
