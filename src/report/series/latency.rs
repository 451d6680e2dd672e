//! Latencies of a series, in which a run that never arrived is later than any other.

use schemars::JsonSchema;
use serde::Serialize;

use super::rows::LayerRows;
use crate::model::{Latencies as Histogram, LayerRollup, Reached};
use crate::stats::CONFIDENCE;
use crate::stats::quantiles::{Latencies, Quantile, quantile_ranks};

/// The quantiles of every report.
pub(super) const QUANTILES: [f64; 3] = [0.5, 0.95, 0.99];

/// The three layers; null where no run says anything of one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct LayersFigures {
    /// Until the API had taken it.
    pub accepted: Option<LayerFigures>,
    /// Until the system had done the work.
    pub executed: Option<LayerFigures>,
    /// Until the user had the result.
    pub outcome: Option<LayerFigures>,
}

/// The latency of one layer, in seconds since the first byte sent.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct LayerFigures {
    /// Runs in which it happened while landfall watched.
    pub reached: u64,
    /// Runs in which it did not: each counts as later than any other.
    pub never: u64,
    /// Observed runs of which nobody knows when or whether; in no quantile.
    pub unknown: u64,
    /// The median.
    pub p50: QuantileFigure,
    /// The 95th percentile.
    pub p95: QuantileFigure,
    /// The 99th percentile.
    pub p99: QuantileFigure,
    /// By how much looking from time to time leaves the instants open; null where all are exact, and from roll-ups.
    pub poll: Option<PollFigures>,
}

/// A quantile over all runs, arrived or not.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct QuantileFigure {
    /// Its value by the earliest instants at which each run can have arrived; null is *not reached*.
    pub earliest: Option<f64>,
    /// By the latest; this one counts. Null is *not reached*: too many never arrived.
    pub latest: Option<f64>,
    /// The lower limit of its 95 % interval; zero where so few runs give none; null where even that is not reached.
    pub lower: Option<f64>,
    /// The upper limit; null is *not bounded by this data*.
    pub upper: Option<f64>,
}

/// The width of the intervals in which outcomes arrived.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct PollFigures {
    /// The median width in seconds.
    pub median: f64,
    /// The greatest.
    pub most: f64,
}

/// A mean wait that is finite whatever was lost.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct WaitFigures {
    /// For so many seconds every run was watched; one that did not arrive counts as that.
    pub cap: f64,
    /// The mean in seconds.
    pub mean: f64,
}

/// Times of which none is missing.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct TimeFigures {
    /// How many.
    pub runs: u64,
    /// The median.
    pub p50: f64,
    /// The 95th percentile.
    pub p95: f64,
    /// The 99th percentile.
    pub p99: f64,
    /// The greatest.
    pub most: f64,
}

/// The figures of a layer; `None` where no run says anything of it.
pub(super) fn layer(rows: &LayerRows) -> Option<LayerFigures> {
    let side = |side: fn(&(f64, f64)) -> f64| {
        Latencies::new(rows.reached.iter().map(side).collect(), rows.never).ok()
    };
    let (lo, hi) = (side(|s| s.0)?, side(|s| s.1)?);
    let quantile = |q: f64| {
        let (lo, hi) = (lo.estimate(q, CONFIDENCE).ok()?, hi.estimate(q, CONFIDENCE).ok()?);
        Some(figure(&lo, &hi))
    };
    let [p50, p95, p99] = QUANTILES.map(quantile);
    Some(LayerFigures {
        reached: rows.reached.len() as u64,
        never: rows.never,
        unknown: rows.unknown,
        p50: p50?,
        p95: p95?,
        p99: p99?,
        poll: poll(&rows.reached),
    })
}

fn figure(lo: &Quantile, hi: &Quantile) -> QuantileFigure {
    QuantileFigure {
        earliest: lo.value,
        latest: hi.value,
        lower: lo.lower,
        upper: hi.upper,
    }
}

