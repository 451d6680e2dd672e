//! The keys of a mapping, read from its schema.

use serde_json::{Map, Value};

use super::Key;
use crate::definition::schema::{constants, reference};

/// How deep keys within keys are followed.
const DEPTH: usize = 4;

/// A schema with what its references lead to, and the definitions that have a page of their own.
pub(super) struct Reader<'a> {
    definitions: &'a Map<String, Value>,
    pages: &'a [String],
}

impl<'a> Reader<'a> {
    pub(super) const fn new(definitions: &'a Map<String, Value>, pages: &'a [String]) -> Self {
        Self { definitions, pages }
    }

    /// Every key of a mapping and of the mappings within it.
    pub(super) fn keys(&self, schema: &Value) -> Vec<Key> {
        let mut keys = Vec::new();
        self.collect(schema, "", 0, &mut keys);
        keys
    }

    fn collect(&self, schema: &Value, above: &str, depth: usize, keys: &mut Vec<Key>) {
        let schema = self.resolved(schema);
        let required = schema.get("required").and_then(Value::as_array);
        let required: Vec<&str> = required.into_iter().flatten().filter_map(Value::as_str).collect();
        for (name, below) in schema
            .get("properties")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            let path = if above.is_empty() {
                name.clone()
            } else {
                format!("{above}.{name}")
            };
            keys.push(self.key(&path, below, required.contains(&name.as_str())));
            if depth < DEPTH {
                self.within(below, &path, depth, keys);
            }
        }
    }

    /// The keys of the mappings that a value can be, where they have no page of their own.
    fn within(&self, schema: &Value, path: &str, depth: usize, keys: &mut Vec<Key>) {
        if self.page(schema).is_some() {
            return;
        }
        let schema = self.resolved(schema);
        if schema.get("properties").is_some() {
            self.collect(schema, path, depth + 1, keys);
        }
        if let Some(items) = schema.get("items") {
            self.within(items, &format!("{path}[]"), depth, keys);
        }
        if let Some(values) = schema.get("additionalProperties").filter(|v| v.is_object()) {
            self.within(values, &format!("{path}.NAME"), depth, keys);
        }
        for one in choices(schema) {
            let first = keys.len();
            self.within(one, path, depth, keys);
            // The one key of a choice is told by what the choice says, and is no more required than the choice.
            let single = one
                .get("properties")
                .and_then(Value::as_object)
                .filter(|p| p.len() == 1);
            if let (Some(_), Some(key)) = (single, keys.get_mut(first)) {
                key.need.clear();
                if key.text.is_empty() {
                    key.text = described(one);
                }
            }
        }
    }

    fn key(&self, path: &str, schema: &Value, required: bool) -> Key {
        let mut text = described(schema);
        let target = self.resolved(schema);
        let more = described(target);
        if text.is_empty() {
            text = more;
        }
        // A whole mapping's default is told key by key.
        let default = schema.get("default").filter(|d| !d.is_object());
        let need = match default {
            _ if required => String::from("required"),
            Some(default) if !text.contains("efault") && !text.contains("eft out") => {
                format!(
                    "default `{}`",
                    default
                        .as_str()
                        .map_or_else(|| default.to_string(), str::to_owned)
                )
            }
            _ => String::new(),
        };
        Key {
            path: path.to_owned(),
            takes: self.takes(schema),
            need,
            text,
            words: self.words(schema),
        }
    }

    /// The words that a value or its items can be, where they are explained.
    fn words(&self, schema: &Value) -> Vec<(String, String)> {
        let schema = self.resolved(schema);
        let schema = schema.get("items").map_or(schema, |items| self.resolved(items));
        let mut words = constants(schema);
        words.retain(|(_, sentence)| !sentence.is_empty());
        words
    }

    /// What a value must be, in a few words.
    fn takes(&self, schema: &Value) -> String {
        if let Some(page) = self.page(schema) {
            return format!("see `{page}`");
        }
        let schema = self.resolved(schema);
        let choices: Vec<&Value> = choices(schema).collect();
        if !choices.is_empty() {
            let mut all: Vec<String> = Vec::new();
            for choice in choices {
                let one = self.takes(choice);
                if !all.contains(&one) {
                    all.push(one);
                }
            }
            return listed(&all);
        }
        if let Some(word) = schema.get("const") {
            return format!(
                "`{}`",
                word.as_str().map_or_else(|| word.to_string(), str::to_owned)
            );
        }
        let words = constants(schema);
        if !words.is_empty() {
            return listed(
                &words
                    .iter()
                    .map(|(word, _)| format!("`{word}`"))
                    .collect::<Vec<_>>(),
            );
        }
        match schema.get("type") {
            Some(Value::Array(types)) => listed(
                &types
                    .iter()
                    .filter_map(Value::as_str)
                    .map(|t| self.typed(t, schema))
                    .collect::<Vec<_>>(),
            ),
            Some(Value::String(one)) => self.typed(one, schema),
            _ => String::from("any value"),
        }
    }

    fn typed(&self, one: &str, schema: &Value) -> String {
        let format = schema.get("format").and_then(Value::as_str);
        match (one, format) {
            ("string", Some("cel")) => String::from("expression"),
            ("string", Some(format @ ("template" | "duration" | "secret"))) => format.to_owned(),
            ("string", Some("percent")) => String::from("percentage"),
            ("string", _) => String::from("text"),
            ("integer" | "number", _) => String::from("number"),
            ("boolean", _) => String::from("`true` or `false`"),
            ("array", _) => {
                let items = schema
                    .get("items")
                    .map_or_else(|| String::from("any value"), |i| self.takes(i));
                match items.strip_prefix("see ") {
                    Some(page) => format!("list; each: see {page}"),
                    None => format!("list of {}", plural(&items)),
                }
            }
            ("object", _) => match (schema.get("maxProperties"), schema.get("properties")) {
                (Some(_), Some(Value::Object(kinds))) => {
                    let kinds: Vec<String> = kinds.keys().map(|k| format!("`{k}`")).collect();
                    format!("mapping of one: {}", listed(&kinds))
                }
                (_, Some(_)) => String::from("mapping"),
                _ => match schema.get("additionalProperties") {
                    Some(values) if values.is_object() => {
                        format!("mapping of names; each: {}", self.takes(values))
                    }
                    _ => String::from("mapping of names"),
                },
            },
            (other, _) => other.to_owned(),
        }
    }

    fn page(&self, schema: &Value) -> Option<&str> {
        let name = reference(schema)?;
        self.pages.iter().find(|page| *page == name).map(String::as_str)
    }

    fn resolved<'s>(&'s self, schema: &'s Value) -> &'s Value {
        reference(schema)
            .and_then(|name| self.definitions.get(name))
            .unwrap_or(schema)
    }
}

fn choices(schema: &Value) -> impl Iterator<Item = &Value> {
    // A choice between words alone is told as words.
    let words = schema
        .get("oneOf")
        .filter(|_| constants(schema).len() < length(schema.get("oneOf")));
    schema
        .get("anyOf")
        .or(words)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn length(list: Option<&Value>) -> usize {
    list.and_then(Value::as_array).map_or(0, Vec::len)
}

pub(super) fn described(schema: &Value) -> String {
    schema
        .get("description")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

fn plural(one: &str) -> String {
    match one {
        "text" | "any value" => one.to_owned(),
        _ if one.starts_with("see ") || one.contains(' ') || one.starts_with('`') => format!("({one})"),
        _ => format!("{one}s"),
    }
}

fn listed(all: &[String]) -> String {
    match all {
        [] => String::new(),
        [one] => one.clone(),
        [init @ .., last] => format!("{} or {last}", init.join(", ")),
    }
}
