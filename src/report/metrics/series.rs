//! What is counted of one probe and route.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use prometheus_client::metrics::exemplar::HistogramWithExemplars;

use crate::model::{Class, LayerRecord, LayerState, Moment, RunRecord, SkipReason};
use crate::report::silent_failure;

/// Upper bounds in seconds: answers of milliseconds and mails of an hour have a place.
const BOUNDS: [f64; 18] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0,
    3600.0,
];

/// The one label of an exemplar, as OpenMetrics and Grafana know it.
pub(super) type TraceLabels = [(&'static str, String); 1];

#[derive(Debug)]
pub(super) struct Series {
    /// In the order of [`Class::ALL`].
    pub(super) classes: [u64; Class::ALL.len()],
    pub(super) amended: BTreeMap<(Class, Class), u64>,
    pub(super) silent_failures: u64,
    /// In the order of [`SkipReason::ALL`].
    pub(super) skipped: [u64; SkipReason::ALL.len()],
    pub(super) lag: HistogramWithExemplars<TraceLabels>,
    /// Accepted, executed, outcome.
    pub(super) layers: [HistogramWithExemplars<TraceLabels>; 3],
}

impl Default for Series {
    fn default() -> Self {
        let histogram = || HistogramWithExemplars::new(BOUNDS.into_iter());
        Self {
            classes: [0; Class::ALL.len()],
            amended: BTreeMap::new(),
            silent_failures: 0,
            skipped: [0; SkipReason::ALL.len()],
            lag: histogram(),
            layers: [histogram(), histogram(), histogram()],
        }
    }
}

impl Series {
    pub(super) fn closed(&mut self, record: &RunRecord) {
        if let Some(place) = Class::ALL.iter().position(|class| *class == record.class) {
            self.classes[place] += 1;
        }
        if silent_failure(record) {
            self.silent_failures += 1;
        }
        let at = record.sent.as_deref().and_then(Moment::from_rfc3339);
        let layers = [
            record.layers.accepted,
            record.layers.executed,
            record.layers.outcome,
        ];
        for (histogram, layer) in self.layers.iter().zip(layers) {
            if let Some(seconds) = arrived(layer) {
                let trace = Some([("trace_id", record.id.trace_id())]);
                histogram.observe(seconds, trace, at.map(system_time));
            }
        }
    }

    pub(super) fn amended(&mut self, record: &RunRecord) {
        if let Some(last) = record.amendments.last() {
            *self.amended.entry((last.from, last.to)).or_default() += 1;
        }
    }

    pub(super) fn skipped(&mut self, reason: SkipReason, ticks: u64) {
        if let Some(place) = SkipReason::ALL.iter().position(|known| *known == reason) {
            self.skipped[place] += ticks;
        }
    }

    pub(super) fn sent(&mut self, lag: f64) {
        self.lag.observe(lag.max(0.0), None, None);
    }
}

/// The word of each layer, in the order of [`Series::layers`].
pub(super) const LAYERS: [&str; 3] = ["accepted", "executed", "outcome"];

/// The upper end of when a layer was reached, as runs are judged by it.
fn arrived(layer: LayerRecord) -> Option<f64> {
    let seconds = layer.seconds.filter(|_| layer.state == LayerState::Yes)?;
    Some(seconds.1.max(0.0))
}

fn system_time(at: Moment) -> SystemTime {
    let nanos = u64::try_from(at.0).unwrap_or(0);
    SystemTime::UNIX_EPOCH + Duration::from_nanos(nanos)
}
