//! Properties of comparisons.

use landfall::stats::betting::{limits, limits_of_share, log_wealth};
use landfall::stats::divergence::divergence;
use landfall::stats::looks::Looks;
use landfall::stats::paired::{mcnemar, tango};
use landfall::stats::ticks::{Counts, Relative};
use landfall::stats::verdict::{Mode, Question, Verdict, Word, verdict, word};
use proptest::collection::vec;
use proptest::prelude::*;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

const CONF: f64 = 0.95;

fn question(mode: Mode, peers: bool) -> Question {
    Question {
        margin: 0.05,
        mode,
        conf: CONF,
        peers,
    }
}

fn of(better: u64, same: u64, worse: u64, mode: Mode) -> Verdict {
    verdict(Counts { better, same, worse }, question(mode, false)).unwrap()
}

fn mirrored(word: Word) -> Word {
    match word {
        Word::Better => Word::Worse,
        Word::Worse | Word::WorseWithinMargin => Word::Better,
        other => other,
    }
}

proptest! {
    #[test]
    fn tango_is_the_same_from_both_sides(b in 0..400_u64, c in 0..400_u64, same in 0..100_000_u64) {
        prop_assume!(b + c + same > 0);
        let n = b + c + same;
        let found = tango(b, c, n, CONF).unwrap();
        let other = tango(c, b, n, CONF).unwrap().bounds.negated();
        prop_assert!((found.bounds.lower - other.lower).abs() < 1e-12);
        prop_assert!((found.bounds.upper - other.upper).abs() < 1e-12);
        prop_assert!(found.bounds.contains(found.estimate), "{found:?}");
        let z = (b as f64 - c as f64).abs() / ((b + c) as f64).sqrt();
        if b + c > 0 && (z - 1.959_963_984_540_054).abs() > 1e-9 {
            prop_assert_eq!(!found.bounds.contains(0.0), z > 1.959_963_984_540_054, "{:?}", found);
        }
        let p = mcnemar(b, c).unwrap();
        prop_assert!((0.0..=1.0).contains(&p.mid_p) && p.mid_p <= p.exact && p.exact <= 1.0);
    }

    #[test]
    fn swapping_routes_swaps_the_words(b in 0..60_u64, c in 0..60_u64, same in 0..400_u64, fixed: bool) {
        let mode = if fixed { Mode::Fixed } else { Mode::Sequential };
        let counts = Counts { better: b, same, worse: c };
        let here = verdict(counts, question(mode, true)).unwrap();
        let there = verdict(counts.swapped(), question(mode, true)).unwrap();
        let merged = |word| if word == Word::WorseWithinMargin { Word::Worse } else { word };
        prop_assert_eq!(merged(mirrored(here.word)), merged(there.word));
        prop_assert!((here.bounds.lower + there.bounds.upper).abs() < 1e-9);
        prop_assert_eq!(word(counts, question(mode, true)), Ok(here.word));
    }

    #[test]
    fn more_ticks_at_this_rate_lead_to_a_word(b in 0..9_u64, c in 0..9_u64, same in 0..60_u64, fixed: bool) {
        let mode = if fixed { Mode::Fixed } else { Mode::Sequential };
        let found = of(b, same, c, mode);
        match (found.word, found.more_ticks) {
            (Word::NotEnough, Some(more)) => prop_assert!(more > 0),
            (Word::NotEnough, None) => prop_assert!(false, "no number of ticks: {:?}", found),
            (_, more) => prop_assert_eq!(more, Some(0)),
        }
    }

    #[test]
    fn the_order_of_bets_does_not_matter(values in vec(0.0..=1.0_f64, 0..30), mean in 0.05..0.95_f64) {
        let mut tally: Vec<(f64, u64)> = values.into_iter().map(|v| (v, 1)).collect();
        let one = log_wealth(&tally, mean).unwrap();
        tally.reverse();
        prop_assert!((one - log_wealth(&tally, mean).unwrap()).abs() < 1e-9);
        let narrow = limits(&tally, 0.9).unwrap();
        let wide = limits(&tally, 0.99).unwrap();
        prop_assert!(wide.lower <= narrow.lower && narrow.upper <= wide.upper);
        if !tally.is_empty() {
            let sample = tally.iter().map(|t| t.0).sum::<f64>() / tally.len() as f64;
            prop_assert!(narrow.contains(sample), "{narrow:?} {sample}");
        }
    }

    #[test]
    fn ties_say_nothing_against_no_difference(b in 0..40_u64, c in 0..40_u64, ties in 0..500_u64) {
        let with = log_wealth(&[(1.0, b), (0.5, ties), (0.0, c)], 0.5).unwrap();
        let without = log_wealth(&[(1.0, b), (0.0, c)], 0.5).unwrap();
        prop_assert!((with - without).abs() < 1e-9);
    }

    #[test]
    fn following_ticks_is_looking_anew_at_each(ticks in vec(0_u8..20, 0..300)) {
        let mut looks = Looks::new(question(Mode::Sequential, false)).unwrap();
        for tick in ticks {
            let tick = match tick {
                0 => Relative::Better,
                1..=4 => Relative::Worse,
                _ => Relative::Same,
            };
            let said = looks.add(tick);
            prop_assert_eq!(word(looks.counts(), question(Mode::Sequential, false)), Ok(said));
        }
        prop_assert_eq!(looks.verdict().unwrap().word, looks.word());
    }

    #[test]
    fn two_endings_diverge_as_mcnemar_says(b in 0..40_usize, c in 0..40_usize, same in 1..40_usize) {
        prop_assume!(b + c + same >= 2);
        let ticks = [vec![(1, 0); b], vec![(0, 1); c], vec![(1, 1); same]].concat();
        let found = divergence(&ticks, 1).unwrap();
        let exact = mcnemar(b as u64, c as u64).unwrap().exact;
        prop_assert!((found.p - exact).abs() < 1e-12);
    }
}

