//! What holds of all figures.

use proptest::prelude::*;

use super::*;
use crate::model::{LayerState, Rollup};

fn classes() -> impl Strategy<Value = Vec<(Class, u8, f64)>> {
    let class = (0..Class::ALL.len()).prop_map(|place| Class::ALL[place]);
    prop::collection::vec((class, 0..4_u8, 0.0..70.0_f64), 0..300)
}

/// A run by what was drawn; its record is what roll-ups are made of.
fn drawn(n: usize, (class, route, at): (Class, u8, f64)) -> Ending {
    let arrived = matches!(
        class,
        Class::Delivered | Class::Late | Class::Duplicate | Class::Phantom
    );
    let mut ending = ending(
        n as i64,
        &format!("r{route}"),
        class,
        arrived.then_some((at * 0.9, at)),
    );
    if matches!(class, Class::Rejected | Class::Phantom) {
        ending.layers.accepted = sample::layer(LayerState::No, None);
    }
    ending
}

proptest! {
    #[test]
    fn figures_stay_in_their_bounds(all in classes()) {
        let gathering = gathered(all.iter().enumerate().map(|(n, drawn_as)| drawn(n, *drawn_as)));
        let probes = gathering.figures(&BTreeMap::new(), Some(&gathering));
        for series in probes.iter().flat_map(|probe| &probe.series) {
            let shares = [series.on_time, series.arrived, series.silent_failures, series.rejected, series.phantoms,
                series.duplicates, series.mismatched];
            for share in shares {
                prop_assert_eq!(share.share.is_none(), share.of == 0);
                if let (Some(lower), Some(value), Some(upper)) = (share.lower, share.share, share.upper) {
                    prop_assert!(0.0 <= lower && lower <= value + 1e-9 && value <= upper + 1e-9 && upper <= 1.0);
                }
            }
            prop_assert_eq!(series.classes.values().sum::<u64>(), series.runs);
            if let Some(found) = &series.consistency {
                prop_assert!(found.score <= found.coarse + 1e-12);
                prop_assert!(found.layers.windows(2).all(|pair| pair[1].score <= pair[0].score + 1e-12));
            }
        }
        text(&history(probes));
    }

    #[test]
    fn merged_hours_say_what_runs_say(all in classes()) {
        let endings: Vec<Ending> = all.iter().enumerate().map(|(n, drawn_as)| drawn(n, *drawn_as)).collect();
        let mut rolled = Rolled::default();
        for ending in &endings {
            rolled.add(&hour_of(ending));
        }
        let raw = probes(&gathered(endings));
        for from_hours in rolled.figures(&BTreeMap::new(), None).iter().flat_map(|probe| &probe.series) {
            let of = raw[0].series.iter().find(|series| series.route == from_hours.route);
            let of = of.expect("the same routes");
            prop_assert_eq!(&of.classes, &from_hours.classes);
            prop_assert_eq!(of.silent_failures, from_hours.silent_failures);
            prop_assert_eq!(of.on_time.count, from_hours.on_time.count);
            prop_assert_eq!(of.revision.as_ref(), from_hours.revision.as_ref());
            let score = |series: &SeriesFigures| series.consistency.as_ref().map(|c| (c.score, c.usual_share));
            prop_assert_eq!(score(of), score(from_hours));
        }
    }
}

/// The roll-up of one run.
fn hour_of(ending: &Ending) -> Rollup {
    let mut rollup = Rollup::empty(
        Rollup::hour_of(ending.tick),
        &ending.probe,
        &ending.route,
        &ending.input,
    );
    rollup.classes.insert(ending.class, 1);
    rollup.judged = u64::from(ending.judged());
    rollup.silent = u64::from(ending.silent());
    rollup.revisions.insert(ending.revision.clone(), 1);
    if ending.class != Class::Unobserved {
        rollup.endings.insert(ending.said.join("\t"), 1);
    }
    rollup
}
