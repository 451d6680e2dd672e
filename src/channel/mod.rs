//! Where outcomes are seen. One file per kind, one list.
//!
//! To add a kind: copy the one nearest to it ([`http`] for what is polled, [`callback`] for what is pushed), add its
//! `mod` line and its line in the list below. Decoding, messages, schema, reference and the conformance suite follow;
//! the suite fails until `tests/it/support` has a peer for it.

mod callback;
mod http;
mod imap;
mod postgres;
mod shared;
mod smtp_sink;
mod sqlite;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

pub use shared::watch::{Earlier, Planted, Trouble, Watch};

use crate::clock::{Clock, Random};
use crate::diag::Problems;
use crate::model::{Fault, Moment, ObservationId, RunId, Scope, Sighting, Token, TokenKey};

/// What `seen` holds whatever the kind, with a sentence each.
pub const SEEN: &[(&str, &str)] = &[
    ("text", "The text of what arrived."),
    ("json", "The same as JSON, where it is JSON; else null."),
    ("headers", "Its headers, names in lower case."),
    ("seconds", "Seconds since the first byte; polled: the upper end."),
];

/// What the author of a kind writes.
pub trait Kind {
    /// A complete, valid snippet: the mapping under the kind's name. Decoded, checked and printed in the reference.
    const EXAMPLE: &'static str;
    /// What `channels.NAME` offers to templates, with a sentence each.
    const OFFERS: &'static [(&'static str, &'static str)];
    /// What `seen` holds besides [`SEEN`], with a sentence each.
    const SEEN: &'static [(&'static str, &'static str)];
    /// Whether it registers with the shared HTTP listener, which is then bound.
    const LISTENS: bool = false;
    /// The mapping under the kind's name. Its doc comments are the reference text.
    type Config: DeserializeOwned + JsonSchema + Debug + Clone + Send + Sync + 'static;
    /// Every problem the types cannot express, with positions; never IO.
    fn check(config: &Self::Config, out: &mut Problems);
    /// Builds the channel; connects lazily in [`Channel::drive`]. Binding a listener of its own happens here.
    ///
    /// # Errors
    /// What cannot be read, bound, or was left out of this build.
    fn open(
        config: Self::Config,
        context: OpenContext,
    ) -> BoxFuture<'static, Result<Arc<dyn Channel>, Fault>>;
}

/// What a channel is given when it is built.
#[derive(Clone)]
pub struct OpenContext {
    /// The channel's name in the workspace.
    pub name: String,
    /// The one clock.
    pub clock: Arc<dyn Clock>,
    /// The one source of randomness.
    pub random: Arc<dyn Random>,
    /// Takes what is seen.
    pub sink: Arc<dyn ObservationSink>,
    /// The HTTP listener to register with.
    pub listener: Arc<dyn Listener>,
    /// Remembers how far the channel has read.
    pub cursors: Arc<dyn Cursors>,
    /// Tells tokens of ours from made-up ones; also the root of addresses that must not be guessed.
    pub token_key: TokenKey,
    /// The workspace's folder: relative paths start here.
    pub root: PathBuf,
    /// Renders the channel's own settings, which know `vars` but no run.
    pub scope: Arc<dyn Scope>,
}

/// Takes what channels see.
pub trait ObservationSink: Send + Sync {
    /// Puts a sighting on record; returns when it is durable, so that the channel may acknowledge it.
    ///
    /// # Errors
    /// [`crate::model::Reason::Store`] where it could not be made durable and [`crate::model::Reason::Limit`] where
    /// strays have used up their budget: the channel must refuse (503, 452), never acknowledge.
    fn send(&self, sighting: Sighting) -> BoxFuture<'_, Result<ObservationId, Fault>>;

    /// The channel cannot see since `since`. Said once, at the beginning.
    fn down(&self, since: Moment, fault: Fault);

    /// The channel sees again. `closed`: a look after the gap has covered all of it (an inbox, a table); otherwise
    /// what came in the gap is gone (a listener).
    fn up(&self, closed: bool);

    /// Something was dropped at a limit of landfall's own, which `what` names. Runs that it may have touched are
    /// those of `tokens`, or all that wait on the channel where it is empty.
    fn dropped(&self, what: &str, tokens: &[Token]);

    /// Something was refused that concerns no run (a made-up token, a bad signature): counted, by `what`.
    fn refused(&self, what: &str);
}

/// Remembers how far channels have read. A cursor moves only after what it covers is durable (invariant 6).
pub trait Cursors: Send + Sync {
    /// What was last saved under the name.
    ///
    /// # Errors
    /// The store does not answer.
    fn load(&self, name: &str) -> BoxFuture<'_, Result<Option<String>, Fault>>;

