//! The answer: a documented shape for JSON, pages, alerts and whoever else asks.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Bad;
use crate::model::Class;

/// What separates bad runs from good, as far as the records tell.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Causes {
    /// The probes that the runs are of; one as a rule.
    pub probes: Vec<String>,
    /// What counts as bad.
    pub question: Bad,
    /// The tick of the first run that is compared, RFC 3339; null without runs.
    pub first: Option<String>,
    /// That of the last.
    pub last: Option<String>,
    /// Runs that are compared.
    pub runs: u64,
    /// Bad ones among them.
    pub bad: u64,
    /// The bad ones by class.
    pub classes: BTreeMap<Class, u64>,
    /// What is not compared.
    pub left_out: LeftOut,
    /// What the answer is.
    pub outcome: Outcome,
    /// The answer in one sentence.
    pub sentence: String,
    /// What separates them, the foremost first; each after the first was found inside the strata of those before it.
    pub causes: Vec<Found>,
    /// The attribute that came nearest where nothing separates them.
    pub nearest: Option<Nearest>,
    /// When it began, where the share of bad runs changed at one time.
    pub began: Option<Began>,
    /// How the bad runs look: not why they are bad.
    pub signs: Vec<Sign>,
    /// The revisions of the definition, in the order in which they came; more than one: the figures mix them.
    pub revisions: Vec<Revision>,
    /// The attributes that were looked at.
    pub considered: Vec<String>,
    /// Attributes that were left out, since almost every run has a value of its own or there are too many.
    pub ignored: Vec<Ignored>,
    /// What else must be known to read this.
    pub notes: Vec<String>,
    /// The adjusted p up to which something is named.
    pub significance: f64,
    /// What shuffles were drawn from.
    pub seed: u64,
}

/// What the answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Something separates them.
    Causes,
    /// Nothing that is recorded does.
    Nothing,
    /// There are too few bad, or good, runs to say.
    TooFew,
    /// No run is bad.
    NoneBad,
    /// No run is good.
    AllBad,
    /// There are no runs to compare.
    NoRuns,
}

/// Runs that are not compared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct LeftOut {
    /// Neither bad nor good by the question, by class. `unobserved` is among them unless it was asked for.
    pub classes: BTreeMap<Class, u64>,
    /// Their tick is no time.
    pub timeless: u64,
}

/// An attribute that separates bad runs from good.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Found {
    /// Its name.
    pub attribute: String,
    /// Its values that stand out, the foremost first.
    pub values: Vec<Value>,
    /// Which part of the uncertainty about good and bad it explains, 0 to 1.
    pub explained: f64,
    /// How often the best of all attributes would do as well by chance.
    pub p: f64,
    /// Attributes that cannot be told apart from it: any of them may be the cause, or none.
    pub equivalents: Vec<Equal>,
    /// The runs that are compared by it, where it cannot be known of all.
    pub among: Option<String>,
}

/// A value, and how runs that have it fared.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Value {
    /// The value.
    pub value: String,
    /// Runs that have it.
    pub runs: u64,
    /// Bad ones among them.
    pub bad: u64,
    /// Their share, 0 to 1, and its 95 % interval (Wilson).
    pub share: [f64; 3],
    /// The other runs that are compared.
    pub runs_elsewhere: u64,
    /// Bad ones among them.
    pub bad_elsewhere: u64,
    /// Their share and its interval.
    pub share_elsewhere: [f64; 3],
    /// Which part of all bad runs have the value, 0 to 1.
    pub covers: f64,
}

/// An attribute that parts the runs as another does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Equal {
    /// Its name.
    pub attribute: String,
    /// The value that goes with the foremost value of the other.
    pub value: String,
}

/// The attribute that came nearest.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Nearest {
    /// Its name.
    pub attribute: String,
    /// Its adjusted p.
    pub p: f64,
}

/// When the share of bad runs changed.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Began {
    /// The tick of the first run after the change, RFC 3339.
    pub at: String,
    /// The tick of the last run before it, RFC 3339.
    pub after: String,
    /// Which runs it was looked for in; null for all that are compared.
    pub among: Option<String>,
    /// Runs before it.
    pub runs_before: u64,
    /// Bad ones among them.
    pub bad_before: u64,
    /// Runs after it.
    pub runs_after: u64,
    /// Bad ones among them.
    pub bad_after: u64,
    /// How often a shuffled order would show a change as clear.
    pub p: f64,
    /// What was noted or changed near it, the nearest first.
    pub nearby: Vec<Nearby>,
}

/// Something near a change.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Nearby {
    /// When, RFC 3339.
    pub at: String,
    /// Seconds from it to the first run after the change; negative where it came later.
    pub seconds_before: f64,
    /// What sort of thing it is.
    pub kind: NearbyKind,
    /// What happened.
    pub text: String,
}

/// What sort of thing is near a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NearbyKind {
    /// A mark.
    Mark,
    /// The definition changed.
    Revision,
}

/// How bad runs look, against good ones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Sign {
    /// What they show.
    pub sign: String,
    /// Bad runs that show it.
    pub bad: u64,
    /// Good runs that do.
    pub good: u64,
}

/// A revision of the definition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Revision {
    /// Its digest.
    pub revision: String,
    /// The tick of its first run, RFC 3339.
    pub first: String,
    /// That of its last.
    pub last: String,
    /// Its runs.
    pub runs: u64,
    /// Bad ones among them.
    pub bad: u64,
}

/// An attribute that was left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Ignored {
    /// Its name.
    pub attribute: String,
    /// How many values it has.
    pub values: u64,
    /// Whether it has more than those.
    pub more: bool,
}
