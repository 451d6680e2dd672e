//! `/metrics`: for whoever may read the API. The text where nothing else is asked for; a scraper that wants native
//! histograms says so by what it accepts first.

use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, CONTENT_TYPE, VARY};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::site::Shared;
use crate::report::metrics::Form;

/// The endpoint.
pub(super) fn router() -> Router<Shared> {
    Router::new().route("/metrics", get(metrics))
}

async fn metrics(State(site): State<Shared>, headers: HeaderMap) -> Response {
    let accepted = headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let form = form(accepted);
    let told = site.daemon.metrics(form).await;
    let headers = [(CONTENT_TYPE, form.content_type()), (VARY, ACCEPT.as_str())];
    (headers, told).into_response()
}

/// The form that is wanted most; of two that are wanted alike the one that says more.
fn form<'a>(accepted: impl Iterator<Item = &'a str>) -> Form {
    let (mut text, mut protobuf) = (0.0_f32, 0.0_f32);
    for range in accepted.flat_map(|value| value.split(',')) {
        let (name, quality, parameters) = parts(range);
        match name.as_str() {
            "application/vnd.google.protobuf" if delimited(&parameters) => protobuf = protobuf.max(quality),
            "application/openmetrics-text" | "text/plain" => text = text.max(quality),
            _ => {}
        }
    }
    if protobuf > 0.0 && protobuf >= text {
        Form::Protobuf
    } else {
        Form::Text
    }
}

/// The media type of a range, how much it is wanted (RFC 9110, section 12.4.2), and its other parameters, in lower case.
fn parts(range: &str) -> (String, f32, Vec<(String, String)>) {
    let mut parts = range.split(';').map(|part| part.trim().to_ascii_lowercase());
    let name = parts.next().unwrap_or_default();
    let mut quality = 1.0;
    let mut parameters = Vec::new();
    for part in parts {
        let (key, value) = part.split_once('=').unwrap_or((&part, ""));
        let (key, value) = (key.trim(), value.trim().trim_matches('"'));
        if key == "q" {
            quality = value
                .parse()
                .ok()
                .filter(|q| (0.0..=1.0).contains(q))
                .unwrap_or(0.0);
        } else {
            parameters.push((key.to_owned(), value.to_owned()));
        }
    }
    (name, quality, parameters)
}

/// Of this type only the one message and the one framing are known.
fn delimited(parameters: &[(String, String)]) -> bool {
    let is = |key: &str, wanted: &str| parameters.iter().any(|(k, v)| k == key && v == wanted);
    is("proto", "io.prometheus.client.metricfamily") && is("encoding", "delimited")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scraper_gets_what_it_wants_most() {
        let native =
            "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";
        for (accepts, expected) in [
            // Prometheus with native histograms, and without.
            (
                format!(
                    "{native},application/openmetrics-text;version=1.0.0;q=0.8,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
                ),
                Form::Protobuf,
            ),
            (
                format!("application/openmetrics-text;version=1.0.0,{native};q=0.7,text/plain;q=0.3"),
                Form::Text,
            ),
            (
                format!("{native};q=0.6 , application/openmetrics-text;q=0.6"),
                Form::Protobuf,
            ),
            (native.to_uppercase(), Form::Protobuf),
            (format!("{native};q=0"), Form::Text),
            (format!("{native};q=much"), Form::Text),
            (
                String::from("application/vnd.google.protobuf;proto=other;encoding=delimited"),
                Form::Text,
            ),
            (native.replace("delimited", "text"), Form::Text),
            (String::from("*/*"), Form::Text),
            (String::new(), Form::Text),
        ] {
            assert_eq!(form([accepts.as_str()].into_iter()), expected, "{accepts}");
        }
        assert_eq!(
            form(["text/plain;q=0.5", native].into_iter()),
            Form::Protobuf,
            "two headers"
        );
    }
}
