//! `alerts:` of a probe, and of the defaults.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::model::{Class, Lapse, Percent, Spanned};

/// When somebody is told of a probe, and who. Each key that is left out is the workspace's `defaults.alerts`, and else
/// follows from the probe's `objective.on_time` (99% where it has none) and its schedule.
///
/// All routes and inputs of a probe share one alert, in which they are listed. It opens by the rules below, is told again
/// only when it gets worse, and closes once so many good runs came in a row that a fault which is still there would have
/// shown itself (19 times of 20). What landfall did not observe is neither good nor bad.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawAlerts {
    /// Names of destinations. `[]`: nobody is told. Default: every destination of the workspace.
    pub to: Option<Vec<Spanned<String>>>,
    /// Names of destinations for what can wait until the day (severity `ticket`). Default: as `to`.
    pub tickets: Option<Vec<Spanned<String>>>,
    /// So many bad runs in a row, on one route, page; `0`: never. Default: as many as come by chance no more often than
    /// `false_pages` allows.
    pub in_a_row: Option<Spanned<u64>>,
    /// Whether a burning error budget alerts: 14.4 times its rate over an hour and 6 times over six hours page, its rate over
    /// three days is a ticket; each with as many bad runs at least as chance does not bring. Default `true`.
    pub burn_rate: Option<bool>,
    /// How many false pages in 30 days each rule may bring on a route that just meets its objective. Default `0.1`.
    pub false_pages: Option<Spanned<f64>>,
    /// The same for tickets. Default `1`.
    pub false_tickets: Option<Spanned<f64>>,
    /// Whether a late run is a good or a bad one. Default `bad`.
    pub late: Option<RawLate>,
    /// Classes that page at their first occurrence, the same outcome once a day. Default
    /// `[phantom, duplicate, mismatched, unwanted]`.
    pub at_once: Option<Vec<Spanned<Class>>>,
    /// Pages where no run was decided for so long; `0s`: never. Default: three ticks and the time that a run can take.
    pub no_data: Option<Spanned<Lapse>>,
    /// Pages where more than this share of the last runs was not observed; `100%`: never. Default `20%`.
    pub blind: Option<Percent>,
    /// An open alert is told again so often; `0s`: never. Default `1d`.
    pub remind: Option<Spanned<Lapse>>,
    /// How long to wait for other routes of the same outage before telling. Default `10s`.
    pub wait: Option<Spanned<Lapse>>,
    /// Labels of its alerts; a probe's own labels are theirs too.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
}

/// What a late run counts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawLate {
    /// Bad: users waited too long.
    Bad,
    /// Good: it arrived.
    Good,
}
