//! From what is asked to how many runs or ticks it takes.

use schemars::JsonSchema;
use serde::Serialize;

use super::super::words::count;
use super::{ClaimPlan, Drawn, GatePlan, NoDifferencePlan, ObjectivePlan, Plan, ProbePlan, WorsePlan};
use crate::stats::gate::{Gate, percent};
use crate::stats::planning::{
    Stopping, runs_to_claim, runs_to_claim_at_any_look, stopping, ticks_for_no_difference, ticks_for_no_loss,
    ticks_for_worse,
};
use crate::stats::shares::{exact_floor, wilson_of};
use crate::stats::verdict::{Mode, Question};

/// Comparisons that are drawn for a figure of continuous looking.
const DRAWN: Drawn = Drawn {
    repeats: 1_000,
    seed: 1,
    cap: 20_000,
};
/// Runs beyond which the consistency of runs is not forecast.
const FARTHEST: u64 = 1_000_000_000;

/// What is asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    /// The confidence of every claim, above 0 and below 1.
    pub confidence: f64,
    /// The time between ticks for all that has no schedule of its own, in seconds.
    pub every: Option<f64>,
    /// Probes, or what stands in their place.
    pub probes: Vec<AskProbe>,
    /// Shares to claim.
    pub claims: Vec<f64>,
    /// Gates to pass.
    pub gates: Vec<Gate>,
    /// Baseline and route: shares that are good.
    pub worse: Vec<(f64, f64)>,
    /// Margins of comparisons, and the share of both routes that is good.
    pub margins: Vec<(f64, f64)>,
}

/// A probe, as far as its plan goes; the rules of its alerts stand in `plan` already.
#[derive(Clone, Debug, PartialEq)]
pub struct AskProbe {
    /// What is known of it.
    pub plan: ProbePlan,
    /// Its goals: what, the share to prove, and the limit in words.
    pub goals: Vec<(Goal, f64, String)>,
    /// The objective's window, in seconds.
    pub window: f64,
    /// The mean time between two ticks, in seconds; `None` without a schedule.
    pub gap: Option<f64>,
}

/// What an objective wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    /// So many on time.
    OnTime,
    /// 95 % within a limit.
    P95,
    /// So many pairs of runs that end alike.
    Consistency,
}

/// Reckons all that is asked.
///
/// # Errors
/// The first number that cannot be reckoned with, as a sentence: what, its value, what it must be.
pub fn reckon(ask: &Ask) -> Result<Plan, String> {
    let conf = ask.confidence;
    let in_time = |ticks: u64| ask.every.map(|every| real(ticks) * every);
    let claim = |share: &f64| claim(*share, conf, in_time);
    let gate = |g: &Gate| gate(g, in_time);
    let worse = |(baseline, route): &(f64, f64)| worse(*baseline, *route, conf, in_time);
    let margin = |(margin, both): &(f64, f64)| no_difference(*margin, *both, conf, in_time);
    Ok(Plan {
        confidence: conf,
        every: ask.every,
        probes: ask.probes.iter().map(|p| probe(p, conf)).collect(),
        claims: ask.claims.iter().map(claim).collect::<Result<_, _>>()?,
        gates: ask.gates.iter().map(gate).collect::<Result<_, _>>()?,
        worse: ask.worse.iter().map(worse).collect::<Result<_, _>>()?,
        no_difference: ask.margins.iter().map(margin).collect::<Result<_, _>>()?,
    })
}

fn claim(share: f64, conf: f64, in_time: impl Fn(u64) -> Option<f64>) -> Result<ClaimPlan, String> {
    let with = |failures| {
        runs_to_claim(share, failures, conf).map_err(|error| format!("to claim {}: {error}", percent(share)))
    };
    let one_look = [with(0)?, with(1)?, with(2)?];
    Ok(ClaimPlan {
        share,
        one_look,
        any_look: runs_to_claim_at_any_look(share, 0, conf).map_err(|error| error.to_string())?,
        seconds: in_time(one_look[0]),
    })
}

