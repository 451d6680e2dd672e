//! The ways that runs took, and how each ended.

use maud::{Markup, html};

use crate::model::Class;
use crate::report::html::View;
use crate::report::html::draw::class_fill;
use crate::report::html::words::class_tone;
use crate::report::paths::{HopTaken, PathTaken, Paths};
use crate::report::words::{count, percent, seconds};

/// Ways that are shown; the rest is counted.
const SHOWN: usize = 20;

/// A table with a row for each way, the most frequent first.
#[must_use]
pub fn paths(view: &View, of: &Paths) -> Markup {
    html! {
        p { (view.look.text(&of.sentence)) }
        @if !of.paths.is_empty() {
            div.scroll tabindex="0" role="region" aria-label={ "Paths of " (view.look.text(&of.probes.join(", "))) } { table.paths {
                caption.hidden { "Paths and how their runs ended" }
                thead { tr {
                    th scope="col" { "Path" } th.number scope="col" { "Runs" } th scope="col" { "Ended" } th.number scope="col" { "Lost" }
                    th.number scope="col" { "p50" } th.number scope="col" { "p95" }
                } }
                tbody { @for path in of.paths.iter().take(SHOWN) { (row(view, path)) } }
            } }
        }
        @if of.paths.len() > SHOWN { p.faint { "… and " (count((of.paths.len() - SHOWN) as u64, "more path")) ": " code { "landfall paths" } " has all." } }
        @if of.unlisted > 0 { p.faint { (count(of.unlisted, "run")) " took still other paths." } }
        @if of.unknown > 0 { p.faint { "Of " (count(of.unknown, "run")) " no hop is known." } }
    }
}

fn row(view: &View, path: &PathTaken) -> Markup {
    let wait = |value: Option<f64>| match (path.observed, value) {
        (0, _) => String::from("–"),
        (_, None) => String::from("not reached"),
        (_, Some(value)) => seconds(value),
    };
    html! {
        tr {
            th scope="row" {
                @for (n, hop) in path.hops.iter().enumerate() { @if n > 0 { span.faint { " → " } } (taken(view, hop)) }
                @if path.ends_early { span.faint { " → nothing seen after" } }
                @if path.only_bad { div.bad { "only runs that did not end well took it" @if let Some(p) = path.p { span.faint { (format!(", p = {p:.3}")) } } } }
                @if path.routes.len() > 1 || path.only_bad {
                    div.faint { @for (n, (route, runs)) in path.routes.iter().enumerate() { @if n > 0 { ", " } (view.look.text(route)) " " (runs) } }
                }
            }
            td.number { (path.runs) }
            td { (bar(path)) div { @for (n, (class, runs)) in path.classes.iter().enumerate() {
                @if n > 0 { ", " } span class=(class_tone(*class)) { (runs) " " (class.word()) }
            } } }
            td.number { @if path.lost.is_some() { (percent(path.lost)) } @else { "–" } }
            td.number { (wait(path.p50)) }
            td.number { (wait(path.p95)) }
        }
    }
}

fn taken(view: &View, hop: &HopTaken) -> Markup {
    html! {
        span title=(view.look.text(&hop.source)) { (view.look.text(&hop.hop)) }
        @if let Some(delay) = hop.delay { span.faint { " +" (seconds(delay.p50)) @if delay.max > delay.p50 { " up to " (seconds(delay.max)) } } }
    }
}

/// The classes of a way as parts of one bar; what it says stands beside it.
fn bar(path: &PathTaken) -> Markup {
    #[expect(clippy::cast_precision_loss, reason = "counts of runs are far below 2^52")]
    let share = |runs: u64| runs as f64 / path.runs.max(1) as f64 * 100.0;
    let mut from = 0.0;
    let mut parts: Vec<(Class, f64, f64)> = Vec::new();
    for (class, runs) in &path.classes {
        parts.push((*class, from, share(*runs)));
        from += share(*runs);
    }
    html! {
        svg.stack viewBox="0 0 100 6" width="100%" height="6" preserveAspectRatio="none" aria-hidden="true" {
            @for (class, from, wide) in parts { rect class=(class_fill(class)) x=(format!("{from:.1}")) width=(format!("{wide:.1}")) height="6" {} }
        }
    }
}
