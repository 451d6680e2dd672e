//! What is fired at a tick: the legs of each compared route.

use std::sync::Arc;

use super::contestants::Contestants;
use crate::compare::arrangement;
use crate::definition::{LegDef, Probe};
use crate::model::Leg;

/// Under which route the second run of the baseline is on record. No definition can name a route so.
pub(super) fn noise_name(baseline: &str) -> String {
    format!("{baseline}~noise")
}

/// The legs of a tick, by route.
#[derive(Debug)]
pub(super) struct Arms(Vec<Vec<Arc<LegDef>>>);

impl Arms {
    /// The baseline, the others, and with `noise` the baseline again.
    pub(super) fn of(probe: &Probe, chosen: &Contestants, noise: bool) -> Self {
        let legs = |route: &String| -> Vec<Arc<LegDef>> {
            let of = |def: &&Arc<LegDef>| {
                *def.leg.route == **route && chosen.inputs.iter().any(|input| **input == *def.leg.input)
            };
            probe.legs.iter().filter(of).cloned().collect()
        };
        let baseline = legs(&chosen.baseline);
        let again = noise.then(|| baseline.iter().map(again).collect());
        let others = chosen.routes.iter().map(legs);
        Self(
            std::iter::once(baseline.clone())
                .chain(others)
                .chain(again)
                .collect(),
        )
    }

    /// The legs of a tick in the order in which they start.
    pub(super) fn at(&self, seed: u64, tick: u64) -> Vec<Arc<LegDef>> {
        let order = arrangement(seed, tick, self.0.len());
        order
            .into_iter()
            .flat_map(|arm| self.0[arm].iter().cloned())
            .collect()
    }
}

/// The same leg under another name on record: what is sent is the same but for the token.
fn again(def: &Arc<LegDef>) -> Arc<LegDef> {
    let mut again = LegDef::clone(def);
    again.leg = Arc::new(Leg {
        route: noise_name(&def.leg.route).into(),
        ..Leg::clone(&def.leg)
    });
    Arc::new(again)
}
