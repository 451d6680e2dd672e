//! The arithmetic of alerts for a service that is probed: windows whose noise floor is a count.
//!
//! Google's burn-rate rule assumes traffic. At one run a minute and 99.9 % a single failure in an hour is a burn of
//! 16.7, so the rule would page 43 times in 30 days for a route that exactly meets its objective. Here each rule fires
//! on a count so large that a route which just meets its objective brings it about no more often than was allowed.
//!
//! Bad is what the objective counts as bad among runs that were decided; unobserved runs are never bad. A window is
//! measured in ticks. Failures are taken as independent at the rate that the objective allows: real ones clump, so
//! replay a history before trusting a page.

use serde::Serialize;

use super::error::{self, count_of, of, open_share, positive, some};
use super::shares::wilson;
use super::special::{binomial_at_least, first_count};
use super::{Bounds, StatError};

/// The days over which a budget runs and false alarms are counted, in seconds.
pub const PERIOD: f64 = 30.0 * 86_400.0;
/// False pages that are allowed in 30 days where nothing else is said.
pub const FALSE_PAGES: f64 = 0.1;
/// False tickets that are allowed in 30 days where nothing else is said.
pub const FALSE_TICKETS: f64 = 1.0;
/// The share of unobserved runs above which a probe is blind and its figures say nothing.
pub const BLIND_SHARE: f64 = 0.2;
/// Openings within [`FLAPPING_WITHIN`] that make an alert flap.
pub const FLAPPING_OPENINGS: usize = 3;
/// The time within which openings make an alert flap, in seconds.
pub const FLAPPING_WITHIN: f64 = 6.0 * 3600.0;
/// For how long a phantom, duplicate or mismatched outcome that was told is not told again, in seconds.
pub const REPEAT_AFTER: f64 = 24.0 * 3600.0;

/// How loud a rule is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Somebody should look within the day.
    Ticket,
    /// Somebody must look now.
    Page,
}

/// A window as it is asked for: so long, at so many times the rate that the objective allows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Window {
    /// Its length, in seconds.
    pub seconds: f64,
    /// How many times faster than allowed the budget burns at the least: 14.4, 6, 1.
    pub burn: f64,
    /// What the rule does when it fires.
    pub severity: Severity,
}

/// The windows of the Google SRE Workbook, chapter 5: 14.4 times over 1 h, 6 times over 6 h, once over 3 days.
pub const WINDOWS: [Window; 3] = [
    Window {
        seconds: 3600.0,
        burn: 14.4,
        severity: Severity::Page,
    },
    Window {
        seconds: 6.0 * 3600.0,
        burn: 6.0,
        severity: Severity::Page,
    },
    Window {
        seconds: 3.0 * 86_400.0,
        burn: 1.0,
        severity: Severity::Ticket,
    },
];

/// A window made a rule for one schedule: so many bad in the last so many, and still bad of late.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct BurnRule {
    /// What was asked for.
    pub window: Window,
    /// The length of the long window, in ticks.
    pub ticks: u64,
    /// Bad runs in the long window from which on the rule fires.
    pub bad: u64,
    /// The length of the short window, in ticks: a twelfth of the long one.
    pub short_ticks: u64,
    /// Bad runs that the short window must hold besides, so that the rule stops when the fault has.
    pub short_bad: u64,
    /// How often in 30 days the long window alone would reach that count for a route that just meets its objective.
    pub false_alarms: f64,
}

impl BurnRule {
    /// Whether it fires on these numbers of bad runs in its long and its short window.
    #[must_use]
    pub fn fires(&self, bad: u64, short_bad: u64) -> bool {
        bad >= self.bad && short_bad >= self.short_bad
    }
}

/// A run of failures that pages.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ConsecutiveRule {
    /// So many bad runs one after the other.
    pub bad: u64,
    /// The mean number of ticks between two false alarms, for a route that just meets its objective.
    pub mean_ticks_between: f64,
    /// How often in 30 days that is.
    pub false_alarms: f64,
}

/// All rules that an objective and a schedule imply.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Thresholds {
    /// The objective, 0 to 1.
    pub slo: f64,
    /// Ticks in 30 days.
    pub ticks: u64,
    /// The run of failures that pages.
    pub consecutive: ConsecutiveRule,
    /// The windows, in the order in which they were asked for.
    pub burns: Vec<Burn>,
}

/// A window on this schedule: a rule, or why it can be none.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Burn {
    /// The rule.
    Rule(BurnRule),
    /// The window holds so few ticks that even all of them bad would be a false alarm too often.
    TooShort {
        /// What was asked for.
        window: Window,
        /// The ticks it holds.
        ticks: u64,
    },
}

impl Burn {
    /// The rule, if it is one.
    #[must_use]
    pub fn rule(&self) -> Option<&BurnRule> {
        match self {
            Self::Rule(rule) => Some(rule),
            Self::TooShort { .. } => None,
        }
    }
}

