//! Which version of a probe a run belongs to.

use std::collections::BTreeSet;

use super::plan::LegPlan;
use super::shared::Shared;
use crate::definition::node::{Data, Node};

/// Keys that change how a probe is shown or when it fires, never what a run means.
const ASIDE: &[&str] = &[
    "alerts",
    "description",
    "enabled",
    "schedule",
    "limits",
    "objective",
    "labels",
];

/// Symbols of a revision: 64 bits, enough to tell versions of one probe apart.
const LENGTH: usize = 16;

/// A digest of everything that changes what a run means: the probe, the channels it waits on, the variables it names
/// and the defaults it takes. Order of keys, comments and the values of secrets do not count.
pub(super) fn revision(
    root: &Node,
    plans: &[LegPlan<'_>],
    names: &BTreeSet<String>,
    shared: &Shared,
) -> String {
    let mut hasher = blake3::Hasher::new();
    let mut part = |label: &str, text: &str| {
        for piece in [label, text] {
            hasher.update(&u64::try_from(piece.len()).unwrap_or(u64::MAX).to_le_bytes());
            hasher.update(piece.as_bytes());
        }
    };
    for (key, value) in sorted(root) {
        if !ASIDE.contains(&key) {
            part(key, &canonical(value));
        }
    }
    let channels: BTreeSet<usize> = plans.iter().flat_map(|plan| shared.used_by(plan)).collect();
    for id in channels {
        if let (Some(channel), Some(written)) = (shared.channels.get(id), shared.written.get(id)) {
            part(&channel.name.value, written);
        }
    }
    for (name, written) in shared
        .written_vars
        .iter()
        .filter(|(name, _)| names.contains(*name))
    {
        part(name, written);
    }
    let defaults = &shared.defaults;
    part(
        "within",
        &format!("{:?}", defaults.within.as_ref().map(|d| d.value)),
    );
    part(
        "grace",
        &format!("{:?}", defaults.grace.as_ref().map(|d| d.value)),
    );
    part(
        "settle",
        &format!("{:?}", defaults.settle.as_ref().map(|d| d.value)),
    );
    part(
        "timeout",
        &format!("{:?}", defaults.timeout.as_ref().map(|d| d.value)),
    );
    hasher.finalize().to_hex().chars().take(LENGTH).collect()
}

/// A value with its keys sorted and its secrets by reference.
pub(crate) fn canonical(node: &Node) -> String {
    let mut out = String::new();
    write(node, &mut out);
    out
}

fn write(node: &Node, out: &mut String) {
    match &node.data {
        Data::Null => out.push_str("null"),
        Data::Bool(v) => out.push_str(if *v { "true" } else { "false" }),
        Data::Int(v) => out.push_str(&v.to_string()),
        Data::UInt(v) => out.push_str(&v.to_string()),
        Data::Float(v) => out.push_str(&v.to_string()),
        Data::Text(text) => out.push_str(&serde_json::Value::from(text.written.as_str()).to_string()),
        Data::List(items) => {
            out.push('[');
            for item in items {
                write(item, out);
                out.push(',');
            }
            out.push(']');
        }
        Data::Map(_) => {
            out.push('{');
            for (key, value) in sorted(node) {
                out.push_str(&serde_json::Value::from(key).to_string());
                out.push(':');
                write(value, out);
                out.push(',');
            }
            out.push('}');
        }
    }
}

fn sorted(node: &Node) -> Vec<(&str, &Node)> {
    let mut entries: Vec<(&str, &Node)> = node.entries().iter().map(|(k, v)| (k.text.as_str(), v)).collect();
    entries.sort_by_key(|(key, _)| *key);
    entries
}
