//! CPU of firing: landfall's `http` trigger against bare clients, and a complete durable run against a probe of
//! Debian's prometheus-blackbox-exporter.
//!
//! ```text
//! apt-get install prometheus-blackbox-exporter
//! cargo bench --bench fire
//! cargo bench --bench fire -- complete    # the last part alone
//! ```
//!
//! The server is another process on CPU 0 and is not counted; everything measured runs on CPU 1, in turns, 32 requests
//! at a time (16 for the second part), and the median of the rounds counts. CPU is user and system time of the process.
//! *landfall* renders the request and fires it (`prepare` and `fire`); *reqwest* and *hyper-util* send the same POST
//! and read the answer. A complete run is armed on a callback channel, claimed in SQLite (WAL, FULL), fired, called
//! back by the server, matched, judged, and recorded. Goals: 1.3 times reqwest, half of blackbox-exporter.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a bench says what it needs by failing, and prints"
)]
#![expect(unreachable_pub, reason = "the shared part is a module of each bench")]

#[expect(dead_code, reason = "each bench uses its part")]
mod common;

use std::convert::Infallible;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use common::{Peer, Rig, cpu, cpu_of, median, pin, role};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use landfall::clock::SystemClock;
use landfall::definition::{LegDef, RunScope};
use landfall::engine::Update;
use landfall::model::{Class, Moment, RunId, Token, TokenFormat, TokenKey};
use landfall::trigger::{OpenContext, Prepared, Shot, Trigger};
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;

type Plain = Client<HttpConnector, Full<Bytes>>;

const AT_ONCE: usize = 32;
const ROUNDS: usize = 5;
const BODY: &str = r#"{"ref":"canary","amount":100}"#;

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    if role().is_some() {
        return runtime.block_on(serve());
    }
    pin();
    let peer = Peer::start("server");
    let url = format!("http://{}/", peer.ready);
    if !std::env::args().any(|a| a == "complete") {
        runtime.block_on(compare("fresh connections", &url, false, 6_000));
        runtime.block_on(compare("kept connections", &url, true, 30_000));
    }
    let runs = runtime.block_on(complete(&url));
    println!("a complete durable run                 {runs:8.1} µs CPU");
    match runtime.block_on(blackbox(&url)) {
        Some(probes) => println!(
            "a probe of prometheus-blackbox-exporter {probes:7.1} µs CPU   run / probe {:.2} (goal 0.50)",
            runs / probes
        ),
        None => println!("no baseline: apt-get install prometheus-blackbox-exporter"),
    }
}

/// Answers every request; one that bears a `webhook` is called back there.
async fn serve() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("{}", listener.local_addr().unwrap());
    let caller: Plain = Client::builder(TokioExecutor::new()).build_http();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        let caller = caller.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(request, caller.clone()));
            let served =
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            drop(served.await);
        });
    }
}

async fn answer(request: Request<Incoming>, caller: Plain) -> Result<Response<Full<Bytes>>, Infallible> {
    let body = request
        .into_body()
        .collect()
        .await
        .map(|b| b.to_bytes())
        .unwrap_or_default();
    if body.windows(7).any(|w| w == b"webhook") {
        let value: Value = serde_json::from_slice(&body).unwrap();
        let call = post(value["webhook"].as_str().unwrap(), r#"{"event":"paid"}"#);
        tokio::spawn(async move { caller.request(call).await.unwrap().into_body().collect().await });
    }
    Ok(Response::new(Full::new(Bytes::from_static(b"{\"ok\":true}"))))
}

fn post(url: &str, body: &'static str) -> Request<Full<Bytes>> {
    Request::builder()
        .method(Method::POST)
        .uri(url)
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from_static(body.as_bytes())))
        .unwrap()
}

