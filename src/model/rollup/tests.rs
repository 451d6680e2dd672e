use hdrhistogram::Histogram;
use proptest::prelude::*;

use super::*;
use crate::model::{Layers, RunId, Seconds, Timings};

fn run(class: Class, outcome: Option<(f64, f64)>, fingerprint: Option<String>) -> RunRecord {
    let yes = LayerRecord {
        state: LayerState::Yes,
        seconds: Some(Seconds(0.1, 0.1)),
    };
    let outcome = LayerRecord {
        state: if outcome.is_some() {
            LayerState::Yes
        } else {
            LayerState::No
        },
        seconds: outcome.map(|(lo, hi)| Seconds(lo, hi)),
    };
    RunRecord {
        id: RunId(uuid::Uuid::nil()),
        probe: String::from("orders"),
        revision: String::new(),
        route: String::from("a"),
        input: String::from("default"),
        location: String::new(),
        tick: String::new(),
        token: String::new(),
        sent: None,
        class,
        reason: String::new(),
        flags: vec![Flag::Amended],
        lag: Some(0.002),
        timings: Timings::default(),
        layers: Layers {
            accepted: yes,
            executed: LayerRecord {
                state: LayerState::Undeclared,
                seconds: None,
            },
            outcome,
        },
        stopped_after: None,
        expectations: Vec::new(),
        observations: Vec::new(),
        path: Vec::new(),
        attributes: BTreeMap::new(),
        fingerprint,
        amendments: Vec::new(),
        request: None,
        response: None,
        labels: BTreeMap::new(),
    }
}

fn of(runs: &[RunRecord]) -> Rollup {
    let mut rollup = Rollup::empty(Moment(0), "orders", "a", "default");
    runs.iter().for_each(|run| rollup.add(run));
    rollup.settle();
    rollup
}

/// statistics.md 6.3: arrivals at 10,000 i microseconds and eight lost.
#[test]
fn quantiles_count_what_never_came() {
    let mut runs: Vec<_> = (1..=92)
        .map(|i| run(Class::Delivered, Some((0.0, f64::from(i) / 100.0)), None))
        .collect();
    runs.extend((0..8).map(|_| run(Class::Lost, None, None)));
    let rollup = of(&runs);
    assert_eq!((rollup.runs(), rollup.judged, rollup.silent), (100, 100, 8));
    let quantile = |q| rollup.outcome.hi.quantile(q, rollup.outcome.no);
    assert_eq!(quantile(0.5), Some(Reached::At(500_223)));
    assert_eq!(quantile(0.9), Some(Reached::At(900_095)));
    assert_eq!(
        quantile(0.92),
        Some(Reached::At(920_000)),
        "no more than the exact maximum"
    );
    assert_eq!(quantile(0.95), Some(Reached::Never));
    assert_eq!(Latencies::default().quantile(0.5, 0), None);
    assert_eq!(Latencies::default().quantile(0.5, 3), Some(Reached::Never));
}

#[test]
fn the_rare_fingerprints_are_counted_together() {
    let runs: Vec<_> = (0..130)
        .flat_map(|n| {
            let named = format!("f{n:03}");
            let times = if n % 2 == 0 { 1 } else { 3 };
            (0..times).map(move |_| run(Class::Delivered, None, Some(named.clone())))
        })
        .collect();
    let rollup = of(&runs);
    assert_eq!(rollup.fingerprints.len(), FINGERPRINTS);
    assert_eq!(rollup.fingerprints.get("f129"), Some(&3), "a frequent one stays");
    assert_eq!(rollup.other_fingerprints, 30);
    assert_eq!(rollup.fingerprints.values().sum::<u64>() + 30, rollup.runs());
}

fn runs() -> impl Strategy<Value = Vec<RunRecord>> {
    let latency = prop_oneof![0.0..0.01, 0.0..60.0, 0.0..9_000.0_f64, Just(-1.0)];
    let one = (
        prop::sample::select(Class::ALL.to_vec()),
        prop::option::of((latency, 0.0..5.0_f64)),
        prop::option::of(0..40_u8),
    )
        .prop_map(|(class, outcome, fingerprint)| {
            let outcome = outcome.map(|(lo, width)| (lo, lo + width));
            run(class, outcome, fingerprint.map(|n| format!("f{n}")))
        });
    prop::collection::vec(one, 0..60)
}

proptest! {
    #[test]
    fn merged_rollups_are_the_rollup_of_all(a in runs(), b in runs()) {
        let mut merged = of(&a);
        merged.merge(&of(&b));
        let all: Vec<_> = a.into_iter().chain(b).collect();
        prop_assert_eq!(&merged, &of(&all));
        // And what is written is what is read, so that merging may happen years later.
        let text = serde_json::to_string(&merged).unwrap();
        prop_assert_eq!(serde_json::from_str::<Rollup>(&text).unwrap(), merged);
    }

    #[test]
    fn buckets_are_those_of_the_crate(values in prop::collection::vec(0_u64..4_000_000_000, 1..50)) {
        let mut theirs = Histogram::<u64>::new_with_bounds(1, 3_600_000_000, 3).unwrap();
        let mut ours = Latencies::default();
        for value in &values {
            theirs.record((*value).min(3_600_000_000)).unwrap();
            #[expect(clippy::cast_precision_loss, reason = "below 2^53")]
            ours.record(*value as f64 / 1e6);
        }
        let expected: Vec<_> = theirs.iter_recorded().map(|step| (step.value_iterated_to(), step.count_at_value())).collect();
        prop_assert_eq!(ours.buckets().collect::<Vec<_>>(), expected);
        prop_assert_eq!(ours.max(), values.iter().max().copied());
    }
}
