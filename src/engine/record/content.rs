//! What a probe says of a run's contents: path, fingerprint, and the values they are made of.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::definition::Fingerprint;
use crate::engine::evaluate::seen;
use crate::engine::live::Live;
use crate::lifecycle::{Arrival, Run};
use crate::model::{Class, Hop};

/// The first observation that held, under the name of its channel as the probe calls it, and under the name of each
/// expectation that it met.
pub(super) fn firsts(run: &Run, live: &Live) -> Map<String, Value> {
    let first = |wanted: &dyn Fn(&Arrival) -> bool| {
        let held = run.arrivals.iter().filter(|a| wanted(a));
        let first = held.min_by_key(|a| (a.at.hi, a.observation))?;
        live.observations
            .get(&first.observation)
            .map(|o| seen(o, run.sent))
    };
    let named = run
        .leg
        .expectations
        .iter()
        .enumerate()
        .map(|(i, e)| (&e.name, first(&|a| a.held >> i & 1 == 1)));
    let channels = live.def.channel_names.iter();
    let channels = channels.map(|(name, id)| (name, first(&|a| a.channel == *id && a.held != 0)));
    // A channel's name stands for the channel, also where an expectation bears it.
    named
        .chain(channels)
        .map(|(name, value)| (name.clone(), value.unwrap_or(Value::Null)))
        .collect()
}

/// The hops that `path:` names: texts, or entries of a list such as a mail's `received`.
pub(super) fn path(live: &Live, firsts: &Map<String, Value>) -> Vec<Hop> {
    let mut hops = Vec::new();
    for expr in &live.def.path {
        let hop = |value: &Value| Hop {
            hop: value
                .get("by")
                .or_else(|| value.get("from"))
                .map_or_else(|| plain(value), plain),
            source: expr.source.clone(),
            seconds: value.get("seconds").and_then(Value::as_f64),
        };
        match live.scope.value(expr, firsts).ok().flatten() {
            None | Some(Value::Null) => {}
            Some(Value::Array(items)) => hops.extend(items.iter().map(hop)),
            Some(value) => hops.push(hop(&value)),
        }
    }
    hops
}

/// Digest of the class and of what the probe calls the same outcome; an absent value is *absent*.
pub(super) fn fingerprint(
    what: &Fingerprint,
    class: Class,
    live: &Live,
    firsts: &Map<String, Value>,
) -> String {
    let mut parts: BTreeMap<String, Value> = BTreeMap::new();
    match what {
        Fingerprint::Fields(exprs) => {
            for expr in exprs {
                let value = live.scope.value(expr, firsts).ok().flatten();
                parts.insert(
                    expr.source.clone(),
                    value.unwrap_or_else(|| Value::from("absent")),
                );
            }
        }
        Fingerprint::All { except } => {
            for (channel, content) in firsts {
                flatten(channel, content, &mut parts);
            }
            parts.retain(|place, _| {
                !except
                    .iter()
                    .any(|e| place == e || place.starts_with(&format!("{e}.")))
            });
            parts.retain(|place, _| !place.ends_with(".seconds"));
        }
    }
    let masked = serde_json::to_string(&(class, parts))
        .unwrap_or_default()
        .replace(live.token.as_str(), "TOKEN");
    blake3::hash(masked.as_bytes()).to_hex()[..16].to_owned()
}

fn flatten(place: &str, value: &Value, out: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(map) => map
            .iter()
            .for_each(|(k, v)| flatten(&format!("{place}.{k}"), v, out)),
        leaf => {
            out.insert(place.to_owned(), leaf.clone());
        }
    }
}

/// A value as people read it: strings bare.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
