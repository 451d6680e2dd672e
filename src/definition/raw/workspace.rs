//! `landfall.yaml`.

use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer};

use super::{Named, Plain, RawAlerts, RawApi, RawLimits, RawObjective, RawTelemetry, RawWindow};
use crate::alert::destination::DestinationConfig;
use crate::channel::ChannelConfig;
use crate::model::{Lapse, Spanned};

/// What all probes of a workspace share. Every key may be left out.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawWorkspace {
    /// Where records are kept: `memory`, or `sqlite:PATH` with a path relative to the workspace. Default
    /// `sqlite:landfall.db`.
    pub store: Option<StoreText>,
    /// Where callbacks are received: an IP address and a port. Default `127.0.0.1:4747`.
    pub listen: Option<Spanned<String>>,
    /// Where pages, API and metrics are served, where that is another address than `listen`.
    pub admin: Option<Spanned<String>>,
    /// Who may use the pages and the API.
    #[serde(default)]
    pub api: RawApi,
    /// How the outside reaches `listen`: an http or https address. Default: `http://` and the address of `listen`.
    pub public_url: Option<Spanned<String>>,
    /// Proxies in front of `listen` whose `X-Forwarded-For` is believed: addresses or networks, such as `10.0.0.0/8`.
    /// Default: none, and the sender of a callback is whoever connects.
    #[serde(default)]
    pub proxies: Vec<Spanned<String>>,
    /// Where this landfall runs, as reports call it. Default `local`.
    pub location: Option<Spanned<String>>,
    /// Plain values: `vars.NAME` in templates and expressions. `--var NAME=VALUE` goes before.
    #[serde(default)]
    pub vars: Named<Plain>,
    /// What probes get where they say nothing themselves.
    #[serde(default)]
    pub defaults: RawDefaults,
    /// Stretches of time in which alerts of every probe are mute, or none fires.
    #[serde(default)]
    pub maintenance: Vec<Spanned<RawWindow>>,
    /// How long `landfall serve` waits for open runs once it is told to stop; what is open after that is left to the
    /// next start. At most `1h`. Default `30s`.
    pub stop_grace: Option<Spanned<Lapse>>,
    /// Whether `exec` triggers may run programs. Default `false`.
    #[serde(default)]
    pub allow_exec: bool,
    /// How long records are kept.
    #[serde(default)]
    pub retention: RawRetention,
    /// Where outcomes are seen, by name.
    #[serde(default)]
    pub channels: Named<ChannelConfig>,
    /// What is told to others of runs and counts.
    #[serde(default)]
    pub telemetry: RawTelemetry,
    /// Where alerts go, by name.
    #[serde(default)]
    pub alerts: Named<DestinationConfig>,
}

/// What probes get where they say nothing themselves.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawDefaults {
    /// For `within` of `outcome` and `executed`. Default `30s`.
    pub within: Option<Spanned<Lapse>>,
    /// For `grace` of `outcome` and `executed`. Default: as long as `within` of the same expectation.
    pub grace: Option<Spanned<Lapse>>,
    /// For a probe's `settle`. Default `2s`.
    pub settle: Option<Spanned<Lapse>>,
    /// For the `timeout` of every `request` and `cleanup` whose kind has one. Default: the kind's own.
    pub timeout: Option<Spanned<Lapse>>,
    /// For `timezone` of a probe's `cron` schedule. Default UTC.
    pub timezone: Option<Spanned<String>>,
    /// For a probe's `limits`, key by key.
    #[serde(default)]
    pub limits: RawLimits,
    /// For a probe's `objective`, key by key.
    #[serde(default)]
    pub objective: RawObjective,
    /// For a probe's `alerts`, key by key.
    #[serde(default)]
    pub alerts: RawAlerts,
    /// Labels that every probe has; a probe's own go before.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
}

/// How long `landfall serve` keeps records, counted from their tick. An hour's roll-up (counts and histograms of a
/// series) outlives its runs.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawRetention {
    /// Runs that were delivered, strays, and skips. Default `90d`.
    pub runs: Option<Spanned<Lapse>>,
    /// Runs that ended otherwise. Default: twice as long as `runs`.
    pub failures: Option<Spanned<Lapse>>,
    /// Hourly roll-ups, marks, and spans of skipped ticks. Default `730d`.
    pub rollups: Option<Spanned<Lapse>>,
}

/// `memory` or `sqlite:PATH`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreText {
    /// Nothing survives the process.
    Memory,
    /// A file, relative to the workspace.
    Sqlite(String),
}

impl<'de> Deserialize<'de> for StoreText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = StoreText;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<StoreText, E> {
                match text.split_once(':') {
                    None if text == "memory" => Ok(StoreText::Memory),
                    Some(("sqlite", path)) if !path.trim().is_empty() => {
                        Ok(StoreText::Sqlite(path.to_owned()))
                    }
                    _ => Err(E::custom(format!(
                        "`{text}` is no store: write `memory` or `sqlite:PATH`"
                    ))),
                }
            }
        }
        deserializer.deserialize_str(Text)
    }
}

impl JsonSchema for StoreText {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Store".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^(memory|sqlite:.+)$" })
    }
}
