//! What the daemon says of its runs in the log.

use super::hub::Subscriber;
use crate::engine::Update;
use crate::model::{Class, RunRecord, SkipReason};

/// One line for every end of a run, every skip, every channel that comes or goes.
pub(super) struct Log;

impl Subscriber for Log {
    fn take(&self, update: &Update) {
        match update {
            Update::Closed { record, not_stored } => {
                ended(record, "run ended");
                if let Some(fault) = not_stored {
                    tracing::error!(run = %record.id, fault, "the record of a run is not stored");
                }
            }
            Update::Amended(record) => ended(record, "verdict changed"),
            Update::Skipped(skip) => tracing::warn!(
                probe = skip.probe,
                route = skip.route,
                input = skip.input,
                tick = skip.tick,
                reason = skip.reason.word(),
                detail = skip.detail,
                "tick skipped"
            ),
            Update::SkippedSpan { span, added } => {
                let (first, last) = (span.first, span.last);
                let (reason, detail) = (span.reason.word(), &span.detail);
                // What people asked for is no news, tick by tick.
                if matches!(span.reason, SkipReason::Paused | SkipReason::Maintenance) {
                    tracing::debug!(probe = span.probe, route = span.route, added, %first, %last, reason, detail, "ticks skipped");
                } else {
                    tracing::warn!(probe = span.probe, route = span.route, added, %first, %last, reason, detail, "ticks skipped");
                }
            }
            Update::ChannelUp { channel, closed } => {
                tracing::info!(channel, closed, "channel sees again");
            }
            // The engine has logged it, with the fault.
            Update::ChannelDown { .. } | Update::Step(_) => {}
        }
    }
}

fn ended(record: &RunRecord, what: &str) {
    let (run, probe, route, input) = (record.id, &record.probe, &record.route, &record.input);
    let (tick, class, reason) = (&record.tick, record.class.word(), &record.reason);
    if record.class == Class::Delivered {
        tracing::info!(%run, probe, route, input, tick, class, reason, "{what}");
    } else {
        tracing::warn!(%run, probe, route, input, tick, class, reason, "{what}");
    }
}
