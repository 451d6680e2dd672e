//! What is asked for, and the rules that follow from it and the schedule (statistics.md section 4).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::Class;
use crate::stats::alerting::{self, BurnRule, Severity as Loud, WINDOWS};

/// The objective of a probe that states none: the share of runs on time.
pub const ON_TIME: f64 = 0.99;
/// Objectives that rules are made for; one beyond is taken for the nearest.
const OBJECTIVES: (f64, f64) = (0.01, 0.9999);
/// Ticks without a decided run after which there is no data.
const SILENT_TICKS: u32 = 3;
/// Decided runs of a series that are remembered one by one, at the least and at the most.
const RECENT: (u64, u64) = (64, 1_024);
/// Runs over which blindness is judged, at the least and at the most.
const SIGHT: (u64, u64) = (5, 64);
/// How often a probe without a schedule is taken to fire.
const UNSCHEDULED: f64 = 300.0;

/// What a probe asks of alerts. Made from its `alerts:` and the workspace's defaults.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// Names of destinations for what must be looked at now; empty: nobody is told.
    pub pages: Vec<String>,
    /// Names of destinations for what can wait.
    pub tickets: Vec<String>,
    /// So many bad runs in a row; `Some(0)` never, `None` as the objective implies.
    pub in_a_row: Option<u64>,
    /// Whether the windows over the error budget alert.
    pub burn_rate: bool,
    /// False pages that are allowed in 30 days.
    pub false_pages: f64,
    /// False tickets that are allowed in 30 days.
    pub false_tickets: f64,
    /// Whether a late run is a bad one.
    pub late_is_bad: bool,
    /// How long without a decided run; zero never, `None` as the schedule implies.
    pub no_data: Option<Duration>,
    /// The share of unobserved runs above which the probe is blind; 1 never.
    pub blind: f64,
    /// Classes that alert at their first occurrence.
    pub at_once: BTreeSet<Class>,
    /// How often an open alert is told again; zero never.
    pub remind: Duration,
    /// How long to wait for more routes of the same outage before telling.
    pub wait: Duration,
    /// Labels that alerts bear besides the probe's own.
    pub labels: BTreeMap<String, String>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            pages: Vec::new(),
            tickets: Vec::new(),
            in_a_row: None,
            burn_rate: true,
            false_pages: alerting::FALSE_PAGES,
            false_tickets: alerting::FALSE_TICKETS,
            late_is_bad: true,
            no_data: None,
            blind: alerting::BLIND_SHARE,
            at_once: BTreeSet::from([
                Class::Phantom,
                Class::Duplicate,
                Class::Mismatched,
                Class::Unwanted,
            ]),
            remind: Duration::from_secs(86_400),
            wait: Duration::from_secs(10),
            labels: BTreeMap::new(),
        }
    }
}

/// How often a series is due, and how long its runs take to be decided.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cadence {
    /// Ticks in 30 days.
    pub ticks: u64,
    /// The longest time between two ticks.
    pub longest_gap: Duration,
    /// How long a run that gets nothing stays open.
    pub decided_after: Duration,
}

/// How loud an alert is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Somebody should look within the day.
    Ticket,
    /// Somebody must look now.
    Page,
}

/// Why an alert is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// So many bad runs in a row.
    InARow,
    /// The error budget burns at 14.4 times its rate over an hour.
    BurnHour,
    /// The error budget burns at 6 times its rate over six hours.
    BurnSixHours,
    /// The error budget burns at its rate over three days.
    BurnThreeDays,
    /// An outcome that is no noise.
    AtOnce,
    /// No run was decided for too long.
    NoData,
    /// Too many runs were not observed.
    Blind,
}

impl Rule {
    /// How loud it is.
    #[must_use]
    pub const fn severity(self) -> Severity {
        match self {
            Self::BurnThreeDays => Severity::Ticket,
            _ => Severity::Page,
        }
    }

