//! What the daemon tells of its runs: to Prometheus when it asks, to a collector without being asked.

use serde_json::json;

use super::Rig;

const LEG: &str = r#"probe="orders",route="gone",location="local""#;

fn value(text: &str, series: &str) -> String {
    let found = text
        .lines()
        .find_map(|line| line.strip_prefix(&format!("{series} ")));
    let found = found.unwrap_or_else(|| panic!("no {series} in\n{text}"));
    found.split_whitespace().next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_begin_at_zero_and_follow_the_runs() {
    let rig = Rig::start().await;
    let scrape = async || {
        let answer = rig.get("/metrics").await;
        assert_eq!(answer.status(), 200);
        let kind = answer.headers()["content-type"].to_str().unwrap().to_owned();
        assert!(kind.starts_with("application/openmetrics-text"), "{kind}");
        answer.text().await.unwrap()
    };
    let lost = format!(r#"landfall_runs_total{{{LEG},class="lost"}}"#);
    assert_eq!(value(&scrape().await, &lost), "0");
    let run = rig.fired("gone").await;
    assert_eq!(run["class"], "lost", "{run}");
    let after = scrape().await;
    assert_eq!(value(&after, &lost), "1");
    assert_eq!(
        value(&after, &format!("landfall_silent_failures_total{{{LEG}}}")),
        "1"
    );
    assert_eq!(
        value(&after, &format!("landfall_lag_seconds_count{{{LEG}}}")),
        "1"
    );
    assert_eq!(value(&after, &format!("landfall_in_flight{{{LEG}}}")), "0.0");
    assert_eq!(value(&after, r#"landfall_channel_up{channel="hooks"}"#), "1.0");
    let resident: f64 = value(&after, "process_resident_memory_bytes").parse().unwrap();
    assert!(resident > 1e6, "{resident}");
}

#[cfg(feature = "otel")]
#[tokio::test(flavor = "multi_thread")]
async fn a_collector_is_told_of_runs_and_counts_again_until_it_takes_them() {
    use std::sync::{Arc, Mutex};

    use axum::http::{HeaderMap, StatusCode, Uri};
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
    use prost::Message as _;

    use crate::support::channel::eventually;

    type Taken = Arc<Mutex<Vec<(String, HeaderMap, axum::body::Bytes)>>>;
    let taken: Taken = Arc::default();
    let refuse = Arc::new(std::sync::atomic::AtomicBool::new(true));
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", socket.local_addr().unwrap());
    let (into, once) = (taken.clone(), refuse.clone());
    let app = axum::Router::new().fallback(
        async move |uri: Uri, headers: HeaderMap, body: axum::body::Bytes| {
            // The first traces are turned away for a moment, as a busy collector does.
            if uri.path() == "/v1/traces" && once.swap(false, std::sync::atomic::Ordering::Relaxed) {
                return StatusCode::SERVICE_UNAVAILABLE;
            }
            into.lock().unwrap().push((uri.path().to_owned(), headers, body));
            StatusCode::OK
        },
    );
    tokio::spawn(async move { axum::serve(socket, app).await });

    let otlp = json!({ "endpoint": endpoint, "every": "1s", "headers": { "x-key": "abc" } });
    let rig = Rig::with(&json!({ "telemetry": { "otlp": otlp } }), "").await;
    let run = rig.fired("good").await;
    let of = |path: &'static str| {
        let taken = taken.clone();
        move || {
            let taken = taken.lock().unwrap();
            taken.iter().find(|(at, ..)| at == path).cloned()
        }
    };
    let (_, headers, body) = eventually("the trace of the run", of("/v1/traces")).await;
    assert_eq!(headers["x-key"], "abc");
    let told = ExportTraceServiceRequest::decode(body).unwrap();
    let spans = &told.resource_spans[0].scope_spans[0].spans;
    let trace: String = spans[0]
        .trace_id
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(trace, run["id"].as_str().unwrap().replace('-', ""));
    assert_eq!(spans.len(), 3, "the run, its request and one wait: {spans:?}");
    let (_, headers, _) = eventually("metrics", of("/v1/metrics")).await;
    assert_eq!(headers["content-type"], "application/x-protobuf");
}
