//! Which expectations an observation meets. Off the loop: expressions may take their time.

use std::sync::Arc;

use serde_json::Value;

use super::drive::{Message, Shared};
use super::live::Live;
use crate::definition::{ExpectationDef, LegDef, RunScope};
use crate::lifecycle::Event;
use crate::model::{Expr, Moment, Observation, RunId, Scope as _};

/// `seen` for the expressions of a run: the observation's content, and when it arrived.
pub(super) fn seen(observation: &Observation, sent: Option<Moment>) -> Value {
    let mut seen = observation.sighting.seen.clone();
    if let Some(sent) = sent {
        seen.insert(
            String::from("seconds"),
            observation.sighting.at.hi.seconds_since(sent).into(),
        );
    }
    Value::Object(seen)
}

/// Evaluates an observation against a run's expectations on its channel and tells the loop.
pub(super) fn spawn(shared: &Arc<Shared>, run: RunId, live: &Live, observation: Arc<Observation>) {
    let sent = live.sent;
    if !asks(&live.def, &observation) {
        // No expression will look into it: nothing takes time, and its content need not be copied.
        tell(shared, run, &live.def, &live.scope, &observation, &Value::Null);
        return;
    }
    let (shared, def, scope) = (shared.clone(), live.def.clone(), live.scope.clone());
    tokio::spawn(async move {
        let seen = seen(&observation, sent);
        tell(&shared, run, &def, &scope, &observation, &seen);
    });
}

/// Whether an expectation on the observation's channel has expressions.
fn asks(def: &LegDef, observation: &Observation) -> bool {
    let mut all = def.leg.expectations.iter().zip(&def.checks);
    all.any(|(spec, check)| {
        spec.channel == observation.channel && (check.filter.is_some() || !check.expect.is_empty())
    })
}

fn tell(
    shared: &Shared,
    run: RunId,
    def: &LegDef,
    scope: &RunScope,
    observation: &Observation,
    seen: &Value,
) {
    let (matched, held) = marks(def, scope, observation, seen);
    let names = def
        .leg
        .expectations
        .iter()
        .enumerate()
        .filter(|(i, _)| held >> i & 1 == 1);
    let names = names.map(|(_, e)| e.name.clone()).collect();
    let event = Event::Marked {
        run,
        observation: observation.id,
        matched,
        held,
    };
    shared.tell(Message::Marked { event, names });
}

fn marks(def: &LegDef, scope: &RunScope, observation: &Observation, seen: &Value) -> (u64, u64) {
    let (mut matched, mut held) = (0, 0);
    for (i, (spec, check)) in def.leg.expectations.iter().zip(&def.checks).enumerate() {
        if spec.channel != observation.channel || !passes(check, scope, observation, seen) {
            continue;
        }
        matched |= 1 << i;
        held |= u64::from(check.expect.iter().all(|e| holds(scope, e, seen))) << i;
    }
    (matched, held)
}

/// A bounce or an automatic answer meets nothing unless `where` asks for it.
fn passes(check: &ExpectationDef, scope: &RunScope, observation: &Observation, seen: &Value) -> bool {
    match &check.filter {
        None => !observation.sighting.automatic,
        Some(filter) => {
            let asked = !observation.sighting.automatic || asks_for_automatic(filter);
            asked && holds(scope, filter, seen)
        }
    }
}

/// Whether a `where` speaks of bounces.
fn asks_for_automatic(filter: &Expr) -> bool {
    filter.source.contains("seen.dsn") || filter.source.contains("auto-submitted")
}

/// A judge that errs never counts as met (an expression that fails is said so in the record).
fn holds(scope: &RunScope, expr: &Expr, seen: &Value) -> bool {
    scope.holds(expr, seen).unwrap_or(false)
}
