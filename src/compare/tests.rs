//! The whole path, records in and a word out.

mod bad;
mod make;
mod properties;
mod simulation;

use super::{Experiment, Looking, Metric, Role, Setup};
use crate::model::{Class, SkipReason};
use crate::stats::verdict::{Withheld, Word};
use make::{declared, lost, ran, record, setup, skip, took};

#[test]
fn a_route_that_loses_is_worse_and_it_stops_there() {
    let mut experiment = Experiment::new(setup(), true).unwrap();
    let mut fired = 0;
    while !experiment.is_decided() {
        ran(
            &mut experiment,
            fired,
            [took(0.1), if fired % 3 == 0 { lost() } else { took(0.1) }],
        );
        experiment.look();
        fired += 1;
    }
    let found = declared(&experiment);
    assert_eq!(
        (found.word, found.reached_after),
        (Some(Word::Worse), Some(fired))
    );
    assert!(fired < 60, "{fired}");
    // What comes after the word changes nothing.
    for tick in fired..fired + 50 {
        ran(&mut experiment, tick, [lost(), took(0.1)]);
    }
    experiment.look();
    assert_eq!(declared(&experiment), found);
}

#[test]
fn ticks_are_counted_in_their_order_and_a_late_loss_holds_the_later_ones_up() {
    let mut experiment = Experiment::new(setup(), true).unwrap();
    for tick in 0..200 {
        experiment.expect(make::tick(tick), "here");
    }
    // Every tick but the first is delivered at once; the first is still waited for.
    for tick in 1..200 {
        ran(&mut experiment, tick, [took(0.1), took(0.1)]);
        experiment.look();
    }
    assert_eq!((experiment.counted(), experiment.in_flight()), (0, 200));
    assert_eq!(declared(&experiment).word, Some(Word::NotEnough));
    ran(&mut experiment, 0, [took(0.1), lost()]);
    experiment.look();
    assert_eq!((experiment.counted(), experiment.in_flight()), (200, 0));
    let found = declared(&experiment);
    assert_eq!((found.worse, found.word), (Some(1), Some(Word::NoDifference)));
}

#[test]
fn a_tick_counts_only_where_every_route_was_observed() {
    let mut experiment = Experiment::new(setup(), false).unwrap();
    ran(&mut experiment, 0, [took(0.1), took(0.1)]);
    ran(&mut experiment, 1, [took(0.1), (Class::Unobserved, None)]);
    experiment.take(&record(2, "b", took(0.1)));
    experiment.skip(&skip(3, "a", SkipReason::ArmFailed));
    experiment.take(&record(3, "b", took(0.1)));
    experiment.skip(&skip(4, "a", SkipReason::Limit));
    experiment.skip(&skip(4, "b", SkipReason::Limit));
    experiment.finish();
    let ticks = experiment
        .comparison(super::Source::Store, super::End::Read)
        .unwrap()
        .ticks
        .unwrap();
    let dropped: Vec<(&str, u64)> = ticks.dropped.iter().map(|(why, n)| (why.as_str(), *n)).collect();
    assert_eq!(ticks.counted, 1);
    assert_eq!(
        dropped,
        [
            ("arm_failed", 1),
            ("limit", 1),
            ("one_sided", 1),
            ("unobserved", 1)
        ]
    );
    assert_eq!((ticks.runs, ticks.unobserved), (6, 1));
    // One of five skipped because something was wrong is a selection; a limit is none.
    assert_eq!(experiment.withheld(), Some(Withheld::Skipped));
}

#[test]
fn a_blind_experiment_says_nothing_and_ends_with_4() {
    let mut experiment = Experiment::new(setup(), true).unwrap();
    for tick in 0..30 {
        let second = if tick % 2 == 0 {
            lost()
        } else {
            (Class::Unobserved, None)
        };
        ran(&mut experiment, tick, [took(0.1), second]);
        experiment.look();
    }
    let comparison = experiment
        .comparison(super::Source::Live, super::End::Cap)
        .unwrap();
    let found = comparison.declared().next().unwrap();
    assert_eq!((found.word, found.withheld), (None, Some(Withheld::Blind)));
    assert_eq!(comparison.exit_code(), 4);
    assert!(
        comparison.notes[0].contains("did not see"),
        "{:?}",
        comparison.notes
    );
}

#[test]
fn one_look_waits_for_its_ticks() {
    let fixed = Setup {
        looking: Looking::Once(20),
        ..setup()
    };
    let mut experiment = Experiment::new(fixed, true).unwrap();
    for tick in 0..19 {
        ran(&mut experiment, tick, [took(0.1), lost()]);
        experiment.look();
    }
    let found = declared(&experiment);
    assert_eq!((found.word, found.more), (Some(Word::NotEnough), Some(1)));
    assert!(!experiment.is_decided());
    for tick in 19..30 {
        ran(&mut experiment, tick, [took(0.1), lost()]);
        experiment.look();
    }
    assert!(experiment.is_decided());
    let found = declared(&experiment);
    // Those beyond the twentieth are not looked at.
    assert_eq!((found.word, found.worse), (Some(Word::Worse), Some(20)));
    assert_eq!(found.guarantee, "valid for one look at n=20");
}

