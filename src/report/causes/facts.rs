//! What one record says that may count, each thing by when it became known.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::table::Kind;
use crate::model::{
    ExpectationRecord, ExpectationState, Hop, Layer, LayerState, ObservationRecord, RunRecord,
};
use crate::report::words::{clip, flag};

/// Who takes facts in.
pub(super) trait Sink {
    /// The value of an attribute; of several for one run the first.
    fn value(&mut self, kind: Kind, group: &str, name: &str, value: &str);
    /// It has another value later in the same run.
    fn changing(&mut self, kind: Kind, group: &str, name: &str);
    /// A number; finite.
    fn number(&mut self, name: &'static str, value: f64);
    /// Something that the run showed.
    fn sign(&mut self, sign: String);
}

/// A run to take facts of.
pub(super) struct Facts<'a> {
    run: &'a RunRecord,
}

/// How an attribute reads whose expression found nothing.
const ABSENT: &str = "absent";
/// Attributes of a trigger that say what the answer was, not who gave it.
const VERDICTS: [&str; 3] = ["reply", "signal", "body"];
/// Headers that differ from answer to answer whatever happened.
const PASSING: [&str; 9] = [
    "age",
    "content-length",
    "date",
    "etag",
    "expires",
    "last-modified",
    "retry-after",
    "server-timing",
    "set-cookie",
];
/// Parts of an observation that are its content, or its time, and no attribute.
const CONTENT: [&str; 12] = [
    "attachments",
    "body",
    "date",
    "headers",
    "html",
    "path",
    "query",
    "raw",
    "received",
    "seconds",
    "subject",
    "text",
];
/// Parts of an observation whose fields are looked at.
const PARTS: [&str; 3] = ["row", "json", "auth"];
/// Hops of one chain that are looked at one by one.
const HOPS: usize = 16;

impl<'a> Facts<'a> {
    pub(super) const fn of(run: &'a RunRecord) -> Self {
        Self { run }
    }

    /// Tells them all.
    pub(super) fn tell(&self, to: &mut impl Sink) {
        self.settings(to);
        self.answer(to);
        self.path(to);
        self.seen(to);
        self.signs(to);
    }

    fn settings(&self, to: &mut impl Sink) {
        let run = self.run;
        for (name, value) in [
            ("route", &run.route),
            ("input", &run.input),
            ("probe", &run.probe),
            ("location", &run.location),
            ("revision", &run.revision),
        ] {
            to.value(Kind::Setting, "", name, value);
        }
        for (name, value) in &run.attributes {
            let known = !value.is_empty() && value != ABSENT;
            if known && VERDICTS.contains(&name.as_str()) {
                to.value(Kind::Verdict, "", name, value);
            } else if known {
                to.value(Kind::Attribute, "", name, value);
            }
        }
        if let Some(lag) = run.lag.filter(|lag| lag.is_finite()) {
            to.number("lag", lag);
        }
    }

    fn answer(&self, to: &mut impl Sink) {
        let run = self.run;
        if let Some(status) = self.status() {
            to.value(Kind::Verdict, "", "status", &status.to_string());
        }
        let timings = &run.timings;
        if let Some(total) = timings.total.filter(|t| t.is_finite()) {
            to.number("answer time", total);
            let kept = if timings.connect.is_some() { "new" } else { "kept" };
            to.value(Kind::Verdict, "", "connection", kept);
        }
        let headers = run.response.as_ref().and_then(|r| r.get("headers")?.as_object());
        for (name, value) in headers.into_iter().flatten() {
            if let Some(value) = value.as_str()
                && !PASSING.contains(&name.as_str())
            {
                to.value(Kind::Header, "", name, value);
            }
        }
    }

    fn status(&self) -> Option<i64> {
        let response = self.run.response.as_ref();
        response.and_then(|r| r.get("status")).and_then(Value::as_i64)
    }

    /// Each entry of `path:` is an attribute, its hops in order; of a chain each hop too. Without `path:` the way of each
    /// mail is taken from the mail.
    fn path(&self, to: &mut impl Sink) {
        let mut by_source: BTreeMap<&str, Vec<&Hop>> = BTreeMap::new();
        for hop in &self.run.path {
            by_source.entry(&hop.source).or_default().push(hop);
        }
        let mut answered = Vec::new();
        for (source, hops) in &by_source {
            let kind = if source.starts_with("response.") {
                answered.push(chain(hops.iter().map(|h| h.hop.as_str())));
                Kind::AnswerPath
            } else {
                Kind::SeenPath
            };
            tell_chain(kind, source, hops.iter().map(|h| h.hop.as_str()), to);
        }
        if answered.len() > 1 {
            to.value(Kind::AnswerPath, "of the answer", "", &answered.join(" → "));
        }
        if by_source.keys().any(|source| source.ends_with("received")) {
            return;
        }
        for (name, observation) in self.met() {
            let received = observation.seen.get("received").and_then(Value::as_array);
            let by = |hop: &'a Value| hop.get("by").or_else(|| hop.get("from"))?.as_str();
            let hops: Vec<&str> = received.into_iter().flatten().filter_map(by).collect();
            if !hops.is_empty() {
                tell_chain(Kind::SeenPath, name, hops.into_iter(), to);
            }
        }
    }

