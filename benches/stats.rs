//! What the figures promise, measured: how often looking at every tick is wrong, how many ticks a verdict takes, how often
//! an explanation is right, and how long one takes.
//!
//! ```text
//! cargo bench --bench stats
//! ```
//!
//! Everything is drawn from fixed seeds. Goals: of 2,000 comparisons of equal routes at most 5 % end in a wrong `worse` or
//! `better`; the median tick at which a difference is told within 15 % of the design's table; `explain` names a planted
//! cause first in at least 95 % of 200 data sets and something in at most 5 % of 200 without one, and takes less than 5 s
//! over 100,000 runs with 30 attributes.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a bench says what it needs by failing, and prints"
)]
#![expect(unreachable_pub, reason = "the shared part is a module of each bench")]

#[expect(dead_code, reason = "each bench uses its part")]
mod common;

use common::cpu;
use landfall::stats::attribution::{Column, Explanation, Finding, Options, explain};
use landfall::stats::planning::{stopping, ticks_for_no_difference, ticks_for_worse};
use landfall::stats::verdict::{Mode, Question, Word};
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

const COMPARISONS: u64 = 2_000;
const TICKS: u64 = 1_000;
const DATA_SETS: u64 = 200;

fn main() {
    equal_routes();
    worse_routes();
    equally_good_routes();
    without_a_discordant_tick();
    explanations();
    for bad in [0.02, 0.1, 0.5] {
        large_explanation(bad);
    }
}

fn question(margin: f64) -> Question {
    Question {
        margin,
        mode: Mode::Sequential,
        conf: 0.95,
        peers: false,
    }
}

/// Routes of the same quality, looked at after every tick. No margin is met, so that none stops early with an innocent
/// word: every comparison runs on until it is wrong or at its cap.
fn equal_routes() {
    for good in [0.9, 0.98, 0.999] {
        let found = stopping(good, good, question(1e-6), COMPARISONS, TICKS, 1).unwrap();
        let wrong: u64 = found
            .words
            .iter()
            .filter(|(word, _)| matches!(word, Word::Better | Word::Worse | Word::WorseWithinMargin))
            .map(|(_, n)| n)
            .sum();
        let share = 100.0 * wrong as f64 / COMPARISONS as f64;
        println!(
            "equal routes, {good} good: {wrong} of {COMPARISONS} wrong within {TICKS} ticks, {share:.2} % (goal 5)"
        );
    }
}

/// Routes of different quality: the table of the design, fixed 80 and 90 %, sequential half, 80 % and 90 %.
fn worse_routes() {
    println!("ticks to say worse          fixed 80/90 %   every look 50/80/90 %   (table)");
    for (a, b, table) in [
        (0.99, 0.50, [13, 15, 16, 20, 23]),
        (0.99, 0.80, [38, 46, 42, 59, 73]),
        (0.999, 0.90, [68, 81, 77, 104, 120]),
        (0.99, 0.90, [91, 116, 98, 150, 184]),
        (0.999, 0.95, [141, 171, 162, 219, 252]),
        (0.99, 0.95, [264, 347, 263, 464, 573]),
    ] {
        let fixed = [0.8, 0.9].map(|power| ticks_for_worse(a, b, power, 0.95).unwrap());
        // A margin so small that only a difference ends a comparison.
        let found = stopping(a, b, question(1e-6), COMPARISONS, 100_000, 2).unwrap();
        let looks = [found.half, found.most, found.nearly_all].map(Option::unwrap);
        let off = 100.0 * (looks[0] as f64 / f64::from(table[2]) - 1.0);
        println!("  {a} and {b}: {fixed:?} {looks:?} {table:?}; half {off:+.1} % (goal 15)");
    }
}

fn equally_good_routes() {
    println!("ticks to say no difference, every look 50/80 %   (table)");
    for (good, margin, table) in [
        (0.999, 0.10, [48, 48]),
        (0.99, 0.10, [48, 76]),
        (0.95, 0.10, [99, 164]),
        (0.999, 0.05, [98, 98]),
        (0.99, 0.05, [132, 200]),
        (0.95, 0.05, [323, 570]),
    ] {
        let found = stopping(good, good, question(margin), COMPARISONS, 100_000, 3).unwrap();
        let looks = [found.half, found.most].map(Option::unwrap);
        println!("  both {good}, margin {margin}: {looks:?} {table:?}");
    }
}

fn without_a_discordant_tick() {
    let of = |margin, mode| ticks_for_no_difference(margin, mode, 0.95).unwrap();
    for (margin, table) in [(0.01, [381, 498]), (0.05, [73, 98]), (0.20, [16, 23])] {
        let found = [Mode::Fixed, Mode::Sequential].map(|mode| of(margin, mode));
        println!("no discordant tick, margin {margin}: {found:?} {table:?}");
    }
}

/// Runs with attributes that mean nothing, in columns of so many values.
fn noise(random: &mut ChaCha8Rng, runs: usize, columns: u32) -> Vec<Column> {
    let mut column = |place: u32| {
        let values = 2 + place % 7;
        let codes = (0..runs).map(|_| random.random_range(0..values)).collect();
        let labels = (0..values).map(|value| format!("value {value}")).collect();
        Column::interned(format!("attribute {place}"), codes, labels).unwrap()
    };
    (0..columns).map(&mut column).collect()
}

/// Two hundred data sets with one planted cause, two hundred with none.
fn explanations() {
    let mut random = ChaCha8Rng::seed_from_u64(4);
    let (mut right, mut wrong) = (0, 0);
    for seed in 0..DATA_SETS {
        let runs = random.random_range(200..800);
        let mut columns = noise(&mut random, runs, 11);
        let culprit: Vec<u32> = (0..runs).map(|_| random.random_range(0..4)).collect();
        let bad: Vec<bool> = culprit
            .iter()
            .map(|c| random.random_bool(if *c == 1 { 0.35 } else { 0.03 }))
            .collect();
        let labels = (0..4).map(|value| format!("provider {value}")).collect();
        columns.insert(5, Column::interned("provider", culprit, labels).unwrap());
        if first(&explained(&bad, &columns, seed)) == Some(("provider", "provider 1")) {
            right += 1;
        }
        let bad: Vec<bool> = (0..runs).map(|_| random.random_bool(0.1)).collect();
        wrong += u64::from(first(&explained(&bad, &columns, seed)).is_some());
    }
    println!(
        "explain: the planted cause first in {right} of {DATA_SETS} (goal 190), something where nothing was in {wrong} of {DATA_SETS} (goal 10)"
    );
}

fn explained(bad: &[bool], columns: &[Column], seed: u64) -> Explanation {
    let options = Options {
        seed,
        ..Options::default()
    };
    explain(bad, columns, None, options).unwrap()
}

fn first(found: &Explanation) -> Option<(&str, &str)> {
    match &found.finding {
        Finding::Causes(causes) => Some((&causes[0].attribute, &causes[0].values[0].value)),
        _ => None,
    }
}

fn large_explanation(share: f64) {
    let runs = 100_000;
    let mut random = ChaCha8Rng::seed_from_u64(5);
    let columns = noise(&mut random, runs, 30);
    let bad: Vec<bool> = (0..runs).map(|_| random.random_bool(share)).collect();
    let before = cpu();
    let found = explained(&bad, &columns, 6);
    let seconds = cpu() - before;
    let shuffles = found.options.shuffles;
    println!(
        "explain {runs} runs, 30 attributes, {} % bad, {shuffles} shuffles: {seconds:.2} s of one CPU (goal 5)",
        100.0 * share
    );
}
