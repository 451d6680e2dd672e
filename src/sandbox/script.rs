//! Which message gets which fault: a script, read from YAML or built in.
//!
//! ```yaml
//! by_name: true              # a message whose text holds `fault:NAME` gets that fault; default true
//! default: {}                # for routes that are not named below; the same keys as a route
//! routes:
//!   alpha:
//!     provider: north        # default `main`
//!     fallback: south        # default `spare`: who takes over on `reroute`
//!     max_in_flight: 50      # over this many open messages the fallback takes over; default: no limit
//!     delays:                # usual times, drawn by the seed between both ends
//!       webhook: { min: 20ms, max: 120ms }
//!       mail: { min: 30ms, max: 160ms }
//!       sent: { min: 20ms, max: 60ms }      # the row's step
//!       row: { min: 80ms, max: 180ms }
//!     faults:                # the first that applies is taken
//!       - fault: drop        # see FaultKind, or `landfall sandbox --print-faults`
//!         every: 10          # the 10th, 20th, … message of the route
//!         offset: 3          # then the 3rd, 13th, …; default: the last of each `every`
//!         channel: mail
//!       - fault: late
//!         probability: 0.05  # drawn by the seed
//!         delay: 1500ms
//!       - fault: refuse
//!         when: urgent       # only messages whose text holds this
//!         from: 100          # only from the 100th message of the route on
//!         until: 200         # and up to the 200th
//!         status: 500
//!       - fault: drop
//!         node: 2            # only what this machine of the provider takes, 1 to 3: `x-served-by: PROVIDER-2`
//!         zone: b            # only what is taken in this zone, a to d: `x-zone: b`
//! ```

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::SignedDuration;
use serde::Deserialize;

use super::draw::{NODES, ZONES};
use super::fault::{FaultKind, Parameter};
use super::message::{Channel, check_route};

/// The largest script, in bytes.
pub const SCRIPT_LIMIT: usize = 1024 * 1024;
/// The most rules of a route.
pub const RULE_LIMIT: usize = 1_000;
/// The longest delay.
pub const DELAY_LIMIT: Duration = Duration::from_secs(600);

/// What happens to which message.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Script {
    /// Whether a message may name its own fault: `fault:NAME` as a word of its text.
    pub by_name: bool,
    /// For routes that are not named.
    pub default: RouteScript,
    /// By name.
    pub routes: BTreeMap<String, RouteScript>,
}

/// One route.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RouteScript {
    /// Who delivers.
    pub provider: String,
    /// Who delivers instead, on `reroute`.
    pub fallback: String,
    /// Over this many open messages the fallback takes over.
    pub max_in_flight: Option<usize>,
    /// When outcomes usually come.
    pub delays: Delays,
    /// In order; the first that applies is taken.
    pub faults: Vec<Rule>,
}

/// When outcomes usually come, counted from the request.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Delays {
    /// The webhook.
    pub webhook: Range,
    /// The mail.
    pub mail: Range,
    /// The row's step `sent`.
    pub sent: Range,
    /// The row's step `delivered`.
    pub row: Range,
}

/// A time is drawn from here; both ends may be drawn.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// The shortest.
    #[serde(deserialize_with = "duration")]
    pub min: Duration,
    /// The longest.
    #[serde(deserialize_with = "duration")]
    pub max: Duration,
}

/// One rule: which messages, which fault, with what.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// What is done.
    pub fault: FaultKind,
    /// One message in so many.
    #[serde(default)]
    pub every: Option<u64>,
    /// Which of `every`, from 1; left out, the last.
    #[serde(default)]
    pub offset: Option<u64>,
    /// Between 0 and 1.
    #[serde(default)]
    pub probability: Option<f64>,
    /// A part of the message's text.
    #[serde(default)]
    pub when: Option<String>,
    /// From this message of the route on, from 1.
    #[serde(default)]
    pub from: Option<u64>,
    /// Up to this message of the route.
    #[serde(default)]
    pub until: Option<u64>,
    /// Only what this machine of the provider takes.
    #[serde(default)]
    pub node: Option<u32>,
    /// Only what is taken in this zone.
    #[serde(default)]
    pub zone: Option<String>,
    /// Only on this channel.
    #[serde(default)]
    pub channel: Option<Channel>,
    /// How long.
    #[serde(default, deserialize_with = "maybe_duration")]
    pub delay: Option<Duration>,
    /// When, counted from the request.
    #[serde(default, deserialize_with = "maybe_duration")]
    pub at: Option<Duration>,
    /// The HTTP status that refuses.
    #[serde(default)]
    pub status: Option<u16>,
    /// How often.
    #[serde(default)]
    pub times: Option<u32>,
}

