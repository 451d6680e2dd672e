//! From a decided run to its record.

mod content;

use std::collections::BTreeMap;

use serde_json::Value;

use super::answer::cut;
use super::drive::Shared;
use super::evaluate::seen;
use super::live::Live;
use crate::lifecycle::{Arrival, Finding, Judgement, Run};
use crate::model::{
    Accepted, Amendment, Class, ExpectationRecord, ExpectationState, Expr, Flag, Interval, Layer,
    LayerRecord, LayerState, Layers, Moment, ObservationRecord, RunRecord, Seconds, Timings, Unmet,
};
use content::{fingerprint, firsts, path, plain};

/// Bytes of one string of an observation that a record keeps.
const TEXT_KEPT: usize = 4096;
/// Expressions explained for one expectation.
const UNMET_KEPT: usize = 8;

/// The record of a run as judged.
pub(super) fn build(shared: &Shared, run: &Run, judgement: &Judgement, live: &Live) -> RunRecord {
    let sent = run.sent;
    let class = judgement.class.unwrap_or(Class::Unobserved);
    let firsts = firsts(run, live);
    let answer = live.answer.as_deref();
    let mut attributes = answer.map(|a| a.attributes.clone()).unwrap_or_default();
    for (name, expr) in &live.def.attributes {
        let value = live.scope.value(expr, &firsts).ok().flatten();
        let text = value.as_ref().map_or_else(|| String::from("absent"), plain);
        attributes.insert(name.clone(), text);
    }
    let mut path = path(live, &firsts);
    // They are computed from the answer as it came, which may echo a secret (invariant 11).
    let redactor = &shared.redactor();
    let clean = |text: &mut String| *text = redactor.text(text).into_owned();
    attributes.values_mut().for_each(clean);
    for hop in &mut path {
        clean(&mut hop.hop);
        clean(&mut hop.source);
    }
    RunRecord {
        id: run.id,
        probe: run.leg.probe.to_string(),
        revision: run.leg.revision.to_string(),
        route: run.leg.route.to_string(),
        input: run.leg.input.to_string(),
        location: run.leg.location.to_string(),
        tick: run.tick.due.to_rfc3339(),
        token: run.token.to_string(),
        sent: sent.map(Moment::to_rfc3339_nanos),
        class,
        reason: reason(run, judgement, class),
        flags: flags(run, judgement, live, &attributes),
        lag: sent.map(|at| at.seconds_since(run.intended())),
        timings: answer.map_or_else(Timings::default, |a| a.timings),
        layers: layers(run, judgement, class),
        stopped_after: stopped_after(run, judgement),
        expectations: expectations(shared, run, judgement, live),
        observations: run
            .arrivals
            .iter()
            .filter_map(|a| observation(shared, run, live, a))
            .collect(),
        path,
        attributes,
        fingerprint: live
            .def
            .fingerprint
            .as_ref()
            .map(|f| fingerprint(f, class, live, &firsts)),
        amendments: run
            .amendments
            .iter()
            .map(|(at, from, to)| Amendment {
                at: at.to_rfc3339(),
                from: *from,
                to: *to,
                reason: format!(
                    "{} became {}: what arrived later changed it",
                    from.word(),
                    to.word()
                ),
            })
            .collect(),
        request: Some(Value::clone(&live.request)),
        response: answer.map(|a| a.shown.clone()),
        labels: live.def.labels.clone(),
    }
}

fn seconds(at: Option<Interval>, run: &Run) -> Option<Seconds> {
    Some(since(at?, run.sent?))
}

/// The attribute that tells the route really taken.
const ROUTE_TAKEN: &str = "route";

/// Those of the judge, and whether the run went another way than it was asked to.
fn flags(run: &Run, judgement: &Judgement, live: &Live, attributes: &BTreeMap<String, String>) -> Vec<Flag> {
    let taken = attributes.get(ROUTE_TAKEN).filter(|taken| *taken != "absent");
    // A run may be on record under another name than the route that it was sent down.
    let asked = live.def.route.get("name").and_then(Value::as_str);
    let rerouted = taken.is_some_and(|taken| taken != asked.unwrap_or(&run.leg.route));
    judgement
        .flags
        .iter()
        .copied()
        .chain(rerouted.then_some(Flag::Rerouted))
        .collect()
}

