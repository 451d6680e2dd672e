//! How a comparison went: its ticks, how its routes started, why it ended.

use super::super::words::{clip, count, seconds};
use crate::compare::{Comparison, End};

/// What became of the ticks.
pub(in crate::report) fn ticks(comparison: &Comparison) -> Option<String> {
    let ticks = comparison.ticks.as_ref()?;
    let mut said = match comparison.schedule.as_ref() {
        Some(schedule) => format!("{} due; {} counted", count(schedule.fired, "tick"), ticks.counted),
        None => format!("{} counted", count(ticks.counted, "tick")),
    };
    let dropped = ticks
        .dropped
        .values()
        .fold(0_u64, |sum, n| sum.saturating_add(*n));
    if dropped > 0 {
        let list: Vec<String> = ticks
            .dropped
            .iter()
            .map(|(why, n)| format!("{n} {}", reason(why)))
            .collect();
        said.push_str(&format!(", {dropped} dropped ({})", list.join(", ")));
    }
    if ticks.in_flight > 0 {
        let when = if comparison.end == End::Decided {
            "after it was decided"
        } else {
            "in flight at the end"
        };
        said.push_str(&format!(", {} {when}", ticks.in_flight));
    }
    Some(said)
}

/// Why a tick does not count, as people read it.
fn reason(why: &str) -> String {
    match why {
        "one_sided" => String::from("with a run of only some routes"),
        other => other.replace('_', " "),
    }
}

/// In which order and how far apart routes started.
pub(in crate::report) fn starts(comparison: &Comparison) -> Option<String> {
    let skew = comparison.skew.map(|skew| {
        format!(
            "the routes of a tick started {} apart (median; {} at most)",
            seconds(skew.p50),
            seconds(skew.max)
        )
    });
    let order = comparison.schedule.as_ref().map(|schedule| {
        let gap = if schedule.route_gap > 0.0 {
            format!(", {} after each other", seconds(schedule.route_gap))
        } else {
            String::new()
        };
        format!("in an order drawn from seed {}{gap}", schedule.seed)
    });
    match (skew, order) {
        (None, None) => None,
        (Some(skew), None) => Some(skew),
        (None, Some(order)) => Some(format!("routes start {order}")),
        (Some(skew), Some(order)) => Some(format!("{skew}, {order}")),
    }
}

/// Why it ended, where that has to be said.
pub(in crate::report) fn end(comparison: &Comparison) -> Option<String> {
    let detail = clip(&comparison.end_detail, 300);
    let said = match comparison.end {
        End::Decided | End::Read => return None,
        End::Cap => String::from("ended at the cap of ticks"),
        End::Time => String::from("ended as the time for it was over"),
        End::Limit => String::from("ended by a limit of the probe"),
        End::Interrupted => String::from("interrupted: this is what was reached so far"),
    };
    Some(if detail.is_empty() {
        said
    } else {
        format!("{said}: {detail}")
    })
}
