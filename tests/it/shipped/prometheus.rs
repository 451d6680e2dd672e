//! A real Prometheus reads what landfall serves and computes the shipped rules.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use landfall::clock::{Clock, SystemClock};
use landfall::model::Class;
use landfall::report::metrics::{self, Metrics};
use serde_json::Value;

use super::{example, gauges, list, run, text};
use crate::support::whole::http_client;

/// It scrapes and evaluates every second, and the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// A Prometheus of its own, gone when it is dropped.
pub(crate) struct Prometheus {
    child: Child,
    address: String,
    client: reqwest::Client,
    _folder: tempfile::TempDir,
}

impl Prometheus {
    /// Starts it with the shipped configuration, at a quicker pace and with this target.
    fn start(target: &str) -> Self {
        Self::start_with(target, &["--enable-feature=exemplar-storage"])
    }

    /// The same with other features.
    pub(crate) fn start_with(target: &str, features: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let rules = example("prometheus/landfall.rules.yml").display().to_string();
        let config = text("prometheus/prometheus.yml")
            .replace(": 15s", ": 1s")
            .replace("- landfall.rules.yml", &format!("- {rules}"))
            .replace("127.0.0.1:4747", target);
        let file = folder.path().join("prometheus.yml");
        std::fs::write(&file, config).unwrap();
        let mut child = Command::new("prometheus")
            .arg(format!("--config.file={}", file.display()))
            .arg(format!(
                "--storage.tsdb.path={}",
                folder.path().join("data").display()
            ))
            .arg("--web.listen-address=127.0.0.1:0")
            .args(features)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|e| {
                panic!(
                    "this test needs Prometheus ({e}): apt-get install -y --no-install-recommends prometheus"
                )
            });
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut before = String::new();
        let address = loop {
            let line = log
                .next()
                .unwrap_or_else(|| panic!("it ended: {before}"))
                .unwrap();
            if line.contains("msg=\"Listening on\"") {
                break line.rsplit_once("address=").unwrap().1.to_owned();
            }
            before.push_str(&line);
            before.push('\n');
        };
        // A pipe that nobody reads fills up, and then it stands still.
        std::thread::spawn(move || log.for_each(drop));
        Self {
            child,
            address,
            client: http_client(),
            _folder: folder,
        }
    }

    /// What its API answers, once it serves.
    async fn get(&self, path: &str, query: &[(&str, &str)]) -> Option<Value> {
        let url = format!("http://{}/api/v1/{path}", self.address);
        let answer = self.client.get(url).query(query).send().await.unwrap();
        answer.json::<Value>().await.ok().map(|body| body["data"].clone())
    }

    /// The one value of a query, where it has one.
    pub(crate) async fn value(&self, query: &str) -> Option<f64> {
        let data = self.get("query", &[("query", query)]).await?;
        let result = list(&data["result"]);
        assert!(result.len() <= 1, "{query}: {data}");
        result.first()?["value"][1].as_str()?.parse().ok()
    }

    pub(crate) async fn until<T>(&self, what: &str, look: impl AsyncFn(&Self) -> Option<T>) -> T {
        let clock = SystemClock::start();
        let end = clock.now().after(PATIENCE);
        loop {
            if let Some(found) = look(self).await {
                return found;
            }
            assert!(clock.now() < end, "still waiting for {what}");
            clock.sleep(Duration::from_millis(100)).await;
        }
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// What is scraped, and how often it was.
#[derive(Clone)]
struct Served {
    metrics: Metrics,
    scrapes: Arc<AtomicU32>,
}

async fn serve(served: Served) -> String {
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap().to_string();
    let scrape = async |State(served): State<Served>| {
        served.scrapes.fetch_add(1, Ordering::SeqCst);
        (
            [(CONTENT_TYPE, metrics::CONTENT_TYPE)],
            served.metrics.text(gauges()),
        )
    };
    let router = Router::new().route("/metrics", get(scrape)).with_state(served);
    tokio::spawn(async move { axum::serve(socket, router).await });
    address
}

#[tokio::test]
async fn a_real_prometheus_computes_percentiles_over_the_runs_that_never_came() {
    let served = Served {
        metrics: super::metrics(),
        scrapes: Arc::default(),
    };
    let target = serve(served.clone()).await;
    let prometheus = Prometheus::start(&target);
    prometheus
        .until("two scrapes", async |_| {
            (served.scrapes.load(Ordering::SeqCst) > 1).then_some(())
        })
        .await;
    let first = run(1, Class::Delivered, Some(0.2));
    // The lost ones first: whenever it scrapes meanwhile, at least 8 of 100 are lost.
    for n in 0..8 {
        served.metrics.closed(&run(n + 100, Class::Lost, None));
    }
    for n in 0..92 {
        let seconds = if n < 60 { 0.2 } else { 0.7 };
        served
            .metrics
            .closed(&run(n + 1, Class::Delivered, Some(seconds)));
    }

    let recorded = |name: &str| format!("location_probe_route:landfall_{name}_rate1h");
    let p50 = prometheus
        .until("the p50", async |p| {
            p.value(&recorded("outcome_seconds:p50")).await
        })
        .await;
    assert!(
        (0.1..=0.25).contains(&p50),
        "rank 50 of 100 is in (0.1, 0.25]: {p50}"
    );
    let missing = prometheus
        .until("the missing share", async |p| {
            p.value(&recorded("runs_missing_per_runs_observed:ratio")).await
        })
        .await;
    assert!((missing - 0.08).abs() < 1e-9, "{missing}");
    let silent = recorded("silent_failures_per_runs_accepted:ratio");
    let silent = prometheus
        .until("the silent failures", async |p| p.value(&silent).await)
        .await;
    assert!((silent - 0.08).abs() < 1e-9, "{silent}");
    let arrivals =
        r#"histogram_quantile(0.95, sum by (le) (rate(landfall_layer_seconds_bucket{layer="outcome"}[1h])))"#;
    let flattered = prometheus.value(arrivals).await.unwrap();
    assert!(
        (0.5..=1.0).contains(&flattered),
        "what the arrivals alone say: {flattered}"
    );

    prometheus
        .until("the alert", async |p| {
            p.value(r#"ALERTS{alertname="LandfallSilentFailures", alertstate="firing"}"#)
                .await
        })
        .await;
    every_rule_is_well(&prometheus).await;
    // 92 of 100 arrived: at no evaluation there was a p95.
    let p95 = format!("count_over_time({}[10m])", recorded("outcome_seconds:p95"));
    assert_eq!(prometheus.value(&p95).await, None);
    exemplars_lead_to_the_trace(&prometheus, &first.id.trace_id()).await;
}

async fn every_rule_is_well(prometheus: &Prometheus) {
    let rules = prometheus
        .until("an evaluation of every rule", async |p| {
            let data = p.get("rules", &[]).await?;
            let groups = list(&data["groups"]).iter();
            let rules: Vec<Value> = groups.flat_map(|group| list(&group["rules"]).to_vec()).collect();
            (!rules.is_empty() && rules.iter().all(|rule| rule["health"] != "unknown")).then_some(rules)
        })
        .await;
    for rule in &rules {
        assert_eq!(rule["health"], "ok", "{rule}");
    }
}

async fn exemplars_lead_to_the_trace(prometheus: &Prometheus, trace: &str) {
    let query = [
        ("query", "landfall_layer_seconds_bucket"),
        ("start", "2026-01-01T00:00:00Z"),
        ("end", "2100-01-01T00:00:00Z"),
    ];
    let found = prometheus
        .until("an exemplar", async |p| {
            let data = p.get("query_exemplars", &query).await?;
            (!list(&data).is_empty()).then_some(data)
        })
        .await;
    let exemplars = list(&found).iter().flat_map(|series| list(&series["exemplars"]));
    let traces: Vec<&str> = exemplars
        .filter_map(|e| e["labels"]["trace_id"].as_str())
        .collect();
    assert!(
        !traces.is_empty() && traces.iter().all(|t| t.len() == trace.len()),
        "{traces:?}"
    );
}
