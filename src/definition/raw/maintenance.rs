//! Maintenance windows, as they are written.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::model::{Lapse, Spanned};

/// A stretch of time in which nobody is alerted, or nothing fires: once (`from`, `to`) or again and again (`cron`,
/// `duration`).
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawWindow {
    /// Its first instant, in RFC 3339: `2026-12-24T18:00:00Z`.
    pub from: Option<Spanned<String>>,
    /// With `from`: the first instant after it.
    pub to: Option<Spanned<String>>,
    /// When it begins, again and again: a cron line as in `schedule`.
    pub cron: Option<Spanned<String>>,
    /// With `cron`: how long it lasts. At most `7d`.
    pub duration: Option<Spanned<Lapse>>,
    /// With `cron`: an IANA time zone. Default: the workspace's `defaults.timezone`, else UTC.
    pub timezone: Option<Spanned<String>>,
    /// What it does. Default `mute`.
    #[serde(default)]
    pub mode: RawWindowMode,
    /// What it is for; told with each tick that it stops.
    #[serde(default)]
    pub reason: String,
}

/// What a maintenance window does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawWindowMode {
    /// Probes fire and measure; nobody is alerted.
    #[default]
    Mute,
    /// Probes do not fire; each tick is recorded as skipped.
    Stop,
}