    /// Of each expectation that was met, the first observation that met it.
    fn met(&self) -> impl Iterator<Item = (&'a str, &'a ObservationRecord)> {
        let run = self.run;
        let counts = |e: &&ExpectationRecord| matches!(e.layer, Layer::Executed | Layer::Outcome);
        run.expectations.iter().filter(counts).filter_map(|expectation| {
            let met = run
                .observations
                .iter()
                .filter(|o| o.met.contains(&expectation.name));
            let first = met.min_by(|a, b| a.seconds.1.total_cmp(&b.seconds.1))?;
            Some((expectation.name.as_str(), first))
        })
    }

    fn seen(&self, to: &mut impl Sink) {
        for (name, observation) in self.met() {
            leaves(&observation.seen, &mut |field, value| {
                to.value(Kind::Seen, name, field, value);
            });
            // What a row or a resource changes while it is watched is the progress of the run, not a cause of its end.
            let later = self.run.observations.iter().filter(|o| {
                o.channel == observation.channel && !std::ptr::eq(*o, observation) && is_state(o)
            });
            for other in later {
                leaves(&other.seen, &mut |field, value| {
                    if leaf(&observation.seen, field).is_some_and(|own| own != value) {
                        to.changing(Kind::Seen, name, field);
                    }
                });
            }
        }
    }

    fn signs(&self, to: &mut impl Sink) {
        let run = self.run;
        to.sign(format!("class {}", run.class.word()));
        for expectation in &run.expectations {
            let name = clip(&expectation.name, 80);
            match (expectation.layer, expectation.state) {
                (_, ExpectationState::Met) | (Layer::Executed | Layer::Receipt, _) => {}
                (_, state) => to.sign(format!("outcome `{name}` {}", state.word())),
            }
        }
        match (run.layers.executed.state, &run.stopped_after) {
            (LayerState::No, Some(step)) => to.sign(format!("stopped after step '{}'", clip(step, 80))),
            (LayerState::No, None) => to.sign(String::from("no step reached")),
            _ => {}
        }
        match self.status() {
            Some(status) => to.sign(format!("answer status {status}")),
            None => to.sign(String::from("no whole answer")),
        }
        for one in &run.flags {
            to.sign(format!("flag {}", flag(*one)));
        }
    }
}

/// A row or a resource, which is looked at again and may change; not an event.
fn is_state(observation: &ObservationRecord) -> bool {
    observation.seen.get("row").is_some() || observation.seen.get("status").is_some()
}

fn chain<'a>(hops: impl Iterator<Item = &'a str>) -> String {
    hops.collect::<Vec<_>>().join(" → ")
}

fn tell_chain<'a>(kind: Kind, source: &str, hops: impl Iterator<Item = &'a str> + Clone, to: &mut impl Sink) {
    to.value(kind, source, "", &chain(hops.clone()));
    if hops.clone().nth(1).is_some() {
        for hop in hops.take(HOPS) {
            to.value(kind, source, hop, "on the way");
        }
    }
}

/// The plain fields of an observation that may tell one from another: those at its top, and those of a row, of a JSON body and
/// of what the receiving mail server found.
fn leaves(seen: &Value, told: &mut dyn FnMut(&str, &str)) {
    let Some(seen) = seen.as_object() else { return };
    for (name, value) in seen.iter().filter(|(name, _)| !CONTENT.contains(&name.as_str())) {
        match value {
            Value::Object(part) if PARTS.contains(&name.as_str()) => fields(name, part, told),
            value => plain(value, &mut |text| told(name, text)),
        }
    }
}

fn fields(part: &str, of: &Map<String, Value>, told: &mut dyn FnMut(&str, &str)) {
    for (name, value) in of {
        plain(value, &mut |text| told(&format!("{part}.{name}"), text));
    }
}

fn plain(value: &Value, told: &mut dyn FnMut(&str)) {
    match value {
        Value::String(text) if !text.is_empty() => told(text),
        Value::Bool(_) | Value::Number(_) => told(&value.to_string()),
        _ => {}
    }
}

/// The field of that name, as [`leaves`] tells it.
fn leaf(seen: &Value, field: &str) -> Option<String> {
    let value = match field.split_once('.') {
        Some((part, name)) => seen.get(part)?.get(name)?,
        None => seen.get(field)?,
    };
    let mut found = None;
    plain(value, &mut |text| found = Some(text.to_owned()));
    found
}
