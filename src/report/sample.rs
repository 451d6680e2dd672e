//! A run for tests of what is made of many.

use crate::model::{Class, Ending, LayerRecord, LayerState, Layers, Moment, RunId, Seconds};

pub(super) fn layer(state: LayerState, at: Option<(f64, f64)>) -> LayerRecord {
    LayerRecord {
        state,
        seconds: at.map(|(lo, hi)| Seconds(lo, hi)),
    }
}

/// The `n`th run, of that tick and route, which arrived at `at` if it did.
pub(super) fn ending(n: i64, tick: Moment, route: &str, class: Class, at: Option<(f64, f64)>) -> Ending {
    let outcome = match class {
        Class::Unobserved => LayerState::Unknown,
        _ if at.is_some() => LayerState::Yes,
        _ => LayerState::No,
    };
    Ending {
        id: RunId(uuid::Uuid::from_u128(n.unsigned_abs().into())),
        tick,
        probe: String::from("orders"),
        revision: String::from("r1"),
        route: route.to_owned(),
        input: String::from("default"),
        location: String::from("local"),
        class,
        flags: Vec::new(),
        lag: Some(0.002),
        layers: Layers {
            accepted: layer(LayerState::Yes, Some((0.1, 0.1))),
            executed: layer(LayerState::Undeclared, None),
            outcome: layer(outcome, at),
        },
        said: [
            String::from("accepted 2xx"),
            String::new(),
            class.word().to_owned(),
        ],
        fingerprint: None,
        watched: Some(60.0),
        claimed: None,
        disclaimed: None,
    }
}
