//! The step at which runs stop.

use maud::{Markup, html};

use super::View;
use super::draw::bar;
use crate::report::steps::{SeriesSteps, Stage, Steps};

/// A table a series: every stage with the runs that came so far and those that went no further. Nothing without runs.
#[must_use]
pub fn steps(view: &View, steps: &Steps) -> Markup {
    html! {
        div.steps-grid { @for series in &steps.series { (one(view, series)) } }
        @if steps.left_out > 0 {
            p.notice.warn { (steps.left_out) " more runs are of further routes and inputs: only " (steps.series.len()) " are told apart here." }
        }
    }
}

fn one(view: &View, series: &SeriesSteps) -> Markup {
    let name = view.look.text(&series.name());
    html! {
        div { div.scroll tabindex="0" role="region" aria-label={ "How far runs of " (name) " came" } { table.steps {
            caption { (name) ": " (series.runs) @if series.runs == 1 { " run" } @else { " runs" }
                @if series.unobserved > 0 { span.faint { " (" (series.unobserved) " more could not be seen)" } } }
            thead { tr {
                th scope="col" { "Stage" } th.number scope="col" { "Reached" } th.wide scope="col" { "of all" }
                th.number scope="col" { "Stopped here" } th.number scope="col" { "Missed, came further" }
            } }
            tbody { @for stage in &series.stages { (row(view, series, stage)) } }
        } }
        @if series.more_stages > 0 { p.faint { "… and " (series.more_stages) " more stages" } } }
    }
}

fn row(view: &View, series: &SeriesSteps, stage: &Stage) -> Markup {
    let tone = if stage.stopped > 0 { "bad" } else { "good" };
    html! {
        tr {
            th scope="row" { (stage.kind.word()) @if let Some(step) = &stage.step { " ‘" (view.look.text(step)) "’" } }
            td.number { (stage.reached) @if stage.unknown > 0 { span.faint { " + " (stage.unknown) " unknown" } } }
            td { (bar::share(share(stage.reached, series.runs), None, "good")) }
            td.number { @if stage.stopped > 0 { b class=(tone) { (stage.stopped) } } @else { "0" } }
            td.number { @if stage.missed > 0 { b.warn { (stage.missed) } } @else { "0" } }
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of runs are far below 2^52")]
fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}