/// What is spent of what an objective allows to go wrong in 30 days.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Budget {
    /// The share of the budget that is spent; above 1 it is overspent.
    pub spent: f64,
    /// What the data allow the spending rate to be: Wilson's limits of the bad share over what is allowed.
    pub bounds: Bounds,
    /// The bad runs that the whole period allows.
    pub allowed: f64,
}

/// How many times faster than its objective allows a route fails: (bad/n) / (1 - slo).
///
/// # Errors
/// No runs, more bad runs than runs, an objective that is not above 0 and below 1.
pub fn burn_rate(bad: u64, n: u64, slo: f64) -> Result<f64, StatError> {
    let (bad, n) = of("bad runs", bad, "runs", n)?;
    Ok(bad / n / (1.0 - open_share("the objective", slo)?))
}

/// The expected number of ticks among `ticks` at which a failure brings the count in the last `window` ticks to `k` or
/// more: ticks · e · P(Bin(window-1, e) >= k-1), with failures independent at the rate e.
///
/// # Errors
/// A count or a window of 0, a rate that is not above 0 and below 1.
pub fn false_alarms(k: u64, window: u64, e: f64, ticks: u64) -> Result<f64, StatError> {
    let (k, n) = (some("bad runs", k)?, some("ticks in the window", window)?);
    let ticks = error::exact("ticks", ticks)?;
    let e = open_share("the rate of bad runs", e)?;
    Ok(ticks * e * binomial_at_least(k - 1.0, n - 1.0, e, 1.0 - e))
}

/// The count of bad runs in a window of `window` ticks from which on to fire: the smallest k of at least ceil(burn · e ·
/// window) whose [`false_alarms`] in `ticks` ticks are at most `phi`, with e = 1 - slo. `None` where even a window of
/// nothing but bad runs comes too often.
///
/// # Errors
/// A window of 0 ticks, no ticks, an objective that is not above 0 and below 1, a burn or `phi` that is not above 0.
pub fn k_min(burn: f64, slo: f64, window: u64, ticks: u64, phi: f64) -> Result<Option<u64>, StatError> {
    let n = some("ticks in the window", window)?;
    let period = some("ticks", ticks)?;
    let e = 1.0 - open_share("the objective", slo)?;
    let phi = positive("the number of false alarms to allow", phi)?;
    let least = at_rate(burn, e, n)?;
    Ok(first_count(least, window, |k| {
        period * e * binomial_at_least(k as f64 - 1.0, n - 1.0, e, 1.0 - e) <= phi * (1.0 + 1e-12)
    }))
}

/// The count at which `n` ticks burn at so many times the allowed rate: max(1, ceil(burn · e · n)). A product that is
/// whole but for its last digits is that whole number.
fn at_rate(burn: f64, e: f64, n: f64) -> Result<u64, StatError> {
    let product = positive("the burn rate", burn)? * e * n;
    count_of(
        "count of bad runs",
        (product - 1e-9 * product.max(1.0)).ceil().max(1.0),
    )
}

/// How many bad runs one after the other page: the smallest r with ticks · (1-e) · e^r <= phi, e = 1 - slo.
///
/// # Errors
/// No ticks, an objective that is not above 0 and below 1, a `phi` that is not above 0.
pub fn consecutive_needed(slo: f64, ticks: u64, phi: f64) -> Result<u64, StatError> {
    let slo = open_share("the objective", slo)?;
    let period = some("ticks", ticks)?;
    let phi = positive("the number of false alarms to allow", phi)? * (1.0 + 1e-12);
    let ln_e = (-slo).ln_1p();
    let rare = |r: u64| (r as f64 * ln_e).exp() * slo * period <= phi;
    first_count(1, error::MAX_COUNT, rare).ok_or(StatError::OutOfReach {
        what: "number of bad runs in a row",
        bound: error::MAX_COUNT,
    })
}

/// The mean number of ticks until `r` bad runs come one after the other, each bad with probability `p`:
/// (1 - p^r) / ((1-p) p^r), which is r where p is 1.
///
/// # Errors
/// An `r` of 0, a `p` that is not above 0 and at most 1, a mean beyond what a number holds.
pub fn mean_wait_consecutive(r: u64, p: f64) -> Result<f64, StatError> {
    let r = some("bad runs in a row", r)?;
    if !(p > 0.0 && p <= 1.0) {
        return Err(StatError::Domain {
            what: "the rate of bad runs",
            value: p,
            expected: "above 0 and at most 1",
        });
    }
    if p == 1.0 {
        return Ok(r);
    }
    let ln_all = r * p.ln();
    let mean = -ln_all.exp_m1() / ((1.0 - p) * ln_all.exp());
    if mean.is_finite() {
        return Ok(mean);
    }
    Err(StatError::OutOfReach {
        what: "number of ticks",
        bound: u64::MAX,
    })
}

