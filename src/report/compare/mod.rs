//! A comparison as people and programs read it.

mod course;
mod github;
mod junit;
mod live;
mod markdown;
mod sentences;
mod text;

use super::{Format, Style};
use crate::compare::Comparison;

pub use live::{Standing, line, lines};
pub use sentences::conclusion;

/// The whole of a comparison in a format.
#[must_use]
pub fn render(comparison: &Comparison, format: Format, style: Style) -> String {
    match format {
        Format::Text => text::render(comparison, style),
        Format::Json => {
            // Maps with string keys and numbers that are finite always serialise.
            super::json::inert(serde_json::to_string_pretty(comparison).unwrap_or_default()) + "\n"
        }
        Format::Ndjson => ndjson(comparison),
        Format::Junit => junit::render(comparison),
        Format::Github => github::render(comparison),
        Format::Markdown => markdown::render(comparison),
    }
}

/// One compared route a line.
fn ndjson(comparison: &Comparison) -> String {
    let line = |compared| super::json::inert(serde_json::to_string(compared).unwrap_or_default()) + "\n";
    comparison.comparisons.iter().map(line).collect()
}
