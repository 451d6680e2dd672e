use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::*;

/// Two hundred runs as on the page: 40 by beta with 15 bad, 160 by others with 5.
fn providers() -> (Vec<bool>, Vec<Option<&'static str>>) {
    let runs = (0..200).map(|i| match i {
        0..40 => (i < 15, Some("beta")),
        _ => (i < 45, Some(if i % 2 == 0 { "alpha" } else { "gamma" })),
    });
    runs.unzip()
}

fn noise(name: &str, n: usize, values: u32, seed: u64) -> Column {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    Column::new(
        name,
        (0..n).map(|_| Some(format!("v{}", random.random_range(0..values)))),
    )
}

fn causes(bad: &[bool], columns: &[Column], ticks: Option<&[u32]>) -> Vec<Cause> {
    match explain(bad, columns, ticks, Options::default()).unwrap().finding {
        Finding::Causes(causes) => causes,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_planted_provider_is_named_with_what_cannot_be_told_apart() {
    let (bad, provider) = providers();
    let path = provider.iter().map(|p| p.map(|p| format!("path of {p}")));
    let columns = [
        noise("worker", 200, 4, 1),
        Column::new("provider", provider.clone()),
        Column::new("path", path),
    ];
    let found = causes(&bad, &columns, None);
    assert_eq!(found.len(), 1);
    let cause = &found[0];
    assert_eq!(
        (cause.attribute.as_str(), cause.values[0].value.as_str()),
        ("provider", "beta")
    );
    assert_eq!(
        (
            cause.values[0].bad,
            cause.values[0].runs,
            cause.values[0].bad_elsewhere
        ),
        (15, 40, 5)
    );
    assert!((cause.values[0].covers - 0.75).abs() < 1e-12 && cause.p <= 0.001);
    assert!((cause.values[0].relative_accuracy - 0.055).abs() < 1e-9);
    assert_eq!(cause.equivalents[0].attribute, "path");
    assert_eq!(cause.equivalents[0].value, "path of beta");
}

#[test]
fn nothing_is_an_answer_and_so_is_too_little() {
    let mut random = ChaCha8Rng::seed_from_u64(3);
    let bad: Vec<bool> = (0..300).map(|_| random.random_bool(0.1)).collect();
    let columns = [noise("worker", 300, 4, 4), noise("host", 300, 9, 5)];
    let found = explain(&bad, &columns, None, Options::default()).unwrap();
    assert!(
        matches!(&found.finding, Finding::Nothing { best: Some((_, p)) } if *p > 0.05),
        "{found:?}"
    );
    assert!(
        found
            .finding
            .sentence()
            .unwrap()
            .starts_with("no recorded attribute separates bad from good (best: ")
    );
    let few: Vec<bool> = (0..300).map(|i| i < 3).collect();
    let found = explain(&few, &columns, None, Options::default()).unwrap();
    assert_eq!(
        found.finding.sentence().unwrap(),
        "too few bad runs to explain (3)"
    );
    assert_eq!(
        explain(&bad, &[], None, Options::default())
            .unwrap()
            .finding
            .sentence()
            .unwrap(),
        "nothing is recorded that could separate bad from good"
    );
}

#[test]
fn a_second_cause_is_found_inside_the_first() {
    let mut random = ChaCha8Rng::seed_from_u64(8);
    let (mut bad, mut provider, mut worker) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..600 {
        let (p, w) = (random.random_range(0..3), random.random_range(0..4));
        bad.push(random.random_bool(if p == 1 {
            0.6
        } else if w == 2 {
            0.3
        } else {
            0.02
        }));
        provider.push(Some(format!("p{p}")));
        worker.push(Some(format!("w{w}")));
    }
    let columns = [
        Column::new("provider", provider),
        noise("zone", 600, 5, 9),
        Column::new("worker", worker),
    ];
    let found = causes(&bad, &columns, None);
    let told: Vec<_> = found
        .iter()
        .map(|c| (c.level, c.attribute.as_str(), c.values[0].value.as_str()))
        .collect();
    assert_eq!(told, [(1, "provider", "p1"), (2, "worker", "w2")]);
}

#[test]
fn an_outage_does_not_make_guilty_what_drifts_with_time() {
    // The worker follows the hour; the outage is in one hour.
    let mut random = ChaCha8Rng::seed_from_u64(10);
    let hours: Vec<u32> = (0..480).map(|i| i / 40).collect();
    let bad: Vec<bool> = hours
        .iter()
        .map(|h| random.random_bool(if *h == 5 { 0.7 } else { 0.03 }))
        .collect();
    let worker = hours
        .iter()
        .map(|h| Some(format!("w{}", if random.random_bool(0.8) { h / 3 } else { 9 })));
    let columns = [
        Column::new("worker", worker),
        Column::new("hour", hours.iter().map(|h| Some(h.to_string()))).with_role(Role::Hour),
    ];
    let found = causes(&bad, &columns, None);
    assert_eq!(found[0].attribute, "hour");
    assert!(found.iter().all(|cause| cause.attribute != "worker"), "{found:?}");
}

#[test]
fn routes_are_shuffled_within_ticks() {
    // Half of the ticks are bad on both routes: the ticks, not the routes, are what differs.
    let ticks: Vec<u32> = (0..120).map(|i| i / 2).collect();
    let bad: Vec<bool> = (0..120).map(|i| i % 4 < 2 || i == 119).collect();
    let route = Column::new(
        "route",
        (0..120).map(|i| Some(if i % 2 == 0 { "a" } else { "b" })),
    );
    let route = route.with_role(Role::Route);
    let found = explain(
        &bad,
        std::slice::from_ref(&route),
        Some(&ticks),
        Options::default(),
    )
    .unwrap();
    assert!(matches!(found.finding, Finding::Nothing { .. }), "{found:?}");
    let worse: Vec<bool> = (0..120).map(|i| i % 2 == 1 && i % 3 == 0).collect();
    assert_eq!(causes(&worse, &[route], Some(&ticks))[0].values[0].value, "b");
}

#[test]
fn names_and_seeds_change_what_they_should() {
    let (bad, provider) = providers();
    let columns = |a: &str, b: &str| [noise(a, 200, 4, 1), Column::new(b, provider.clone())];
    let one = causes(&bad, &columns("worker", "provider"), None);
    let mut two = causes(&bad, &columns("zulu", "alpha"), None);
    two[0].attribute.clone_from(&one[0].attribute);
    assert_eq!(one, two);
    let p = 1.0 / 10_000.0;
    assert!(one[0].p >= p);
}

#[test]
fn a_monte_carlo_p_meets_the_exact_one() {
    let rows: [Row; 4] = [(5, 45), (6, 44), (4, 46), (9, 41)];
    let (mut bad, mut value) = (Vec::new(), Vec::new());
    for (place, (b, g)) in rows.iter().enumerate() {
        bad.extend((0..b + g).map(|i| i < *b));
        value.extend(vec![Some(place.to_string()); (b + g) as usize]);
    }
    let exact = exact_p(&rows).unwrap();
    let found = explain(&bad, &[Column::new("x", value)], None, Options::default()).unwrap();
    let Finding::Nothing { best: Some((_, p)) } = found.finding else {
        panic!("{found:?}");
    };
    let b = 9_999.0;
    assert!(
        (p - exact).abs() <= 4.0 * (exact * (1.0 - exact) / b).sqrt() + 1.0 / b,
        "{p} {exact}"
    );
}

#[test]
fn what_cannot_be_explained_is_said() {
    let said = |e: StatError| e.to_string();
    let column = Column::new("x", [Some("a"), None]);
    let columns = std::slice::from_ref(&column);
    assert_eq!(
        said(explain(&[true], columns, None, Options::default()).unwrap_err()),
        "there are 1 runs and 2 values of an attribute: they must be as many"
    );
    assert!(explain(&[], &[], None, Options::default()).is_err());
    let none = Options {
        shuffles: 0,
        ..Options::default()
    };
    assert!(explain(&[true, false], columns, None, none).is_err());
    assert!(association(&[]).is_err() && exact_p(&[(0, 0)]).is_err());
    assert_eq!(association(&[(0, 10), (0, 5)]).unwrap().chi2_p, 1.0);
    assert!(exact_p(&[(500, 500); 9]).is_err());
}

#[test]
fn what_only_some_runs_can_show_is_compared_among_them() {
    // Of 200 runs 30 are lost, and so no mail of theirs says in which folder it is; 12 of 40 in the spam folder are late.
    let run = |i: usize| match i {
        0..30 => (true, None),
        30..70 => (i < 42, Some("spam")),
        _ => (i < 73, Some("inbox")),
    };
    let (bad, folder): (Vec<bool>, Vec<Option<&str>>) = (0..200).map(run).unzip();
    let seen: Vec<bool> = folder.iter().map(Option::is_some).collect();
    let column = Column::new("folder", folder);
    let plain = causes(&bad, std::slice::from_ref(&column), None);
    assert_eq!(plain[0].values[0].value, MISSING, "what being lost means");
    let only = column.only(seen).unwrap();
    let found = causes(&bad, std::slice::from_ref(&only), None);
    let value = &found[0].values[0];
    assert_eq!((value.value.as_str(), value.bad, value.runs), ("spam", 12, 40));
    assert_eq!(
        (value.bad_elsewhere, value.runs_elsewhere),
        (3, 130),
        "the lost are nowhere"
    );
    assert!((value.covers - 12.0 / 45.0).abs() < 1e-12, "of all bad runs");
    let lost: Vec<bool> = (0..200).map(|i| i < 30).collect();
    let found = explain(&lost, &[only], None, Options::default()).unwrap();
    assert!(matches!(found.finding, Finding::Nothing { .. }), "{found:?}");
    assert!(Column::new("x", [Some("a")]).only(vec![true, true]).is_err());
}

#[test]
fn a_clear_answer_needs_fewer_shuffles() {
    let (bad, provider) = providers();
    let columns = [noise("worker", 200, 4, 1), Column::new("provider", provider)];
    let options = Options {
        least_shuffles: 999,
        ..Options::default()
    };
    let Finding::Causes(found) = explain(&bad, &columns, None, options).unwrap().finding else {
        panic!("there is a cause");
    };
    assert_eq!(found[0].attribute, "provider");
    assert!((found[0].p - 1.0 / 1_025.0).abs() < 1e-12, "{}", found[0].p);
}

#[test]
fn a_stretch_of_time_is_not_shuffled_within_hours() {
    // All is bad from one release on, at the turn of an hour.
    let bad: Vec<bool> = (0..400).map(|i| i >= 300 && i % 2 == 0).collect();
    let release = Column::new("release", (0..400).map(|i| Some(if i < 300 { "a" } else { "b" })));
    let hour = Column::new("hour", (0..400).map(|i| Some((i / 50).to_string())));
    let columns = [
        release.with_role(Role::Epoch),
        hour.with_role(Role::Hour),
        noise("worker", 400, 4, 3),
    ];
    assert_eq!(causes(&bad, &columns, None)[0].attribute, "release");
}
