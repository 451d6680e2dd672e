//! What the rest of landfall is given: a workspace that is known to be right.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::alert::destination::DestinationConfig;
use crate::alert::{Cadence, Policy};
use crate::channel::ChannelConfig;
use crate::diag::Sources;
use crate::lifecycle::schedule::{Schedule, Window};
use crate::model::{Access, AccessHash, Expr, Free, Leg, Moment, Secret, Span, Spanned, TokenFormat};
use crate::redact::Redactor;
use crate::store;
use crate::tls::Tls;
use crate::trigger::TriggerConfig;

/// Of what something says, its secrets' values included: never shown.
pub type Digest = [u8; 32];

/// A workspace that has loaded without an error.
#[derive(Debug)]
pub struct Workspace {
    /// The folder with `landfall.yaml`.
    pub root: PathBuf,
    /// Where records are kept.
    pub store: store::Location,
    /// How long records are kept.
    pub retention: store::Retention,
    /// Where callbacks are received.
    pub listen: SocketAddr,
    /// Where pages, API and metrics are served, where that is another address.
    pub admin: Option<SocketAddr>,
    /// How the outside reaches `listen`; without a final slash.
    pub public_url: Option<String>,
    /// Who may use pages and API; where it is empty only this machine may.
    pub api_tokens: Vec<ApiToken>,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub proxies: Vec<ipnet::IpNet>,
    /// The collector that is told of runs and counts.
    pub telemetry: Option<Otlp>,
    /// Where a trace is looked at; `{trace_id}` in it stands for its id.
    pub trace_url: Option<String>,
    /// Where this landfall runs.
    pub location: Arc<str>,
    /// How long the daemon waits for open runs once it is told to stop.
    pub stop_grace: Duration,
    /// Whether `exec` triggers may run.
    pub allow_exec: bool,
    /// `vars`, secrets resolved.
    pub vars: Map<String, Value>,
    /// What `--var` said.
    pub overrides: Vec<(String, String)>,
    /// The channels; a [`crate::model::ChannelId`] is a place in this list, until [`Workspace::number_channels`] gives
    /// each its number in a running engine.
    pub channels: Vec<ChannelDef>,
    /// Where alerts go.
    pub destinations: Vec<DestinationDef>,
    /// The probes, by name.
    pub probes: Vec<Arc<Probe>>,
    /// The files, to draw lines from.
    pub sources: Arc<Sources>,
    /// Knows every secret of the workspace.
    pub redactor: Arc<Redactor>,
}

/// A token of the API, as it is declared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiToken {
    /// Its name.
    pub name: String,
    /// Its digest.
    pub hash: AccessHash,
    /// What its holder may do.
    pub access: Access,
}

/// A collector that speaks OTLP over HTTP.
#[derive(Clone, Debug)]
pub struct Otlp {
    /// Its address without a final slash.
    pub endpoint: String,
    /// Headers of every request.
    pub headers: Vec<(String, Secret)>,
    /// Whether runs are sent.
    pub traces: bool,
    /// Whether counts are sent.
    pub metrics: bool,
    /// Between two reports of counts.
    pub every: Duration,
    /// How long an answer may take.
    pub timeout: Duration,
    /// How TLS is spoken with it.
    pub tls: Tls,
}

/// A named channel.
#[derive(Clone, Debug)]
pub struct ChannelDef {
    /// Its name.
    pub name: Spanned<String>,
    /// Its kind and settings.
    pub config: ChannelConfig,
    /// How its settings are written, secrets by reference: what tells whether two workspaces mean the same channel.
    pub written: Arc<str>,
    /// Of its settings with their secrets and the variables that they name: where it is another, the channel is.
    pub digest: Digest,
}

/// A named destination of alerts.
#[derive(Clone, Debug)]
pub struct DestinationDef {
    /// Its name.
    pub name: Spanned<String>,
    /// Its kind and settings.
    pub config: DestinationConfig,
    /// As [`ChannelDef::digest`].
    pub digest: Digest,
}

