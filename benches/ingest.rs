//! Callbacks, signed, matched and durable before their 2xx, against a bare axum handler.
//!
//! ```text
//! cargo bench --bench ingest
//! ```
//!
//! The senders are another process on CPU 0: 64 kept connections, each sends its next callback when the last is
//! answered; requests are signed (Standard Webhooks) before the clock starts. Landfall takes them on CPU 1 through its
//! own listener, `callback` channel and engine, into SQLite (WAL, FULL); each bears the token of an outstanding run.
//! Then axum takes the same requests in the same process, reads the body and answers. In turns; medians.
//! Goal: 0.40 of axum's rate. Beside it: CPU a request, and what a write of 4 KiB with `fdatasync` takes here.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a bench says what it needs by failing, and prints"
)]
#![expect(unreachable_pub, reason = "the shared part is a module of each bench")]

#[expect(dead_code, reason = "each bench uses its part")]
mod common;

use std::io::{BufRead as _, Write as _};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::{Peer, Rig, cpu, median, pin, role};
use hmac::{Hmac, KeyInit as _, Mac as _};
use landfall::clock::{Clock as _, SystemClock};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const SECRET: &str = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const CONNECTIONS: usize = 64;
const ROUNDS: usize = 3;
/// Callbacks of one round.
const COUNT: usize = 8_000;

fn main() {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_all().build().unwrap();
    if role().is_some() {
        return runtime.block_on(play());
    }
    pin();
    // The engine's way: workers, the store's writer, all on the one CPU.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(compare());
}

async fn compare() {
    let root = tempfile::tempdir().unwrap();
    println!(
        "write of 4 KiB with fdatasync: {:.0} µs (median)",
        disk(root.path())
    );
    let peer = tokio::task::spawn_blocking(|| Peer::start("peer")).await.unwrap();
    let api = peer.ready.clone();
    let workspace = format!(
        "store: sqlite:bench.db\nlisten: 127.0.0.1:0\nchannels:\n  hooks: {{ callback: {{ signature: \
         {{ standard_webhooks: whsec_{SECRET} }} }} }}\n"
    );
    let probe = format!(
        "name: bench\nrequest:\n  http:\n    url: http://{api}/\n    keep_alive: true\n    json:\n      \
         ref: \"{{{{ token }}}}\"\n      webhook: \"{{{{ channels.hooks.url }}}}\"\n\
         outcome: [{{ in: hooks, within: 1h, times: 2 }}]\n"
    );
    let mut rig = Rig::start(root.path(), &workspace, &probe).await;
    let peer = Arc::new(Mutex::new(peer));
    outstanding(&rig, &peer, COUNT * (ROUNDS + 1)).await;
    let axum_at = axum_handler().await;
    let (mut hooks, mut bare) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let ours = blast(&peer, format!("hooks {COUNT}")).await;
        let theirs = blast(&peer, format!("axum {axum_at} {COUNT}")).await;
        // The first round warms up.
        if round > 0 {
            hooks.push(ours);
            bare.push(theirs);
        }
    }
    let rate = |of: &[(f64, f64)]| median(of.iter().map(|(rate, _)| *rate).collect());
    let cost = |of: &[(f64, f64)]| median(of.iter().map(|(_, cost)| *cost).collect());
    println!(
        "landfall {:8.0} requests/s  {:6.1} µs CPU a request",
        rate(&hooks),
        cost(&hooks)
    );
    println!(
        "axum     {:8.0} requests/s  {:6.1} µs CPU a request",
        rate(&bare),
        cost(&bare)
    );
    println!(
        "rate, landfall / axum {:.2} (goal 0.40); CPU, axum / landfall {:.2}",
        rate(&hooks) / rate(&bare),
        cost(&bare) / cost(&hooks)
    );
    // Each waits for a second callback that never comes, so that nothing is to be told.
    let told = rig.updates.try_recv();
    assert!(told.is_err(), "{told:?}");
    let seen = rig.engine.counters().observations;
    println!("observations: {seen:?}");
}

/// Fires until so many runs wait: the peer has taken the request of each.
async fn outstanding(rig: &Rig, peer: &Arc<Mutex<Peer>>, count: usize) {
    for fired in 0..count {
        rig.tick(i64::try_from(fired).unwrap()).await;
        if (fired + 1) % 64 == 0 || fired + 1 == count {
            ask(peer, format!("wait {}", fired + 1)).await;
        }
    }
}

async fn ask(peer: &Arc<Mutex<Peer>>, what: String) -> String {
    let peer = Arc::clone(peer);
    tokio::task::spawn_blocking(move || peer.lock().unwrap().ask(&what))
        .await
        .unwrap()
}

/// Requests a second, and microseconds of this process' CPU for each.
async fn blast(peer: &Arc<Mutex<Peer>>, what: String) -> (f64, f64) {
    let began = cpu();
    let said = ask(peer, what).await;
    let used = cpu() - began;
    let mut words = said.split(' ');
    let seconds: f64 = words.next().unwrap().parse().unwrap();
    assert_eq!(words.next(), Some("0"), "some were refused: {said}");
    (COUNT as f64 / seconds, used * 1e6 / COUNT as f64)
}

