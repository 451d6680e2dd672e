use super::*;
use crate::model::SkipReason;
use crate::report::sample;

const MINUTE: i64 = 60_000_000_000;
const START: i64 = 1_790_000_000_000_000_000 - 1_790_000_000_000_000_000 % (24 * 60 * MINUTE);

fn at(minute: i64) -> Moment {
    Moment(START + minute * MINUTE)
}

/// A run of that minute, which arrived after so many seconds if it did.
fn ending(minute: i64, route: &str, class: Class, took: Option<f64>) -> Ending {
    sample::ending(minute, at(minute), route, class, took.map(|at| (at, at)))
}

fn course(endings: &[Ending], hours: i64) -> Course {
    let mut of = CourseOf::new(at(0), at(60 * hours));
    endings.iter().for_each(|ending| of.add(ending));
    of.finish()
}

#[test]
fn a_window_has_few_stretches_of_a_length_that_people_count_in() {
    for (hours, seconds) in [(1, 60), (6, 300), (24, 900), (24 * 7, 7_200), (24 * 30, 43_200)] {
        assert_eq!(course(&[], hours).length.as_secs(), seconds, "{hours} h");
    }
    assert_eq!(CourseOf::of_hours(at(0), at(60)).finish().length.as_secs(), 3_600);
    // A window of nothing, and one of all time, are windows.
    assert_eq!(CourseOf::new(at(5), at(5)).finish().length.as_secs(), 1);
    let all = CourseOf::new(Moment(i64::MIN), Moment(i64::MAX)).finish();
    assert!(all.length.as_secs() > 31_536_000);
}

#[test]
fn what_was_not_measured_has_no_stretch() {
    let runs: Vec<Ending> = [0, 1, 50]
        .map(|m| ending(m, "a", Class::Delivered, Some(1.0)))
        .into();
    let course = course(&runs, 1);
    let starts: Vec<Moment> = course.routes[0]
        .buckets
        .iter()
        .map(|bucket| bucket.from)
        .collect();
    assert_eq!(starts, [at(0), at(1), at(50)]);
    // What lies outside is left alone.
    let mut of = CourseOf::new(at(0), at(60));
    of.add(&ending(60, "a", Class::Lost, None));
    of.add(&ending(-1, "a", Class::Lost, None));
    assert!(of.finish().routes.is_empty());
}

#[test]
fn a_run_that_never_arrived_is_later_than_any_other() {
    let mut runs: Vec<Ending> = (0..19)
        .map(|_| ending(0, "a", Class::Delivered, Some(2.0)))
        .collect();
    runs.push(ending(0, "a", Class::Lost, None));
    runs.push(ending(0, "a", Class::Lost, None));
    runs.push(ending(0, "a", Class::Unobserved, None));
    // Amended to late: after the watch it did not arrive in time to be counted.
    runs.push(ending(0, "a", Class::Late, Some(90.0)));
    let found = course(&runs, 1);
    let bucket = &found.routes[0].buckets[0];
    let waited = bucket.outcome.unwrap();
    assert_eq!((bucket.runs, waited.arrived, waited.never), (23, 19, 3));
    assert!((waited.p50.unwrap() - 2.0).abs() < 0.01, "{waited:?}");
    assert_eq!(waited.p95, None);
    let waits = found.routes[0].waits.as_ref().unwrap();
    assert_eq!((waits.runs, waits.never, waits.points.len()), (22, 3, 1));
    assert!((waits.points[0].share - 3.0 / 22.0).abs() < 1e-9);
    assert!((waits.longest - 60.0).abs() < 1e-9);
}

#[test]
fn agreement_falls_along_the_layers() {
    let mut runs: Vec<Ending> = (0..3)
        .map(|_| ending(0, "a", Class::Delivered, Some(2.0)))
        .collect();
    runs.push(ending(0, "a", Class::Lost, None));
    runs.push(ending(1, "a", Class::Lost, None));
    let course = course(&runs, 1);
    let [first, second] = course.routes[0].buckets.as_slice() else {
        panic!("two stretches")
    };
    assert_eq!(first.agree, [Some(1.0), None, Some(0.5)]);
    assert_eq!(second.agree, [None; 3]);
    assert!(course.routes[0].agrees_at(2) && !course.routes[0].agrees_at(1));
}

