//! Properties of alerts, histograms and polls.

use landfall::stats::alerting::{consecutive_needed, false_alarms, k_min};
use landfall::stats::attribution::{Column, Finding, Options, explain};
use landfall::stats::histogram::LatencyHistogram;
use landfall::stats::timing::poll_schedule;
use proptest::collection::vec;
use proptest::prelude::*;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

proptest! {
    #[test]
    fn more_is_asked_of_longer_windows(window in 2..2_000_u64, slo in 0.9..0.9999_f64, burn in 1.0..15.0_f64) {
        let k = |burn, slo, window, phi| k_min(burn, slo, window, 43_200, phi).unwrap().unwrap_or(u64::MAX);
        let here = k(burn, slo, window, 0.1);
        prop_assert!(k(burn, slo, 2 * window, 0.1) >= here || here == u64::MAX);
        prop_assert!(k(2.0 * burn, slo, window, 0.1) >= here);
        prop_assert!(k(burn, 1.0 - (1.0 - slo) * 1.5, window, 0.1) >= here);
        prop_assert!(k(burn, slo, window, 1.0) <= here);
        if here < u64::MAX {
            prop_assert!(false_alarms(here, window, 1.0 - slo, 43_200).unwrap() <= 0.1 * (1.0 + 1e-9));
        }
    }

    #[test]
    fn a_higher_objective_needs_no_longer_row(slo in 0.5..0.999_f64, ticks in 10..1_000_000_u64) {
        let stricter = f64::midpoint(slo, 1.0);
        let (here, there) = (consecutive_needed(slo, ticks, 0.1), consecutive_needed(stricter, ticks, 0.1));
        prop_assert!(there.unwrap() <= here.unwrap());
    }

    #[test]
    fn merging_is_recording_together(
        one in vec(1..5_000_000_u64, 0..60),
        two in vec(1..5_000_000_u64, 1..60),
        never in 0..9_u64,
        q in 0.01..0.99_f64,
    ) {
        let of = |values: &[u64], never: u64| {
            let mut histogram = LatencyHistogram::new().unwrap();
            for value in values {
                histogram.record_micros(*value).unwrap();
            }
            histogram.record_never(never);
            histogram
        };
        let mut merged = of(&one, never);
        merged.merge(&of(&two, 1)).unwrap();
        let together = of(&[one, two].concat(), never + 1);
        prop_assert_eq!(&merged, &together);
        prop_assert_eq!(merged.quantile(q), together.quantile(q));
    }

    #[test]
    fn polls_include_the_deadline_and_the_end(
        first in 0.05..2.0_f64,
        deadline in 3.0..120.0_f64,
        grace in 0.5..300.0_f64,
    ) {
        let polls = poll_schedule(first, 0.1, 0.05, 5.0, &[deadline, deadline + grace]).unwrap();
        prop_assert!(polls.contains(&deadline) && polls.last() == Some(&(deadline + grace)));
        prop_assert!(polls.is_sorted_by(|a, b| a < b && b - a <= 5.0 + 1e-9));
    }

    #[test]
    fn an_attribute_twice_is_one_cause(seed in 0..40_u64) {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let values: Vec<u32> = (0..150).map(|_| random.random_range(0..3)).collect();
        let bad: Vec<bool> = values.iter().map(|v| random.random_bool(if *v == 1 { 0.7 } else { 0.1 })).collect();
        let column = |name: &str| Column::new(name, values.iter().map(|v| Some(v.to_string())));
        let constant = Column::new("same", vec![Some("x"); 150]);
        let options = Options { shuffles: 999, seed, ..Options::default() };
        let found = explain(&bad, &[constant, column("a"), column("b")], None, options).unwrap();
        let Finding::Causes(causes) = found.finding else {
            return Err(TestCaseError::fail(format!("{found:?}")));
        };
        prop_assert_eq!(causes.len(), 1);
        prop_assert_eq!(&causes[0].attribute, "a");
        prop_assert_eq!(&causes[0].equivalents[0].attribute, "b");
        prop_assert!(causes[0].p >= 1.0 / 1000.0);
    }
}

#[test]
fn false_alarms_come_as_often_as_is_said() {
    let mut random = ChaCha8Rng::seed_from_u64(4);
    for (k, window, e) in [(3, 60, 0.01), (3, 12, 0.02)] {
        let ticks = 1_000_000;
        let expected = false_alarms(k, window, e, ticks).unwrap();
        let mut last = std::collections::VecDeque::new();
        let mut alarms = 0.0;
        for tick in 0..ticks {
            while last.front().is_some_and(|t| t + window <= tick) {
                last.pop_front();
            }
            if random.random_bool(e) {
                last.push_back(tick);
                alarms += f64::from(u8::from(last.len() as u64 >= k));
            }
        }
        // Alarms come in clumps: the windows overlap, so their number varies more than independent ones would.
        let spread = (expected * 2.0 * k as f64).sqrt();
        assert!(
            (alarms - expected).abs() < 4.0 * spread,
            "{k} of {window}: {alarms} and {expected}"
        );
    }
}