    /// Saves it.
    ///
    /// # Errors
    /// The store does not take it.
    fn save(&self, name: &str, cursor: String) -> BoxFuture<'_, Result<(), Fault>>;
}

/// The HTTP listener that callback-like channels share.
pub trait Listener: Send + Sync {
    /// From now on requests whose path is `prefix` or lies below it go to the handler.
    fn mount(&self, prefix: &str, handler: Arc<dyn Handler>);

    /// From now on they go nowhere.
    fn unmount(&self, _prefix: &str) {}

    /// The workspace's `public_url`, without a final slash; else the address listened on.
    fn public_url(&self) -> String;

    /// The address that other listeners of the workspace bind by default.
    fn ip(&self) -> IpAddr;

    /// Tells when connections cannot be taken: the value is `Some` while that lasts. `None`: it never is known.
    fn trouble(&self) -> Option<tokio::sync::watch::Receiver<Option<Trouble>>> {
        None
    }
}

/// Answers requests that came in on the shared listener.
pub trait Handler: Send + Sync {
    /// The body limit in bytes; over it the listener answers 413 by itself.
    fn body_limit(&self) -> usize;

    /// Turns a request away by its head alone (the body is empty), before any of its body is read. 404 says that it
    /// matches nothing: it counts against the budget for such requests and gets the one answer that they all get.
    fn refuse(&self, _head: &Request) -> Option<Reply> {
        None
    }

    /// Answers one request, its body read whole.
    fn handle(&self, request: Request) -> BoxFuture<'_, Reply>;

    /// The listener has dropped something at a limit of its own, which `what` names: a request whose head had been
    /// taken, or a connection of which nothing was read (`None`).
    fn dropped(&self, _what: &'static str, _head: Option<&Request>) {}
}

/// One request as it came in.
#[derive(Clone, Debug)]
pub struct Request {
    /// When its last byte had been read.
    pub received: Moment,
    /// Upper case.
    pub method: String,
    /// The path, percent-encoding kept.
    pub path: String,
    /// What followed `?`, raw.
    pub query: String,
    /// Lower-case names in the order sent; values that are not UTF-8 are decoded with replacement characters.
    pub headers: Vec<(String, String)>,
    /// The raw bytes.
    pub body: Bytes,
    /// Who sent it.
    pub peer: SocketAddr,
    /// The connection, unique in this process: a later request on it proves that the earlier answer was received.
    pub connection: u64,
}

/// What is answered.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status; 0 cuts the connection without an answer.
    pub status: u16,
    /// Headers to add.
    pub headers: Vec<(String, String)>,
    /// The body, `text/plain` unless a header says otherwise.
    pub body: String,
}

impl Reply {
    /// An answer in plain text.
    pub fn text(status: u16, body: impl Into<String>) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: body.into(),
        }
    }

    /// Cuts the connection without an answer.
    #[must_use]
    pub const fn cut() -> Self {
        Self {
            status: 0,
            headers: Vec::new(),
            body: String::new(),
        }
    }

    /// The same with one more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}

/// What the engine sees of a channel.
pub trait Channel: Send + Sync + 'static {
    /// What `channels.NAME` is in this run's templates: an object with the kind's offers.
    ///
    /// # Errors
    /// A template of the channel's settings that does not render.
    fn offers(&self, token: &Token, scope: &dyn Scope) -> Result<Value, Fault>;

    /// Returns only when nothing that bears the run's keys from now on can be missed: subscriptions once the peer has
    /// confirmed them, stateful channels once a look no older than 5 s has succeeded.
    ///
    /// # Errors
    /// Cannot see; the run is then skipped, not fired.
    fn arm(&self, watch: Watch) -> BoxFuture<'_, Result<(), Fault>>;

    /// The run's captured values are known: keys to look for besides the token, and a scope that has them.
    fn extend(&self, run: RunId, keys: &[String], scope: Arc<dyn Scope>);

    /// Looks now. Returns once everything that could be seen at `due` has gone to the sink; the result is the instant
    /// up to which nothing is unseen (at least `due`). A push channel returns `due` at once.
    ///
    /// # Errors
    /// Could not look.
    fn look(&self, due: Moment) -> BoxFuture<'_, Result<Moment, Fault>>;

    /// As [`Channel::look`], for one run alone: cheaper where each run is asked for by itself, and then its result
    /// does not depend on what others wait for.
    ///
    /// # Errors
    /// Could not look.
    fn look_for(&self, _run: RunId, due: Moment) -> BoxFuture<'_, Result<Moment, Fault>> {
        self.look(due)
    }

    /// Whether what comes while landfall is not there is found by a later look (an inbox, a table). Otherwise (a
    /// listener) it is gone, unless its sender tries again.
    fn remembers(&self) -> bool {
        true
    }

    /// Whether senders reach it at an address of landfall's own, so that one with other settings takes its runs over
    /// with the address. Then nothing is kept of a run that is armed.
    fn is_addressed(&self) -> bool {
        false
    }

    /// As [`Channel::arm`], for a run that an earlier process had armed.
    ///
    /// # Errors
    /// Cannot see; it is tried again.
    fn rearm(&self, watch: Watch, _earlier: Earlier) -> BoxFuture<'_, Result<(), Fault>> {
        self.arm(watch)
    }

    /// The run waits no longer.
    fn disarm(&self, run: RunId);

    /// Works until `stop` resolves: accepts, polls, reconnects with back-off, reports gaps. Returns having let go of
    /// its connections.
    fn drive(self: Arc<Self>, stop: tokio_util::sync::CancellationToken) -> BoxFuture<'static, ()>;

    /// For `check --online`: makes an observation that bears the token arrive by the channel's own way.
    ///
    /// # Errors
    /// It could not be planted.
    fn plant(&self, token: &Token) -> BoxFuture<'_, Result<Planted, Fault>>;

    /// Counts for `check --online` and for tests: connections open, looks sent.
    fn counters(&self) -> BTreeMap<&'static str, u64> {
        BTreeMap::new()
    }
}

