//! The figures of one series.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::consistency::{ConsistencyFigures, consistency};
use super::latency::{LayersFigures, TimeFigures, WaitFigures, layer, times, wait};
use super::rows::Rows;
use super::{SeriesKey, Share};
use crate::model::{Class, Flag, Moment};
use crate::report::receipts::ReceiptFigures;
use crate::stats::CONFIDENCE;
use crate::stats::clumping::{WIDEN_ABOVE, clumped_share};
use crate::stats::verdict;

/// The figures of the runs of one probe, route, input, location and definition.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct SeriesFigures {
    /// The route's name.
    pub route: String,
    /// The input's name.
    pub input: String,
    /// Where landfall ran; empty from roll-ups, which do not say.
    pub location: String,
    /// Digest of the definition; from roll-ups null where they hold runs of several, or do not say.
    pub revision: Option<String>,
    /// The first tick of a run, RFC 3339.
    pub first: String,
    /// The last tick of a run, RFC 3339.
    pub last: String,
    /// Runs that ended.
    pub runs: u64,
    /// Of these the unobserved: landfall could not see. They are in no share.
    pub unobserved: u64,
    /// Runs by class; every class is listed.
    pub classes: BTreeMap<Class, u64>,
    /// Runs by flag; those that occur.
    pub flags: BTreeMap<Flag, u64>,
    /// Delivered, over observed runs. Its interval is widened where failures come in clumps.
    pub on_time: Share,
    /// Arrived by the end of grace or later, over observed runs that were not rejected.
    pub arrived: Share,
    /// Lost or mismatched, over runs accepted and observed: nothing said so.
    pub silent_failures: Share,
    /// Rejected, over observed runs.
    pub rejected: Share,
    /// Phantom, over runs that were refused.
    pub phantoms: Share,
    /// Duplicate, over runs that arrived.
    pub duplicates: Share,
    /// Mismatched, over runs that arrived, rightly or wrongly.
    pub mismatched: Share,
    /// How far failures come in clumps; null from roll-ups of fewer than two hours, and without observed runs.
    pub clumping: Option<Clumping>,
    /// How consistently runs end; null below two observed runs.
    pub consistency: Option<ConsistencyFigures>,
    /// Latencies of the three layers.
    pub layers: LayersFigures,
    /// The mean wait for the outcome in which a run counts as no longer than it was watched; null where nothing says how
    /// long that was, or no run was observed.
    pub wait: Option<WaitFigures>,
    /// From the scheduled instant to the first byte sent; null where nothing was sent.
    pub lag: Option<TimeFigures>,
    /// What was claimed by what happened; null where nothing was claimed, and from roll-ups.
    pub receipts: Option<ReceiptFigures>,
    /// Why no verdict rests on these figures; null where one may.
    pub withheld: Option<Withheld>,
    /// Times on record that cannot have been, left out of every latency.
    pub impossible_times: u64,
}

/// How far failures come in clumps.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Clumping {
    /// How many times more runs it takes than independent ones would.
    pub design_effect: f64,
    /// The number of independent runs that would tell as much.
    pub effective_runs: f64,
    /// Whether the interval of `on_time` was widened for it.
    pub widened: bool,
}

/// Why no verdict is given on a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Withheld {
    /// More than a fifth of the runs were not observed.
    Unobserved,
    /// More than a twentieth of the ticks that were due did not fire.
    Skipped,
}

/// The figures of a series; of its route and input `skipped` ticks of `due` did not fire although they should have.
pub(super) fn series(key: &SeriesKey, rows: &Rows, skipped: u64, due: u64) -> SeriesFigures {
    let clumped = clumped_share(&rows.good, CONFIDENCE).ok();
    let clumping = clumped.map(|share| Clumping {
        design_effect: share.design_effect,
        effective_runs: share.effective_runs,
        widened: share.widened,
    });
    let [accepted, executed, outcome] = &rows.layers;
    let (first, last) = rows.ticks.unwrap_or((Moment(0), Moment(0)));
    SeriesFigures {
        location: key.location.clone(),
        revision: Some(key.revision.clone()),
        first: first.to_rfc3339(),
        last: last.to_rfc3339(),
        clumping,
        consistency: consistency(&rows.endings),
        layers: LayersFigures {
            accepted: layer(accepted),
            executed: layer(executed),
            outcome: layer(outcome),
        },
        wait: wait(outcome, rows.watched),
        lag: times(&rows.lag),
        receipts: rows.claims.figures(),
        impossible_times: rows.impossible,
        ..counted(
            key,
            (&rows.classes, &rows.flags),
            (rows.judged, rows.silent),
            (skipped, due),
            clumping,
        )
    }
}

