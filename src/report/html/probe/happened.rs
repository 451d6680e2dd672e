//! What happened besides runs: marks, alerts, ticks that did not fire.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::data::{Maintenance, OpenAlert};
use crate::model::{Mark, MarkKind, Moment, SkipReason};
use crate::report::course::Course;
use crate::report::figures::reason;
use crate::report::html::View;
use crate::report::html::draw::Happening;
use crate::report::html::words::instant;

/// So many marks have a line on each drawing, the latest; the rest is counted.
const MOST_MARKS: usize = 20;
/// The same of maintenance windows.
const MOST_MAINTENANCE: usize = 20;
/// So many windows to come are told.
const MOST_AHEAD: usize = 5;

/// What every drawing over time of a probe shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Happened {
    /// What concerns all routes.
    all: Vec<Happening>,
    /// What concerns one route and input alone.
    of: BTreeMap<(String, String), Vec<Happening>>,
    /// Marks that have no line.
    more: usize,
    /// Maintenance that is still to come.
    ahead: Vec<String>,
    /// Maintenance of the window that is not drawn.
    more_maintenance: usize,
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
    Happened {
        all,
        of,
        more,
        ..Happened::default()
    }
}

/// What a window means for the probe.
fn meant(window: &Maintenance) -> String {
    let what = match window.fires {
        true => "it fires, and nobody is alerted",
        false => "it does not fire",
    };
    match window.reason.is_empty() {
        true => what.to_owned(),
        false => format!("{what}: {}", window.reason),
    }
}

fn ticks(ticks: u64) -> String {
    crate::report::words::count(ticks, "tick")
}

impl Happened {
    /// The same with maintenance windows: those of the time that is shown on the drawings, those to come in words.
    #[must_use]
    pub fn maintained(mut self, view: &View, windows: &[Maintenance], course: &Course) -> Self {
        let (shown, ahead): (Vec<&Maintenance>, Vec<&Maintenance>) =
            windows.iter().partition(|window| window.from < course.until);
        self.more_maintenance = shown.len().saturating_sub(MOST_MAINTENANCE);
        for window in shown.into_iter().skip(self.more_maintenance) {
            self.all.push(Happening {
                at: window.from.max(course.since),
                until: Some(window.to.min(course.until)),
                class: "off",
                sign: String::from("maintenance"),
                said: view.look.text(&meant(window)),
            });
        }
        let to_come = ahead.iter().take(MOST_AHEAD).map(|window| {
            let (from, to) = (window.from.to_rfc3339(), window.to.to_rfc3339());
            let said = format!("{} to {} UTC: {}", instant(&from), instant(&to), meant(window));
            view.look.text(&said)
        });
        self.ahead = to_come.collect();
        self
    }

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
            @if self.more_maintenance > 0 { p.faint { "… and " (self.more_maintenance) " earlier maintenance windows." } }
            @if !self.ahead.is_empty() {
                p.faint { "Maintenance to come" }
                ul.happened { @for said in &self.ahead { li { (said) } } }
            }
        }
    }
}