#[test]
fn nothing_observed_has_no_latency() {
    let course = course(&[ending(0, "a", Class::Unobserved, None)], 1);
    assert_eq!(course.routes[0].waits, None);
    assert_eq!(course.routes[0].buckets[0].outcome, None);
    assert_eq!(course.routes[0].buckets[0].agree, [None; 3]);
}

#[test]
fn hours_give_the_curve_of_their_runs() {
    let runs: Vec<Ending> = (0..60)
        .map(|m| match m % 10 {
            0 => ending(m, "a", Class::Lost, None),
            _ => ending(m, "a", Class::Delivered, Some(1.0)),
        })
        .collect();
    let mut hour = Rollup::empty(at(0), "orders", "a", "default");
    for run in &runs {
        *hour.classes.entry(run.class).or_default() += 1;
        *hour.endings.entry(run.said.join("\t")).or_default() += 1;
        match run.layers.outcome.seconds {
            Some(seconds) => hour.outcome.hi.record(seconds.1),
            None => hour.outcome.no += 1,
        }
    }
    hour.watched = Some(60.0);
    let mut rolled = CourseOf::of_hours(at(0), at(60));
    rolled.add_hour(&hour);
    let mut single = CourseOf::of_hours(at(0), at(60));
    runs.iter().for_each(|run| single.add(run));
    assert_eq!(rolled.finish(), single.finish());
    // An hour of an older landfall, which tells no endings, is no agreement.
    hour.endings.clear();
    let mut old = CourseOf::of_hours(at(0), at(60));
    old.add_hour(&hour);
    assert_eq!(old.finish().routes[0].buckets[0].agree, [None; 3]);
}

#[test]
fn a_curve_of_many_times_has_few_points_and_ends_where_it_ends() {
    let runs: Vec<Ending> = (1..3_000)
        .map(|n| ending(0, "a", Class::Delivered, Some(f64::from(n) * 0.017)))
        .collect();
    let course = course(&runs, 1);
    let waits = course.routes[0].waits.as_ref().unwrap();
    assert!(waits.points.len() <= waits::MOST_POINTS, "{}", waits.points.len());
    assert!(
        waits
            .points
            .windows(2)
            .all(|p| p[0].share > p[1].share && p[0].seconds < p[1].seconds)
    );
    assert!(waits.points.last().unwrap().share.abs() < 1e-9);
}

#[test]
fn routes_have_a_bound_that_is_told() {
    let runs: Vec<Ending> = (0..70)
        .map(|n| ending(0, &format!("r{n:02}"), Class::Lost, None))
        .collect();
    let course = course(&runs, 1);
    assert_eq!((course.routes.len(), course.left_out), (MOST_SERIES, 6));
}

#[test]
fn ticks_that_did_not_fire_are_stretches() {
    let mut of = CourseOf::new(at(0), at(60));
    for minute in [3, 4, 5, 20, 99] {
        of.skip(&SkipRecord {
            probe: String::from("orders"),
            route: String::from("a"),
            input: String::from("default"),
            tick: at(minute).to_rfc3339(),
            reason: SkipReason::Paused,
            detail: String::new(),
        });
    }
    of.span(&SkipSpan {
        probe: String::from("orders"),
        route: String::from("a"),
        input: String::from("default"),
        reason: SkipReason::Down,
        detail: String::new(),
        first: at(-500),
        last: at(2),
        ticks: 500,
    });
    let found = of.finish().unfired;
    let shown: Vec<(Moment, Moment, SkipReason, u64)> =
        found.iter().map(|s| (s.from, s.to, s.reason, s.ticks)).collect();
    assert_eq!(
        shown,
        [
            (at(0), at(2), SkipReason::Down, 500),
            (at(3), at(5), SkipReason::Paused, 3),
            (at(20), at(20), SkipReason::Paused, 1),
        ]
    );
}