    /// What it is about.
    #[must_use]
    pub const fn topic(self) -> Topic {
        match self {
            Self::NoData | Self::Blind => Topic::Sight,
            _ => Topic::Outcome,
        }
    }
}

/// What an alert is about. A probe has at most one open alert of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// What users get.
    Outcome,
    /// Whether landfall can tell.
    Sight,
}

/// The rules of one probe, ready to be applied.
#[derive(Clone, Debug, PartialEq)]
pub struct Rules {
    /// The share of bad runs that the objective allows.
    pub allowed: f64,
    /// The run of failures that pages, and how often that is false in 30 days.
    pub in_a_row: Option<(u64, f64)>,
    /// The windows.
    pub burns: Vec<(Rule, BurnRule)>,
    /// Whether a late run is a bad one.
    pub late_is_bad: bool,
    /// Classes that alert at their first occurrence.
    pub at_once: BTreeSet<Class>,
    /// The share of unobserved runs above which it is blind.
    pub blind: f64,
    /// Over so many runs.
    pub sight_runs: u64,
    /// How long without a decided run.
    pub no_data: Option<Duration>,
    /// How often an open alert is told again.
    pub remind: Option<Duration>,
    /// How long to wait for more of the same outage.
    pub wait: Duration,
    /// Decided runs that are remembered one by one.
    pub recent: usize,
    /// Runs in the window that must be quiet before flapping ends.
    pub flap_runs: u64,
    /// The longest window, in runs.
    pub window: u64,
    /// Why a rule is left out, in words.
    pub left_out: Vec<String>,
}

impl Rules {
    /// The rules that a policy, an objective (share on time, 0 to 1) and a schedule imply.
    ///
    /// # Errors
    /// What of it cannot be computed, as a sentence: an objective of 0 or 1, no allowance.
    pub fn new(policy: &Policy, on_time: Option<f64>, cadence: Option<Cadence>) -> Result<Self, String> {
        let mut left_out = Vec::new();
        let asked = on_time.unwrap_or(ON_TIME);
        let slo = asked.clamp(OBJECTIVES.0, OBJECTIVES.1);
        if asked > slo {
            left_out.push(String::from(
                "an objective of 100 % allows nothing to go wrong: the rules reckon with 99.99 %",
            ));
        }
        let every = cadence.map_or(UNSCHEDULED, |c| alerting::PERIOD / ticks(c.ticks.max(1)));
        let implied = alerting::thresholds(slo, every, &WINDOWS, policy.false_pages, policy.false_tickets)
            .map_err(|error| error.to_string())?;
        let in_a_row = match policy.in_a_row {
            Some(0) => None,
            Some(bad) => {
                let chance = alerting::false_alarms(bad, bad, 1.0 - slo, implied.ticks);
                Some((bad, chance.map_err(|error| error.to_string())?))
            }
            None => Some((implied.consecutive.bad, implied.consecutive.false_alarms)),
        };
        let mut burns = Vec::new();
        for (burn, window) in implied.burns.iter().zip(WINDOWS).filter(|_| policy.burn_rate) {
            match burn.rule() {
                Some(rule) => burns.push((named(&window), *rule)),
                None => left_out.push(format!(
                    "{} of {}: even a window of nothing but bad runs would be a false alarm too often",
                    word(named(&window)),
                    length(window.seconds)
                )),
            }
        }
        let runs_in = |seconds: f64| whole((seconds / every).floor().max(1.0));
        let hour = runs_in(3_600.0);
        let recent = cadence.map_or(RECENT.0, |c| {
            whole(2.0 * c.decided_after.as_secs_f64() / every) + RECENT.0
        });
        let implied_silence = cadence.map(|c| c.longest_gap * SILENT_TICKS + c.decided_after);
        let longest = burns.iter().map(|(_, rule)| rule.ticks).max().unwrap_or(0);
        let flap_runs = runs_in(alerting::FLAPPING_WITHIN);
        Ok(Self {
            allowed: 1.0 - slo,
            in_a_row,
            window: longest.max(flap_runs).max(hour),
            burns,
            late_is_bad: policy.late_is_bad,
            at_once: policy.at_once.clone(),
            blind: policy.blind,
            sight_runs: hour.clamp(SIGHT.0, SIGHT.1),
            no_data: policy.no_data.or(implied_silence).filter(|t| !t.is_zero()),
            remind: Some(policy.remind).filter(|t| !t.is_zero()),
            wait: policy.wait,
            recent: usize::try_from(recent.clamp(RECENT.0, RECENT.1)).unwrap_or(64),
            flap_runs,
            left_out,
        })
    }

