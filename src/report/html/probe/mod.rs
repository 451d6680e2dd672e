//! One probe: its routes side by side, over time, and what is behind the runs that did not end well.
//!
//! [`probe`] shows all of it. The report file calls the parts: [`figures()`], [`charts()`], [`beside()`], [`paths()`].

mod charts;
mod compared;
mod data;
mod definition;
mod figures;
mod happened;
mod head;
mod paths;
mod runs;
#[cfg(test)]
mod tests;

use maud::{Markup, html};

use super::{Links, View, causes, receipts, steps};

pub use charts::{Shown, charts};
pub use data::{BadRun, DefinitionText, Maintenance, OpenAlert, ProbeData, RouteStanding, Standing};
pub use figures::{beside, figures};
pub use happened::{Happened, happened};
pub use paths::paths;

/// So many routes and inputs have figures and drawings; the rest is counted, and filters choose.
pub const MOST_ROUTES: usize = 12;

/// What the daemon says of a probe now, and what became of its runs in a window.
#[must_use]
pub fn probe(view: &View, standing: &Standing, data: &ProbeData) -> Markup {
    let happened = happened(view, &data.marks, &standing.alerts, &data.course);
    let happened = happened.maintained(view, &data.maintenance, &data.course);
    let shown = Shown {
        course: &data.course,
        limits: data.limits,
        happened: &happened,
    };
    html! {
        (head::alerts(view, &standing.alerts))
        (notes(view, data))
        @match &data.figures {
            Some(found) if !found.series.is_empty() => {
                section #figures data-key="figures" { h2 { "Routes side by side" } (figures(view, Some(standing), found, &data.course)) }
                section #charts data-key="charts" { h2 { "Over time" } (charts(view, "charts", &shown)) }
                @if !found.routes.is_empty() {
                    section #beside data-key="beside" { h2 { "Are the routes alike?" } (beside(view, found)) }
                }
            }
            _ => section #figures data-key="figures" {
                h2 { "Routes side by side" }
                (figures::nothing(view, standing, data))
                (happened.list())
            },
        }
        (looked(view, data))
        @if let Some(found) = data.figures.as_ref().filter(|found| found.series.iter().any(|series| series.receipts.is_some())) {
            section #receipts data-key="receipts" { h2 { "What was claimed, and what happened" } (receipts::receipts(view, found)) }
        }
        section #bad data-key="bad" {
            h2 { "Last runs that did not end well" }
            @if data.partial { p { "They are being made." } } @else { (runs::bad(view, data)) }
        }
        @if let Some(text) = &data.definition {
            section #definition data-key="definition" { h2 { "Definition" } (definition::definition(view, text)) }
        }
    }
}

/// Where what is not shown can be seen, at the end of a sentence.
fn elsewhere(view: &View) -> &'static str {
    match view.links {
        Links::Site => ": choose some above, or see `landfall report`.",
        Links::File => ": `--route` of the command chooses some.",
    }
}

/// What single runs tell. It is one part of the page, whatever of it there is, so that nothing else is drawn anew when it comes.
fn looked(view: &View, data: &ProbeData) -> Markup {
    html! {
        div #looked data-key="looked" {
            @if data.partial {
                p.notice data-key="partial" data-again="" role="status" {
                    "How the routes compare tick by tick, what separates bad runs from good, paths and the last bad runs are being made: they come by themselves, or load the page again."
                }
            }
            @if let Some(found) = &data.compared {
                section #compared data-key="compared" { h2 { "Is a route worse?" } p.faint { (looked_at(data)) } (compared::compared(view, found)) }
            }
            @if let Some(found) = data.causes.as_ref().filter(|causes| causes.runs > 0) {
                section #causes data-key="causes" {
                    h2 { "What separates bad from good" }
                    p.faint { (looked_at(data)) }
                    (causes::causes(view, found))
                }
            }
            @if !data.steps.series.is_empty() {
                section #steps data-key="steps" { h2 { "How far runs come" } p.faint { (looked_at(data)) } (steps::steps(view, &data.steps)) }
            }
            @if let Some(found) = data.paths.as_ref().filter(|paths| paths.runs > 0) {
                section #paths data-key="paths" { h2 { "Paths" } p.faint { (looked_at(data)) } (paths(view, found)) }
            }
        }
    }
}

/// What the parts that read single runs are made of.
fn looked_at(data: &ProbeData) -> String {
    match data.looked_at < data.most {
        true => format!("Of all {} runs of this time.", data.looked_at),
        false => format!(
            "Of the last {} runs of this time: more are not read one by one.",
            data.looked_at
        ),
    }
}

fn notes(view: &View, data: &ProbeData) -> Markup {
    let of_figures = data.figures.iter().flat_map(|found| &found.notes);
    let notes: Vec<&String> = data.notes.iter().chain(of_figures).collect();
    html! {
        @if !notes.is_empty() {
            ul #notes .faint data-key="notes" { @for note in notes { li { (view.look.text(note)) } } }
        }
    }
}
