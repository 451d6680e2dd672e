//! One run as spans.

use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1::{Span, Status, span::SpanKind, status::StatusCode};

use super::{attribute, nanos, text};
use crate::model::{Class, ExpectationRecord, ExpectationState, Moment, RunId, RunRecord};

/// The names of the spans within a run's trace, from which their ids are made.
const RUN: &str = "run";
const REQUEST: &str = "request";

pub(super) fn of_run(record: &RunRecord) -> Vec<Span> {
    let due = Moment::from_rfc3339(&record.tick).unwrap_or(Moment(0));
    // What was never sent began and ended when it was due.
    let sent = record
        .sent
        .as_deref()
        .and_then(Moment::from_rfc3339)
        .unwrap_or(due);
    let at = |seconds: f64| {
        sent.after(std::time::Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or_default())
    };
    let waits: Vec<Span> = record
        .expectations
        .iter()
        .map(|wait| of_wait(record, wait, sent, at(waited(wait))))
        .collect();
    let answered = at(record.timings.total.unwrap_or(0.0));
    let end = waits
        .iter()
        .map(|wait| wait.end_time_unix_nano)
        .max()
        .unwrap_or(0);
    let root = Span {
        parent_span_id: Vec::new(),
        kind: SpanKind::Internal.into(),
        attributes: of_record(record),
        status: Some(status(record.class, &record.reason)),
        ..span(
            record.id,
            (RUN, &format!("run {}", record.probe)),
            (due, answered.max(Moment(i64::try_from(end).unwrap_or(i64::MAX)))),
        )
    };
    let mut spans = vec![root];
    if record.sent.is_some() {
        spans.push(Span {
            kind: SpanKind::Client.into(),
            attributes: of_request(record),
            ..span(record.id, (REQUEST, REQUEST), (sent, answered))
        });
    }
    spans.extend(waits);
    spans
}

pub(super) fn of_amendment(record: &RunRecord) -> Option<Span> {
    let last = record.amendments.last()?;
    let at = Moment::from_rfc3339(&last.at)?;
    let part = format!("amendment {}", record.amendments.len());
    let name = format!("{} became {}", last.from.word(), last.to.word());
    Some(Span {
        kind: SpanKind::Internal.into(),
        attributes: of_record(record),
        status: Some(status(record.class, &last.reason)),
        ..span(record.id, (&part, &name), (at, at))
    })
}

/// From the first byte sent until it arrived, or until it was given up.
fn of_wait(record: &RunRecord, wait: &ExpectationRecord, sent: Moment, end: Moment) -> Span {
    let good = matches!(wait.state, ExpectationState::Met | ExpectationState::Late);
    let mut attributes = vec![
        text("landfall.expectation", &wait.name),
        text("landfall.channel", &wait.channel),
        text("landfall.state", wait.state.word()),
        attribute("landfall.within", any_value::Value::DoubleValue(wait.within)),
    ];
    if let Some(seconds) = wait.seconds {
        let lowest = any_value::Value::DoubleValue(seconds.0);
        attributes.push(attribute("landfall.seconds.lo", lowest));
    }
    let part = format!("wait {}", wait.name);
    Span {
        kind: SpanKind::Consumer.into(),
        attributes,
        status: (!good).then(|| Status {
            message: wait.reason.clone(),
            code: StatusCode::Error.into(),
        }),
        ..span(record.id, (&part, &part), (sent, end))
    }
}

/// The upper end of when it came; where it did not, how long was waited.
fn waited(wait: &ExpectationRecord) -> f64 {
    wait.seconds.map_or(wait.within + wait.grace, |seconds| seconds.1)
}

/// A span below the run's; the caller takes the parent away where it is the run's own.
fn span(run: RunId, (part, name): (&str, &str), (start, end): (Moment, Moment)) -> Span {
    Span {
        trace_id: bytes(&run.trace_id()),
        span_id: bytes(&run.span_id(part)),
        parent_span_id: bytes(&run.span_id(RUN)),
        // The low bits are the W3C flags: sampled.
        flags: 1,
        name: name.to_owned(),
        start_time_unix_nano: nanos(start),
        end_time_unix_nano: nanos(end.max(start)),
        ..Span::default()
    }
}

fn of_record(record: &RunRecord) -> Vec<KeyValue> {
    let mut attributes = vec![
        text("landfall.run", &record.id.to_string()),
        text("landfall.probe", &record.probe),
        text("landfall.route", &record.route),
        text("landfall.input", &record.input),
        text("landfall.location", &record.location),
        text("landfall.class", record.class.word()),
        text("landfall.reason", &record.reason),
    ];
    let own = record.attributes.iter();
    attributes.extend(own.map(|(name, value)| text(&format!("landfall.attribute.{name}"), value)));
    attributes
}

/// Names of OpenTelemetry's conventions for HTTP clients, where the record knows them.
fn of_request(record: &RunRecord) -> Vec<KeyValue> {
    let mut attributes = vec![text("user_agent.synthetic.type", "test")];
    let request = record.request.as_ref();
    let known = |name: &str| request.and_then(|r| r.get(name)).and_then(|v| v.as_str());
    for (key, name) in [("http.request.method", "method"), ("url.full", "url")] {
        attributes.extend(known(name).map(|value| text(key, value)));
    }
    let status = record.response.as_ref().and_then(|r| r.get("status"));
    if let (Some(status), Some(_)) = (status.and_then(|s| s.as_i64()), known("url")) {
        let value = any_value::Value::IntValue(status);
        attributes.push(attribute("http.response.status_code", value));
    }
    let timings = record.timings;
    let phases = [
        ("dns", timings.dns),
        ("connect", timings.connect),
        ("tls", timings.tls),
        ("first_byte", timings.first_byte),
        ("total", timings.total),
    ];
    for (phase, seconds) in phases {
        let value = seconds
            .filter(|s| s.is_finite())
            .map(any_value::Value::DoubleValue);
        attributes.extend(value.map(|value| attribute(&format!("landfall.request.{phase}"), value)));
    }
    attributes
}

fn status(class: Class, reason: &str) -> Status {
    match class {
        Class::Delivered => Status {
            code: StatusCode::Ok.into(),
            ..Status::default()
        },
        // Nobody could see: neither good nor bad.
        Class::Unobserved => Status::default(),
        _ => Status {
            message: format!("{}: {reason}", class.word()),
            code: StatusCode::Error.into(),
        },
    }
}

/// Hexadecimal digits of our own making.
fn bytes(hex: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(hex.get(at..at + 2).unwrap_or_default(), 16).unwrap_or(0);
    (0..hex.len() / 2).map(|n| digit(2 * n)).collect()
}
