//! Runs that are waited for, with their age against their deadline.

use maud::{Markup, html};

use super::{Flight, Overview, lapse};
use crate::report::html::View;

/// So many are shown, those that have waited longest.
const SHOWN: usize = 15;

/// The table; nothing where none is in flight.
pub(super) fn table(view: &View, overview: &Overview<'_>) -> Markup {
    let shown = overview
        .probes
        .iter()
        .filter(|probe| overview.filter.admits(probe));
    let names: std::collections::HashSet<&str> = shown.map(|probe| probe.name.as_str()).collect();
    let oldest: Vec<&Flight> = overview
        .flights
        .oldest
        .iter()
        .filter(|flight| names.contains(flight.probe.as_str()))
        .take(SHOWN)
        .collect();
    html! {
        section #flights data-live="" { @if !oldest.is_empty() {
            h2 { "In flight " span.faint {
                @if overview.flights.all > oldest.len() { "the " (oldest.len()) " that have waited longest, of " (overview.flights.all) }
                @else { (overview.flights.all) }
            } }
            div.scroll tabindex="0" role="region" aria-label="Runs in flight" { table.flights {
                thead { tr { th scope="col" { "Probe" } th scope="col" { "Route" } th.number scope="col" { "Waits" } th scope="col" { "Against its deadline" } } }
                tbody { @for flight in oldest { tr {
                    td { a href=(view.links.probe(&flight.probe)) { (view.look.text(&flight.probe)) } }
                    td { (view.look.text(&flight.route)) @if flight.input != "default" { " / " (view.look.text(&flight.input)) } }
                    td.number { a href=(view.links.run(flight.run)) { (lapse(age(overview, flight))) } }
                    td { (against(overview, flight)) }
                } } }
            } }
        } }
    }
}

fn age(overview: &Overview<'_>, flight: &Flight) -> f64 {
    overview.now.seconds_since(flight.since).max(0.0)
}

fn against(overview: &Overview<'_>, flight: &Flight) -> Markup {
    let Some(deadline) = flight.deadline else {
        return html! { span.faint { "its request has not left yet" } };
    };
    let (age, all) = (
        age(overview, flight),
        deadline.seconds_since(flight.since).max(0.001),
    );
    let left = deadline.seconds_since(overview.now);
    let said = if left >= 0.0 {
        format!("{} of {}", lapse(age), lapse(all))
    } else {
        format!("{} past its deadline", lapse(-left))
    };
    html! {
        svg class={ "wait " (if left < 0.0 { "warn" } else { "" }) } role="img" aria-label=(said) width="100%" height="8" {
            rect.ground x="0" y="0" width="100%" height="8" {}
            rect.through x="0" y="0" width={ (format!("{:.1}", (age / all).min(1.0) * 100.0)) "%" } height="8" {}
        }
        " " span.faint { (said) }
    }
}