/// A script that cannot be honoured.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ScriptError(String);

impl Default for Script {
    fn default() -> Self {
        Self {
            by_name: true,
            default: RouteScript::default(),
            routes: BTreeMap::new(),
        }
    }
}

impl Default for RouteScript {
    fn default() -> Self {
        Self {
            provider: String::from("main"),
            fallback: String::from("spare"),
            max_in_flight: None,
            delays: Delays::default(),
            faults: Vec::new(),
        }
    }
}

impl Default for Delays {
    fn default() -> Self {
        Self {
            webhook: Range::millis(20, 120),
            mail: Range::millis(30, 160),
            sent: Range::millis(20, 60),
            row: Range::millis(80, 180),
        }
    }
}

impl Range {
    /// From `min` to `max` milliseconds.
    #[must_use]
    pub const fn millis(min: u64, max: u64) -> Self {
        Self {
            min: Duration::from_millis(min),
            max: Duration::from_millis(max),
        }
    }
}

impl Rule {
    /// A rule that always applies, its parameters left at their defaults.
    #[must_use]
    pub const fn always(fault: FaultKind) -> Self {
        Self {
            fault,
            every: None,
            offset: None,
            probability: None,
            when: None,
            from: None,
            until: None,
            node: None,
            zone: None,
            channel: None,
            delay: None,
            at: None,
            status: None,
            times: None,
        }
    }

    /// Whether the rule is about the `n`th message (from 1) of its route; `draw` is between 0 and 1.
    #[must_use]
    pub fn applies(&self, n: u64, text: &str, draw: f64) -> bool {
        self.from.is_none_or(|from| n >= from)
            && self.until.is_none_or(|until| n <= until)
            && self
                .every
                .is_none_or(|every| every > 0 && n % every == self.offset.unwrap_or(every) % every)
            && self.when.as_deref().is_none_or(|part| text.contains(part))
            && self.probability.is_none_or(|probability| draw < probability)
    }

    /// Whether the rule is about what this machine takes in this zone.
    #[must_use]
    pub fn is_of(&self, node: u32, zone: &str) -> bool {
        self.node.is_none_or(|own| own == node) && self.zone.as_deref().is_none_or(|own| own == zone)
    }

    fn check(&self) -> Result<(), String> {
        let given = [
            (Parameter::Channel, self.channel.is_some()),
            (Parameter::Delay, self.delay.is_some()),
            (Parameter::At, self.at.is_some()),
            (Parameter::Status, self.status.is_some()),
            (Parameter::Times, self.times.is_some()),
        ];
        for (parameter, _) in given.iter().filter(|(_, given)| *given) {
            if !self.fault.takes().contains(parameter) {
                let takes: Vec<_> = self.fault.takes().iter().map(|p| p.name()).collect();
                return Err(format!(
                    "takes no `{}`, only: {}",
                    parameter.name(),
                    takes.join(", ")
                ));
            }
        }
        if let Some(probability) = self.probability.filter(|p| !(0.0..=1.0).contains(p)) {
            return Err(format!(
                "`probability` must be between 0 and 1, not {probability}"
            ));
        }
        if let Some(node) = self.node.filter(|n| !(1..=NODES).contains(n)) {
            return Err(format!("`node` must be between 1 and {NODES}, not {node}"));
        }
        if let Some(zone) = self.zone.as_deref().filter(|zone| !ZONES.contains(zone)) {
            return Err(format!(
                "`zone` must be one of {}, not `{zone}`",
                ZONES.join(", ")
            ));
        }
        if self.every == Some(0) {
            return Err(String::from("`every` must be at least 1"));
        }
        match (self.every, self.offset) {
            (None, Some(_)) => return Err(String::from("`offset` needs `every`")),
            (Some(every), Some(offset)) if !(1..=every).contains(&offset) => {
                return Err(format!("`offset` must be between 1 and {every}, not {offset}"));
            }
            _ => {}
        }
        if let Some(status) = self.status.filter(|s| !(400..=599).contains(s)) {
            return Err(format!("`status` must be between 400 and 599, not {status}"));
        }
        if let Some(times) = self.times.filter(|n| !(1..=10).contains(n)) {
            return Err(format!("`times` must be between 1 and 10, not {times}"));
        }
        Ok(())
    }
}