#[test]
fn wealth_is_no_more_than_one_on_average() {
    for m in [0.1, 0.5, 0.9, 0.99] {
        for n in 1..=12_u64 {
            let (mut mean, mut ways) = (0.0, 1.0);
            for k in 0..=n {
                let weight = ways * f64::powi(m, k as i32) * f64::powi(1.0 - m, (n - k) as i32);
                mean += weight * log_wealth(&[(1.0, k), (0.0, n - k)], m).unwrap().exp();
                ways *= (n - k) as f64 / (k + 1) as f64;
            }
            assert!(mean <= 1.0 + 1e-9, "m={m} n={n}: {mean}");
        }
    }
}

#[test]
fn a_worse_tick_never_raises_a_limit() {
    for (mode, most) in [(Mode::Fixed, 40), (Mode::Sequential, 20)] {
        for n in [most / 4, most / 2, most] {
            for b in 0..=n {
                for c in 0..=n - b {
                    let before = of(b, n - b - c, c, mode).bounds;
                    let after = of(b, n - b - c, c + 1, mode).bounds;
                    let held = after.lower <= before.lower + 1e-9 && after.upper <= before.upper + 1e-9;
                    assert!(held, "{mode:?} {b} {c} of {n}: {before:?} {after:?}");
                }
            }
        }
    }
}

#[test]
fn doubling_never_unsays_a_word() {
    for n in 1..=24_u64 {
        for b in 0..=n {
            for c in 0..=n - b {
                let same = n - b - c;
                if of(b, same, c, Mode::Fixed).word != Word::NotEnough {
                    let twice = of(2 * b, 2 * same, 2 * c, Mode::Fixed).word;
                    assert_ne!(twice, Word::NotEnough, "{b} {same} {c}");
                }
            }
        }
    }
}

#[test]
fn routes_that_are_alike_do_not_diverge() {
    let mut random = ChaCha8Rng::seed_from_u64(21);
    let repeats = 300;
    let (mut sum, mut squares, mut small) = (0.0, 0.0, 0.0);
    for round in 0..repeats {
        let mut ending = || {
            if random.random_bool(0.8) {
                0
            } else {
                random.random_range(1..4)
            }
        };
        let ticks: Vec<(u8, u8)> = (0..40).map(|_| (ending(), ending())).collect();
        let found = divergence(&ticks, round).unwrap();
        sum += found.divergence;
        squares += found.divergence * found.divergence;
        small += f64::from(u8::from(found.p <= 0.1));
    }
    let n = repeats as f64;
    let error = (squares / n).sqrt() / n.sqrt();
    assert!((sum / n).abs() < 4.0 * error, "{} within {error}", sum / n);
    assert!(
        small / n < 0.1 + 4.0 * (0.09 / n).sqrt(),
        "p is too small too often: {small}"
    );
}

#[test]
fn a_route_shuffled_diverges_from_itself_by_what_it_cannot_repeat() {
    // The copy has the very same counts, so on average the divergence is -(1 - Σp²)/(T - 1), for all T! orders.
    let first = [0_u8, 0, 0, 1, 2];
    let (mut sum, mut orders) = (0.0, 0.0);
    let mut order = [0_usize, 1, 2, 3, 4];
    permuted(&mut order, 0, &mut |order| {
        let ticks: Vec<(u8, u8)> = first.iter().zip(order).map(|(a, at)| (*a, first[*at])).collect();
        sum += divergence(&ticks, 0).unwrap().divergence;
        orders += 1.0;
    });
    let shares: f64 = (9.0 + 1.0 + 1.0) / 25.0;
    assert!(
        (sum / orders + (1.0 - shares) / 4.0).abs() < 1e-12,
        "{}",
        sum / orders
    );
}

fn permuted(order: &mut [usize; 5], from: usize, each: &mut impl FnMut(&[usize; 5])) {
    if from == order.len() {
        return each(order);
    }
    for other in from..order.len() {
        order.swap(from, other);
        permuted(order, from + 1, each);
        order.swap(from, other);
    }
}

#[test]
fn limits_hold_for_many_runs() {
    let found = limits_of_share(999_990_000, 1_000_000_000, CONF).unwrap();
    // The mildest bet is too bold to close in on one bad run in 100,000 from above: there the limit is wide, and holds.
    assert!(
        found.contains(0.999_99) && 0.999_99 - found.lower < 5e-7,
        "{found:?}"
    );
    let none = limits_of_share(0, 1_000_000_000, CONF).unwrap();
    assert!(
        none.lower == 0.0 && none.upper > 0.0 && none.upper < 1e-7,
        "{none:?}"
    );
}
