//! One object with every record.

use super::{Results, Style};

/// Indented, with a final line break.
pub(super) fn render(results: &Results, _: Style) -> String {
    // Maps with string keys and numbers that are finite always serialise.
    inert(serde_json::to_string_pretty(results).unwrap_or_default()) + "\n"
}

/// The same JSON, with what a terminal could act on (C1, bidi and zero-width characters) written as `\u` and four digits. JSON
/// itself has none of them outside strings, and escapes C0 in strings.
pub(super) fn inert(json: String) -> String {
    use std::fmt::Write as _;
    let harmless = |c: char| {
        c.is_ascii() && c != '\u{7f}' || crate::diag::escape(c.encode_utf8(&mut [0; 4])).len() == c.len_utf8()
    };
    if json.chars().all(harmless) {
        return json;
    }
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if harmless(c) {
            out.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _infallible = write!(out, "\\u{unit:04x}");
            }
        }
    }
    out
}

/// Any answer as indented JSON that a terminal shows as it is, with a final line break.
#[must_use]
pub fn pretty(value: &impl serde::Serialize) -> String {
    // As above: strings as keys and finite numbers.
    inert(serde_json::to_string_pretty(value).unwrap_or_default()) + "\n"
}

/// The same on one line.
#[must_use]
pub fn compact(value: &impl serde::Serialize) -> String {
    inert(serde_json::to_string(value).unwrap_or_default()) + "\n"
}

/// The JSON Schema of an answer, as it is written.
#[must_use]
pub fn schema_of<T: schemars::JsonSchema>() -> serde_json::Value {
    let settings = schemars::generate::SchemaSettings::draft2020_12().for_serialize();
    settings.into_generator().into_root_schema_for::<T>().to_value()
}

/// The JSON Schema of `--format json`: of what is written, where every field stands, `null` or not.
#[must_use]
pub fn schema() -> serde_json::Value {
    schema_of::<Results>()
}
