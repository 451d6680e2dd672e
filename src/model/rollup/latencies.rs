//! A histogram of latencies that is small, merges exactly, and travels as HdrHistogram's bytes.

mod hdr;

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer as _, V2DeflateSerializer};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The lowest and the highest microsecond that are told apart, and the digits: one hour at three digits.
const LOWEST: u64 = 1;
const HIGHEST: u64 = 3_600_000_000;
const DIGITS: u8 = 3;
/// Values below 2^11 are told apart exactly at three digits; above, their eleven leading bits are.
const EXACT_BITS: u32 = 11;

/// Latencies in microseconds, by bucket (`new_with_bounds(1, 3_600_000_000, 3)`), with the exact maximum beside. Only what
/// happened is in it: what never came is counted elsewhere, for a large number in its place would be a lie about time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(into = "Bytes", try_from = "Bytes")]
#[schemars(with = "Bytes")]
pub struct Latencies {
    /// How many, by the highest value of the bucket.
    counts: BTreeMap<u64, u64>,
    max: u64,
}

/// How it is written.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
struct Bytes {
    /// The exact maximum in microseconds; zero where there is none.
    max_us: u64,
    /// An HdrHistogram of microseconds, V2 with deflate, in base64; null where there is none.
    hdr: Option<String>,
}

/// A quantile of what may not have come at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reached {
    /// The latency in microseconds: the upper edge of its bucket, at most the exact maximum.
    At(u64),
    /// So many never came that it does not exist.
    Never,
}

impl Latencies {
    /// Takes a latency in; a negative one (before the first byte left) counts as zero, one above the hour goes into the
    /// last bucket.
    pub fn record(&mut self, seconds: f64) {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "rounded, not negative, and the conversion saturates"
        )]
        let micros = (seconds * 1e6).round().max(0.0) as u64;
        *self.counts.entry(bucket(micros)).or_default() += 1;
        self.max = self.max.max(micros);
    }

    /// Takes another's in. The result is what one histogram of all values would have been.
    pub fn merge(&mut self, other: &Self) {
        for (value, count) in &other.counts {
            *self.counts.entry(*value).or_default() += count;
        }
        self.max = self.max.max(other.max);
    }

    /// How many.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.values().sum()
    }

    /// The exact maximum in microseconds.
    #[must_use]
    pub fn max(&self) -> Option<u64> {
        (!self.counts.is_empty()).then_some(self.max)
    }

    /// Each bucket's highest microsecond with how many it holds, rising.
    pub fn buckets(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.counts.iter().map(|(value, count)| (*value, *count))
    }

    /// The `q` quantile over these and `missing` more that never came: rank `ceil(q (n + missing))` of all. `None` where
    /// there is nothing at all.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "counts stay far below 2^53, and a rank is rounded up and positive"
    )]
    pub fn quantile(&self, q: f64, missing: u64) -> Option<Reached> {
        let all = self.count() + missing;
        if all == 0 {
            return None;
        }
        // As a decimal would be: 0.95 * 100 is 95, not 95 and a bit.
        let exact = q.clamp(0.0, 1.0) * all as f64;
        let rank = ((exact - exact * 4.0 * f64::EPSILON).ceil() as u64).max(1);
        let mut passed = 0;
        for (value, count) in &self.counts {
            passed += count;
            if passed >= rank {
                return Some(Reached::At((*value).min(self.max)));
            }
        }
        Some(Reached::Never)
    }
}

/// The highest value of the bucket in which a value lies.
fn bucket(micros: u64) -> u64 {
    let value = micros.min(HIGHEST);
    let shift = (u64::BITS - value.leading_zeros()).saturating_sub(EXACT_BITS);
    value | ((1 << shift) - 1)
}

impl From<Latencies> for Bytes {
    fn from(latencies: Latencies) -> Self {
        let encoded = (!latencies.counts.is_empty())
            .then(|| encode(&latencies))
            .flatten();
        Self {
            max_us: latencies.max,
            hdr: encoded,
        }
    }
}

fn encode(latencies: &Latencies) -> Option<String> {
    // None of these fails: the bounds are right, each value is below the highest, and a vector takes all bytes.
    let mut histogram = Histogram::<u64>::new_with_bounds(LOWEST, HIGHEST, DIGITS).ok()?;
    for (value, count) in &latencies.counts {
        histogram.saturating_record_n(*value, *count);
    }
    let mut bytes = Vec::new();
    V2DeflateSerializer::new()
        .serialize(&histogram, &mut bytes)
        .ok()?;
    Some(STANDARD.encode(bytes))
}

impl TryFrom<Bytes> for Latencies {
    type Error = String;

    fn try_from(bytes: Bytes) -> Result<Self, String> {
        let Some(hdr) = bytes.hdr else {
            return Ok(Self::default());
        };
        let raw = STANDARD
            .decode(&hdr)
            .map_err(|e| format!("a histogram is no base64: {e}"))?;
        if let Some(counts) = hdr::read(&raw, LOWEST, HIGHEST, DIGITS) {
            return Ok(Self {
                counts,
                max: bytes.max_us,
            });
        }
        let histogram: Histogram<u64> = Deserializer::new()
            .deserialize(&mut raw.as_slice())
            .map_err(|e| format!("a histogram cannot be read: {e:?}"))?;
        let counts = histogram
            .iter_recorded()
            .map(|step| (bucket(step.value_iterated_to()), step.count_at_value()))
            .collect();
        Ok(Self {
            counts,
            max: bytes.max_us,
        })
    }
}