/// After how many good runs in a row to close an alert that opened on `bad` of `n` runs: max(3, ceil(ln 0.05 /
/// ln(1 - bad/n))). If the fault were still there, so many good runs would be a 1-in-20 event. Count `n` from the first
/// bad run that counted to the run that opened the alert.
///
/// # Errors
/// No runs, no bad runs, more bad runs than runs.
pub fn close_after(bad: u64, n: u64) -> Result<u64, StatError> {
    some("bad runs", bad)?;
    let (part, whole) = of("bad runs", bad, "runs", n)?;
    if bad == n {
        return Ok(3);
    }
    let needed = (0.05_f64.ln() / (-part / whole).ln_1p() - 1e-9).ceil();
    Ok(count_of("number of good runs", needed)?.max(3))
}

/// What is spent of the budget: bad / (e · planned), with the Wilson limits of the bad share of the `decided` runs over
/// e. `planned` is the number of ticks of the whole period.
///
/// # Errors
/// No decided runs, none planned, more bad runs than decided ones, an objective or confidence that is not above 0 and
/// below 1.
pub fn budget(bad: u64, decided: u64, planned: u64, slo: f64, conf: f64) -> Result<Budget, StatError> {
    let e = 1.0 - open_share("the objective", slo)?;
    some("decided runs", decided)?;
    let bounds = wilson(bad, decided, conf)?;
    let allowed = e * some("planned ticks", planned)?;
    Ok(Budget {
        spent: error::exact("bad runs", bad)? / allowed,
        bounds: Bounds {
            lower: bounds.lower / e,
            upper: bounds.upper / e,
        },
        allowed,
    })
}

/// Whether so much of a window was not observed that nothing is said of it: more than a fifth. A window without runs is
/// not blind; it has no data.
#[must_use]
pub fn is_blind(unobserved: u64, runs: u64) -> bool {
    of("unobserved runs", unobserved, "runs", runs).is_ok_and(|(part, whole)| part > BLIND_SHARE * whole)
}

/// Whether openings at these times, in seconds, oldest first, make an alert flap: [`FLAPPING_OPENINGS`] of them within
/// [`FLAPPING_WITHIN`] before the last.
#[must_use]
pub fn is_flapping(openings: &[f64]) -> bool {
    let Some(first) = openings.len().checked_sub(FLAPPING_OPENINGS) else {
        return false;
    };
    openings[openings.len() - 1] - openings[first] <= FLAPPING_WITHIN
}

/// The rules for an objective `slo` (0 to 1) on a schedule with a tick every `every` seconds, with so many false pages
/// and false tickets allowed in 30 days. Give [`WINDOWS`], [`FALSE_PAGES`] and [`FALSE_TICKETS`] where the user says
/// nothing.
///
/// # Errors
/// An objective that is not above 0 and below 1; a tick, a window, a burn or an allowance that is not above 0; a tick
/// longer than the period of 30 days.
pub fn thresholds(
    slo: f64,
    every: f64,
    windows: &[Window],
    pages: f64,
    tickets: f64,
) -> Result<Thresholds, StatError> {
    let every = positive("the time between two ticks", every)?;
    let ticks = count_of("number of ticks", (PERIOD / every).round())?;
    some("ticks in 30 days", ticks)?;
    let bad = consecutive_needed(slo, ticks, pages)?;
    let e = 1.0 - slo;
    let consecutive = ConsecutiveRule {
        bad,
        mean_ticks_between: mean_wait_consecutive(bad, e)?,
        false_alarms: ticks as f64 * slo * e.powf(bad as f64),
    };
    let phi = |severity| match severity {
        Severity::Page => pages,
        Severity::Ticket => tickets,
    };
    let burns = windows
        .iter()
        .map(|window| burn(*window, slo, every, ticks, phi(window.severity)))
        .collect::<Result<_, _>>()?;
    Ok(Thresholds {
        slo,
        ticks,
        consecutive,
        burns,
    })
}

/// A window on a schedule.
fn burn(window: Window, slo: f64, every: f64, period: u64, phi: f64) -> Result<Burn, StatError> {
    let length = positive("the length of a window", window.seconds)?;
    let ticks = count_of("number of ticks", (length / every + 1e-9).floor().max(1.0))?;
    let Some(bad) = k_min(window.burn, slo, ticks, period, phi)? else {
        return Ok(Burn::TooShort { window, ticks });
    };
    let (e, short_ticks) = (1.0 - slo, ticks.div_ceil(12));
    Ok(Burn::Rule(BurnRule {
        window,
        ticks,
        bad,
        short_ticks,
        short_bad: at_rate(window.burn, e, short_ticks as f64)?.min(short_ticks),
        false_alarms: false_alarms(bad, ticks, e, period)?,
    }))
}

#[cfg(test)]
mod tests;
