//! The store's rate of durable rows against a bare loop of batched INSERTs, and whether it stays as it is.
//!
//! ```text
//! cargo bench --bench store             # 200,000 rows
//! cargo bench --bench store -- 10000000
//! ```
//!
//! Through the store: observations of some 400 bytes, each one awaited by its own caller, 512 callers at a time, so that
//! a commit holds up to 512. The bare loop: the same content as text, already encoded, into a table with an
//! integer key, 512 rows a transaction, on one connection with the same settings (WAL, FULL) and the same checkpoints. In
//! turns, a tenth of the rows each; the ratio is that of the medians. Goal: 0.5, and the last tenth not slower than the
//! first by more than a third. At the end: how long it takes to open the file again, after a close in order, and after a
//! change from outside, when it is read from end to end.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench says what it needs by failing, and prints"
)]

use std::path::Path;
use std::sync::Arc;

use futures::future::join_all;
use landfall::clock::{Clock as _, SystemClock};
use landfall::model::{ChannelId, Identity, Interval, Moment, Observation, ObservationId, RunId, Sighting};
use landfall::store::{Options, SqliteStore, Store as _, StoredObservation};
use serde_json::json;

const BATCH: u64 = 512;
const PARTS: u64 = 10;

fn main() {
    // Cargo passes `--bench` besides.
    let rows: u64 = std::env::args()
        .skip(1)
        .find_map(|word| word.parse().ok())
        .unwrap_or(200_000);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(compare(rows));
}

async fn compare(rows: u64) {
    let clock = SystemClock::start();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("landfall.db");
    let options = || Options::new(clock.now(), "bench");
    let store = SqliteStore::open(&file, options()).unwrap();
    let bare = bare(&folder.path().join("bare.db"));
    let part = (rows / PARTS / BATCH).max(1) * BATCH;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    println!("{} rows in {PARTS} parts, {BATCH} a commit", part * PARTS);
    for n in 0..PARTS {
        #[expect(clippy::cast_precision_loss, reason = "a count of rows")]
        let rate = |seconds: f64| part as f64 / seconds;
        ours.push(rate(through_store(&store, &clock, n * part, part).await));
        theirs.push(rate(tokio::task::block_in_place(|| {
            loop_of_inserts(&bare, &clock, n * part, part)
        })));
        println!(
            "part {n}: store {:>8.0} rows/s, bare {:>8.0} rows/s",
            ours[ours.len() - 1],
            theirs[theirs.len() - 1]
        );
    }
    let steady = ours[ours.len() - 1] / ours[0];
    println!(
        "ratio {:.2} (goal 0.50), last part to first {steady:.2} (goal 0.67)",
        median(&mut ours) / median(&mut theirs)
    );
    let size = store.size().await.unwrap();
    store.shutdown().await.unwrap();
    for touched in [false, true] {
        if touched {
            let open = std::fs::OpenOptions::new().write(true).open(&file).unwrap();
            let at = open.metadata().unwrap().modified().unwrap();
            open.set_modified(at + std::time::Duration::from_secs(1)).unwrap();
        }
        let begin = clock.now();
        let store = tokio::task::block_in_place(|| SqliteStore::open(&file, options())).unwrap();
        let took = clock.now().seconds_since(begin) * 1000.0;
        let how = if touched {
            "read from end to end"
        } else {
            "closed in order"
        };
        println!(
            "opening {} MB ({} observations), {how}: {took:.1} ms",
            size.bytes >> 20,
            size.observations
        );
        store.shutdown().await.unwrap();
    }
}

/// Seconds in which these were put on record.
async fn through_store(store: &SqliteStore, clock: &SystemClock, first: u64, count: u64) -> f64 {
    let mut seconds = 0.0;
    for from in (first..first + count).step_by(BATCH as usize) {
        let observations: Vec<_> = (from..from + BATCH).map(|id| observation(id + 1)).collect();
        let begin = clock.now();
        for answer in join_all(observations.into_iter().map(|o| store.observe(o))).await {
            answer.unwrap();
        }
        seconds += clock.now().seconds_since(begin);
    }
    seconds
}

fn loop_of_inserts(on: &rusqlite::Connection, clock: &SystemClock, first: u64, count: u64) -> f64 {
    let mut seconds = 0.0;
    for from in (first..first + count).step_by(BATCH as usize) {
        let texts: Vec<String> = (from..from + BATCH).map(text).collect();
        let begin = clock.now();
        on.execute_batch("BEGIN IMMEDIATE").unwrap();
        {
            let mut insert = on
                .prepare_cached("INSERT INTO rows (id, text) VALUES (?1, ?2)")
                .unwrap();
            for (id, text) in (from..).zip(&texts) {
                insert
                    .execute(rusqlite::params![id.cast_signed() + 1, text])
                    .unwrap();
            }
        }
        on.execute_batch("COMMIT").unwrap();
        seconds += clock.now().seconds_since(begin);
    }
    seconds
}

fn bare(file: &Path) -> rusqlite::Connection {
    let on = rusqlite::Connection::open(file).unwrap();
    on.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -32768;
         PRAGMA wal_autocheckpoint = 1024; CREATE TABLE rows (id INTEGER PRIMARY KEY, text TEXT NOT NULL)",
    )
    .unwrap();
    on
}

fn observation(id: u64) -> StoredObservation {
    let mut seen = serde_json::Map::new();
    seen.insert(
        String::from("json"),
        json!({ "event": "order.paid", "order": id, "amount": 100 }),
    );
    seen.insert(
        String::from("headers"),
        json!({ "content-type": "application/json", "user-agent": "orders/4.2" }),
    );
    let at = Interval::point(Moment(1_790_000_000_000_000_000 + id.cast_signed() * 1_000_000));
    let mut sighting = Sighting::new(at, Identity::Event(format!("webhook-{id}")), seen);
    sighting.summary = String::from("POST /c/hooks");
    StoredObservation {
        channel: String::from("hooks"),
        observation: Arc::new(Observation {
            id: ObservationId(id),
            channel: ChannelId(0),
            sighting,
        }),
        runs: vec![RunId(uuid::Uuid::from_u128(
            0x0192_0000_0000_7000_8000_0000_0000_0000 + u128::from(id),
        ))],
    }
}

fn text(id: u64) -> String {
    serde_json::to_string(&observation(id).observation.sighting).unwrap()
}

fn median(rates: &mut [f64]) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}
