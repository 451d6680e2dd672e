//! What commands have in common: logging, loading, the listener, the store.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::output;
use crate::channel::Listener;
use crate::clock::Clock;
use crate::definition::{LoadOptions, Loaded, ProcessEnvironment, Workspace, load, load_expanded};
use crate::model::Fault;
use crate::redact::Redactor;
use crate::store::{self, Store};
use crate::web;

/// Strikes the secrets of the loaded workspace from log lines, whoever writes them: libraries log what they send.
static SECRETS: RwLock<Option<Arc<Redactor>>> = RwLock::new(None);

/// Stderr without secrets. Each log line comes in one piece.
struct LogLines;

impl Write for LogLines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let secrets = SECRETS.read().unwrap_or_else(PoisonError::into_inner).clone();
        match secrets {
            Some(redactor) => {
                let text = String::from_utf8_lossy(line);
                io::stderr().write_all(redactor.text(&text).as_bytes())?;
            }
            None => io::stderr().write_all(line)?,
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// Log lines go to stderr; those of `level` where nothing else is asked for.
pub(super) fn logging(json: bool, level: &str) {
    let mut filter = tracing_subscriber::EnvFilter::try_from_env("LANDFALL_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(level));
    // It traces every line of the dialogue, LOGIN with the password among them.
    if let Ok(quiet) = "async_imap=info".parse() {
        filter = filter.add_directive(quiet);
    }
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(|| LogLines);
    // A second installation (tests) is refused and harmless.
    if json {
        drop(lines.json().try_init());
    } else {
        drop(lines.with_ansi(output::watched()).try_init());
    }
}

/// From now on no log line holds what this one strikes out.
pub(super) fn strike(redactor: Arc<Redactor>) {
    *SECRETS.write().unwrap_or_else(PoisonError::into_inner) = Some(redactor);
}

/// Loads the workspace; says everything that is wrong with it on stderr. From now on no log line holds its secrets.
pub(super) fn loaded(dir: Option<PathBuf>, vars: &[(String, String)]) -> Loaded {
    told(load(&options(dir, vars), &ProcessEnvironment))
}

/// The same with the definitions expanded.
pub(super) fn loaded_expanded(dir: Option<PathBuf>, vars: &[(String, String)]) -> Loaded {
    told(load_expanded(&options(dir, vars), &ProcessEnvironment))
}

fn options(dir: Option<PathBuf>, vars: &[(String, String)]) -> LoadOptions {
    let vars = vars.to_vec();
    LoadOptions { dir, vars }
}

fn told(loaded: Loaded) -> Loaded {
    strike(loaded.redactor.clone());
    let said = loaded.problems.render(&loaded.sources, output::watched());
    if !said.is_empty() {
        output::line(said.trim_end());
    }
    loaded
}

/// The workspace where it has no error.
pub(super) fn workspace(dir: Option<PathBuf>, vars: &[(String, String)]) -> Option<Workspace> {
    loaded(dir, vars).workspace
}

/// A store that a command may write to, by the workspace or by `--store`.
pub(super) async fn store(
    workspace: &Workspace,
    asked: Option<&str>,
    clock: &dyn Clock,
    command: &str,
) -> Result<Arc<dyn Store>, Fault> {
    let location = location(workspace, asked)?;
    let options = store::Options::new(clock.now(), command);
    let opened = tokio::task::spawn_blocking(move || store::open(&location, options)).await;
    opened.map_err(|error| Fault::new(crate::model::Reason::Internal, error.to_string()))?
}

/// Which store that is.
pub(super) fn location(workspace: &Workspace, asked: Option<&str>) -> Result<store::Location, Fault> {
    asked.map_or_else(
        || Ok(workspace.store.clone()),
        |text| store::Location::parse(text, &workspace.root),
    )
}

/// The listener, where a channel in use needs one; it works until `stop`.
pub(super) async fn listener(
    workspace: &Workspace,
    listen: Option<SocketAddr>,
    public_url: Option<String>,
    clock: Arc<dyn Clock>,
    stop: &CancellationToken,
    tasks: &TaskTracker,
) -> Result<Arc<dyn Listener>, Fault> {
    let public_url = public_url.or_else(|| workspace.public_url.clone());
    let settings = web::Settings {
        public_url,
        proxies: workspace.proxies.clone(),
        ..web::Settings::default()
    };
    let address = listen.unwrap_or(workspace.listen);
    if !workspace.channels.iter().any(|c| c.config.listens()) {
        return Ok(web::HttpListener::new(address, settings, clock));
    }
    let socket = web::bind(address).await?;
    let local = socket.local_addr().unwrap_or(address);
    let http = web::HttpListener::new(local, settings, clock);
    tasks.spawn(http.clone().run(socket, stop.clone()));
    Ok(http)
}
