//! How requests are fired. One file per kind, one list.
//!
//! To add a kind: copy the smallest one there is ([`exec`]), add its `mod` line and its line in the list below.
//! Decoding, messages, schema, reference and the tests over the list follow.

mod exec;
mod http;
mod smtp;

use std::fmt::Debug;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::clock::Clock;
use crate::diag::Problems;
use crate::model::{Answer, Fault, Moment, Response, Scope};

/// What the author of a kind writes.
pub trait Kind {
    /// A complete, valid snippet: the mapping under the kind's name. Decoded, checked and printed in the reference.
    const EXAMPLE: &'static str;
    /// The mapping under the kind's name. Its doc comments are the reference text.
    type Config: DeserializeOwned + JsonSchema + Debug + Clone + Send + Sync + 'static;
    /// Every problem the types cannot express, with positions; never IO.
    fn check(config: &Self::Config, facts: &CheckFacts, out: &mut Problems);
    /// Builds what all runs of a leg share (a client, a pool). No request leaves.
    ///
    /// # Errors
    /// What cannot be read (a certificate, a program) or was left out of this build.
    fn open(config: Self::Config, context: &OpenContext) -> Result<Box<dyn Trigger>, Fault>;
}

/// What a check may know besides its config.
#[derive(Clone, Debug, Default)]
pub struct CheckFacts {
    /// `allow_exec` of the workspace.
    pub allow_exec: bool,
}

/// What a trigger is given when it is built.
#[derive(Clone)]
pub struct OpenContext {
    /// The one clock.
    pub clock: Arc<dyn Clock>,
    /// The workspace's folder: relative paths start here.
    pub root: PathBuf,
}

/// What the engine sees of a trigger.
pub trait Trigger: Send + Sync {
    /// Renders the request for one run. Nothing leaves yet.
    ///
    /// # Errors
    /// A template that does not render, or whose value would change the URL's scheme, host or port.
    fn prepare(&self, scope: &dyn Scope) -> Result<Prepared, Fault>;

    /// Layer 1 where the probe has no `accepted:`.
    fn accepts(&self, response: &Response) -> bool;

    /// The longest a firing may take; the engine cuts it off a little later.
    fn timeout(&self) -> Duration;
}

/// A request that is ready to leave.
pub struct Prepared {
    /// The request as people see it (`--dry-run`, the record): method, address, headers, body. The engine redacts it.
    pub shown: Value,
    /// Fires it, once. Calls [`Shot::sent`] as the first byte leaves.
    pub fire: Box<dyn FnOnce(Shot) -> BoxFuture<'static, Answer> + Send>,
}

/// What a firing is given.
pub struct Shot {
    /// The run as JSON, for `exec`: `run`, `probe`, `route`, `input`, `token`, `tick`, `traceparent`.
    pub run: Value,
    /// To be called as the first byte leaves.
    pub sent: Box<dyn FnOnce(Moment) + Send>,
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
        /// How a request is fired.
        #[expect(clippy::large_enum_variant, reason = "one a leg, read once")]
        #[derive(Clone, Debug, Deserialize, JsonSchema)]
        pub enum TriggerConfig {
            $($(#[doc = $doc])+ #[serde(rename = $name)] $kind(<$module::$kind as Kind>::Config)),+
        }

        impl TriggerConfig {
            /// The kind's name in YAML.
            #[must_use]
            pub const fn kind(&self) -> &'static str {
                match self { $(Self::$kind(_) => $name),+ }
            }

            /// Every problem the types cannot express.
            pub fn check(&self, facts: &CheckFacts, out: &mut Problems) {
                match self { $(Self::$kind(config) => <$module::$kind as Kind>::check(config, facts, out)),+ }
            }

            /// Builds what all runs of a leg share.
            ///
            /// # Errors
            /// What cannot be read or was left out of this build.
            pub fn open(self, context: &OpenContext) -> Result<Box<dyn Trigger>, Fault> {
                match self { $(Self::$kind(config) => <$module::$kind as Kind>::open(config, context)),+ }
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
    /// An HTTP request.
    "http" => http::Http,
    /// A mail, handed to an SMTP server.
    "smtp" => smtp::Smtp,
    /// A program, run without a shell.
    "exec" => exec::Exec,
}
