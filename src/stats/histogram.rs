//! Histograms of latency for roll-ups and export, with the runs that never arrived counted beside them.
//!
//! Classify from the raw value, never from a bucket: with three digits the bucket of 60 s reaches from 59.998 s to
//! 60.031 s, so a deadline lies inside one. Merge histograms and take quantiles after; never average quantiles.

use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer as _, V2DeflateSerializer};
use serde::Serialize;

use super::StatError;
use super::error::{exact, not_negative, open_share, some};

/// The largest latency that a bucket holds, in microseconds: an hour. Longer ones are held as this and counted.
pub const LONGEST: u64 = 3_600_000_000;
/// The digits to which a bucket is exact.
pub const DIGITS: u8 = 3;

/// The latencies of many runs in buckets of microseconds, each exact to three digits.
#[derive(Clone, Debug, PartialEq)]
pub struct LatencyHistogram {
    arrived: Histogram<u64>,
    side: Side,
}

/// What the buckets do not hold. Stored beside their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct Side {
    /// Runs that never arrived.
    pub never: u64,
    /// The longest latency itself, in microseconds.
    pub longest: u64,
    /// Latencies above [`LONGEST`].
    pub clipped: u64,
}

/// The values that share a bucket, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Edges {
    /// The least.
    pub lowest: u64,
    /// The greatest.
    pub highest: u64,
}

/// A bucket of a Prometheus native histogram: values above `lower` up to `upper`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct NativeBucket {
    /// Its index.
    pub index: i32,
    /// Its lower edge, not in it.
    pub lower: f64,
    /// Its upper edge, in it.
    pub upper: f64,
}

impl LatencyHistogram {
    /// An empty one.
    ///
    /// # Errors
    /// None is expected: the bounds are the module's own.
    pub fn new() -> Result<Self, StatError> {
        Ok(Self {
            arrived: Histogram::new_with_bounds(1, LONGEST, DIGITS).map_err(refused)?,
            side: Side::default(),
        })
    }

    /// Counts a run that arrived after so many seconds.
    ///
    /// # Errors
    /// A latency that is negative, infinite or not a number.
    pub fn record(&mut self, seconds: f64) -> Result<(), StatError> {
        let micros = (not_negative("the latency in seconds", seconds)? * 1e6).round();
        // A cast of what is too large ends at the largest number, which is far above the longest bucket.
        self.record_micros(micros as u64)
    }

    /// The same in microseconds.
    ///
    /// # Errors
    /// None is expected: what is too long is held as [`LONGEST`].
    pub fn record_micros(&mut self, micros: u64) -> Result<(), StatError> {
        self.side.longest = self.side.longest.max(micros);
        self.side.clipped += u64::from(micros > LONGEST);
        self.arrived.record(micros.min(LONGEST)).map_err(refused)
    }

    /// Counts a latency of imported data measured in a closed loop, with the samples that its wait kept from being taken:
    /// one every `interval` microseconds. For a figure of sensitivity only; landfall's own runs need none.
    ///
    /// # Errors
    /// An interval of 0.
    pub fn record_corrected(&mut self, micros: u64, interval: u64) -> Result<(), StatError> {
        some("microseconds between two samples", interval)?;
        self.side.longest = self.side.longest.max(micros);
        self.side.clipped += u64::from(micros > LONGEST);
        self.arrived
            .record_correct(micros.min(LONGEST), interval)
            .map_err(refused)
    }

    /// Counts runs that never arrived: never recorded as a large value.
    pub fn record_never(&mut self, runs: u64) {
        self.side.never = self.side.never.saturating_add(runs);
    }

    /// Takes up another one, bucket by bucket.
    ///
    /// # Errors
    /// None is expected: all have the same buckets.
    pub fn merge(&mut self, other: &Self) -> Result<(), StatError> {
        self.arrived.add(&other.arrived).map_err(refused)?;
        self.side = Side {
            never: self.side.never.saturating_add(other.side.never),
            longest: self.side.longest.max(other.side.longest),
            clipped: self.side.clipped.saturating_add(other.side.clipped),
        };
        Ok(())
    }

    /// The quantile `q` over all runs, in microseconds: the upper edge of the bucket of rank ceil(q (n + never)), and never
    /// above the longest latency itself. `None` is not reached: that run never arrived.
    ///
    /// # Errors
    /// No runs, a `q` that is not above 0 and below 1.
    pub fn quantile(&self, q: f64) -> Result<Option<u64>, StatError> {
        let q = open_share("the quantile", q)?;
        let arrived = self.arrived.len();
        let runs = some("runs", arrived.saturating_add(self.side.never))?;
        let product = q * runs;
        let rank = (product - 1e-9_f64.max(product * 4.0 * f64::EPSILON))
            .ceil()
            .max(1.0);
        let count = exact("runs", arrived)?;
        if rank > count {
            return Ok(None);
        }
        // Half a rank below, so that no rounding of the quotient reaches into the next one.
        let value = self.arrived.value_at_quantile((rank - 0.5) / count);
        Ok(Some(value.min(self.side.longest)))
    }

    /// How many runs arrived.
    #[must_use]
    pub fn arrived(&self) -> u64 {
        self.arrived.len()
    }

