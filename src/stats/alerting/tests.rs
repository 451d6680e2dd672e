use super::*;

fn counts(slo: f64, every: f64) -> (u64, Vec<(u64, u64)>) {
    let found = thresholds(slo, every, &WINDOWS, FALSE_PAGES, FALSE_TICKETS).unwrap();
    let burns = found
        .burns
        .iter()
        .map(|b| b.rule().map(|r| (r.bad, r.ticks)).unwrap());
    (found.consecutive.bad, burns.collect())
}

#[test]
fn the_published_table_comes_out() {
    let minute = 60.0;
    for (slo, every, r, burns) in [
        (0.95, minute, 5, [(44, 60), (108, 360), (267, 4320)]),
        (0.99, minute, 3, [(9, 60), (22, 360), (65, 4320)]),
        (0.99, 5.0 * minute, 3, [(4, 12), (6, 72), (18, 864)]),
        (0.99, 15.0 * minute, 3, [(3, 4), (4, 24), (8, 288)]),
        (0.995, 5.0 * minute, 3, [(3, 12), (5, 72), (11, 864)]),
        (0.999, minute, 2, [(3, 60), (5, 360), (11, 4320)]),
        (0.999, 5.0 * minute, 2, [(2, 12), (3, 72), (4, 864)]),
    ] {
        assert_eq!(counts(slo, every), (r, burns.to_vec()), "{slo} every {every} s");
    }
}

#[test]
fn a_rule_asks_that_the_fault_still_be_there() {
    let found = thresholds(0.99, 60.0, &WINDOWS, FALSE_PAGES, FALSE_TICKETS).unwrap();
    let hour = found.burns[0].rule().unwrap();
    assert_eq!((hour.short_ticks, hour.short_bad), (5, 1));
    assert!(hour.fires(9, 1) && !hour.fires(9, 0) && !hour.fires(8, 5));
    assert!(hour.false_alarms <= FALSE_PAGES);
}

#[test]
fn a_window_that_cannot_be_rare_says_so() {
    // One tick an hour at 90 %: a single bad tick comes 72 times in 30 days.
    let found = thresholds(0.9, 3600.0, &WINDOWS, FALSE_PAGES, FALSE_TICKETS).unwrap();
    assert_eq!(
        found.burns[0],
        Burn::TooShort {
            window: WINDOWS[0],
            ticks: 1
        }
    );
}

#[test]
fn a_budget_is_told_with_what_the_data_allow() {
    let found = budget(53, 8640, 8640, 0.99, 0.95).unwrap();
    let rounded = [found.spent, found.bounds.lower, found.bounds.upper].map(|x| (x * 100.0).round());
    assert_eq!(rounded, [61.0, 47.0, 80.0]);
    assert!((found.allowed - 86.4).abs() < 1e-9);
}

#[test]
fn blindness_and_flapping_have_their_limits() {
    assert!(!is_blind(0, 0) && !is_blind(20, 100) && is_blind(21, 100));
    let hour = 3600.0;
    assert!(!is_flapping(&[]) && !is_flapping(&[0.0, hour]));
    assert!(is_flapping(&[0.0, hour, 6.0 * hour]) && !is_flapping(&[0.0, hour, 6.1 * hour]));
    assert!(is_flapping(&[0.0, 9.0 * hour, 10.0 * hour, 11.0 * hour]));
}

#[test]
fn what_is_outside_its_domain_is_said() {
    let said = |e: StatError| e.to_string();
    assert_eq!(
        said(burn_rate(1, 0, 0.99).unwrap_err()),
        "there are no runs: a figure of nothing is not stated"
    );
    assert_eq!(
        said(burn_rate(3, 2, 0.99).unwrap_err()),
        "3 bad runs are more than 2 runs"
    );
    assert_eq!(
        said(k_min(14.4, 1.0, 60, 43_200, 0.1).unwrap_err()),
        "the objective is 1 and must be above 0 and below 1"
    );
    assert_eq!(
        said(k_min(f64::NAN, 0.99, 60, 43_200, 0.1).unwrap_err()),
        "the burn rate is NaN and must be a finite number above 0"
    );
    assert_eq!(
        said(close_after(0, 60).unwrap_err()),
        "there are no bad runs: a figure of nothing is not stated"
    );
    assert!(thresholds(0.99, 1e9, &WINDOWS, 0.1, 1.0).is_err());
    assert!(mean_wait_consecutive(500, 0.01).is_err());
    assert_eq!(mean_wait_consecutive(7, 1.0), Ok(7.0));
}

#[test]
fn extreme_objectives_are_counted_too() {
    assert_eq!(consecutive_needed(0.999_999_999, 43_200, 0.1), Ok(1));
    assert_eq!(
        consecutive_needed(1e-9, 43_200, 0.1),
        Ok(1),
        "a run of good ones is what is rare"
    );
    assert!(
        k_min(14.4, 0.999_999, 2_592_000, 2_592_000, 0.1)
            .unwrap()
            .unwrap()
            >= 38
    );
}
