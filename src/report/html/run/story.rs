//! What became of a run, in sentences: why it ended so, what each layer says, what its flags mean.

use crate::model::{
    Class, ExpectationRecord, ExpectationState, Flag, Layer, LayerState, RunRecord, Seconds, Unmet,
};
use crate::report::html::draw::duration;
use crate::report::html::words::class_tone;
use crate::report::words::count;

/// One layer as the top of the page shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Told {
    /// Its name.
    pub(super) title: &'static str,
    /// What it says.
    pub(super) word: String,
    /// When, or how far.
    pub(super) detail: String,
    /// Its tone.
    pub(super) tone: &'static str,
}

/// Why the run ended as it did, in one sentence. Text from outside in it is as it came.
#[must_use]
pub fn sentence(run: &RunRecord) -> String {
    let worst = worst(run);
    let on = worst.map_or_else(String::new, |e| format!(" on `{}`", e.channel));
    let after = |seconds: Option<Seconds>| {
        let known = seconds.filter(|s| s.1.is_finite());
        known.map_or_else(String::new, |s| format!(" after {}", duration(s.1)))
    };
    let outcome = after(run.layers.outcome.seconds);
    match run.class {
        Class::Delivered if run.layers.executed.state == LayerState::No => format!(
            "The outcome arrived in time{outcome}, but {}: the system did not do the work as declared.",
            stopped(run)
        ),
        Class::Delivered => format!("Everything that was waited for arrived in time{outcome}."),
        Class::Late => format!(
            "The outcome arrived{}{}.",
            after(worst.and_then(|e| e.seconds)),
            worst.map_or_else(String::new, late)
        ),
        Class::Duplicate => format!(
            "The outcome arrived{on}, and more often than it may{}.",
            because(worst)
        ),
        Class::Mismatched => match worst.and_then(|e| e.unmet.first()) {
            Some(unmet) => format!("Something arrived{on}, but {}.", differs(unmet)),
            None => format!("Something arrived{on}, but not as expected{}.", because(worst)),
        },
        Class::Unwanted => format!(
            "Something arrived{on} that must not arrive{}.",
            after(worst.and_then(|e| e.seconds))
        ),
        Class::Failed => failed(run, &after),
        Class::Lost => lost(run, worst, &on),
        Class::Rejected => format!(
            "The request was not accepted ({}), and nothing arrived.",
            said(run)
        ),
        Class::Phantom => format!(
            "The request was not accepted ({}), and the outcome arrived all the same{outcome}.",
            said(run)
        ),
        Class::Unobserved => format!(
            "Landfall could not see what became of it ({}). This says nothing about the system.",
            said(run)
        ),
    }
}

/// What the three layers say, in their order.
pub(super) fn layers(run: &RunRecord) -> [Told; 3] {
    [accepted(run), executed(run), outcome(run)]
}

/// The first layer that did not say what it should, by its place.
pub(super) fn first_wrong(layers: &[Told; 3]) -> Option<usize> {
    layers
        .iter()
        .position(|layer| matches!(layer.tone, "bad" | "warn" | "blind"))
}

/// What a flag means.
pub(super) const fn explained(flag: Flag) -> &'static str {
    match flag {
        Flag::InDoubt => {
            "the request went out and no whole answer came back: it may or may not have been taken"
        }
        Flag::Unanswered => {
            "no whole answer came and nothing arrived: nothing said yes, so this is no silent failure"
        }
        Flag::Unexecuted => {
            "a declared step was not seen: the work was not done as the probe says it should be"
        }
        Flag::Amended => "the verdict changed after the run had closed, by what arrived later",
        Flag::OutOfOrder => "steps were seen in another order than declared",
        Flag::Early => "an outcome came before the answer to the request",
        Flag::Straddling => {
            "a limit lies between the two looks that saw it: the verdict rests on how often the channel is looked at"
        }
        Flag::Rerouted => {
            "it went another way than it was asked to: the attribute `route` names another route"
        }
        Flag::FalseReceipt => "the provider said delivered, and the outcome was lost",
        Flag::FalseFailure => "the system said that it failed, and the outcome arrived",
        Flag::FireUnknown => {
            "landfall stopped between claiming and firing: nobody knows whether the request left"
        }
        Flag::CleanupFailed => "cleaning up did not succeed: what the canary made may still be there",
        Flag::Dropped => "landfall dropped something at one of its limits that may have belonged to this run",
    }
}

