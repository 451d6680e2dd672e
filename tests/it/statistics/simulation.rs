//! Truth that is known: routes that are alike, and routes that are not, looked at after every tick.

use landfall::stats::planning::{Stopping, stopping};
use landfall::stats::verdict::{Mode, Question, Word};

fn drawn(baseline: f64, route: f64, repeats: u64, cap: u64) -> Stopping {
    let question = Question {
        margin: 0.05,
        mode: Mode::Sequential,
        conf: 0.95,
        peers: false,
    };
    stopping(baseline, route, question, repeats, cap, 42).unwrap()
}

fn said(found: &Stopping, words: &[Word]) -> u64 {
    found
        .words
        .iter()
        .filter(|(word, _)| words.contains(word))
        .map(|(_, n)| n)
        .sum()
}

#[test]
fn equal_routes_are_rarely_told_apart_by_looking_always() {
    let wrong = [Word::Better, Word::Worse, Word::WorseWithinMargin];
    for good in [0.9, 0.98] {
        let found = drawn(good, good, 300, 400);
        assert!(said(&found, &wrong) * 20 <= found.repeats, "{found:?}");
    }
}

#[test]
fn a_worse_route_is_told_in_about_the_ticks_that_were_promised() {
    let found = drawn(0.99, 0.8, 300, 1_000);
    let half = found.half.unwrap() as f64;
    assert!((half - 42.0).abs() <= 0.15 * 42.0, "{found:?}");
    assert!(
        said(&found, &[Word::Better, Word::NoDifference]) * 50 <= found.repeats,
        "{found:?}"
    );
}

#[test]
fn the_same_seed_draws_the_same() {
    assert_eq!(drawn(0.95, 0.9, 20, 200), drawn(0.95, 0.9, 20, 200));
}
