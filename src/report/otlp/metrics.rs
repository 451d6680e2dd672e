//! Counts since the start, as cumulative sums and histograms.

use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint, Sum, metric,
    number_data_point,
};

use super::super::metrics::families::{Family, Labels, Measure, Value};
use super::super::metrics::series::BOUNDS;
use super::super::metrics::{Gauges, Metrics};
use super::text;

/// From when until when, nanoseconds since 1970.
type Window = (u64, u64);

pub(super) fn all(counted: &Metrics, gauges: &Gauges, window: Window) -> Vec<Metric> {
    counted.with_families(gauges, |families| {
        let told = families.iter().filter(|family| !family.points.is_empty());
        told.map(|family| metric(family, window)).collect()
    })
}

fn metric(family: &Family<'_>, window: Window) -> Metric {
    let cumulative = AggregationTemporality::Cumulative.into();
    let numbers = || {
        family
            .points
            .iter()
            .filter_map(|point| number(point, window))
            .collect()
    };
    let data = match family.points.first().map(|(_, value)| *value) {
        Some(Value::Count(_) | Value::Spent(_)) => metric::Data::Sum(Sum {
            data_points: numbers(),
            aggregation_temporality: cumulative,
            is_monotonic: true,
        }),
        Some(Value::Times(_)) => metric::Data::Histogram(Histogram {
            data_points: family
                .points
                .iter()
                .filter_map(|point| times(point, window))
                .collect(),
            aggregation_temporality: cumulative,
        }),
        Some(Value::Level(_) | Value::Info) | None => metric::Data::Gauge(Gauge {
            data_points: numbers(),
        }),
    };
    let unit = match family.unit {
        Measure::None => "1",
        Measure::Seconds => "s",
        Measure::Bytes => "By",
    };
    Metric {
        name: family.name.to_owned(),
        description: family.help.to_owned(),
        unit: unit.to_owned(),
        data: Some(data),
        ..Metric::default()
    }
}

fn number((labels, value): &(Labels<'_>, Value<'_>), (start, now): Window) -> Option<NumberDataPoint> {
    let value = match value {
        Value::Count(n) => number_data_point::Value::AsInt(i64::try_from(*n).unwrap_or(i64::MAX)),
        Value::Spent(n) | Value::Level(n) => number_data_point::Value::AsDouble(*n),
        Value::Info => number_data_point::Value::AsInt(1),
        Value::Times(_) => return None,
    };
    Some(NumberDataPoint {
        attributes: labels.iter().map(|(key, value)| text(key, value)).collect(),
        start_time_unix_nano: start,
        time_unix_nano: now,
        value: Some(value),
        ..NumberDataPoint::default()
    })
}

fn times((labels, value): &(Labels<'_>, Value<'_>), (start, now): Window) -> Option<HistogramDataPoint> {
    let Value::Times(times) = value else {
        return None;
    };
    Some(HistogramDataPoint {
        attributes: labels.iter().map(|(key, value)| text(key, value)).collect(),
        start_time_unix_nano: start,
        time_unix_nano: now,
        count: times.buckets.iter().sum(),
        sum: Some(times.sum),
        bucket_counts: times.buckets.to_vec(),
        explicit_bounds: BOUNDS.to_vec(),
        ..HistogramDataPoint::default()
    })
}
