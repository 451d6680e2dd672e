//! Runs in a table.

use maud::{Markup, html};

use crate::model::{Class, Flag, RunId, RunRecord, Seconds};
use crate::report::html::words::{class_tone, instant, latency};
use crate::report::html::{View, badge};

/// The essence of an ended run.
#[derive(Clone, Debug, PartialEq)]
pub struct RunRow {
    /// The run.
    pub run: RunId,
    /// Its tick, RFC 3339.
    pub tick: String,
    /// Its probe.
    pub probe: String,
    /// Its route.
    pub route: String,
    /// Its input.
    pub input: String,
    /// Its verdict.
    pub class: Class,
    /// Accepted, and lost or mismatched.
    pub silent: bool,
    /// Whether the verdict changed after the close.
    pub amended: bool,
    /// When the outcome was there.
    pub seconds: Option<Seconds>,
    /// Why, in a few words.
    pub reason: String,
}

impl RunRow {
    /// Of a record.
    #[must_use]
    pub fn of(run: &RunRecord) -> Self {
        Self {
            run: run.id,
            tick: run.tick.clone(),
            probe: run.probe.clone(),
            route: run.route.clone(),
            input: run.input.clone(),
            class: run.class,
            silent: crate::report::silent_failure(run),
            amended: run.flags.contains(&Flag::Amended),
            seconds: run.layers.outcome.seconds,
            reason: run.reason.clone(),
        }
    }
}

/// The table; says so where there is none.
#[must_use]
pub fn runs_table(view: &View, runs: &[RunRow], none: &str) -> Markup {
    html! {
        @if runs.is_empty() { p { (none) } } @else {
            div.scroll tabindex="0" role="region" aria-label="Runs" { table.runs {
                thead { tr {
                    th scope="col" { "At" } th scope="col" { "Probe" } th scope="col" { "Route" } th scope="col" { "Class" }
                    th.number scope="col" { "Outcome" } th scope="col" { "Why" }
                } }
                tbody { @for run in runs { tr data-key={ "run-" (run.run) } {
                    td { a href=(view.links.run(run.run)) { (instant(&run.tick)) } }
                    td { a href=(view.links.probe(&run.probe)) { (view.look.text(&run.probe)) } }
                    td { (view.look.text(&run.route)) @if run.input != "default" { " / " (view.look.text(&run.input)) } }
                    td { (badge(class_tone(run.class), run.class.word()))
                        @if run.silent { div.faint { "silent failure" } }
                        @if run.amended { div.faint { "amended" } } }
                    td.number { (latency(run.seconds)) }
                    td.reason { (view.look.text(&run.reason)) }
                } } }
            } }
        }
    }
}
