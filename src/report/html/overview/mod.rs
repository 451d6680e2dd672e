//! The overview: every probe by its worst route, over a stretch of time that its reader chooses.
//!
//! [`Collecting`] makes [`Figures`] of hourly roll-ups and of the endings of single runs; [`ProbeTile`]s are how probes
//! are now; [`Filter`] says which of them are shown. [`content`] lays them beside each other, what is broken apart from
//! what could not be seen.

mod collect;
mod figures;
mod filter;
mod flights;
mod list;
mod numbers;
mod range;
mod route;
mod runs;
#[cfg(test)]
mod tests;
mod tile;
mod unseen;

use maud::{Markup, html};

use super::View;
use super::words::instant;
use crate::model::Moment;

pub use collect::Collecting;
pub use figures::{Agreement, Cell, Figures, RouteFigures};
pub use filter::{Filter, form, ranges};
pub use list::{Listing, PER_PAGE};
pub use range::{Range, Stretch};
pub use runs::{RunRow, runs_table};
pub use tile::{BlindChannel, Flight, Flights, LastRun, ProbeTile, RouteTile};

/// What the overview is made of.
#[derive(Clone, Debug)]
pub struct Overview<'a> {
    /// What is asked for.
    pub filter: &'a Filter,
    /// All probes.
    pub probes: &'a [ProbeTile],
    /// Figures of the range; `None` while they are made the first time.
    pub figures: Option<&'a Figures>,
    /// Why the figures are not the newest; empty where they are.
    pub stale: &'a str,
    /// Runs that are waited for.
    pub flights: &'a Flights,
    /// Channels that cannot see.
    pub blind: &'a [BlindChannel],
    /// Now.
    pub now: Moment,
}

/// What can be done with a probe, as the page offers it.
pub type Actions<'a> = &'a dyn Fn(&ProbeTile) -> Markup;

/// All of it. `actions` is what stands at the end of a probe's first line.
#[must_use]
pub fn content(view: &View, overview: &Overview<'_>, actions: Actions<'_>) -> Markup {
    let listing = Listing::new(overview);
    html! {
        (freshness(view, overview))
        (numbers::headline(overview, &listing))
        (listing.draw(view, actions))
        (flights::table(view, overview))
        (unseen::section(view, overview, &listing))
    }
}

/// When the figures were made, and what has to be known of them.
fn freshness(view: &View, overview: &Overview<'_>) -> Markup {
    html! {
        div #freshness data-live="" {
            @match overview.figures {
                Some(figures) => {
                    @let age = overview.now.seconds_since(figures.made).max(0.0);
                    p.faint {
                        "Figures of " (figures.range.said()) ", since " (minute(figures.stretch.since))
                        ", made at " (clock(figures.made)) @if age >= 2.0 { " (" (lapse(age)) " ago)" } "."
                    }
                    @for note in &figures.notes { p.notice.warn { (view.look.text(note)) } }
                }
                None => p.notice.blind data-again="" { "The figures are being made. How probes are now is shown below all the same." },
            }
            @if !overview.stale.is_empty() { p.notice.warn role="status" { (view.look.text(overview.stale)) } }
        }
    }
}

/// `12,345`.
fn count(runs: u64) -> String {
    let digits = runs.to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `2026-11-22 10:05`.
fn minute(at: Moment) -> String {
    let text = instant(&at.to_rfc3339());
    text.get(..16).unwrap_or(&text).to_owned()
}

/// `10:05:07`.
fn clock(at: Moment) -> String {
    let text = instant(&at.to_rfc3339());
    text.get(11..).unwrap_or(&text).to_owned()
}

/// `7 s`, `12 min`, `3 h`, `2 d`.
fn lapse(seconds: f64) -> String {
    match seconds {
        s if s < 1.0 => String::from("less than 1 s"),
        s if s < 120.0 => format!("{s:.0} s"),
        s if s < 7_200.0 => format!("{:.0} min", s / 60.0),
        s if s < 172_800.0 => format!("{:.0} h", s / 3_600.0),
        s => format!("{:.0} d", s / 86_400.0),
    }
}
