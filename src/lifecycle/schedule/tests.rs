//! Tests of schedules; croner is the oracle of cron expressions.

use std::time::Duration;

use croner::parser::{CronParser, Seconds};
use proptest::prelude::*;

use super::Schedule;
use crate::model::Moment;

fn at(text: &str) -> Moment {
    let at: jiff::Timestamp = text.parse().unwrap();
    Moment(i64::try_from(at.as_nanosecond()).unwrap())
}

fn cron(expr: &str, zone: &str) -> Schedule {
    Schedule::cron(expr, Some(zone)).unwrap()
}

/// The next instants, as UTC without the year's dash noise: `03-29T01:00`.
fn next(schedule: &Schedule, after: &str, count: usize) -> Vec<String> {
    let mut now = at(after);
    std::iter::from_fn(|| {
        now = schedule.next_after("p", now)?;
        Some(now.to_rfc3339()[5..16].to_owned())
    })
    .take(count)
    .collect()
}

#[test]
fn fields_mean_what_posix_says() {
    for (expr, after, expected) in [
        (
            "*/20 * * * *",
            "2026-01-01T00:00:00Z",
            vec!["01-01T00:20", "01-01T00:40", "01-01T01:00"],
        ),
        (
            "0 9 * * 1-5",
            "2026-01-02T10:00:00Z",
            vec!["01-05T09:00", "01-06T09:00"],
        ),
        ("0 9 * * 0", "2026-01-01T00:00:00Z", vec!["01-04T09:00"]),
        ("0 9 * * 7", "2026-01-01T00:00:00Z", vec!["01-04T09:00"]),
        (
            "0 9 * * fri-mon",
            "2026-01-01T00:00:00Z",
            vec![
                "01-02T09:00",
                "01-03T09:00",
                "01-04T09:00",
                "01-05T09:00",
                "01-09T09:00",
            ],
        ),
        (
            "0 9 1 * Mon",
            "2026-06-01T09:00:00Z",
            vec![
                "06-08T09:00",
                "06-15T09:00",
                "06-22T09:00",
                "06-29T09:00",
                "07-01T09:00",
            ],
        ),
        (
            "0 9 */2 * Mon",
            "2026-06-01T09:00:00Z",
            vec!["06-15T09:00", "06-29T09:00"],
        ),
        ("0 0 29 2 *", "2026-01-01T00:00:00Z", vec!["02-29T00:00"]),
        (
            "30 5,17 * jan,Jul *",
            "2026-01-31T06:00:00Z",
            vec!["01-31T17:30", "07-01T05:30"],
        ),
        (
            "15/20 0 * * *",
            "2026-01-01T00:00:00Z",
            vec!["01-01T00:15", "01-01T00:35", "01-01T00:55", "01-02T00:15"],
        ),
        ("@weekly", "2026-01-01T00:00:00Z", vec!["01-04T00:00"]),
        (
            "30 */2 * * * *",
            "2026-01-01T00:00:00Z",
            vec!["01-01T00:00", "01-01T00:02"],
        ),
    ] {
        assert_eq!(
            next(&cron(expr, "UTC"), after, expected.len()),
            expected,
            "{expr}"
        );
    }
}

#[test]
fn what_is_wrong_is_said() {
    for (expr, zone, saying) in [
        ("* * * *", None, "has 4 fields"),
        ("* * * * * * *", None, "has 7 fields"),
        (
            "60 * * * *",
            None,
            "the minute field `60`: `60` is not among them; expected 0 to 59",
        ),
        ("* 24 * * *", None, "the hour field"),
        ("* * 0 * *", None, "the day of month field"),
        ("* * * foo *", None, "expected 1 to 12 or jan to dec"),
        ("* * * * 8", None, "the day of week field `8`"),
        ("5-1 * * * *", None, "runs backwards"),
        ("*/0 * * * *", None, "the step `0`"),
        (", * * * *", None, "`` is not among them"),
        ("+5 * * * *", None, "the minute field"),
        ("0 0 30 2 *", None, "names no date that exists"),
        ("0 0 L * *", None, "the day of month field `L`"),
        (
            "* * * * *",
            Some("Europe/Amsterdm"),
            "did you mean `Europe/Amsterdam`?",
        ),
        (
            "* * * * *",
            Some("nowhere at all"),
            "expected a name of the IANA database",
        ),
        ("@often", None, "has 1 fields"),
    ] {
        let said = Schedule::cron(expr, zone).unwrap_err();
        assert!(said.contains(saying), "{expr}: {said}");
    }
}

