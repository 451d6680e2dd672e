//! A probe's file.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Named, OneOrMany, Plain, RawAlerts, RawFingerprint, RawTimes, RawWindow};
use crate::model::{Expr, Free, Lapse, Percent, Spanned, TokenFormat};
use crate::trigger::TriggerConfig;

/// One probe: what is fired, down which routes, and what must come of it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawProbe {
    /// Its name: lower-case letters, digits, `_` and `-`, unique in the workspace.
    pub name: Spanned<String>,
    /// What it is for, in a sentence.
    #[serde(default)]
    pub description: String,
    /// `false` keeps it from firing; it is checked all the same. Default `true`.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// When `landfall serve` fires it: `{ every: 1m, jitter: 5s }` or `{ cron: "*/5 * * * *", timezone: Europe/Amsterdam }`.
    pub schedule: Option<Spanned<RawSchedule>>,
    /// Stretches of time in which its alerts are mute, or it does not fire; those of the workspace hold besides.
    #[serde(default)]
    pub maintenance: Vec<Spanned<RawWindow>>,
    /// The ways that the same input can go, by name; each is fired at the same tick. Default: one route named `default`.
    #[serde(default)]
    pub routes: Named<RawRoute>,
    /// What is sent, the same down every route: `input` in templates and expressions. Its strings are templates.
    pub input: Option<Spanned<Free>>,
    /// Several inputs by name, instead of `input`. Every route gets each of them.
    pub inputs: Option<Spanned<Named<Free>>>,
    /// What is fired. May be left out only where every route brings its own.
    pub request: Option<TriggerConfig>,
    /// Names for values of the answer, such as a server-made id: `order: response.json.id`. Each is also a second
    /// correlation key, and a variable from then on.
    #[serde(default)]
    pub capture: Named<Expr>,
    /// Whether the API took it. Default: any 2xx (smtp: 2xx to the final dot; exec: exit code 0).
    pub accepted: Option<Expr>,
    /// The steps by which the system does the work, in their order.
    #[serde(default)]
    pub executed: Vec<RawStep>,
    /// What the user must get. A probe without one does not load.
    #[serde(default)]
    pub outcome: Vec<RawExpectation>,
    /// The system's own word that it failed.
    #[serde(default)]
    pub failed_when: Vec<RawExpectation>,
    /// What the provider claims, such as a delivery report: recorded beside the truth, never believed.
    #[serde(default)]
    pub receipt: Vec<RawExpectation>,
    /// Keep looking this long after the last expected arrival. Default: the workspace's `defaults.settle`, else `2s`.
    pub settle: Option<Spanned<Lapse>>,
    /// What 'the same outcome' means beyond the classes: a list of expressions in which a channel's name stands for its
    /// first observation that held, or `{ all: true, except: […] }`.
    pub fingerprint: Option<RawFingerprint>,
    /// What may explain a difference between runs: names and expressions. One that is named `route` tells the route
    /// really taken: where it differs from the one asked for, the run bears the flag *rerouted*.
    #[serde(default)]
    pub attributes: Named<Expr>,
    /// The hops that a run took, as expressions.
    #[serde(default)]
    pub path: Vec<Expr>,
    /// Requests that always run once the run is past its grace, also after a failure.
    #[serde(default)]
    pub cleanup: Vec<TriggerConfig>,
    /// What bounds it: canaries cost money and load. Default: the workspace's `defaults.limits`.
    pub limits: Option<Spanned<RawLimits>>,
    /// What it should reach. Default: the workspace's `defaults.objective`.
    pub objective: Option<RawObjective>,
    /// When somebody is told of it, and who. Default: the workspace's `defaults.alerts`, key by key.
    pub alerts: Option<RawAlerts>,
    /// For filters and groups; added to the workspace's `defaults.labels`.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// How its tokens are written.
    #[serde(default)]
    pub token: Spanned<RawToken>,
}

/// One named way that the same input can go. What it replaces, it replaces whole.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawRoute {
    /// Plain values: `route.NAME` in templates and expressions. `name` is reserved.
    #[serde(default)]
    pub vars: Named<Plain>,
    /// Channels that stand in for others on this route: `{ inbox: gmail }`.
    #[serde(default)]
    pub channels: Named<Spanned<String>>,
    /// Replaces the probe's `request`.
    pub request: Option<TriggerConfig>,
    /// Replaces the probe's `capture`.
    pub capture: Option<Named<Expr>>,
    /// Replaces the probe's `accepted`.
    pub accepted: Option<Expr>,
    /// Replaces the probe's `executed`.
    pub executed: Option<Vec<RawStep>>,
    /// Replaces the probe's `outcome`.
    pub outcome: Option<Vec<RawExpectation>>,
    /// Replaces the probe's `failed_when`.
    pub failed_when: Option<Vec<RawExpectation>>,
    /// Replaces the probe's `path`.
    pub path: Option<Vec<Expr>>,
    /// Replaces the probe's `cleanup`.
    pub cleanup: Option<Vec<TriggerConfig>>,
}

