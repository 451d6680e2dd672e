//! How long a start takes that finds a hundred thousand runs in flight after kill -9: from the open store to the first
//! outcome of such a run that closes it. Beside it a bare loop that reads and decodes the same rows.
//!
//! ```text
//! cargo bench --bench resume
//! ```
//!
//! Goal: 100,000 runs resumed within 1 s.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a bench says what it needs by failing, and prints"
)]
#![expect(unreachable_pub, reason = "the shared part is a module of each bench")]

#[expect(dead_code, reason = "each bench uses its part")]
mod common;

use std::sync::Arc;

use landfall::clock::{Clock, SystemClock};
use landfall::engine::{Engine, Options, Setup, Update};
use landfall::lifecycle::Settings;
use landfall::model::{Moment, RunId, TokenFormat};
use landfall::store::{self, Fired, Intent, Location, Store};
use serde_json::json;
use tokio_util::sync::CancellationToken;

const RUNS: usize = 100_000;
const BATCH: usize = 4_000;

fn main() {
    if common::role().as_deref() == Some("writer") {
        runtime().block_on(write());
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    std::fs::create_dir_all(root.join("probes")).unwrap();
    let workspace = r#"{"listen": "127.0.0.1:0", "channels": {"hooks": {"callback": {}}}}"#;
    std::fs::write(root.join("landfall.yaml"), workspace).unwrap();
    let probe = r#"{
        "name": "orders", "input": {"amount": 100},
        "request": {"http": {"url": "http://127.0.0.1:1/orders", "json": {"ref": "{{ token }}", "webhook": "{{ channels.hooks.url }}"}}},
        "capture": {"order": "response.json.id"},
        "outcome": [{"in": "hooks", "expect": "seen.json.amount == input.amount", "within": "10m"}],
        "settle": "0s"
    }"#;
    std::fs::write(root.join("probes/orders.yaml"), probe).unwrap();
    std::env::set_current_dir(root).unwrap();
    // It writes what a daemon writes, says so, and is killed.
    drop(common::Peer::start("writer"));
    runtime().block_on(resume());
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap()
}

fn seconds(from: Moment, clock: &SystemClock) -> f64 {
    clock.now().seconds_since(from)
}

async fn opened(clock: &SystemClock) -> Arc<dyn Store> {
    let options = store::Options::new(clock.now(), "bench");
    let location = Location::Sqlite("landfall.db".into());
    tokio::task::spawn_blocking(move || store::open(&location, options))
        .await
        .unwrap()
        .unwrap()
}

async fn write() {
    let clock = SystemClock::start();
    let store = opened(&clock).await;
    let workspace = common::workspace(&std::env::current_dir().unwrap());
    let key = store.token_key([3; 32]).await.unwrap();
    let revision = workspace.probes[0].revision.to_string();
    let now = clock.now();
    let ids: Vec<u128> = (1..=RUNS as u128).collect();
    for part in ids.chunks(BATCH) {
        let run = |n: u128| RunId(uuid::Uuid::from_u128(n));
        let intents = part.iter().map(|n| {
            let mut random = [0; 32];
            random[..16].copy_from_slice(&n.to_be_bytes());
            let token = key.issue(TokenFormat::Text, random).to_string();
            let url = format!("http://127.0.0.1:4747/c/0123456789abcdef0123456789abcdef/{token}");
            Intent {
                run: run(*n),
                probe: "orders".into(),
                input: "default".into(),
                route: "default".into(),
                location: workspace.location.to_string(),
                tick: Moment(now.0 + i64::try_from(*n).unwrap()),
                revision: revision.clone(),
                token,
                at: now,
                plan: json!({
                    "waits": [{ "layer": "outcome", "name": "hooks", "in": "hooks", "within": 600.0, "grace": 600.0 }],
                    "channels": { "hooks": { "url": url, "base_url": "http://127.0.0.1:4747/c/0123456789abcdef" } },
                }),
            }
        });
        store.claim(intents.collect()).await.unwrap();
        let fired = part.iter().map(|n| {
            let answer = json!({
                "at": now, "accepted": "yes", "keys": [format!("order-{n}")], "captured": { "order": format!("order-{n}") },
                "response": {
                    "status": 202, "headers": { "content-type": "application/json", "x-served-by": "node-1" },
                    "body": format!("{{\"id\":\"order-{n}\"}}"), "json": { "id": format!("order-{n}") }, "seconds": 0.01,
                },
                "timings": { "total": 0.01 },
            });
            store.fired(run(*n), Fired { sent: now, answer: Some(answer) })
        });
        for noted in futures::future::join_all(fired).await {
            noted.unwrap();
        }
    }
    println!("written");
    std::future::pending::<()>().await;
}

