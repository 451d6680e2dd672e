//! What is to happen: drawn from a seed.

use std::sync::Arc;

use rand::Rng;

use crate::lifecycle::tests::world::{POLL, PUSH, SENT, at, expectation, leg};
use crate::model::{Accepted, ChannelId, Identity, Layer, Leg, Moment, Repeat, Times};

/// One thing that truly happens.
#[derive(Clone, Debug)]
pub(super) struct True {
    pub(super) at: Moment,
    pub(super) channel: ChannelId,
    pub(super) identity: Identity,
    pub(super) repeat: Repeat,
    /// Which expectations' `where` it passes, and which it meets.
    pub(super) marks: (u64, u64),
}

/// What is to happen.
#[derive(Clone, Debug)]
pub(super) struct Script {
    pub(super) leg: Arc<Leg>,
    pub(super) truth: Vec<True>,
    /// When the request ends, and how; milliseconds.
    pub(super) answer: (i64, Accepted),
    /// A channel cannot see from, to; milliseconds.
    pub(super) outages: Vec<(ChannelId, i64, i64)>,
    /// Landfall is told to stop; milliseconds.
    pub(super) cut: Option<i64>,
}

impl Script {
    pub(super) fn draw(rng: &mut impl Rng) -> Self {
        let mut expectations = Vec::new();
        let channel = |rng: &mut dyn rand::RngCore| if rng.random_bool(0.5) { PUSH } else { POLL };
        if rng.random_bool(0.3) {
            expectations.push(expectation(Layer::Executed, channel(rng), Times::ONCE));
        }
        for n in 0..rng.random_range(1..=2) {
            let times = match rng.random_range(0..10) {
                0 if n > 0 => Times { min: 0, max: 0 },
                1 => Times { min: 1, max: 3 },
                2 => Times { min: 2, max: 2 },
                _ => Times::ONCE,
            };
            expectations.push(expectation(Layer::Outcome, channel(rng), times));
        }
        for layer in [Layer::FailedWhen, Layer::Receipt] {
            if rng.random_bool(0.2) {
                expectations.push(expectation(layer, channel(rng), Times::ONCE));
            }
        }
        let truth = draw_truth(rng, &expectations);
        let accepted = match rng.random_range(0..8) {
            0 => Accepted::No,
            1 => Accepted::Unknown,
            _ => Accepted::Yes,
        };
        let outages = if rng.random_bool(0.3) {
            let from = rng.random_range(-20..300);
            vec![(channel(rng), from, from + rng.random_range(1..400))]
        } else {
            Vec::new()
        };
        Self {
            leg: leg(expectations),
            truth,
            answer: (rng.random_range(1..260), accepted),
            outages,
            cut: rng.random_bool(0.05).then(|| rng.random_range(-10..300)),
        }
    }

    pub(super) fn out(&self, channel: ChannelId, moment: Moment) -> bool {
        self.outages
            .iter()
            .any(|(c, from, to)| *c == channel && at(*from) <= moment && moment < at(*to))
    }
}

fn instant(rng: &mut impl Rng) -> Moment {
    match rng.random_range(0..8) {
        // The very instants of the limits, and their neighbours.
        0 => at(100),
        1 => at(200),
        2 => Moment(at(100).0 + 1),
        3 => Moment(at(200).0 + 1),
        4 => at(rng.random_range(200..600)),
        _ => Moment(SENT.0 + rng.random_range(1..200_000_000)),
    }
}

fn draw_truth(rng: &mut impl Rng, expectations: &[crate::model::ExpectationSpec]) -> Vec<True> {
    let mut truth: Vec<True> = Vec::new();
    for (i, spec) in expectations.iter().enumerate() {
        let rare = spec.times.forbids() || matches!(spec.layer, Layer::FailedWhen | Layer::Receipt);
        let copies = if rare {
            u32::from(rng.random_bool(0.4))
        } else {
            [0, 1, 1, 1, 1, 2, 2, 3][rng.random_range(0..8)]
        };
        for _ in 0..copies {
            let bit = 1 << i;
            let held = if rng.random_bool(0.85) { bit } else { 0 };
            let number = truth.len();
            let identity = match rng.random_range(0..3) {
                0 => Identity::Anonymous,
                1 if spec.channel == POLL => Identity::State(format!("row {number}")),
                _ => Identity::Event(format!("event {number}")),
            };
            let one = True {
                at: instant(rng),
                channel: spec.channel,
                identity,
                repeat: Repeat::First,
                marks: (bit, held),
            };
            let again =
                matches!(one.identity, Identity::Event(_)) && spec.channel == PUSH && rng.random_bool(0.3);
            if again {
                let repeat = if rng.random_bool(0.5) {
                    Repeat::Redelivery
                } else {
                    Repeat::AfterAck
                };
                let later = Moment(one.at.0 + rng.random_range(1..150_000_000));
                truth.push(True {
                    at: later,
                    repeat,
                    ..one.clone()
                });
            }
            truth.push(one);
        }
    }
    truth
}
