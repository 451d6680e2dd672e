//! One scrape.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;

use super::series::{LAYERS, Series};
use super::{Gauges, Inner};
use crate::model::{Class, SkipReason};

/// What was counted, and what is read now.
#[derive(Debug)]
pub(super) struct Snapshot {
    pub(super) counted: Arc<Inner>,
    pub(super) gauges: Gauges,
}

type Labels<'a> = Vec<(&'static str, &'a str)>;

impl Collector for Snapshot {
    fn encode(&self, mut to: DescriptorEncoder<'_>) -> fmt::Result {
        self.runs(&mut to)?;
        self.skips(&mut to)?;
        self.times(&mut to)?;
        self.sight(&mut to)?;
        self.own(&mut to)
    }
}

impl Snapshot {
    fn runs(&self, to: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let series = self.counted.lock();
        let location = self.counted.location.as_str();
        let mut runs = counter(
            to,
            "landfall_runs",
            "Runs that have ended, by their first verdict",
        )?;
        for ((probe, route), counted) in &*series {
            for (class, n) in Class::ALL.iter().zip(counted.classes) {
                let mut labels = leg(probe, route, location);
                labels.push(("class", class.word()));
                put(&mut runs, &labels, n)?;
            }
        }
        let mut amended = counter(
            to,
            "landfall_amended",
            "Verdicts that changed after the run had closed",
        )?;
        for ((probe, route), counted) in &*series {
            for ((from, into), n) in &counted.amended {
                let mut labels = leg(probe, route, location);
                labels.extend([("from", from.word()), ("to", into.word())]);
                put(&mut amended, &labels, *n)?;
            }
        }
        let mut silent = counter(
            to,
            "landfall_silent_failures",
            "Runs that were accepted and then lost or mismatched: nothing said so",
        )?;
        each(&series, |probe, route, counted| {
            put(&mut silent, &leg(probe, route, location), counted.silent_failures)
        })
    }

    fn skips(&self, to: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let series = self.counted.lock();
        let location = self.counted.location.as_str();
        let mut skips = counter(to, "landfall_skipped", "Ticks of a route that did not fire")?;
        each(&series, |probe, route, counted| {
            for (reason, n) in SkipReason::ALL.iter().zip(counted.skipped) {
                let mut labels = leg(probe, route, location);
                labels.push(("reason", reason.word()));
                put(&mut skips, &labels, n)?;
            }
            Ok(())
        })
    }

    fn times(&self, to: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let series = self.counted.lock();
        let location = self.counted.location.as_str();
        let help = "From the first byte sent until a layer said yes; runs that never did are not in it";
        let unit = Unit::Seconds;
        let mut layers = to.encode_descriptor("landfall_layer", help, Some(&unit), MetricType::Histogram)?;
        each(&series, |probe, route, counted| {
            for (layer, histogram) in LAYERS.into_iter().zip(&counted.layers) {
                let mut labels = leg(probe, route, location);
                labels.push(("layer", layer));
                histogram.encode(layers.encode_family(&labels.as_slice())?)?;
            }
            Ok(())
        })?;
        let help = "From the scheduled instant to the first byte sent";
        let mut lags = to.encode_descriptor("landfall_lag", help, Some(&unit), MetricType::Histogram)?;
        each(&series, |probe, route, counted| {
            let labels = leg(probe, route, location);
            counted.lag.encode(lags.encode_family(&labels.as_slice())?)
        })
    }

