//! Records for the tests.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::compare::{Compared, Experiment, Setup};
use crate::model::{
    Class, ExpectationRecord, ExpectationState, Layer, LayerRecord, LayerState, Layers, Moment, RunId,
    RunRecord, Seconds, SkipReason, SkipRecord, Timings,
};

/// How a run ended, and when its outcome arrived.
pub(super) type Ended = (Class, Option<f64>);

pub(super) fn setup() -> Setup {
    Setup::new("p", "a", &["b"])
}

pub(super) fn took(seconds: f64) -> Ended {
    (Class::Delivered, Some(seconds))
}

pub(super) fn lost() -> Ended {
    (Class::Lost, None)
}

pub(super) fn tick(n: u64) -> Moment {
    Moment(1_790_000_000_000_000_000).after(Duration::from_secs(n))
}

pub(super) fn skip(n: u64, route: &str, reason: SkipReason) -> SkipRecord {
    SkipRecord {
        probe: String::from("p"),
        route: route.to_owned(),
        input: String::from("default"),
        tick: tick(n).to_rfc3339(),
        reason,
        detail: String::new(),
    }
}

/// Takes in a tick of the two routes.
pub(super) fn ran(experiment: &mut Experiment, n: u64, [a, b]: [Ended; 2]) {
    experiment.take(&record(n, "a", a));
    experiment.take(&record(n, "b", b));
}

/// The one declared comparison.
pub(super) fn declared(experiment: &Experiment) -> Compared {
    experiment.standings().unwrap().remove(0)
}

pub(super) fn record(n: u64, route: &str, (class, seconds): Ended) -> RunRecord {
    let layer = |state, seconds| LayerRecord { state, seconds };
    let at = seconds.map(|at| Seconds(at, at));
    let id = u128::from(n) * 256 + route.bytes().map(u128::from).sum::<u128>();
    RunRecord {
        id: RunId(uuid::Uuid::from_u128(id)),
        probe: String::from("p"),
        revision: String::from("r1"),
        route: route.to_owned(),
        input: String::from("default"),
        location: String::from("here"),
        tick: tick(n).to_rfc3339(),
        token: String::new(),
        sent: Some(tick(n).to_rfc3339_nanos()),
        class,
        reason: String::new(),
        flags: Vec::new(),
        lag: Some(0.0),
        timings: Timings::default(),
        layers: Layers {
            accepted: layer(LayerState::Yes, Some(Seconds(0.01, 0.01))),
            executed: layer(LayerState::Undeclared, None),
            outcome: layer(
                if at.is_some() {
                    LayerState::Yes
                } else {
                    LayerState::No
                },
                at,
            ),
        },
        stopped_after: None,
        expectations: vec![ExpectationRecord {
            layer: Layer::Outcome,
            name: String::from("hooks"),
            step: None,
            channel: String::from("hooks"),
            state: if at.is_some() {
                ExpectationState::Met
            } else {
                ExpectationState::Lost
            },
            count: u32::from(at.is_some()),
            seconds: at,
            reason: String::new(),
            within: 5.0,
            grace: 5.0,
            unmet: Vec::new(),
        }],
        observations: Vec::new(),
        path: Vec::new(),
        attributes: BTreeMap::new(),
        fingerprint: None,
        amendments: Vec::new(),
        request: None,
        response: None,
        labels: BTreeMap::new(),
    }
}
