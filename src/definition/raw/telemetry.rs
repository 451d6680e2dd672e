//! `telemetry:` of `landfall.yaml`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::model::{Lapse, Secret, Spanned};
use crate::tls::Tls;

/// What `landfall serve` tells others of itself and of its runs. `/metrics` is there without a word here.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawTelemetry {
    /// A collector that speaks OTLP over HTTP. Each run is sent as a trace when it ends, and counts as metrics.
    pub otlp: Option<RawOtlp>,
    /// Where a trace is looked at: an http or https address in which `{trace_id}` stands for its id, such as
    /// `https://tempo.example.com/trace/{trace_id}`. The page of a run links to it. Without it the page shows the id.
    pub trace_url: Option<Spanned<String>>,
}

/// An OTLP collector.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawOtlp {
    /// Its address, for example `http://127.0.0.1:4318`; `/v1/traces` and `/v1/metrics` are added.
    pub endpoint: Spanned<String>,
    /// Headers of every request, as for a vendor's key.
    #[serde(default)]
    pub headers: BTreeMap<String, Secret>,
    /// Whether runs are sent as traces. Default `true`.
    #[serde(default = "yes")]
    pub traces: bool,
    /// Whether counts are sent as metrics. Default `true`.
    #[serde(default = "yes")]
    pub metrics: bool,
    /// Between two reports of metrics. Default `60s`.
    pub every: Option<Spanned<Lapse>>,
    /// How long an answer may take before what was sent is sent again. Default `10s`.
    pub timeout: Option<Spanned<Lapse>>,
    /// How TLS is spoken with it.
    #[serde(default)]
    pub tls: Tls,
}

const fn yes() -> bool {
    true
}
