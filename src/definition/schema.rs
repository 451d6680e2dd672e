//! JSON Schemas of definitions, derived from the types that decode them: for editors, and for the reference.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::raw::{RawProbe, RawWorkspace};
use crate::alert::destination;
use crate::{channel, trigger};

/// What a schema describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchemaKind {
    /// A file under `probes/`.
    Probe,
    /// `landfall.yaml`.
    Workspace,
}

impl SchemaKind {
    /// Every schema.
    pub const ALL: [Self; 2] = [Self::Probe, Self::Workspace];

    /// Its name on the command line and in file names.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Probe => "probe",
            Self::Workspace => "workspace",
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::Probe => "A probe of landfall: a file under probes/",
            Self::Workspace => "A workspace of landfall: landfall.yaml",
        }
    }

    /// The JSON Schema, draft 2020-12.
    #[must_use]
    pub fn schema(self) -> Value {
        let schema = match self {
            Self::Probe => of::<RawProbe>(),
            Self::Workspace => of::<RawWorkspace>(),
        };
        headed(schema, self.word(), self.title())
    }

    /// The same as indented text.
    #[must_use]
    pub fn text(self) -> String {
        text(&self.schema())
    }
}

/// The schema of what landfall writes, from that of its types.
#[must_use]
pub fn of_output(schema: Value, word: &str, title: &str) -> Value {
    headed(tidy_output(schema), word, title)
}

/// A schema as indented text.
#[must_use]
pub fn text(schema: &Value) -> String {
    // Maps with string keys always serialise.
    serde_json::to_string_pretty(schema).unwrap_or_default() + "\n"
}

fn headed(mut schema: Value, word: &str, title: &str) -> Value {
    if let Some(root) = schema.as_object_mut() {
        let rest = std::mem::take(root);
        root.insert(
            "$schema".into(),
            "https://json-schema.org/draft/2020-12/schema".into(),
        );
        root.insert("$id".into(), format!("urn:landfall:{word}").into());
        root.insert("title".into(), title.into());
        for (key, value) in rest {
            root.entry(key).or_insert(value);
        }
    }
    schema
}

/// The schema of a type that is decoded from a definition.
pub(super) fn of<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12();
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    walk(&mut schema, &mut tidy);
    name_definitions(&mut schema);
    schema
}

/// The words of an enum of plain words, with a sentence each.
pub(super) fn words<T: JsonSchema>() -> Vec<(String, String)> {
    constants(&of::<T>())
}

/// The plain words that a schema takes, with a sentence each.
pub(super) fn constants(schema: &Value) -> Vec<(String, String)> {
    let described = |one: &Value| {
        let word = one.get("const")?;
        let word = word.as_str().map_or_else(|| word.to_string(), str::to_owned);
        let sentence = one.get("description").and_then(Value::as_str).unwrap_or_default();
        Some((word, sentence.to_owned()))
    };
    let plain = |words: &Value| {
        let words = words.as_array()?;
        Some(
            words
                .iter()
                .filter_map(|w| Some((w.as_str()?.to_owned(), String::new())))
                .collect(),
        )
    };
    if let Some(words) = schema.get("enum").and_then(plain) {
        return words;
    }
    let choices = schema.get("oneOf").and_then(Value::as_array);
    choices.into_iter().flatten().filter_map(described).collect()
}

/// Calls `change` for every schema within, the innermost first. Only places that hold schemas are entered, so that a
/// default or an example is never taken for one.
fn walk(schema: &mut Value, change: &mut impl FnMut(&mut Map<String, Value>)) {
    let Some(object) = schema.as_object_mut() else {
        return;
    };
    for key in ["properties", "$defs"] {
        let below = object.get_mut(key).and_then(Value::as_object_mut);
        below.into_iter().flatten().for_each(|(_, one)| walk(one, change));
    }
    for key in ["anyOf", "oneOf", "allOf", "prefixItems"] {
        let below = object.get_mut(key).and_then(Value::as_array_mut);
        below.into_iter().flatten().for_each(|one| walk(one, change));
    }
    for key in ["items", "additionalProperties"] {
        if let Some(one) = object.get_mut(key) {
            walk(one, change);
        }
    }
    change(object);
}

