//! How often the whole path is wrong.

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::make::{Ended, lost, ran, setup, took};
use crate::compare::{Experiment, Metric, Setup};
use crate::stats::verdict::Word;

const COMPARISONS: usize = 120;
const TICKS: u64 = 80;

/// A run that arrives with this probability, after a while that is drawn.
fn drawn(random: &mut ChaCha8Rng, good: f64) -> Ended {
    if random.random_bool(good) {
        took(random.random_range(0.5..1.5))
    } else {
        lost()
    }
}

/// Comparisons that stop at their first word, looked at after every tick.
fn words(setup: &Setup, [a, b]: [f64; 2], seed: u64) -> Vec<Option<Word>> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let fresh = Experiment::new(setup.clone(), true).unwrap();
    let one = |_| {
        let mut experiment = fresh.clone();
        for tick in 0..TICKS {
            let runs = [drawn(&mut random, a), drawn(&mut random, b)];
            ran(&mut experiment, tick, runs);
            experiment.look();
            if experiment.is_decided() {
                break;
            }
        }
        experiment.words()[0]
    };
    (0..COMPARISONS).map(one).collect()
}

fn wrong(words: &[Option<Word>]) -> usize {
    let differs =
        |word: &&Option<Word>| matches!(word, Some(Word::Better | Word::Worse | Word::WorseWithinMargin));
    words.iter().filter(differs).count()
}

#[test]
fn equal_routes_looked_at_after_every_tick_are_seldom_told_apart() {
    // So small a margin that no comparison ends with an innocent word before it can be wrong.
    let margins = [Metric::Success, Metric::Latency]
        .map(|metric| (metric, 1e-6))
        .into();
    let setup = Setup { margins, ..setup() };
    for (primary, good, seed) in [(Metric::Success, 0.8, 1), (Metric::Latency, 0.9, 2)] {
        let setup = Setup {
            primary,
            ..setup.clone()
        };
        let wrong = wrong(&words(&setup, [good, good], seed));
        // 5 % of them are 6; with three standard errors 13.
        assert!(
            wrong <= 13,
            "{primary:?}, {good} good: {wrong} of {COMPARISONS} wrong"
        );
    }
}

#[test]
fn a_route_that_is_worse_is_told_by_then() {
    let words = words(&setup(), [0.99, 0.7], 3);
    let right = words.iter().filter(|word| **word == Some(Word::Worse)).count();
    assert!(right * 100 >= COMPARISONS * 90, "{right} of {COMPARISONS}");
}
