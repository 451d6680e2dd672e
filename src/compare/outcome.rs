//! What a comparison comes out as: what every format renders, and what `--format json` prints.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::Metric;
use crate::model::Class;
use crate::stats::verdict::{Withheld, Word};

/// What `compare --format json` prints.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Comparison {
    /// Landfall's version.
    pub version: String,
    /// Where the runs come from.
    pub source: Source,
    /// Whether the runs were compared tick by tick.
    pub paired: bool,
    /// The probe; null where result files hold several.
    pub probe: Option<String>,
    /// What the others are held against: a route, or a file.
    pub baseline: String,
    /// The first tick that was compared, RFC 3339; null where none was.
    pub since: Option<String>,
    /// The last one.
    pub until: Option<String>,
    /// Why it ended.
    pub end: End,
    /// What exactly, where it did not end by itself; else empty.
    pub end_detail: String,
    /// What was declared beforehand.
    pub terms: Terms,
    /// How it was fired; null of history.
    pub schedule: Option<Schedule>,
    /// Ticks by what became of them; null where nothing was paired.
    pub ticks: Option<Ticks>,
    /// The comparisons: those that the exit code rests on first, then the advisory ones, then those of the noise arm.
    pub comparisons: Vec<Compared>,
    /// The runs that were compared, by route and input.
    pub routes: Vec<RouteFigures>,
    /// How large the differences are.
    pub effects: Vec<Effect>,
    /// How far apart the routes of a tick started; null where that is not known.
    pub skew: Option<Skew>,
    /// Revisions of the definitions that were compared.
    pub revisions: Vec<String>,
    /// What has to be known to read it, in sentences.
    pub notes: Vec<String>,
}

/// Where the runs of a comparison come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// They were fired for it.
    Live,
    /// They are on record.
    Store,
    /// They are in two result files.
    Files,
}

/// Why a comparison ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// Each declared comparison has its word.
    Decided,
    /// So many ticks were fired as there may be.
    Cap,
    /// The time for it was over.
    Time,
    /// A limit of the probe skipped a tick.
    Limit,
    /// It was interrupted.
    Interrupted,
    /// Everything there is was read.
    Read,
}

/// What was declared before the first tick.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Terms {
    /// What the comparison is about.
    pub metric: Metric,
    /// What else the exit code rests on.
    pub gates: Vec<Metric>,
    /// The confidence of all declared comparisons together, 0 to 1.
    pub confidence: f64,
    /// The confidence of each (Bonferroni).
    pub each: f64,
    /// How many comparisons are declared.
    pub family: u64,
    /// One looks once, at so many ticks; null where one may look at any.
    pub fixed: Option<u64>,
}

/// How the ticks were fired.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Schedule {
    /// What the orders of the routes were drawn from (ChaCha8).
    pub seed: u64,
    /// Between two ticks, in seconds.
    pub every: f64,
    /// Between two routes of a tick, in seconds.
    pub route_gap: f64,
    /// Ticks that were due, fired or skipped.
    pub fired: u64,
    /// Most ticks that would have been.
    pub cap: u64,
}

/// Ticks by what became of them; each input of a tick is counted for itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Ticks {
    /// Ticks at which every compared route was observed.
    pub counted: u64,
    /// The others by why they do not count: `unobserved`, `one_sided` (not every route has a run), `other_revision`,
    /// `unreadable`, or the reason of a skip.
    pub dropped: BTreeMap<String, u64>,
    /// Ticks that had not ended when it was decided or broken off, or came after one that had not.
    pub in_flight: u64,
    /// Runs of these ticks, where a definition of the compared revision fired them.
    pub runs: u64,
    /// Those of them that landfall did not see the end of.
    pub unobserved: u64,
}

/// What a comparison is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The exit code rests on it.
    Declared,
    /// It is shown, and no more.
    Advisory,
    /// The baseline against itself.
    Noise,
}

/// One route against the baseline.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Compared {
    /// The probe.
    pub probe: String,
    /// The route.
    pub route: String,
    /// The input.
    pub input: String,
    /// By what.
    pub metric: Metric,
    /// What for.
    pub role: Role,
    /// What is said; null where no verdict is given, or none can be.
    pub word: Option<Word>,
    /// Why no verdict is given, if so.
    pub withheld: Option<Withheld>,
    /// Whether it is worse by more than the margin.
    pub beyond_margin: bool,
    /// The loss that does not matter: a net share of ticks (paired) or of runs, above 0 and below 1.
    pub margin: f64,
    /// Ticks at which the route did better, the same and worse; null where nothing was paired.
    pub better: Option<u64>,
    /// Ticks at which neither did.
    pub same: Option<u64>,
    /// Ticks at which it did worse.
    pub worse: Option<u64>,
    /// The net share that is better, -1 to 1; null where nothing was counted.
    pub net: Option<f64>,
    /// The limits of that share at this confidence.
    pub limits: Limits,
    /// McNemar's mid-p of one look at paired ticks; null otherwise.
    pub mid_p: Option<f64>,
    /// For how many looks it holds, in words.
    pub guarantee: String,
    /// About how many ticks (paired) or runs of each side more, at these rates, lead to another word than `not enough runs`:
    /// 0 for any other; null where a thousand million would not do.
    pub more: Option<u64>,
    /// After how many ticks it had its word, where it stopped there.
    pub reached_after: Option<u64>,
    /// How many seconds are too little to call a difference, as it stood at the end; of latency alone.
    pub dead_zone: Option<f64>,
    /// How it stood after so many ticks, evenly noted, the first and the last among them; empty where it is advisory, while it
    /// runs, and where one looks only once.
    pub course: Vec<CoursePoint>,
}

