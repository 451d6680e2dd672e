//! One firing, from the moment it may leave to layer 1 and the captured names.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use serde_json::{Map, Value};
use tokio::sync::oneshot;

use super::drive::{Message, Shared};
use super::live::LiveAnswer;
use super::resume::KeptAnswer;
use crate::definition::{LegDef, RunScope};
use crate::lifecycle::Event;
use crate::model::{Accepted, Answer, Fault, Moment, Reason, Response, RunId, SendFailure, Timings};
use crate::redact::Redactor;
use crate::store::Fired;
use crate::trigger::{Prepared, Shot, Trigger};

/// A trigger that has not come back so long after its own time-out is given up.
const OVERRUN: Duration = Duration::from_secs(5);
/// An answer that comes sooner tells when the request left, and spares a write of that alone.
const SOON: Duration = Duration::from_millis(20);
/// Bytes of an answer's body that a record keeps.
const BODY_KEPT: usize = 4096;

/// Fires a prepared request, once, and tells the loop when it left and how it ended.
pub(super) async fn fire(
    shared: Arc<Shared>,
    run: RunId,
    def: Arc<LegDef>,
    scope: RunScope,
    prepared: Prepared,
    facts: Value,
) {
    let (left, leaves) = oneshot::channel();
    let told = shared.clone();
    let sent = Box::new(move |at: Moment| {
        told.tell(Message::Event(Event::Sent { run, at }));
        // The writer below may have given up.
        left.send(at).unwrap_or_default();
    });
    let note_sent = async {
        let Ok(sent) = leaves.await else { return };
        shared.clock.sleep(SOON).await;
        if let Err(fault) = shared.store.fired(run, Fired { sent, answer: None }).await {
            // The run goes on: trouble in the store changes no verdict (invariant 13).
            tracing::error!(%run, %fault, "the firing is not on record");
        }
    };
    let timeout = shared
        .leg_trigger(&def)
        .map_or(OVERRUN, |t| t.timeout() + OVERRUN);
    let started = shared.clock.now();
    let shot = Shot { run: facts, sent };
    let work = AssertUnwindSafe((prepared.fire)(shot)).catch_unwind();
    let ended = async {
        let ended = tokio::time::timeout(timeout, work).await;
        let now = shared.clock.now();
        match ended {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => lost(
                started,
                now,
                Reason::Internal,
                "the trigger broke off: a bug of landfall's own",
            ),
            Err(_) => lost(
                started,
                now,
                Reason::Timeout,
                "the trigger overran its own time-out",
            ),
        }
    };
    tokio::pin!(ended);
    let answer = tokio::select! {
        biased;
        answer = &mut ended => answer,
        () = note_sent => ended.await,
    };
    tell(&shared, run, &def, scope, answer).await;
}

fn lost(sent_at: Moment, answered_at: Moment, reason: Reason, message: &str) -> Answer {
    let failure = SendFailure {
        fault: Fault::new(reason, message),
        in_doubt: true,
    };
    Answer {
        outcome: Err(failure),
        sent_at,
        answered_at,
        timings: Timings::default(),
        attributes: Default::default(),
    }
}

async fn tell(shared: &Arc<Shared>, run: RunId, def: &Arc<LegDef>, scope: RunScope, answer: Answer) {
    let Answer {
        outcome,
        sent_at,
        answered_at,
        timings,
        mut attributes,
    } = answer;
    let redactor = &shared.redactor();
    for value in attributes.values_mut() {
        *value = redactor.text(value).into_owned();
    }
    let (accepted, reason, scope, response) = match outcome {
        Err(failure) => {
            let late = !shared.sinks.lateness.at(answered_at).is_zero();
            let belated = late && failure.fault.reason == Reason::Timeout;
            if belated {
                shared.tell(Message::Event(Event::Belated { run }));
            }
            let accepted = if failure.in_doubt || belated {
                Accepted::Unknown
            } else {
                Accepted::No
            };
            let reason = format!(
                "{}: {}",
                failure.fault.reason.word(),
                redactor.text(&failure.fault.message)
            );
            (accepted, reason, scope, None)
        }
        Ok(response) => {
            let scope = scope.with_response(&response);
            let (accepted, reason) = accepted(shared, def, &scope, &response);
            (accepted, reason, scope, Some(response))
        }
    };
    let (scope, mut keys, captured) = capture(def, scope, response.is_some());
    // An echoed secret is no key: it is struck from what is seen, so it would match nothing, and keys are stored.
    keys.retain(|key| redactor.text(key) == key.as_str());
    // Without an answer the record says why: a run in doubt may still end well, and then nothing else would.
    let shown = response
        .as_ref()
        .map_or_else(|| serde_json::json!({ "error": reason }), |r| shown(r, redactor));
    let status = response.as_ref().map(|response| response.status);
    let kept = KeptAnswer {
        at: answered_at,
        accepted,
        reason: reason.clone(),
        keys: keys.clone(),
        captured,
        response,
        partial: false,
        timings,
        attributes: attributes.clone(),
    };
    let stored = Fired {
        sent: sent_at,
        answer: Some(kept.written(redactor)),
    };
    if let Err(fault) = shared.store.fired(run, stored).await {
        tracing::error!(%run, %fault, "the answer is not on record");
    }
    let answer = Arc::new(LiveAnswer {
        status,
        timings,
        attributes,
        shown,
    });
    let event = Event::Answered {
        run,
        sent: sent_at,
        at: answered_at,
        accepted,
        reason,
        keys,
    };
    shared.tell(Message::Answered {
        event,
        scope: Box::new(scope),
        answer,
    });
}

