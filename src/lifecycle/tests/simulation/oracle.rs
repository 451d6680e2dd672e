//! What the truth allows a verdict to be. It knows nothing of how the judge works.

use super::script::{Script, True};
use super::stage::Outcome;
use crate::lifecycle::tests::world::{POLL, PUSH, at};
use crate::model::{Accepted, Class, ExpectationSpec, Identity, Layer, Moment, Repeat, Times};

/// Where the polled channel's resolution ends: a look is at most so long after its limit, its answer so much later.
const RESOLUTION: i64 = 50;

/// Why the truth does not allow the class.
pub(super) fn agrees(script: &Script, outcome: &Outcome, class: Class) -> Result<(), String> {
    if outcome.cut.is_some() {
        return cut(script, outcome, class);
    }
    let outcomes: Vec<(usize, &ExpectationSpec)> = script
        .leg
        .expectations
        .iter()
        .enumerate()
        .filter(|(_, e)| e.layer == Layer::Outcome)
        .collect();
    let blind_possible = !script.outages.is_empty();
    let ours = class == Class::Unobserved;
    if ours && !blind_possible {
        return Err(String::from("landfall could see all the time"));
    }
    if script.answer.1 == Accepted::No {
        return match class {
            Class::Rejected | Class::Phantom => Ok(()),
            _ => Err(String::from("the API refused")),
        };
    }
    if matches!(class, Class::Rejected | Class::Phantom) {
        return Err(String::from("the API did not refuse"));
    }
    let fails = script
        .leg
        .expectations
        .iter()
        .any(|e| e.layer == Layer::FailedWhen);
    if class == Class::Failed && !fails {
        return Err(String::from("nobody can say that it failed"));
    }
    match outcomes.as_slice() {
        [(i, spec)] if !fails && spec.times == Times::ONCE => exact(script, outcome, *i, spec, class),
        _ => bounds(script, outcome, &outcomes, class),
    }
}

/// Truths that meet expectation `i`, as distinct arrivals in order of time.
fn held<'a>(script: &'a Script, outcome: &Outcome, i: usize) -> Vec<&'a True> {
    let visible = |n: usize| !outcome.missed.contains(&n);
    let mut held: Vec<&True> = script
        .truth
        .iter()
        .enumerate()
        .filter(|(n, t)| t.marks.1 >> i & 1 == 1 && visible(*n))
        .map(|(_, t)| t)
        .collect();
    held.sort_by_key(|t| t.at);
    let mut known: Vec<&Identity> = Vec::new();
    held.retain(|t| {
        if t.identity == Identity::Anonymous || t.repeat == Repeat::AfterAck {
            return true;
        }
        let first = !known.contains(&&t.identity);
        known.push(&t.identity);
        first
    });
    held
}

/// One expectation, once: the class is known exactly, but for a polled channel's resolution.
fn exact(
    script: &Script,
    outcome: &Outcome,
    i: usize,
    spec: &ExpectationSpec,
    class: Class,
) -> Result<(), String> {
    let held = held(script, outcome, i);
    let out = |to: i64| {
        script
            .outages
            .iter()
            .any(|(c, from, until)| *c == spec.channel && *from <= to && *until >= 0)
    };
    let steps_blind = class == Class::Unobserved;
    let first = held.first().map(|t| t.at);
    let near = |limit: Moment| {
        first.is_some_and(|t| {
            spec.channel == POLL
                && t > Moment(limit.0 - 100_000_000)
                && t <= Moment(limit.0 + RESOLUTION * 1_000_000)
        })
    };
    let expected: Vec<Class> = match first {
        Some(t) if t <= at(100) => vec![Class::Delivered],
        Some(t) if t <= at(200) => vec![Class::Late],
        Some(_) => vec![Class::Late, Class::Lost],
        None => vec![Class::Lost, Class::Mismatched],
    };
    let mut allowed = expected;
    if held.len() > 1 {
        allowed.push(Class::Duplicate);
    }
    if near(at(100)) || near(at(200)) {
        allowed.extend([Class::Delivered, Class::Late]);
    }
    // The look that stands for the end of the grace may come back only after an outage that began behind it.
    let looked = if spec.channel == POLL { 300 } else { 200 };
    if out(looked) && steps_blind {
        return Ok(());
    }
    let pushed = spec.channel == PUSH;
    if pushed && held.len() == 1 && first.is_some_and(|t| t <= at(100)) && class != Class::Delivered {
        return Err(String::from("it arrived once, within its limit, and was seen"));
    }
    if allowed.contains(&class) {
        Ok(())
    } else {
        Err(format!("the truth allows {allowed:?}"))
    }
}

/// Several expectations: a failure needs a cause, a success needs every cause.
fn bounds(
    script: &Script,
    outcome: &Outcome,
    outcomes: &[(usize, &ExpectationSpec)],
    class: Class,
) -> Result<(), String> {
    let arrived = |(i, spec): &(usize, &ExpectationSpec)| {
        let held = held(script, outcome, *i);
        spec.times.min == 0 || held.len() >= spec.times.min as usize
    };
    match class {
        Class::Delivered | Class::Late | Class::Duplicate if !outcomes.iter().all(arrived) => {
            Err(String::from("something that was expected never arrived"))
        }
        Class::Lost | Class::Mismatched => {
            let met_in_time = |(i, spec): &(usize, &ExpectationSpec)| {
                let held = held(script, outcome, *i);
                let nth = (spec.times.min as usize).checked_sub(1).and_then(|n| held.get(n));
                spec.times.min == 0 || nth.is_some_and(|t| t.at <= at(100))
            };
            if outcomes.iter().all(met_in_time) {
                Err(String::from("all that was expected arrived in time"))
            } else {
                Ok(())
            }
        }
        Class::Unwanted => {
            let forbidden = |(i, spec): &(usize, &ExpectationSpec)| {
                spec.times.forbids() && !held(script, outcome, *i).is_empty()
            };
            if outcomes.iter().any(forbidden) {
                Ok(())
            } else {
                Err(String::from("nothing forbidden arrived"))
            }
        }
        _ => Ok(()),
    }
}

/// Ended early: what was seen stands, what was not is nobody's failure unless its grace had been looked through.
fn cut(script: &Script, outcome: &Outcome, class: Class) -> Result<(), String> {
    let looked = |spec: &ExpectationSpec| outcome.through.get(&spec.channel).is_some_and(|t| *t >= at(200));
    let blamed = matches!(class, Class::Lost | Class::Mismatched);
    if blamed && !script.leg.expectations.iter().any(looked) {
        return Err(String::from(
            "it was ended before anybody had looked through its grace",
        ));
    }
    Ok(())
}
