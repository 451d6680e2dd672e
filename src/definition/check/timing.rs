//! Times, counts, schedules and what they add up to.

use std::time::Duration;

use crate::definition::probe::Limits;
use crate::definition::raw::{RawProbe, RawSchedule, RawTimes};
use crate::diag::{Code, Problems};
use crate::lifecycle::schedule::Schedule;
use crate::model::{Lapse, Leg, Span, Spanned, Times};

/// The longest that a run may be waited for.
const LONGEST_WAIT: Duration = Duration::from_secs(30 * 86_400);
const LONGEST_SETTLE: Duration = Duration::from_secs(3600);
const SLOWEST: Duration = Duration::from_secs(366 * 86_400);
const FASTEST: Duration = Duration::from_secs(1);
const FASTEST_ALLOWED: Duration = Duration::from_millis(10);
const DAY: Duration = Duration::from_secs(86_400);

/// A length of time under a key, as long as it makes sense there.
pub(crate) fn lapse(key: &str, at: &Spanned<Lapse>, problems: &mut Problems) -> Duration {
    let time = at.value.0;
    let longest = if key == "settle" {
        LONGEST_SETTLE
    } else {
        LONGEST_WAIT
    };
    if time.is_zero() && key == "within" {
        problems
            .error(
                Code::Time,
                at.span,
                "`within` is zero",
                "nothing can arrive before the request has left",
            )
            .help("leave `within` out for the default");
    } else if time.is_zero() && key == "grace" {
        problems
            .warning(
                Code::Time,
                at.span,
                "`grace` is zero: nothing can be late",
                "what comes after `within` is lost at once",
            )
            .help("leave `grace` out: it is then as long as `within`");
    } else if time > longest {
        problems.error(
            Code::Time,
            at.span,
            format!("`{key}` is `{}`", at.value),
            format!("longer than the limit of {}", Lapse(longest)),
        );
    }
    time
}

/// How often something may arrive.
pub(crate) fn times(at: &Spanned<RawTimes>, must_come: bool, problems: &mut Problems) -> Times {
    let Times { min, max } = at.value.0;
    if min > max {
        problems.error(
            Code::Times,
            at.span,
            format!("`min` is {min} and `max` is {max}"),
            "no number is at least the one and at most the other",
        );
    } else if must_come && max == 0 {
        problems
            .error(
                Code::Times,
                at.span,
                "`times: 0` forbids it here",
                "only an outcome can be forbidden",
            )
            .help("leave it out, or put it under `outcome`");
    }
    at.value.0
}

/// A probe's schedule. `None` where it has none or a wrong one.
pub(crate) fn schedule(raw: &RawProbe, timezone: Option<&str>, problems: &mut Problems) -> Option<Schedule> {
    let at = raw.schedule.as_ref()?;
    let RawSchedule {
        every,
        jitter,
        cron,
        timezone: own,
        allow_fast,
    } = &at.value;
    match (every, cron) {
        (Some(every), None) => {
            for (key, span) in [("timezone", own.as_ref().map(|t| t.span))] {
                stray(key, "cron", span, problems);
            }
            every_ok(every, *allow_fast, problems);
            let jitter = jitter
                .as_ref()
                .map_or(Duration::ZERO, |j| jitter_ok(j, every, problems));
            Some(Schedule::every(every.value.0, jitter))
        }
        (None, Some(cron)) => {
            stray("jitter", "every", jitter.as_ref().map(|j| j.span), problems);
            if *allow_fast {
                stray("allow_fast", "every", Some(at.span), problems);
            }
            let zone = own.as_ref().map(|t| t.value.as_str()).or(timezone);
            match Schedule::cron(&cron.value, zone) {
                Ok(schedule) => Some(schedule),
                Err(why) => {
                    let span = own
                        .as_ref()
                        .filter(|_| why.contains("zone"))
                        .map_or(cron.span, |t| t.span);
                    problems.error(Code::Schedule, span, why, "in the schedule");
                    None
                }
            }
        }
        (Some(every), Some(cron)) => {
            problems
                .error(
                    Code::Schedule,
                    cron.span,
                    "a schedule has `every` or `cron`, not both",
                    "leave one of them out",
                )
                .also(every.span, "the other");
            None
        }
        (None, None) => {
            problems
                .error(
                    Code::Schedule,
                    at.span,
                    "a schedule without `every` or `cron`",
                    "says no time",
                )
                .help("write `schedule: { every: 1m }`");
            None
        }
    }
}