fn tidy(schema: &mut Map<String, Value>) {
    one_line(schema);
    drop_null(schema);
    one_key(schema);
    schema.remove("title");
    // Widths of integers mean nothing in a file; `minimum` and `maximum` say it.
    if schema
        .get("format")
        .and_then(Value::as_str)
        .is_some_and(|f| f.starts_with("uint") || f.starts_with("int"))
    {
        schema.remove("format");
    }
    if schema.get("default").is_some_and(empty) {
        schema.remove("default");
    }
}

fn empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(entries) => entries.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

fn tidy_output(mut schema: Value) -> Value {
    walk(&mut schema, &mut one_line);
    schema
}

/// A doc comment is broken where its lines were full; paragraphs and lists stay.
fn one_line(schema: &mut Map<String, Value>) {
    if let Some(Value::String(text)) = schema.get_mut("description") {
        let paragraphs = text
            .split("\n\n")
            .map(|p| p.split_whitespace().collect::<Vec<_>>().join(" "));
        *text = paragraphs.collect::<Vec<_>>().join("\n\n");
    }
}

/// A key that may be left out is left out, not written as `null`.
fn drop_null(schema: &mut Map<String, Value>) {
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|t| t != "null");
        if let [one] = types.as_slice() {
            let one = one.clone();
            schema.insert("type".into(), one);
        }
    }
    let Some(Value::Array(choices)) = schema.get_mut("anyOf") else {
        return;
    };
    choices.retain(|c| c.get("type").is_none_or(|t| t != "null"));
    if let [one] = choices.as_mut_slice() {
        let one = one.take();
        schema.remove("anyOf");
        for (key, value) in one.as_object().into_iter().flatten() {
            schema.entry(key.clone()).or_insert_with(|| value.clone());
        }
    }
}

/// A choice between mappings of one key each, as one mapping: editors then complete the key and say what is wrong
/// inside it, where of a `oneOf` they say only that nothing matched.
fn one_key(schema: &mut Map<String, Value>) {
    let single = |choice: &Value| {
        let properties = choice.get("properties")?.as_object()?;
        let (key, value) = properties.iter().next().filter(|_| properties.len() == 1)?;
        let mut value = value.clone();
        if let (Some(said), Some(entry)) = (choice.get("description"), value.as_object_mut()) {
            entry.insert(String::from("description"), said.clone());
        }
        Some((key.clone(), value))
    };
    let Some(Value::Array(choices)) = schema.get("oneOf") else {
        return;
    };
    let Some(properties) = choices.iter().map(single).collect::<Option<Map<_, _>>>() else {
        return;
    };
    schema.remove("oneOf");
    schema.insert("type".into(), "object".into());
    schema.insert("properties".into(), properties.into());
    schema.insert("additionalProperties".into(), false.into());
    schema.insert("minProperties".into(), 1.into());
    schema.insert("maxProperties".into(), 1.into());
}

