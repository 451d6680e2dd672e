//! Cron expressions: translated for the crate `cron`, which has seconds first, Sunday as 1 and days ANDed, and which
//! is asked for wall-clock times only; clock changes are dealt with here.

use std::collections::BTreeSet;
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, MappedLocalTime, NaiveDateTime, TimeDelta, TimeZone as _, Utc};
use chrono_tz::Tz;

use super::fields::{DAY, Field, HOUR, MINUTE, MONTH, SECOND, WEEKDAY};
use super::rate::{Named, Times24};
use crate::model::Moment;

/// No zone repeats more than this when its clocks go back.
const LONGEST_FOLD: TimeDelta = TimeDelta::hours(3);
/// Wall-clock times looked at in search of one that exists: more than any clock change spans in seconds.
const LOOKS: usize = 200_000;
/// The crate's own reach.
const LAST_YEAR: i32 = 2100;

/// A cron expression in a time zone.
#[derive(Clone, Debug)]
pub(super) struct Cron {
    source: String,
    zone: Tz,
    /// One, or two of which either is enough.
    schedules: Arc<[cron::Schedule]>,
    /// The hour field begins with `*`: the clock that runs on is followed.
    every_hour: bool,
    named: Named,
}

impl PartialEq for Cron {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source && self.zone == other.zone
    }
}

impl Cron {
    pub(super) fn parse(expr: &str, timezone: Option<&str>) -> Result<Self, String> {
        let zone = timezone.map_or(Ok(Tz::UTC), zone)?;
        let source = expr.split_whitespace().collect::<Vec<_>>().join(" ");
        let fields = read(&source)?;
        let schedules = fields.translate()?;
        let cron = Self {
            zone,
            schedules: schedules.into(),
            every_hour: fields.hour.star,
            named: fields.named(),
            source,
        };
        // Any start will do to tell `30 2` (never) from `29 2` (every few years).
        let start = DateTime::<Utc>::from_timestamp(1_767_225_600, 0)
            .unwrap_or_default()
            .naive_utc();
        if cron.walls(start).next().is_none() {
            return Err(format!("`{}` names no date that exists", cron.source));
        }
        Ok(cron)
    }

    pub(super) fn describe(&self) -> String {
        format!("cron `{}` in {}", self.source, self.zone.name())
    }

    pub(super) const fn min_gap(&self) -> Duration {
        Duration::from_secs(self.named.times.shortest)
    }

    /// What its fields say, clocks left out.
    pub(super) const fn named(&self) -> &Named {
        &self.named
    }

    pub(super) fn next_after(&self, after: Moment) -> Option<Moment> {
        let after = DateTime::from_timestamp_nanos(after.0);
        let wall = self.zone.from_utc_datetime(&after.naive_utc()).naive_local();
        let next = self.first_after(after, wall);
        let next = if self.every_hour {
            self.repeated(after, next)
        } else {
            next
        }?;
        next.timestamp_nanos_opt().map(Moment)
    }

    /// The first named instant, where a wall-clock time that comes twice stands for its first time.
    fn first_after(&self, after: DateTime<Utc>, wall: NaiveDateTime) -> Option<DateTime<Utc>> {
        self.walls(wall - TimeDelta::seconds(1))
            .take(LOOKS)
            .find_map(|wall| self.instant(wall, after))
    }

    /// The instant of a wall-clock time, if it lies after `after`.
    fn instant(&self, wall: NaiveDateTime, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match self.zone.from_local_datetime(&wall) {
            MappedLocalTime::Single(at) => Some(at.to_utc()).filter(|at| *at > after),
            MappedLocalTime::Ambiguous(first, _) => Some(first.to_utc()).filter(|at| *at > after),
            MappedLocalTime::None if self.every_hour => None,
            MappedLocalTime::None => self.gap_end(wall).filter(|at| *at > after),
        }
    }

    /// The first instant that exists after a wall-clock time that does not.
    fn gap_end(&self, wall: NaiveDateTime) -> Option<DateTime<Utc>> {
        let exists = |seconds: i64| {
            self.zone
                .from_local_datetime(&(wall + TimeDelta::seconds(seconds)))
                .earliest()
        };
        // A whole day was skipped once, at the date line; then search to the second.
        let (mut low, mut high) = (
            0,
            (1..=26).map(|hour| hour * 3_600).find(|s| exists(*s).is_some())?,
        );
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if exists(middle).is_some() {
                high = middle
            } else {
                low = middle
            }
        }
        exists(high).map(|at| at.to_utc())
    }

    /// `next`, or an earlier instant of the second pass through the stretch that comes twice. Only a fold near `after`
    /// matters: of one further off the first pass comes first.
    fn repeated(&self, after: DateTime<Utc>, next: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
        let (mut low, mut high) = (after - LONGEST_FOLD, after + LONGEST_FOLD);
        let (before, since) = (self.offset(low), self.offset(high));
        if since >= before {
            return next;
        }
        while high - low > TimeDelta::nanoseconds(1) {
            let middle = low + (high - low) / 2;
            if self.offset(middle) < before {
                high = middle
            } else {
                low = middle
            }
        }
        if next.is_some_and(|next| next < high) {
            return next;
        }
        let second_pass = high.naive_utc() + since;
        let end = high.naive_utc() + before;
        let start = second_pass.max(after.naive_utc() + since);
        self.walls(start - TimeDelta::seconds(1))
            .take_while(|wall| *wall < end)
            .map(|wall| (wall - since).and_utc())
            .find(|at| *at > after && *at >= high)
            .into_iter()
            .chain(next)
            .min()
    }

    fn offset(&self, at: DateTime<Utc>) -> TimeDelta {
        self.zone.from_utc_datetime(&at.naive_utc()).naive_local() - at.naive_utc()
    }

    /// The wall-clock times named after `start`, as if no clock ever changed.
    fn walls(&self, start: NaiveDateTime) -> impl Iterator<Item = NaiveDateTime> {
        let mut at = start;
        std::iter::from_fn(move || {
            let from = at.and_utc();
            let next = self
                .schedules
                .iter()
                .filter_map(|s| s.after(&from).next())
                .min()?;
            at = next.naive_utc();
            Some(at)
        })
    }
}

