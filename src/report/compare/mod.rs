//! A comparison as people and programs read it.

pub(in crate::report) mod course;
mod explained;
mod github;
mod junit;
mod live;
mod markdown;
pub(in crate::report) mod sentences;
mod text;

use std::sync::Arc;

use super::{Format, Style};
use crate::model::RunRecord;

pub use explained::{EXPLAINED, Explained, Inquiry, RouteCauses};
pub use live::{Standing, line, lines};
pub use sentences::conclusion;

/// The whole of a comparison in a format.
#[must_use]
pub fn render(told: &Explained, format: Format, style: Style) -> String {
    match format {
        Format::Text => text::render(told, style),
        Format::Json => {
            // Maps with string keys and numbers that are finite always serialise.
            super::json::inert(serde_json::to_string_pretty(told).unwrap_or_default()) + "\n"
        }
        Format::Ndjson => ndjson(told),
        Format::Junit => junit::render(&told.comparison),
        Format::Github => github::render(&told.comparison),
        Format::Markdown => markdown::render(told),
        Format::Html => in_html(told, &[], 0),
    }
}

/// The same as one file for a browser, with the runs that were compared, in the order of their ticks; `more` are not at hand.
#[must_use]
pub fn in_html(told: &Explained, runs: &[Arc<RunRecord>], more: u64) -> String {
    super::html::document::comparison(told, runs, more)
}

/// One compared route a line.
fn ndjson(told: &Explained) -> String {
    let line = |compared| super::json::inert(serde_json::to_string(compared).unwrap_or_default()) + "\n";
    told.comparison.comparisons.iter().map(line).collect()
}
