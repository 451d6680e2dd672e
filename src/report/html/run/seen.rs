//! What was seen on the channels, and the path that the run took.

use maud::{Markup, html};
use serde_json::{Map, Value};

use super::content;
use super::timeline::interval;
use crate::model::{Hop, ObservationRecord, RunRecord};
use crate::report::html::View;
use crate::report::html::draw::duration;
use crate::report::words::count;

/// Observations that are shown; the rest is counted.
const SHOWN: usize = 60;
/// Hops that are shown.
const HOPS: usize = 100;

pub(super) fn section(view: &View, run: &RunRecord) -> Markup {
    html! {
        section.seen data-key="seen" aria-labelledby={ "seen-" (run.id) } {
            h2 id={ "seen-" (run.id) } { "What was seen" }
            @if run.observations.is_empty() { p.faint { "Nothing was seen on any channel." } }
            @for seen in run.observations.iter().take(SHOWN) { (one(view, seen)) }
            @if run.observations.len() > SHOWN {
                p.faint { "… and " (count((run.observations.len() - SHOWN) as u64, "more observation")) ": the record has all" }
            }
        }
        @if !run.path.is_empty() {
            section.path data-key="path" aria-labelledby={ "path-" (run.id) } {
                h2 id={ "path-" (run.id) } { "The path it took" }
                (path(view, &run.path))
            }
        }
    }
}

fn one(view: &View, of: &ObservationRecord) -> Markup {
    html! {
        article.observation {
            div.head {
                h3 { code { (view.look.text(&of.channel)) } }
                span.faint { "after " (interval(of.seconds)) }
                @if of.met.is_empty() { span.faint { "meets nothing" } }
                @else { span.good { "✓ meets " @for (nth, name) in of.met.iter().take(20).enumerate() { @if nth > 0 { ", " } code { (view.look.text(name)) } } } }
                @if of.attempts > 1 { span.warn { (of.attempts) " attempts" } }
                @if of.redelivered { span.warn { "redelivered" } }
                @if of.automatic { span.warn { "an automatic answer" } }
            }
            @if !of.summary.is_empty() { p { (view.look.text(&of.summary)) } }
            (decoded(view, &of.seen))
        }
    }
}

/// The decoded content: what names it first, then its parts.
fn decoded(view: &View, seen: &Value) -> Markup {
    let Value::Object(map) = seen else {
        return match seen {
            Value::Null => html! {},
            Value::String(text) => content::text(view, "content", text),
            other => content::json(view, "content", other),
        };
    };
    let mut rest = map.clone();
    rest.retain(|_, value| !empty(value));
    let named: Vec<(String, Value)> = [
        "subject", "from", "to", "date", "folder", "method", "path", "status", "id",
    ]
    .iter()
    .filter_map(|name| rest.remove_entry(*name))
    .collect();
    let received = rest.remove("received");
    let headers = rest.remove("headers");
    let json = rest.remove("json");
    // A row is the same as its JSON and its text.
    let row = rest.remove("row");
    let text = rest.remove("text").filter(|_| json.is_none() && row.is_none());
    let json = json.filter(|_| row.is_none());
    html! {
        @if !named.is_empty() { dl.pairs { @for (name, value) in &named { dt { (view.look.text(name)) } dd { (view.look.text(&content::plain(value))) } } } }
        @match &row { Some(Value::Object(row)) => (columns(view, row)), Some(other) => (content::json(view, "row", other)), None => {} }
        @if let Some(json) = &json { (content::json(view, "json", json)) }
        @match &text { Some(Value::String(text)) => (content::text(view, "text", text)), Some(other) => (content::json(view, "text", other)), None => {} }
        @for (name, value) in &rest { @match value {
            Value::String(text) => (content::text(view, &view.look.text(name), text)),
            Value::Object(map) => (content::table(view, &view.look.text(name), map)),
            other => (content::json(view, &view.look.text(name), other)),
        } }
        @match &headers { Some(Value::Object(headers)) => (content::table(view, "headers", headers)), Some(other) => (content::json(view, "headers", other)), None => {} }
        @if let Some(Value::Array(hops)) = &received { (mail_hops(view, hops)) }
    }
}

fn empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Bool(true) | Value::Number(_) => false,
    }
}

fn columns(view: &View, row: &Map<String, Value>) -> Markup {
    html! { dl.pairs { @for (name, value) in row.iter().take(HOPS) {
        dt { (view.look.text(name)) } dd { (view.look.text(&content::plain(value))) }
    } } }
}

/// The `Received` lines of a mail, the first hop first, with what each took.
fn mail_hops(view: &View, hops: &[Value]) -> Markup {
    let text = |hop: &Value, name: &str| match hop.get(name) {
        None | Some(Value::Null) => String::from("–"),
        Some(value) => view.look.text(&content::plain(value)),
    };
    html! {
        details.fold { summary { "hops " span.faint { "(" (hops.len()) ")" } }
            div.scroll tabindex="0" role="region" aria-label="Hops of the mail" { table {
                thead { tr { th scope="col" { "from" } th scope="col" { "by" } th scope="col" { "with" } th scope="col" { "at" } th.number scope="col" { "took" } } }
                tbody { @for hop in hops.iter().take(HOPS) { tr {
                    td { (text(hop, "from")) } td { (text(hop, "by")) } td { (text(hop, "with")) } td { (text(hop, "at")) }
                    td.number { (took(hop.get("seconds").and_then(Value::as_f64))) }
                } } }
            } }
        }
    }
}

/// A clock of another machine may say that it took less than nothing.
fn took(seconds: Option<f64>) -> String {
    match seconds {
        Some(s) if s < 0.0 => format!("{} (their clocks differ)", duration(s)),
        Some(s) => duration(s),
        None => String::from("–"),
    }
}

fn path(view: &View, hops: &[Hop]) -> Markup {
    html! {
        ol.hops { @for hop in hops.iter().take(HOPS) {
            li { code { (view.look.text(&hop.hop)) } " "
                span.faint { (view.look.text(&hop.source)) @if hop.seconds.is_some() { ", " (took(hop.seconds)) } } }
        } }
        @if hops.len() > HOPS { p.faint { "… and " (count((hops.len() - HOPS) as u64, "more hop")) } }
    }
}