async fn compare(name: &str, url: &str, keep: bool, count: usize) {
    let landfall = Arc::new(Firing::open(url, keep));
    let (bare, plain) = (bare(keep), plain(keep));
    let mut costs = [Vec::new(), Vec::new(), Vec::new()];
    for round in 0..=ROUNDS {
        let one = measured(count, || Arc::clone(&landfall).fire()).await;
        let two = measured(count, || with_reqwest(bare.clone(), url.to_owned())).await;
        let three = measured(count, || with_hyper(plain.clone(), url.to_owned())).await;
        // The first round warms up.
        if round > 0 {
            for (costs, cost) in costs.iter_mut().zip([one, two, three]) {
                costs.push(cost);
            }
        }
    }
    let rendering = measured(count, || Arc::clone(&landfall).render()).await;
    let [landfall, reqwest, hyper] = costs.map(median);
    println!(
        "{name:<18} landfall {landfall:6.1}  reqwest {reqwest:6.1}  hyper-util {hyper:6.1} µs CPU a request   \
         landfall / reqwest {:.2} (goal 1.30)  landfall / hyper-util {:.2}  (of landfall, rendering: {rendering:.1} µs)",
        landfall / reqwest,
        landfall / hyper
    );
}

/// Microseconds of CPU for one of `count` jobs, [`AT_ONCE`] at a time.
async fn measured<F: Future<Output = ()> + Send + 'static>(count: usize, job: impl Fn() -> F) -> f64 {
    let began = cpu();
    let mut open = tokio::task::JoinSet::new();
    for _ in 0..count {
        if open.len() == AT_ONCE {
            open.join_next().await.unwrap().unwrap();
        }
        open.spawn(job());
    }
    open.join_all().await;
    (cpu() - began) * 1e6 / count as f64
}

fn bare(keep: bool) -> reqwest::Client {
    drop(rustls::crypto::ring::default_provider().install_default());
    let mut builder = reqwest::Client::builder()
        .no_proxy()
        .timeout(std::time::Duration::from_secs(10));
    if !keep {
        builder = builder.pool_max_idle_per_host(0);
    }
    builder.build().unwrap()
}

async fn with_reqwest(client: reqwest::Client, url: String) {
    let request = client
        .post(url)
        .header("content-type", "application/json")
        .body(BODY);
    assert_eq!(request.send().await.unwrap().bytes().await.unwrap().len(), 11);
}

fn plain(keep: bool) -> Plain {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let mut builder = Client::builder(TokioExecutor::new());
    if !keep {
        builder.pool_max_idle_per_host(0);
    }
    builder.build(connector)
}

async fn with_hyper(client: Plain, url: String) {
    let answer = client.request(post(&url, BODY)).await.unwrap();
    assert_eq!(answer.into_body().collect().await.unwrap().to_bytes().len(), 11);
}

/// The trigger of a probe, and what a run brings.
struct Firing {
    trigger: Box<dyn Trigger>,
    leg: Arc<LegDef>,
    vars: Map<String, Value>,
    token: Token,
}

impl Firing {
    fn open(url: &str, keep: bool) -> Self {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("probes")).unwrap();
        std::fs::write(
            root.path().join("landfall.yaml"),
            "channels: { hooks: { callback: {} } }\n",
        )
        .unwrap();
        std::fs::write(root.path().join("probes/a.yaml"), probe(url, keep, "")).unwrap();
        let workspace = common::workspace(root.path());
        let leg = Arc::clone(&workspace.probes[0].legs[0]);
        let context = OpenContext {
            clock: Arc::new(SystemClock::start()),
            root: root.path().to_owned(),
        };
        Self {
            trigger: leg.request.trigger.clone().open(&context).unwrap(),
            vars: workspace.vars.clone(),
            leg,
            token: TokenKey::new([1; 32]).issue(TokenFormat::Text, [5; 32]),
        }
    }

    fn prepared(&self) -> Prepared {
        let run = RunId(uuid::Uuid::nil());
        let scope = RunScope::new(&self.leg, &self.vars, run, Moment(0), &self.token, Map::new()).unwrap();
        self.trigger.prepare(&scope).unwrap()
    }

    /// Renders alone, to tell what of the cost that is.
    async fn render(self: Arc<Self>) {
        drop(self.prepared());
    }

    async fn fire(self: Arc<Self>) {
        let prepared = self.prepared();
        let shot = Shot {
            run: Value::Null,
            sent: Box::new(|_| ()),
        };
        let response = (prepared.fire)(shot).await.outcome.unwrap();
        assert_eq!(response.json, json!({ "ok": true }));
    }
}

