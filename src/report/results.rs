//! A set of records with the figures over it: what every format renders.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;

use super::gate::GateReport;
use crate::model::{Class, LayerState, RunRecord, SkipRecord};

/// What `--format json` prints.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Results {
    /// Landfall's version.
    pub version: String,
    /// When it began, RFC 3339.
    pub started: String,
    /// Every run that ended, in the order of ticks, probes, routes and inputs.
    pub runs: Vec<Arc<RunRecord>>,
    /// Every leg of a tick that did not fire.
    pub skipped: Vec<SkipRecord>,
    /// Figures per probe, route and input.
    pub summary: Vec<SummaryRow>,
    /// What the sequential gate says of each series; only from `run --until-decided`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gate: Option<GateReport>,
    /// How the verdicts agree with the sandbox's ledger; only from `demo`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub truth: Option<Truth>,
    /// Where the workspace is, as seen from the root of the repository; empty where it is that root.
    #[serde(skip)]
    pub folder: PathBuf,
}

/// Figures of one probe, route and input.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct SummaryRow {
    /// The probe's name.
    pub probe: String,
    /// The route's name.
    pub route: String,
    /// The input's name.
    pub input: String,
    /// Runs that ended.
    pub runs: u64,
    /// Runs by class; every class is listed.
    pub classes: BTreeMap<Class, u64>,
    /// Lost or mismatched, over runs accepted and not unobserved; null where there are none.
    pub silent_failure_rate: Option<f64>,
}

/// Verdicts against the sandbox's ledger.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Truth {
    /// Runs compared.
    pub runs: u64,
    /// Runs whose class is the ledger's.
    pub agree: u64,
    /// By true class, how often each verdict was given.
    pub confusion: BTreeMap<String, BTreeMap<String, u64>>,
    /// How far reported latencies of pushed outcomes are from the ledger's.
    pub latency_error_seconds: LatencyError,
    /// How often the interval of a polled outcome contains the ledger's.
    pub row_intervals: RowIntervals,
}

/// Intervals of a polled channel against the ledger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RowIntervals {
    /// Intervals compared.
    pub compared: u64,
    /// Those that contain the truth.
    pub contain: u64,
}

/// Absolute differences in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct LatencyError {
    /// The median; null where nothing was compared.
    pub p50: Option<f64>,
    /// The 99th percentile.
    pub p99: Option<f64>,
    /// The greatest.
    pub max: Option<f64>,
}

/// Accepted yes, and lost or mismatched: nothing said so.
#[must_use]
pub fn silent_failure(record: &RunRecord) -> bool {
    record.layers.accepted.state == LayerState::Yes && matches!(record.class, Class::Lost | Class::Mismatched)
}

impl Results {
    /// Puts records in order and counts them.
    #[must_use]
    pub fn new(started: String, mut runs: Vec<Arc<RunRecord>>, mut skipped: Vec<SkipRecord>) -> Self {
        runs.sort_by(|a, b| {
            (&a.tick, &a.probe, &a.route, &a.input, a.id).cmp(&(&b.tick, &b.probe, &b.route, &b.input, b.id))
        });
        skipped.sort_by(|a, b| {
            (&a.tick, &a.probe, &a.route, &a.input).cmp(&(&b.tick, &b.probe, &b.route, &b.input))
        });
        let summary = summary(&runs);
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started,
            runs,
            skipped,
            summary,
            gate: None,
            truth: None,
            folder: PathBuf::new(),
        }
    }
}

fn summary(runs: &[Arc<RunRecord>]) -> Vec<SummaryRow> {
    let mut rows: BTreeMap<(&str, &str, &str), Vec<&RunRecord>> = BTreeMap::new();
    for run in runs {
        rows.entry((&run.probe, &run.route, &run.input))
            .or_default()
            .push(run);
    }
    rows.into_iter()
        .map(|((probe, route, input), runs)| row(probe, route, input, &runs))
        .collect()
}

fn row(probe: &str, route: &str, input: &str, runs: &[&RunRecord]) -> SummaryRow {
    let mut classes: BTreeMap<Class, u64> = Class::ALL.into_iter().map(|c| (c, 0)).collect();
    for run in runs {
        *classes.entry(run.class).or_default() += 1;
    }
    let counted =
        |run: &&&RunRecord| run.layers.accepted.state == LayerState::Yes && run.class != Class::Unobserved;
    let base = runs.iter().filter(counted).count();
    let silent = runs.iter().filter(|r| silent_failure(r)).count();
    SummaryRow {
        probe: probe.to_owned(),
        route: route.to_owned(),
        input: input.to_owned(),
        runs: runs.len() as u64,
        classes,
        silent_failure_rate: share(silent, base),
    }
}

/// `part` of `whole`; never a share of nothing.
#[expect(clippy::cast_precision_loss, reason = "counts of runs are far below 2^52")]
fn share(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}
