//! Destinations, and what a probe asks of alerts.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::shared::Shared;
use crate::alert::Policy;
use crate::alert::destination::CheckFacts;
use crate::definition::known::nearest;
use crate::definition::raw::{RawAlerts, RawLate, RawProbe};
use crate::diag::{Code, Problems};
use crate::model::{Class, Lapse, Spanned};

/// The longest that an alert may wait for others.
const LONGEST_WAIT: Duration = Duration::from_secs(3_600);

/// What each kind of destination says of its own settings.
pub(crate) fn destinations(shared: &Shared, problems: &mut Problems) {
    for destination in &shared.destinations {
        let facts = CheckFacts {
            allow_exec: shared.allow_exec,
            name: &destination.name,
        };
        destination.config.check(&facts, problems);
    }
}

/// What `defaults.alerts` says by itself.
pub(crate) fn defaults(shared: &Shared, problems: &mut Problems) {
    check(&shared.defaults.alerts, shared, problems);
}

/// What a probe asks of alerts, checked.
pub(super) fn alerts(
    raw: &RawProbe,
    shared: &Shared,
    labels: &BTreeMap<String, String>,
    problems: &mut Problems,
) -> Policy {
    let own = raw.alerts.clone().unwrap_or_default();
    check(&own, shared, problems);
    policy(&own, shared, labels)
}

fn policy(own: &RawAlerts, shared: &Shared, labels: &BTreeMap<String, String>) -> Policy {
    let base = &shared.defaults.alerts;
    let standard = Policy::default();
    let names = |list: &Option<Vec<Spanned<String>>>| {
        list.as_ref()
            .map(|list| list.iter().map(|n| n.value.clone()).collect::<Vec<_>>())
    };
    let everywhere = || shared.destinations.iter().map(|d| d.name.value.clone()).collect();
    let pages: Vec<String> = names(&own.to)
        .or_else(|| names(&base.to))
        .unwrap_or_else(everywhere);
    // A probe that says `to` means its tickets too, unless it says more.
    let tickets = names(&own.tickets)
        .or_else(|| names(&own.to))
        .or_else(|| names(&base.tickets))
        .unwrap_or_else(|| pages.clone());
    let number = |own: &Option<Spanned<f64>>, base: &Option<Spanned<f64>>| {
        own.as_ref().or(base.as_ref()).map(|n| n.value)
    };
    let time = |own: &Option<Spanned<Lapse>>, base: &Option<Spanned<Lapse>>| {
        own.as_ref().or(base.as_ref()).map(|t| t.value.0)
    };
    let at_once = own.at_once.as_ref().or(base.at_once.as_ref());
    let mut all_labels = labels.clone();
    all_labels.extend(base.labels.clone());
    all_labels.extend(own.labels.clone());
    Policy {
        pages,
        tickets,
        in_a_row: own.in_a_row.as_ref().or(base.in_a_row.as_ref()).map(|n| n.value),
        burn_rate: own.burn_rate.or(base.burn_rate).unwrap_or(standard.burn_rate),
        false_pages: number(&own.false_pages, &base.false_pages).unwrap_or(standard.false_pages),
        false_tickets: number(&own.false_tickets, &base.false_tickets).unwrap_or(standard.false_tickets),
        late_is_bad: own.late.or(base.late) != Some(RawLate::Good),
        no_data: time(&own.no_data, &base.no_data),
        blind: own.blind.or(base.blind).map_or(standard.blind, |p| p.0),
        at_once: at_once.map_or(standard.at_once, |list| {
            list.iter().map(|c| c.value).collect::<BTreeSet<_>>()
        }),
        remind: time(&own.remind, &base.remind).unwrap_or(standard.remind),
        wait: time(&own.wait, &base.wait).unwrap_or(standard.wait),
        labels: all_labels,
    }
}

fn check(raw: &RawAlerts, shared: &Shared, problems: &mut Problems) {
    for name in raw.to.iter().chain(&raw.tickets).flatten() {
        if !shared.may_be_destination(&name.value) {
            undefined(name, shared, problems);
        }
    }
    for (key, number) in [
        ("false_pages", &raw.false_pages),
        ("false_tickets", &raw.false_tickets),
    ] {
        if let Some(number) = number.as_ref().filter(|n| !(n.value > 0.0 && n.value <= 1_000.0)) {
            problems
                .error(
                    Code::BadValue,
                    number.span,
                    format!("`{key}` is {}", number.value),
                    "expected a number above 0, at most 1000",
                )
                .help(format!(
                    "write `{key}: 0.1` for one in 300 days; a rule is switched off by its own key"
                ));
        }
    }
    let telling_nothing = [Class::Delivered, Class::Unobserved];
    for class in raw.at_once.iter().flatten() {
        if telling_nothing.contains(&class.value) {
            problems.error(
                Code::BadValue,
                class.span,
                format!("`{}` is nothing to be told of", class.value.word()),
                "expected a class of runs that ended badly",
            );
        }
    }
    if let Some(wait) = raw.wait.as_ref().filter(|w| w.value.0 > LONGEST_WAIT) {
        problems.error(
            Code::Time,
            wait.span,
            format!("`wait` is `{}`", wait.value),
            format!("longer than the limit of {}", Lapse(LONGEST_WAIT)),
        );
    }
}

fn undefined(name: &Spanned<String>, shared: &Shared, problems: &mut Problems) {
    let known: Vec<&str> = shared
        .destinations
        .iter()
        .map(|d| d.name.value.as_str())
        .collect();
    let problem = problems.error(
        Code::UndefinedDestination,
        name.span,
        format!("there is no destination `{}`", name.value),
        "`landfall.yaml` does not define it",
    );
    match nearest(&name.value, known.iter().copied()) {
        Some(near) => problem.help(format!("did you mean `{near}`?")),
        None if known.is_empty() => problem.help("add it under `alerts:` in `landfall.yaml`"),
        None => problem.help(format!(
            "there are {}",
            super::super::decode::listed(&known, "and")
        )),
    };
}
