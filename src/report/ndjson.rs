//! One record a line.

use super::{Results, Style};
use crate::model::RunRecord;

/// One record, with a final line break.
#[must_use]
pub fn line(record: &RunRecord) -> String {
    // As in `json`: always serialises.
    super::json::inert(serde_json::to_string(record).unwrap_or_default()) + "\n"
}

/// Every record in order.
pub(super) fn render(results: &Results, _: Style) -> String {
    results.runs.iter().map(|run| line(run)).collect()
}