/// Nothing of a run can have come before its request: an interval that began earlier begins there.
fn since(at: Interval, sent: Moment) -> Seconds {
    let Seconds(lo, hi) = at.seconds_since(sent);
    Seconds(lo.max(0.0), hi)
}

fn findings<'a>(
    run: &'a Run,
    judgement: &'a Judgement,
) -> impl Iterator<Item = (usize, &'a crate::model::ExpectationSpec, &'a Finding)> {
    run.leg
        .expectations
        .iter()
        .zip(&judgement.findings)
        .enumerate()
        .map(|(i, (e, f))| (i, e, f))
}

fn layers(run: &Run, judgement: &Judgement, class: Class) -> Layers {
    let answered = run.answered.as_ref();
    let accepted = LayerRecord {
        state: answered.map_or(LayerState::Unknown, |a| a.accepted.layer_state()),
        seconds: answered.and_then(|a| seconds(Some(Interval::point(a.at)), run)),
    };
    let last = |layer| {
        let met = findings(run, judgement)
            .filter(|(_, e, f)| e.layer == layer && !e.times.forbids() && f.at.is_some());
        met.filter_map(|(_, _, f)| f.at).max_by_key(|at| at.hi)
    };
    let steps: Vec<_> = findings(run, judgement)
        .filter(|(_, e, _)| e.layer == Layer::Executed)
        .filter_map(|(_, _, f)| f.state)
        .collect();
    let missed = |s: &ExpectationState| matches!(s, ExpectationState::Lost | ExpectationState::Mismatched);
    let executed = if steps.is_empty() {
        LayerState::Undeclared
    } else if steps.iter().any(missed) {
        LayerState::No
    } else if steps.contains(&ExpectationState::Blind) {
        LayerState::Unknown
    } else {
        LayerState::Yes
    };
    let outcome = match class {
        Class::Delivered | Class::Late | Class::Duplicate | Class::Phantom => LayerState::Yes,
        Class::Unobserved => LayerState::Unknown,
        Class::Mismatched | Class::Unwanted | Class::Failed | Class::Lost | Class::Rejected => LayerState::No,
    };
    let when = |state, layer| {
        if state == LayerState::Yes {
            seconds(last(layer), run)
        } else {
            None
        }
    };
    Layers {
        accepted,
        executed: LayerRecord {
            state: executed,
            seconds: when(executed, Layer::Executed),
        },
        outcome: LayerRecord {
            state: outcome,
            seconds: when(outcome, Layer::Outcome),
        },
    }
}

/// The last step that was seen before the first that was not.
fn stopped_after(run: &Run, judgement: &Judgement) -> Option<String> {
    let mut last = None;
    for (_, spec, finding) in findings(run, judgement).filter(|(_, e, _)| e.layer == Layer::Executed) {
        match finding.state {
            Some(ExpectationState::Lost | ExpectationState::Mismatched) => return last,
            _ => last.clone_from(&spec.step),
        }
    }
    None
}

fn reason(run: &Run, judgement: &Judgement, class: Class) -> String {
    let answered = run.answered.as_ref();
    let answered = |accepted| {
        answered
            .filter(|a| a.accepted == accepted)
            .map(|a| a.reason.clone())
    };
    if let (Class::Rejected | Class::Phantom, Some(why)) = (class, answered(Accepted::No)) {
        return why;
    }
    let deciding = |(_, e, f): &(usize, &crate::model::ExpectationSpec, &Finding)| {
        let counts = match class {
            Class::Failed => e.layer == Layer::FailedWhen && f.at.is_some(),
            _ => e.layer == Layer::Outcome && f.state.is_some_and(|s| s != ExpectationState::Met),
        };
        counts && e.layer != Layer::Receipt
    };
    let overtaken = judgement.failed.filter(|_| class != Class::Failed);
    let said = overtaken.map(|_| String::from("the system said that it failed, and the outcome arrived"));
    let deciding = findings(run, judgement)
        .filter(deciding)
        .map(|(_, e, f)| match class {
            Class::Failed => format!("`{}` says that it failed", e.name),
            _ => format!("`{}`: {}", e.name, f.why),
        });
    let mut parts: Vec<String> = said.into_iter().chain(deciding).collect();
    let unanswered = answered(Accepted::Unknown).map(|why| format!("no whole answer: {why}"));
    parts.extend(unanswered.filter(|_| !parts.is_empty()));
    parts.join("; ")
}

