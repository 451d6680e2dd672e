//! A probe's file, checked and compiled.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::plan::{LegPlan, plans};
use super::revision::{content, revision};
use super::shared::Shared;
use super::{alerts, leg};
use crate::definition::check;
use crate::definition::decode::Decoded;
use crate::definition::known::{NamePath, nearest};
use crate::definition::node::Tree;
use crate::definition::probe::{LegDef, Limits, Objective, Probe};
use crate::definition::raw::{RawObjective, RawProbe};
use crate::diag::{Code, Problems};
use crate::model::{Free, Leg, Spanned, TokenFormat};
use crate::trigger::{CheckFacts, TriggerConfig};

const WINDOW: Duration = Duration::from_secs(7 * 86_400);

/// A file and what it decoded to.
pub(crate) struct ProbeFile<'f> {
    pub(crate) tree: &'f Tree,
    pub(crate) text: &'f str,
    pub(crate) decoded: Decoded<RawProbe>,
}

/// Checks a probe. `None` where something is wrong with it; that is a problem already.
pub(crate) fn probe(file: ProbeFile<'_>, shared: &mut Shared, problems: &mut Problems) -> Option<Probe> {
    let raw = file.decoded.value?;
    if let Some(first) = shared.probes.insert(raw.name.value.clone(), raw.name.span) {
        problems
            .error(
                Code::DuplicateProbe,
                raw.name.span,
                format!("two probes are called `{}`", raw.name.value),
                "the second",
            )
            .also(first, "the first");
    }
    check::probe_names(&raw, problems);
    inputs(&raw, problems);
    token(&raw, problems);
    swaps(&raw, shared, problems);
    triggers(&raw, shared, problems);
    let plans = plans(&raw);
    let texts = check::read(file.decoded.notes, file.tree, file.text, problems);
    check::check_probe_texts(&texts, &plans, shared, file.text, problems);
    // Where a part was left out as wrong, what is missing was perhaps in it.
    if file.decoded.whole {
        leg::parts(&plans, problems);
    }
    let of_channels = shared.channel_texts.iter().flat_map(check::ChannelTexts::names);
    let names = second(
        "vars",
        texts.iter().flat_map(|text| &text.names).chain(of_channels),
    );
    let named = second("channels", texts.iter().flat_map(|text| &text.names));
    let revision: Arc<str> = revision(&file.tree.root, &plans, &names, shared).into();
    let whole_vars = texts
        .iter()
        .flat_map(|text| &text.names)
        .any(|name| name.len() == 1 && name[0] == "vars");
    let digest = content(&file.tree.root, &plans, (&names, &named), whole_vars, shared);
    // Held as long as the probe is: without room for legs that there are not.
    let mut legs: Vec<LegDef> = Vec::with_capacity(plans.len());
    legs.extend(
        plans
            .iter()
            .filter_map(|plan| leg::leg(plan, &revision, &named, shared, problems)),
    );
    let timezone = shared.defaults.timezone.as_ref().map(|t| t.value.as_str());
    let schedule = check::schedule(&raw, file.decoded.whole, timezone, problems);
    let start_deadline = check::start_deadline(&raw, schedule.as_ref(), problems);
    let mut maintenance = shared.maintenance.clone();
    maintenance.extend(check::windows(&raw.maintenance, timezone, problems));
    let limits = limits(&raw, shared);
    if let (Some(at), Some(schedule)) = (&raw.schedule, &schedule) {
        let machine: Vec<&Leg> = legs.iter().map(|leg| leg.leg.as_ref()).collect();
        let span = at
            .value
            .every
            .as_ref()
            .map(|e| e.span)
            .or(at.value.cron.as_ref().map(|c| c.span));
        check::limits(
            &raw.name.value,
            schedule,
            span.unwrap_or(at.span),
            limits,
            &machine,
            problems,
        );
    }
    let labels = plans
        .first()
        .map(|plan| leg::labels(plan, shared))
        .unwrap_or_default();
    let alerts = alerts::alerts(&raw, shared, &labels, problems);
    let whole = file.decoded.whole && legs.len() == plans.len();
    whole.then(|| Probe {
        name: raw.name.value.as_str().into(),
        description: raw.description.clone(),
        enabled: raw.enabled,
        schedule,
        on_start: raw.schedule.as_ref().is_some_and(|s| s.value.on_start),
        start_deadline,
        maintenance: maintenance.into(),
        revision,
        token: raw.token.value.format,
        legs: legs.into_iter().map(Arc::new).collect(),
        limits,
        objective: objective(raw.objective, shared.defaults.objective),
        labels,
        alerts,
        digest,
        // Both are known once every file has been read.
        sources: Arc::default(),
        vars: Arc::default(),
    })
}

