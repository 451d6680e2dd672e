//! What share of runs had not arrived after which time.

use std::collections::BTreeMap;

use super::slot::{Slot, seconds};
use crate::model::Latencies;
use crate::stats::CONFIDENCE;
use crate::stats::survival::{Ended, Step, Survival};

/// A curve has at most so many points, spread evenly over the logarithm of time.
pub(super) const MOST_POINTS: usize = 240;

/// The curve of 'not yet arrived' (Kaplan and Meier): a lost run counts as watched until landfall gave up on it.
#[derive(Clone, Debug, PartialEq)]
pub struct Waits {
    /// Runs of which is known whether and when they arrived.
    pub runs: u64,
    /// Those that did not arrive while landfall watched.
    pub never: u64,
    /// Where the curve ends: the longest that a run was watched, in seconds.
    pub longest: f64,
    /// Where it falls, in the order of time.
    pub points: Vec<WaitPoint>,
}

/// From a time on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WaitPoint {
    /// Seconds since the first byte.
    pub seconds: f64,
    /// The share that has not arrived from then on.
    pub share: f64,
    /// The lower limit of its 95 % interval; `None` where there is none.
    pub lower: Option<f64>,
    /// The upper limit.
    pub upper: Option<f64>,
}

/// Of all the runs of these stretches.
pub(super) fn waits<'a>(slots: impl Iterator<Item = &'a Slot>) -> Option<Waits> {
    let mut arrived = Latencies::default();
    let mut never: BTreeMap<u64, u64> = BTreeMap::new();
    for slot in slots {
        arrived.merge(&slot.arrived);
        for (watched, runs) in &slot.never {
            *never.entry(*watched).or_default() += runs;
        }
    }
    let last = arrived.max().unwrap_or(0);
    let mut ended: Vec<Ended> = arrived
        .buckets()
        .map(|(edge, runs)| Ended {
            seconds: seconds(edge.min(last)),
            arrived: runs,
            left: 0,
        })
        .collect();
    // Who does not say how long it was watched was watched as long as the slowest took.
    ended.extend(never.iter().map(|(watched, runs)| Ended {
        seconds: seconds(if *watched == 0 { last } else { *watched }),
        arrived: 0,
        left: *runs,
    }));
    let curve = Survival::counted(&ended).ok()?;
    let lost: u64 = never.values().sum();
    let point = |step: &Step| {
        let bounds = curve.bounds(step.seconds, CONFIDENCE).ok().flatten();
        WaitPoint {
            seconds: step.seconds,
            share: step.share,
            lower: bounds.map(|bounds| bounds.lower),
            upper: bounds.map(|bounds| bounds.upper),
        }
    };
    Some(Waits {
        runs: arrived.count() + lost,
        never: lost,
        longest: ended.iter().map(|ended| ended.seconds).fold(0.0, f64::max),
        points: thinned(curve.steps()).map(point).collect(),
    })
}

/// Of steps that a drawing could not part the last: what the curve is there, it is from there on.
fn thinned(steps: &[Step]) -> impl Iterator<Item = &Step> {
    let first = steps.first().map_or(1.0, |step| step.seconds.max(1e-6));
    let last = steps.last().map_or(1.0, |step| step.seconds.max(1e-6));
    let few = steps.len() <= MOST_POINTS;
    let long = (last / first).ln().max(f64::MIN_POSITIVE);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a place from 0 to the number of points"
    )]
    let cell = move |step: &Step| {
        let place = (step.seconds.max(1e-6) / first).ln() / long;
        (place * (MOST_POINTS - 1) as f64) as usize
    };
    let alone = move |a: &Step, b: &Step| !few && cell(a) == cell(b);
    steps.chunk_by(alone).filter_map(|together| together.last())
}
