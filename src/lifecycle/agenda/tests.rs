//! One table for what becomes of a tick.

use super::*;
use crate::lifecycle::schedule::Schedule;

const SECOND: i64 = 1_000_000_000;

fn at(text: &str) -> Moment {
    Moment::from_rfc3339(text).unwrap()
}

fn both(at: Moment) -> Clocks {
    Clocks { now: at, wall: at }
}

fn planned(schedule: Schedule) -> Planned {
    Planned {
        probe: "p".into(),
        schedule: Some(schedule),
        start_deadline: None,
        lead: Duration::ZERO,
        routes: vec!["x".into(), "y".into()],
        windows: Arc::new([]),
    }
}

fn cron(expr: &str) -> Planned {
    planned(Schedule::cron(expr, None).unwrap())
}

fn every(seconds: u64) -> Planned {
    planned(Schedule::every(Duration::from_secs(seconds), Duration::ZERO))
}

fn agenda(plan: Planned, start: Moment) -> Agenda {
    let mut agenda = Agenda::new(Pauses::default(), both(start));
    let mut out = Vec::new();
    agenda.replace(vec![plan], start, both(start), &mut out);
    assert_eq!(out, []);
    agenda
}

/// Fates in short: `fire 12:05`, `late_start 12:00 12:10 3`.
fn taken(agenda: &mut Agenda, at: Clocks) -> Vec<String> {
    let mut out = Vec::new();
    agenda.take(at, &mut out);
    let time = |at: Moment| at.to_rfc3339()[11..16].to_owned();
    out.into_iter()
        .map(|fate| match fate {
            Fate::Fire { due, paused, .. } if paused.is_empty() => format!("fire {}", time(due)),
            Fate::Fire { due, paused, .. } => format!("fire {} but {}", time(due), paused.join(" ")),
            Fate::Skip {
                route, ticks, reason, ..
            } => format!(
                "{}{} {} {} {}",
                reason.word(),
                route.map_or_else(String::new, |r| format!(" {r}")),
                time(ticks.first),
                time(ticks.last),
                ticks.ticks
            ),
            Fate::Stepped { by } => format!("stepped {}", by / SECOND),
        })
        .collect()
}

#[test]
fn a_tick_fires_at_its_instant_and_not_again() {
    let mut agenda = agenda(cron("*/5 * * * *"), at("2026-05-01T12:01:00Z"));
    assert_eq!(agenda.next(), Some(at("2026-05-01T12:05:00Z")));
    assert!(taken(&mut agenda, both(at("2026-05-01T12:04:59.999Z"))).is_empty());
    assert_eq!(
        taken(&mut agenda, both(at("2026-05-01T12:05:00Z"))),
        ["fire 12:05"]
    );
    assert!(taken(&mut agenda, both(at("2026-05-01T12:05:00Z"))).is_empty());
    assert_eq!(agenda.next_of("p"), Some(at("2026-05-01T12:10:00Z")));
}

#[test]
fn what_was_missed_is_skipped_in_one_stretch_and_what_is_in_time_still_fires() {
    let mut agenda = agenda(cron("* * * * *"), at("2026-05-01T12:00:30Z"));
    let held_up = both(at("2026-05-01T20:00:20Z"));
    assert_eq!(
        taken(&mut agenda, held_up),
        ["late_start 12:01 19:59 479", "fire 20:00"]
    );
    assert_eq!(
        taken(&mut agenda, both(at("2026-05-01T20:01:31Z"))),
        ["late_start 20:01 20:01 1"]
    );
}

#[test]
fn a_start_deadline_of_its_own_holds() {
    let plan = Planned {
        start_deadline: Some(Duration::from_secs(2)),
        ..cron("* * * * *")
    };
    let mut agenda = agenda(plan, at("2026-05-01T12:00:30Z"));
    assert_eq!(
        taken(&mut agenda, both(at("2026-05-01T12:01:02Z"))),
        ["fire 12:01"]
    );
    assert_eq!(
        taken(&mut agenda, both(at("2026-05-01T12:02:02.000000001Z"))),
        ["late_start 12:02 12:02 1"]
    );
}

#[test]
fn a_tick_is_handed_out_ahead_by_its_lead() {
    let plan = Planned {
        lead: Duration::from_millis(250),
        ..cron("* * * * *")
    };
    let mut agenda = agenda(plan, at("2026-05-01T12:00:30Z"));
    assert_eq!(agenda.next(), Some(at("2026-05-01T12:00:59.750Z")));
    assert_eq!(
        taken(&mut agenda, both(at("2026-05-01T12:00:59.750Z"))),
        ["fire 12:01"]
    );
}