impl Script {
    /// Reads a script; `name` is the file's name, for messages.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn parse(name: &str, text: &str) -> Result<Self, ScriptError> {
        if text.len() > SCRIPT_LIMIT {
            return Err(ScriptError(format!("{name}: has more than {SCRIPT_LIMIT} bytes")));
        }
        let script: Self = if text.trim().is_empty() {
            Self::default()
        } else {
            serde_saphyr::from_str(text).map_err(|e| ScriptError(format!("{name}: {e}")))?
        };
        script.check().map_err(|e| ScriptError(format!("{name}: {e}")))?;
        Ok(script)
    }

    /// What is scripted for a route.
    #[must_use]
    pub fn route(&self, name: &str) -> &RouteScript {
        self.routes.get(name).unwrap_or(&self.default)
    }

    /// The route whose provider this is.
    #[must_use]
    pub fn route_of(&self, provider: &str) -> Option<&str> {
        self.routes
            .iter()
            .find(|(_, route)| route.provider == provider)
            .map(|(name, _)| name.as_str())
    }

    fn check(&self) -> Result<(), String> {
        self.default.check().map_err(|e| format!("default{e}"))?;
        for (name, route) in &self.routes {
            check_route(name).map_err(|e| format!("routes.{name}: {e}"))?;
            route.check().map_err(|e| format!("routes.{name}{e}"))?;
        }
        Ok(())
    }
}

impl RouteScript {
    fn check(&self) -> Result<(), String> {
        for (key, name) in [("provider", &self.provider), ("fallback", &self.fallback)] {
            // Providers go into header values.
            check_route(name)
                .map_err(|_| format!(".{key}: `{name}` must be 1 to 64 letters, digits, `_` or `-`"))?;
        }
        if self.faults.len() > RULE_LIMIT {
            return Err(format!(".faults: has more than {RULE_LIMIT} rules"));
        }
        let ranges = [
            ("webhook", self.delays.webhook),
            ("mail", self.delays.mail),
            ("sent", self.delays.sent),
            ("row", self.delays.row),
        ];
        if let Some((name, _)) = ranges.iter().find(|(_, range)| range.min > range.max) {
            return Err(format!(".delays.{name}: `min` is longer than `max`"));
        }
        for (at, rule) in self.faults.iter().enumerate() {
            rule.check()
                .map_err(|e| format!(".faults[{at}] ({}): {e}", rule.fault))?;
        }
        Ok(())
    }
}

fn duration<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    let wrong = || {
        serde::de::Error::custom(format_args!(
            "`{text}` is no duration: expected a number with a unit, for example `250ms` or `1.5s`"
        ))
    };
    let parsed: SignedDuration = text.parse().map_err(|_| wrong())?;
    let duration = Duration::try_from(parsed).map_err(|_| wrong())?;
    if duration > DELAY_LIMIT {
        return Err(serde::de::Error::custom(format_args!(
            "`{text}` is longer than the limit of {} s",
            DELAY_LIMIT.as_secs()
        )));
    }
    Ok(duration)
}

fn maybe_duration<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    duration(deserializer).map(Some)
}

#[cfg(test)]
mod tests;
