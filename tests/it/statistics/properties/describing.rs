//! Properties of shares, quantiles, curves and consistency.

use landfall::stats::consistency::{consistency, counts, score_of};
use landfall::stats::layers::along_layers;
use landfall::stats::quantiles::{Latencies, interval_quantile};
use landfall::stats::shares::{clopper_pearson, exact_floor, wilson};
use landfall::stats::survival::{Ended, Survival, Watched};
use proptest::collection::vec;
use proptest::prelude::*;

const CONF: f64 = 0.95;

fn k_of_n(most: u64) -> impl Strategy<Value = (u64, u64)> {
    (1..=most).prop_flat_map(|n| (0..=n, Just(n)))
}

proptest! {
    #[test]
    fn wilson_is_the_same_from_both_sides((k, n) in k_of_n(1 << 40), conf in 0.5..0.9999) {
        let (one, other) = (wilson(k, n, conf).unwrap(), wilson(n - k, n, conf).unwrap());
        prop_assert!((one.lower - (1.0 - other.upper)).abs() < 1e-12);
        prop_assert!((one.upper - (1.0 - other.lower)).abs() < 1e-12);
        let p = k as f64 / n as f64;
        prop_assert!(0.0 <= one.lower && one.lower <= p && p <= one.upper && one.upper <= 1.0);
        prop_assert!(wilson(2 * k, 2 * n, conf).unwrap().width() < one.width());
    }

    #[test]
    fn the_exact_interval_lies_around_the_share((k, n) in k_of_n(2_000_000), conf in 0.5..0.9999) {
        let found = clopper_pearson(k, n, conf).unwrap();
        prop_assert!(found.contains(k as f64 / n as f64));
        let floor = exact_floor(k, n, conf).unwrap();
        prop_assert!(found.lower <= floor && floor <= k as f64 / n as f64 + 1e-12);
    }

    #[test]
    fn quantiles_move_with_the_runs(
        waits in vec(proptest::option::weighted(0.8, 0.0..90.0_f64), 1..60),
        at in any::<prop::sample::Index>(),
        q in 0.01..0.99_f64,
    ) {
        let before = Latencies::from_options(waits.clone()).unwrap();
        let value = |l: &Latencies| l.quantile(q).unwrap().unwrap_or(f64::INFINITY);
        let place = at.index(waits.len());
        for worse in [waits[place].map(|w| w + 5.0), None] {
            let mut later = waits.clone();
            later[place] = worse;
            prop_assert!(value(&Latencies::from_options(later).unwrap()) >= value(&before));
        }
        let n = waits.len() as f64;
        let arrived = n - before.never() as f64;
        prop_assert_eq!(value(&before).is_infinite(), (q * n - 1e-9).ceil() > arrived);
        let found = before.estimate(q, CONF).unwrap();
        let of = |limit: Option<f64>| limit.unwrap_or(f64::INFINITY);
        prop_assert!(of(found.lower) <= of(found.value) && of(found.value) <= of(found.upper));
    }

    #[test]
    fn the_envelope_holds_any_point_inside(
        waits in vec((0.0..50.0_f64, 0.0..5.0_f64, 0.0..=1.0_f64), 1..40),
        never in 0..5_u64,
        q in 0.05..0.95_f64,
    ) {
        let intervals: Vec<(f64, f64)> = waits.iter().map(|(lo, width, _)| (*lo, lo + width)).collect();
        let found = interval_quantile(&intervals, never, q, CONF).unwrap();
        let points = waits.iter().map(|(lo, width, part)| (lo + part * width).clamp(*lo, lo + width));
        let inside = Latencies::new(points.collect(), never).unwrap().quantile(q).unwrap();
        prop_assert_eq!(inside.is_none(), found.latest.is_none());
        if let (Some(inside), Some(lo), Some(hi)) = (inside, found.earliest, found.latest) {
            prop_assert!(lo <= inside && inside <= hi);
        }
    }

    #[test]
    fn a_curve_without_censoring_is_the_empirical_one(
        waits in vec(proptest::option::weighted(0.8, 0_u8..60), 1..50),
        t in 0.0..61.0_f64,
        cap in 1.0..60.0_f64,
    ) {
        let end = 60.0;
        let watched: Vec<Watched> = waits
            .iter()
            .map(|w| Watched { seconds: w.map_or(end, f64::from), arrived: w.is_some() })
            .collect();
        let curve = Survival::new(&watched).unwrap();
        let left = waits.iter().filter(|w| w.is_none_or(|w| f64::from(w) > t)).count();
        prop_assert!((curve.at(t) - left as f64 / waits.len() as f64).abs() < 1e-12);
        prop_assert!(curve.steps().is_sorted_by(|a, b| a.share > b.share && a.seconds < b.seconds));
        let mut turned = watched.clone();
        turned.reverse();
        prop_assert_eq!(&curve, &Survival::new(&turned).unwrap());
        // The area to a cap is the mean of the capped waits, its variance theirs over their number.
        let area = curve.restricted_mean(cap).unwrap();
        let plain = Latencies::from_options(waits.iter().map(|w| w.map(f64::from))).unwrap();
        let plain = plain.capped_mean(cap).unwrap();
        prop_assert!((area.mean - plain.mean).abs() < 1e-9, "{area:?} {plain:?}");
        prop_assert!((area.variance - plain.variance).abs() < 1e-9, "{area:?} {plain:?}");
    }

    #[test]
    fn runs_that_are_counted_make_the_same_curve(watches in vec((0_u8..20, any::<bool>()), 1..50)) {
        let single: Vec<Watched> = watches
            .iter()
            .map(|(seconds, arrived)| Watched { seconds: f64::from(*seconds), arrived: *arrived })
            .collect();
        let of = |seconds: u8, arrived: bool| watches.iter().filter(|w| **w == (seconds, arrived)).count() as u64;
        let together: Vec<Ended> = (0..20)
            .map(|at| Ended { seconds: f64::from(at), arrived: of(at, true), left: of(at, false) })
            .filter(|ended| ended.arrived + ended.left > 0)
            .collect();
        prop_assert_eq!(Survival::new(&single).unwrap(), Survival::counted(&together).unwrap());
    }

    #[test]
    fn a_curve_never_rises_whatever_is_censored(watches in vec((0_u8..50, any::<bool>()), 1..50)) {
        let watched: Vec<Watched> = watches
            .iter()
            .map(|(seconds, arrived)| Watched { seconds: f64::from(*seconds), arrived: *arrived })
            .collect();
        let curve = Survival::new(&watched).unwrap();
        prop_assert!(curve.steps().is_sorted_by(|a, b| a.share >= b.share));
        for t in 0..50 {
            if let Some(bounds) = curve.bounds(f64::from(t), CONF).unwrap() {
                prop_assert!(bounds.lower <= curve.at(f64::from(t)) && curve.at(f64::from(t)) <= bounds.upper);
            }
        }
        let median = curve.quantile(0.5, CONF).unwrap();
        let of = |limit: Option<f64>| limit.unwrap_or(f64::INFINITY);
        prop_assert!(of(median.lower) <= of(median.value) && of(median.value) <= of(median.upper));
    }

    #[test]
    fn consistency_is_of_endings_and_not_of_their_names(endings in vec(0_u8..6, 2..80), shift in 1_u8..250) {
        let found = consistency(&counts(&endings), CONF).unwrap();
        prop_assert!((0.0..=1.0).contains(&found.score));
        prop_assert_eq!(found.score == 1.0, endings.iter().all(|e| *e == endings[0]));
        let renamed = endings.iter().map(|e| e.wrapping_add(shift));
        prop_assert_eq!(found, consistency(&counts(renamed), CONF).unwrap());
        // To take two endings for one never lowers it.
        let merged = counts(endings.iter().map(|e| if *e == 5 { 4 } else { *e }));
        prop_assert!(score_of(&merged).unwrap() >= found.score);
        let bounds = found.bounds;
        prop_assert!(0.0 <= bounds.lower && bounds.upper <= 1.0);
        prop_assert!(bounds.contains(found.score), "{found:?}");
        prop_assert_eq!(found.shown().is_some(), endings.len() >= 5);
    }

    #[test]
    fn consistency_never_rises_along_layers(runs in vec((0_u8..3, 0_u8..3, 0_u8..3), 2..60)) {
        let layers = [
            runs.iter().map(|r| r.0).collect::<Vec<_>>(),
            runs.iter().map(|r| r.1).collect(),
            runs.iter().map(|r| r.2).collect(),
        ];
        let found = along_layers(&layers).unwrap();
        prop_assert!(found.scores.is_sorted_by(|a, b| a >= b));
        prop_assert_eq!(found.drops_at.is_none(), found.scores[2] == 1.0);
    }
}