/// A probe, checked.
#[derive(Clone, Debug)]
pub struct Probe {
    /// Its name.
    pub name: Arc<str>,
    /// What it is for.
    pub description: String,
    /// `enabled: false` keeps it from firing.
    pub enabled: bool,
    /// When it fires; `run` and `compare` bring their own times.
    pub schedule: Option<Schedule>,
    /// Whether it also fires when the daemon starts.
    pub on_start: bool,
    /// How late a tick may leave; `None` for the default.
    pub start_deadline: Option<Duration>,
    /// Its maintenance windows, those of the workspace before its own.
    pub maintenance: Arc<[Window]>,
    /// Digest of everything that changes what a run means.
    pub revision: Arc<str>,
    /// How its tokens are written.
    pub token: TokenFormat,
    /// Route × input, in the order written.
    pub legs: Vec<Arc<LegDef>>,
    /// What bounds it.
    pub limits: Limits,
    /// What it should reach.
    pub objective: Option<Objective>,
    /// For filters and groups.
    pub labels: BTreeMap<String, String>,
    /// When somebody is told of it, and who.
    pub alerts: Policy,
    /// Of all that it is, secrets included, also of what its revision leaves out.
    pub digest: Digest,
    /// The files that its places are in.
    pub sources: Arc<Sources>,
    /// The workspace's `vars` that it was loaded with.
    pub vars: Arc<Map<String, Value>>,
}

impl Probe {
    /// How often it is due and how long its runs take to be decided; `None` without a schedule. Reckoned anew each time it
    /// is asked for: nothing that merely loads a workspace pays for it.
    #[must_use]
    pub fn cadence(&self) -> Option<Cadence> {
        let rate = self.schedule.as_ref()?.rate();
        let decided = |leg: &Leg| leg.grace_end(Moment(0)).since(Moment(0)) + leg.settle;
        Some(Cadence {
            ticks: rate.in_30_days.max(1),
            longest_gap: rate.longest_gap,
            decided_after: self
                .legs
                .iter()
                .map(|l| decided(&l.leg))
                .max()
                .unwrap_or_default(),
        })
    }
}

/// One route × input, compiled.
#[derive(Clone, Debug)]
pub struct LegDef {
    /// What the machine needs; its expectations stand in the same order as `checks`.
    pub leg: Arc<Leg>,
    /// `route` in expressions: `name` and the route's `vars`.
    pub route: Map<String, Value>,
    /// `input` in expressions.
    pub input: Free,
    /// The request.
    pub request: RequestDef,
    /// Names bound from the answer, in order; each may use those before it.
    pub capture: Vec<(String, Expr)>,
    /// Layer 1; `None` leaves it to the trigger.
    pub accepted: Option<Expr>,
    /// The expressions of `leg.expectations`, place by place.
    pub checks: Vec<ExpectationDef>,
    /// What 'the same outcome' means.
    pub fingerprint: Option<Fingerprint>,
    /// What may explain a difference: name and expression.
    pub attributes: Vec<(String, Expr)>,
    /// The attribute that tells which route was really taken, where one is declared.
    pub path: Vec<Expr>,
    /// Always runs once the run is past its grace.
    pub cleanup: Vec<Cleanup>,
    /// For filters and groups.
    pub labels: BTreeMap<String, String>,
    /// The channels that this leg waits on or names in a template, by the name that the probe gives them: a route may
    /// swap one (`channels: { inbox: gmail }`).
    pub channel_names: BTreeMap<String, crate::model::ChannelId>,
}

/// What is fired.
#[derive(Clone, Debug)]
pub struct RequestDef {
    /// Its kind and settings.
    pub trigger: TriggerConfig,
}

/// The expressions of one expectation.
#[derive(Clone, Debug)]
pub struct ExpectationDef {
    /// Which observations it is about; `None`: every one that bears the run's key.
    pub filter: Option<Expr>,
    /// What must hold of them.
    pub expect: Vec<Expr>,
    /// Names the key where neither the token nor a captured id is enough.
    pub key: Option<Expr>,
    /// Where it stands: the channel's name after `in:`.
    pub span: Span,
}

/// `fingerprint:`
#[derive(Clone, Debug)]
pub enum Fingerprint {
    /// These expressions.
    Fields(Vec<Expr>),
    /// The whole content of what met the expectations, but for these fields.
    All {
        /// Dotted places that are left out.
        except: Vec<String>,
    },
}

/// One entry of `cleanup:`.
#[derive(Clone, Debug)]
pub struct Cleanup {
    /// What is fired.
    pub trigger: TriggerConfig,
}

/// `limits:`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Runs per UTC day.
    pub per_day: Option<u64>,
    /// Runs open at once.
    pub in_flight: Option<u64>,
}

/// `objective:`
#[derive(Clone, Debug, PartialEq)]
pub struct Objective {
    /// Share of runs on time, 0 to 1.
    pub on_time: Option<f64>,
    /// Limit of the 95th percentile, seconds.
    pub p95: Option<f64>,
    /// Share of pairs of runs that end alike, 0 to 1.
    pub consistency: Option<f64>,
    /// Over how long, seconds.
    pub window: f64,
}
