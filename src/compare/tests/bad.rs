//! Records that are no good, and comparisons of nothing.

use super::make::{Ended, declared, lost, ran, record, setup, took};
use crate::compare::{Comparison, End, Experiment, Looking, Metric, Sample, Setup, Side, Source, samples};
use crate::model::{Class, RunId, RunRecord, Seconds};
use crate::stats::verdict::Word;

fn of(ticks: &[[Ended; 2]]) -> Comparison {
    let mut experiment = Experiment::new(setup(), false).unwrap();
    for (n, tick) in (0..).zip(ticks) {
        ran(&mut experiment, n, *tick);
    }
    experiment.finish();
    experiment.comparison(Source::Store, End::Read).unwrap()
}

/// Everything that can be said of it is a number that can be shown.
fn finite(comparison: &Comparison) {
    let text = serde_json::to_string(comparison).unwrap();
    for format in [
        crate::report::Format::Text,
        crate::report::Format::Markdown,
        crate::report::Format::Junit,
        crate::report::Format::Html,
    ] {
        let told = crate::report::compare::Explained::from(comparison.clone());
        let said = crate::report::compare::render(&told, format, crate::report::Style::default());
        assert!(!said.contains("NaN") && !said.contains("inf"), "{said}");
    }
    assert!(!text.contains("NaN"), "{text}");
}

#[test]
fn nothing_one_tick_all_lost_all_unseen_all_alike() {
    let unseen = (Class::Unobserved, None);
    for (ticks, word, code) in [
        (vec![], Some(Word::NotEnough), 3),
        (vec![[took(0.1), took(0.1)]], Some(Word::NotEnough), 3),
        (vec![[lost(), lost()]; 200], Some(Word::NoDifference), 0),
        (vec![[unseen, unseen]; 30], None, 4),
        (vec![[took(0.5), took(0.5)]; 200], Some(Word::NoDifference), 0),
        (vec![[took(0.5), lost()]; 200], Some(Word::Worse), 1),
        (vec![[lost(), took(0.5)]; 200], Some(Word::Better), 0),
    ] {
        let comparison = of(&ticks);
        let found = comparison.declared().next().unwrap();
        assert_eq!(
            (found.word, comparison.exit_code()),
            (word, code),
            "{} ticks",
            ticks.len()
        );
        finite(&comparison);
    }
}

#[test]
fn ticks_of_one_route_alone_compare_nothing() {
    let mut experiment = Experiment::new(setup(), false).unwrap();
    for n in 0..20 {
        experiment.take(&record(n, "a", took(0.1)));
    }
    experiment.finish();
    let comparison = experiment.comparison(Source::Store, End::Read).unwrap();
    assert_eq!(comparison.exit_code(), 3);
    assert_eq!(comparison.ticks.as_ref().unwrap().dropped["one_sided"], 20);
    finite(&comparison);
}

#[test]
fn a_margin_or_confidence_of_nothing_or_all_is_refused() {
    for share in [0.0, 1.0, -1.0, f64::NAN, f64::INFINITY] {
        let margin = Setup {
            margins: [(Metric::Success, share)].into(),
            ..setup()
        };
        assert!(
            Experiment::new(margin, false)
                .unwrap_err()
                .to_string()
                .starts_with("the margin is"),
            "{share}"
        );
        let sure = Setup {
            confidence: share,
            ..setup()
        };
        assert!(
            Experiment::new(sure, false)
                .unwrap_err()
                .to_string()
                .starts_with("the confidence is"),
            "{share}"
        );
    }
}

#[test]
fn a_record_that_cannot_be_read_is_said_with_its_field() {
    let broken = |change: fn(&mut RunRecord)| {
        let mut run = record(1, "a", took(0.1));
        change(&mut run);
        run
    };
    for (run, said) in [
        (
            broken(|run| run.layers.outcome.seconds = Some(Seconds(-1.0, 2.0))),
            "`layers.outcome.seconds` is [-1, 2]",
        ),
        (
            broken(|run| run.layers.outcome.seconds = Some(Seconds(3.0, 2.0))),
            "`layers.outcome.seconds` is [3, 2]",
        ),
        (
            broken(|run| run.layers.outcome.seconds = Some(Seconds(f64::NAN, 2.0))),
            "is [NaN, 2]",
        ),
        (
            broken(|run| run.layers.outcome.seconds = None),
            "null though the run ended delivered",
        ),
        (
            broken(|run| run.expectations[0].within = f64::INFINITY),
            "`expectations[0].within` is inf",
        ),
        (
            broken(|run| run.expectations[0].grace = -1.0),
            "`expectations[0].grace` is -1",
        ),
        (broken(|run| run.lag = Some(f64::NAN)), "`lag` is NaN"),
        (
            broken(|run| run.sent = Some(String::from("yesterday"))),
            "`sent` is `yesterday`",
        ),
    ] {
        let why = Sample::of(&run).unwrap_err();
        assert!(why.contains(said), "{why}");
        let mut experiment = Experiment::new(setup(), false).unwrap();
        experiment.take(&run);
        experiment.take(&record(1, "b", took(0.1)));
        experiment.finish();
        let comparison = experiment.comparison(Source::Store, End::Read).unwrap();
        assert_eq!(comparison.ticks.as_ref().unwrap().dropped["unreadable"], 1);
        assert!(comparison.notes[0].contains(said), "{:?}", comparison.notes);
    }
    let mut experiment = Experiment::new(setup(), false).unwrap();
    assert!(experiment.take(&broken(|run| run.tick = String::from("soon"))));
    let comparison = experiment.comparison(Source::Store, End::Read).unwrap();
    assert!(
        comparison.notes[0].contains("`tick` is `soon`"),
        "{:?}",
        comparison.notes
    );
}

