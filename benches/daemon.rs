//! What the daemon costs while little happens, how fast it starts, and whether a target that hangs delays others.
//!
//! ```text
//! apt-get install prometheus prometheus-blackbox-exporter
//! cargo bench --bench daemon            # a minute of each; `-- 10` seconds instead
//! ```
//!
//! The real binary, with a target in this process that accepts and calls back at once. Memory is resident memory by
//! `/proc`, CPU that of the whole process. Beside it Debian's Prometheus with its blackbox exporter probing as many
//! targets as often, which keeps a series where landfall waits for an outcome and judges it. Goals: ready in 100 ms with
//! 1,000 probes; at most 25 MB idle and 45 MB with 1,000 probes at five minutes, under 1 % of a core; a target that hangs
//! delays the others' fires by under 1 ms at p99.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench says what it needs by failing, prints, and waits for the time that it measures"
)]
#![expect(unreachable_pub, reason = "the shared part is a module of each bench")]

#[expect(dead_code, reason = "each bench uses its part")]
mod common;

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use serde_json::{Value, json};

use common::{cpu_of, median, resident_of};

/// Probes at five minutes.
const PROBES: usize = 1_000;
/// Probes at a second, beside a target that hangs.
const BESIDE: usize = 100;
const STARTS: usize = 7;

fn main() {
    let seconds: u64 = std::env::args().find_map(|word| word.parse().ok()).unwrap_or(60);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    drop(rustls::crypto::ring::default_provider().install_default());
    runtime.block_on(async {
        let target = target().await;
        start(target);
        idle(target, seconds);
        peer(target, seconds);
        hung(target, seconds);
    });
}

/// Takes orders and calls back at once; at `/hang` it takes them and never answers.
async fn target() -> SocketAddr {
    let client = reqwest::Client::new();
    let app = axum::Router::new()
        .route("/", axum::routing::get(async || "ok"))
        .route("/orders", post(take))
        .route(
            "/hang",
            post(async || -> StatusCode { std::future::pending().await }),
        )
        .with_state(Arc::new(client));
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(socket, app).await });
    address
}

async fn take(State(client): State<Arc<reqwest::Client>>, Json(order): Json<Value>) -> StatusCode {
    let webhook = order["webhook"].as_str().unwrap().to_owned();
    let body = json!({ "ref": order["ref"] });
    tokio::spawn(async move { client.post(webhook).json(&body).send().await });
    StatusCode::ACCEPTED
}

