//! The lists of kinds against the files, and what each kind says of itself. (That their examples load is tested with
//! the definitions.)

use std::collections::BTreeSet;
use std::fs;

use landfall::{channel, trigger};
use schemars::SchemaGenerator;
use serde_json::Value;

use super::root;

/// The modules of kinds in a folder: its files and folders but `mod` and `shared`.
pub(super) fn modules(folder: &str) -> BTreeSet<String> {
    fs::read_dir(root().join("src").join(folder))
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().file_stem().unwrap().to_string_lossy().into_owned())
        .filter(|name| name != "mod" && name != "shared")
        .collect()
}

#[test]
fn each_file_is_in_its_list_and_each_entry_has_a_file() {
    let channels: BTreeSet<String> = channel::FACTS.iter().map(|f| f.module.to_owned()).collect();
    assert_eq!(channels, modules("channel"));
    let triggers: BTreeSet<String> = trigger::FACTS.iter().map(|f| f.module.to_owned()).collect();
    assert_eq!(triggers, modules("trigger"));
    assert_eq!(
        channel::FACTS.len(),
        channels.len(),
        "a kind stands in the list once"
    );
    assert_eq!(
        trigger::FACTS.len(),
        triggers.len(),
        "a kind stands in the list once"
    );
}

#[test]
fn every_field_of_a_kind_is_described() {
    let all = channel::FACTS
        .iter()
        .map(|f| (f.name, f.schema))
        .chain(trigger::FACTS.iter().map(|f| (f.name, f.schema)));
    let mut bare = Vec::new();
    for (name, schema) in all {
        let mut generator = SchemaGenerator::default();
        let own = schema(&mut generator).to_value();
        let shared = Value::Object(generator.take_definitions(true));
        undescribed(&own, &shared, name, &mut bare);
        undescribed(&shared, &shared, name, &mut bare);
    }
    assert!(bare.is_empty(), "without a doc comment:\n{}", bare.join("\n"));
}

#[test]
fn a_field_without_words_would_be_found() {
    let schema =
        serde_json::json!({ "properties": { "said": { "description": "x" }, "bare": {}, "two": {} } });
    let mut bare = Vec::new();
    undescribed(&schema, &Value::Null, "planted", &mut bare);
    assert_eq!(bare, ["  planted: bare", "  planted: two"]);
}

/// The properties that no words describe: neither their own, nor those of the type they are, nor, for a variant's
/// one key, those of the variant.
fn undescribed(schema: &Value, shared: &Value, at: &str, bare: &mut Vec<String>) {
    let described = |schema: &Value| schema.get("description").is_some_and(Value::is_string);
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        let variant = properties.len() == 1 && described(schema);
        for (name, property) in properties {
            let reference = property.get("$ref").and_then(Value::as_str).unwrap_or_default();
            let target = reference.rsplit('/').next().and_then(|name| shared.get(name));
            if !described(property) && !variant && !target.is_some_and(described) {
                bare.push(format!("  {at}: {name}"));
            }
        }
    }
    match schema {
        Value::Object(members) => {
            let inner = members
                .iter()
                .filter(|(key, _)| *key != "default" && *key != "examples");
            for (key, value) in inner {
                undescribed(value, shared, &format!("{at}.{key}"), bare);
            }
        }
        Value::Array(items) => {
            for item in items {
                undescribed(item, shared, at, bare);
            }
        }
        _ => {}
    }
}
