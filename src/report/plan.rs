//! `landfall plan`: how many runs or ticks a claim needs, before anything is fired. What is reckoned is data; `text` and
//! `markdown` tell it.

mod markdown;
mod reckon;
mod text;

use schemars::JsonSchema;
use serde::Serialize;

use super::{Style, json};

pub use reckon::{Ask, AskProbe, Goal, reckon};

/// What `landfall plan --format json` prints. Shares are 0 to 1, times are seconds.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Plan {
    /// The confidence of every claim.
    pub confidence: f64,
    /// The time between ticks that was given; null where none was, or each probe has its own.
    pub every: Option<f64>,
    /// Each probe of the workspace, or what was given in its place.
    pub probes: Vec<ProbePlan>,
    /// Runs of one series that claim a share.
    pub claims: Vec<ClaimPlan>,
    /// Runs of one series through `run --until-decided`.
    pub gates: Vec<GatePlan>,
    /// Ticks until `compare` says `worse`.
    pub worse: Vec<WorsePlan>,
    /// Ticks until `compare` says `no difference shown`.
    pub no_difference: Vec<NoDifferencePlan>,
}

/// A probe: what its objective takes, and when it alerts.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ProbePlan {
    /// The probe's name; null for what was given on the command line.
    pub probe: Option<String>,
    /// Its schedule in words; null where it has none.
    pub schedule: Option<String>,
    /// Its ticks in 30 days; null without a schedule.
    pub ticks_in_30_days: Option<u64>,
    /// Its series: routes times inputs.
    pub series: u64,
    /// What its objective takes to prove.
    pub objectives: Vec<ObjectivePlan>,
    /// The rules that its schedule and objective imply.
    pub alerts: Vec<AlertPlan>,
    /// Rules that are left out, and why.
    pub left_out: Vec<String>,
}

/// What one goal of an objective takes to prove, for each series.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ObjectivePlan {
    /// What is to be reached.
    pub goal: Goal,
    /// The share that is to be proven.
    pub share: f64,
    /// Runs, none of them failing, that prove it; null where no number does.
    pub runs: Option<u64>,
    /// How long they take at the schedule; null without one.
    pub seconds: Option<f64>,
    /// The objective's window.
    pub window_seconds: f64,
    /// Ticks in the window; null without a schedule.
    pub window_ticks: Option<u64>,
    /// Runs of the window that may fail so that it is proven all the same; null where even none may.
    pub may_fail: Option<u64>,
    /// All of it in words.
    pub sentence: String,
}

/// When a probe alerts.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct AlertPlan {
    /// Which rule.
    pub rule: String,
    /// `page` or `ticket`.
    pub severity: String,
    /// Bad runs from which on it fires; null for a rule that counts none.
    pub bad: Option<u64>,
    /// Among so many runs.
    pub of: Option<u64>,
    /// How often in 30 days a series that just meets its objective would fire it by chance.
    pub false_in_30_days: Option<f64>,
    /// In words.
    pub sentence: String,
}

/// Runs of one series that claim a share.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ClaimPlan {
    /// The share.
    pub share: f64,
    /// Runs, looked at once, with 0, 1 and 2 of them failed.
    pub one_look: [u64; 3],
    /// Runs, none of them failed, where one looks whenever one likes.
    pub any_look: u64,
    /// How long those of one look take, none failing; null without a time between ticks.
    pub seconds: Option<f64>,
}

/// Runs of one series through a gate.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct GatePlan {
    /// The good level.
    pub good: f64,
    /// The bad level.
    pub bad: f64,
    /// The chance at most to call a good one bad.
    pub alpha: f64,
    /// The chance at most to call a bad one good.
    pub beta: f64,
    /// Runs to pass with 0, 1 and 2 failures among them.
    pub runs_to_pass: [u64; 3],
    /// Failures right at the start that fail it.
    pub failures_to_fail: u64,
    /// How long the runs take with none failing; null without a time between ticks.
    pub seconds: Option<f64>,
}

/// Ticks until a worse route is called `worse`.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct WorsePlan {
    /// The share of the baseline that is good.
    pub baseline: f64,
    /// The share of the route that is good.
    pub route: f64,
    /// Ticks at which one look says so in 80 % of comparisons, and in 90 %.
    pub one_look: [u64; 2],
    /// Ticks by which half, 80 % and 90 % of comparisons that are looked at after every tick have a word; null beyond
    /// what was drawn.
    pub any_look: [Option<u64>; 3],
    /// How many comparisons were drawn for that, from what seed, and up to how many ticks.
    pub drawn: Drawn,
    /// How long those of one look take, 80 %; null without a time between ticks.
    pub seconds: Option<f64>,
}

/// Ticks until two routes that are equally good have `no difference shown`.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct NoDifferencePlan {
    /// The loss that does not matter.
    pub margin: f64,
    /// Ticks with no tick at which they differ: looked at once, and at any look.
    pub alike: [u64; 2],
    /// The share of both routes that is good.
    pub both: f64,
    /// Ticks at which one look shows it in 80 % of comparisons.
    pub one_look: u64,
    /// Ticks by which half and 80 % of comparisons that are looked at after every tick have a word; null beyond what was
    /// drawn.
    pub any_look: [Option<u64>; 2],
    /// As in `worse`.
    pub drawn: Drawn,
    /// How long those of one look take, 80 %; null without a time between ticks.
    pub seconds: Option<f64>,
}

/// What figures of continuous looking rest on: comparisons drawn at random (ChaCha8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Drawn {
    /// Comparisons.
    pub repeats: u64,
    /// The seed.
    pub seed: u64,
    /// Ticks after which one was given up.
    pub cap: u64,
}

impl Plan {
    /// For people: one table a question.
    #[must_use]
    pub fn text(&self, style: Style) -> String {
        text::render(self, style)
    }

    /// Indented, with a final line break.
    #[must_use]
    pub fn json(&self) -> String {
        // Numbers that are finite and maps with string keys always serialise.
        json::inert(serde_json::to_string_pretty(self).unwrap_or_default()) + "\n"
    }

    /// For a pull request or a page.
    #[must_use]
    pub fn markdown(&self) -> String {
        markdown::render(self)
    }
}

/// The JSON Schema of `landfall plan --format json`.
#[must_use]
pub fn schema() -> serde_json::Value {
    let settings = schemars::generate::SchemaSettings::draft2020_12().for_serialize();
    settings
        .into_generator()
        .into_root_schema_for::<Plan>()
        .to_value()
}
