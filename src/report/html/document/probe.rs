//! One probe in a file: the views of its page, over the runs that the file is about.

use maud::{Markup, html};

use super::detail::Detail;
use crate::model::Mark;
use crate::report::html::probe::{self, Shown};
use crate::report::html::words::instant;
use crate::report::html::{View, causes, receipts, steps};
use crate::report::series::ProbeFigures;
use crate::report::words::count;

/// So many probes have drawings, the worst; a file of thousands of drawings opens on no phone.
pub const DRAWN: usize = 20;

/// Its routes side by side, over time, and what is behind the runs that did not end well. `place` tells its drawings from
/// those of other probes.
pub(super) fn views(
    view: &View,
    place: usize,
    found: &ProbeFigures,
    detail: &Detail,
    marks: &[Mark],
) -> Markup {
    let happened = probe::happened(view, marks, &[], &detail.course);
    let shown = Shown {
        course: &detail.course,
        limits: detail.limits,
        happened: &happened,
    };
    html! {
        @if !found.series.is_empty() {
            h3 { "Routes side by side" } (probe::figures(view, None, found, &detail.course))
        }
        @if !detail.course.routes.is_empty() {
            h3 { "Over time" }
            p.faint { "From " (instant(&detail.course.since.to_rfc3339())) " to " (instant(&detail.course.until.to_rfc3339())) ", as far as ticks reach." }
            (probe::charts(view, &format!("charts-{place}"), &shown))
        }
        @if !found.routes.is_empty() { h3 { "Are the routes alike?" } (probe::beside(view, found)) }
        (looked_at(view, detail))
        @if found.series.iter().any(|series| series.receipts.is_some()) {
            h3 { "What was claimed, beside what happened" } (receipts::receipts(view, found))
        }
    }
}

/// What is made of single runs.
fn looked_at(view: &View, detail: &Detail) -> Markup {
    html! {
        @if detail.looked_at > 0 {
            h3 { "What separates bad runs from good" } (newest(detail)) (causes::causes(view, &detail.causes))
            h3 { "How far runs came" } (newest(detail)) (steps::steps(view, &detail.steps))
            @if detail.paths.runs > 0 { h3 { "Paths" } (newest(detail)) (probe::paths(view, &detail.paths)) }
        }
    }
}

fn newest(detail: &Detail) -> Markup {
    html! {
        @if !detail.all { p.faint { "Of the newest " (count(detail.looked_at, "run")) ": more are not read one by one." } }
    }
}

/// Said of a probe that has no drawings.
pub(super) fn not_drawn(again: &str) -> Markup {
    html! { p.faint { "Drawings, steps and paths stand here for the worst " (DRAWN) " probes alone: " code { (again) } " draws those of this one." } }
}
