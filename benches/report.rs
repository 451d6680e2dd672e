//! How long `landfall report` takes over a million stored runs, from the runs themselves and from hourly roll-ups.
//!
//! ```text
//! cargo bench --bench report             # 1,000,000 runs, about 3 GB in the folder of temporary files
//! cargo bench --bench report -- 20000
//! ```
//!
//! One probe, two routes, a tick a minute, so that the runs span most of a year; records of some 2.5 kB, as an HTTP probe
//! with a callback writes them. The command itself is timed, from its start to its last byte, three times each. Goals: 2 s
//! from roll-ups, 10 s from runs.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench says what it needs by failing, and prints"
)]

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use landfall::clock::{Clock as _, SystemClock};
use landfall::model::{
    Class, ExpectationRecord, ExpectationState, Layer, LayerRecord, LayerState, Layers, Moment,
    ObservationRecord, RunId, RunRecord, Seconds, Timings,
};
use landfall::store::{Options, Retention, SqliteStore, Store as _};
use serde_json::json;

const BATCH: u64 = 512;
const ROUTES: [&str; 2] = ["stripe", "adyen"];
const LONG: Duration = Duration::from_hours(24 * 3_650);

fn main() {
    // Cargo passes `--bench` besides.
    let runs: u64 = std::env::args()
        .skip(1)
        .find_map(|word| word.parse().ok())
        .unwrap_or(1_000_000);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    runtime.block_on(fill(&folder.path().join("landfall.db"), runs));
    for (name, more, goal) in [("roll-ups", &["--from-rollups"][..], 2.0), ("runs", &[], 10.0)] {
        let mut seconds: Vec<f64> = (0..3).map(|_| report(folder.path(), more, runs)).collect();
        seconds.sort_by(f64::total_cmp);
        println!(
            "report over {runs} runs from {name}: {:.2} s (median of {seconds:.2?}; goal {goal} s)",
            seconds[1]
        );
    }
}

async fn fill(file: &Path, runs: u64) {
    let clock = SystemClock::start();
    let store = SqliteStore::open(file, Options::new(clock.now(), "bench")).unwrap();
    let first = Moment(clock.now().0 - i64::try_from(runs / 2).unwrap() * 60_000_000_000 - 7_200_000_000_000);
    let begin = clock.now();
    for from in (0..runs).step_by(BATCH as usize) {
        let closes = (from..(from + BATCH).min(runs)).map(|n| {
            let tick = Moment(first.0 + i64::try_from(n / 2).unwrap() * 60_000_000_000);
            store.close(tick, Arc::new(record(n, tick)))
        });
        for closed in join_all(closes).await {
            closed.unwrap();
        }
    }
    println!("{runs} runs written in {:.0} s", clock.now().seconds_since(begin));
    let begin = clock.now();
    let keep = Retention {
        runs: LONG,
        failures: LONG,
        rollups: LONG,
    };
    store.upkeep(clock.now(), keep).await.unwrap();
    println!("rolled up in {:.0} s", clock.now().seconds_since(begin));
    store.shutdown().await.unwrap();
    let bytes = std::fs::metadata(file).unwrap().len();
    println!("the store holds {} MB", bytes >> 20);
}

/// Seconds that the command takes.
fn report(folder: &Path, more: &[&str], runs: u64) -> f64 {
    let clock = SystemClock::start();
    let begin = clock.now();
    let out = Command::new(env!("CARGO_BIN_EXE_landfall"))
        .args([
            "report",
            "--store",
            "sqlite:landfall.db",
            "--since",
            "3000d",
            "--format",
            "json",
        ])
        .args(more)
        .current_dir(folder)
        .output()
        .unwrap();
    let seconds = clock.now().seconds_since(begin);
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let said: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    let series = said["probes"][0]["series"].as_array().unwrap();
    let counted: u64 = series.iter().map(|one| one["runs"].as_u64().unwrap()).sum();
    assert_eq!(counted, runs, "every run is in the report");
    seconds
}

/// Every fiftieth run is lost; latencies spread over three decades.
fn record(n: u64, tick: Moment) -> RunRecord {
    let lost = n % 50 == 49;
    #[expect(clippy::cast_precision_loss, reason = "a small number")]
    let at = 0.05 * (1.0 + (n.wrapping_mul(2_654_435_761) % 1_000) as f64 / 10.0);
    let layer = |state, at: Option<f64>| LayerRecord {
        state,
        seconds: at.map(|at| Seconds(at, at)),
    };
    let at = (!lost).then_some(at);
    let body = json!({ "event": "order.paid", "order": n, "amount": 100, "note": "x".repeat(200) });
    let seen = json!({
        "method": "POST", "path": "/c/secret/k7m2p9q4r8s3t6v2w5x8y3", "json": body,
        "headers": { "content-type": "application/json", "user-agent": "sender/1.0", "x-served-by": "edge-3" },
    });
    RunRecord {
        id: RunId(uuid::Uuid::from_u128((0x0192 << 112) | u128::from(n))),
        probe: String::from("order-paid"),
        revision: String::from("5f3a90c15f3a90c1"),
        route: ROUTES[(n % 2) as usize].to_owned(),
        input: String::from("default"),
        location: String::from("eu-west"),
        tick: tick.to_rfc3339(),
        token: String::from("k7m2p9q4r8s3t6v2w5x8y3"),
        sent: Some(tick.to_rfc3339_nanos()),
        class: if lost { Class::Lost } else { Class::Delivered },
        reason: String::from(if lost { "`hooks`: nothing arrived" } else { "" }),
        flags: Vec::new(),
        lag: Some(0.002),
        timings: Timings {
            dns: Some(0.001),
            connect: Some(0.003),
            tls: None,
            first_byte: Some(0.04),
            total: Some(0.045),
        },
        layers: Layers {
            accepted: layer(LayerState::Yes, Some(0.045)),
            executed: layer(LayerState::Undeclared, None),
            outcome: layer(if lost { LayerState::No } else { LayerState::Yes }, at),
        },
        stopped_after: None,
        expectations: vec![ExpectationRecord {
            layer: Layer::Outcome,
            name: String::from("hooks"),
            step: None,
            channel: String::from("hooks"),
            state: if lost {
                ExpectationState::Lost
            } else {
                ExpectationState::Met
            },
            count: u32::from(!lost),
            seconds: at.map(|at| Seconds(at, at)),
            reason: String::new(),
            within: 30.0,
            grace: 300.0,
            unmet: Vec::new(),
        }],
        observations: at
            .map(|at| ObservationRecord {
                channel: String::from("hooks"),
                seconds: Seconds(at, at),
                attempts: 1,
                redelivered: false,
                summary: String::from("POST /c/…/k7m2 order.paid"),
                met: vec![String::from("hooks")],
                automatic: false,
                seen,
            })
            .into_iter()
            .collect(),
        path: Vec::new(),
        attributes: [(String::from("provider"), String::from("acme"))].into(),
        fingerprint: Some(String::from("0011223344556677")),
        amendments: Vec::new(),
        request: Some(json!({
            "method": "POST", "url": "https://api.example.com/orders?via=stripe", "insecure": false,
            "headers": { "content-type": "application/json", "authorization": "***" },
            "body": { "ref": "k7m2p9q4r8s3t6v2w5x8y3", "amount": 100, "webhook": "https://probes.example.com/c/secret" },
        })),
        response: Some(json!({
            "status": 202, "headers": { "content-type": "application/json", "x-request-id": "f00dfeed" },
            "body": { "id": n, "state": "queued" },
        })),
        labels: [(String::from("team"), String::from("payments"))].into(),
    }
}