#[test]
fn a_time_that_a_clock_change_skips_runs_once_at_the_first_valid_minute() {
    let berlin = cron("30 2 * * *", "Europe/Berlin");
    assert_eq!(
        next(&berlin, "2026-03-27T12:00:00Z", 3),
        ["03-28T01:30", "03-29T01:00", "03-30T00:30"]
    );
    let many = cron("0,15,30,45 2 * * *", "Europe/Berlin");
    assert_eq!(
        next(&many, "2026-03-28T12:00:00Z", 2),
        ["03-29T01:00", "03-30T00:00"]
    );
    // Half an hour, at two in the morning.
    let lord_howe = cron("15 2 * * *", "Australia/Lord_Howe");
    assert_eq!(
        next(&lord_howe, "2026-10-03T00:00:00Z", 2),
        ["10-03T15:30", "10-04T15:15"]
    );
    // Samoa skipped all of 30 December 2011.
    let apia = cron("0 12 * * *", "Pacific/Apia");
    assert_eq!(
        next(&apia, "2011-12-29T00:00:00Z", 3),
        ["12-29T22:00", "12-30T10:00", "12-30T22:00"]
    );
}

#[test]
fn a_time_that_comes_twice_runs_once() {
    let berlin = cron("30 2 * * *", "Europe/Berlin");
    assert_eq!(
        next(&berlin, "2026-10-24T12:00:00Z", 2),
        ["10-25T00:30", "10-26T01:30"]
    );
    assert_eq!(next(&berlin, "2026-10-25T00:45:00Z", 1), ["10-26T01:30"]);
    let new_york = cron("30 1 * * *", "America/New_York");
    assert_eq!(
        next(&new_york, "2026-10-31T12:00:00Z", 2),
        ["11-01T05:30", "11-02T06:30"]
    );
}

#[test]
fn every_hour_follows_the_clock_that_runs_on() {
    let berlin = cron("*/30 * * * *", "Europe/Berlin");
    assert_eq!(
        next(&berlin, "2026-03-29T00:00:00Z", 4),
        ["03-29T00:30", "03-29T01:00", "03-29T01:30", "03-29T02:00"]
    );
    assert_eq!(
        next(&berlin, "2026-10-24T23:30:00Z", 6),
        [
            "10-25T00:00",
            "10-25T00:30",
            "10-25T01:00",
            "10-25T01:30",
            "10-25T02:00",
            "10-25T02:30"
        ]
    );
}

/// Expressions on whose clock changes croner and landfall agree, and any zone.
const AGREED: [&str; 8] = [
    "30 2 * * *",
    "5 1 * * *",
    "0 3 * * 0",
    "59 23 31 12 *",
    "*/5 * * * *",
    "*/30 * * * 1-5",
    "17 * * * *",
    "0 0 1 1 *",
];
/// And those whose fields are compared where no clock changes.
const STEADY: [&str; 10] = [
    "0,30 2,14 * * *",
    "*/7 3-9/2 * * *",
    "0 9 1 * Mon",
    "0 9 1,15 * 5,6",
    "1-5 1 1-7 3 *",
    "0 12 29 2 *",
    "0 0 * * 7",
    "10 10 10 10 10 2",
    "*/10 * * * * *",
    "0 4 8-14 * *",
];

#[test]
fn croner_agrees() {
    let zones = [
        "Europe/Berlin",
        "America/New_York",
        "Australia/Sydney",
        "America/Santiago",
        "Asia/Tehran",
        "Africa/Casablanca",
    ];
    let starts = [
        "2026-03-07T00:00:00Z",
        "2026-03-28T20:00:00Z",
        "2026-04-04T10:00:00Z",
        "2026-10-24T21:10:00Z",
        "2026-10-31T23:59:59Z",
        "2026-09-05T12:00:00Z",
    ];
    for expr in AGREED {
        for zone in zones {
            starts.iter().for_each(|start| agree(expr, zone, start, 70));
        }
    }
    for expr in STEADY {
        starts.iter().for_each(|start| agree(expr, "UTC", start, 60));
    }
}

fn agree(expr: &str, zone: &str, start: &str, count: usize) {
    let ours = cron(expr, zone);
    let oracle = CronParser::builder()
        .seconds(Seconds::Optional)
        .build()
        .parse(expr)
        .unwrap();
    let tz: chrono_tz::Tz = zone.parse().unwrap();
    let mut now = at(start);
    for _ in 0..count {
        let theirs = oracle.find_next_occurrence(
            &chrono::DateTime::from_timestamp_nanos(now.0).with_timezone(&tz),
            false,
        );
        let theirs = theirs.ok().and_then(|at| at.timestamp_nanos_opt()).map(Moment);
        let next = ours.next_after("p", now);
        assert_eq!(next, theirs, "{expr} in {zone} after {now}");
        match next {
            // The crate `cron` ends with the century.
            Some(next) if next < at("2090-01-01T00:00:00Z") => now = next,
            _ => break,
        }
    }
}

