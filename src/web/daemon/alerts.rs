//! What API and pages say of alerts: those that are open, what is muted, and how those who are told fare.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::Moment;

/// An alert that is open and was told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AlertView {
    /// Its id, the same from its opening to its end.
    pub id: String,
    /// The probe.
    pub probe: String,
    /// How loud it is: `page` or `ticket`.
    pub severity: String,
    /// What it is about: `outcome`, or `sight` where landfall could not tell.
    pub topic: String,
    /// In one line.
    pub title: String,
    /// The scheduled instant of the first bad run.
    pub since: String,
    /// When it was found.
    pub opened: String,
    /// The routes that are part of it, the worst first; with the input where a probe has several.
    pub routes: Vec<String>,
    /// Whether a mute in force covers it, or all of its routes.
    pub muted: bool,
}

/// A mute in force. What is left out matches everything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct MuteView {
    /// Its id.
    pub id: String,
    /// The probe that is muted; null: every one.
    pub probe: Option<String>,
    /// The route that is muted; null: every one.
    pub route: Option<String>,
    /// Labels that a probe must have to be muted.
    pub labels: BTreeMap<String, String>,
    /// Since when.
    pub since: String,
    /// Until when; null: until somebody ends it.
    pub until: Option<String>,
    /// Who asked for it.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// Somebody who is told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DestinationView {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// Messages that wait.
    pub waiting: u64,
    /// Messages that were taken since the start.
    pub sent: u64,
    /// Attempts that failed since the start.
    pub failed: u64,
    /// Messages that were given up since the start.
    pub given_up: u64,
    /// Messages that waited and were replaced since the start: by one that sums them up, or by their alert's later state.
    pub summed_up: u64,
    /// When a message was last taken since the start.
    pub last_success: Option<String>,
    /// When an attempt last failed since the start.
    pub last_failure: Option<String>,
    /// Since when it takes nothing; null while it does.
    pub down_since: Option<String>,
    /// What the last failed attempt said, while it is down.
    pub error: Option<String>,
}

/// Everything about alerts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlertsView {
    /// The alerts that are open and were told.
    pub open: Vec<AlertView>,
    /// The mutes in force.
    pub mutes: Vec<MuteView>,
    /// Those who are told.
    pub destinations: Vec<DestinationView>,
}

/// A mute to set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewMute {
    /// The probe; left out: every one.
    pub probe: Option<String>,
    /// The route; left out: every one.
    pub route: Option<String>,
    /// Labels that a probe must have.
    pub labels: BTreeMap<String, String>,
    /// Until when; left out: until somebody ends it.
    pub until: Option<Moment>,
    /// Why, for those who read it later.
    pub reason: String,
    /// Who asked: the token's name.
    pub by: String,
}

/// What was unmuted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Unmuted {
    /// Whether there was such a mute.
    pub was: bool,
}
