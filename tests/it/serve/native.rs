//! A real Prometheus asks the daemon for native histograms, and computes with them.

use serde_json::json;

use super::daemon::{Daemon, Does, Place, Target};
use crate::shipped::prometheus::Prometheus;
use crate::support::channel::eventually;
use crate::support::whole::http_client;

const ACCEPTS: &str = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,text/plain;q=0.5";

#[tokio::test(flavor = "multi_thread")]
async fn a_real_prometheus_reads_native_histograms() {
    let target = Target::start(Does::Deliver).await;
    let place = Place::new(
        &target,
        json!({ "every": "500ms", "allow_fast": true }),
        &json!({}),
    );
    let daemon = Daemon::start(place.dir.path(), &[], &[]);
    let serving = daemon.says("serving").await;
    let (_, pages) = serving.split_once("pages=").unwrap();
    let base = pages
        .split_whitespace()
        .next()
        .unwrap()
        .trim_matches('"')
        .trim_end_matches('/');
    let address = base.trim_start_matches("http://");
    let prometheus = Prometheus::start_with(address, &["--enable-feature=native-histograms"]);
    eventually("three runs", || {
        (place.asked("SELECT class FROM records").len() >= 3).then_some(())
    })
    .await;

    let leg = r#"probe="orders""#;
    let lag = format!("histogram_count(landfall_lag_seconds{{{leg}}})");
    let counted = prometheus
        .until("native counts", async |p| {
            p.value(&lag).await.filter(|n| *n >= 3.0)
        })
        .await;
    let layer = format!(r#"landfall_layer_seconds{{{leg},layer="outcome"}}"#);
    let median = format!("histogram_quantile(0.5, rate({layer}[1m]))");
    let median = prometheus
        .until("a median", async |p| {
            p.value(&median).await.filter(|m| m.is_finite())
        })
        .await;
    assert!(
        (0.0..5.0).contains(&median),
        "what was delivered came within 5 s: {median}"
    );
    // The mean lies between the bounds that the buckets give to all and to none.
    let of = async |query: String| prometheus.until("a value", async |p| p.value(&query).await).await;
    let (sum, runs) = (
        of(format!("histogram_sum({layer})")).await,
        of(format!("histogram_count({layer})")).await,
    );
    assert!(sum > 0.0 && runs > 0.0 && counted > 0.0, "{sum} s in {runs} runs");
    let below = |bound: &str| format!("histogram_fraction(0, {bound}, {layer})");
    assert!((of(below("3600")).await - 1.0).abs() < 1e-9);
    // The executed layer is not declared: its series is there, and empty.
    let none = format!(r#"histogram_count(landfall_layer_seconds{{{leg},layer="executed"}})"#);
    assert!(of(none).await.abs() < 1e-9);
    // What is no histogram is the same in both forms.
    let delivered = format!(r#"landfall_runs_total{{{leg},class="delivered"}}"#);
    assert!(of(delivered).await >= 3.0);

    let asked = |accept: &'static str| {
        http_client()
            .get(format!("{base}/metrics"))
            .header("accept", accept)
            .send()
    };
    let kind = |answer: &reqwest::Response| answer.headers()["content-type"].to_str().unwrap().to_owned();
    let native = asked(ACCEPTS).await.unwrap();
    assert_eq!(
        kind(&native),
        "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
    );
    assert_eq!(native.headers()["vary"], "accept");
    let text = asked("*/*").await.unwrap();
    assert!(kind(&text).starts_with("application/openmetrics-text; version=1.0.0"));
    let text = text.text().await.unwrap();
    assert!(text.contains("landfall_lag_seconds_bucket") && text.ends_with("# EOF\n"));
}