/// The expectation of the outcome that decided, the worst first; `None` where all were met.
pub(super) fn worst(run: &RunRecord) -> Option<&ExpectationRecord> {
    let outcomes = run.expectations.iter().filter(|e| e.layer == Layer::Outcome);
    let decisive = outcomes.filter(|e| e.state != ExpectationState::Met);
    decisive.min_by_key(|e| match e.state {
        ExpectationState::Unwanted => 0,
        ExpectationState::Lost => 1,
        ExpectationState::Mismatched => 2,
        ExpectationState::Blind => 3,
        ExpectationState::Duplicate => 4,
        ExpectationState::Late => 5,
        ExpectationState::Met => 6,
    })
}

/// For how long an expectation is watched: seconds since the first byte. `None` where the record does not say.
pub(super) fn watched(e: &ExpectationRecord) -> Option<f64> {
    Some(e.within + e.grace).filter(|end| end.is_finite() && *end > 0.0)
}

fn late(e: &ExpectationRecord) -> String {
    let over = e
        .seconds
        .map(|s| s.1 - e.within)
        .filter(|over| over.is_finite() && *over > 0.0);
    let over = over.map_or_else(
        || String::from("later"),
        |over| format!("{} later", duration(over)),
    );
    let in_grace = watched(e).zip(e.seconds).is_none_or(|(end, at)| at.1 <= end);
    let grace = if in_grace {
        "inside its grace"
    } else {
        "and after its grace, when the run had closed"
    };
    format!(", {over} than it may (within {}), {grace}", duration(e.within))
}

fn because(worst: Option<&ExpectationRecord>) -> String {
    let reason = worst
        .map(|e| e.reason.as_str())
        .filter(|reason| !reason.is_empty());
    reason.map_or_else(String::new, |reason| format!(": {reason}"))
}

fn differs(unmet: &Unmet) -> String {
    match (unmet.expected.as_str(), unmet.actual.as_str()) {
        ("", "") => format!("`{}` does not hold", unmet.expression),
        ("", actual) => format!("`{}` does not hold: it is {actual}", unmet.expression),
        (expected, "") => format!("`{}` does not hold: expected {expected}", unmet.expression),
        (expected, actual) => {
            format!(
                "`{}` does not hold: expected {expected}, got {actual}",
                unmet.expression
            )
        }
    }
}

fn failed(run: &RunRecord, after: &dyn Fn(Option<Seconds>) -> String) -> String {
    let said = run.expectations.iter().find(|e| e.layer == Layer::FailedWhen);
    match said {
        Some(e) => format!(
            "The system itself said that it failed, on `{}`{}.",
            e.channel,
            after(e.seconds)
        ),
        None => String::from("The system itself said that it failed."),
    }
}

fn lost(run: &RunRecord, worst: Option<&ExpectationRecord>, on: &str) -> String {
    let accepted = match run.layers.accepted.state {
        LayerState::Yes => "The API accepted it",
        LayerState::No => "The API refused it",
        LayerState::Unknown | LayerState::Undeclared => "No whole answer came",
    };
    let executed = match run.layers.executed.state {
        LayerState::No => format!(", {}", stopped(run)),
        LayerState::Yes => String::from(", every step was seen"),
        LayerState::Unknown | LayerState::Undeclared => String::new(),
    };
    let what = match worst {
        Some(e) if e.count > 0 => "too little arrived",
        _ => "nothing arrived",
    };
    let waited = worst.and_then(watched);
    let waited = waited.map_or_else(String::new, |end| format!(" in {}", duration(end)));
    format!("{accepted}{executed}, and {what}{on}{waited}.")
}