fn gate(gate: &Gate, in_time: impl Fn(u64) -> Option<f64>) -> Result<GatePlan, String> {
    let pass = |failures| gate.runs_to_pass(failures).map_err(|error| error.to_string());
    let runs_to_pass = [pass(0)?, pass(1)?, pass(2)?];
    Ok(GatePlan {
        good: gate.good(),
        bad: gate.bad(),
        alpha: gate.alpha(),
        beta: gate.beta(),
        runs_to_pass,
        failures_to_fail: gate.failures_to_fail().map_err(|error| error.to_string())?,
        seconds: in_time(runs_to_pass[0]),
    })
}

fn worse(
    baseline: f64,
    route: f64,
    conf: f64,
    in_time: impl Fn(u64) -> Option<f64>,
) -> Result<WorsePlan, String> {
    let fixed = |power| {
        ticks_for_worse(baseline, route, power, conf)
            .map_err(|error: crate::stats::StatError| error.to_string())
    };
    let one_look = [fixed(0.8)?, fixed(0.9)?];
    let drawn = draw(baseline, route, crate::stats::verdict::MARGIN, conf)?;
    Ok(WorsePlan {
        baseline,
        route,
        one_look,
        any_look: [drawn.half, drawn.most, drawn.nearly_all],
        drawn: DRAWN,
        seconds: in_time(one_look[0]),
    })
}

fn no_difference(
    margin: f64,
    both: f64,
    conf: f64,
    in_time: impl Fn(u64) -> Option<f64>,
) -> Result<NoDifferencePlan, String> {
    let alike = |mode| ticks_for_no_difference(margin, mode, conf).map_err(|error| error.to_string());
    let alike = [alike(Mode::Fixed)?, alike(Mode::Sequential)?];
    let one_look = ticks_for_no_loss(both, margin, 0.8, conf).map_err(|error| error.to_string())?;
    let drawn = draw(both, both, margin, conf)?;
    Ok(NoDifferencePlan {
        margin,
        alike,
        both,
        one_look,
        any_look: [drawn.half, drawn.most],
        drawn: DRAWN,
        seconds: in_time(one_look),
    })
}

fn draw(baseline: f64, route: f64, margin: f64, conf: f64) -> Result<Stopping, String> {
    let question = Question {
        margin,
        mode: Mode::Sequential,
        conf,
        peers: false,
    };
    stopping(baseline, route, question, DRAWN.repeats, DRAWN.cap, DRAWN.seed)
        .map_err(|error| error.to_string())
}

fn probe(ask: &AskProbe, conf: f64) -> ProbePlan {
    let mut plan = ask.plan.clone();
    let each = |(goal, share, limit): &(Goal, f64, String)| objective(ask, *goal, *share, limit, conf);
    plan.objectives = ask.goals.iter().map(each).collect();
    plan
}

fn objective(ask: &AskProbe, goal: Goal, share: f64, limit: &str, conf: f64) -> ObjectivePlan {
    let runs = needed(goal, share, conf);
    let seconds = runs.and_then(|runs| Some(real(runs) * ask.gap?));
    let window_ticks = ask.gap.map(|gap| whole((ask.window / gap).floor()));
    let may_fail = window_ticks.and_then(|n| may_fail(goal, share, n, conf));
    let mut plan = ObjectivePlan {
        goal,
        share,
        runs,
        seconds,
        window_seconds: ask.window,
        window_ticks,
        may_fail,
        sentence: String::new(),
    };
    plan.sentence = sentence(&plan, limit);
    plan
}

/// Runs, none failing, that prove a goal.
fn needed(goal: Goal, share: f64, conf: f64) -> Option<u64> {
    match goal {
        Goal::OnTime | Goal::P95 => runs_to_claim(share, 0, conf).ok(),
        Goal::Consistency => {
            let proves = |n: u64| alike(n, conf) >= share;
            (share < 1.0 && proves(FARTHEST)).then(|| first(FARTHEST, proves))
        }
    }
}

