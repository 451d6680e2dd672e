//! What happened to a run, as lines in the order of time.

use schemars::JsonSchema;
use serde::Serialize;
use unicode_width::UnicodeWidthStr;

use super::super::paint::Tone;
use super::super::words::{clip, count, insecure, piece, seconds, state};
use crate::model::{
    Class, ExpectationRecord, ExpectationState, Layer, LayerState, Moment, ObservationRecord, RunRecord,
    Seconds,
};

/// Observations that are listed; the rest is counted.
const LISTED: usize = 30;

/// One line of a timeline.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Event {
    /// Seconds after the first byte sent, and what goes first of two at once.
    order: (f64, u8),
    /// When, as shown; empty where it has no time.
    pub(super) when: String,
    /// Where: a channel, or a step of landfall's own.
    pub(super) who: String,
    /// What.
    pub(super) what: String,
    /// Its colour.
    pub(super) tone: Tone,
}

impl Event {
    fn new(at: f64, rank: u8, who: &str, what: String, tone: Tone) -> Self {
        Self {
            order: (at, rank),
            when: format!("{}{}", if at < 0.0 { "" } else { "+" }, seconds(at)),
            who: clip(who, 40),
            what,
            tone,
        }
    }

    /// A line without a time, at the end.
    fn last(who: &str, what: String, tone: Tone) -> Self {
        Self {
            when: String::new(),
            ..Self::new(f64::INFINITY, 9, who, what, tone)
        }
    }

    /// How wide the columns before the prose are.
    pub(super) fn side_width(events: &[Self]) -> usize {
        let widest = |text: fn(&Self) -> &str| events.iter().map(|e| text(e).width()).max().unwrap_or(0);
        widest(|e| &e.when) + widest(|e| &e.who)
    }
}

/// One line of a run's timeline, for whoever draws it himself.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct TimelineEvent {
    /// Seconds after the first byte sent; null for what has no time, which stands at the end.
    pub seconds: Option<f64>,
    /// The same as people read it; empty where it has no time.
    pub when: String,
    /// Where: a channel, or a step of landfall's own.
    pub who: String,
    /// What.
    pub what: String,
    /// How it is meant: `plain`, `good`, `warn`, `bad`, `blind`.
    pub tone: String,
}

/// What happened to a run, in order, as [`super::timeline`] draws it.
#[must_use]
pub fn timeline_events(run: &RunRecord) -> Vec<TimelineEvent> {
    let told = |event: Event| TimelineEvent {
        seconds: Some(event.order.0).filter(|at| at.is_finite()),
        when: event.when,
        who: event.who,
        what: event.what,
        tone: event.tone.word().to_owned(),
    };
    of(run).into_iter().map(told).collect()
}

/// Everything of a run, in order.
pub(super) fn of(run: &RunRecord) -> Vec<Event> {
    let mut events = vec![fired(run)];
    events.extend(accepted(run));
    events.extend(run.observations.iter().take(LISTED).map(|o| seen(run, o)));
    for expectation in &run.expectations {
        limits(run, expectation, &mut events);
    }
    events.sort_by(|a, b| a.order.0.total_cmp(&b.order.0).then(a.order.1.cmp(&b.order.1)));
    let unlisted = run.observations.len().saturating_sub(LISTED) as u64;
    if unlisted > 0 {
        let what = format!(
            "… and {}: `--format json` has all",
            count(unlisted, "more observation")
        );
        events.push(Event::last("seen", what, Tone::Plain));
    }
    events.extend(facts(run));
    events.push(verdict(run));
    for change in &run.amendments {
        let (from, to) = (change.from.word(), change.to.word());
        let what = format!(
            "{from} → {to} at {}: {}",
            clip(&change.at, 40),
            piece(&change.reason)
        );
        events.push(Event::last("amended", what, Tone::Warn));
    }
    events
}

/// People read milliseconds.
fn to_millis(instant: &str) -> String {
    Moment::from_rfc3339(instant).map_or_else(|| instant.to_owned(), Moment::to_rfc3339)
}

fn fired(run: &RunRecord) -> Event {
    let Some(sent) = &run.sent else {
        let what = String::from("nobody knows whether the request left");
        return Event {
            order: (f64::NEG_INFINITY, 0),
            when: String::new(),
            ..Event::last("fired", what, Tone::Blind)
        };
    };
    let lag = run.lag.map_or_else(String::new, |lag| {
        if lag < 0.0 {
            format!(", {} before it was due", seconds(-lag))
        } else {
            format!(", {} after it was due", seconds(lag))
        }
    });
    Event::new(
        0.0,
        0,
        "fired",
        format!("at {}{lag}", clip(&to_millis(sent), 40)),
        Tone::Plain,
    )
}