fn poll(reached: &[(f64, f64)]) -> Option<PollFigures> {
    let mut widths: Vec<f64> = reached.iter().map(|(lo, hi)| hi - lo).collect();
    let most = widths.iter().copied().fold(0.0, f64::max);
    if most <= 0.0 {
        return None;
    }
    let middle = (widths.len() - 1) / 2;
    let (_, median, _) = widths.select_nth_unstable_by(middle, f64::total_cmp);
    Some(PollFigures {
        median: *median,
        most,
    })
}

/// The mean wait for the outcome, up to the shortest watch.
pub(super) fn wait(outcome: &LayerRows, watched: Option<(f64, f64)>) -> Option<WaitFigures> {
    let (cap, _) = watched?;
    let latencies = Latencies::new(outcome.reached.iter().map(|s| s.1).collect(), outcome.never).ok()?;
    let mean = latencies.capped_mean(cap).ok()?;
    Some(WaitFigures { cap, mean: mean.mean })
}

/// Quantiles of times of which none is missing.
pub(super) fn times(seconds: &[f64]) -> Option<TimeFigures> {
    let all = Latencies::new(seconds.to_vec(), 0).ok()?;
    let [p50, p95, p99] = QUANTILES.map(|q| all.quantile(q).ok().flatten());
    Some(TimeFigures {
        runs: all.runs(),
        p50: p50?,
        p95: p95?,
        p99: p99?,
        most: all.arrived().last().copied()?,
    })
}

/// The same from histograms: values are the upper edges of their buckets, three digits right.
pub(super) fn rolled_layer(layer: &LayerRollup) -> Option<LayerFigures> {
    let (reached, never) = (layer.hi.count(), layer.no);
    let runs = reached + never;
    let quantile = |q: f64| {
        let ranks = quantile_ranks(runs, q, CONFIDENCE).ok()?;
        Some(QuantileFigure {
            earliest: seconds(layer.lo.quantile(q, never)),
            latest: seconds(layer.hi.quantile(q, never)),
            lower: match ranks.lower {
                0 => Some(0.0),
                rank => at(&layer.lo, rank),
            },
            upper: at(&layer.hi, ranks.upper),
        })
    };
    let [p50, p95, p99] = QUANTILES.map(quantile);
    Some(LayerFigures {
        reached,
        never,
        unknown: layer.unknown + layer.yes.saturating_sub(reached),
        p50: p50?,
        p95: p95?,
        p99: p99?,
        poll: None,
    })
}

/// Lag from its histogram.
pub(super) fn rolled_times(histogram: &Histogram) -> Option<TimeFigures> {
    let [p50, p95, p99] = QUANTILES.map(|q| seconds(histogram.quantile(q, 0)));
    Some(TimeFigures {
        runs: histogram.count(),
        p50: p50?,
        p95: p95?,
        p99: p99?,
        most: micros(histogram.max()?),
    })
}

/// The mean wait from histograms, a run at the upper edge of its bucket.
#[expect(clippy::cast_precision_loss, reason = "counts of runs are far below 2^52")]
pub(super) fn rolled_wait(layer: &LayerRollup, cap: Option<f64>) -> Option<WaitFigures> {
    let cap = cap.filter(|cap| cap.is_finite() && *cap > 0.0)?;
    let runs = layer.hi.count() + layer.no;
    let waited: f64 = layer
        .hi
        .buckets()
        .map(|(edge, count)| micros(edge).min(cap) * count as f64)
        .sum();
    let mean = (waited + layer.no as f64 * cap) / runs as f64;
    (runs > 0).then_some(WaitFigures { cap, mean })
}

fn seconds(reached: Option<Reached>) -> Option<f64> {
    match reached? {
        Reached::At(value) => Some(micros(value)),
        Reached::Never => None,
    }
}

/// The value of a rank, from 1; `None` past the last arrival.
fn at(histogram: &Histogram, rank: u64) -> Option<f64> {
    let mut passed = 0;
    let most = histogram.max()?;
    histogram.buckets().find_map(|(edge, count)| {
        passed += count;
        (passed >= rank).then(|| micros(edge.min(most)))
    })
}

#[expect(
    clippy::cast_precision_loss,
    reason = "an hour of microseconds is far below 2^52"
)]
fn micros(micros: u64) -> f64 {
    micros as f64 / 1e6
}