    /// What the buckets do not hold.
    #[must_use]
    pub fn side(&self) -> Side {
        self.side
    }

    /// The least value that a bucket with anything in it holds, in microseconds; 0 where there is none.
    #[must_use]
    pub fn lowest(&self) -> u64 {
        if self.arrived.is_empty() {
            0
        } else {
            self.arrived.min()
        }
    }

    /// The buckets as bytes: HdrHistogram's V2 format, deflated. [`Side`] goes beside them.
    ///
    /// # Errors
    /// What the serializer refuses, in its words.
    pub fn to_bytes(&self) -> Result<Vec<u8>, StatError> {
        let mut bytes = Vec::new();
        V2DeflateSerializer::new()
            .serialize(&self.arrived, &mut bytes)
            .map_err(refused)?;
        Ok(bytes)
    }

    /// One from bytes and what went beside them.
    ///
    /// # Errors
    /// Bytes that are no such histogram.
    pub fn from_bytes(mut bytes: &[u8], side: Side) -> Result<Self, StatError> {
        let read: Histogram<u64> = Deserializer::new().deserialize(&mut bytes).map_err(refused)?;
        let mut own = Self::new()?;
        own.arrived.add(&read).map_err(refused)?;
        own.side = side;
        Ok(own)
    }
}

/// The values that share a bucket with this one, in microseconds.
///
/// # Errors
/// A value of 0 or above [`LONGEST`].
pub fn edges(micros: u64) -> Result<Edges, StatError> {
    if micros == 0 || micros > LONGEST {
        return Err(StatError::Domain {
            what: "the latency in microseconds",
            value: micros as f64,
            expected: "from 1 to 3600000000",
        });
    }
    let histogram = LatencyHistogram::new()?.arrived;
    Ok(Edges {
        lowest: histogram.lowest_equivalent(micros),
        highest: histogram.highest_equivalent(micros),
    })
}

/// The bucket of a Prometheus native histogram that holds a value: index ceil(log2(value) · 2^schema), from
/// 2^((index-1)/2^schema), not in it, to 2^(index/2^schema).
///
/// # Errors
/// A value that is not finite and above 0, a schema that is not from -4 to 8.
pub fn native_bucket(value: f64, schema: i32) -> Result<NativeBucket, StatError> {
    let value = super::error::positive("the value", value)?;
    if !(-4..=8).contains(&schema) {
        return Err(StatError::Domain {
            what: "the schema",
            value: f64::from(schema),
            expected: "from -4 to 8",
        });
    }
    let scale = f64::from(schema).exp2();
    let edge = |index: i32| (f64::from(index) / scale).exp2();
    let mut index = (value.log2() * scale).ceil() as i32;
    // The logarithm may be a digit off at an edge itself.
    while edge(index - 1) >= value {
        index -= 1;
    }
    while edge(index) < value {
        index += 1;
    }
    Ok(NativeBucket {
        index,
        lower: edge(index - 1),
        upper: edge(index),
    })
}

/// The quantile to ask of those that arrived for the quantile `q` of all: q / (1 - lost share). `None` is not reached.
///
/// # Errors
/// A `q` that is not above 0 and below 1, a share that is not from 0 to 1.
pub fn quantile_of_arrived(q: f64, lost_share: f64) -> Result<Option<f64>, StatError> {
    let q = open_share("the quantile", q)?;
    let arrived = 1.0 - super::error::share("the lost share", lost_share)?;
    Ok((q <= arrived).then(|| (q / arrived).min(1.0)))
}

fn refused(reason: impl std::fmt::Display) -> StatError {
    StatError::Histogram {
        reason: reason.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_as_they_went() {
        let mut one = LatencyHistogram::new().unwrap();
        for seconds in [0.0, 0.25, 3.0, 5000.0] {
            one.record(seconds).unwrap();
        }
        one.record_never(2);
        let back = LatencyHistogram::from_bytes(&one.to_bytes().unwrap(), one.side()).unwrap();
        assert_eq!(back, one);
        assert_eq!((back.side().clipped, back.side().never), (1, 2));
        assert_eq!(back.quantile(0.99), Ok(None));
        assert!(LatencyHistogram::from_bytes(b"nonsense", Side::default()).is_err());
        assert!(one.record(f64::NAN).is_err() && one.record(-1.0).is_err());
    }

    #[test]
    fn a_quantile_is_never_above_the_longest_itself() {
        let mut one = LatencyHistogram::new().unwrap();
        one.record_micros(1_234_567).unwrap();
        assert_eq!(one.quantile(0.5), Ok(Some(1_234_567)));
        assert!(LatencyHistogram::new().unwrap().quantile(0.5).is_err());
    }

    #[test]
    fn the_quantile_for_those_that_arrived() {
        assert_eq!(quantile_of_arrived(0.95, 0.08), Ok(None));
        assert_eq!(quantile_of_arrived(0.9, 0.1), Ok(Some(1.0)));
        assert!(native_bucket(1.0, 9).is_err() && native_bucket(0.0, 3).is_err());
        for index in -40..40 {
            let edge = (f64::from(index) / 8.0).exp2();
            assert_eq!(native_bucket(edge, 3).unwrap().index, index);
        }
    }
}