struct Fields {
    second: Field,
    minute: Field,
    hour: Field,
    day: Field,
    month: Field,
    weekday: Field,
}

fn read(source: &str) -> Result<Fields, String> {
    let source = match source {
        "@hourly" => "0 * * * *",
        "@daily" | "@midnight" => "0 0 * * *",
        "@weekly" => "0 0 * * 0",
        "@monthly" => "0 0 1 * *",
        "@yearly" | "@annually" => "0 0 1 1 *",
        other => other,
    };
    let fields: Vec<&str> = source.split(' ').filter(|field| !field.is_empty()).collect();
    let (second, rest) = match fields.as_slice() {
        [second, rest @ ..] if rest.len() == 5 => (*second, rest),
        rest if rest.len() == 5 => ("0", rest),
        other => {
            return Err(format!(
                "`{source}` has {} fields: expected five (minute, hour, day of month, month, day of week), or six with seconds first",
                other.len()
            ));
        }
    };
    Ok(Fields {
        second: SECOND.read(second)?,
        minute: MINUTE.read(rest[0])?,
        hour: HOUR.read(rest[1])?,
        day: DAY.read(rest[2])?,
        month: MONTH.read(rest[3])?,
        weekday: WEEKDAY.read(rest[4])?,
    })
}

impl Fields {
    /// The crate ANDs the day fields; where both are restricted either is enough, so there are two.
    fn translate(&self) -> Result<Vec<cron::Schedule>, String> {
        let day = list(&self.day.values, 31);
        let names = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
        let weekday = if self.weekday.values.len() == 7 {
            String::from("*")
        } else {
            let days: Vec<&str> = self
                .weekday
                .values
                .iter()
                .filter_map(|d| names.get(*d as usize).copied())
                .collect();
            days.join(",")
        };
        let either = !self.day.star && !self.weekday.star;
        let pairs = if either {
            vec![(day, String::from("*")), (String::from("*"), weekday)]
        } else {
            vec![(day, weekday)]
        };
        pairs
            .into_iter()
            .map(|(day, weekday)| self.one(&day, &weekday))
            .collect()
    }

    fn one(&self, day: &str, weekday: &str) -> Result<cron::Schedule, String> {
        let text = format!(
            "{} {} {} {day} {} {weekday} *",
            list(&self.second.values, 60),
            list(&self.minute.values, 60),
            list(&self.hour.values, 24),
            list(&self.month.values, 12),
        );
        cron::Schedule::from_str(&text)
            .map_err(|e| format!("no schedule (up to {LAST_YEAR}) can be made of it: {e}"))
    }

    fn named(self) -> Named {
        let seconds = |at: u32| self.second.values.iter().map(move |second| at + second);
        let minutes = |at: u32| self.minute.values.iter().map(move |minute| at + minute * 60);
        let hours = self.hour.values.iter().map(|hour| hour * 3_600);
        let times = Times24::of(hours.flat_map(minutes).flat_map(seconds));
        Named {
            day: self.day,
            month: self.month,
            weekday: self.weekday,
            times,
        }
    }
}

fn list(values: &BTreeSet<u32>, all: usize) -> String {
    if values.len() == all {
        return String::from("*");
    }
    values.iter().map(u32::to_string).collect::<Vec<_>>().join(",")
}

fn zone(name: &str) -> Result<Tz, String> {
    name.parse().map_err(|_| {
        let lower = name.to_ascii_lowercase();
        let near = chrono_tz::TZ_VARIANTS
            .iter()
            .map(|zone| {
                (
                    strsim::damerau_levenshtein(&zone.name().to_ascii_lowercase(), &lower),
                    zone.name(),
                )
            })
            .min()
            .filter(|(distance, _)| *distance <= 4)
            .map_or_else(
                || String::from("expected a name of the IANA database, such as Europe/Amsterdam or UTC"),
                |(_, near)| format!("did you mean `{near}`?"),
            );
        format!("unknown time zone `{name}`; {near}")
    })
}
