//! What was sent and what was answered.

use maud::{Markup, html};
use serde_json::{Map, Value};

use super::content;
use crate::model::RunRecord;
use crate::report::html::View;
use crate::report::html::draw::duration;

pub(super) fn section(view: &View, run: &RunRecord) -> Markup {
    html! {
        @if run.request.is_some() || run.response.is_some() {
            section.exchange data-key="exchange" aria-labelledby={ "exchange-" (run.id) } {
                h2 id={ "exchange-" (run.id) } { "Request and answer" }
                div.two {
                    @if let Some(request) = &run.request { article { h3 { "Request" } (sent(view, request)) } }
                    @if let Some(response) = &run.response { article { h3 { "Answer" } (answered(view, response)) } }
                    @else { article { h3 { "Answer" } p.faint { "None came." } } }
                }
            }
        }
    }
}

fn sent(view: &View, request: &Value) -> Markup {
    let Value::Object(map) = request else {
        return content::json(view, "as sent", request);
    };
    let mut rest = map.clone();
    let (method, url) = (take(&mut rest, "method"), take(&mut rest, "url"));
    html! {
        @if method.is_some() || url.is_some() {
            p { strong { (view.look.text(&method.unwrap_or_default())) } " " code { (view.look.text(&url.unwrap_or_default())) } }
        }
        @if rest.remove("insecure") == Some(Value::Bool(true)) {
            p.notice.warn { "The peer's certificate was not checked (" code { "insecure: true" } ")." }
        }
        (parts(view, rest))
    }
}

fn answered(view: &View, response: &Value) -> Markup {
    let Value::Object(map) = response else {
        return content::json(view, "as received", response);
    };
    let mut rest = map.clone();
    let status = rest.remove("status");
    let seconds = rest.remove("seconds").and_then(|s| s.as_f64());
    let cut = rest.remove("body_cut") == Some(Value::Bool(true));
    html! {
        @if let Some(error) = take(&mut rest, "error") { p.notice.bad { (view.look.text(&error)) } }
        @if let Some(status) = status { p { strong { "status " (view.look.text(&content::plain(&status))) }
            @if let Some(seconds) = seconds { " " span.faint { "after " (duration(seconds)) } } } }
        (parts(view, rest))
        @if cut { p.faint { "The record keeps the beginning of the body alone." } }
    }
}

/// Headers, bodies, then what else there is.
fn parts(view: &View, mut rest: Map<String, Value>) -> Markup {
    let headers = rest.remove("headers");
    let bodies: Vec<(String, Value)> = ["body", "mail", "stdin", "stdout", "stderr"]
        .iter()
        .filter_map(|name| rest.remove_entry(*name))
        .collect();
    rest.retain(|_, value| !matches!(value, Value::Null | Value::Bool(false)) && value.as_str() != Some(""));
    html! {
        @match headers {
            Some(Value::Object(headers)) => (content::table(view, "headers", &headers)),
            Some(Value::Null) | None => {},
            Some(other) => (content::json(view, "headers", &other)),
        }
        @for (name, value) in &bodies {
            @match value {
                Value::String(text) => (content::body(view, name, text)),
                Value::Null => {},
                other => (content::json(view, name, other)),
            }
        }
        (content::table(view, "more", &rest))
    }
}

fn take(map: &mut Map<String, Value>, name: &str) -> Option<String> {
    map.remove(name)
        .filter(|value| !value.is_null())
        .map(|value| content::plain(&value))
}
