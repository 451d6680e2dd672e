//! Two sets of runs that were not paired: series by series, one look.

use std::collections::HashMap;

use super::sets::{Name, Set, Side, nothing_common, one_probe, only_in, revisions, sets};
use super::{
    Apart, Compared, Comparison, Effect, End, Limits, Metric, Role, Sample, Setup, Source, Terms, effect,
};
use crate::model::Class;
use crate::stats::logrank::log_rank;
use crate::stats::shares::Difference;
use crate::stats::survival::Watched;
use crate::stats::ticks::dead_zone;
use crate::stats::verdict::{Word, withheld};
use crate::stats::{StatError, apart, consistency, family, shift};

/// Compares the second set with the first, each series that both have. Of `setup` the metrics, margins, confidence and
/// dead zone count.
///
/// # Errors
/// One sentence: a record that cannot be read, a set or a common series that is missing, a margin or confidence that is
/// not above 0 and below 1.
pub fn samples(setup: &Setup, first: Side<'_>, second: Side<'_>) -> Result<Comparison, String> {
    let (a, b) = (sets(first)?, sets(second)?);
    let common: Vec<&Name> = a.keys().filter(|name| b.contains_key(*name)).collect();
    if common.is_empty() {
        return Err(nothing_common(first, second, &a, &b));
    }
    let declared: Vec<Metric> = setup.declared().collect();
    let count = (common.len() * declared.len()) as u64;
    let failed = |error: StatError| error.to_string();
    let each = family::confidence(setup.confidence, count).map_err(failed)?;
    let mut comparison = Comparison {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        source: Source::Files,
        paired: false,
        probe: one_probe(&common),
        baseline: first.name.to_owned(),
        since: None,
        until: None,
        end: End::Read,
        end_detail: String::new(),
        terms: Terms {
            metric: setup.primary,
            gates: declared[1..].to_vec(),
            confidence: setup.confidence,
            each,
            family: count,
            fixed: None,
        },
        schedule: None,
        ticks: None,
        comparisons: Vec::new(),
        routes: Vec::new(),
        effects: Vec::new(),
        skew: None,
        revisions: Vec::new(),
        notes: Vec::new(),
    };
    for name in common {
        let (a, b) = (&a[name], &b[name]);
        for metric in Metric::ALL {
            let role = if declared.contains(&metric) {
                Role::Declared
            } else {
                Role::Advisory
            };
            let found = compared(setup, name, metric, role, (a, b), each).map_err(failed)?;
            comparison.comparisons.push(found);
        }
        for (side, set) in [(first, a), (second, b)] {
            let names = (name.0.as_str(), name.1.as_str(), Some(side.name), name.2.as_str());
            comparison.routes.push(effect::figures(names, set.seen.iter()));
            comparison.revisions.extend(set.revision().map(str::to_owned));
        }
        comparison
            .effects
            .push(effect_of(name, a, b, each).map_err(failed)?);
        comparison
            .notes
            .extend(revisions(name, (first.name, a), (second.name, b)));
    }
    // The order of series and metrics within a role stays.
    comparison.comparisons.sort_by_key(|compared| compared.role);
    comparison.revisions.sort_unstable();
    comparison.revisions.dedup();
    comparison.notes.extend(only_in(first, second, &a, &b));
    Ok(comparison)
}

/// Good runs, or better and worse pairs, and the runs that they are of.
#[derive(Clone, Copy)]
enum Measure {
    Shares((f64, f64), (f64, f64)),
    Pairs { better: f64, worse: f64, n: f64, m: f64 },
}

impl Measure {
    /// The difference if both sides had grown by a factor.
    fn difference(self, grown: f64, conf: f64) -> Result<Difference, StatError> {
        match self {
            Self::Shares(a, b) => apart::shares((a.0, a.1 * grown), (b.0, b.1 * grown), conf),
            Self::Pairs { better, worse, n, m } => {
                apart::net_share(better, worse, n * grown, m * grown, conf)
            }
        }
    }
}

