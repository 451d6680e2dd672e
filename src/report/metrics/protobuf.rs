//! The form in which Prometheus takes native histograms: messages `io.prometheus.client.MetricFamily`, each after its
//! length. Field numbers are those of the public `io/prometheus/client/metrics.proto` of `prometheus/client_model`;
//! the wire format is that of Protocol Buffers, of which this needs four kinds of fields.

use super::families::{Family, Labels, Measure, Value};
use super::native::{SCHEMA, ZERO_THRESHOLD};
use super::series::{BOUNDS, Exemplar, Times};
use crate::model::Moment;

/// `MetricType`.
const COUNTER: u64 = 0;
const GAUGE: u64 = 1;
const HISTOGRAM: u64 = 4;

/// Every family that has a point.
pub(super) fn encode(families: &[Family<'_>]) -> Vec<u8> {
    let mut out = Message::default();
    for family in families.iter().filter(|family| !family.points.is_empty()) {
        let mut message = Message::default();
        family_of(family, &mut message);
        out.varint(message.0.len() as u64);
        out.0.extend(message.0);
    }
    out.0
}

/// `MetricFamily`, under the name that the text has, suffixes included.
fn family_of(family: &Family<'_>, to: &mut Message) {
    let unit = match family.unit {
        Measure::None => "",
        Measure::Seconds => "_seconds",
        Measure::Bytes => "_bytes",
    };
    let (kind, suffix) = match family.points.first() {
        Some((_, Value::Count(_) | Value::Spent(_))) => (COUNTER, "_total"),
        Some((_, Value::Times(_))) => (HISTOGRAM, ""),
        Some((_, Value::Info)) => (GAUGE, "_info"),
        Some((_, Value::Level(_))) | None => (GAUGE, ""),
    };
    to.text(1, &format!("{}{unit}{suffix}", family.name));
    to.text(2, family.help);
    to.uint(3, kind);
    for (labels, value) in &family.points {
        to.message(4, |to| metric(labels, *value, to));
    }
}

/// `Metric`.
fn metric(labels: &Labels<'_>, value: Value<'_>, to: &mut Message) {
    for (name, value) in labels {
        to.message(1, |to| label(name, value, to));
    }
    #[expect(clippy::cast_precision_loss, reason = "a counter is told as a float")]
    match value {
        Value::Level(level) => to.message(2, |to| to.double(1, level)),
        Value::Info => to.message(2, |to| to.double(1, 1.0)),
        Value::Count(count) => to.message(3, |to| to.double(1, count as f64)),
        Value::Spent(spent) => to.message(3, |to| to.double(1, spent)),
        Value::Times(times) => to.message(7, |to| histogram(times, to)),
    }
}

/// `Histogram`: the classic buckets, and beside them the native ones.
fn histogram(times: &Times, to: &mut Message) {
    to.uint(1, times.buckets.iter().sum());
    to.double(2, times.sum);
    let mut so_far = 0;
    let bounds = BOUNDS.into_iter().chain([f64::INFINITY]);
    for (place, (bound, count)) in bounds.zip(times.buckets).enumerate() {
        so_far += count;
        to.message(3, |to| {
            to.uint(1, so_far);
            to.double(2, bound);
            if let Some(found) = times.exemplar(place) {
                to.message(3, |to| exemplar(found, to));
            }
        });
    }
    to.sint(5, i64::from(SCHEMA));
    to.double(6, ZERO_THRESHOLD);
    to.uint(7, times.native.zero);
    for span in times.native.spans() {
        to.message(12, |to| {
            to.sint(1, i64::from(span.offset));
            to.uint(2, u64::from(span.length));
        });
    }
    for delta in times.native.deltas() {
        to.sint(13, delta);
    }
}

/// `Exemplar`.
fn exemplar(found: &Exemplar, to: &mut Message) {
    to.message(1, |to| label("trace_id", &found.run.trace_id(), to));
    to.double(2, found.seconds);
    if let Some(at) = found.at {
        to.message(3, |to| timestamp(at, to));
    }
}

/// `google.protobuf.Timestamp`.
fn timestamp(at: Moment, to: &mut Message) {
    to.uint(1, at.0.div_euclid(1_000_000_000).cast_unsigned());
    to.uint(2, at.0.rem_euclid(1_000_000_000).cast_unsigned());
}

/// `LabelPair`.
fn label(name: &str, value: &str, to: &mut Message) {
    to.text(1, name);
    to.text(2, value);
}

/// The fields of one message.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn key(&mut self, field: u64, wire: u64) {
        self.varint(field << 3 | wire);
    }

    fn uint(&mut self, field: u64, value: u64) {
        self.key(field, 0);
        self.varint(value);
    }

    /// Zigzag: small numbers are short on both sides of zero.
    fn sint(&mut self, field: u64, value: i64) {
        self.uint(field, ((value << 1) ^ (value >> 63)).cast_unsigned());
    }

    fn double(&mut self, field: u64, value: f64) {
        self.key(field, 1);
        self.0.extend(value.to_le_bytes());
    }

    fn text(&mut self, field: u64, text: &str) {
        self.bytes(field, text.as_bytes());
    }

    fn bytes(&mut self, field: u64, bytes: &[u8]) {
        self.key(field, 2);
        self.varint(bytes.len() as u64);
        self.0.extend(bytes);
    }

    fn message(&mut self, field: u64, write: impl FnOnce(&mut Self)) {
        let mut inner = Self::default();
        write(&mut inner);
        self.bytes(field, &inner.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_the_wire_format_says() {
        let mut message = Message::default();
        message.uint(1, 150);
        message.text(2, "testing");
        message.sint(3, -2);
        message.double(4, 1.0);
        message.message(5, |to| to.uint(1, 0));
        let expected: &[u8] = &[
            0x08, 0x96, 0x01, // the format's own example
            0x12, 0x07, 0x74, 0x65, 0x73, 0x74, 0x69, 0x6e, 0x67, // and this
            0x18, 0x03, // zigzag
            0x21, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f, // little end first
            0x2a, 0x02, 0x08, 0x00,
        ];
        assert_eq!(message.0, expected);
    }

    #[test]
    fn a_family_has_the_name_that_its_text_has() {
        let family = |name, unit, value| Family {
            name,
            help: "h",
            unit,
            points: vec![(vec![("a", "b")], value)],
        };
        for (family, name, kind) in [
            (family("n", Measure::None, Value::Count(3)), "n_total", COUNTER),
            (
                family("n", Measure::Seconds, Value::Spent(0.5)),
                "n_seconds_total",
                COUNTER,
            ),
            (family("n", Measure::Bytes, Value::Level(0.5)), "n_bytes", GAUGE),
            (family("n", Measure::None, Value::Info), "n_info", GAUGE),
        ] {
            let told = encode(&[family]);
            let (length, rest) = told.split_first().unwrap();
            assert_eq!(usize::from(*length), rest.len());
            let mut expected = Message::default();
            expected.text(1, name);
            expected.text(2, "h");
            expected.uint(3, kind);
            assert!(rest.starts_with(&expected.0), "{name}: {rest:?}");
        }
        let empty = Family {
            name: "n",
            help: "h",
            unit: Measure::None,
            points: Vec::new(),
        };
        assert!(encode(&[empty]).is_empty());
    }

    #[test]
    fn one_that_is_empty_is_native_all_the_same() {
        let mut message = Message::default();
        histogram(&Times::default(), &mut message);
        let mut tail = Message::default();
        tail.sint(5, 3);
        tail.double(6, ZERO_THRESHOLD);
        tail.uint(7, 0);
        assert!(message.0.ends_with(&tail.0));
    }
}
