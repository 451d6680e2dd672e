//! What landfall itself could not see, apart from what is broken.

use maud::{Markup, html};

use super::list::Listing;
use super::{BlindChannel, Overview};
use crate::report::html::View;
use crate::report::html::words::instant;
use crate::report::words::percent;

/// So many routes are named at the most.
const ROUTES: usize = 20;

/// Channels that are blind now; runs that were not observed and ticks that were skipped in the range.
pub(super) fn section(view: &View, overview: &Overview<'_>, listing: &Listing<'_>) -> Markup {
    let mut routes = Vec::new();
    for probe in listing.all() {
        let figures = overview
            .figures
            .and_then(|figures| figures.probes.get(&probe.name));
        for route in figures.into_iter().flatten() {
            if route.unobserved > 0 || route.unintended() > 0 {
                routes.push((probe, route));
            }
        }
    }
    routes.sort_by_key(|(_, route)| std::cmp::Reverse(route.unobserved + route.unintended()));
    let more = routes.len().saturating_sub(ROUTES);
    html! {
        section #unseen data-live="" { @if !overview.blind.is_empty() || !routes.is_empty() {
            h2 { "What landfall could not see" }
            p.faint { "This says nothing of the systems that are probed: these runs are in no share above." }
            @for channel in overview.blind { (blind(view, channel)) }
            @if !routes.is_empty() { div.scroll tabindex="0" role="region" aria-label="Not seen" { table {
                thead { tr { th scope="col" { "Probe" } th scope="col" { "Route" } th.number scope="col" { "Unobserved" } th.number scope="col" { "Skipped" } th scope="col" { "Why skipped" } } }
                tbody { @for (probe, route) in routes.iter().take(ROUTES) { tr {
                    td { a href=(view.links.probe(&probe.name)) { (view.look.text(&probe.name)) } }
                    td { (view.look.text(&route.route)) }
                    td.number { (route.unobserved) @if route.unobserved > 0 { div.faint { (share(route.unobserved, route.runs)) } } }
                    td.number { (route.unintended()) }
                    td { @for (nth, (reason, ticks)) in route.skipped.iter().enumerate() {
                        @if nth > 0 { ", " } (ticks) " " (reason.word().replace('_', " "))
                    } }
                } } }
            } } }
            @if more > 0 { p.faint { "And " (more) " more routes." } }
        } }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of runs are far below 2^52")]
fn share(part: u64, whole: u64) -> String {
    percent((whole > 0).then(|| part as f64 / whole as f64))
}

fn blind(view: &View, channel: &BlindChannel) -> Markup {
    html! {
        p.notice.blind {
            "Channel " b { (view.look.text(&channel.name)) } " (" (view.look.text(&channel.kind)) ") cannot see"
            @if let Some(since) = &channel.since { " since " (instant(since)) }
            @if let Some(why) = &channel.why { ": " (view.look.text(why)) }
        }
    }
}
