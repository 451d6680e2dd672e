//! Where alerts go. One file a kind, one list.
//!
//! A destination gets the alert as one JSON value, secrets taken out, and answers what became of it. It neither queues
//! nor retries: that is what `outbox` and `deliver` do for all kinds alike.

mod alertmanager;
mod email;
mod exec;
mod http;
mod webhook;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::notice::Notice;
use crate::clock::Clock;
use crate::diag::Problems;
use crate::model::{Fault, Scope, Spanned};

/// What the author of a kind writes.
pub trait Kind {
    /// A complete, valid snippet: the mapping under the kind's name. Decoded, checked and printed in the reference.
    const EXAMPLE: &'static str;
    /// Whether it knows alerts by their ids and wants each one's last state alone, instead of a summary of what it
    /// missed.
    const STATEFUL: bool = false;
    /// The mapping under the kind's name. Its doc comments are the reference text.
    type Config: DeserializeOwned + JsonSchema + std::fmt::Debug + Clone + Send + Sync + 'static;
    /// Every problem the types cannot express, with positions; never IO.
    fn check(config: &Self::Config, facts: &CheckFacts<'_>, out: &mut Problems);
    /// Builds the destination; connects when it sends.
    ///
    /// # Errors
    /// What cannot be read, or was left out of this build.
    fn open(config: &Self::Config, context: &OpenContext) -> Result<Arc<dyn Destination>, Fault>;
}

/// What a check may know of the workspace.
#[derive(Clone, Copy, Debug)]
pub struct CheckFacts<'c> {
    /// Whether programs may be run.
    pub allow_exec: bool,
    /// The destination's name, with its place.
    pub name: &'c Spanned<String>,
}

/// Makes a scope of `vars` and these names.
pub type Names = Arc<dyn Fn(Vec<(&'static str, Value)>) -> Arc<dyn Scope> + Send + Sync>;

/// What a destination is given when it is built.
#[derive(Clone)]
pub struct OpenContext {
    /// The workspace's folder: relative paths start here.
    pub root: PathBuf,
    /// The one clock.
    pub clock: Arc<dyn Clock>,
    /// Renders templates: `vars`, and the names given (`alert`, `key`).
    pub scope: Names,
}

/// A place that takes alerts.
pub trait Destination: Send + Sync + 'static {
    /// Sends one message; what was answered, in a few words.
    fn send<'a>(&'a self, notice: &'a Notice) -> BoxFuture<'a, Result<String, Failure>>;

    /// How often open alerts are to be sent again, where they expire by themselves.
    fn refresh_every(&self) -> Option<Duration> {
        None
    }

    /// Sends open alerts again.
    fn refresh<'a>(&'a self, _open: &'a [Notice]) -> BoxFuture<'a, Result<String, Failure>> {
        Box::pin(async { Ok(String::new()) })
    }
}

/// Why a message was not taken.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// What happened, for people.
    pub message: String,
    /// Whether it may have arrived all the same.
    pub in_doubt: bool,
    /// Whether this message will never be taken as it is.
    pub hopeless: bool,
    /// When the destination wants to be asked again.
    pub retry_after: Option<Duration>,
}

impl Failure {
    /// It surely did not arrive, and may the next time.
    pub fn refused(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            in_doubt: false,
            hopeless: false,
            retry_after: None,
        }
    }

    /// Nobody knows whether it arrived.
    pub fn in_doubt(message: impl Into<String>) -> Self {
        Self {
            in_doubt: true,
            ..Self::refused(message)
        }
    }

    /// It will never be taken as it is.
    pub fn hopeless(message: impl Into<String>) -> Self {
        Self {
            hopeless: true,
            ..Self::refused(message)
        }
    }
}

/// What is known of a kind without opening it.
#[derive(Debug)]
pub struct Facts {
    /// Its name in YAML.
    pub name: &'static str,
    /// Its file.
    pub module: &'static str,
    /// Its example.
    pub example: &'static str,
    /// The schema of its config.
    pub schema: fn(&mut schemars::SchemaGenerator) -> schemars::Schema,
}

macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $name:literal => $module:ident::$kind:ident),+ $(,)?) => {
        /// Where alerts go.
        #[derive(Clone, Debug, Deserialize, JsonSchema)]
        pub enum DestinationConfig {
            $($(#[doc = $doc])+ #[serde(rename = $name)] $kind(<$module::$kind as Kind>::Config)),+
        }

        impl DestinationConfig {
            /// The kind's name in YAML.
            #[must_use]
            pub const fn kind(&self) -> &'static str {
                match self { $(Self::$kind(_) => $name),+ }
            }

            /// Every problem the types cannot express.
            pub fn check(&self, facts: &CheckFacts<'_>, out: &mut Problems) {
                match self { $(Self::$kind(config) => <$module::$kind as Kind>::check(config, facts, out)),+ }
            }

            /// Builds the destination.
            ///
            /// # Errors
            /// What cannot be read, or was left out of this build.
            pub fn open(&self, context: &OpenContext) -> Result<Arc<dyn Destination>, Fault> {
                match self { $(Self::$kind(config) => <$module::$kind as Kind>::open(config, context)),+ }
            }

            const fn kind_is_stateful(&self) -> bool {
                match self { $(Self::$kind(_) => <$module::$kind as Kind>::STATEFUL),+ }
            }
        }

        /// Every kind, in the order of the reference.
        pub static FACTS: &[Facts] = &[
            $(Facts {
                name: $name,
                module: stringify!($module),
                example: <$module::$kind as Kind>::EXAMPLE,
                schema: <<$module::$kind as Kind>::Config as JsonSchema>::json_schema,
            }),+
        ];
    };
}

kinds! {
    /// A mail, by way of an SMTP server.
    "email" => email::Email,
    /// An HTTP request: Slack, Teams, PagerDuty, and whatever takes JSON.
    "webhook" => webhook::Webhook,
    /// Prometheus Alertmanager, which routes, groups and silences.
    "alertmanager" => alertmanager::Alertmanager,
    /// A program of your own.
    "exec" => exec::Exec,
}

impl DestinationConfig {
    /// Whether it wants each alert's last state alone, instead of a summary of what it missed.
    #[must_use]
    pub fn is_stateful(&self) -> bool {
        match self {
            Self::Webhook(config) => config.is_stateful(),
            _ => self.kind_is_stateful(),
        }
    }
}
