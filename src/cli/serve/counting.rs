//! Counts what the engine tells, for whoever reads the metrics.

use super::hub::Subscriber;
use crate::engine::{Step, Update};
use crate::report::metrics::Metrics;

/// Hands every update to the counts.
pub(super) struct Counting(pub(super) Metrics);

impl Subscriber for Counting {
    fn take(&self, update: &Update) {
        match update {
            Update::Closed { record, .. } => self.0.closed(record),
            Update::Amended(record) => self.0.amended(record),
            Update::Skipped(skip) => self.0.skipped(&skip.probe, &skip.route, skip.reason, 1),
            Update::SkippedSpan { span, added } => {
                self.0.skipped(&span.probe, &span.route, span.reason, *added);
            }
            Update::Step(step) => {
                if let Step::Sent { lag, .. } = step.step {
                    self.0.sent(&step.probe, &step.route, lag);
                }
            }
            Update::ChannelDown { .. } | Update::ChannelUp { .. } => {}
        }
    }
}