/// How a comparison stood after so many ticks.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct CoursePoint {
    /// Ticks that had been counted.
    pub ticks: u64,
    /// The net share that was better; null where nothing was counted.
    pub net: Option<f64>,
    /// The limits of that share, valid at this look and all others.
    pub limits: Limits,
    /// What could be said.
    pub word: Word,
}

/// The limits of a figure.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Limits {
    /// The lower; null where these data do not bound it.
    pub lower: Option<f64>,
    /// The upper; null where these data do not bound it.
    pub upper: Option<f64>,
}

/// The runs of a route that were compared.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct RouteFigures {
    /// The probe.
    pub probe: String,
    /// The route; of result files also which of the two.
    pub route: String,
    /// The file that it is from; null where there are none.
    pub file: Option<String>,
    /// The input.
    pub input: String,
    /// Runs.
    pub runs: u64,
    /// Runs by class; only those that occur.
    pub classes: BTreeMap<Class, u64>,
    /// The median time until the outcome arrived, in seconds, of all runs; null where half of them never arrived.
    pub p50: Option<f64>,
}

/// How large a difference is; what is null cannot be told from these runs.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Effect {
    /// The probe.
    pub probe: String,
    /// The route, against the baseline.
    pub route: String,
    /// The input.
    pub input: String,
    /// How many seconds later outcomes arrive (Hodges and Lehmann), of the runs that did arrive.
    pub shift: Option<f64>,
    /// Its limits.
    pub shift_limits: Limits,
    /// Ticks, or pairs of runs of result files, that it rests on.
    pub shift_of: u64,
    /// Ticks that it leaves out since not both arrived; of result files, runs that never arrived.
    pub left_out: u64,
    /// How many seconds longer one waits on average, where a run that never arrives is waited for to the cap.
    pub wait_difference: Option<f64>,
    /// That cap, in seconds.
    pub cap: Option<f64>,
    /// The share of ticks at which both ended the same way.
    pub agreement: Option<f64>,
    /// Its limits.
    pub agreement_limits: Limits,
    /// How far the two differ in how they end, with the noise of each taken out; about 0 where they do not.
    pub divergence: Option<f64>,
    /// The chance of so great a divergence if the routes could be exchanged (swap test).
    pub divergence_p: Option<f64>,
    /// Above 0 the two fail together.
    pub shared_fate: Option<f64>,
    /// What only runs that were not paired have.
    pub apart: Option<Apart>,
}

/// Figures of two sets of runs that were not paired.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Apart {
    /// The net share of pairs of runs in which the second arrived sooner, a run that never arrived being later than any.
    pub net_win: f64,
    /// The p of the log-rank test of both curves of 'not yet arrived'.
    pub log_rank_p: f64,
}

/// How far apart the routes of a tick started, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Skew {
    /// Ticks that it rests on.
    pub ticks: u64,
    /// The median.
    pub p50: f64,
    /// The greatest.
    pub max: f64,
}

impl Limits {
    /// No limits.
    pub(crate) const NONE: Self = Self {
        lower: None,
        upper: None,
    };

    pub(crate) fn of(bounds: crate::stats::Bounds) -> Self {
        Self {
            lower: Some(bounds.lower).filter(|limit| limit.is_finite()),
            upper: Some(bounds.upper).filter(|limit| limit.is_finite()),
        }
    }
}

impl Comparison {
    /// What the exit code rests on.
    pub fn declared(&self) -> impl Iterator<Item = &Compared> {
        self.comparisons
            .iter()
            .filter(|compared| compared.role == Role::Declared)
    }

    /// The exit code: 1 where a declared comparison is worse; else 4 where a verdict is withheld, 3 where one says `not
    /// enough runs` or there is none, 0 otherwise.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        let words = || {
            self.declared()
                .map(|compared| compared.word.map_or(3, Word::exit_code))
        };
        if words().any(|code| code == 1) {
            1
        } else if self.declared().any(|compared| compared.withheld.is_some()) {
            4
        } else {
            words().max().unwrap_or(3)
        }
    }
}
