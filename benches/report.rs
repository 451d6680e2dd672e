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
#![expect(unreachable_pub, reason = "the shared part is a module of each bench")]

#[path = "common/record.rs"]
mod record;

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use landfall::clock::{Clock as _, SystemClock};
use landfall::model::Moment;
use landfall::store::{Options, Retention, SqliteStore, Store as _};
use record::record;

const BATCH: u64 = 512;
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