/// What follows from counts alone.
pub(super) fn counted(
    key: &SeriesKey,
    (classes, flags): (&BTreeMap<Class, u64>, &BTreeMap<Flag, u64>),
    (judged, silent): (u64, u64),
    (skipped, due): (u64, u64),
    clumping: Option<Clumping>,
) -> SeriesFigures {
    let of = |class: Class| classes.get(&class).copied().unwrap_or(0);
    let runs: u64 = classes.values().sum();
    let unobserved = of(Class::Unobserved);
    let observed = runs - unobserved;
    let arrived = of(Class::Delivered) + of(Class::Late) + of(Class::Duplicate);
    let refused = of(Class::Rejected) + of(Class::Phantom);
    let effective = clumping.filter(|c| c.widened).map(|c| c.effective_runs);
    SeriesFigures {
        route: key.route.clone(),
        input: key.input.clone(),
        location: String::new(),
        revision: None,
        first: String::new(),
        last: String::new(),
        runs,
        unobserved,
        classes: Class::ALL.into_iter().map(|class| (class, of(class))).collect(),
        flags: flags.clone(),
        on_time: Share::clumped(of(Class::Delivered), observed, effective),
        arrived: Share::of(
            arrived,
            observed.saturating_sub(of(Class::Rejected) + of(Class::Phantom)),
        ),
        silent_failures: Share::of(silent, judged),
        rejected: Share::of(of(Class::Rejected), observed),
        phantoms: Share::of(of(Class::Phantom), refused),
        duplicates: Share::of(of(Class::Duplicate), arrived),
        mismatched: Share::of(of(Class::Mismatched), arrived + of(Class::Mismatched)),
        clumping,
        consistency: None,
        layers: LayersFigures::default(),
        wait: None,
        lag: None,
        receipts: None,
        withheld: verdict::withheld(unobserved, runs, skipped, due).map(Withheld::of),
        impossible_times: 0,
    }
}

impl Withheld {
    fn of(why: verdict::Withheld) -> Self {
        match why {
            verdict::Withheld::Blind => Self::Unobserved,
            verdict::Withheld::Skipped => Self::Skipped,
        }
    }
}

/// The design effect by hours, where the order of runs within an hour is gone: how much more the hours' counts of good
/// runs scatter about their share than independent runs would. Of hours `(good, runs)`; the variance of a ratio of
/// cluster totals (Cochran 1977, section 3.12) over p(1-p)/n, 1 at the least. `None` below two hours with runs.
#[expect(clippy::cast_precision_loss, reason = "counts of runs are far below 2^52")]
pub(super) fn clumping_by_hour(hours: &[(u64, u64)]) -> Option<Clumping> {
    let hours: Vec<(f64, f64)> = hours
        .iter()
        .filter(|hour| hour.1 > 0)
        .map(|hour| (hour.0 as f64, hour.1 as f64))
        .collect();
    let clusters = hours.len() as f64;
    let n: f64 = hours.iter().map(|hour| hour.1).sum();
    let p = hours.iter().map(|hour| hour.0).sum::<f64>() / n;
    if hours.len() < 2 {
        return None;
    }
    let between: f64 = hours
        .iter()
        .map(|(good, runs)| (good - p * runs) * (good - p * runs))
        .sum();
    let independent = p * (1.0 - p) * n;
    let design_effect = if independent > 0.0 {
        (between * clusters / (clusters - 1.0) / independent).max(1.0)
    } else {
        1.0
    };
    Some(Clumping {
        design_effect,
        effective_runs: n / design_effect,
        widened: design_effect > WIDEN_ABOVE,
    })
}
