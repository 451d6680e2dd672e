//! A small message gateway with scripted faults and a ground-truth ledger. It knows nothing of the engine.
//!
//! It answers `202` and then delivers by webhook, mail and database row, or does what real gateways do instead:
//! [`FaultKind`] lists it. Which message gets which fault is scripted ([`Script`]) and seeded; what was decided and
//! what really happened goes to the [`Ledger`], and [`truth`] says what a correct judge makes of it.

mod api;
mod deliver;
mod draw;
mod fault;
mod gateway;
mod ledger;
mod mail;
mod message;
mod plan;
mod rows;
mod script;
mod scripts;
mod server;
mod state;
pub mod truth;
mod webhook;
pub mod workspace;

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;

pub use api::BODY_LIMIT;
pub use fault::{FaultKind, Parameter};
pub use ledger::{Answered, Attempt, Entry, Ledger, Outcome, Repeat, SentLine, sent_path};
pub use message::{Channel, Event, Invalid, NewMessage, REFERENCE_LIMIT, TEXT_LIMIT};
pub use script::{
    DELAY_LIMIT, Delays, RULE_LIMIT, Range, RouteScript, Rule, SCRIPT_LIMIT, Script, ScriptError,
};
pub use scripts::ROUTES;
pub use state::Counts;
pub use truth::{Expected, Limits, Truth, Window, expected};

/// How a sandbox is set up.
#[derive(Clone)]
pub struct Options {
    /// Where its API listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where the truth is kept, besides in memory.
    pub ledger: Ledger,
    /// Which message gets which fault.
    pub faults: Script,
    /// Everything that is drawn is drawn from this.
    pub seed: u64,
    /// The SQLite file whose table `messages` has a row for each message; none: no rows.
    pub database: Option<PathBuf>,
    /// The mail server, `HOST:PORT`; none: no mail.
    pub smtp: Option<String>,
    /// The envelope's sender.
    pub mail_from: String,
    /// Signs events as Standard Webhooks has it.
    pub webhook_secret: Option<String>,
    /// Messages with something still to be sent; over this it answers 503 and counts.
    pub max_open: usize,
    /// Messages that are remembered (status, rows and truth); the ledger's file keeps all.
    pub remember: usize,
}

/// A sandbox at work. It ends when its token is cancelled; dropping this does not end it.
pub struct Running {
    address: SocketAddr,
    gateway: Arc<gateway::Gateway>,
    task: JoinHandle<()>,
}

/// A sandbox that cannot start, or that ended on a bug.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address cannot be listened on.
    #[error("the sandbox cannot listen on {address}: {error}; choose another with --listen, or port 0")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the operating system said.
        error: std::io::Error,
    },
    /// A file or a setting cannot be used.
    #[error("the sandbox cannot start: {0}")]
    Setting(String),
    /// Its task died.
    #[error("the sandbox ended on a bug: {0}")]
    Died(String),
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            ledger: Ledger::Memory,
            faults: Script::default(),
            seed: 0,
            database: None,
            smtp: None,
            mail_from: String::from("gateway@sandbox.landfall.test"),
            webhook_secret: None,
            max_open: 10_000,
            remember: 100_000,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("listen", &self.listen)
            .field("ledger", &self.ledger)
            .field("seed", &self.seed)
            .field("database", &self.database)
            .field("smtp", &self.smtp)
            .field("webhook_secret", &self.webhook_secret.as_ref().map(|_| "***"))
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl Running {
    /// Where the API listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Everything that is remembered, in the order decided, with the real instants on the clock that was passed in.
    #[must_use]
    pub fn truth(&self) -> Vec<Truth> {
        self.gateway.book.truths()
    }

    /// What has come in so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.gateway.counts()
    }

    /// Waits until it has stopped: all it will ever do is then on record.
    ///
    /// # Errors
    /// Its task died.
    pub async fn join(self) -> Result<(), Error> {
        self.task.await.map_err(|e| Error::Died(e.to_string()))
    }
}

/// Starts a sandbox, which works until `stop` is cancelled: deliveries that are under way then have a second, those
/// that are not due yet are given up, and the truth says so.
///
/// # Errors
/// An address, a file or a setting that cannot be used.
pub async fn start(
    options: Options,
    clock: Arc<dyn Clock>,
    stop: CancellationToken,
) -> Result<Running, Error> {
    let listener = TcpListener::bind(options.listen).await;
    let failed = |error| Error::Listen {
        address: options.listen,
        error,
    };
    let listener = listener.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let gateway = build(options, clock, stop).map_err(Error::Setting)?;
    let task = tokio::spawn(server::run(listener, Arc::clone(&gateway)));
    Ok(Running {
        address,
        gateway,
        task,
    })
}

/// Runs a sandbox until `stop` is cancelled: what `landfall sandbox` does. `ready` is called once it listens.
///
/// # Errors
/// As [`start`] and [`Running::join`].
pub async fn serve(
    options: Options,
    clock: Arc<dyn Clock>,
    stop: CancellationToken,
    ready: impl FnOnce(&Running),
) -> Result<Counts, Error> {
    let running = start(options, clock, stop).await?;
    ready(&running);
    let gateway = Arc::clone(&running.gateway);
    running.join().await?;
    Ok(gateway.counts())
}

fn build(
    options: Options,
    clock: Arc<dyn Clock>,
    stop: CancellationToken,
) -> Result<Arc<gateway::Gateway>, String> {
    message::check_address(&options.mail_from).map_err(|e| format!("`mail_from`: {e}"))?;
    let webhooks = webhook::Webhooks::new(Arc::clone(&clock), options.webhook_secret.as_deref())?;
    let mailer = options
        .smtp
        .map(|server| mail::Mailer::new(Arc::clone(&clock), server, options.mail_from));
    let rows = options
        .database
        .map(|path| rows::Rows::open(&path, Arc::clone(&clock)).map(Arc::new))
        .transpose()?;
    Ok(Arc::new(gateway::Gateway::new(gateway::Parts {
        clock,
        book: ledger::Book::open(&options.ledger, options.remember)?,
        outbound: deliver::Outbound::new(webhooks, mailer, rows),
        stop,
        script: options.faults,
        seed: options.seed,
        max_open: options.max_open,
        remember: options.remember,
    })))
}