fn accepted(run: &RunRecord) -> Option<Event> {
    let layer = run.layers.accepted;
    let at = layer.seconds?.1;
    let mut what = state(layer.state).to_owned();
    let status = run.response.as_ref().and_then(|r| r.get("status"));
    if let Some(status) = status.and_then(serde_json::Value::as_i64) {
        what.push_str(&format!(", status {status}"));
    } else if layer.state == LayerState::No && !run.reason.is_empty() {
        what.push_str(&format!(", {}", piece(&run.reason)));
    } else if layer.state == LayerState::Unknown {
        let error = run
            .response
            .as_ref()
            .and_then(|r| r.get("error"))
            .and_then(serde_json::Value::as_str);
        what.push_str(&format!(
            ", no whole answer{}",
            error.map_or_else(String::new, |e| format!(" ({})", piece(e)))
        ));
    }
    let timings = &run.timings;
    let parts: Vec<String> = [
        ("dns", timings.dns),
        ("connect", timings.connect),
        ("tls", timings.tls),
        ("first byte", timings.first_byte),
        ("total", timings.total),
    ]
    .into_iter()
    .filter_map(|(name, part)| Some(format!("{name} {}", seconds(part?))))
    .collect();
    if !parts.is_empty() {
        what.push_str(&format!(" ({})", parts.join(", ")));
    }
    let tone = match layer.state {
        LayerState::Yes => Tone::Plain,
        LayerState::No => Tone::Bad,
        LayerState::Unknown | LayerState::Undeclared => Tone::Blind,
    };
    Some(Event::new(at, 1, "accepted", what, tone))
}

fn seen(run: &RunRecord, observation: &ObservationRecord) -> Event {
    let Seconds(lo, hi) = observation.seconds;
    let summary = piece(&observation.summary);
    let mut parts = vec![if summary.is_empty() {
        String::from("something arrived")
    } else {
        summary
    }];
    if hi - lo >= 0.0005 {
        parts.push(format!("not before {}", seconds(lo)));
    }
    for name in &observation.met {
        let of = run.expectations.iter().find(|e| e.name == *name);
        let limit = of.map_or_else(String::new, |e| format!(" (within {})", seconds(e.within)));
        parts.push(format!("meets `{}`{limit}", clip(name, 80)));
    }
    if observation.met.is_empty() {
        parts.push(String::from("meets nothing"));
    }
    if observation.attempts > 1 {
        parts.push(format!("{} attempts", observation.attempts));
    }
    if observation.redelivered {
        parts.push(String::from("redelivered"));
    }
    if observation.automatic {
        parts.push(String::from("an automatic answer"));
    }
    Event::new(hi, 2, &observation.channel, parts.join("; "), Tone::Plain)
}

/// The limits of an expectation that was not simply met.
fn limits(run: &RunRecord, expectation: &ExpectationRecord, events: &mut Vec<Event>) {
    let counts = matches!(expectation.layer, Layer::Executed | Layer::Outcome);
    let (name, state) = (clip(&expectation.name, 80), expectation.state);
    let forbidden = state == ExpectationState::Met && expectation.seconds.is_none();
    if !counts || state == ExpectationState::Duplicate || (state == ExpectationState::Met && !forbidden) {
        return;
    }
    let end = expectation.within + expectation.grace;
    let why = match (expectation.reason.as_str(), forbidden) {
        ("", true) => String::from(": nothing more than may arrive"),
        ("", false) => String::new(),
        (reason, _) => format!(": {}", piece(reason)),
    };
    let channel = &expectation.channel;
    let tone = match state {
        ExpectationState::Met => Tone::Plain,
        ExpectationState::Late | ExpectationState::Duplicate => Tone::Warn,
        ExpectationState::Blind => Tone::Blind,
        ExpectationState::Mismatched | ExpectationState::Unwanted | ExpectationState::Lost => Tone::Bad,
    };
    let arrived = expectation.seconds.map(|s| s.1);
    // Ended before its limits: by the system's own word, early, or without anybody knowing when it began.
    if state == ExpectationState::Blind || run.class == Class::Failed || run.sent.is_none() {
        let what = format!(
            "`{name}` (within {}) not decided{why}",
            seconds(expectation.within)
        );
        events.push(Event::last(channel, what, tone));
        return;
    }
    let mut limit = |at: f64, rank: u8, what: String, tone: Tone| {
        events.push(Event::new(at, rank, channel, what, tone));
    };
    match (state, arrived) {
        (ExpectationState::Unwanted, _) => {
            limit(end, 4, format!("`{name}` must not arrive until here{why}"), tone);
        }
        (ExpectationState::Late, Some(at)) if at <= end => {
            limit(expectation.within, 3, format!("limit of `{name}`{why}"), tone);
        }
        _ if expectation.grace > 0.0 => {
            limit(expectation.within, 3, format!("limit of `{name}`"), Tone::Warn);
            limit(end, 4, format!("end of grace of `{name}`{why}"), tone);
        }
        _ => limit(end, 4, format!("limit of `{name}`, no grace{why}"), tone),
    }
}

/// What has no time and may explain.
fn facts(run: &RunRecord) -> Vec<Event> {
    let mut facts = Vec::new();
    if insecure(run) {
        let what = String::from("certificates were not checked (`insecure: true`)");
        facts.push(Event::last("tls", what, Tone::Warn));
    }
    if !run.path.is_empty() {
        let hops: Vec<&str> = run.path.iter().map(|h| h.hop.as_str()).collect();
        facts.push(Event::last("path", piece(&hops.join(" → ")), Tone::Plain));
    }
    if !run.attributes.is_empty() {
        let pairs: Vec<String> = run.attributes.iter().map(|(k, v)| format!("{k}={v}")).collect();
        facts.push(Event::last("attributes", piece(&pairs.join(", ")), Tone::Plain));
    }
    facts
}

fn verdict(run: &RunRecord) -> Event {
    let word = run.class.word();
    let what = if run.reason.is_empty() {
        word.to_owned()
    } else {
        format!("{word}: {}", piece(&run.reason))
    };
    Event::last("verdict", what, Tone::of(run.class))
}
