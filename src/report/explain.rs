//! One run for a person: its timeline, and the line of YAML that was not met.

use std::sync::Arc;

use super::Style;
use crate::model::RunRecord;

/// Every run that did not end well, explained.
#[must_use]
pub fn draw(runs: &[Arc<RunRecord>], style: Style) -> String {
    runs.iter().map(|run| timeline(run, style)).collect()
}

/// What happened to one run, in order.
#[must_use]
pub fn timeline(run: &RunRecord, _: Style) -> String {
    format!(
        "{} {} {}: {} ({})\n",
        run.probe,
        run.route,
        run.input,
        run.class.word(),
        run.reason
    )
}