    fn sight(&self, to: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let location = self.counted.location.as_str();
        let now = &self.gauges;
        let mut flying = gauge(to, "landfall_in_flight", "Runs that are waited for", None)?;
        each(&self.counted.lock(), |probe, route, _| {
            let key = (probe.to_owned(), route.to_owned());
            let n = now.in_flight.get(&key).copied().unwrap_or(0);
            set(&mut flying, &leg(probe, route, location), n)
        })?;
        let mut states = gauge(
            to,
            "landfall_probe_state",
            "1 for the state that a probe is in, 0 for the others",
            None,
        )?;
        for (probe, known) in &now.states {
            for (state, is) in known {
                set(
                    &mut states,
                    &vec![("probe", probe.as_str()), ("state", *state)],
                    u64::from(*is),
                )?;
            }
        }
        let mut up = gauge(to, "landfall_channel_up", "Whether a channel can see", None)?;
        for (channel, sees) in &now.channels {
            set(&mut up, &vec![("channel", channel.as_str())], u64::from(*sees))?;
        }
        let mut seen = counter(
            to,
            "landfall_observations",
            "What channels saw, and what became of it",
        )?;
        for ((channel, result), n) in &now.observations {
            put(
                &mut seen,
                &vec![("channel", channel.as_str()), ("result", result.as_str())],
                *n,
            )?;
        }
        let mut refused = counter(to, "landfall_refused", "What listeners refused, by the limit")?;
        for (limit, n) in &now.refused {
            put(&mut refused, &vec![("limit", limit.as_str())], *n)?;
        }
        Ok(())
    }

    fn own(&self, to: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let now = &self.gauges;
        let bytes = Unit::Bytes;
        let mut build =
            to.encode_descriptor("landfall_build", "The version that runs", None, MetricType::Info)?;
        build.encode_info(&[("version", env!("CARGO_PKG_VERSION"))])?;
        let help = "Bytes of the store on disk";
        gauge(to, "landfall_store", help, Some(&bytes))?.encode_gauge(&now.store_bytes)?;
        let help = "Whether the last reload of definitions was taken";
        gauge(to, "landfall_reload_taken", help, None)?.encode_gauge(&u64::from(now.reload_taken))?;
        let help = "When definitions were last taken";
        let seconds = Unit::Seconds;
        gauge(to, "landfall_reload_timestamp", help, Some(&seconds))?.encode_gauge(&now.reloaded_at)?;
        let process = &now.process;
        let help = "Resident memory";
        gauge(to, "process_resident_memory", help, Some(&bytes))?.encode_gauge(&process.resident_bytes)?;
        gauge(to, "process_open_fds", "Open file descriptors", None)?.encode_gauge(&process.open_fds)?;
        let help = "User and system time";
        to.encode_descriptor("process_cpu", help, Some(&seconds), MetricType::Counter)?
            .encode_counter::<NoLabelSet, f64, f64>(&process.cpu_seconds, None)?;
        let help = "When the process started";
        gauge(to, "process_start_time", help, Some(&seconds))?.encode_gauge(&process.start_seconds)
    }
}

fn leg<'a>(probe: &'a str, route: &'a str, location: &'a str) -> Labels<'a> {
    vec![("probe", probe), ("route", route), ("location", location)]
}

fn each(
    series: &std::collections::BTreeMap<(String, String), Series>,
    mut tell: impl FnMut(&str, &str, &Series) -> fmt::Result,
) -> fmt::Result {
    series
        .iter()
        .try_for_each(|((probe, route), counted)| tell(probe, route, counted))
}

fn counter<'a>(
    to: &'a mut DescriptorEncoder<'_>,
    name: &'a str,
    help: &str,
) -> Result<MetricEncoder<'a>, fmt::Error> {
    to.encode_descriptor(name, help, None, MetricType::Counter)
}

fn gauge<'a>(
    to: &'a mut DescriptorEncoder<'_>,
    name: &'a str,
    help: &str,
    unit: Option<&'a Unit>,
) -> Result<MetricEncoder<'a>, fmt::Error> {
    to.encode_descriptor(name, help, unit, MetricType::Gauge)
}

fn put(to: &mut MetricEncoder<'_>, labels: &Labels<'_>, n: u64) -> fmt::Result {
    to.encode_family(&labels.as_slice())?
        .encode_counter::<NoLabelSet, u64, u64>(&n, None)
}

fn set(to: &mut MetricEncoder<'_>, labels: &Labels<'_>, n: u64) -> fmt::Result {
    to.encode_family(&labels.as_slice())?.encode_gauge(&n)
}
