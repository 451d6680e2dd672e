//! Receipts against truth in sentences.

use super::interval;
use crate::report::figures::list;
use crate::report::receipts::{Claim, ClaimRow, ReceiptFigures};
use crate::report::words::{percent, seconds};

/// What was claimed by what happened, a sentence a claim; then what was false, and when claims came. The second says
/// whether it is bad.
pub(in crate::report) fn receipts(found: &ReceiptFigures) -> Vec<(String, bool)> {
    let mut said: Vec<(String, bool)> = found.claims.iter().map(|row| (claim(row), false)).collect();
    let mut add = |text: String, bad: bool| said.push((text, bad));
    if found.false_receipts.of > 0 {
        let share = interval(found.false_receipts);
        add(
            format!("false receipts {share} of what was said to be delivered"),
            found.false_receipts.count > 0,
        );
    }
    if found.false_failures.of > 0 {
        let share = interval(found.false_failures);
        add(
            format!("false failures {share} of what was said to have failed"),
            found.false_failures.count > 0,
        );
    }
    if found.unclaimed_arrivals.count > 0 {
        add(
            format!("arrived without a receipt {}", interval(found.unclaimed_arrivals)),
            false,
        );
    }
    if let Some(later) = found.later {
        let limits = match (later.p50_lower, later.p50_upper) {
            (Some(lower), Some(upper)) => format!("{} to {}", beside(lower), beside(upper)),
            _ => String::from("not enough runs for an interval"),
        };
        add(
            format!(
                "a receipt came {} the outcome (median; {limits}), 9 of 10 between {} and {} it; {} surely before it",
                beside(later.p50),
                beside(later.p05),
                beside(later.p95),
                percent(found.claimed_early.share)
            ),
            false,
        );
    }
    said
}

fn claim(row: &ClaimRow) -> String {
    let claim = match row.claim {
        Claim::Delivered => "said delivered",
        Claim::Failed => "said failed",
        Claim::Both => "said both",
        Claim::Nothing => "said nothing",
    };
    format!("{claim}: {} - {}", row.runs, list(&row.classes))
}

fn beside(later: f64) -> String {
    if later < 0.0 {
        format!("{} before", seconds(-later))
    } else {
        format!("{} after", seconds(later))
    }
}
