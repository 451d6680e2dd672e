//! Instants and intervals on landfall's one time line.

use std::fmt;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An instant: nanoseconds since the Unix epoch, counted by the monotonic clock from an anchor that was read from
/// the wall clock once, at start. Differences are therefore monotonic; the absolute value only labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Moment(pub i64);

impl Moment {
    /// The instant `duration` later, saturating.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(nanos(duration)))
    }

    /// The instant `duration` earlier, saturating.
    #[must_use]
    pub fn before(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(nanos(duration)))
    }

    /// The time from `earlier` to `self`; zero where `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Seconds from `earlier` to `self`, negative where `earlier` is later.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "a double holds nanoseconds of a century to a microsecond"
    )]
    pub fn seconds_since(self, earlier: Self) -> f64 {
        self.0.saturating_sub(earlier.0) as f64 / 1e9
    }

    /// The first instant of its UTC day.
    #[must_use]
    pub const fn day_start(self) -> Self {
        Self(self.0 - self.0.rem_euclid(86_400_000_000_000))
    }

    /// RFC 3339 in UTC with milliseconds, for people and for the contract's `tick`.
    #[must_use]
    pub fn to_rfc3339(self) -> String {
        self.timestamp(3)
    }

    /// RFC 3339 in UTC to the nanosecond, where an instant has to be read back.
    #[must_use]
    pub fn to_rfc3339_nanos(self) -> String {
        self.timestamp(9)
    }

    /// Reads RFC 3339.
    #[must_use]
    pub fn from_rfc3339(text: &str) -> Option<Self> {
        let at: jiff::Timestamp = text.parse().ok()?;
        i64::try_from(at.as_nanosecond()).ok().map(Self)
    }

    fn timestamp(self, digits: usize) -> String {
        jiff::Timestamp::from_nanosecond(i128::from(self.0))
            .map_or_else(|_| String::from("out of range"), |at| format!("{at:.digits$}"))
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_rfc3339())
    }
}

fn nanos(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}

/// The stretch of time in which something arrived: after `lo`, at `hi` at the latest. A push channel's is a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Interval {
    /// The last instant at which it was known not to be there.
    pub lo: Moment,
    /// The first instant at which it was known to be there; the one that classifies.
    pub hi: Moment,
}

impl Interval {
    /// Seen as it arrived.
    #[must_use]
    pub const fn point(at: Moment) -> Self {
        Self { lo: at, hi: at }
    }

    /// Whether `limit` lies inside, so that the class rests on the resolution of the channel.
    #[must_use]
    pub fn straddles(self, limit: Moment) -> bool {
        self.lo < limit && limit < self.hi
    }

    /// Both ends in seconds since `origin`.
    #[must_use]
    pub fn seconds_since(self, origin: Moment) -> Seconds {
        Seconds(self.lo.seconds_since(origin), self.hi.seconds_since(origin))
    }
}

/// A pair `[lo, hi]` in seconds since the first byte of the request left.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Seconds(pub f64, pub f64);

/// A [`Moment`] as RFC 3339 to the nanosecond, for what leaves the machine.
pub(super) mod rfc3339 {
    use serde::{Deserialize, Deserializer, Serializer, de};

    use super::Moment;

    pub(in crate::model) fn serialize<S: Serializer>(at: &Moment, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&at.to_rfc3339_nanos())
    }

    pub(in crate::model) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Moment, D::Error> {
        let text = String::deserialize(from)?;
        Moment::from_rfc3339(&text).ok_or_else(|| {
            de::Error::custom(format!(
                "`{text}` is no time: write RFC 3339, such as 2026-11-22T10:00:00Z"
            ))
        })
    }
}

/// The same for what may be absent.
pub(super) mod rfc3339_option {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::{Moment, rfc3339};

    #[derive(Deserialize)]
    struct Present(#[serde(with = "rfc3339")] Moment);

    #[expect(clippy::ref_option, reason = "the form that serde calls")]
    pub(in crate::model) fn serialize<S: Serializer>(at: &Option<Moment>, to: S) -> Result<S::Ok, S::Error> {
        match at {
            Some(at) => rfc3339::serialize(at, to),
            None => to.serialize_none(),
        }
    }

    pub(in crate::model) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Moment>, D::Error> {
        Ok(Option::<Present>::deserialize(from)?.map(|present| present.0))
    }
}
