//! Maintenance windows.

use std::time::Duration;

use crate::definition::raw::{RawWindow, RawWindowMode};
use crate::diag::{Code, Problems};
use crate::lifecycle::schedule::{Effect, Schedule, Window};
use crate::model::{Lapse, Moment, Spanned};

const LONGEST: Duration = Duration::from_secs(7 * 86_400);

/// The windows of a probe or of the workspace; wrong ones are put down and left out.
pub(crate) fn windows(
    raw: &[Spanned<RawWindow>],
    timezone: Option<&str>,
    problems: &mut Problems,
) -> Vec<Window> {
    raw.iter()
        .filter_map(|window| one(window, timezone, problems))
        .collect()
}

fn one(at: &Spanned<RawWindow>, timezone: Option<&str>, problems: &mut Problems) -> Option<Window> {
    let raw = &at.value;
    let effect = match raw.mode {
        RawWindowMode::Mute => Effect::Mute,
        RawWindowMode::Stop => Effect::Stop,
    };
    match (&raw.from, &raw.to, &raw.cron, &raw.duration) {
        (Some(from), Some(to), None, None) => {
            if let Some(zone) = &raw.timezone {
                problems.error(
                    Code::Schedule,
                    zone.span,
                    "`timezone` goes with `cron` only",
                    "`from` and `to` say their own",
                );
            }
            let (begin, end) = (instant(from, problems)?, instant(to, problems)?);
            if begin >= end {
                problems
                    .error(
                        Code::Schedule,
                        to.span,
                        "`to` is not after `from`",
                        "holds nothing",
                    )
                    .also(from.span, "it begins here");
                return None;
            }
            Some(Window::once(effect, begin, end, raw.reason.clone()))
        }
        (None, None, Some(cron), Some(lasts)) => {
            let time = lasts.value.0;
            if time.is_zero() || time > LONGEST {
                problems.error(
                    Code::Schedule,
                    lasts.span,
                    format!("`duration` is `{}`", lasts.value),
                    format!("expected more than nothing and at most {}", Lapse(LONGEST)),
                );
            }
            let zone = raw.timezone.as_ref().map(|zone| zone.value.as_str()).or(timezone);
            match Schedule::cron(&cron.value, zone) {
                Ok(starts) => Some(Window::again(effect, starts, time, raw.reason.clone())),
                Err(why) => {
                    let span = raw.timezone.as_ref().filter(|_| why.contains("zone"));
                    let span = span.map_or(cron.span, |zone| zone.span);
                    problems.error(Code::Schedule, span, why, "in the maintenance window");
                    None
                }
            }
        }
        _ => {
            problems
                .error(
                    Code::Schedule,
                    at.span,
                    "a maintenance window has `from` and `to`, or `cron` and `duration`",
                    "it is not said when it begins and ends",
                )
                .help(
                    "write `{ from: 2026-12-24T18:00:00Z, to: 2026-12-26T06:00:00Z }` or `{ cron: \"0 2 * * 0\", duration: 3h }`",
                );
            None
        }
    }
}

fn instant(at: &Spanned<String>, problems: &mut Problems) -> Option<Moment> {
    let read = Moment::from_rfc3339(&at.value);
    if read.is_none() {
        problems
            .error(
                Code::BadValue,
                at.span,
                format!("`{}` is no instant", at.value),
                "expected RFC 3339 with an offset",
            )
            .help("write `2026-12-24T18:00:00Z`, or `2026-12-24T19:00:00+01:00`");
    }
    read
}
