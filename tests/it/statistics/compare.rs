//! Reading a case's inputs, and comparing what it expects with what came out.

use serde_json::{Value, json};

/// Where what came out is not what was expected; an object may hold more than was expected.
pub(super) fn differences(expected: &Value, found: &Value, tolerance: f64) -> Vec<String> {
    let mut all = Vec::new();
    collect("", expected, found, tolerance, &mut all);
    all
}

fn collect(place: &str, expected: &Value, found: &Value, tolerance: f64, all: &mut Vec<String>) {
    match (expected, found) {
        (Value::Object(want), Value::Object(got)) => {
            for (key, want) in want {
                let got = got.get(key).unwrap_or(&Value::Null);
                collect(&format!("{place}.{key}"), want, got, tolerance, all);
            }
        }
        (Value::Array(want), Value::Array(got)) if want.len() == got.len() => {
            for (at, (want, got)) in want.iter().zip(got).enumerate() {
                collect(&format!("{place}[{at}]"), want, got, tolerance, all);
            }
        }
        _ => {
            let same = match (as_number(expected), as_number(found)) {
                (Some(want), Some(got)) => want == got || (want - got).abs() <= tolerance,
                _ => expected == found,
            };
            if !same {
                all.push(format!(
                    "{place} is {found} and should be {expected} within {tolerance}"
                ));
            }
        }
    }
}

fn as_number(value: &Value) -> Option<f64> {
    match value.as_str() {
        Some("inf") => Some(f64::INFINITY),
        Some("-inf") => Some(f64::NEG_INFINITY),
        _ => value.as_f64(),
    }
}

/// A number as the cases write it.
pub(super) fn written(value: f64) -> Value {
    match value {
        f64::INFINITY => json!("inf"),
        f64::NEG_INFINITY => json!("-inf"),
        _ => json!(value),
    }
}

pub(super) fn number(inputs: &Value, key: &str) -> f64 {
    as_number(&inputs[key]).unwrap_or_else(|| panic!("{key} of {inputs}"))
}

pub(super) fn count(inputs: &Value, key: &str) -> u64 {
    let value = &inputs[key];
    value
        .as_u64()
        .or_else(|| value.as_f64().filter(|v| v.fract() == 0.0).map(|v| v as u64))
        .unwrap_or_else(|| panic!("{key} of {inputs}"))
}

pub(super) fn word<'a>(inputs: &'a Value, key: &str) -> &'a str {
    inputs[key]
        .as_str()
        .unwrap_or_else(|| panic!("{key} of {inputs}"))
}

pub(super) fn flag(inputs: &Value, key: &str) -> bool {
    inputs[key]
        .as_bool()
        .unwrap_or_else(|| panic!("{key} of {inputs}"))
}

pub(super) fn list<'a>(inputs: &'a Value, key: &str) -> &'a [Value] {
    inputs[key]
        .as_array()
        .unwrap_or_else(|| panic!("{key} of {inputs}"))
}

pub(super) fn numbers(inputs: &Value, key: &str) -> Vec<f64> {
    list(inputs, key).iter().map(|v| as_number(v).unwrap()).collect()
}

pub(super) fn counts(inputs: &Value, key: &str) -> Vec<u64> {
    list(inputs, key).iter().map(|v| v.as_u64().unwrap()).collect()
}

/// Ones and zeros, or true and false.
pub(super) fn flags(inputs: &Value, key: &str) -> Vec<bool> {
    let each = list(inputs, key).iter();
    each.map(|v| v.as_bool().unwrap_or_else(|| v.as_u64().unwrap() == 1))
        .collect()
}

/// A map from words, joined, to how often they occurred: each occurrence with its words.
pub(super) fn spread<'a>(inputs: &'a Value, key: &str, separator: char) -> Vec<Vec<&'a str>> {
    let map = inputs[key]
        .as_object()
        .unwrap_or_else(|| panic!("{key} of {inputs}"));
    let each = map.iter().map(|(words, n)| {
        let words: Vec<&str> = words.split(separator).collect();
        vec![words; n.as_u64().unwrap() as usize]
    });
    each.flatten().collect()
}
