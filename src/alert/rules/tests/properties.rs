//! What holds whatever happens.

use proptest::prelude::*;

use super::*;

fn script() -> impl Strategy<Value = Vec<(char, char)>> {
    let word = || prop::sample::select(vec!['.', '.', '.', '.', 'x', 'x', 'l', 'm', 'p', 'u', '-']);
    prop::collection::vec((word(), word()), 0..120)
}

fn play(script: &[(char, char)], restarts: bool) -> World {
    let mut world = World::new(rules(&at_once(), 0.99));
    world.restarts = restarts;
    for (a, b) in script {
        let runs: Vec<(&str, Class)> = [("a", *a), ("b", *b)]
            .into_iter()
            .filter(|(_, word)| *word != '-')
            .map(|(route, word)| (route, class(word)))
            .collect();
        world.minute(&runs);
    }
    world
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn an_alert_opens_before_all_and_ends_after_all(script in script()) {
        let world = play(&script, false);
        for topic in [Topic::Outcome, Topic::Sight] {
            let mut open = false;
            for (_, event, _) in world.told.iter().filter(|t| t.2 == topic) {
                match event {
                    Event::Opened | Event::Flapping => { prop_assert!(!open); open = true; }
                    Event::Resolved => { prop_assert!(open); open = false; }
                    _ => prop_assert!(open),
                }
            }
        }
    }

    #[test]
    fn a_restart_at_any_point_changes_nothing_that_is_told(script in script()) {
        let (steady, restarted) = (play(&script, false), play(&script, true));
        prop_assert_eq!(steady.decisions, restarted.decisions);
    }

    #[test]
    fn taking_everything_again_changes_nothing(script in script()) {
        let mut world = play(&script, false);
        let before = world.state.clone();
        for (n, (a, b)) in script.iter().enumerate().skip(script.len().saturating_sub(60)) {
            for (route, word) in [("a", *a), ("b", *b)] {
                if word != '-' {
                    let record = record(route, class(word));
                    let tick = Moment((n as i64 + 1) * MINUTE);
                    prop_assert!(world.state.knows(tick, &record));
                    world.close(n as i64 + 1, route, class(word));
                }
            }
        }
        prop_assert_eq!(before.series, world.state.series);
    }

    #[test]
    fn what_was_not_observed_is_neither_a_failure_nor_a_success(script in script()) {
        let without: Vec<(char, char)> = script
            .iter()
            .map(|(a, b)| (if *a == 'u' { '-' } else { *a }, if *b == 'u' { '-' } else { *b }))
            .collect();
        let (with, without) = (play(&script, false), play(&without, false));
        for (key, series) in &with.state.series {
            let other = &without.state.series[key];
            prop_assert_eq!((series.total, series.goods), (other.total, other.goods));
            prop_assert_eq!(series.usual_bad(&with.rules), other.usual_bad(&without.rules));
        }
    }
}
