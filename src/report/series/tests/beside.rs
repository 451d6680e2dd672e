//! Routes, windows, objectives and receipts.

use super::*;
use crate::model::Seconds;

/// statistics.md, examples E10 and E11.
#[test]
fn routes_beside_each_other_tell_noise_from_difference() {
    let of = |bad: fn(i64, usize) -> bool| {
        let runs = (0..100).flat_map(|n| {
            ["a", "b"]
                .iter()
                .enumerate()
                .map(move |(at, route)| match bad(n, at) {
                    true => lost(n, route),
                    false => good(n, route),
                })
        });
        probes(&gathered(runs))[0].routes[0].clone()
    };
    let differ = of(|n, route| route == 1 && n < 8);
    near(Some(differ.pairs[0].divergence), 0.005_657);
    near(Some(differ.pairs[0].p), 0.007_812_5);
    let noise = of(|n, route| n % 33 == 5 + route as i64 && n < 99);
    near(noise.agreement, 0.94);
    near(Some(noise.pairs[0].p), 1.0);
    assert!(
        said_of_routes(&noise)
            .iter()
            .any(|s| s.contains("noise, not a difference"))
    );
    let together = of(|n, _| n % 10 == 0);
    assert!(
        said_of_routes(&together)
            .iter()
            .any(|s| s.contains("share their fate"))
    );
}

#[test]
fn a_tick_that_one_route_has_is_left_out() {
    let runs = (0..10).map(|n| good(n, "a")).chain((5..12).map(|n| good(n, "b")));
    let all = probes(&gathered(runs));
    assert_eq!((all[0].routes[0].ticks, all[0].routes[0].left_out), (5, 7));
    assert!(
        probes(&gathered([good(1, "a")]))[0].routes.is_empty(),
        "one route is beside nothing"
    );
}

#[test]
fn a_window_against_another_is_never_called_paired() {
    let before = gathered((0..200).map(|n| good(n, "a")));
    let now = gathered((300..500).map(|n| match n % 4 == 0 {
        true => lost(n, "a"),
        false => ending(n, "a", Class::Delivered, Some((2.0, 2.5))),
    }));
    let all = now.figures(&BTreeMap::new(), Some(&before));
    let change = &all[0].changes[0];
    assert_eq!(change.word.as_deref(), Some("worse"));
    near(change.on_time.map(|d| d.difference), -0.25);
    near(change.latency.map(|shift| shift.seconds), 1.0);
    assert!(change.arrival_p.is_some_and(|p| p < 0.001));
    let said = text(&history(all));
    assert!(
        said.contains("not paired: time is confounded with the change"),
        "{said}"
    );
    let alike = before.figures(&BTreeMap::new(), Some(&before));
    assert_eq!(alike[0].changes[0].word.as_deref(), Some("no difference shown"));
}

#[test]
fn an_objective_is_judged_by_intervals() {
    let objective = |on_time| Objective {
        on_time: Some(on_time),
        p95: Some(2.0),
        consistency: None,
        window: 86_400.0 * 30.0,
        every: Some(300.0),
    };
    let judged = |good_runs: i64, bad_runs: i64, target| {
        let runs = (0..good_runs).map(|n| good(n, "a"));
        let runs = runs.chain((0..bad_runs).map(|n| lost(good_runs + 50 * n, "a")));
        let all = gathered(runs).figures(&[(String::from("orders"), objective(target))].into(), None);
        all[0].objectives[0].clone()
    };
    assert_eq!(judged(1_000, 0, 0.99).word, ObjectiveWord::Met);
    let few = judged(20, 0, 0.99);
    assert_eq!(few.word, ObjectiveWord::NotEnough);
    assert_eq!(few.on_time.unwrap().runs_needed, Some(299));
    assert_eq!(judged(50, 50, 0.99).word, ObjectiveWord::NotMet);
    // statistics.md, section 4.3.
    let spent = judged(8_587, 53, 0.99).budget.unwrap();
    assert_eq!((spent.spent * 100.0).round(), 61.0);
    assert_eq!(
        ((spent.lower * 100.0).round(), (spent.upper * 100.0).round()),
        (47.0, 80.0)
    );
}

#[test]
fn what_providers_claim_stands_beside_the_truth() {
    let claim = |ending: Ending, at| Ending {
        claimed: Some(Seconds(at, at)),
        ..ending
    };
    let runs = vec![
        claim(good(1, "a"), 0.5),
        claim(good(2, "a"), 2.0),
        good(3, "a"),
        claim(lost(4, "a"), 0.5),
        Ending {
            disclaimed: Some(Seconds(1.0, 1.0)),
            ..good(5, "a")
        },
    ];
    let all = probes(&gathered(runs));
    let found = all[0].series[0].receipts.clone().unwrap();
    assert_eq!((found.false_receipts.count, found.false_receipts.of), (1, 3));
    assert_eq!((found.false_failures.count, found.false_failures.of), (1, 1));
    assert_eq!(
        (found.unclaimed_arrivals.count, found.unclaimed_arrivals.of),
        (2, 4)
    );
    assert_eq!((found.claimed_early.count, found.claimed_early.of), (1, 2));
    near(found.later.map(|later| later.p50), -1.0);
    let said = text(&history(all));
    assert!(said.contains("said delivered: 3 - 2 delivered, 1 lost"), "{said}");
    assert_eq!(probes(&gathered([good(1, "a")]))[0].series[0].receipts, None);
}
