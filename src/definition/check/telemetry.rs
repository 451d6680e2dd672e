//! `telemetry:` of `landfall.yaml`, checked.

use std::time::Duration;

use crate::definition::probe::Otlp;
use crate::definition::raw::RawTelemetry;
use crate::diag::{Code, Problems};
use crate::model::{Lapse, Spanned};

/// Metrics more often than this would be more about landfall than about its probes.
const OFTEN: Duration = Duration::from_secs(1);

/// The collector that is told; none where none is named or its address is none.
pub(crate) fn telemetry(raw: &RawTelemetry, problems: &mut Problems) -> Option<Otlp> {
    let raw = raw.otlp.as_ref()?;
    let time = |key: &str, given: &Option<Spanned<Lapse>>, default: u64, problems: &mut Problems| {
        let Some(given) = given else {
            return Duration::from_secs(default);
        };
        super::lapse(key, given, problems);
        given.value.0
    };
    let every = time("every", &raw.every, 60, problems);
    if let Some(given) = raw.every.as_ref().filter(|_| every < OFTEN) {
        problems
            .error(
                Code::BadValue,
                given.span,
                "`every` is below a second",
                "metrics are counts, and lose nothing by waiting",
            )
            .help("write `every: 60s`");
    }
    let timeout = time("timeout", &raw.timeout, 10, problems);
    if let Some(given) = raw.timeout.as_ref().filter(|_| timeout.is_zero()) {
        problems
            .error(
                Code::BadValue,
                given.span,
                "`timeout` is nothing",
                "no answer comes at once",
            )
            .help("write `timeout: 10s`");
    }
    raw.tls.check(problems);
    for name in raw.headers.keys() {
        if reqwest::header::HeaderName::from_bytes(name.as_bytes()).is_err() {
            let what = format!("`{name}` is no header name");
            problems.error(Code::BadValue, raw.endpoint.span, what, "of this collector");
        }
    }
    let Some(endpoint) = crate::definition::public_address(&raw.endpoint.value) else {
        problems
            .error(
                Code::BadValue,
                raw.endpoint.span,
                format!("`{}` is no address of a collector", raw.endpoint.value),
                "expected an http or https URL without credentials, query or fragment",
            )
            .help("write `endpoint: http://127.0.0.1:4318`");
        return None;
    };
    Some(Otlp {
        endpoint,
        headers: raw
            .headers
            .iter()
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect(),
        traces: raw.traces,
        metrics: raw.metrics,
        every,
        timeout,
        tls: raw.tls.clone(),
    })
}

/// Stands for the id of a trace in `trace_url`.
const TRACE_ID: &str = "{trace_id}";

/// Where a trace is looked at; none where the address is none.
pub(crate) fn trace_url(raw: &RawTelemetry, problems: &mut Problems) -> Option<String> {
    let at = raw.trace_url.as_ref()?;
    let mut wrong = |what: String, expected: &str| {
        problems
            .error(Code::BadValue, at.span, what, expected)
            .help("write `trace_url: https://tempo.example.com/trace/{trace_id}`");
        None
    };
    if !at.value.contains(TRACE_ID) {
        return wrong(
            format!("`{}` would be the same page for every run", at.value),
            "expected `{trace_id}` where the id of the trace belongs",
        );
    }
    let filled = at.value.replace(TRACE_ID, "0");
    let url = reqwest::Url::parse(&filled).ok();
    let fit = url.filter(|url| {
        matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none()
    });
    // In the host it would send whoever follows the link somewhere else with each run.
    let elsewhere = fit.as_ref().is_some_and(|url| {
        let other = reqwest::Url::parse(&at.value.replace(TRACE_ID, "1"));
        other.ok().is_none_or(|other| other.origin() != url.origin())
    });
    match fit {
        Some(_) if !elsewhere => Some(at.value.clone()),
        _ => wrong(
            format!("`{}` is no address of a page", at.value),
            "expected an http or https URL without credentials, `{trace_id}` in its path, query or fragment",
        ),
    }
}