async fn resume() {
    let clock = Arc::new(SystemClock::start());
    let from = clock.now();
    let store = opened(&clock).await;
    let open = seconds(from, &clock);

    let from = clock.now();
    let bare = rusqlite::Connection::open("landfall.db").unwrap();
    let mut query = bare
        .prepare("SELECT i.intent, f.answer FROM intents i LEFT JOIN fired f ON f.run = i.run")
        .unwrap();
    let mut rows = query.query([]).unwrap();
    let mut read = 0;
    while let Some(row) = rows.next().unwrap() {
        for column in 0..2 {
            let text: String = row.get(column).unwrap();
            let value: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert!(value.is_object());
        }
        read += 1;
    }
    assert_eq!(read, RUNS);
    let loop_of_its_own = seconds(from, &clock);

    let from = clock.now();
    let read = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = Arc::clone(&read);
    let take = move |_: store::OpenRow<'_>| {
        count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Ok(())
    };
    store.each_open(Box::new(take)).await.unwrap();
    assert_eq!(read.load(std::sync::atomic::Ordering::Relaxed), RUNS);
    let reading = seconds(from, &clock);
    let token: String = bare
        .query_row(
            "SELECT intent ->> 'token' FROM intents ORDER BY run DESC LIMIT 1",
            [],
            |row| row.get(0),
        )
        .unwrap();
    drop(rows);
    drop(query);
    drop(bare);

    let workspace = Arc::new(common::workspace(&std::env::current_dir().unwrap()));
    let stop = CancellationToken::new();
    let socket = landfall::web::bind(([127, 0, 0, 1], 0).into()).await.unwrap();
    let address = socket.local_addr().unwrap();
    let http = landfall::web::HttpListener::new(address, landfall::web::Settings::default(), clock.clone());
    tokio::spawn(http.clone().run(socket, stop.clone()));
    let key = store.token_key([3; 32]).await.unwrap();
    let url = format!("http://{address}/c/{}/{token}", key.derive("callback:hooks"));
    let before = common::resident();
    let from = clock.now();
    let setup = Setup {
        workspace,
        store,
        clock: clock.clone(),
        random: Arc::new(landfall::clock::SystemRandom),
        listener: http,
        settings: Settings::STANDARD,
        options: Options {
            resume: true,
            ..Options::default()
        },
    };
    let (engine, mut updates) = Engine::start(setup).await.unwrap();
    let started = seconds(from, &clock);
    drop(rustls::crypto::ring::default_provider().install_default());
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let call = client.post(&url).header("content-type", "application/json");
    let answer = call.body(r#"{"amount": 100}"#).send().await.unwrap();
    assert!(answer.status().is_success());
    loop {
        if let Update::Closed { record, .. } = updates.recv().await.unwrap() {
            assert_eq!(record.class, landfall::model::Class::Delivered);
            break;
        }
    }
    let all = seconds(from, &clock);
    let held = common::resident() - before;
    println!("opening the store, which reads it whole   {:7.0} ms", open * 1e3);
    println!(
        "open runs read                            {:7.0} ms",
        reading * 1e3
    );
    println!(
        "the engine started                        {:7.0} ms",
        started * 1e3
    );
    println!("the first outcome closed its run          {:7.0} ms", all * 1e3);
    println!(
        "a bare loop over the same rows            {:7.0} ms",
        loop_of_its_own * 1e3
    );
    println!(
        "resumed to bare loop                      {:7.2}",
        all / loop_of_its_own
    );
    println!(
        "memory a run                              {:7.0} B",
        held / RUNS as f64
    );
    assert!(all < 1.0, "{RUNS} runs took {all:.2} s, not 1 s");
    engine.shut_down().await;
    stop.cancel();
}