fn probe(url: &str, keep: bool, more: &str) -> String {
    format!(
        "name: bench\nrequest:\n  http:\n    url: {url}\n    keep_alive: {keep}\n    json:\n      ref: \"{{{{ token }}}}\"\n      \
         amount: 100\n{more}\noutcome: [{{ in: hooks, within: 30s }}]\nsettle: 1ms\n"
    )
}

/// Microseconds of CPU for a run from its tick to its record, on a fresh connection.
async fn complete(url: &str) -> f64 {
    let root = tempfile::tempdir().unwrap();
    let workspace = "store: sqlite:bench.db\nlisten: 127.0.0.1:0\nchannels: { hooks: { callback: {} } }\n";
    let more = "      webhook: \"{{ channels.hooks.url }}\"\n";
    let mut rig = Rig::start(root.path(), workspace, &probe(url, false, more)).await;
    let mut costs = Vec::new();
    let mut number = 0;
    for round in 0..=ROUNDS {
        let began = cpu();
        let count = 1_500;
        let mut open = 0;
        let mut closed = 0;
        let last = number + count;
        while closed < count {
            while open < 16 && number < last {
                rig.tick(number).await;
                number += 1;
                open += 1;
            }
            match rig.updates.recv().await.unwrap() {
                Update::Closed { record, .. } => {
                    assert_eq!(record.class, Class::Delivered, "{record:?}");
                    open -= 1;
                    closed += 1;
                }
                Update::Skipped(skip) => panic!("{skip:?}"),
                _ => {}
            }
        }
        if round > 0 {
            costs.push((cpu() - began) * 1e6 / count as f64);
        }
    }
    median(costs)
}

struct Exporter(Child);

impl Drop for Exporter {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Microseconds of CPU for a probe with the same POST, 16 at a time; `None` where it is not installed.
async fn blackbox(url: &str) -> Option<f64> {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("blackbox.yml");
    let module = format!(
        "modules: {{ post: {{ prober: http, timeout: 5s, http: {{ method: POST, body: '{BODY}', \
         headers: {{ content-type: application/json }}, preferred_ip_protocol: ip4 }} }} }}\n"
    );
    std::fs::write(&file, module).unwrap();
    let at = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let child = Command::new("prometheus-blackbox-exporter")
        .arg(format!("--web.listen-address={at}"))
        .arg(format!("--config.file={}", file.display()))
        .arg("--log.level=error")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let exporter = Exporter(child.ok()?);
    while tokio::net::TcpStream::connect(at).await.is_err() {
        tokio::task::yield_now().await;
    }
    let client = plain(true);
    let ask = format!("http://{at}/probe?module=post&target={url}");
    let mut costs = Vec::new();
    for round in 0..=ROUNDS {
        let began = cpu_of(exporter.0.id());
        let mut open = tokio::task::JoinSet::new();
        for _ in 0..1_500 {
            if open.len() == 16 {
                open.join_next().await.unwrap().unwrap();
            }
            let (client, ask) = (client.clone(), ask.clone());
            open.spawn(async move {
                let answer = client.get(ask.parse().unwrap()).await.unwrap();
                let body = answer.into_body().collect().await.unwrap().to_bytes();
                let success = body.windows(16).any(|w| w == b"\nprobe_success 1");
                assert!(success, "{}", String::from_utf8_lossy(&body));
            });
        }
        open.join_all().await;
        if round > 0 {
            costs.push((cpu_of(exporter.0.id()) - began) * 1e6 / 1_500.0);
        }
    }
    Some(median(costs))
}
