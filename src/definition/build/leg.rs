//! One leg, compiled to what the machine needs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use super::plan::{LegPlan, Waited};
use super::shared::Shared;
use crate::definition::check;
use crate::definition::probe::{Cleanup, ExpectationDef, Fingerprint, LegDef, RequestDef};
use crate::definition::raw::RawFingerprint;
use crate::diag::{Code, Problems};
use crate::model::{ChannelId, ExpectationSpec, Layer, Leg, Times};

const WITHIN: Duration = Duration::from_secs(30);
const SETTLE: Duration = Duration::from_secs(2);

/// Builds a leg. `None` where a part is missing; that is a problem already.
pub(super) fn leg(
    plan: &LegPlan<'_>,
    revision: &Arc<str>,
    named: &BTreeSet<String>,
    shared: &Shared,
    problems: &mut Problems,
) -> Option<LegDef> {
    let waited = plan.waited();
    let longest = longest_wait(&waited, shared);
    let mut expectations = Vec::with_capacity(waited.len());
    let mut checks = Vec::with_capacity(waited.len());
    for one in &waited {
        if let Some(spec) = spec(one, plan, longest, shared, problems) {
            expectations.push(spec);
        }
        checks.push(ExpectationDef {
            filter: one.filter.cloned(),
            expect: one.expect.0.clone(),
            key: one.key.cloned(),
            span: one.channel.span,
        });
    }
    let settle = plan.raw.settle.as_ref().or(shared.defaults.settle.as_ref());
    let settle = settle.map_or(SETTLE, |at| check::lapse("settle", at, problems));
    let request = plan.request()?;
    if expectations.len() != waited.len() {
        return None;
    }
    Some(LegDef {
        leg: Arc::new(Leg {
            probe: plan.probe.into(),
            revision: Arc::clone(revision),
            route: plan.route_name.into(),
            input: plan.input_name.into(),
            location: Arc::clone(&shared.location),
            expectations,
            settle,
        }),
        route: route(plan),
        input: plan.input.clone(),
        request: RequestDef {
            trigger: request.clone(),
        },
        capture: plan
            .capture
            .0
            .iter()
            .map(|(name, expr)| (name.value.clone(), expr.clone()))
            .collect(),
        accepted: plan.accepted().cloned(),
        checks,
        fingerprint: plan.raw.fingerprint.as_ref().map(fingerprint),
        attributes: plan
            .raw
            .attributes
            .0
            .iter()
            .map(|(name, expr)| (name.value.clone(), expr.clone()))
            .collect(),
        path: plan.path().to_vec(),
        cleanup: plan
            .cleanup()
            .iter()
            .map(|trigger| Cleanup {
                trigger: trigger.clone(),
            })
            .collect(),
        labels: labels(plan, shared),
        channel_names: shared.names(plan, named),
    })
}

fn spec(
    one: &Waited<'_>,
    plan: &LegPlan<'_>,
    longest: Duration,
    shared: &Shared,
    problems: &mut Problems,
) -> Option<ExpectationSpec> {
    let defaults = &shared.defaults;
    let timed = matches!(one.layer, Layer::Executed | Layer::Outcome);
    let within = match (one.within, defaults.within.as_ref().filter(|_| timed)) {
        (Some(at), _) => check::lapse("within", at, problems),
        (None, Some(default)) => default.value.0,
        (None, None) if timed => WITHIN,
        // What may come as long as outcomes are waited for.
        (None, None) => longest,
    };
    let grace = match (one.grace, defaults.grace.as_ref().filter(|_| timed)) {
        (Some(at), _) => check::lapse("grace", at, problems),
        (None, Some(default)) => default.value.0,
        (None, None) if timed => within,
        (None, None) => Duration::ZERO,
    };
    let times = one.times.map_or(Times::ONCE, |at| {
        check::times(at, one.layer != Layer::Outcome, problems)
    });
    let id = channel(one, plan, shared, problems)?;
    let channel_name = shared.channels.get(id)?.name.value.clone();
    let name = one.name.or(one.step).unwrap_or(one.channel);
    Some(ExpectationSpec {
        layer: one.layer,
        name: name.value.clone(),
        step: one.step.map(|step| step.value.clone()),
        channel: ChannelId(u16::try_from(id).ok()?),
        channel_name,
        within,
        grace,
        times,
    })
}