/// What stands after `root.` in names.
fn second<'n>(root: &str, names: impl Iterator<Item = &'n NamePath>) -> BTreeSet<String> {
    names
        .filter(|name| name.first().is_some_and(|first| first == root))
        .filter_map(|name| name.get(1).cloned())
        .collect()
}

/// Puts down a channel that is not defined.
pub(super) fn undefined_channel(name: &Spanned<String>, shared: &Shared, problems: &mut Problems) {
    let mut known: Vec<&str> = shared.channels.iter().map(|c| c.name.value.as_str()).collect();
    known.extend(shared.broken.iter().map(String::as_str));
    known.sort_unstable();
    let problem = problems.error(
        Code::UndefinedChannel,
        name.span,
        format!("there is no channel `{}`", name.value),
        "`landfall.yaml` does not define it",
    );
    match nearest(&name.value, known.iter().copied()) {
        Some(near) => problem.help(format!("did you mean `{near}`?")),
        None if known.is_empty() => problem.help("add it under `channels:` in `landfall.yaml`"),
        None => problem.help(format!(
            "there are {}",
            super::super::decode::listed(&known, "and")
        )),
    };
}

fn inputs(raw: &RawProbe, problems: &mut Problems) {
    match (&raw.input, &raw.inputs) {
        (Some(one), Some(several)) => {
            problems
                .error(
                    Code::Setting,
                    several.span,
                    "a probe has `input` or `inputs`, not both",
                    "leave one of them out",
                )
                .also(one.span, "the other");
        }
        (None, Some(several)) if several.value.0.is_empty() => {
            problems.error(
                Code::Empty,
                several.span,
                "`inputs` names no input",
                "nothing would be sent",
            );
        }
        (
            Some(Spanned {
                value: Free::Null,
                span,
            }),
            None,
        ) => {
            problems.error(
                Code::Empty,
                *span,
                "nothing stands after `input`",
                "expected a value",
            );
        }
        _ => {}
    }
}

fn token(raw: &RawProbe, problems: &mut Problems) {
    let (format, bits) = match raw.token.value.format {
        TokenFormat::Text => return,
        TokenFormat::Uuid => ("uuid", 74),
        TokenFormat::Digits => ("digits", 53),
    };
    problems
        .warning(
            Code::WeakToken,
            raw.token.span,
            format!("tokens of the format `{format}` have {bits} random bits instead of 84"),
            "easier to guess, and to meet by chance",
        )
        .help("leave `token` out unless the system cannot carry letters");
}

fn swaps(raw: &RawProbe, shared: &Shared, problems: &mut Problems) {
    let waited: BTreeSet<&str> = plans(raw)
        .iter()
        .flat_map(LegPlan::waited)
        .map(|w| w.channel.value.as_str())
        .collect();
    for (_, route) in &raw.routes.0 {
        for (alias, target) in &route.channels.0 {
            if !shared.may_be_channel(&target.value) && !waited.contains(alias.value.as_str()) {
                undefined_channel(target, shared, problems);
            }
            if !shared.may_be_channel(&alias.value) {
                undefined_channel(alias, shared, problems);
            }
        }
    }
}

/// What each kind says of its own settings.
fn triggers(raw: &RawProbe, shared: &Shared, problems: &mut Problems) {
    let facts = CheckFacts {
        allow_exec: shared.allow_exec,
    };
    let routes = raw.routes.0.iter().map(|(_, route)| route);
    let all: Vec<&TriggerConfig> = raw
        .request
        .iter()
        .chain(&raw.cleanup)
        .chain(routes.flat_map(|r| r.request.iter().chain(r.cleanup.iter().flatten())))
        .collect();
    for trigger in all {
        trigger.check(&facts, problems);
    }
}

fn limits(raw: &RawProbe, shared: &Shared) -> Limits {
    let own = raw.limits.as_ref().map(|at| at.value).unwrap_or_default();
    let default = shared.defaults.limits;
    Limits {
        per_day: own.per_day.or(default.per_day),
        in_flight: own.in_flight.or(default.in_flight),
    }
}

fn objective(own: Option<RawObjective>, default: RawObjective) -> Option<Objective> {
    let own = own.unwrap_or_default();
    let on_time = own.on_time.or(default.on_time).map(|p| p.0);
    let p95 = own.p95.or(default.p95).map(|l| l.0.as_secs_f64());
    let consistency = own.consistency.or(default.consistency).map(|p| p.0);
    let window = own
        .window
        .or(default.window)
        .map_or(WINDOW, |l| l.0)
        .as_secs_f64();
    (on_time.is_some() || p95.is_some() || consistency.is_some()).then_some(Objective {
        on_time,
        p95,
        consistency,
        window,
    })
}
