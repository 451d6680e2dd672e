//! Figures over runs as people read them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::results::{Results, silent_failure};
use super::words::{count, percent, piece, seconds, skip_name};
use crate::model::{Class, RunRecord, SkipReason};

/// The figures of one probe, route and input.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Figures {
    /// The probe's name.
    pub(super) probe: String,
    /// The route's name.
    pub(super) route: String,
    /// The input's name.
    pub(super) input: String,
    /// Runs that ended.
    pub(super) runs: u64,
    /// Runs by class; only those that occur.
    pub(super) classes: BTreeMap<Class, u64>,
    /// Silent failures.
    pub(super) silent: u64,
    /// Their share; `None` where there is nothing to have a share of.
    pub(super) silent_rate: Option<f64>,
    /// Outcome latency of delivered runs in seconds: the median and the greatest.
    pub(super) latency: Option<(f64, f64)>,
}

impl Figures {
    /// Those of every probe, route and input, in order.
    pub(super) fn of(results: &Results) -> Vec<Self> {
        let mut groups: BTreeMap<(&str, &str, &str), Vec<&RunRecord>> = BTreeMap::new();
        for run in &results.runs {
            let key = (run.probe.as_str(), run.route.as_str(), run.input.as_str());
            groups.entry(key).or_default().push(run);
        }
        let rates: BTreeMap<_, _> = results
            .summary
            .iter()
            .map(|r| {
                (
                    (r.probe.as_str(), r.route.as_str(), r.input.as_str()),
                    r.silent_failure_rate,
                )
            })
            .collect();
        let one = |(key, runs): (&(&str, &str, &str), &Vec<&RunRecord>)| Self {
            probe: key.0.to_owned(),
            route: key.1.to_owned(),
            input: key.2.to_owned(),
            runs: runs.len() as u64,
            classes: classes(runs.iter().copied()),
            silent: runs.iter().filter(|r| silent_failure(r)).count() as u64,
            silent_rate: rates.get(key).copied().flatten(),
            latency: latency(runs),
        };
        groups.iter().map(one).collect()
    }

    /// `1 (8.3 %)`; a dash where no run could have failed silently.
    pub(super) fn silent_text(&self) -> String {
        match self.silent_rate {
            None => String::from("-"),
            Some(_) if self.silent == 0 => String::from("0"),
            rate => format!("{} ({})", self.silent, percent(rate)),
        }
    }

    /// Median and greatest latency; dashes where nothing was delivered.
    pub(super) fn latency_texts(&self) -> (String, String) {
        self.latency.map_or_else(
            || (String::from("-"), String::from("-")),
            |(p50, max)| (seconds(p50), seconds(max)),
        )
    }
}

/// How often each class that occurs does.
pub(super) fn classes<'a>(runs: impl Iterator<Item = &'a RunRecord>) -> BTreeMap<Class, u64> {
    let mut classes = BTreeMap::new();
    for run in runs {
        *classes.entry(run.class).or_default() += 1;
    }
    classes
}

/// Nearest rank of the raw values, by the upper end of each interval.
fn latency(runs: &[&RunRecord]) -> Option<(f64, f64)> {
    let delivered = runs.iter().filter(|r| r.class == Class::Delivered);
    let mut all: Vec<f64> = delivered
        .filter_map(|r| r.layers.outcome.seconds.map(|s| s.1))
        .filter(|s| s.is_finite())
        .collect();
    all.sort_by(f64::total_cmp);
    let median = all.get(all.len().checked_sub(1)? / 2)?;
    Some((*median, *all.last()?))
}

/// `10 delivered, 1 late, 1 lost`.
pub(super) fn list(classes: &BTreeMap<Class, u64>) -> String {
    let parts: Vec<String> = classes.iter().map(|(c, n)| format!("{n} {}", c.word())).collect();
    parts.join(", ")
}

/// One sentence over everything: `12 runs: 10 delivered, 1 late, 1 lost (1 silent failure); 2 skipped (limit)`.
pub(super) fn sentence(results: &Results) -> String {
    let runs: &[Arc<RunRecord>] = &results.runs;
    let mut said = if runs.is_empty() {
        String::from("no runs")
    } else {
        let classes = classes(runs.iter().map(AsRef::as_ref));
        format!("{}: {}", count(runs.len() as u64, "run"), list(&classes))
    };
    let silent = runs.iter().filter(|r| silent_failure(r)).count() as u64;
    if silent > 0 {
        said.push_str(&format!(" ({})", count(silent, "silent failure")));
    }
    let flagged = |flag| runs.iter().filter(|r| r.flags.contains(&flag)).count();
    let unexecuted = flagged(crate::model::Flag::Unexecuted);
    if unexecuted > 0 {
        said.push_str(&format!("; {unexecuted} unexecuted"));
    }
    if !results.skipped.is_empty() {
        let mut reasons: Vec<&str> = results.skipped.iter().map(|s| reason(s.reason)).collect();
        reasons.sort_unstable();
        reasons.dedup();
        said.push_str(&format!(
            "; {} skipped ({})",
            results.skipped.len(),
            reasons.join(", ")
        ));
    }
    if let Some(gate) = &results.gate {
        said.push_str(&format!("; gate: {}", gate.tally()));
    }
    said
}

/// Skips of one probe, route and input with one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Skips {
    /// Whose.
    pub(super) name: String,
    /// Why, in words.
    pub(super) reason: &'static str,
    /// How many ticks.
    pub(super) count: u64,
    /// What exactly, of the first.
    pub(super) detail: String,
}

/// Skips, gathered.
pub(super) fn skips(results: &Results) -> Vec<Skips> {
    let mut all: BTreeMap<(String, SkipReason), Skips> = BTreeMap::new();
    for skip in &results.skipped {
        let name = skip_name(skip);
        let entry = all.entry((name.clone(), skip.reason)).or_insert_with(|| Skips {
            name,
            reason: reason(skip.reason),
            count: 0,
            detail: piece(&skip.detail),
        });
        entry.count += 1;
    }
    all.into_values().collect()
}

/// Why a tick did not fire, as people read it.
pub(super) fn reason(reason: SkipReason) -> &'static str {
    match reason {
        SkipReason::LateStart => "late start",
        SkipReason::ArmFailed => "arm failed",
        other => other.word(),
    }
}