/// How often a poll that found nothing is repeated while something is due.
pub const POLL_INTERVAL: Duration = Duration::from_millis(250);

/// An empty `seen`, to be filled.
#[must_use]
pub fn seen() -> Map<String, Value> {
    Map::new()
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
    /// What `channels.NAME` offers.
    pub offers: &'static [(&'static str, &'static str)],
    /// What `seen` holds besides the common fields.
    pub seen: &'static [(&'static str, &'static str)],
    /// The schema of its config.
    pub schema: fn(&mut schemars::SchemaGenerator) -> schemars::Schema,
}

macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $name:literal => $module:ident::$kind:ident),+ $(,)?) => {
        /// Where outcomes are seen.
        #[derive(Clone, Debug, Deserialize, JsonSchema)]
        pub enum ChannelConfig {
            $($(#[doc = $doc])+ #[serde(rename = $name)] $kind(<$module::$kind as Kind>::Config)),+
        }

        impl ChannelConfig {
            /// The kind's name in YAML.
            #[must_use]
            pub const fn kind(&self) -> &'static str {
                match self { $(Self::$kind(_) => $name),+ }
            }

            /// What is known of the kind.
            #[must_use]
            pub fn facts(&self) -> &'static Facts {
                let name = self.kind();
                // The list below is made from the same lines as this enum, so the name is in it.
                FACTS.iter().find(|f| f.name == name).unwrap_or(&FACTS[0])
            }

            /// Whether it registers with the shared HTTP listener.
            #[must_use]
            pub const fn listens(&self) -> bool {
                match self { $(Self::$kind(_) => <$module::$kind as Kind>::LISTENS),+ }
            }

            /// Every problem the types cannot express.
            pub fn check(&self, out: &mut Problems) {
                match self { $(Self::$kind(config) => <$module::$kind as Kind>::check(config, out)),+ }
            }

            /// Builds the channel.
            pub fn open(self, context: OpenContext) -> BoxFuture<'static, Result<Arc<dyn Channel>, Fault>> {
                match self { $(Self::$kind(config) => <$module::$kind as Kind>::open(config, context)),+ }
            }
        }

        /// Every kind, in the order of the reference.
        pub static FACTS: &[Facts] = &[
            $(Facts {
                name: $name,
                module: stringify!($module),
                example: <$module::$kind as Kind>::EXAMPLE,
                offers: <$module::$kind as Kind>::OFFERS,
                seen: <$module::$kind as Kind>::SEEN,
                schema: <<$module::$kind as Kind>::Config as JsonSchema>::json_schema,
            }),+
        ];
    };
}

kinds! {
    /// An HTTP endpoint of landfall's own that the system calls.
    "callback" => callback::Callback,
    /// A mail server of landfall's own.
    "smtp_sink" => smtp_sink::SmtpSink,
    /// An inbox.
    "imap" => imap::Imap,
    /// Rows of an SQLite file.
    "sqlite" => sqlite::Sqlite,
    /// Rows of a PostgreSQL table.
    "postgres" => postgres::Postgres,
    /// A status address that is asked until it says so.
    "http" => http::Http,
}