    /// Whether a class counts as bad; `None` where it says nothing.
    #[must_use]
    pub const fn bad(&self, class: Class) -> Option<bool> {
        match class {
            Class::Unobserved => None,
            Class::Delivered => Some(false),
            Class::Late => Some(self.late_is_bad),
            _ => Some(true),
        }
    }

    /// Each rule in words, with how often it would be false in 30 days.
    #[must_use]
    pub fn words(&self) -> Vec<(Rule, String)> {
        let mut said = Vec::new();
        if let Some((bad, false_alarms)) = self.in_a_row {
            said.push((
                Rule::InARow,
                format!("{bad} bad in a row, by chance {}", often(false_alarms)),
            ));
        }
        for (name, rule) in &self.burns {
            said.push((
                *name,
                format!(
                    "{} bad of {} ({}), by chance {}",
                    rule.bad,
                    rule.ticks,
                    length(rule.window.seconds),
                    often(rule.false_alarms)
                ),
            ));
        }
        if let Some(after) = self.no_data {
            said.push((
                Rule::NoData,
                format!("no decided run for {}", length(after.as_secs_f64())),
            ));
        }
        said
    }
}

/// How often a rule is false.
#[must_use]
pub fn often(false_alarms: f64) -> String {
    match false_alarms {
        f if f < 0.001 => String::from("less than once in 80 years"),
        f if f < 1.0 => format!("once in {:.0} days", (30.0 / f).round()),
        f => format!("{f:.1} times in 30 days"),
    }
}

/// The word of a rule in records.
#[must_use]
pub const fn word(rule: Rule) -> &'static str {
    match rule {
        Rule::InARow => "in_a_row",
        Rule::BurnHour => "burn_hour",
        Rule::BurnSixHours => "burn_six_hours",
        Rule::BurnThreeDays => "burn_three_days",
        Rule::AtOnce => "at_once",
        Rule::NoData => "no_data",
        Rule::Blind => "blind",
    }
}

/// A length of time as people write it.
#[must_use]
pub fn length(seconds: f64) -> String {
    let whole = whole(seconds.round().max(0.0));
    let parts = [
        (whole / 86_400, "d"),
        (whole % 86_400 / 3_600, "h"),
        (whole % 3_600 / 60, "min"),
        (whole % 60, "s"),
    ];
    let said: Vec<String> = parts
        .iter()
        .filter(|(n, _)| *n > 0)
        .take(2)
        .map(|(n, unit)| format!("{n} {unit}"))
        .collect();
    if said.is_empty() {
        return String::from("0 s");
    }
    said.join(" ")
}

fn named(window: &alerting::Window) -> Rule {
    match window.severity {
        Loud::Ticket => Rule::BurnThreeDays,
        Loud::Page if window.seconds > 3_600.0 => Rule::BurnSixHours,
        Loud::Page => Rule::BurnHour,
    }
}

#[expect(clippy::cast_precision_loss, reason = "ticks in 30 days are far below 2^53")]
const fn ticks(n: u64) -> f64 {
    n as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates, and negative values are ruled out by the callers"
)]
const fn whole(n: f64) -> u64 {
    n as u64
}
