//! The part of JSON Schema that the generated schemas use. A keyword that is not known here fails, so that nothing
//! in a schema goes untested.

use serde_json::Value;

/// What is wrong with a value, each with its place.
pub(super) fn problems(schema: &Value, value: &Value) -> Vec<String> {
    let mut out = Vec::new();
    validate(schema, schema, value, "", &mut out);
    out
}

fn validate(root: &Value, schema: &Value, value: &Value, at: &str, out: &mut Vec<String>) {
    let object = match schema {
        Value::Bool(true) => return,
        Value::Object(object) => object,
        other => panic!("{at}: no schema: {other}"),
    };
    for (keyword, rule) in object {
        match keyword.as_str() {
            "$schema" | "$id" | "$defs" | "title" | "description" | "default" | "examples" | "format" => {}
            "required" | "maxProperties" | "minProperties" | "properties" | "additionalProperties" => {}
            "$ref" => {
                let name = rule
                    .as_str()
                    .and_then(|r| r.strip_prefix("#/$defs/"))
                    .expect("a definition");
                validate(
                    root,
                    root["$defs"].get(name).unwrap_or_else(|| panic!("no {name}")),
                    value,
                    at,
                    out,
                );
            }
            "type" => {
                let types = rule.as_array().cloned().unwrap_or_else(|| vec![rule.clone()]);
                if !types.iter().any(|t| is(t.as_str().expect("a type"), value)) {
                    out.push(format!("{at}: {value} is not {rule}"));
                }
            }
            "const" if rule != value => out.push(format!("{at}: {value} is not {rule}")),
            "const" => {}
            "enum" => {
                if !rule.as_array().expect("a list").contains(value) {
                    out.push(format!("{at}: {value} is not one of {rule}"));
                }
            }
            "minimum" | "maximum" => {
                let (limit, number) = (rule.as_f64().expect("a number"), value.as_f64());
                if number.is_some_and(|n| {
                    if keyword == "minimum" {
                        n < limit
                    } else {
                        n > limit
                    }
                }) {
                    out.push(format!("{at}: {value} is beyond the {keyword} {rule}"));
                }
            }
            "minItems" => {
                if value
                    .as_array()
                    .is_some_and(|a| (a.len() as u64) < rule.as_u64().expect("a count"))
                {
                    out.push(format!("{at}: too few"));
                }
            }
            "pattern" => {
                let pattern = regex::Regex::new(rule.as_str().expect("a pattern")).expect("compiles");
                if value.as_str().is_some_and(|text| !pattern.is_match(text)) {
                    out.push(format!("{at}: {value} does not match {rule}"));
                }
            }
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    validate(root, rule, item, &format!("{at}[{index}]"), out);
                }
            }
            "anyOf" | "oneOf" => {
                let fits = |one: &&Value| {
                    let mut below = Vec::new();
                    validate(root, one, value, at, &mut below);
                    below.is_empty()
                };
                let fitting = rule.as_array().expect("choices").iter().filter(fits).count();
                if fitting == 0 || keyword == "oneOf" && fitting > 1 {
                    out.push(format!("{at}: {value} fits {fitting} of the choices"));
                }
            }
            other => panic!("{at}: the validator does not know `{other}`"),
        }
    }
    if let Some(entries) = value.as_object() {
        mapping(root, schema, entries, at, out);
    }
}

fn mapping(
    root: &Value,
    schema: &Value,
    entries: &serde_json::Map<String, Value>,
    at: &str,
    out: &mut Vec<String>,
) {
    for name in schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
    {
        if !entries.contains_key(name) {
            out.push(format!("{at}: `{name}` is missing"));
        }
    }
    let count = entries.len() as u64;
    if schema["minProperties"].as_u64().is_some_and(|n| count < n)
        || schema["maxProperties"].as_u64().is_some_and(|n| count > n)
    {
        out.push(format!("{at}: {count} keys"));
    }
    for (name, below) in entries {
        let place = format!("{at}.{name}");
        match (schema["properties"].get(name), schema.get("additionalProperties")) {
            (Some(known), _) => validate(root, known, below, &place, out),
            (None, Some(Value::Bool(false))) => out.push(format!("{place}: no such key")),
            (None, Some(other)) => validate(root, other, below, &place, out),
            (None, None) => {}
        }
    }
}

fn is(kind: &str, value: &Value) -> bool {
    match kind {
        "string" => value.is_string(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "null" => value.is_null(),
        other => panic!("no type `{other}`"),
    }
}