/// Gives every definition the name that the reference knows it by: `expectation`, `channel.imap`, and for what only
/// one kind uses `channel.imap.delete`. The names of Rust types would be `Tls`, `Tls2`, by the order they were met in.
fn name_definitions(schema: &mut Value) {
    let Some(definitions) = schema
        .get_mut("$defs")
        .and_then(Value::as_object_mut)
        .map(std::mem::take)
    else {
        return;
    };
    let mut names = BTreeMap::new();
    for (list, kinds) in [
        ("TriggerConfig", "trigger"),
        ("ChannelConfig", "channel"),
        ("DestinationConfig", "destination"),
    ] {
        let Some(list) = definitions.get(list) else {
            continue;
        };
        for (kind, below) in list["properties"].as_object().into_iter().flatten() {
            let Some(root) = reference(below) else { continue };
            let full = format!("{kinds}.{kind}");
            let mut reached = BTreeSet::new();
            reach(&definitions, root, &mut reached);
            for name in reached {
                // What several kinds use belongs to none of them.
                names
                    .entry(name.clone())
                    .and_modify(|shared| *shared = own(&name, ""))
                    .or_insert_with(|| format!("{full}.{}", own(&name, &full)));
            }
            names.insert(root.to_owned(), full);
        }
    }
    let named = |old: &str| names.get(old).cloned().unwrap_or_else(|| own(old, ""));
    let mut rename = |schema: &mut Map<String, Value>| {
        if let Some(Value::String(to)) = schema.get_mut("$ref")
            && let Some(old) = to.strip_prefix("#/$defs/")
        {
            *to = format!("#/$defs/{}", named(old));
        }
    };
    let renamed: BTreeMap<String, Value> = definitions
        .into_iter()
        .map(|(name, mut definition)| {
            walk(&mut definition, &mut rename);
            (named(&name), definition)
        })
        .collect();
    walk(schema, &mut rename);
    schema["$defs"] = renamed.into_iter().collect::<Map<_, _>>().into();
    add_examples(schema);
}

fn add_examples(schema: &mut Value) {
    for (kinds, kind) in kinds() {
        let definition = schema["$defs"]
            .get_mut(format!("{kinds}.{kind}"))
            .and_then(Value::as_object_mut);
        if let (Some(definition), Some(example)) = (definition, example(kinds, kind)) {
            definition.insert("examples".into(), json!([example]));
        }
    }
}

/// Every kind, with the list it is in.
pub(super) fn kinds() -> impl Iterator<Item = (&'static str, &'static str)> {
    let triggers = trigger::FACTS.iter().map(|f| ("trigger", f.name));
    let channels = channel::FACTS.iter().map(|f| ("channel", f.name));
    let destinations = destination::FACTS.iter().map(|f| ("destination", f.name));
    triggers.chain(channels).chain(destinations)
}

fn example(kinds: &str, kind: &str) -> Option<Value> {
    let text = match kinds {
        "trigger" => trigger::FACTS.iter().find(|f| f.name == kind)?.example,
        "channel" => channel::FACTS.iter().find(|f| f.name == kind)?.example,
        _ => destination::FACTS.iter().find(|f| f.name == kind)?.example,
    };
    serde_yaml::from_str(text).ok()
}

pub(super) fn reference(schema: &Value) -> Option<&str> {
    schema.get("$ref")?.as_str()?.strip_prefix("#/$defs/")
}

/// Every definition that one leads to.
fn reach(definitions: &Map<String, Value>, from: &str, reached: &mut BTreeSet<String>) {
    let Some(mut definition) = definitions.get(from).cloned() else {
        return;
    };
    let mut next = Vec::new();
    walk(&mut definition, &mut |schema| {
        if let Some(to) = schema
            .get("$ref")
            .and_then(|r| r.as_str()?.strip_prefix("#/$defs/"))
        {
            next.push(to.to_owned());
        }
    });
    for to in next {
        if reached.insert(to.clone()) {
            reach(definitions, &to, reached);
        }
    }
}

/// `RawExpectation` as `expectation`, `trigger.http.part` below `trigger.http` as `part`, `HttpTls` below
/// `channel.http` as `tls`.
fn own(name: &str, below: &str) -> String {
    let name = name.strip_prefix("Raw").unwrap_or(name);
    let name = name
        .strip_prefix(below)
        .map_or(name, |rest| rest.trim_start_matches('.'));
    let mut words = String::new();
    for (at, c) in name.char_indices() {
        if c.is_ascii_uppercase() && at > 0 {
            words.push('_');
        }
        words.push(c.to_ascii_lowercase());
    }
    let kind = below.rsplit('.').next().unwrap_or_default();
    let short = words
        .strip_prefix(kind)
        .map_or(words.as_str(), |rest| rest.trim_start_matches('_'));
    let short = if short.is_empty() { &words } else { short };
    short
        .trim_end_matches("_config")
        .trim_end_matches(|c: char| c.is_ascii_digit())
        .to_owned()
}
