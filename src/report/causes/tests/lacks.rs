//! Too few runs, none, or such as say nothing.

use rand::{Rng as _, SeedableRng as _};

use super::*;

#[test]
fn there_is_a_sentence_for_every_lack() {
    let said = |runs: &[RunRecord]| answer(runs).sentence;
    let blind = |n| RunRecord {
        class: Class::Unobserved,
        ..run(n)
    };
    assert_eq!(said(&[]), "no runs are on record: there is nothing to explain");
    assert_eq!(
        said(&[run(0)]),
        "none of 1 run is bad (not delivered): there is nothing to explain"
    );
    assert_eq!(
        said(&[lost(run(0))]),
        "the one run is bad: with no good run to compare with, nothing separates them"
    );
    let many = |f: &dyn Fn(u64) -> RunRecord, n: u64| (0..n).map(f).collect::<Vec<_>>();
    assert!(said(&many(&|n| lost(run(n)), 30)).starts_with("all 30 runs are bad"));
    assert_eq!(
        said(&many(&blind, 12)),
        "all 12 runs are unobserved: landfall could not see, and there is nothing to compare"
    );
    let few = many(&|n| if n < 3 { lost(run(n)) } else { run(n) }, 50);
    assert_eq!(said(&few), "too few bad runs to explain (3): 5 are needed");
    let mut wrong = run(0);
    wrong.tick = String::from("yesterday");
    assert_eq!(
        said(&[wrong]),
        "none of 1 run has a tick that is a time: there is nothing to compare"
    );
    for runs in [many(&blind, 2), few, Vec::new()] {
        let shown = text(&answer(&runs), STYLE) + &markdown(&answer(&runs));
        assert!(!shown.contains("NaN") && !shown.contains("inf"), "{shown}");
    }
}

#[test]
fn numbers_that_are_none_and_values_without_end_are_left_out() {
    let runs: Vec<RunRecord> = (0..120)
        .map(|n: u64| {
            let mut one = with(run(n), "trace", &format!("{n}"));
            one.lag = Some(if n.is_multiple_of(2) { f64::NAN } else { -3.0 });
            one.layers.outcome.seconds = Some(Seconds(f64::NAN, f64::INFINITY));
            one.attributes.insert(
                String::from("long"),
                "ü".repeat(5_000 + usize::from(n.is_multiple_of(3))),
            );
            if n.is_multiple_of(6) { lost(one) } else { one }
        })
        .collect();
    let found = answer(&runs);
    assert!(
        found
            .ignored
            .iter()
            .any(|one| one.attribute == "trace" && one.values == 120),
        "{:?}",
        found.ignored
    );
    assert_eq!(found.causes[0].attribute, "long", "{found:#?}");
    assert!(first(&found).1.chars().count() < VALUE + 20);
}

#[test]
fn the_order_in_which_runs_are_read_changes_nothing() {
    let mut runs = by_provider(lost);
    let one = answer(&runs);
    runs.reverse();
    runs.rotate_left(77);
    assert_eq!(answer(&runs), one);
}

#[test]
fn nothing_separates_runs_that_are_bad_by_chance() {
    let mut named = 0;
    for seed in 0..40 {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let one = |n| {
            let worker = random.random_range(0..5).to_string();
            let run = with(with(run(n), "worker", &worker), "zone", &(n % 3).to_string());
            if random.random_bool(0.12) { lost(run) } else { run }
        };
        named += u32::from(!answer(&(0..150).map(one).collect::<Vec<_>>()).causes.is_empty());
    }
    assert!(named <= 4, "{named} of 40");
}

#[test]
fn slow_is_asked_of_what_arrived() {
    let runs: Vec<RunRecord> = (0..100)
        .map(|n: u64| {
            let mut one = run(n);
            if n.is_multiple_of(5) {
                one.layers.outcome.seconds = Some(Seconds(1.9, 3.0));
                one = with(one, "cache", "cold");
            }
            if n % 11 == 1 { lost(one) } else { one }
        })
        .collect();
    let slow = |limit| {
        explain(
            &runs,
            &[],
            &Question {
                bad: Bad::Slow(limit),
                seed: 0,
            },
        )
    };
    let found = slow(Some(2.5));
    assert_eq!(found.left_out.classes[&Class::Lost], 9);
    assert_eq!(
        found.outcome,
        Outcome::Nothing,
        "a value that only the slow have: {found:#?}"
    );
    assert_eq!(
        slow(None).sentence,
        "none of 91 runs is bad (late): there is nothing to explain"
    );
}
