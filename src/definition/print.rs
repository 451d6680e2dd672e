//! The expanded set: what was loaded, with references resolved and overrides in place. Masking is the caller's.

use serde_json::{Map, Value, json};

use super::build::Settings;
use super::node::{Data, Node};
use crate::model::Lapse;
use crate::store;

/// A node as a value, secrets in place.
pub(super) fn value(node: &Node) -> Value {
    match &node.data {
        Data::Null => Value::Null,
        Data::Bool(v) => (*v).into(),
        Data::Int(v) => (*v).into(),
        Data::UInt(v) => (*v).into(),
        Data::Float(v) => (*v).into(),
        Data::Text(text) => text
            .resolved
            .as_ref()
            .map_or(&text.written, |r| &r.plain)
            .as_str()
            .into(),
        Data::List(items) => items.iter().map(value).collect(),
        Data::Map(entries) => Value::Object(
            entries
                .iter()
                .map(|(key, n)| (key.text.clone(), value(n)))
                .collect(),
        ),
    }
}

/// `landfall.yaml` with its defaults, and every probe by file.
pub(super) fn workspace(root: Option<&Node>, settings: &Settings, probes: Vec<(String, Value)>) -> Value {
    let mut workspace = match root.map(value) {
        Some(Value::Object(entries)) => entries,
        _ => Map::new(),
    };
    workspace.insert(
        String::from("store"),
        match &settings.store {
            store::Location::Memory => json!("memory"),
            store::Location::Sqlite(path) => json!(format!("sqlite:{}", path.display())),
        },
    );
    workspace.insert(String::from("listen"), json!(settings.listen.to_string()));
    workspace.insert(String::from("location"), json!(settings.location.as_ref()));
    let kept = settings.retention;
    workspace.insert(
        String::from("retention"),
        json!({ "runs": Lapse(kept.runs), "failures": Lapse(kept.failures), "rollups": Lapse(kept.rollups) }),
    );
    if !settings.vars.is_empty() {
        workspace.insert(String::from("vars"), Value::Object(settings.vars.clone()));
    }
    let probes: Map<String, Value> = probes.into_iter().collect();
    json!({ "workspace": workspace, "probes": probes })
}