fn compared(
    setup: &Setup,
    name: &Name,
    metric: Metric,
    role: Role,
    (a, b): (&Set, &Set),
    conf: f64,
) -> Result<Compared, StatError> {
    let margin = setup.margin(metric);
    let zone = setup.dead_zone.unwrap_or_else(|| dead_zone(a.median()));
    let (measure, [n, m]) = measure(metric, zone, a, b);
    let unobserved = a.unobserved + b.unobserved;
    let withheld = withheld(unobserved, unobserved + a.runs() + b.runs(), 0, 0);
    let mut found = Compared {
        probe: name.0.clone(),
        route: name.1.clone(),
        input: name.2.clone(),
        metric,
        role,
        word: withheld.is_none().then_some(Word::NotEnough),
        withheld,
        beyond_margin: false,
        margin,
        better: None,
        same: None,
        worse: None,
        net: None,
        limits: Limits {
            lower: Some(-1.0),
            upper: Some(1.0),
        },
        mid_p: None,
        guarantee: format!("valid for one look at n={n} and {m}; not paired"),
        more: None,
        reached_after: None,
        dead_zone: (metric == Metric::Latency).then_some(zone),
        course: Vec::new(),
    };
    // Also checks the margin where there is nothing to measure.
    apart::word_of(
        crate::stats::Bounds {
            lower: -1.0,
            upper: 1.0,
        },
        margin,
    )?;
    let Some(measure) = measure else {
        return Ok(found);
    };
    let difference = measure.difference(1.0, conf)?;
    let word = apart::word_of(difference.bounds, margin)?;
    found.word = withheld.is_none().then_some(word);
    found.beyond_margin = withheld.is_none() && word == Word::Worse && difference.bounds.upper < -margin;
    found.net = Some(difference.estimate);
    found.limits = Limits::of(difference.bounds);
    found.more = apart::more_runs(n.min(m), margin, |grown| {
        Ok(measure.difference(grown, conf)?.bounds)
    })?;
    Ok(found)
}

