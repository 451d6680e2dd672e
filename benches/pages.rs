//! How long the pages of a daemon take over a long history.
//!
//! ```text
//! cargo bench --bench pages                        # 100,000 runs of one probe beside four others
//! cargo bench --bench pages -- 20000
//! cargo bench --bench pages -- --fill FOLDER       # writes that workspace and ends: `landfall serve` shows it
//! ```
//!
//! The real binary on a real store: five probes of two routes, one of them with 100,000 runs over 30 days, the others with a
//! twentieth of that each, rolled up to the last whole hour as the daemon does it. Each page is asked for right after a start
//! (first) and then again and again (later), by a client that opens a connection each time; `whole` is when it no longer says
//! that something is being made. `/healthz` in the same run is what the machine itself costs. Goal: 300 ms for each answer.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench says what it needs by failing, prints, and waits for the time that it measures"
)]
#![expect(unreachable_pub, reason = "the shared part is a module of each bench")]

#[path = "common/record.rs"]
mod record;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::join_all;
use landfall::clock::{Clock as _, SystemClock};
use landfall::model::{Class, Moment, RunRecord};
use landfall::store::{Options, Retention, SqliteStore, Store as _};
use serde_json::json;

const RUNS: u64 = 100_000;
const PROBES: [&str; 5] = ["orders", "signup", "invoice", "refund", "digest"];
/// Each of the other probes has one run for so many of the first.
const FEWER: u64 = 20;
const DAYS: u64 = 30;
const BATCH: usize = 512;
/// Answers after the first.
const LATER: usize = 20;
const GOAL: Duration = Duration::from_millis(300);
/// By then a page is whole, or something is wrong.
const PATIENCE: Duration = Duration::from_mins(2);

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let runs = words.iter().find_map(|word| word.parse().ok()).unwrap_or(RUNS);
    let named = words.iter().skip_while(|word| *word != "--fill").nth(1);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    if let Some(folder) = named.map(PathBuf::from) {
        workspace(&folder, "127.0.0.1:4747");
        runtime.block_on(fill(&folder, runs));
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let listen = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    workspace(folder.path(), &listen.to_string());
    runtime.block_on(fill(folder.path(), runs));
    let one = format!("/runs/{}", record::id(runs / 2));
    println!(
        "answers in ms (goal {}): first, later (median, worst), whole after",
        GOAL.as_millis()
    );
    for page in [
        "/healthz",
        "/",
        "/?since=1h",
        "/?since=7d",
        "/?since=30d",
        "/runs",
        "/runs?probe=orders&probe=signup",
        "/runs?probe=orders&class=duplicate",
        "/runs?route=adyen&class=lost",
        "/runs?label=k%3Dv",
        "/runs?label=k%3Dnone",
        "/probes/orders",
        "/probes/orders?since=30d",
        "/probes/signup?since=30d",
        &one,
    ] {
        measure(folder.path(), listen, page);
    }
}

/// A daemon that ends with its value.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn measure(folder: &Path, listen: SocketAddr, page: &str) {
    let running = serve(folder, listen);
    let began = Instant::now();
    let (first, mut text) = get(listen, page);
    while text.contains("being made") {
        assert!(began.elapsed() < PATIENCE, "{page} is not whole: {text}");
        std::thread::sleep(Duration::from_millis(20));
        text = get(listen, page).1;
    }
    let whole = began.elapsed();
    let mut later: Vec<Duration> = (0..LATER)
        .map(|_| {
            std::thread::sleep(Duration::from_millis(100));
            get(listen, page).0
        })
        .collect();
    later.sort_unstable();
    drop(running);
    let worst = later[LATER - 1];
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    println!(
        "{page:<36} {:>7.1} {:>7.1} {:>7.1} {:>9.1}  {:>4} kB{}",
        ms(first),
        ms(later[LATER / 2]),
        ms(worst),
        ms(whole),
        text.len() >> 10,
        if first.max(worst) > GOAL {
            "  over the goal"
        } else {
            ""
        },
    );
}