/// When a probe fires: `every` or `cron`, or `on_start` alone.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawSchedule {
    /// At equal distances. At least `1s`, unless `allow_fast` is set.
    pub every: Option<Spanned<Lapse>>,
    /// With `every`: each tick is moved by a random part of this. Less than `every`. Default: none.
    pub jitter: Option<Spanned<Lapse>>,
    /// At the instants of a cron line of five fields (or six, with seconds first).
    pub cron: Option<Spanned<String>>,
    /// With `cron`: an IANA time zone. Default: the workspace's `defaults.timezone`, else UTC.
    pub timezone: Option<Spanned<String>>,
    /// With `every`: allows less than `1s`, down to `10ms`. What is fired that often is load, not a canary.
    #[serde(default)]
    pub allow_fast: bool,
    /// Also when `landfall serve` starts. Default `false`.
    #[serde(default)]
    pub on_start: bool,
    /// A tick that has not left so long after it was due is skipped instead of fired late. At most the shortest distance
    /// of two ticks. Default: half of that distance, and at most `30s`.
    pub start_deadline: Option<Spanned<Lapse>>,
}

/// Something that is waited for on a channel.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawExpectation {
    /// The channel.
    #[serde(rename = "in")]
    pub channel: Spanned<String>,
    /// How reports call it; needed where several wait on one channel. Default: the channel's name.
    pub name: Option<Spanned<String>>,
    /// Which observations this is about. Default: every one that bears the run's key.
    #[serde(rename = "where")]
    pub filter: Option<Expr>,
    /// Names the key in an observation, where neither the token nor a captured id is enough.
    pub key: Option<Expr>,
    /// What must hold of them: an expression or a list of them.
    #[serde(default)]
    pub expect: OneOrMany<Expr>,
    /// How soon, counted from the first byte sent. Default: the workspace's `defaults.within`, else `30s`; for
    /// `failed_when` and `receipt` as long as the outcomes are waited for.
    pub within: Option<Spanned<Lapse>>,
    /// After `within`, until here: late; after that: lost. Default: the workspace's `defaults.grace`, else as long as
    /// `within` again.
    pub grace: Option<Spanned<Lapse>>,
    /// How often: `n`, `{ min: 1, max: 3 }`, or `0`: it must not arrive. Default `1`.
    pub times: Option<Spanned<RawTimes>>,
}

/// A step of the work, seen on a channel.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawStep {
    /// The step's name.
    pub step: Spanned<String>,
    /// The channel on which it shows.
    #[serde(rename = "in")]
    pub channel: Spanned<String>,
    /// How reports call it. Default: the step's name.
    pub name: Option<Spanned<String>>,
    /// Which observations this is about. Default: every one that bears the run's key.
    #[serde(rename = "where")]
    pub filter: Option<Expr>,
    /// Names the key in an observation, where neither the token nor a captured id is enough.
    pub key: Option<Expr>,
    /// What must hold of them: an expression or a list of them.
    #[serde(default)]
    pub expect: OneOrMany<Expr>,
    /// How soon, counted from the first byte sent. Default: the workspace's `defaults.within`, else `30s`.
    pub within: Option<Spanned<Lapse>>,
    /// After `within`, until here: late. Default: the workspace's `defaults.grace`, else as long as `within` again.
    pub grace: Option<Spanned<Lapse>>,
    /// How often: `n` or `{ min: 1, max: 3 }`. Default `1`.
    pub times: Option<Spanned<RawTimes>>,
}

/// What bounds a probe.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawLimits {
    /// Runs per UTC day; a tick is never split. Default: no limit.
    pub per_day: Option<u64>,
    /// Runs open at once. Default: no limit.
    pub in_flight: Option<u64>,
}

/// What a probe should reach.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawObjective {
    /// Share of runs that are delivered on time: `99.5%`.
    pub on_time: Option<Percent>,
    /// Limit of the 95th percentile of the outcome: `10s`.
    pub p95: Option<Lapse>,
    /// Share of pairs of runs that end alike: `99%`.
    pub consistency: Option<Percent>,
    /// Over how long. Default `7d`.
    pub window: Option<Lapse>,
}

/// How tokens are written.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawToken {
    /// `text` (84 random bits), `uuid` (74) or `digits` (53), for systems that constrain it. Default `text`.
    #[serde(default)]
    pub format: TokenFormat,
}

const fn yes() -> bool {
    true
}