/// The lower limit of the consistency of runs that all end alike: n/2 independent pairs agree.
fn alike(n: u64, conf: f64) -> f64 {
    wilson_of(1.0, real(n) / 2.0, conf).map_or(0.0, |bounds| bounds.lower)
}

/// How many of `n` runs may fail so that the goal is proven all the same.
fn may_fail(goal: Goal, share: f64, n: u64, conf: f64) -> Option<u64> {
    let proven = |failures: u64| match goal {
        Goal::OnTime | Goal::P95 => exact_floor(n - failures, n, conf).is_ok_and(|floor| floor >= share),
        Goal::Consistency => {
            let endings = if failures == 0 {
                vec![n]
            } else {
                vec![n - failures, failures]
            };
            let found = crate::stats::consistency::consistency(&endings, conf);
            found.is_ok_and(|found| found.bounds.lower >= share)
        }
    };
    if n < 2 || !proven(0) {
        return None;
    }
    // Where more than half end otherwise, those are the usual ending, and runs are alike again.
    let high = if goal == Goal::Consistency { n / 2 } else { n };
    Some(first(high, |failures| !proven(failures)).saturating_sub(1))
}

/// The smallest count up to `high` at which a condition holds that stays true once it is; `high` where none does.
fn first(high: u64, holds: impl Fn(u64) -> bool) -> u64 {
    let (mut low, mut high) = (0, high);
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}

fn sentence(plan: &ObjectivePlan, limit: &str) -> String {
    let what = match plan.goal {
        Goal::OnTime => format!("{} on time", percent(plan.share)),
        Goal::P95 => format!("p95 of {limit}"),
        Goal::Consistency => format!("{} alike", percent(plan.share)),
    };
    let Some(runs) = plan.runs else {
        return format!("{what}: no number of runs proves that nothing ever fails");
    };
    let all = match plan.goal {
        Goal::OnTime => String::from("all on time"),
        Goal::P95 => format!("all within {limit}"),
        Goal::Consistency => String::from("all alike"),
    };
    let time = plan
        .seconds
        .map_or_else(String::new, |s| format!(", {}", span(s)));
    let window = match (plan.window_ticks, plan.may_fail) {
        (None, _) => String::new(),
        (Some(n), Some(failing)) => format!(
            "; its window of {} holds {n}, of which {failing} may fail",
            span(plan.window_seconds)
        ),
        (Some(n), None) => format!(
            "; its window of {} holds {n}: too few to prove it",
            span(plan.window_seconds)
        ),
    };
    format!("{what}: {}{time}, {all}{window}", count(runs, "run"))
}

/// A length of time in its two largest units: `10 d 10 h`.
pub(super) fn span(seconds: f64) -> String {
    let whole = whole(seconds);
    let years = whole / (365 * 86_400);
    if years >= 2 {
        return count(years, "year");
    }
    let parts = [
        (whole / 86_400, "d"),
        (whole % 86_400 / 3_600, "h"),
        (whole % 3_600 / 60, "min"),
        (whole % 60, "s"),
    ];
    let from = parts.iter().position(|(n, _)| *n > 0).unwrap_or(3);
    let said = parts[from..].iter().take(2).filter(|(n, _)| *n > 0);
    let said: Vec<String> = said.map(|(n, unit)| format!("{n} {unit}")).collect();
    if said.is_empty() {
        return String::from("under 1 s");
    }
    said.join(" ")
}

#[expect(clippy::cast_precision_loss, reason = "counts of runs are far below 2^53")]
const fn real(n: u64) -> f64 {
    n as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates, and no time is negative"
)]
fn whole(n: f64) -> u64 {
    n.round().max(0.0) as u64
}
