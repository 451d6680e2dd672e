//! Content from outside: text, JSON and headers, shown as what they are.
//!
//! What is long is folded and says its size; what is longer still is cut and says where. Nothing of it acts on the page:
//! it is escaped, its control and direction characters are made visible, and its secrets are taken out.

use maud::{Markup, html};
use serde_json::{Map, Value};

use crate::report::html::View;
use crate::report::words::count;

/// Content of more characters is folded.
const SHORT: usize = 1_500;
/// Content of more lines is folded.
const LINES: usize = 24;
/// Characters of one piece of content that are shown.
const SHOWN: usize = 16_000;
/// Rows of one table that are shown.
const ROWS: usize = 200;

/// Text with its line breaks, under a title; nothing where it is empty.
pub(super) fn text(view: &View, title: &str, text: &str) -> Markup {
    if text.is_empty() {
        return html! {};
    }
    folded(view, title, text, text.len())
}

/// A value as JSON over several lines.
pub(super) fn json(view: &View, title: &str, value: &Value) -> Markup {
    let pretty = serde_json::to_string_pretty(value).unwrap_or_default();
    let bytes = value.to_string().len();
    folded(view, title, &pretty, bytes)
}

/// A body: as JSON over several lines where it is JSON, else as it is.
pub(super) fn body(view: &View, title: &str, body: &str) -> Markup {
    let trimmed = body.trim_start();
    let parsed = trimmed
        .starts_with(['{', '['])
        .then(|| serde_json::from_str::<Value>(trimmed).ok());
    match parsed.flatten() {
        Some(value) => json(view, title, &value),
        None => text(view, title, body),
    }
}

/// Names and values side by side, folded; nothing where there are none.
pub(super) fn table(view: &View, title: &str, map: &Map<String, Value>) -> Markup {
    if map.is_empty() {
        return html! {};
    }
    let rows = html! {
        dl.pairs { @for (name, value) in map.iter().take(ROWS) {
            dt { (view.look.text(name)) } dd { (view.look.text(&plain(value))) }
        } }
        @if map.len() > ROWS { p.faint { "… and " (map.len() - ROWS) " more: the record has all" } }
    };
    html! {
        details.fold { summary { (title) " " span.faint { "(" (map.len()) ")" } } (rows) }
    }
}

/// A value as one piece of text: a string as it is.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(list) if list.iter().all(Value::is_string) => {
            let texts: Vec<&str> = list.iter().filter_map(Value::as_str).collect();
            texts.join(", ")
        }
        other => other.to_string(),
    }
}

/// `12 bytes`, `4.2 kB`, `1.0 MB`.
pub(super) fn size(bytes: usize) -> String {
    #[expect(clippy::cast_precision_loss, reason = "one digit of it is shown")]
    let value = bytes as f64;
    match bytes {
        0..1_000 => count(bytes as u64, "byte"),
        1_000..1_000_000 => format!("{:.1} kB", value / 1e3),
        _ => format!("{:.1} MB", value / 1e6),
    }
}

/// A sentence in which names stand between backticks, as code.
pub(super) fn sentence(view: &View, text: &str) -> Markup {
    let shown = view.look.text(text);
    let parts: Vec<&str> = shown.split('`').collect();
    html! {
        // An odd one has no partner, and belongs to what came from outside.
        @if parts.len() % 2 == 1 {
            @for (nth, part) in parts.iter().enumerate() { @if nth % 2 == 1 { code { (part) } } @else { (part) } }
        } @else { (shown) }
    }
}

fn folded(view: &View, title: &str, text: &str, bytes: usize) -> Markup {
    let shown = view.look.lines(text, SHOWN);
    let long = text.len() > SHORT || text.lines().nth(LINES).is_some();
    let content = html! {
        pre tabindex="0" { code { (shown.text) } }
        @if shown.cut { p.faint { "cut here: " (size(bytes)) " in all" } }
    };
    html! {
        @if long {
            details.fold { summary { (title) " " span.faint { "(" (size(bytes)) ")" } } (content) }
        } @else {
            div.fold { p.caption { (title) } (content) }
        }
    }
}
