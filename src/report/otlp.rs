//! Runs as traces and counts as metrics, in the words of OTLP 1.x: what a collector is sent.
//!
//! A run is a trace of its own, and its id the trace's: a span for the run from its scheduled instant to the end of
//! what was waited for, below it one for the request, which is the parent of whatever the target adds, and one for each
//! wait. A verdict that changes later is a span of its own below the run, since a span that was sent stands.

mod metrics;
mod spans;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::{ResourceMetrics, ScopeMetrics};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message as _;

use super::metrics::{Gauges, Metrics};
use crate::model::{Moment, RunRecord};

/// The media type of the bodies.
pub const CONTENT_TYPE: &str = "application/x-protobuf";

/// Who tells: the resource of every signal.
#[derive(Clone, Debug)]
pub struct Teller {
    /// `service.instance.id`: where landfall runs.
    pub location: String,
    /// Since when it counts.
    pub started: Moment,
}

/// One run's spans, ready to be sent among others.
#[derive(Clone, Debug)]
pub struct Trace(Vec<Span>);

impl Trace {
    /// The spans of a run that has ended.
    #[must_use]
    pub fn of_run(record: &RunRecord) -> Self {
        Self(spans::of_run(record))
    }

    /// The span of its last amendment; none where there is none.
    #[must_use]
    pub fn of_amendment(record: &RunRecord) -> Option<Self> {
        Some(Self(vec![spans::of_amendment(record)?]))
    }
}

impl Teller {
    /// The body of `POST /v1/traces`.
    #[must_use]
    pub fn traces(&self, traces: Vec<Trace>) -> Vec<u8> {
        let scope_spans = ScopeSpans {
            scope: Some(scope()),
            spans: traces.into_iter().flat_map(|trace| trace.0).collect(),
            ..ScopeSpans::default()
        };
        ExportTraceServiceRequest {
            resource_spans: vec![ResourceSpans {
                resource: Some(self.resource()),
                scope_spans: vec![scope_spans],
                ..ResourceSpans::default()
            }],
        }
        .encode_to_vec()
    }

    /// The body of `POST /v1/metrics`: everything that was counted until `now`.
    #[must_use]
    pub fn metrics(&self, counted: &Metrics, gauges: &Gauges, now: Moment) -> Vec<u8> {
        let scope_metrics = ScopeMetrics {
            scope: Some(scope()),
            metrics: metrics::all(counted, gauges, (nanos(self.started), nanos(now))),
            ..ScopeMetrics::default()
        };
        ExportMetricsServiceRequest {
            resource_metrics: vec![ResourceMetrics {
                resource: Some(self.resource()),
                scope_metrics: vec![scope_metrics],
                ..ResourceMetrics::default()
            }],
        }
        .encode_to_vec()
    }

    fn resource(&self) -> Resource {
        Resource {
            attributes: vec![
                text("service.name", "landfall"),
                text("service.version", env!("CARGO_PKG_VERSION")),
                text("service.instance.id", &self.location),
            ],
            ..Resource::default()
        }
    }
}

fn scope() -> InstrumentationScope {
    InstrumentationScope {
        name: String::from("landfall"),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..InstrumentationScope::default()
    }
}

fn text(key: &str, value: &str) -> KeyValue {
    attribute(key, any_value::Value::StringValue(value.to_owned()))
}

fn attribute(key: &str, value: any_value::Value) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

fn nanos(at: Moment) -> u64 {
    u64::try_from(at.0).unwrap_or(0)
}
