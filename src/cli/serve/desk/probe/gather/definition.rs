//! What the page shows of the definition itself: its text, its limits, its maintenance windows.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::definition::{Probe, Workspace};
use crate::lifecycle::schedule::Effect;
use crate::model::{Layer, Moment};
use crate::report::html::probe::{DefinitionText, Maintenance};

/// Maintenance is told so far ahead.
const AHEAD: Duration = Duration::from_hours(24 * 30);
/// So many windows of each sort are told, from the beginning of the time that is shown.
const WINDOWS: usize = 20;

/// The longest time by which an outcome should arrive, and after which it counts as lost, in seconds.
pub(super) fn limits(probe: &Probe) -> Option<(f64, f64)> {
    let outcomes = probe.legs.iter().flat_map(|leg| &leg.leg.expectations);
    let outcomes = outcomes.filter(|expectation| expectation.layer == Layer::Outcome);
    outcomes
        .map(|of| (of.within.as_secs_f64(), (of.within + of.grace).as_secs_f64()))
        .reduce(|a, b| (a.0.max(b.0), a.1.max(b.1)))
}

/// When it does not fire, or alerts nobody, from `since` until some weeks from now.
pub(super) fn maintenance(probe: &Probe, since: Moment, now: Moment) -> Vec<Maintenance> {
    let mut all = Vec::new();
    for window in probe.maintenance.iter() {
        let of = |(from, to)| Maintenance {
            from,
            to,
            fires: window.effect() == Effect::Mute,
            reason: window.reason().to_owned(),
        };
        // The last ones before now, and the next.
        let past = window.between(since, now);
        let ahead = window.between(now, now.after(AHEAD));
        let skipped = past.len().saturating_sub(WINDOWS);
        let ahead = ahead.into_iter().filter(|(from, _)| *from >= now).take(WINDOWS);
        all.extend(past.into_iter().skip(skipped).chain(ahead).map(of));
    }
    all.sort_by_key(|window| (window.from, window.to));
    all
}

/// The file of a probe, without secrets, and the lines at which it waits for something.
pub(super) fn definition(workspace: &Workspace, probe: &Probe) -> Option<DefinitionText> {
    let sources = &workspace.sources;
    let first = probe.legs.iter().flat_map(|leg| &leg.checks).next()?;
    let file = sources.get(first.span.file)?;
    let mut places = BTreeMap::new();
    for leg in &probe.legs {
        for (check, of) in leg.checks.iter().zip(&leg.leg.expectations) {
            if let Some(place) = sources.place(check.span).filter(|place| place.file == file.name) {
                let said = match of.layer {
                    Layer::FailedWhen => String::from("says that it failed"),
                    Layer::Receipt => String::from("what is claimed"),
                    _ => format!(
                        "within {} s, lost after {} s",
                        seconds(of.within),
                        seconds(of.within + of.grace)
                    ),
                };
                places.insert(place.line, said);
            }
        }
    }
    Some(DefinitionText {
        file: file.name.clone(),
        places,
        text: workspace.redactor.text(&file.text).into_owned(),
    })
}

fn seconds(of: Duration) -> String {
    let text = format!("{:.3}", of.as_secs_f64());
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