#[test]
fn the_exact_interval_covers() {
    for n in [1_u64, 5, 20, 60] {
        let limits: Vec<_> = (0..=n).map(|k| clopper_pearson(k, n, CONF).unwrap()).collect();
        for step in 1..50 {
            let p = f64::from(step) / 50.0;
            let mut weight = (1.0 - p).powi(n as i32);
            let mut covered = 0.0;
            for (k, bounds) in limits.iter().enumerate() {
                covered += if bounds.contains(p) { weight } else { 0.0 };
                weight *= (n - k as u64) as f64 / (k as f64 + 1.0) * p / (1.0 - p).max(1e-300);
            }
            assert!(covered >= CONF - 1e-9, "n={n} p={p}: {covered}");
        }
    }
}

#[test]
fn consistency_is_unbiased() {
    // The mean over all samples of three endings of known shares, n up to 6.
    let p = [0.6, 0.3, 0.1];
    let truth: f64 = p.iter().map(|p| p * p).sum();
    for n in 2..=6_u32 {
        let mut mean = 0.0;
        for sample in 0..3_u32.pow(n) {
            let endings: Vec<usize> = (0..n).map(|i| (sample / 3_u32.pow(i) % 3) as usize).collect();
            let weight: f64 = endings.iter().map(|e| p[*e]).product();
            mean += weight * score_of(&counts(endings)).unwrap();
        }
        assert!((mean - truth).abs() < 1e-12, "n={n}: {mean}");
    }
}
