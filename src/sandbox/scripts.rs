//! The scripts that come built in.

use std::collections::BTreeMap;
use std::time::Duration;

use super::fault::FaultKind;
use super::script::{RouteScript, Rule, Script};
use super::truth::Limits;

/// The routes of the demo, with their providers and who takes over.
pub const ROUTES: [(&str, &str, &str); 3] = [
    ("alpha", "north", "south"),
    ("beta", "south", "north"),
    ("gamma", "west", "north"),
];

/// How far the scripted edges lie from a limit, in milliseconds.
const EDGES: [i64; 5] = [-20, -2, 0, 2, 20];

impl Script {
    /// The demo: `alpha` is sound, `beta` untidy, `gamma` unreliable; twelve messages a route show every class that
    /// a system can cause, and the seed adds more. Other routes have no faults.
    #[must_use]
    pub fn demo() -> Self {
        use FaultKind as F;
        let mut script = Self::of_routes();
        script.rules(
            "alpha",
            &[(F::Redeliver, 4), (F::Early, 7), (F::Retry, 10)],
            &[F::Delay, F::Reorder, F::Overtaken, F::Reroute, F::Stray],
        );
        script.rules(
            "beta",
            &[
                (F::Late, 2),
                (F::Duplicate, 4),
                (F::Reroute, 5),
                (F::Alter, 7),
                (F::Extra, 9),
                (F::Twice, 11),
            ],
            &[F::Slow, F::Resend, F::Late, F::Duplicate],
        );
        script.rules(
            "gamma",
            &[
                (F::Drop, 2),
                (F::Fail, 3),
                (F::Refuse, 5),
                (F::RefuseAndDeliver, 6),
                (F::FalseReceipt, 8),
                (F::Reset, 9),
                (F::FailSilently, 11),
            ],
            &[
                F::FalseFailure,
                F::Throttle,
                F::NoAnswer,
                F::ResetAndDrop,
                F::Drop,
            ],
        );
        script
    }

    /// Every fault on every route, by the seed: for measuring accuracy.
    #[must_use]
    pub fn every_fault() -> Self {
        let mut script = Self::of_routes();
        for route in script.routes.values_mut() {
            let all = FaultKind::ALL.iter().filter(|f| **f != FaultKind::None);
            route.faults = spread(all.copied(), 0.75);
        }
        script
    }

    /// Outcomes that sit on the limits, and a little to both sides of them: a verdict must agree or say that it
    /// straddles.
    #[must_use]
    pub fn edge(limits: &Limits) -> Self {
        let mut script = Self::of_routes();
        let mut rules = Vec::new();
        for window in limits.channels.values() {
            for limit in [window.within, window.within + window.grace] {
                for edge in EDGES {
                    let shift = Duration::from_millis(edge.unsigned_abs());
                    let at = if edge < 0 {
                        limit.saturating_sub(shift)
                    } else {
                        limit + shift
                    };
                    let rule = Rule {
                        at: Some(at),
                        ..Rule::always(FaultKind::Delay)
                    };
                    if !rules.contains(&rule) {
                        rules.push(rule);
                    }
                }
            }
        }
        let every = rules.len() as u64;
        for (rule, offset) in rules.iter_mut().zip(1..) {
            rule.every = Some(every);
            rule.offset = Some(offset);
        }
        for route in script.routes.values_mut() {
            route.faults.clone_from(&rules);
        }
        script
    }

    fn of_routes() -> Self {
        let routes: BTreeMap<_, _> = ROUTES
            .iter()
            .map(|(name, provider, fallback)| {
                let route = RouteScript {
                    provider: String::from(*provider),
                    fallback: String::from(*fallback),
                    ..RouteScript::default()
                };
                (String::from(*name), route)
            })
            .collect();
        Self {
            routes,
            ..Self::default()
        }
    }

    fn rules(&mut self, route: &str, counted: &[(FaultKind, u64)], drawn: &[FaultKind]) {
        let Some(route) = self.routes.get_mut(route) else {
            return;
        };
        route.faults = counted
            .iter()
            .map(|(fault, offset)| Rule {
                every: Some(12),
                offset: Some(*offset),
                ..Rule::always(*fault)
            })
            .chain(spread(drawn.iter().copied(), 0.2))
            .collect();
    }
}

/// Rules of which each applies equally often and one of them with probability `share`.
fn spread(faults: impl Iterator<Item = FaultKind>, share: f64) -> Vec<Rule> {
    let faults: Vec<_> = faults.collect();
    let each = share / u32::try_from(faults.len()).map_or(1.0, f64::from).max(1.0);
    faults
        .into_iter()
        .zip(0_u32..)
        .map(|(fault, before)| Rule {
            // The rules before it have been drawn against already, each on its own.
            probability: Some(each / each.mul_add(-f64::from(before), 1.0)),
            ..Rule::always(fault)
        })
        .collect()
}