/// What is measured of a metric, `None` of nothing, and how many runs of each side it rests on.
fn measure(metric: Metric, dead_zone: f64, a: &Set, b: &Set) -> (Option<Measure>, [u64; 2]) {
    let share = |of: &dyn Fn(&Sample) -> bool, among: &dyn Fn(&Sample) -> bool| {
        let count = |set: &Set| {
            let all = set.seen.iter().filter(|sample| among(sample)).count();
            let good = set
                .seen
                .iter()
                .filter(|sample| among(sample) && of(sample))
                .count();
            (good, all)
        };
        let ((ka, na), (kb, nb)) = (count(a), count(b));
        let measure = (na > 0 && nb > 0).then(|| Measure::Shares(part(ka, na), part(kb, nb)));
        (measure, [na as u64, nb as u64])
    };
    match metric {
        Metric::Success => share(&Sample::succeeded, &|_| true),
        Metric::Content => share(&|sample| sample.class != Class::Mismatched, &Sample::has_content),
        Metric::Latency => {
            let runs = [a.runs(), b.runs()];
            let measure = (runs[0] > 0 && runs[1] > 0).then(|| pairs(&a.seen, &b.seen, dead_zone));
            (measure, runs)
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of runs are far below 2^52")]
fn part(k: usize, n: usize) -> (f64, f64) {
    (k as f64 / n as f64, n as f64)
}

/// The shares of all pairs in which the second arrived sooner and later by more than the dead zone.
fn pairs(a: &[Sample], b: &[Sample], dead_zone: f64) -> Measure {
    let sorted = |samples: &[Sample], end: fn(&Sample) -> f64| {
        let mut all: Vec<f64> = samples.iter().map(end).collect();
        all.sort_by(f64::total_cmp);
        all
    };
    let latest = |sample: &Sample| sample.wait.hi.unwrap_or(f64::INFINITY);
    let earliest = |sample: &Sample| sample.wait.hi.map_or(f64::INFINITY, |_| sample.wait.lo);
    // Of each of the one, how many of the other come before it by more than the dead zone.
    let before = |ends: &[f64], starts: &[f64]| -> usize {
        let each = starts
            .iter()
            .map(|start| ends.partition_point(|end| end + dead_zone < *start));
        each.sum()
    };
    let better = before(&sorted(b, latest), &sorted(a, earliest));
    let worse = before(&sorted(a, latest), &sorted(b, earliest));
    let all = a.len() * b.len();
    let ((_, n), (_, m)) = (part(0, a.len()), part(0, b.len()));
    Measure::Pairs {
        better: part(better, all).0,
        worse: part(worse, all).0,
        n,
        m,
    }
}

fn effect_of(name: &Name, a: &Set, b: &Set, conf: f64) -> Result<Effect, StatError> {
    let mut effect = effect::empty((&name.0, &name.1, &name.2));
    let waits = |set: &Set| -> Vec<Option<f64>> { set.seen.iter().map(|sample| sample.wait.hi).collect() };
    let (wa, wb) = (waits(a), waits(b));
    let arrived = |waits: &[Option<f64>]| -> Vec<f64> { waits.iter().flatten().copied().collect() };
    let (xa, xb) = (arrived(&wa), arrived(&wb));
    effect.shift_of = (xa.len() as u64).saturating_mul(xb.len() as u64);
    effect.left_out = (wa.len() - xa.len() + wb.len() - xb.len()) as u64;
    if !xa.is_empty() && !xb.is_empty() {
        let shift = shift::unpaired(&xb, &xa, conf)?;
        effect.shift = Some(shift.estimate);
        effect.shift_limits = Limits::of(shift.bounds());
    }
    if wa.is_empty() || wb.is_empty() {
        return Ok(effect);
    }
    effect.cap = effect::cap(a.seen.iter().chain(&b.seen));
    if let Some(cap) = effect.cap {
        let mean = |set: &Set| effect::mean(set.seen.iter().map(|s| effect::capped(s, cap)), set.seen.len());
        effect.wait_difference = mean(a).zip(mean(b)).map(|(a, b)| b - a);
    }
    let watched = |set: &Set| -> Vec<Watched> {
        let each = set.seen.iter().map(|sample| Watched {
            seconds: sample.wait.hi.unwrap_or(sample.wait.lo),
            arrived: sample.wait.hi.is_some(),
        });
        each.collect()
    };
    effect.apart = Some(Apart {
        net_win: shift::net_win(&wa, &wb)?,
        log_rank_p: log_rank(&watched(a), &watched(b))?.p,
    });
    effect.divergence = divergence(a, b)?;
    Ok(effect)
}

/// (C_A + C_B)/2 - C_AB over all pairs: no two runs of different sets are of one tick.
#[expect(clippy::cast_precision_loss, reason = "counts of runs are far below 2^52")]
fn divergence(a: &Set, b: &Set) -> Result<Option<f64>, StatError> {
    if a.seen.len() < 2 || b.seen.len() < 2 {
        return Ok(None);
    }
    let mut counts: HashMap<_, [u64; 2]> = HashMap::new();
    for (side, set) in [a, b].into_iter().enumerate() {
        for sample in &set.seen {
            counts.entry(sample.ending()).or_default()[side] += 1;
        }
    }
    let own = |side: usize| consistency::score_of(&counts.values().map(|of| of[side]).collect::<Vec<_>>());
    let together: f64 = counts.values().map(|[a, b]| *a as f64 * *b as f64).sum();
    let across = together / (a.seen.len() as f64 * b.seen.len() as f64);
    Ok(Some(f64::midpoint(own(0)?, own(1)?) - across))
}