async fn axum_handler() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let take = |body: axum::body::Bytes| async move {
        assert!(!body.is_empty());
        axum::http::StatusCode::OK
    };
    let app = axum::Router::new().route("/c/{secret}/{token}", axum::routing::post(take));
    tokio::spawn(async move { axum::serve(listener, app).await });
    at
}

/// Microseconds of a durable write.
fn disk(root: &std::path::Path) -> f64 {
    let clock = SystemClock::start();
    let mut file = std::fs::File::create(root.join("probe")).unwrap();
    let once = |_| {
        let began = clock.now();
        file.write_all(&[7; 4096]).unwrap();
        file.sync_data().unwrap();
        clock.now().seconds_since(began) * 1e6
    };
    median((0..200).map(once).collect())
}

/// The peer: takes canary requests and keeps their webhooks; sends callbacks when told to.
async fn play() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("{}", listener.local_addr().unwrap());
    let hooks = Arc::new(Mutex::new(Vec::<String>::new()));
    let app = axum::Router::new().fallback({
        let hooks = Arc::clone(&hooks);
        move |body: axum::body::Bytes| {
            let value: Value = serde_json::from_slice(&body).unwrap();
            hooks
                .lock()
                .unwrap()
                .push(value["webhook"].as_str().unwrap().to_owned());
            async { axum::http::StatusCode::ACCEPTED }
        }
    });
    tokio::spawn(async move { axum::serve(listener, app).await });
    let mut used = 0;
    let (told, mut lines) = tokio::sync::mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            told.send(line.unwrap()).unwrap();
        }
    });
    while let Some(line) = lines.recv().await {
        let words: Vec<&str> = line.split(' ').collect();
        let count: usize = words.last().unwrap().parse().unwrap();
        if words[0] == "wait" {
            while hooks.lock().unwrap().len() < count {
                tokio::task::yield_now().await;
            }
            println!("all");
            continue;
        }
        let start = if words[0] == "hooks" { used } else { 0 };
        let urls: Vec<String> = hooks.lock().unwrap()[start..start + count].to_vec();
        if words[0] == "hooks" {
            used += count;
        }
        let at: SocketAddr = match words[0] {
            "hooks" => authority(&urls[0]).parse().unwrap(),
            _ => words[1].parse().unwrap(),
        };
        let (seconds, bad) = send(at, &urls).await;
        println!("{seconds} {bad}");
    }
}

fn authority(url: &str) -> &str {
    url.trim_start_matches("http://").split('/').next().unwrap()
}

/// Sends one callback to the path of each; how long it took, and how many were not taken.
async fn send(at: SocketAddr, urls: &[String]) -> (f64, usize) {
    let clock = SystemClock::start();
    let stamp = clock.now().0 / 1_000_000_000;
    let key = STANDARD.decode(SECRET).unwrap();
    let prepared: Vec<Vec<u8>> = urls
        .iter()
        .enumerate()
        .map(|(n, url)| signed(at, url, &format!("msg_{stamp}_{n}"), stamp, &key))
        .collect();
    let mut streams = Vec::new();
    for _ in 0..CONNECTIONS {
        let stream = TcpStream::connect(at).await.unwrap();
        stream.set_nodelay(true).unwrap();
        streams.push(stream);
    }
    let began = clock.now();
    let mut open = tokio::task::JoinSet::new();
    let share = prepared.len().div_ceil(CONNECTIONS);
    for (stream, part) in streams.into_iter().zip(prepared.chunks(share)) {
        open.spawn(one(stream, part.to_vec()));
    }
    let bad = open.join_all().await.into_iter().sum();
    (clock.now().seconds_since(began), bad)
}

fn signed(at: SocketAddr, url: &str, id: &str, stamp: i64, key: &[u8]) -> Vec<u8> {
    let path = url.splitn(4, '/').nth(3).unwrap();
    let filler = "x".repeat(220);
    let body = format!(r#"{{"event":"order.paid","amount":100,"note":"{filler}"}}"#);
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(key).unwrap();
    mac.update(format!("{id}.{stamp}.{body}").as_bytes());
    let signature = STANDARD.encode(mac.finalize().into_bytes());
    format!(
        "POST /{path} HTTP/1.1\r\nhost: {at}\r\ncontent-type: application/json\r\nwebhook-id: {id}\r\n\
         webhook-timestamp: {stamp}\r\nwebhook-signature: v1,{signature}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// How many were not answered with a 2xx.
async fn one(mut stream: TcpStream, requests: Vec<Vec<u8>>) -> usize {
    let mut bad = 0;
    let mut buffer = vec![0; 4096];
    for request in requests {
        stream.write_all(&request).await.unwrap();
        let mut filled = 0;
        loop {
            let read = stream.read(&mut buffer[filled..]).await.unwrap();
            assert!(
                read > 0,
                "cut off after {:?}",
                String::from_utf8_lossy(&buffer[..filled])
            );
            filled += read;
            if let Some(end) = buffer[..filled].windows(4).position(|w| w == b"\r\n\r\n") {
                let head = std::str::from_utf8(&buffer[..end]).unwrap().to_ascii_lowercase();
                let length = head.split("content-length: ").nth(1).map_or(0, |rest| {
                    rest.split("\r\n").next().unwrap().parse::<usize>().unwrap()
                });
                if filled >= end + 4 + length {
                    bad += usize::from(!head.starts_with("http/1.1 2"));
                    break;
                }
            }
        }
    }
    bad
}