#[test]
fn a_lost_run_loses_in_latency_and_a_small_difference_is_none() {
    let setup = Setup {
        primary: Metric::Latency,
        ..setup()
    };
    let mut experiment = Experiment::new(setup, false).unwrap();
    // Nothing is known of the baseline at the first tick.
    ran(&mut experiment, 0, [took(1.0), took(5.0)]);
    ran(&mut experiment, 1, [took(1.0), took(1.09)]);
    ran(&mut experiment, 2, [took(1.0), took(1.2)]);
    ran(&mut experiment, 3, [took(1.0), took(0.8)]);
    ran(&mut experiment, 4, [took(1.0), lost()]);
    ran(&mut experiment, 5, [lost(), lost()]);
    experiment.finish();
    let found = declared(&experiment);
    assert_eq!(
        (found.better, found.same, found.worse),
        (Some(1), Some(3), Some(2))
    );
    assert_eq!(found.dead_zone, Some(0.1));
}

#[test]
fn content_is_what_the_baseline_usually_leaves_behind() {
    let content = Setup {
        primary: Metric::Content,
        ..setup()
    };
    let mut experiment = Experiment::new(content, false).unwrap();
    for tick in 0..40 {
        let print = |route: &str, print: &str| {
            let mut run = record(tick, route, took(0.1));
            run.fingerprint = Some(print.to_owned());
            run
        };
        experiment.take(&print("a", "usual"));
        experiment.take(&print("b", if tick % 2 == 0 { "other" } else { "usual" }));
    }
    // A tick at which one did not arrive says nothing of content.
    ran(&mut experiment, 40, [took(0.1), lost()]);
    ran(&mut experiment, 41, [took(0.1), (Class::Mismatched, None)]);
    experiment.finish();
    let found = declared(&experiment);
    // At the first tick nothing is usual yet.
    assert_eq!(
        (found.better, found.same, found.worse),
        (Some(0), Some(21), Some(20))
    );
    assert_eq!(found.word, Some(Word::Worse));
}

#[test]
fn several_routes_are_a_family_and_gates_belong_to_it() {
    let setup = Setup {
        gates: vec![Metric::Latency],
        ..Setup::new("p", "a", &["b", "c"])
    };
    assert_eq!(setup.family(), 4);
    let experiment = Experiment::new(setup, true).unwrap();
    let comparison = experiment
        .comparison(super::Source::Live, super::End::Cap)
        .unwrap();
    assert!((comparison.terms.each - 0.9875).abs() < 1e-12);
    let roles = |role| {
        comparison
            .comparisons
            .iter()
            .filter(|compared| compared.role == role)
            .count()
    };
    assert_eq!(
        (roles(Role::Declared), roles(Role::Advisory), roles(Role::Noise)),
        (4, 2, 0)
    );
    let margins: Vec<f64> = comparison.declared().map(|compared| compared.margin).collect();
    assert_eq!(margins, [0.05, 0.1, 0.05, 0.1]);
}

#[test]
fn the_noise_arm_is_looked_at_from_both_sides() {
    let noisy = Setup {
        noise: Some(String::from("a~noise")),
        ..setup()
    };
    for (second, warned) in [(took(0.1), false), (lost(), true)] {
        let mut experiment = Experiment::new(noisy.clone(), true).unwrap();
        for tick in 0..150 {
            ran(&mut experiment, tick, [took(0.1), took(0.1)]);
            experiment.take(&record(tick, "a~noise", second));
            experiment.look();
        }
        let comparison = experiment
            .comparison(super::Source::Live, super::End::Cap)
            .unwrap();
        assert_eq!(
            comparison
                .notes
                .iter()
                .any(|note| note.contains("the noise arm differs")),
            warned
        );
        // It is no part of what the exit code rests on.
        assert_eq!(comparison.exit_code(), 0);
    }
}

#[test]
fn only_the_latest_revision_of_a_definition_counts() {
    let mut experiment = Experiment::new(setup(), false).unwrap();
    for tick in 0..30 {
        for route in ["a", "b"] {
            let mut run = record(
                tick,
                route,
                if route == "b" && tick < 20 {
                    lost()
                } else {
                    took(0.1)
                },
            );
            run.revision = String::from(if tick < 20 { "old" } else { "new" });
            experiment.take(&run);
        }
    }
    experiment.finish();
    let comparison = experiment
        .comparison(super::Source::Store, super::End::Read)
        .unwrap();
    let ticks = comparison.ticks.as_ref().unwrap();
    assert_eq!((ticks.counted, ticks.dropped["other_revision"]), (10, 20));
    assert_eq!(comparison.revisions, ["new"]);
    assert!(
        comparison.notes[0].contains("(new) count, 20 of others do not"),
        "{:?}",
        comparison.notes
    );
}