fn stopped(run: &RunRecord) -> String {
    match &run.stopped_after {
        Some(step) => format!("nothing was seen after the step `{step}`"),
        None => String::from("its first step was not seen"),
    }
}

fn said(run: &RunRecord) -> &str {
    match run.reason.as_str() {
        "" => "nobody said why",
        reason => reason,
    }
}

const fn tone(state: LayerState) -> &'static str {
    match state {
        LayerState::Yes => "good",
        LayerState::No => "bad",
        LayerState::Unknown => "blind",
        LayerState::Undeclared => "off",
    }
}

fn when(seconds: Option<Seconds>) -> String {
    let known = seconds.filter(|s| s.1.is_finite());
    known.map_or_else(String::new, |s| format!("after {}", duration(s.1)))
}

fn accepted(run: &RunRecord) -> Told {
    let layer = run.layers.accepted;
    let status = run.response.as_ref().and_then(|r| r.get("status"));
    let status = status.and_then(serde_json::Value::as_i64);
    let parts: Vec<String> = [status.map(|s| format!("status {s}")), Some(when(layer.seconds))]
        .into_iter()
        .flatten()
        .filter(|part| !part.is_empty())
        .collect();
    Told {
        title: "accepted",
        word: String::from(match layer.state {
            LayerState::Yes => "yes",
            LayerState::No if status.is_none() => "not reached",
            LayerState::No => "refused",
            LayerState::Unknown if run.sent.is_none() => "nobody knows",
            LayerState::Unknown => "no whole answer",
            LayerState::Undeclared => "undeclared",
        }),
        detail: parts.join(", "),
        tone: tone(layer.state),
    }
}

fn executed(run: &RunRecord) -> Told {
    let layer = run.layers.executed;
    let steps: Vec<_> = run
        .expectations
        .iter()
        .filter(|e| e.layer == Layer::Executed)
        .collect();
    let met = |e: &&&ExpectationRecord| {
        matches!(
            e.state,
            ExpectationState::Met | ExpectationState::Late | ExpectationState::Duplicate
        )
    };
    let seen = steps.iter().filter(met).count();
    let mut detail = match (layer.state, steps.len()) {
        (LayerState::Undeclared, _) | (_, 0) => String::new(),
        (_, all) => format!("{seen} of {}", count(all as u64, "step")),
    };
    let at = when(layer.seconds);
    if !at.is_empty() && !detail.is_empty() {
        detail.push_str(", ");
    }
    detail.push_str(&at);
    Told {
        title: "executed",
        word: match (layer.state, &run.stopped_after) {
            (LayerState::Yes, _) => String::from("yes"),
            (LayerState::No, Some(step)) => format!("stopped after ‘{step}’"),
            (LayerState::No, None) => String::from("no step seen"),
            (LayerState::Unknown, _) => String::from("could not be seen"),
            (LayerState::Undeclared, _) => String::from("not declared"),
        },
        detail,
        tone: tone(layer.state),
    }
}

fn outcome(run: &RunRecord) -> Told {
    let at = when(
        run.layers
            .outcome
            .seconds
            .or_else(|| worst(run).and_then(|e| e.seconds)),
    );
    let detail = match (run.class, worst(run).and_then(watched)) {
        (Class::Lost | Class::Rejected | Class::Mismatched, Some(end)) if at.is_empty() => {
            format!("watched for {}", duration(end))
        }
        _ => at,
    };
    Told {
        title: "outcome",
        word: String::from(match run.class {
            Class::Delivered => "arrived in time",
            Class::Late => "arrived late",
            Class::Duplicate => "arrived too often",
            Class::Mismatched => "arrived, but wrong",
            Class::Unwanted => "arrived, and must not",
            Class::Failed => "failed, says the system",
            Class::Lost | Class::Rejected => "did not arrive",
            Class::Phantom => "arrived all the same",
            Class::Unobserved => "could not be seen",
        }),
        detail,
        tone: class_tone(run.class),
    }
}