#[test]
fn pauses_and_windows_are_skips_with_their_reasons() {
    let window = Window::once(
        Effect::Stop,
        at("2026-05-01T12:02:00Z"),
        at("2026-05-01T12:03:00Z"),
        String::from("move"),
    );
    let muted = Window::once(
        Effect::Mute,
        at("2026-05-01T00:00:00Z"),
        at("2026-05-02T00:00:00Z"),
        String::new(),
    );
    let plan = Planned {
        windows: Arc::new([muted, window]),
        ..cron("* * * * *")
    };
    let mut agenda = agenda(plan, at("2026-05-01T12:00:30Z"));
    let route = PauseOf::Route(String::from("p"), String::from("y"));
    let pause = |since: &str| Pause {
        since: at(since),
        note: String::from("why"),
    };
    agenda
        .pauses_mut()
        .pause(route.clone(), pause("2026-05-01T12:00:30Z"));
    assert_eq!(
        taken(&mut agenda, both(at("2026-05-01T12:01:00Z"))),
        ["paused y 12:01 12:01 1", "fire 12:01 but y"]
    );
    assert_eq!(
        taken(&mut agenda, both(at("2026-05-01T12:02:00Z"))),
        ["maintenance 12:02 12:02 1"]
    );
    agenda.pauses_mut().resume(&route);
    agenda
        .pauses_mut()
        .pause(PauseOf::All, pause("2026-05-01T12:02:30Z"));
    assert_eq!(
        taken(&mut agenda, both(at("2026-05-01T12:09:40Z"))),
        ["paused 12:03 12:09 7"]
    );
    agenda.pauses_mut().resume(&PauseOf::All);
    assert_eq!(
        taken(&mut agenda, both(at("2026-05-01T12:10:00Z"))),
        ["fire 12:10"]
    );
    for route in ["x", "y"] {
        let route = PauseOf::Route(String::from("p"), String::from(route));
        agenda.pauses_mut().pause(route, pause("2026-05-01T12:10:30Z"));
    }
    assert_eq!(
        taken(&mut agenda, both(at("2026-05-01T12:11:00Z"))),
        ["paused x 12:11 12:11 1", "paused y 12:11 12:11 1"]
    );
}

#[test]
fn cron_follows_a_wall_clock_that_is_set_and_fires_no_instant_twice() {
    let (hour, start) = (3_600 * SECOND, at("2026-05-01T12:01:00Z"));
    let ahead = |now: &str, by: i64| Clocks {
        now: at(now),
        wall: Moment(at(now).0 + by),
    };
    let mut agenda = agenda(cron("*/20 * * * *"), start);
    // What the wall clock leapt over is skipped; the labels stay those of the line, an hour behind.
    assert_eq!(
        taken(&mut agenda, ahead("2026-05-01T12:10:00Z", hour)),
        ["stepped 3600", "late_start 11:20 12:00 3"]
    );
    assert_eq!(agenda.next(), Some(at("2026-05-01T12:20:00Z")));
    assert_eq!(
        taken(&mut agenda, ahead("2026-05-01T12:20:00Z", hour)),
        ["fire 12:20"]
    );
    // Back by the hour: 13:20 has fired, and 12:40 to 13:20 do not come again.
    assert_eq!(
        taken(&mut agenda, ahead("2026-05-01T12:30:00Z", 0)),
        ["stepped -3600"]
    );
    assert_eq!(agenda.next(), Some(at("2026-05-01T13:40:00Z")));
    // A clock that was wrong by a day is put right at once, both ways.
    assert_eq!(
        taken(&mut agenda, ahead("2026-05-01T12:31:00Z", -24 * hour)),
        ["stepped -86400"]
    );
    assert_eq!(agenda.next(), Some(at("2026-05-01T12:40:00Z")));
    assert_eq!(
        taken(&mut agenda, ahead("2026-05-01T12:32:00Z", 0)),
        ["stepped 86400"]
    );
    assert_eq!(agenda.next(), Some(at("2026-05-01T12:40:00Z")));
}

#[test]
fn every_neither_bursts_nor_pauses_when_the_wall_clock_is_set() {
    let start = at("2026-05-01T12:00:00Z");
    let mut agenda = agenda(every(10), start);
    let mut fired = 0;
    for second in 1..=120_i64 {
        let now = Moment(start.0 + second * SECOND);
        let by = match second {
            30..60 => 3_600,
            60.. => -3_600,
            _ => 0,
        };
        let wall = Moment(now.0 + by * SECOND);
        let fates = taken(&mut agenda, Clocks { now, wall });
        fired += fates.iter().filter(|fate| fate.starts_with("fire")).count();
        assert!(fates.iter().all(|fate| !fate.starts_with("late")), "{fates:?}");
    }
    assert_eq!(fired, 12);
}

#[test]
fn a_firing_by_hand_has_a_place_of_its_own() {
    let start = at("2026-05-01T12:00:30Z");
    let agenda = agenda(cron("* * * * *"), start);
    let tick = at("2026-05-01T12:01:00Z");
    assert_eq!(agenda.by_hand("p", tick), Moment(tick.0 + 1));
    assert_eq!(agenda.by_hand("p", start), start);
    assert_eq!(agenda.by_hand("unscheduled", tick), tick);
}