#[test]
fn an_outcome_after_its_watch_did_not_arrive() {
    let mut run = record(1, "a", (Class::Late, Some(12.0)));
    assert_eq!(Sample::of(&run).unwrap().wait.hi, None);
    // Seen after it, and it may have come before.
    run.layers.outcome.seconds = Some(Seconds(9.0, 12.0));
    assert_eq!(Sample::of(&run).unwrap().wait.hi, Some(12.0));
}

/// A set of runs of route `a`, its ids apart from those of another set.
fn set(ends: &[Ended], apart: u128) -> Vec<RunRecord> {
    let numbered = ends.iter().zip(0..).map(|(ended, n)| {
        let mut run = record(n, "a", *ended);
        run.id = RunId(uuid::Uuid::from_u128(u128::from(n) + (apart << 64)));
        run
    });
    numbered.collect()
}

fn compared(a: &[Ended], b: &[Ended], setup: &Setup) -> Result<Comparison, String> {
    let (a, b) = (set(a, 1), set(b, 2));
    samples(
        setup,
        Side {
            name: "main.json",
            runs: &a,
        },
        Side {
            name: "pr.json",
            runs: &b,
        },
    )
}

#[test]
fn two_sets_are_compared_unpaired_and_say_so() {
    let good = vec![took(1.0); 100];
    let mut bad = vec![took(1.0); 80];
    bad.extend([lost(); 20]);
    let found = compared(&good, &bad, &setup()).unwrap();
    let first = found.declared().next().unwrap();
    assert_eq!(
        (first.word, found.exit_code(), found.paired),
        (Some(Word::Worse), 1, false)
    );
    assert_eq!(first.guarantee, "valid for one look at n=100 and 100; not paired");
    let effect = &found.effects[0];
    assert_eq!(
        (effect.shift, effect.left_out, effect.cap),
        (Some(0.0), 20, Some(10.0))
    );
    assert!((effect.wait_difference.unwrap() - 1.8).abs() < 1e-9);
    assert!(effect.apart.unwrap().net_win < 0.0);
    finite(&found);
    let back = compared(&bad, &good, &setup()).unwrap();
    assert_eq!(back.declared().next().unwrap().word, Some(Word::Better));
    let slower = Setup {
        primary: Metric::Latency,
        ..setup()
    };
    let late = compared(&good, &[took(1.5); 100], &slower).unwrap();
    assert_eq!(late.declared().next().unwrap().word, Some(Word::Worse));
    let little = compared(&good, &[took(1.05); 100], &slower).unwrap();
    assert_ne!(little.declared().next().unwrap().word, Some(Word::Worse));
}

#[test]
fn sets_of_nothing_of_one_run_and_of_what_nobody_saw() {
    let unseen = (Class::Unobserved, None);
    assert_eq!(
        compared(&[], &[took(1.0)], &setup()).unwrap_err(),
        "`main.json` holds no runs to compare"
    );
    for (a, b, code) in [
        (vec![took(1.0)], vec![took(1.0)], 3),
        (vec![lost(); 300], vec![lost(); 300], 0),
        (vec![unseen; 5], vec![unseen; 5], 4),
        (vec![took(1.0)], vec![lost()], 3),
    ] {
        let found = compared(&a, &b, &setup()).unwrap();
        assert_eq!(found.exit_code(), code, "{a:?}");
        finite(&found);
    }
    let once = Setup {
        margins: [(Metric::Success, 1.0)].into(),
        ..setup()
    };
    assert!(
        compared(&[took(1.0)], &[took(1.0)], &once)
            .unwrap_err()
            .contains("the margin is 1")
    );
}

#[test]
fn different_definitions_and_series_are_said() {
    let (a, mut b) = (set(&[took(1.0); 5], 1), set(&[took(1.0); 6], 2));
    for run in &mut b[..2] {
        run.revision = String::from("r0");
    }
    for run in &mut b[2..] {
        run.revision = String::from("r2");
    }
    b[5].route = String::from("elsewhere");
    let found = samples(
        &setup(),
        Side { name: "x", runs: &a },
        Side { name: "y", runs: &b },
    )
    .unwrap();
    assert_eq!(found.routes[1].runs, 3);
    let said = found.notes.join("\n");
    assert!(
        said.contains("`y` holds 2 revisions of p/a: only the latest counts, 2 runs of others do not"),
        "{said}"
    );
    assert!(
        said.contains("p/a was defined otherwise in each: revision r1 in `x`, r2 in `y`"),
        "{said}"
    );
    assert!(
        said.contains("only in `y`, and not compared: p/elsewhere"),
        "{said}"
    );
    let mut other = set(&[took(1.0)], 3);
    other[0].probe = String::from("q");
    let wrong = samples(
        &setup(),
        Side { name: "x", runs: &a },
        Side {
            name: "z",
            runs: &other,
        },
    )
    .unwrap_err();
    assert_eq!(
        wrong,
        "no probe, route and input is in both: `x` has p/a; `z` has q/a"
    );
}

#[test]
fn a_fixed_number_that_is_not_reached_is_not_looked_at() {
    let setup = Setup {
        looking: Looking::Once(100),
        ..setup()
    };
    let mut experiment = Experiment::new(setup, false).unwrap();
    for n in 0..10 {
        ran(&mut experiment, n, [took(0.1), lost()]);
    }
    experiment.finish();
    let found = declared(&experiment);
    assert_eq!((found.word, found.more), (Some(Word::NotEnough), Some(90)));
}
