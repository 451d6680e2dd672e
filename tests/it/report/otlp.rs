//! What a collector is sent, read back as a collector reads it.

use landfall::model::{Class, Moment};
use landfall::report::metrics::{Gauges, Metrics};
use landfall::report::otlp::{Teller, Trace};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::{Metric, metric};
use opentelemetry_proto::tonic::trace::v1::{Span, status::StatusCode};
use prost::Message as _;

use super::sample;

fn teller() -> Teller {
    Teller {
        location: String::from("eu"),
        started: Moment::from_rfc3339("2026-10-01T11:00:00Z").unwrap(),
    }
}

fn spans(traces: Vec<Trace>) -> Vec<Span> {
    let body = teller().traces(traces);
    let request = ExportTraceServiceRequest::decode(body.as_slice()).unwrap();
    let [told] = request.resource_spans.as_slice() else {
        panic!("{request:?}")
    };
    told.scope_spans[0].spans.clone()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_run_is_a_trace_whose_request_is_what_the_target_was_told() {
    let run = sample::run(1, "direct");
    let spans = spans(vec![Trace::of_run(&run)]);
    assert_eq!(spans.len(), 3, "{spans:?}");
    for span in &spans {
        assert_eq!(hex(&span.trace_id), run.id.trace_id());
        assert!(span.end_time_unix_nano >= span.start_time_unix_nano);
    }
    let (root, request, wait) = (&spans[0], &spans[1], &spans[2]);
    assert!(root.parent_span_id.is_empty());
    let tick = Moment::from_rfc3339(&run.tick).unwrap();
    assert_eq!(root.start_time_unix_nano, u64::try_from(tick.0).unwrap());
    let sent = format!("00-{}-{}-01", hex(&request.trace_id), hex(&request.span_id));
    assert_eq!(sent, run.id.traceparent());
    for below in [request, wait] {
        assert_eq!(below.parent_span_id, root.span_id);
    }
    // The wait lasted from the first byte until the observation: half a second.
    assert_eq!(wait.end_time_unix_nano - wait.start_time_unix_nano, 500_000_000);
    assert_eq!(root.status.as_ref().unwrap().code, i32::from(StatusCode::Ok));
}

#[test]
fn a_bad_end_is_an_error_and_blindness_is_none() {
    for (class, code) in [
        (Class::Lost, StatusCode::Error),
        (Class::Unobserved, StatusCode::Unset),
    ] {
        let mut run = sample::run(1, "direct");
        run.class = class;
        let told = spans(vec![Trace::of_run(&run)]);
        assert_eq!(told[0].status.clone().unwrap_or_default().code, i32::from(code));
    }
}

#[test]
fn a_run_that_was_never_sent_has_no_request() {
    let mut run = sample::run(1, "direct");
    run.sent = None;
    let told = spans(vec![Trace::of_run(&run)]);
    assert!(told.iter().all(|span| span.name != "request"), "{told:?}");
}

#[test]
fn counts_are_the_ones_that_prometheus_reads() {
    let metrics = Metrics::new("eu");
    metrics.declare([(String::from("order-paid"), String::from("direct"))]);
    metrics.closed(&sample::run(1, "direct"));
    let now = Moment::from_rfc3339("2026-10-01T12:00:00Z").unwrap();
    let body = teller().metrics(&metrics, &Gauges::default(), now);
    let request = ExportMetricsServiceRequest::decode(body.as_slice()).unwrap();
    let told = &request.resource_metrics[0].scope_metrics[0].metrics;
    let of = |name: &str| -> &Metric { told.iter().find(|m| m.name == name).unwrap() };
    let Some(metric::Data::Sum(runs)) = &of("landfall_runs").data else {
        panic!("{told:?}")
    };
    assert!(runs.is_monotonic);
    assert_eq!(runs.data_points.len(), Class::ALL.len());
    let Some(metric::Data::Histogram(layers)) = &of("landfall_layer").data else {
        panic!("{told:?}")
    };
    let outcome = &layers.data_points[2];
    assert_eq!((outcome.count, outcome.sum), (1, Some(1.236)));
    // 1.236 s lies above 1.0 and not above 2.5.
    let place = outcome.bucket_counts.iter().position(|n| *n == 1).unwrap();
    assert_eq!(&outcome.explicit_bounds[place - 1..=place], [1.0, 2.5]);
    // What the text says has every family that this says.
    let text = metrics.text(Gauges::default());
    for metric in told {
        assert!(
            text.contains(&format!("# HELP {}", metric.name)),
            "{}",
            metric.name
        );
    }
}