/// Warns where a schedule breaks the probe's own limits, with the hour.
pub(crate) fn limits(every: Duration, span: Span, limits: Limits, legs: &[&Leg], problems: &mut Problems) {
    let per_tick = u64::try_from(legs.len()).unwrap_or(u64::MAX).max(1);
    let every = every.max(Duration::from_millis(1));
    if let Some(per_day) = limits.per_day {
        let ticks = u64::try_from(DAY.as_nanos() / every.as_nanos()).unwrap_or(u64::MAX);
        let fits = per_day / per_tick;
        if ticks > fits {
            let seconds = every.as_secs_f64() * fits_f64(fits);
            problems
                .warning(
                    Code::BreaksLimits,
                    span,
                    format!(
                        "{ticks} ticks a day of {per_tick} runs each are more than `per_day: {per_day}` allows"
                    ),
                    if fits == 0 {
                        String::from("no tick fits: nothing will ever fire")
                    } else {
                        format!("from {} UTC on, every tick of the day is skipped", clock(seconds))
                    },
                )
                .help(match per_day / per_tick {
                    0 => format!("`per_day` needs at least {per_tick}: a tick is never split"),
                    fits => format!("fire every {} or more, or raise `per_day` to {}",
                        Lapse(Duration::from_secs(DAY.as_secs().div_ceil(fits))), ticks.saturating_mul(per_tick)),
                });
        }
    }
    if let Some(in_flight) = limits.in_flight {
        let open = legs.iter().map(|leg| longest(leg)).max().unwrap_or_default();
        let waves = u64::try_from(open.as_nanos().div_ceil(every.as_nanos()))
            .unwrap_or(u64::MAX)
            .max(1);
        let most = waves.saturating_mul(per_tick);
        if most > in_flight {
            problems
                .warning(
                    Code::BreaksLimits,
                    span,
                    format!("up to {most} runs are open at once, more than `in_flight: {in_flight}` allows"),
                    format!("a run that gets nothing stays open for {}", Lapse(open)),
                )
                .help("while outcomes are missing, ticks will be skipped: fire less often, shorten `grace`, or raise `in_flight`");
        }
    }
}

/// How long a run that gets nothing stays open.
fn longest(leg: &Leg) -> Duration {
    leg.expectations
        .iter()
        .map(|e| e.within + e.grace)
        .max()
        .unwrap_or_default()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "an hour of the day needs no more digits"
)]
fn fits_f64(count: u64) -> f64 {
    count as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "seconds of one day, never negative"
)]
fn clock(seconds: f64) -> String {
    let minutes = (seconds / 60.0) as u64;
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

fn every_ok(every: &Spanned<Lapse>, allow_fast: bool, problems: &mut Problems) {
    let time = every.value.0;
    if time > SLOWEST {
        let limit = Lapse(SLOWEST);
        problems.error(
            Code::Schedule,
            every.span,
            format!("`every` is `{}`", every.value),
            format!("longer than the limit of {limit}"),
        );
    } else if time < FASTEST_ALLOWED {
        problems
            .error(
                Code::TooFast,
                every.span,
                format!("`every: {}` would be an attack on the target", every.value),
                "shorter than the limit of 10ms",
            )
            .help("write `every: 1s` or more");
    } else if time < FASTEST && !allow_fast {
        problems
            .error(
                Code::TooFast,
                every.span,
                format!("`every: {}` fires more often than once a second", every.value),
                "a canary needs no such rate",
            )
            .help(
                "write `every: 1s` or more; where the target may be loaded like this, add `allow_fast: true`",
            );
    }
}

fn jitter_ok(jitter: &Spanned<Lapse>, every: &Spanned<Lapse>, problems: &mut Problems) -> Duration {
    if jitter.value >= every.value {
        problems
            .error(
                Code::Schedule,
                jitter.span,
                format!(
                    "`jitter: {}` is not less than `every: {}`",
                    jitter.value, every.value
                ),
                "ticks would overtake each other",
            )
            .also(every.span, "the distance of the ticks");
    }
    jitter.value.0
}

fn stray(key: &str, with: &str, span: Option<Span>, problems: &mut Problems) {
    if let Some(span) = span {
        problems.error(
            Code::Schedule,
            span,
            format!("`{key}` goes with `{with}` only"),
            "has no meaning in this schedule",
        );
    }
}