/// Starts it and waits until it is ready.
fn serve(folder: &Path, listen: SocketAddr) -> Running {
    let child = Command::new(env!("CARGO_BIN_EXE_landfall"))
        .args(["serve", "--workspace"])
        .arg(folder)
        .env("LANDFALL_LOG", "error")
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let running = Running(child);
    while TcpStream::connect(listen).is_err() || !get(listen, "/readyz").1.starts_with("HTTP/1.1 200") {
        std::thread::sleep(Duration::from_millis(5));
    }
    running
}

/// From the connection to the last byte.
fn get(at: SocketAddr, path: &str) -> (Duration, String) {
    let began = Instant::now();
    let mut stream = TcpStream::connect(at).unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nhost: {at}\r\nconnection: close\r\n\r\n"
    )
    .unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).unwrap();
    let took = began.elapsed();
    let ready = said.starts_with("HTTP/1.1 200") || path == "/readyz";
    assert!(ready, "{path}: {said}");
    (took, said)
}

/// Five probes that fire by hand alone.
fn workspace(folder: &Path, listen: &str) {
    std::fs::create_dir_all(folder.join("probes")).unwrap();
    let settings = json!({
        "listen": listen, "store": "sqlite:landfall.db", "location": "eu-west",
        "channels": { "hooks": { "callback": {} } },
    });
    std::fs::write(folder.join("landfall.yaml"), settings.to_string()).unwrap();
    for probe in PROBES {
        let routes = record::ROUTES.map(|route| (route.to_owned(), json!({ "vars": { "via": route } })));
        let routes: serde_json::Map<_, _> = routes.into_iter().collect();
        let definition = json!({
            "name": probe,
            "labels": { "k": "v", "team": "payments" },
            "routes": routes,
            "request": { "http": {
                "url": "http://127.0.0.1:9/orders?via={{ route.via }}",
                "json": { "ref": "{{ token }}", "webhook": "{{ channels.hooks.url }}" },
            } },
            "outcome": [{ "in": "hooks", "within": "30s", "grace": "5m" }],
        });
        std::fs::write(
            folder.join(format!("probes/{probe}.yaml")),
            definition.to_string(),
        )
        .unwrap();
    }
}

async fn fill(folder: &Path, runs: u64) {
    let clock = SystemClock::start();
    let store = SqliteStore::open(&folder.join("landfall.db"), Options::new(clock.now(), "bench")).unwrap();
    let span = DAYS * 86_400_000_000_000;
    let mut number = 0;
    let mut all: Vec<(Moment, u64, u64, &str)> = Vec::new();
    for (place, probe) in PROBES.iter().enumerate() {
        let count = if place == 0 { runs } else { runs / FEWER };
        let ticks = (count / 2).max(1);
        for n in 0..ticks * 2 {
            // The last tick was a minute ago.
            let ago = (ticks - n / 2) * (span / ticks) + 60_000_000_000;
            let tick = Moment(clock.now().0 - i64::try_from(ago).unwrap());
            all.push((tick, number, n, probe));
            number += 1;
        }
    }
    all.sort_unstable();
    for batch in all.chunks(BATCH) {
        let closes = batch
            .iter()
            .map(|(tick, number, n, probe)| store.close(*tick, Arc::new(run(*number, *n, probe, *tick))));
        for closed in join_all(closes).await {
            closed.unwrap();
        }
    }
    store.upkeep(clock.now(), Retention::default()).await.unwrap();
    store.shutdown().await.unwrap();
    println!("{} runs over {DAYS} days are in {}", all.len(), folder.display());
}

/// Run `number` of all, `n` of its probe.
fn run(number: u64, n: u64, probe: &str, tick: Moment) -> RunRecord {
    let mut run = record::record(n, tick);
    run.id = record::id(number);
    run.probe = probe.to_owned();
    run.labels.insert(String::from("k"), String::from("v"));
    if run.class == Class::Delivered && n % 97 == 5 {
        run.class = Class::Late;
    }
    run
}
