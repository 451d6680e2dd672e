//! What a probe's objective asks for, and whether it is met: by intervals, so that a little luck proves nothing.

use schemars::JsonSchema;
use serde::Serialize;

use super::{SeriesFigures, Share};
use crate::stats::CONFIDENCE;
use crate::stats::alerting::budget;
use crate::stats::shares::runs_for_floor;

/// What a probe should reach.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Objective {
    /// Share of runs on time, 0 to 1.
    pub on_time: Option<f64>,
    /// Limit of the 95th percentile of the outcome, seconds.
    pub p95: Option<f64>,
    /// Consistency, 0 to 1.
    pub consistency: Option<f64>,
    /// Over how long, seconds.
    pub window: f64,
    /// A tick comes due every so many seconds; `None` where that is not known.
    pub every: Option<f64>,
}

/// Whether an objective is met. The order is from good to bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ObjectiveWord {
    /// The whole interval is on the right side.
    Met,
    /// The interval holds both sides, or there is no interval, or verdicts are withheld.
    NotEnough,
    /// The whole interval is on the wrong side.
    NotMet,
}

/// The objective of a probe, for one series by its last definition.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ObjectiveFigures {
    /// The route's name.
    pub route: String,
    /// The input's name.
    pub input: String,
    /// Where landfall ran.
    pub location: String,
    /// Not met where one of the parts is not; met where all are.
    pub word: ObjectiveWord,
    /// The share on time; null where the objective says nothing of it.
    pub on_time: Option<Judged>,
    /// The 95th percentile in seconds.
    pub p95: Option<Judged>,
    /// The consistency.
    pub consistency: Option<Judged>,
    /// What is spent of what `on_time` allows to go wrong; null without it, and where it is not known how often ticks
    /// come due.
    pub budget: Option<BudgetFigures>,
}

/// One part of an objective.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Judged {
    /// Whether it is met.
    pub word: ObjectiveWord,
    /// What should be reached.
    pub target: f64,
    /// What was; null is *not reached*, or no figure.
    pub value: Option<f64>,
    /// The lower limit of its 95 % interval; null where there is none.
    pub lower: Option<f64>,
    /// The upper limit; null where there is none.
    pub upper: Option<f64>,
    /// So many runs, all good, it would take at the least to show it; null where that does not apply.
    pub runs_needed: Option<u64>,
}

/// What is spent of a budget.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct BudgetFigures {
    /// Observed runs that were not on time.
    pub bad: u64,
    /// So many the objective allows in its window.
    pub allowed: f64,
    /// The share that is spent; above 1 it is overspent.
    pub spent: f64,
    /// The data allow as little.
    pub lower: f64,
    /// The data allow as much.
    pub upper: f64,
    /// The objective's window, seconds.
    pub window: f64,
}

/// Judges a series.
pub(super) fn judge(series: &SeriesFigures, objective: &Objective) -> ObjectiveFigures {
    let on_time = objective.on_time.map(|target| share(series.on_time, target));
    let p95 = objective.p95.map(|target| latency(series, target));
    let consistency = objective.consistency.map(|target| consistent(series, target));
    let parts = [on_time, p95, consistency].into_iter().flatten();
    let worst = parts.map(|part| part.word).max().unwrap_or(ObjectiveWord::Met);
    ObjectiveFigures {
        route: series.route.clone(),
        input: series.input.clone(),
        location: series.location.clone(),
        word: match series.withheld {
            Some(_) => ObjectiveWord::NotEnough,
            None => worst,
        },
        on_time,
        p95,
        consistency,
        budget: objective
            .on_time
            .and_then(|target| spent(series, objective, target)),
    }
}

/// At least the target: by the lower limit met, by the upper not.
fn at_least(target: f64, value: Option<f64>, lower: Option<f64>, upper: Option<f64>) -> Judged {
    let word = match (lower, upper) {
        (Some(lower), _) if lower >= target => ObjectiveWord::Met,
        (_, Some(upper)) if upper < target => ObjectiveWord::NotMet,
        _ => ObjectiveWord::NotEnough,
    };
    Judged {
        word,
        target,
        value,
        lower,
        upper,
        runs_needed: None,
    }
}

fn share(found: Share, target: f64) -> Judged {
    let needed = runs_for_floor(target, CONFIDENCE).ok();
    Judged {
        runs_needed: needed.filter(|needed| found.of < *needed),
        ..at_least(target, found.share, found.lower, found.upper)
    }
}

fn consistent(series: &SeriesFigures, target: f64) -> Judged {
    let found = series.consistency.as_ref();
    at_least(
        target,
        found.map(|c| c.score),
        found.and_then(|c| c.lower),
        found.and_then(|c| c.upper),
    )
}

/// At most the target; what is not reached is above every target.
fn latency(series: &SeriesFigures, target: f64) -> Judged {
    let found = series.layers.outcome.as_ref().map(|layer| layer.p95);
    let word = match found {
        None => ObjectiveWord::NotEnough,
        Some(p95) if p95.upper.is_some_and(|upper| upper <= target) => ObjectiveWord::Met,
        Some(p95) if p95.lower.is_none_or(|lower| lower > target) => ObjectiveWord::NotMet,
        Some(_) => ObjectiveWord::NotEnough,
    };
    Judged {
        word,
        target,
        value: found.and_then(|p95| p95.latest),
        lower: found.and_then(|p95| p95.lower),
        upper: found.and_then(|p95| p95.upper),
        runs_needed: None,
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a number of ticks: rounded, not negative, and the conversion saturates"
)]
fn spent(series: &SeriesFigures, objective: &Objective, target: f64) -> Option<BudgetFigures> {
    let every = objective.every.filter(|every| *every > 0.0)?;
    let planned = (objective.window / every).round().max(1.0) as u64;
    let bad = series.on_time.of - series.on_time.count;
    let found = budget(bad, series.on_time.of, planned, target, CONFIDENCE).ok()?;
    // The limits are of the rate at which it is spent: of the part of the window that these runs are.
    let part = super::consistency::share(series.on_time.of, planned);
    Some(BudgetFigures {
        bad,
        allowed: found.allowed,
        spent: found.spent,
        lower: found.bounds.lower * part,
        upper: found.bounds.upper * part,
        window: objective.window,
    })
}