fn channel(one: &Waited<'_>, plan: &LegPlan<'_>, shared: &Shared, problems: &mut Problems) -> Option<usize> {
    let id = shared.id(plan, &one.channel.value);
    let swapped = plan
        .route_raw
        .and_then(|route| route.channels.get(&one.channel.value));
    let wanted = swapped.unwrap_or(one.channel);
    if id.is_none() && !shared.may_be_channel(&wanted.value) {
        super::probe::undefined_channel(wanted, shared, problems);
    }
    id
}

/// The end of the longest wait for an outcome or step.
fn longest_wait(waited: &[Waited<'_>], shared: &Shared) -> Duration {
    let defaults = &shared.defaults;
    waited
        .iter()
        .filter(|one| matches!(one.layer, Layer::Executed | Layer::Outcome))
        .map(|one| {
            let within = one
                .within
                .or(defaults.within.as_ref())
                .map_or(WITHIN, |at| at.value.0);
            let grace = one
                .grace
                .or(defaults.grace.as_ref())
                .map_or(within, |at| at.value.0);
            within.saturating_add(grace)
        })
        .max()
        .unwrap_or(WITHIN)
}

/// The workspace's labels and the probe's own, which go before.
pub(super) fn labels(plan: &LegPlan<'_>, shared: &Shared) -> BTreeMap<String, String> {
    shared
        .defaults
        .labels
        .clone()
        .into_iter()
        .chain(plan.raw.labels.clone())
        .collect()
}

fn route(plan: &LegPlan<'_>) -> Map<String, Value> {
    let mut route = Map::new();
    route.insert(String::from("name"), plan.route_name.into());
    if let Some(raw) = plan.route_raw {
        route.extend(
            raw.vars
                .0
                .iter()
                .map(|(name, value)| (name.value.clone(), value.0.clone())),
        );
    }
    route
}

fn fingerprint(raw: &RawFingerprint) -> Fingerprint {
    match raw {
        RawFingerprint::Fields(fields) => Fingerprint::Fields(fields.clone()),
        RawFingerprint::All(except) => Fingerprint::All {
            except: except.iter().map(|place| place.value.clone()).collect(),
        },
    }
}

/// Puts down a leg without a request, and one that waits for nothing.
pub(super) fn parts(plans: &[LegPlan<'_>], problems: &mut Problems) {
    for plan in plans {
        let name = plan
            .raw
            .routes
            .0
            .iter()
            .find(|(name, _)| name.value == plan.route_name);
        let place = name.map_or(plan.raw.name.span, |(name, _)| name.span);
        let of = name.map_or_else(String::new, |_| format!(" on route `{}`", plan.route_name));
        if plan.request().is_none() {
            problems
                .error(
                    Code::MissingKey,
                    place,
                    format!("`request` is missing{of}"),
                    "fires nothing",
                )
                .help("write `request:` with one of the kinds, such as `http: { url: … }`");
        }
        let awaits = |e: &crate::definition::raw::RawExpectation| {
            e.times
                .as_ref()
                .is_none_or(|t| t.value.0.min > 0 || t.value.0.forbids())
        };
        if plan.outcome().is_empty() {
            problems
                .error(
                    Code::NoOutcome,
                    place,
                    format!("the probe waits for nothing{of}"),
                    "has no `outcome`",
                )
                .help("write `outcome:` with what the user must get, such as `- in: inbox`");
        } else if !plan.outcome().iter().any(awaits) {
            problems
                .error(
                    Code::NoOutcome,
                    place,
                    format!("every outcome{of} may stay away"),
                    "no run could ever be lost: all have `min: 0`",
                )
                .help("give one of them `times: 1`");
        }
    }
}
