//! One run: what became of it and why, where the time went, what was expected, sent, answered and seen, and the runs
//! around it.
//!
//! The order is that in which an engineer asks: the verdict with the layer that failed, the expectation that was not met
//! under its line of YAML, the waterfall, then the evidence. All content is from outside and shown as text.

mod content;
mod exchange;
mod expectations;
mod nav;
mod open;
mod seen;
mod story;
#[cfg(test)]
mod tests;
mod timeline;
mod twin;
mod verdict;

use std::collections::HashSet;

use maud::{Markup, html};

use super::View;
use crate::model::{RunId, RunRecord};
use crate::report::around::Neighbours;
use crate::report::twins::Twins;

pub use open::open;
pub use story::sentence;
pub use twin::no_twin;

/// A run and what is known around it. What is `None` or empty has no section.
#[derive(Clone, Copy, Debug)]
pub struct Content<'a> {
    /// Its record.
    pub run: &'a RunRecord,
    /// The records that amendments replaced, oldest first.
    pub replaced: &'a [RunRecord],
    /// The runs around it.
    pub neighbours: Option<&'a Neighbours>,
    /// It and its twin.
    pub twins: Option<&'a Twins>,
    /// Where its trace is looked at.
    pub trace: Option<&'a str>,
    /// The runs to which a link leads; `None` where every run has a place.
    pub held: Option<&'a HashSet<RunId>>,
}

impl Content<'_> {
    /// Where a link to another run leads; `None` where it has no place.
    fn link(&self, view: &View, to: RunId) -> Option<String> {
        let held = self.held.is_none_or(|held| held.contains(&to));
        held.then(|| view.links.run(to))
    }
}

/// All of it, below a heading of the first order.
#[must_use]
pub fn run(view: &View, of: &Content<'_>) -> Markup {
    let run = of.run;
    html! { div.run {
        (nav::ways(view, of))
        (verdict::top(view, of))
        (expectations::section(view, run))
        (timeline::section(view, run))
        (exchange::section(view, run))
        (seen::section(view, run))
        (nav::tick(view, of))
        @match of.twins {
            Some(twins) => (twin::section(view, of, twins)),
            None => (twin::choice(view, run, of.neighbours)),
        }
    } }
}

/// `probe / route`, and the input where the probe names several.
fn name(view: &View, (probe, route, input): (&str, &str, &str)) -> Markup {
    html! {
        a href=(view.links.probe(probe)) { (view.look.text(probe)) } " / " (view.look.text(route))
        @if input != crate::report::words::DEFAULT_INPUT { " / " (view.look.text(input)) }
    }
}
