//! What is counted of one probe and route.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use prometheus_client::metrics::exemplar::HistogramWithExemplars;

use super::native::Sparse;
use crate::model::{Class, LayerRecord, LayerState, Moment, RunId, RunRecord, SkipReason};
use crate::report::silent_failure;

/// Upper bounds in seconds: answers of milliseconds and mails of an hour have a place.
pub(in crate::report) const BOUNDS: [f64; 18] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0,
    3600.0,
];

/// The one label of an exemplar, as OpenMetrics and Grafana know it.
pub(in crate::report) type TraceLabels = [(&'static str, String); 1];

/// By probe and route.
pub(in crate::report) type SeriesBy = BTreeMap<(String, String), Box<Series>>;

#[derive(Debug)]
pub(in crate::report) struct Series {
    /// In the order of [`Class::ALL`].
    pub(in crate::report) classes: [u64; Class::ALL.len()],
    pub(in crate::report) amended: BTreeMap<(Class, Class), u64>,
    pub(in crate::report) silent_failures: u64,
    /// In the order of [`SkipReason::ALL`].
    pub(in crate::report) skipped: [u64; SkipReason::ALL.len()],
    pub(in crate::report) lag: Times,
    /// In the order of [`LAYERS`].
    pub(in crate::report) layers: [Times; 3],
}

impl Default for Series {
    fn default() -> Self {
        Self {
            classes: [0; Class::ALL.len()],
            amended: BTreeMap::new(),
            silent_failures: 0,
            skipped: [0; SkipReason::ALL.len()],
            lag: Times::default(),
            layers: Default::default(),
        }
    }
}

impl Series {
    pub(in crate::report) fn closed(&mut self, record: &RunRecord) {
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
        for (times, layer) in self.layers.iter_mut().zip(layers) {
            if let Some(seconds) = arrived(layer) {
                times.add(seconds, Some((record.id, at)));
            }
        }
    }

    pub(in crate::report) fn amended(&mut self, record: &RunRecord) {
        if let Some(last) = record.amendments.last() {
            *self.amended.entry((last.from, last.to)).or_default() += 1;
        }
    }

    pub(in crate::report) fn skipped(&mut self, reason: SkipReason, ticks: u64) {
        if let Some(place) = SkipReason::ALL.iter().position(|known| *known == reason) {
            self.skipped[place] += ticks;
        }
    }

    pub(in crate::report) fn sent(&mut self, lag: f64) {
        self.lag.add(lag.max(0.0), None);
    }
}

/// A histogram, and what the one that is exposed does not tell of itself.
#[derive(Debug)]
pub(in crate::report) struct Times {
    /// `None` before the first time.
    exposed: Option<HistogramWithExemplars<TraceLabels>>,
    /// One more than there are bounds.
    pub(in crate::report) buckets: [u64; BOUNDS.len() + 1],
    pub(in crate::report) sum: f64,
    /// The same times in finer buckets.
    pub(super) native: Sparse,
    /// The last of each bucket that has one, by its place.
    exemplars: Vec<(usize, Exemplar)>,
}

/// One run that took so long.
#[derive(Clone, Copy, Debug)]
pub(super) struct Exemplar {
    pub(super) run: RunId,
    pub(super) seconds: f64,
    /// When it was sent.
    pub(super) at: Option<Moment>,
}

impl Default for Times {
    fn default() -> Self {
        Self {
            exposed: None,
            buckets: [0; BOUNDS.len() + 1],
            sum: 0.0,
            native: Sparse::default(),
            exemplars: Vec::new(),
        }
    }
}

impl Times {
    /// Counts a time in seconds, with the run it is of and when it was sent.
    fn add(&mut self, seconds: f64, of: Option<(RunId, Option<Moment>)>) {
        let (run, at) = of.map_or((None, None), |(run, at)| (Some(run), at));
        let trace = run.map(|run| [("trace_id", run.trace_id())]);
        let exposed = self
            .exposed
            .get_or_insert_with(|| HistogramWithExemplars::new(BOUNDS.into_iter()));
        exposed.observe(seconds, trace, at.map(system_time));
        let place = BOUNDS.partition_point(|bound| *bound < seconds);
        self.buckets[place] += 1;
        self.sum += seconds;
        self.native.add(seconds);
        if let Some(run) = run {
            let fresh = Exemplar { run, seconds, at };
            match self.exemplars.iter_mut().find(|(of, _)| *of == place) {
                Some((_, known)) => *known = fresh,
                None => self.exemplars.push((place, fresh)),
            }
        }
    }

    /// As it is told in text.
    pub(super) fn exposed(&self) -> &HistogramWithExemplars<TraceLabels> {
        static EMPTY: LazyLock<HistogramWithExemplars<TraceLabels>> =
            LazyLock::new(|| HistogramWithExemplars::new(BOUNDS.into_iter()));
        self.exposed.as_ref().unwrap_or(&EMPTY)
    }

    /// One of the runs in a bucket.
    pub(super) fn exemplar(&self, place: usize) -> Option<&Exemplar> {
        let found = self.exemplars.iter().find(|(of, _)| *of == place);
        found.map(|(_, exemplar)| exemplar)
    }
}

/// The word of each layer, in the order of [`Series::layers`].
pub(in crate::report) const LAYERS: [&str; 3] = ["accepted", "executed", "outcome"];

/// The upper end of when a layer was reached, as runs are judged by it.
fn arrived(layer: LayerRecord) -> Option<f64> {
    let seconds = layer.seconds.filter(|_| layer.state == LayerState::Yes)?;
    Some(seconds.1.max(0.0))
}

fn system_time(at: Moment) -> SystemTime {
    let nanos = u64::try_from(at.0).unwrap_or(0);
    SystemTime::UNIX_EPOCH + Duration::from_nanos(nanos)
}