/// A process that ends with its value.
struct Running {
    child: Child,
    address: SocketAddr,
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// A workspace of so many probes with this schedule; the last of them hangs where that is asked for.
fn workspace(dir: &Path, target: SocketAddr, probes: usize, schedule: &Value, hangs: bool) -> SocketAddr {
    let listen = free();
    let settings = json!({
        "listen": listen, "store": "sqlite:landfall.db",
        "channels": { "hooks": { "callback": {} } },
    });
    std::fs::write(dir.join("landfall.yaml"), settings.to_string()).unwrap();
    std::fs::create_dir_all(dir.join("probes")).unwrap();
    for n in 0..probes + usize::from(hangs) {
        let path = if n == probes { "hang" } else { "orders" };
        let probe = json!({
            "name": format!("p{n}"),
            "schedule": schedule,
            "request": { "http": {
                "url": format!("http://{target}/{path}"), "timeout": "20s",
                "json": { "ref": "{{ token }}", "webhook": "{{ channels.hooks.url }}" },
            } },
            "outcome": [{ "in": "hooks", "within": "10s", "grace": "10s" }],
        });
        std::fs::write(dir.join(format!("probes/p{n}.yaml")), probe.to_string()).unwrap();
    }
    listen
}

/// Starts it; the time until `/readyz` says so.
fn serve(dir: &Path, listen: SocketAddr) -> (Running, Duration) {
    let began = Instant::now();
    let child = Command::new(env!("CARGO_BIN_EXE_landfall"))
        .args(["serve", "--workspace"])
        .arg(dir)
        .env("LANDFALL_LOG", "error")
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let running = Running {
        child,
        address: listen,
    };
    while !ready(listen) {
        std::thread::sleep(Duration::from_millis(1));
    }
    (running, began.elapsed())
}

/// Asks once, without a client that would have to be warm.
fn ready(at: SocketAddr) -> bool {
    use std::io::{Read as _, Write as _};

    let Ok(mut stream) = std::net::TcpStream::connect(at) else {
        return false;
    };
    let ask = format!("GET /readyz HTTP/1.1\r\nhost: {at}\r\nconnection: close\r\n\r\n");
    let mut said = String::new();
    stream.write_all(ask.as_bytes()).is_ok()
        && stream.read_to_string(&mut said).is_ok()
        && said.starts_with("HTTP/1.1 200")
}

fn start(target: SocketAddr) {
    let dir = tempfile::tempdir().unwrap();
    let listen = workspace(dir.path(), target, PROBES, &json!({ "every": "1h" }), false);
    let times = (0..STARTS).map(|_| serve(dir.path(), listen).1.as_secs_f64() * 1e3);
    println!(
        "{PROBES} probes: ready {:.0} ms after the process began (median of {STARTS}; goal 100)",
        median(times.collect())
    );
}

fn idle(target: SocketAddr, seconds: u64) {
    for (probes, goal) in [(1, 25), (PROBES, 45)] {
        let dir = tempfile::tempdir().unwrap();
        let listen = workspace(dir.path(), target, probes, &json!({ "every": "5m" }), false);
        let (running, _) = serve(dir.path(), listen);
        let (bytes, share) = cost(running.child.id(), seconds);
        println!(
            "landfall, {probes:>4} probes at 5 minutes: {:.1} MB resident (goal {goal}), {:.2} % of a core (goal 1) at {}",
            bytes / 1e6,
            share * 100.0,
            running.address,
        );
    }
}

/// Bytes resident after some seconds, and the share of a core that was used.
fn cost(pid: u32, seconds: u64) -> (f64, f64) {
    std::thread::sleep(Duration::from_secs(2));
    let (began, cpu) = (Instant::now(), cpu_of(pid));
    std::thread::sleep(Duration::from_secs(seconds));
    (
        resident_of(pid),
        (cpu_of(pid) - cpu) / began.elapsed().as_secs_f64(),
    )
}

/// Debian's Prometheus and its blackbox exporter, with as many targets as often.
fn peer(target: SocketAddr, seconds: u64) {
    let dir = tempfile::tempdir().unwrap();
    let (exporter, prometheus) = (free(), free());
    let module = "modules: { get: { prober: http, timeout: 5s, http: { preferred_ip_protocol: ip4 } } }\n";
    std::fs::write(dir.path().join("blackbox.yml"), module).unwrap();
    let targets: Vec<String> = (0..PROBES).map(|n| format!("http://{target}/?p={n}")).collect();
    let settings = json!({ "scrape_configs": [{
        "job_name": "blackbox", "metrics_path": "/probe", "params": { "module": ["get"] }, "scrape_interval": "5m",
        "static_configs": [{ "targets": targets }],
        "relabel_configs": [
            { "source_labels": ["__address__"], "target_label": "__param_target" },
            { "source_labels": ["__param_target"], "target_label": "instance" },
            { "target_label": "__address__", "replacement": exporter.to_string() },
        ],
    }] });
    std::fs::write(dir.path().join("prometheus.yml"), settings.to_string()).unwrap();
    let quiet = |command: &mut Command| command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let blackbox = quiet(
        Command::new("prometheus-blackbox-exporter")
            .arg(format!("--web.listen-address={exporter}"))
            .arg(format!(
                "--config.file={}",
                dir.path().join("blackbox.yml").display()
            )),
    );
    let server = quiet(
        Command::new("prometheus")
            .arg(format!("--web.listen-address={prometheus}"))
            .arg(format!(
                "--config.file={}",
                dir.path().join("prometheus.yml").display()
            ))
            .arg(format!(
                "--storage.tsdb.path={}",
                dir.path().join("data").display()
            )),
    );
    let (Ok(blackbox), Ok(server)) = (blackbox, server) else {
        println!("no peer: apt-get install prometheus prometheus-blackbox-exporter");
        return;
    };
    let running =
        [(blackbox, exporter), (server, prometheus)].map(|(child, address)| Running { child, address });
    let costs = running.each_ref().map(|one| {
        while std::net::TcpStream::connect(one.address).is_err() {
            std::thread::sleep(Duration::from_millis(10));
        }
        one.child.id()
    });
    let before: Vec<f64> = costs.iter().map(|pid| cpu_of(*pid)).collect();
    std::thread::sleep(Duration::from_secs(seconds));
    let bytes: f64 = costs.iter().map(|pid| resident_of(*pid)).sum();
    let cpu: f64 = costs
        .iter()
        .zip(&before)
        .map(|(pid, before)| cpu_of(*pid) - before)
        .sum();
    println!(
        "Prometheus and blackbox exporter, {PROBES} targets at 5 minutes: {:.1} MB resident, {:.2} % of a core",
        bytes / 1e6,
        cpu * 100.0 / Duration::from_secs(seconds).as_secs_f64()
    );
}

/// How late the others fire, with and without a target that takes each request and never answers.
fn hung(target: SocketAddr, seconds: u64) {
    let of = [false, true].map(|hangs| {
        let dir = tempfile::tempdir().unwrap();
        let schedule = json!({ "every": "1s", "allow_fast": true });
        let listen = workspace(dir.path(), target, BESIDE, &schedule, hangs);
        let (running, _) = serve(dir.path(), listen);
        std::thread::sleep(Duration::from_secs(seconds.clamp(5, 30)));
        drop(running);
        let lags = lags(dir.path());
        assert!(lags.len() > BESIDE, "{} runs", lags.len());
        let p99 = lags[lags.len() * 99 / 100] * 1e3;
        println!(
            "{BESIDE} probes a second {}: lag p50 {:.3} ms, p99 {p99:.3} ms of {} runs",
            if hangs {
                "beside one whose target hangs"
            } else {
                "alone"
            },
            lags[lags.len() / 2] * 1e3,
            lags.len()
        );
        p99
    });
    println!(
        "a target that hangs delays the others' p99 by {:.3} ms (goal 1)",
        of[1] - of[0]
    );
}

/// From the tick to the first byte, in seconds, sorted; of every probe but the one that hangs.
fn lags(dir: &Path) -> Vec<f64> {
    let said = Command::new(env!("CARGO_BIN_EXE_landfall"))
        .args(["runs", "--format", "ndjson", "--workspace"])
        .arg(dir)
        .output()
        .unwrap();
    let hangs = format!("p{BESIDE}");
    let mut lags: Vec<f64> = String::from_utf8(said.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|run| run["probe"] != hangs.as_str())
        .filter_map(|run| run["lag"].as_f64())
        .collect();
    lags.sort_by(f64::total_cmp);
    lags
}
