//! What happened besides runs: marks, alerts, ticks that did not fire.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::data::OpenAlert;
use crate::model::{Mark, MarkKind, Moment, SkipReason};
use crate::report::course::Course;
use crate::report::figures::reason;
use crate::report::html::View;
use crate::report::html::draw::Happening;
use crate::report::html::words::instant;

/// So many marks have a line on each drawing, the latest; the rest is counted.
const MOST_MARKS: usize = 20;

/// What every drawing over time of a probe shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Happened {
    /// What concerns all routes.
    all: Vec<Happening>,
    /// What concerns one route and input alone.
    of: BTreeMap<(String, String), Vec<Happening>>,
    /// Marks that have no line.
    more: usize,
}

/// What happened in the window, in words that may be shown.
#[must_use]
pub fn happened(view: &View, marks: &[Mark], alerts: &[OpenAlert], course: &Course) -> Happened {
    let mut all = Vec::new();
    let more = marks.len().saturating_sub(MOST_MARKS);
    for (n, mark) in marks.iter().skip(more).enumerate() {
        all.push(Happening {
            at: mark.at,
            until: mark.until,
            class: match mark.kind {
                MarkKind::Deployment => "deployment",
                MarkKind::Incident => "incident",
                MarkKind::Note => "note",
            },
            sign: (n + 1).to_string(),
            said: view.look.text(&mark.text),
        });
    }
    for alert in alerts {
        if let Some(at) = Moment::from_rfc3339(&alert.since) {
            all.push(Happening {
                at: at.max(course.since),
                until: None,
                class: "alert",
                sign: String::from("alert"),
                said: view.look.text(&alert.title),
            });
        }
    }
    let mut of: BTreeMap<(String, String), Vec<Happening>> = BTreeMap::new();
    for it in &course.unfired {
        let happening = Happening {
            at: it.from,
            // The tick itself is an instant: what did not fire is shown until the next could have.
            until: Some(Moment(
                it.to
                    .0
                    .saturating_add(i64::try_from(course.length.as_nanos()).unwrap_or(0))
                    .min(course.until.0),
            )),
            class: match it.reason {
                SkipReason::Paused | SkipReason::Maintenance | SkipReason::Claimed => "off",
                _ => "unfired",
            },
            sign: String::new(),
            said: format!("{} did not fire: {}", ticks(it.ticks), reason(it.reason)),
        };
        of.entry((it.route.clone(), it.input.clone()))
            .or_default()
            .push(happening);
    }
    Happened { all, of, more }
}

fn ticks(ticks: u64) -> String {
    crate::report::words::count(ticks, "tick")
}

impl Happened {
    /// What the drawings of a route and input show.
    pub(super) fn of(&self, route: &str, input: &str) -> Vec<Happening> {
        let own = self.of.get(&(route.to_owned(), input.to_owned()));
        own.into_iter().flatten().chain(&self.all).cloned().collect()
    }

    /// The signs of the drawings with what they mean.
    pub(super) fn list(&self) -> Markup {
        html! {
            @if !self.all.is_empty() {
                ul.happened { @for it in &self.all {
                    li { b class={ "key " (it.class) } { (it.sign) } " "
                        span.faint { (instant(&it.at.to_rfc3339())) @if let Some(until) = it.until { " to " (instant(&until.to_rfc3339())) } }
                        " " (it.said) }
                } }
            }
            @if self.more > 0 { p.faint { "… and " (self.more) " earlier marks." } }
        }
    }
}
