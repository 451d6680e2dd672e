//! Verdicts against the sandbox's ledger.

use std::collections::HashMap;
use std::sync::Arc;

use crate::model::{Moment, RunRecord};
use crate::report::{LatencyError, Truth};
use crate::sandbox::{self, Channel, Event, Limits};

/// Pushed outcomes: the expectation's name in the demo's probe, and the channel that the ledger calls it.
const PUSHED: [(&str, Channel); 2] = [("event", Channel::Webhook), ("mail", Channel::Mail)];
/// The polled one.
const ROW: &str = "row";

/// Joins runs and ledger by the token, which is the message's `ref`.
pub(super) fn of(runs: &[Arc<RunRecord>], ledger: &[sandbox::Truth]) -> Truth {
    let by_ref: HashMap<&str, &sandbox::Truth> =
        ledger.iter().map(|t| (t.entry.reference.as_str(), t)).collect();
    let limits = Limits::demo();
    let mut truth = Truth::default();
    let mut errors = Vec::new();
    for run in runs {
        truth.runs += 1;
        let Some(told) = by_ref.get(run.token.as_str()) else {
            continue;
        };
        let expected = told.expected(&limits);
        let agrees = expected.agrees(run.class);
        truth.agree += u64::from(agrees);
        // A verdict that agrees with what later arrivals made of the run counts as the one that was due.
        let due = if agrees { run.class } else { expected.class };
        let row = truth.confusion.entry(due.word().to_owned()).or_default();
        *row.entry(run.class.word().to_owned()).or_default() += 1;
        for (name, channel) in PUSHED {
            let error = arrival(run, name).zip(told.first(channel, Event::Delivered));
            errors.extend(error.map(|((_, seen), left)| seen.seconds_since(left).abs()));
        }
        if let (Some((lo, hi)), Some(span)) = (arrival(run, ROW), told.span(Channel::Row, Event::Delivered)) {
            truth.row_intervals.compared += 1;
            // The commit took a while itself: the two intervals must share an instant.
            truth.row_intervals.contain += u64::from(lo <= span.hi && span.lo <= hi);
        }
    }
    errors.sort_by(f64::total_cmp);
    truth.latency_error_seconds = LatencyError {
        p50: quantile(&errors, 0.5),
        p99: quantile(&errors, 0.99),
        max: errors.last().copied(),
    };
    truth
}

/// When an expectation was met, on the shared clock.
fn arrival(run: &RunRecord, name: &str) -> Option<(Moment, Moment)> {
    let sent = Moment::from_rfc3339(run.sent.as_deref()?)?;
    let seconds = run.expectations.iter().find(|e| e.name == name)?.seconds?;
    let after = |s: f64| sent.after(std::time::Duration::try_from_secs_f64(s.max(0.0)).unwrap_or_default());
    Some((after(seconds.0), after(seconds.1)))
}

/// Type 1: the smallest value that at least a share `q` does not exceed.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rank between 1 and the number of values"
)]
fn quantile(sorted: &[f64], q: f64) -> Option<f64> {
    let rank = (sorted.len() as f64 * q).ceil().max(1.0) as usize;
    sorted.get(rank - 1).copied()
}
