//! What Prometheus reads: counts and histograms of what became of runs, as OpenMetrics text; or, where it asks for
//! native histograms, in the one form that has them.
//!
//! Names and labels are a contract. No label bears a URL, a token or anything that a target chose. Every series of a
//! probe that is served exists from the start, at zero, so that a rate over its first failure is right.
//!
//! Runs that never arrived are in no histogram: a quantile over arrivals alone would flatter. They are counted in
//! `landfall_runs_total`, and the recording rules that ship with landfall put the two together.

pub(super) mod families;
mod native;
mod protobuf;
pub(super) mod series;
mod text;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::model::{RunRecord, SkipReason};

use series::{Series, SeriesBy};

/// The media type of [`Metrics::text`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The media type of [`Form::Protobuf`].
const PROTOBUF: &str =
    "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";

/// A form in which a scraper takes metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// OpenMetrics 1.0 text, with classic histograms.
    Text,
    /// Delimited messages `io.prometheus.client.MetricFamily`, with native histograms beside the classic ones.
    Protobuf,
}

impl Form {
    /// Its media type.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Text => CONTENT_TYPE,
            Self::Protobuf => PROTOBUF,
        }
    }
}

/// Counts since the process started. Counters go on only; Prometheus sees a restart by itself.
#[derive(Clone)]
pub struct Metrics {
    inner: Arc<Inner>,
}

/// What is read at the moment of a scrape instead of being counted.
#[derive(Clone, Debug, Default)]
pub struct Gauges {
    /// Runs in flight, by probe and route.
    pub in_flight: BTreeMap<(String, String), u64>,
    /// Of each probe every state that there is, by its word, and whether it is in it.
    pub states: BTreeMap<String, Vec<(&'static str, bool)>>,
    /// Whether each channel can see.
    pub channels: BTreeMap<String, bool>,
    /// Observations by channel and what became of them.
    pub observations: BTreeMap<(String, String), u64>,
    /// What listeners refused, by a stable word.
    pub refused: BTreeMap<String, u64>,
    /// Open alerts by probe, at zero where there is none.
    pub alerts_open: BTreeMap<String, u64>,
    /// Ended runs and skips that alerting could not take at once and read again from the store.
    pub alerts_missed: u64,
    /// How those who are told of alerts fare.
    pub destinations: BTreeMap<String, Destination>,
    /// Bytes that the store takes on disk.
    pub store_bytes: u64,
    /// Whether the last reload was taken.
    pub reload_taken: bool,
    /// Unix time, in seconds, of the last reload that was taken.
    pub reloaded_at: f64,
    /// How many reloads were taken, and how many refused.
    pub reloads: (u64, u64),
    /// Keys of `landfall.yaml` that wait for the next start.
    pub restart_needed: u64,
    /// The process: resident bytes, open files, seconds of CPU, and the Unix time of its start.
    pub process: Process,
}

/// How a destination of alerts fares.
#[derive(Clone, Copy, Debug, Default)]
pub struct Destination {
    /// Whether it takes messages, as far as is known.
    pub up: bool,
    /// Messages that wait.
    pub waiting: u64,
    /// Messages that were taken.
    pub sent: u64,
    /// Attempts that failed.
    pub failed: u64,
    /// Messages that were given up.
    pub given_up: u64,
    /// Messages that waited and were replaced by a summary or by a later state.
    pub summed_up: u64,
    /// Unix time, in seconds, at which a message was last taken.
    pub last_success: Option<f64>,
    /// Unix time, in seconds, at which an attempt last failed.
    pub last_failure: Option<f64>,
}

/// What the system says of the process.
#[derive(Clone, Copy, Debug, Default)]
pub struct Process {
    /// Bytes of memory in use.
    pub resident_bytes: u64,
    /// Open file descriptors.
    pub open_fds: u64,
    /// User and system time.
    pub cpu_seconds: f64,
    /// Unix time.
    pub start_seconds: f64,
}

#[derive(Debug)]
struct Inner {
    location: String,
    /// Boxed: the nodes of a tree are half empty.
    series: Mutex<SeriesBy>,
}

impl Metrics {
    /// Nothing is counted yet. `location` is a label of every series about runs.
    #[must_use]
    pub fn new(location: &str) -> Self {
        Self {
            inner: Arc::new(Inner {
                location: location.to_owned(),
                series: Mutex::default(),
            }),
        }
    }

    /// From now on these pairs of probe and route are told, at zero where they are new; those of no name here are
    /// forgotten, as after a reload that took a probe away.
    pub fn declare(&self, served: impl IntoIterator<Item = (String, String)>) {
        let mut series = self.inner.lock();
        let mut before = std::mem::take(&mut *series);
        for key in served {
            let kept = before.remove(&key).unwrap_or_default();
            series.insert(key, kept);
        }
    }

    /// Counts a run that has ended.
    pub fn closed(&self, record: &RunRecord) {
        self.with(&record.probe, &record.route, |series| series.closed(record));
    }

    /// Counts a change of a verdict. What was counted before stays counted: a run that arrived after its grace is
    /// still one that had not arrived by then.
    pub fn amended(&self, record: &RunRecord) {
        self.with(&record.probe, &record.route, |series| series.amended(record));
    }

    /// Counts ticks of a leg that did not fire.
    pub fn skipped(&self, probe: &str, route: &str, reason: SkipReason, ticks: u64) {
        self.with(probe, route, |series| series.skipped(reason, ticks));
    }

    /// Counts a request whose first byte has left.
    pub fn sent(&self, probe: &str, route: &str, lag: f64) {
        self.with(probe, route, |series| series.sent(lag));
    }

    /// Everything, as OpenMetrics 1.0 text.
    #[must_use]
    pub fn text(&self, gauges: Gauges) -> String {
        text::render(self.inner.clone(), gauges)
    }

    /// Everything, in a form that the scraper takes.
    #[must_use]
    pub fn told(&self, form: Form, gauges: Gauges) -> Vec<u8> {
        match form {
            Form::Text => self.text(gauges).into_bytes(),
            Form::Protobuf => self.with_families(&gauges, protobuf::encode),
        }
    }

    /// What there is to tell, for another form than text.
    pub(super) fn with_families<T>(
        &self,
        gauges: &Gauges,
        tell: impl FnOnce(&[families::Family<'_>]) -> T,
    ) -> T {
        let series = self.inner.lock();
        tell(&families::families(&self.inner.location, &series, gauges))
    }

    fn with(&self, probe: &str, route: &str, count: impl FnOnce(&mut Series)) {
        let key = (probe.to_owned(), route.to_owned());
        count(self.inner.lock().entry(key).or_default());
    }
}

impl Inner {
    fn lock(&self) -> std::sync::MutexGuard<'_, SeriesBy> {
        self.series.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
