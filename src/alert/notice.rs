//! What an alert says: one JSON form, from which every destination makes its own.

mod compose;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::evidence::Evidence;
use super::policy::{Rule, Rules, Severity, Topic};
use super::rules::Event;
use crate::model::Class;

pub use compose::alert_id;

/// The version of the form. A field may be added within a version; what is there keeps its meaning.
pub const VERSION: u32 = 1;

/// One message about one alert.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Notice {
    /// The version of this form: 1.
    pub version: u32,
    /// The message's own id. A message that comes twice has the same one.
    pub id: String,
    /// The alert's id: the same from its opening to its end.
    pub alert: String,
    /// What this message is about.
    pub event: Event,
    /// Whether it is open.
    pub state: AlertState,
    /// How loud it is.
    pub severity: Severity,
    /// How loud it was before, where this message makes it louder.
    pub was: Option<Severity>,
    /// What it is about.
    pub topic: Topic,
    /// One line.
    pub title: String,
    /// Everything, in plain text.
    pub text: String,
    /// The probe's name.
    pub probe: String,
    /// What the probe is for.
    pub description: String,
    /// Where landfall runs.
    pub location: String,
    /// The probe's labels and those of its alerts.
    pub labels: BTreeMap<String, String>,
    /// When this was decided, RFC 3339.
    pub at: String,
    /// The scheduled instant of the first bad run, RFC 3339.
    pub since: String,
    /// When it was found, RFC 3339.
    pub opened: String,
    /// When it was over, RFC 3339; null while it is open.
    pub ended: Option<String>,
    /// From `since` until now or its end, in seconds.
    pub seconds: f64,
    /// The routes that are or were part of it, the worst first.
    pub routes: Vec<RouteNotice>,
    /// Routes that are not listed.
    pub more_routes: usize,
    /// Runs that were lost when they counted and arrived late all the same.
    pub late_after_all: u64,
    /// What separates the bad runs of the last day from the good ones, in one sentence; null where nothing that is recorded
    /// does, or where it was not looked for.
    #[serde(default)]
    pub cause: Option<String>,
    /// Deployments and incidents noted shortly before it began or since.
    pub marks: Vec<MarkNotice>,
    /// The same once more as pairs, for cards and tables.
    pub facts: Vec<Fact>,
    /// Where to look.
    pub links: Links,
    /// For `summary`: what could not be told.
    pub summary: Option<Summary>,
}

/// Whether an alert is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AlertState {
    /// It is.
    Firing,
    /// It is over.
    Resolved,
}

/// A route (and input) of an alert.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RouteNotice {
    /// The route.
    pub route: String,
    /// The input.
    pub input: String,
    /// Whether it still breaks a rule.
    pub open: bool,
    /// The worst class.
    pub class: Class,
    /// The tick of its first bad run, RFC 3339.
    pub since: String,
    /// Bad runs that counted.
    pub bad: u64,
    /// Of so many.
    pub of: u64,
    /// The rules that it breaks.
    pub rules: Vec<RuleNotice>,
    /// What is usual for it.
    pub usual: Usual,
    /// The last bad run.
    pub evidence: Option<Evidence>,
    /// That run's page.
    pub url: Option<String>,
}

/// A rule that is broken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RuleNotice {
    /// Which.
    pub rule: Rule,
    /// In words.
    pub text: String,
    /// How often it would fire in 30 days on a route that just meets its objective; null where that is not reckoned.
    pub false_alarms: Option<f64>,
}

/// What is usual for a route.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Usual {
    /// The share of bad runs in the longest window, 0 to 1; null without runs.
    pub bad_share: Option<f64>,
    /// Over so many runs.
    pub runs: u64,
    /// The median time to the outcome of the last delivered runs, in seconds.
    pub seconds: Option<f64>,
}

/// A deployment or an incident on the time line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MarkNotice {
    /// When, RFC 3339.
    pub at: String,
    /// What.
    pub text: String,
}

/// A name and a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Fact {
    /// The name.
    pub title: String,
    /// The value.
    pub value: String,
}

/// Addresses of landfall's own pages. Nothing that a run brought in is part of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Links {
    /// The probe's page.
    pub probe: Option<String>,
    /// The page of the worst route's last bad run.
    pub run: Option<String>,
    /// The probe's page, else the start page, else empty: for forms that need some address.
    pub any: String,
}

/// What could not be told while a destination was down.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// The first message that is not sent by itself, RFC 3339.
    pub from: String,
    /// The last.
    pub until: String,
    /// How many there were.
    pub messages: u64,
    /// The alerts that they were about, as they last were.
    pub alerts: Vec<Told>,
    /// Alerts that are not listed.
    pub more_alerts: u64,
}

/// An alert in a summary.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Told {
    /// Its id.
    pub alert: String,
    /// What its last message said.
    pub title: String,
    /// Whether it is open.
    pub state: AlertState,
    /// The tick of its first bad run.
    pub since: String,
}

/// What is known of a probe besides its runs.
#[derive(Clone, Debug)]
pub struct About {
    /// Its name.
    pub probe: String,
    /// What it is for.
    pub description: String,
    /// Its labels and those of its alerts.
    pub labels: BTreeMap<String, String>,
    /// Where landfall runs.
    pub location: String,
    /// The address of landfall's pages, without a final slash.
    pub pages: Option<String>,
    /// Its rules.
    pub rules: Rules,
}

/// The JSON Schema of a [`Notice`].
#[must_use]
pub fn schema() -> serde_json::Value {
    let settings = schemars::generate::SchemaSettings::draft2020_12().for_serialize();
    settings
        .into_generator()
        .into_root_schema_for::<Notice>()
        .to_value()
}
