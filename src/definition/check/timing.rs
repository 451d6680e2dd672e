//! Times, counts, schedules and what they add up to.

use std::time::Duration;

use crate::definition::raw::{RawProbe, RawSchedule, RawTimes};
use crate::diag::{Code, Problems};
use crate::lifecycle::schedule::Schedule;
use crate::model::{Lapse, Span, Spanned, Times};

/// The longest that a run may be waited for.
const LONGEST_WAIT: Duration = Duration::from_secs(30 * 86_400);
const LONGEST_SETTLE: Duration = Duration::from_secs(3600);
const LONGEST_STOP: Duration = Duration::from_secs(3600);
const SLOWEST: Duration = Duration::from_secs(366 * 86_400);
const FASTEST: Duration = Duration::from_secs(1);
const FASTEST_ALLOWED: Duration = Duration::from_millis(10);

/// A length of time under a key, as long as it makes sense there.
pub(crate) fn lapse(key: &str, at: &Spanned<Lapse>, problems: &mut Problems) -> Duration {
    let time = at.value.0;
    let longest = match key {
        "settle" => LONGEST_SETTLE,
        "stop_grace" => LONGEST_STOP,
        _ => LONGEST_WAIT,
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
pub(crate) fn schedule(
    raw: &RawProbe,
    whole: bool,
    timezone: Option<&str>,
    problems: &mut Problems,
) -> Option<Schedule> {
    let at = raw.schedule.as_ref()?;
    let RawSchedule {
        every,
        jitter,
        cron,
        timezone: own,
        allow_fast,
        on_start,
        start_deadline: _,
    } = &at.value;
    match (every, cron) {
        (Some(every), None) => {
            stray("timezone", "cron", own.as_ref().map(|t| t.span), problems);
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
        // What is left of a schedule with a wrong part says nothing.
        (None, None) if !whole => None,
        (None, None) if *on_start => {
            stray("jitter", "every", jitter.as_ref().map(|j| j.span), problems);
            stray("timezone", "cron", own.as_ref().map(|t| t.span), problems);
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
                .help("write `schedule: { every: 1m }`, or `{ on_start: true }` for one that fires when landfall starts");
            None
        }
    }
}

/// How late a tick may leave, as far as it is said.
pub(crate) fn start_deadline(
    raw: &RawProbe,
    schedule: Option<&Schedule>,
    problems: &mut Problems,
) -> Option<Duration> {
    let at = raw.schedule.as_ref()?.value.start_deadline.as_ref()?;
    let time = at.value.0;
    let gap = schedule.map_or(LONGEST_STOP, Schedule::min_gap);
    if time.is_zero() {
        problems
            .error(
                Code::Schedule,
                at.span,
                "`start_deadline` is zero",
                "nothing leaves at the very instant: every tick would be skipped",
            )
            .help("leave it out for half the distance of two ticks");
    } else if time > gap {
        problems
            .error(
                Code::Schedule,
                at.span,
                format!(
                    "`start_deadline: {}` is longer than the distance of two ticks",
                    at.value
                ),
                format!("two of them could leave at once; expected at most {}", Lapse(gap)),
            )
            .help("leave it out for half the distance of two ticks");
    }
    Some(time)
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
