//! Schedules that break their own probe's limits.

use std::time::Duration;

use crate::definition::probe::Limits;
use crate::diag::{Code, Problems};
use crate::lifecycle::schedule::Schedule;
use crate::model::{Lapse, Leg, Moment, Span};

/// A Monday, 00:00 UTC: schedules are followed for the week that begins here.
const MONDAY: Moment = Moment(1_767_571_200_000_000_000);
const DAY: Duration = Duration::from_secs(86_400);

/// Warns where a schedule breaks the probe's own limits, with the hour.
pub(crate) fn limits(
    probe: &str,
    schedule: &Schedule,
    span: Span,
    limits: Limits,
    legs: &[&Leg],
    problems: &mut Problems,
) {
    let per_tick = u64::try_from(legs.len()).unwrap_or(u64::MAX).max(1);
    if let Some(per_day) = limits.per_day {
        let fits = per_day / per_tick;
        if let Some(at) = first_skipped(probe, schedule, fits) {
            let label = if fits == 0 {
                String::from("no tick fits: nothing will ever fire")
            } else {
                format!("from about {at} UTC on, the ticks of the day are skipped")
            };
            let help = match DAY.as_secs().checked_div(fits) {
                None => format!("a tick is never split: `per_day` needs at least {per_tick}"),
                Some(_) => format!(
                    "fire every {} or less often, or raise `per_day`",
                    Lapse(Duration::from_secs(DAY.as_secs().div_ceil(fits)))
                ),
            };
            problems
                .warning(
                    Code::BreaksLimits,
                    span,
                    format!(
                        "this schedule fires more runs than `per_day: {per_day}` allows, {per_tick} a tick"
                    ),
                    label,
                )
                .help(help);
        }
    }
    if let Some(in_flight) = limits.in_flight {
        let open = legs.iter().map(|leg| longest(leg)).max().unwrap_or_default();
        let gap = schedule.min_gap().max(Duration::from_millis(1));
        let waves = u64::try_from(open.as_nanos().div_ceil(gap.as_nanos())).unwrap_or(u64::MAX);
        let most = waves.max(1).saturating_mul(per_tick);
        if most > in_flight {
            problems
                .warning(
                    Code::BreaksLimits,
                    span,
                    format!("up to {most} runs are open at once, more than `in_flight: {in_flight}` allows"),
                    format!("a run that gets nothing stays open for {}", Lapse(open)),
                )
                .help(
                    "while outcomes are missing, ticks will be skipped: fire less often, shorten `grace`, or raise \
                     `in_flight`",
                );
        }
    }
}

/// The time of day of the first tick that is one too many, on the first day of a week that has one.
fn first_skipped(probe: &str, schedule: &Schedule, fits: u64) -> Option<String> {
    let gap = schedule.min_gap().max(Duration::from_millis(1));
    if DAY.as_nanos() / gap.as_nanos() <= u128::from(fits) {
        return None;
    }
    if fits > DAY.as_secs() {
        // No cron line fires that often; equal distances need no walk.
        let seconds = gap.as_millis().saturating_mul(fits.into()) / 1000;
        return u64::try_from(seconds / 60).ok().map(clock);
    }
    (0..7).find_map(|day| {
        let midnight = MONDAY.after(DAY * day);
        let end = midnight.after(DAY);
        let mut at = midnight.before(Duration::from_nanos(1));
        for _ in 0..=fits {
            at = schedule.next_after(probe, at).filter(|next| *next < end)?;
        }
        Some(clock(at.since(midnight).as_secs() / 60))
    })
}

fn clock(minutes: u64) -> String {
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

/// How long a run that gets nothing stays open.
fn longest(leg: &Leg) -> Duration {
    leg.expectations
        .iter()
        .map(|e| e.within.saturating_add(e.grace))
        .max()
        .unwrap_or_default()
}
