//! Which stretch of time is shown, and into which parts it is cut.

use std::time::Duration;

use crate::model::Moment;

/// A stretch of time that ends now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Range {
    /// The last hour, by the minute.
    Hour,
    /// The last six hours, by five minutes.
    SixHours,
    /// The last day, by the hour.
    #[default]
    Day,
    /// The last seven days, by three hours.
    Week,
    /// The last thirty days, by twelve hours.
    Month,
}

/// The instants of a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// Its first instant.
    pub since: Moment,
    /// Where it ends: the end of the part in which it was made.
    pub until: Moment,
    /// How long each part is.
    pub part: Duration,
}

impl Range {
    /// All, the shortest first.
    pub const ALL: [Self; 5] = [Self::Hour, Self::SixHours, Self::Day, Self::Week, Self::Month];

    /// How an address says it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Hour => "1h",
            Self::SixHours => "6h",
            Self::Day => "24h",
            Self::Week => "7d",
            Self::Month => "30d",
        }
    }

    /// How people say it.
    #[must_use]
    pub const fn said(self) -> &'static str {
        match self {
            Self::Hour => "the last hour",
            Self::SixHours => "the last 6 hours",
            Self::Day => "the last 24 hours",
            Self::Week => "the last 7 days",
            Self::Month => "the last 30 days",
        }
    }

    /// The range of that word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|range| range.word() == word)
    }

    /// The length of a part. Parts of an hour or more begin at whole hours, so that hourly roll-ups fill them.
    #[must_use]
    pub const fn part(self) -> Duration {
        match self {
            Self::Hour => Duration::from_secs(60),
            Self::SixHours => Duration::from_secs(300),
            Self::Day => Duration::from_hours(1),
            Self::Week => Duration::from_hours(3),
            Self::Month => Duration::from_hours(12),
        }
    }

    /// How many parts.
    #[must_use]
    pub const fn parts(self) -> usize {
        match self {
            Self::Hour | Self::Month => 60,
            Self::SixHours => 72,
            Self::Day => 24,
            Self::Week => 56,
        }
    }

    /// Its instants where it ends with the part of `now`.
    #[must_use]
    pub fn stretch(self, now: Moment) -> Stretch {
        let part = self.part();
        let nanos = i64::try_from(part.as_nanos()).unwrap_or(i64::MAX);
        let until = Moment(now.0 - now.0.rem_euclid(nanos)).after(part);
        let parts = u32::try_from(self.parts()).unwrap_or(u32::MAX);
        Stretch {
            since: until.before(part.saturating_mul(parts)),
            until,
            part,
        }
    }
}

impl Stretch {
    /// Which part `at` lies in, from 0; `None` outside.
    #[must_use]
    pub fn place(&self, at: Moment) -> Option<usize> {
        let inside = at >= self.since && at < self.until;
        let nth = at.since(self.since).as_nanos() / self.part.as_nanos().max(1);
        inside.then(|| usize::try_from(nth).ok()).flatten()
    }

    /// When a part begins and ends.
    #[must_use]
    pub fn bounds(&self, place: usize) -> (Moment, Moment) {
        let from = self
            .since
            .after(self.part.saturating_mul(u32::try_from(place).unwrap_or(u32::MAX)));
        (from, from.after(self.part))
    }

    /// Where `at` lies, from 0 at its beginning to 1 at its end; `None` outside.
    #[must_use]
    pub fn share(&self, at: Moment) -> Option<f64> {
        let inside = at >= self.since && at < self.until;
        inside.then(|| at.seconds_since(self.since) / self.until.seconds_since(self.since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_ends_with_the_part_of_now_and_begins_at_a_whole_one() {
        let now = Moment::from_rfc3339("2026-11-22T10:07:31Z").unwrap();
        for (range, since, until) in [
            (
                Range::Hour,
                "2026-11-22T09:08:00.000Z",
                "2026-11-22T10:08:00.000Z",
            ),
            (
                Range::SixHours,
                "2026-11-22T04:10:00.000Z",
                "2026-11-22T10:10:00.000Z",
            ),
            (Range::Day, "2026-11-21T11:00:00.000Z", "2026-11-22T11:00:00.000Z"),
            (
                Range::Week,
                "2026-11-15T12:00:00.000Z",
                "2026-11-22T12:00:00.000Z",
            ),
            (
                Range::Month,
                "2026-10-23T12:00:00.000Z",
                "2026-11-22T12:00:00.000Z",
            ),
        ] {
            let stretch = range.stretch(now);
            assert_eq!(
                (stretch.since.to_rfc3339(), stretch.until.to_rfc3339()),
                (since.to_owned(), until.to_owned())
            );
            assert_eq!(stretch.place(now), Some(range.parts() - 1));
            assert_eq!(stretch.place(stretch.since), Some(0));
            assert_eq!(stretch.place(stretch.until), None);
            assert_eq!(stretch.bounds(range.parts() - 1).1, stretch.until);
            assert_eq!(Range::from_word(range.word()), Some(range));
        }
        assert_eq!(Range::from_word("2h"), None);
    }
}
