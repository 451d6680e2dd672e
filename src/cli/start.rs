//! What commands have in common: logging, loading, the listener, the store.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::output;
use crate::channel::Listener;
use crate::clock::Clock;
use crate::definition::{LoadOptions, ProcessEnvironment, Workspace, load};
use crate::model::Fault;
use crate::store::{self, Store};
use crate::web;

/// Log lines go to stderr; warnings and errors where nothing else is asked for.
pub(super) fn logging(json: bool) {
    let filter = tracing_subscriber::EnvFilter::try_from_env("LANDFALL_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("error"));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second installation (tests) is refused and harmless.
    if json {
        drop(lines.json().try_init());
    } else {
        drop(lines.with_ansi(output::watched()).try_init());
    }
}

/// Loads the workspace; says everything that is wrong with it on stderr.
pub(super) fn workspace(dir: Option<PathBuf>, vars: &[(String, String)]) -> Option<Workspace> {
    let loaded = load(&LoadOptions { dir, vars: vars.to_vec() }, &ProcessEnvironment);
    let said = loaded.problems.render(&loaded.sources, output::watched());
    if !said.is_empty() {
        output::line(said.trim_end());
    }
    loaded.workspace
}

/// A store that a command may write to, by the workspace or by `--store`.
pub(super) async fn store(
    workspace: &Workspace,
    asked: Option<&str>,
    clock: &dyn Clock,
    command: &str,
) -> Result<Arc<dyn Store>, Fault> {
    let location = match asked {
        Some(text) => store::Location::parse(text, &workspace.root)?,
        None => workspace.store.clone(),
    };
    let options = store::Options::new(clock.now(), command);
    let opened = tokio::task::spawn_blocking(move || store::open(&location, options)).await;
    opened.map_err(|error| Fault::new(crate::model::Reason::Internal, error.to_string()))?
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
    let settings = web::Settings { public_url, ..web::Settings::default() };
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
