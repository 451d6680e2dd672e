//! The few numbers at the head of the page.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::list::Listing;
use super::tile::badness;
use super::{Filter, Overview, count};
use crate::model::ProbeState;
use crate::report::html::badge;
use crate::report::html::words::tone;
use crate::report::words::percent;

/// Sums over the routes that are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sums {
    pub(super) runs: u64,
    pub(super) observed: u64,
    pub(super) delivered: u64,
    pub(super) accepted: u64,
    pub(super) silent: u64,
    pub(super) skipped: u64,
}

impl Sums {
    pub(super) fn of(overview: &Overview<'_>, listing: &Listing<'_>) -> Self {
        let mut sums = Self::default();
        let Some(figures) = overview.figures else {
            return sums;
        };
        for probe in listing.all() {
            for route in figures.probes.get(&probe.name).into_iter().flatten() {
                sums.runs += route.runs;
                sums.observed += route.on_time.of;
                sums.delivered += route.on_time.count;
                sums.accepted += route.silent.of;
                sums.silent += route.silent.count;
                sums.skipped += route.unintended();
            }
        }
        sums
    }

    pub(super) fn unobserved(&self) -> u64 {
        self.runs.saturating_sub(self.observed)
    }
}

/// The silent failures first: what landfall exists for.
pub(super) fn headline(overview: &Overview<'_>, listing: &Listing<'_>) -> Markup {
    let sums = Sums::of(overview, listing);
    let known = overview.figures.is_some();
    let silent = match (known && sums.accepted > 0, sums.silent) {
        (false, _) => "off",
        (_, 0) => "good",
        _ => "bad",
    };
    html! {
        section #headline data-live="" aria-label="At a glance" {
          div.headline {
            div class={ "figure first " (silent) } {
                b { @if known { (count(sums.silent)) } @else { "–" } }
                span { (plural(sums.silent, "silent failure", "silent failures")) }
                small { @if sums.accepted > 0 { (percent(share(sums.silent, sums.accepted))) " of " (count(sums.accepted)) " accepted" } @else { "nothing accepted yet" } }
            }
            div.figure {
                b { @if sums.observed > 0 { (percent(share(sums.delivered, sums.observed))) } @else { "–" } }
                span { "delivered on time" }
                small { (count(sums.delivered)) " of " (count(sums.observed)) " observed runs" }
            }
            div.figure {
                b { (overview.flights.all) }
                span { "in flight" }
                small { "fired and not yet decided" }
            }
            div class={ "figure " (if sums.unobserved() > 0 { "blind" } else { "" }) } {
                b { @if known { (count(sums.unobserved())) } @else { "–" } }
                span { "unobserved" }
                small { "landfall could not see; in no share" }
            }
            div class={ "figure " (if sums.skipped > 0 { "blind" } else { "" }) } {
                b { @if known { (count(sums.skipped)) } @else { "–" } }
                span { (plural(sums.skipped, "tick skipped", "ticks skipped")) }
                small { "due, and not fired" }
            }
          }
          (states(overview))
        }
    }
}

/// How many probes are in each state; each leads to those alone.
fn states(overview: &Overview<'_>) -> Markup {
    let mut counts: BTreeMap<u8, (ProbeState, usize)> = BTreeMap::new();
    let all = Filter {
        states: Vec::new(),
        ..overview.filter.clone()
    };
    for probe in overview.probes.iter().filter(|probe| all.admits(probe)) {
        counts.entry(badness(probe.state)).or_insert((probe.state, 0)).1 += 1;
    }
    html! {
        p.states { @for (state, count) in counts.into_values() {
            a.plain href=(overview.filter.only(state).address()) { b { (count) } " " (badge(tone(state), &state.word().replace('_', " "))) }
        } }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of runs are far below 2^52")]
fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

const fn plural<'a>(count: u64, one: &'a str, more: &'a str) -> &'a str {
    if count == 1 { one } else { more }
}
