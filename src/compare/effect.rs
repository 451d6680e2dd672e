//! How large a difference is, beside whether there is one.

use std::collections::BTreeMap;

use super::median::Median;
use super::{Effect, Limits, RouteFigures, Sample, Skew};
use crate::model::{Class, Moment};
use crate::stats::divergence::divergence;
use crate::stats::{StatError, agreement, shift};

/// What the random swaps of the divergence's p are drawn from, so that the same records give the same p.
const SWAP_SEED: u64 = 1;

/// Of a route against its baseline, on the same ticks. `names`: probe, route, input.
pub(super) fn paired(
    names: (&str, &str, &str),
    ticks: &[(&Sample, &Sample)],
    conf: f64,
) -> Result<Effect, StatError> {
    let mut effect = empty(names);
    let both = ticks.iter().filter_map(|(a, b)| Some(b.wait.hi? - a.wait.hi?));
    let differences: Vec<f64> = both.collect();
    effect.shift_of = differences.len() as u64;
    effect.left_out = (ticks.len() - differences.len()) as u64;
    if !differences.is_empty() {
        let shift = shift::paired(&differences, conf)?;
        effect.shift = Some(shift.estimate);
        effect.shift_limits = Limits::of(shift.bounds());
    }
    let samples = || ticks.iter().flat_map(|(a, b)| [*a, *b]);
    effect.cap = cap(samples());
    if let Some(cap) = effect.cap {
        let differences = ticks.iter().map(|(a, b)| capped(b, cap) - capped(a, cap));
        effect.wait_difference = mean(differences, ticks.len());
    }
    let endings: Vec<_> = ticks.iter().map(|(a, b)| [a.ending(), b.ending()]).collect();
    if !endings.is_empty() {
        let found = agreement::route_agreement(&endings, conf)?;
        effect.agreement = Some(found.score);
        effect.agreement_limits = Limits::of(found.bounds);
    }
    if endings.len() >= 2 {
        let pairs: Vec<_> = endings.into_iter().map(|[a, b]| (a, b)).collect();
        let found = divergence(&pairs, SWAP_SEED)?;
        effect.divergence = Some(found.divergence);
        effect.divergence_p = Some(found.p);
        effect.shared_fate = Some(found.shared_fate);
    }
    Ok(effect)
}

/// One of which nothing is known yet.
pub(super) fn empty((probe, route, input): (&str, &str, &str)) -> Effect {
    Effect {
        probe: probe.to_owned(),
        route: route.to_owned(),
        input: input.to_owned(),
        shift: None,
        shift_limits: Limits::NONE,
        shift_of: 0,
        left_out: 0,
        wait_difference: None,
        cap: None,
        agreement: None,
        agreement_limits: Limits::NONE,
        divergence: None,
        divergence_p: None,
        shared_fate: None,
        apart: None,
    }
}

/// The runs of one route. `names`: probe, route, file, input.
pub(super) fn figures<'a>(
    (probe, route, file, input): (&str, &str, Option<&str>, &str),
    runs: impl Iterator<Item = &'a Sample>,
) -> RouteFigures {
    let mut classes: BTreeMap<Class, u64> = BTreeMap::new();
    let mut median = Median::default();
    for run in runs {
        *classes.entry(run.class).or_default() += 1;
        median.add(run.wait.hi);
    }
    RouteFigures {
        probe: probe.to_owned(),
        route: route.to_owned(),
        file: file.map(str::to_owned),
        input: input.to_owned(),
        runs: classes.values().sum(),
        classes,
        p50: median.value(),
    }
}

/// How far apart the runs of a tick left.
pub(super) fn skew<'a>(ticks: impl Iterator<Item = &'a Vec<Sample>>) -> Option<Skew> {
    let mut spread: Vec<f64> = ticks
        .filter_map(|samples| {
            let sent: Option<Vec<Moment>> = samples.iter().map(|sample| sample.sent).collect();
            let sent = sent?;
            Some(sent.iter().max()?.seconds_since(*sent.iter().min()?))
        })
        .collect();
    spread.sort_by(f64::total_cmp);
    Some(Skew {
        ticks: spread.len() as u64,
        p50: *spread.get(spread.len().checked_sub(1)? / 2)?,
        max: *spread.last()?,
    })
}

/// The longest watch: nobody waits longer.
pub(super) fn cap<'a>(samples: impl Iterator<Item = &'a Sample>) -> Option<f64> {
    Some(samples.map(|sample| sample.watch).fold(0.0, f64::max)).filter(|cap| *cap > 0.0)
}

/// How long one waits for a run, at most to the cap.
pub(super) fn capped(sample: &Sample, cap: f64) -> f64 {
    sample.wait.hi.map_or(cap, |hi| hi.min(cap))
}

/// The mean of so many; `None` of nothing.
#[expect(clippy::cast_precision_loss, reason = "counts of runs are far below 2^52")]
pub(super) fn mean(values: impl Iterator<Item = f64>, count: usize) -> Option<f64> {
    (count > 0).then(|| values.sum::<f64>() / count as f64)
}
