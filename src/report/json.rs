//! One object with every record.

use super::{Results, Style};

/// Indented, with a final line break.
pub(super) fn render(results: &Results, _: Style) -> String {
    // Maps with string keys and numbers that are finite always serialise.
    serde_json::to_string_pretty(results).unwrap_or_default() + "\n"
}

/// The JSON Schema of `--format json`: of what is written, where every field stands, `null` or not.
#[must_use]
pub fn schema() -> serde_json::Value {
    let settings = schemars::generate::SchemaSettings::draft2020_12().for_serialize();
    settings
        .into_generator()
        .into_root_schema_for::<Results>()
        .to_value()
}
