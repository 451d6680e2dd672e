//! OpenMetrics 1.0 text.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::{Registry, Unit};

use super::families::{Family, Measure, Value, families};
use super::{Gauges, Inner};

/// What was counted and what is read now, as text.
pub(super) fn render(counted: Arc<Inner>, gauges: Gauges) -> String {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Scrape { counted, gauges }));
    let mut text = String::new();
    match prometheus_client::encoding::text::encode(&mut text, &registry) {
        Ok(()) => text,
        // Only a formatter that fails ends here, and a string does not.
        Err(fmt::Error) => String::from("# EOF\n"),
    }
}

#[derive(Debug)]
struct Scrape {
    counted: Arc<Inner>,
    gauges: Gauges,
}

impl Collector for Scrape {
    fn encode(&self, mut to: DescriptorEncoder<'_>) -> fmt::Result {
        let series = self.counted.lock();
        families(&self.counted.location, &series, &self.gauges)
            .iter()
            .try_for_each(|family| put(&mut to, family))
    }
}

fn put(to: &mut DescriptorEncoder<'_>, family: &Family<'_>) -> fmt::Result {
    let Some((_, first)) = family.points.first() else {
        return Ok(());
    };
    let kind = match first {
        Value::Count(_) | Value::Spent(_) => MetricType::Counter,
        Value::Level(_) => MetricType::Gauge,
        Value::Times(_) => MetricType::Histogram,
        Value::Info => MetricType::Info,
    };
    let unit = match family.unit {
        Measure::None => None,
        Measure::Seconds => Some(Unit::Seconds),
        Measure::Bytes => Some(Unit::Bytes),
    };
    let mut to = to.encode_descriptor(family.name, family.help, unit.as_ref(), kind)?;
    for (labels, value) in &family.points {
        let labels = labels.as_slice();
        match value {
            // The fact of an info is told by the metric itself.
            Value::Info => to.encode_info(&labels)?,
            // One without labels is the only point of its family.
            _ if labels.is_empty() => return point(to, *value),
            _ => point(to.encode_family(&labels)?, *value)?,
        }
    }
    Ok(())
}

fn point(mut to: MetricEncoder<'_>, value: Value<'_>) -> fmt::Result {
    match value {
        Value::Count(n) => to.encode_counter::<NoLabelSet, u64, u64>(&n, None),
        Value::Spent(n) => to.encode_counter::<NoLabelSet, f64, f64>(&n, None),
        Value::Level(n) => to.encode_gauge(&n),
        Value::Times(times) => times.exposed().encode(to),
        Value::Info => Ok(()),
    }
}
