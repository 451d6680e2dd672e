//! Which version of a probe a run belongs to.

use std::collections::{BTreeMap, BTreeSet};

use super::plan::LegPlan;
use super::shared::Shared;
use crate::definition::node::{Data, Node};
use crate::definition::probe::Digest;

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
    let mut part = |label: &str, text: &str| part(&mut hasher, label, text);
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

/// A digest of all that a probe is, however little it matters: when it fires and whom it tells, the channels and
/// variables that it names, and what its secrets hold. Where two are the same, nothing has to be done anew.
pub(super) fn content(
    root: &Node,
    plans: &[LegPlan<'_>],
    named: (&BTreeSet<String>, &BTreeSet<String>),
    whole_vars: bool,
    shared: &Shared,
) -> Digest {
    let (variables, channels) = named;
    let mut hasher = blake3::Hasher::new();
    part(&mut hasher, "probe", &resolved(root));
    let waited = plans.iter().flat_map(|plan| shared.names(plan, channels));
    let waited: BTreeSet<(String, usize)> = waited.map(|(name, id)| (name, usize::from(id.0))).collect();
    for (name, id) in waited {
        if let Some(channel) = shared.channels.get(id) {
            part(&mut hasher, &name, &channel.name.value);
            hasher.update(&channel.digest);
        }
    }
    let of_vars = shared.contents.vars.iter();
    for (name, value) in of_vars.filter(|(name, _)| whole_vars || variables.contains(*name)) {
        part(&mut hasher, name, value);
    }
    part(&mut hasher, "workspace", &shared.contents.common);
    *hasher.finalize().as_bytes()
}

/// What `landfall.yaml` says, secrets resolved: what tells whether two workspaces mean the same.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    /// Each variable.
    vars: BTreeMap<String, String>,
    /// What every probe takes from it.
    common: String,
}

/// What each probe takes from `landfall.yaml`, but for its channels and variables.
const COMMON: &[&str] = &["defaults", "maintenance", "allow_exec"];

impl Contents {
    /// Of the file, with the variables that were overridden.
    pub(super) fn new(root: Option<&Node>, overridden: impl Iterator<Item = (String, String)>) -> Self {
        let Some(root) = root else {
            return Self::default();
        };
        let mut common = String::new();
        for key in COMMON {
            if let Some(node) = root.get(key) {
                common.push_str(key);
                write(node, &mut common, true);
            }
        }
        // Who is told by default are all that there are.
        for (key, _) in root.get("alerts").map(Node::entries).unwrap_or_default() {
            common.push_str(&key.text);
            common.push(',');
        }
        let vars = root.get("vars").map(Node::entries).unwrap_or_default();
        let vars = vars
            .iter()
            .map(|(key, value)| (key.text.clone(), resolved(value)));
        Self {
            vars: vars.chain(overridden).collect(),
            common,
        }
    }
}

/// The digest of a channel or a destination as it is written, its secrets resolved, with all variables: its settings
/// may name any.
pub(super) fn settings_digest(node: Option<&Node>, contents: &Contents) -> Digest {
    let mut hasher = blake3::Hasher::new();
    let text = node.map(resolved).unwrap_or_default();
    part(&mut hasher, "settings", &text);
    let named = contents
        .vars
        .iter()
        .filter(|(name, _)| text.contains(name.as_str()));
    for (name, value) in named {
        part(&mut hasher, name, value);
    }
    *hasher.finalize().as_bytes()
}

fn part(hasher: &mut blake3::Hasher, label: &str, text: &str) {
    for piece in [label, text] {
        hasher.update(&u64::try_from(piece.len()).unwrap_or(u64::MAX).to_le_bytes());
        hasher.update(piece.as_bytes());
    }
}

/// A value with its keys sorted and its secrets by reference.
pub(crate) fn canonical(node: &Node) -> String {
    let mut out = String::new();
    write(node, &mut out, false);
    out
}

/// The same with what its secrets hold.
fn resolved(node: &Node) -> String {
    let mut out = String::new();
    write(node, &mut out, true);
    out
}

fn write(node: &Node, out: &mut String, secrets: bool) {
    match &node.data {
        Data::Null => out.push_str("null"),
        Data::Bool(v) => out.push_str(if *v { "true" } else { "false" }),
        Data::Int(v) => out.push_str(&v.to_string()),
        Data::UInt(v) => out.push_str(&v.to_string()),
        Data::Float(v) => out.push_str(&v.to_string()),
        Data::Text(text) => {
            let resolved = text.resolved.as_ref().filter(|_| secrets);
            let text = resolved.map_or(text.written.as_str(), |resolved| &resolved.plain);
            out.push_str(&serde_json::Value::from(text).to_string());
        }
        Data::List(items) => {
            out.push('[');
            for item in items {
                write(item, out, secrets);
                out.push(',');
            }
            out.push(']');
        }
        Data::Map(_) => {
            out.push('{');
            for (key, value) in sorted(node) {
                out.push_str(&serde_json::Value::from(key).to_string());
                out.push(':');
                write(value, out, secrets);
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