#[test]
fn intervals_have_a_phase_and_no_drift() {
    let minute = Schedule::every(Duration::from_secs(60), Duration::ZERO);
    let first = minute.next_after("a", Moment(0)).unwrap();
    let tenth = (0..1_000).fold(first, |at, _| minute.next_after("a", at).unwrap());
    assert_eq!(tenth.0 - first.0, 1_000 * 60_000_000_000);
    assert_eq!(
        minute.next_after("a", Moment(first.0 + 5)),
        minute.next_after("a", first)
    );
    assert_ne!(minute.next_after("b", Moment(0)), Some(first));
}

#[test]
fn jitter_is_uniform_and_the_same_each_time() {
    let plain = Schedule::every(Duration::from_secs(60), Duration::ZERO);
    let jittered = Schedule::every(Duration::from_secs(60), Duration::from_secs(8));
    let mut buckets = [0_u32; 8];
    let (mut base, mut fired) = (Moment(0), Moment(0));
    for _ in 0..8_000 {
        base = plain.next_after("p", base).unwrap();
        fired = jittered.next_after("p", fired).unwrap();
        let late = fired.0 - base.0;
        assert!((0..8_000_000_000).contains(&late), "{late}");
        buckets[usize::try_from(late / 1_000_000_000).unwrap()] += 1;
    }
    // Chi-square with 7 degrees of freedom; 24.3 is passed once in a thousand seeds, and the seed is fixed.
    let chi: f64 = buckets
        .iter()
        .map(|n| (f64::from(*n) - 1_000.0).powi(2) / 1_000.0)
        .sum();
    assert!(chi < 24.3, "{buckets:?}");
    let daily = cron("0 9 * * *", "UTC").with_jitter(Duration::from_secs(600));
    let late = daily.next_after("p", at("2026-01-01T00:00:00Z")).unwrap().0 - at("2026-01-01T09:00:00Z").0;
    assert!((0..600_000_000_000).contains(&late));
}

#[test]
fn figures_for_limits() {
    let day = at("2026-03-29T00:00:00Z").0 / 86_400_000_000_000;
    for (schedule, gap, runs) in [
        (
            Schedule::every(Duration::from_secs(60), Duration::ZERO),
            60,
            1_440,
        ),
        (
            Schedule::every(Duration::from_secs(86_400 / 2), Duration::ZERO),
            43_200,
            2,
        ),
        (cron("*/5 * * * *", "UTC"), 300, 288),
        (cron("*/5 * * * *", "Europe/Berlin"), 300, 288),
        (cron("0 9 * * 1", "UTC"), 86_400, 0),
        (cron("0,50 9,10 * * *", "UTC"), 600, 4),
    ] {
        assert_eq!(
            schedule.min_gap(),
            Duration::from_secs(gap),
            "{}",
            schedule.describe()
        );
        assert_eq!(schedule.runs_per_day("p", day), runs, "{}", schedule.describe());
    }
    assert_eq!(
        Schedule::every(Duration::from_millis(90_500), Duration::from_secs(5)).describe(),
        "every 1m30s500ms, up to 5s later"
    );
    assert_eq!(
        cron("*/5  * * * *", "Europe/Berlin").describe(),
        "cron `*/5 * * * *` in Europe/Berlin"
    );
}

proptest! {
    #[test]
    fn instants_rise_and_none_is_left_out(
        interval in 1_u64..10_000_000_000_000, jitter_share in 0.0..0.99_f64, start in 0_i64..4_000_000_000_000_000_000, probe in "[a-z]{1,8}",
    ) {
        let interval = Duration::from_nanos(interval);
        let schedule = Schedule::every(interval, interval.mul_f64(jitter_share));
        let mut at = Moment(start);
        for _ in 0..20 {
            let next = schedule.next_after(&probe, at).unwrap();
            prop_assert!(next > at);
            // Asked from anywhere between, the answer is the same.
            let between = Moment(at.0 + (next.0 - at.0) / 2);
            prop_assert_eq!(schedule.next_after(&probe, between).unwrap(), next);
            prop_assert!(next.since(at) <= interval * 2 + Duration::from_nanos(1));
            at = next;
        }
    }

    #[test]
    fn cron_instants_rise(start in 1_600_000_000_i64..2_500_000_000, which in 0..AGREED.len()) {
        let schedule = cron(AGREED[which], "Europe/Berlin");
        let mut at = Moment(start * 1_000_000_000 + 7);
        for _ in 0..5 {
            let next = schedule.next_after("p", at).unwrap();
            prop_assert!(next > at);
            prop_assert_eq!(schedule.next_after("p", Moment(next.0 - 1)).unwrap(), next);
            at = next;
        }
    }

    #[test]
    fn no_text_panics(expr in "[-*/, 0-9a-zA-Z@LW#?]{0,30}", zone in proptest::option::of("[A-Za-z/_]{0,20}")) {
        let _either = Schedule::cron(&expr, zone.as_deref());
    }
}
