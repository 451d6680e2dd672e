//! What holds whatever the records are.

use proptest::prelude::*;

use super::make::{Ended, declared, lost, ran, record, setup, skip, took};
use crate::compare::{Compared, Experiment, Looking, Metric, Setup};
use crate::model::{Class, SkipReason};
use crate::stats::verdict::Word;

fn ended() -> impl Strategy<Value = Ended> {
    prop_oneof![
        4 => (1_u32..40).prop_map(|tenths| took(f64::from(tenths) / 10.0)),
        1 => Just(lost()),
        1 => (50_u32..90).prop_map(|tenths| (Class::Late, Some(f64::from(tenths) / 10.0))),
        1 => Just((Class::Rejected, None)),
    ]
}

fn ticks() -> impl Strategy<Value = Vec<[Ended; 2]>> {
    prop::collection::vec([ended(), ended()], 0..60)
}

fn settings(metric: Metric, once: bool) -> Setup {
    Setup {
        primary: metric,
        dead_zone: Some(0.15),
        looking: if once { Looking::Once(20) } else { Looking::Always },
        ..setup()
    }
}

fn found(setup: Setup, ticks: &[[Ended; 2]]) -> Compared {
    let mut experiment = Experiment::new(setup, false).unwrap();
    for (n, tick) in (0..).zip(ticks) {
        ran(&mut experiment, n, *tick);
    }
    experiment.finish();
    declared(&experiment)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn swapping_the_routes_swaps_better_and_worse(ticks in ticks(), latency: bool, once: bool) {
        let metric = if latency { Metric::Latency } else { Metric::Success };
        let swapped: Vec<[Ended; 2]> = ticks.iter().map(|[a, b]| [*b, *a]).collect();
        let there = found(settings(metric, once), &ticks);
        let back = found(settings(metric, once), &swapped);
        prop_assert_eq!((there.better, there.same, there.worse), (back.worse, back.same, back.better));
        prop_assert_eq!(there.net, back.net.map(|net| 0.0 - net));
        let better = |word| word == Some(Word::Better);
        let worse = |word| matches!(word, Some(Word::Worse | Word::WorseWithinMargin));
        prop_assert_eq!(better(there.word), worse(back.word));
        prop_assert_eq!(worse(there.word), better(back.word));
    }

    #[test]
    fn the_order_of_records_changes_nothing(
        ticks in ticks(),
        order in any::<prop::sample::Index>(),
        stops: bool,
        seed: u64,
    ) {
        let setup = settings(Metric::Success, false);
        let mut one = Experiment::new(setup.clone(), stops).unwrap();
        let mut other = Experiment::new(setup, stops).unwrap();
        let mut records = Vec::new();
        for (n, [a, b]) in (0..).zip(&ticks) {
            for experiment in [&mut one, &mut other] {
                experiment.expect(super::make::tick(n), "here");
            }
            records.extend([record(n, "a", *a), record(n, "b", *b)]);
        }
        for record in &records {
            one.take(record);
            one.look();
        }
        // Shuffled by sorting after a hash.
        let key = |at: usize| (at as u64 ^ seed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut places: Vec<usize> = (0..records.len()).collect();
        places.sort_by_key(|at| key(*at));
        if !places.is_empty() {
            let turn = order.index(places.len());
            places.rotate_left(turn);
        }
        for place in places {
            other.take(&records[place]);
            other.look();
        }
        one.finish();
        other.finish();
        prop_assert_eq!(one.standings().unwrap(), other.standings().unwrap());
    }

    #[test]
    fn a_dropped_tick_changes_no_verdict(ticks in ticks(), at in any::<prop::sample::Index>(), how in 0..3) {
        let setup = settings(Metric::Latency, false);
        let without = found(setup.clone(), &ticks);
        let hole = at.index(ticks.len() + 1) as u64;
        let mut experiment = Experiment::new(setup, false).unwrap();
        for (n, tick) in (0..).zip(&ticks) {
            ran(&mut experiment, if n < hole { n } else { n + 1 }, *tick);
        }
        match how {
            0 => ran(&mut experiment, hole, [took(0.1), (Class::Unobserved, None)]),
            1 => {
                experiment.take(&record(hole, "b", lost()));
                experiment.skip(&skip(hole, "a", SkipReason::Limit));
            }
            _ => {
                experiment.take(&record(hole, "b", lost()));
            }
        }
        experiment.finish();
        let with = declared(&experiment);
        prop_assert_eq!((with.better, with.same, with.worse), (without.better, without.same, without.worse));
        prop_assert_eq!((with.net, with.limits), (without.net, without.limits));
        // Of few ticks one that was not seen is too many, and then nothing is said at all.
        if with.withheld.is_none() {
            prop_assert_eq!(with.word, without.word);
        }
    }

    #[test]
    fn whoever_looks_at_every_tick_and_whoever_reads_it_later_see_the_same(ticks in ticks()) {
        let setup = settings(Metric::Success, false);
        let mut live = Experiment::new(setup.clone(), false).unwrap();
        for (n, tick) in (0..).zip(&ticks) {
            ran(&mut live, n, *tick);
            live.look();
        }
        prop_assert_eq!(declared(&live), found(setup, &ticks));
    }
}