/// Layer 1. A gateway that gives up on what stands behind it (502, 504) says nothing of the request.
fn accepted(shared: &Shared, def: &Arc<LegDef>, scope: &RunScope, response: &Response) -> (Accepted, String) {
    let held = match &def.accepted {
        Some(expr) => scope.value(expr, &Map::new()),
        None => shared
            .leg_trigger(def)
            .map(|t| Some(Value::Bool(t.accepts(response)))),
    };
    let status = response.status;
    match held {
        Ok(Some(Value::Bool(true))) => (Accepted::Yes, String::new()),
        Ok(_) if def.request.trigger.kind() == "http" && matches!(status, 502 | 504) => (
            Accepted::Unknown,
            format!("{}: status {status} from a gateway", Reason::Timeout.word()),
        ),
        Ok(_) => {
            let throttled = def.request.trigger.kind() == "http" && status == 429;
            let word = if throttled {
                Reason::Throttled
            } else {
                Reason::Status
            }
            .word();
            let body = response.body.lines().next().unwrap_or("").trim();
            let body = cut(body, 200);
            let said = if body.is_empty() {
                String::new()
            } else {
                format!(": {body}")
            };
            (
                Accepted::No,
                format!("{word}: {status}{}", shared.redactor().text(&said)),
            )
        }
        Err(fault) => (
            Accepted::No,
            format!("{}: accepted: {fault}", Reason::Input.word()),
        ),
    }
}

/// Binds the captured names. Strings and numbers among them are correlation keys.
fn capture(def: &LegDef, mut scope: RunScope, answered: bool) -> (RunScope, Vec<String>, Map<String, Value>) {
    let (mut keys, mut captured) = (Vec::new(), Map::new());
    if !answered {
        return (scope, keys, captured);
    }
    for (name, expr) in &def.capture {
        let value = match scope.value(expr, &Map::new()) {
            Ok(value) => value.unwrap_or(Value::Null),
            Err(fault) => {
                tracing::warn!(probe = %def.leg.probe, route = %def.leg.route, name, %fault, "not captured");
                Value::Null
            }
        };
        match &value {
            Value::String(text) if !text.is_empty() => keys.push(text.clone()),
            Value::Number(n) => keys.push(n.to_string()),
            _ => {}
        }
        captured.insert(name.clone(), value.clone());
        scope = scope.with(name, value);
    }
    (scope, keys, captured)
}

fn shown(response: &Response, redactor: &Redactor) -> Value {
    let mut shown = shown_of(response);
    redactor.value(&mut shown);
    shown
}

/// An answer as records show it.
pub(super) fn shown_of(response: &Response) -> Value {
    let body = cut(&response.body, BODY_KEPT);
    serde_json::json!({
        "status": response.status,
        "headers": response.headers,
        "body": body,
        "body_cut": body.len() < response.body.len(),
        "seconds": response.seconds,
    })
}

/// At most `limit` bytes, cut between characters.
pub(super) fn cut(text: &str, limit: usize) -> &str {
    let mut end = limit.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Fires one cleanup request. What is already gone (404, 410) is clean.
pub(super) async fn clean(trigger: &dyn Trigger, scope: &RunScope) -> Result<(), Fault> {
    let prepared = trigger.prepare(scope)?;
    let shot = Shot {
        run: Value::Null,
        sent: Box::new(|_| {}),
    };
    let ended = tokio::time::timeout(trigger.timeout() + OVERRUN, (prepared.fire)(shot)).await;
    match ended.map(|answer| answer.outcome) {
        Ok(Ok(response)) if trigger.accepts(&response) || matches!(response.status, 404 | 410) => Ok(()),
        Ok(Ok(response)) => Err(Fault::new(
            Reason::Status,
            format!("answered {}", response.status),
        )),
        Ok(Err(failure)) => Err(failure.fault),
        Err(_) => Err(Fault::new(Reason::Timeout, "overran its time-out")),
    }
}