fn expectations(shared: &Shared, run: &Run, judgement: &Judgement, live: &Live) -> Vec<ExpectationRecord> {
    let told = |(_, e, f): &(usize, &crate::model::ExpectationSpec, &Finding)| match e.layer {
        Layer::Executed | Layer::Outcome => true,
        Layer::FailedWhen | Layer::Receipt => f.at.is_some(),
    };
    findings(run, judgement)
        .filter(told)
        .map(|(i, e, f)| {
            let state = f.state.unwrap_or(ExpectationState::Lost);
            let explain = matches!(state, ExpectationState::Lost | ExpectationState::Mismatched);
            ExpectationRecord {
                layer: e.layer,
                name: e.name.clone(),
                step: e.step.clone(),
                channel: e.channel_name.clone(),
                state,
                count: f.count,
                seconds: seconds(f.at, run),
                reason: f.why.to_string(),
                within: e.within.as_secs_f64(),
                grace: e.grace.as_secs_f64(),
                unmet: if explain {
                    unmet(shared, run, live, i)
                } else {
                    Vec::new()
                },
            }
        })
        .collect()
}

/// The expressions of an expectation that did not hold, for the observations that came nearest to it.
fn unmet(shared: &Shared, run: &Run, live: &Live, i: usize) -> Vec<Unmet> {
    let (spec, check) = (&run.leg.expectations[i], &live.def.checks[i]);
    let here = || {
        run.arrivals
            .iter()
            .filter(|a| a.channel == spec.channel && a.held >> i & 1 == 0)
    };
    let matched: Vec<&Arrival> = here().filter(|a| a.matched >> i & 1 == 1).collect();
    // Where nothing passed `where`, it is `where` itself that has to be explained.
    let (near, exprs): (Vec<&Arrival>, Vec<&Expr>) = if matched.is_empty() {
        (here().collect(), check.filter.iter().collect())
    } else {
        (matched, check.expect.iter().collect())
    };
    let mut all: Vec<Unmet> = Vec::new();
    for arrival in near {
        let Some(observation) = live.observations.get(&arrival.observation) else {
            continue;
        };
        let seen = seen(observation, run.sent);
        for expr in &exprs {
            let said = live.scope.explain(expr, &seen);
            if said.holds || all.len() >= UNMET_KEPT {
                continue;
            }
            let place = live.sources.place(expr.span);
            let redactor = shared.redactor();
            let one = Unmet {
                expression: redactor.text(&expr.source).into_owned(),
                source: place
                    .as_ref()
                    .map(|p| redactor.text(&p.text).into_owned())
                    .unwrap_or_default(),
                file: place.as_ref().map(|p| p.file.clone()).unwrap_or_default(),
                line: place.as_ref().map_or(0, |p| p.line),
                column: place.as_ref().map_or(0, |p| p.column),
                expected: redactor.text(&said.expected).into_owned(),
                actual: redactor.text(&said.actual).into_owned(),
            };
            if !all.contains(&one) {
                all.push(one);
            }
        }
    }
    all
}

fn observation(shared: &Shared, run: &Run, live: &Live, arrival: &Arrival) -> Option<ObservationRecord> {
    let observation = live.observations.get(&arrival.observation)?;
    let mut seen = Value::Object(observation.sighting.seen.clone());
    shorten(&mut seen);
    let met = run
        .leg
        .expectations
        .iter()
        .enumerate()
        .filter(|(i, _)| arrival.held >> i & 1 == 1);
    Some(ObservationRecord {
        channel: shared.slots().name(arrival.channel)?.to_owned(),
        seconds: since(arrival.at, run.sent?),
        attempts: arrival.attempts,
        redelivered: arrival.redelivered,
        summary: observation.sighting.summary.clone(),
        met: met.map(|(_, e)| e.name.clone()).collect(),
        automatic: observation.sighting.automatic,
        seen,
    })
}

/// Cuts long strings; what was cut says so.
fn shorten(value: &mut Value) {
    match value {
        Value::String(text) if text.len() > TEXT_KEPT => {
            *text = format!("{}… ({} bytes)", cut(text, TEXT_KEPT), text.len());
        }
        Value::Array(items) => items.iter_mut().for_each(shorten),
        Value::Object(map) => map.values_mut().for_each(shorten),
        _ => {}
    }
}
