//! `landfall serve`: the daemon. This file is the list of what is started, in which order, and of what ends in which.

mod hub;
mod log;
mod ticks;

use std::path::PathBuf;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::signals::Interrupts;
use super::{Exit, args, output, signals, start};
use crate::clock::{Clock, SystemClock, SystemRandom};
use crate::engine::{Engine, Options, Setup};
use crate::lifecycle::Settings;
use crate::model::Fault;

/// Runs the command: until the first signal, and then until it has let go; a second one ends it at once.
pub(super) async fn run(dir: Option<PathBuf>, args: args::Serve) -> Exit {
    match signals::until_told_twice(serve(dir, args)).await {
        Some(Ok(())) => Exit::Fine,
        Some(Err((exit, message))) => {
            if !message.is_empty() {
                output::error(&message);
            }
            exit
        }
        None => {
            output::error(
                "ended at once: what was fired is on record, and the next start looks for what became of it",
            );
            Exit::Interrupted
        }
    }
}

async fn serve(dir: Option<PathBuf>, args: args::Serve) -> Result<(), (Exit, String)> {
    let mut interrupts = Interrupts::listen();
    let blind = |fault: Fault| (Exit::Blind, fault.message);
    // Definitions say themselves what is wrong with them.
    let mut workspace = start::workspace(dir, &args.var).ok_or((Exit::Usage, String::new()))?;
    // What is not fired opens no channel.
    workspace.probes.retain(|probe| probe.enabled);
    let workspace = Arc::new(workspace);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());

    // 1. The store: whoever holds it is the one daemon of this workspace.
    let store = start::store(
        &workspace,
        args.store.as_deref(),
        clock.as_ref(),
        "landfall serve",
    )
    .await
    .map_err(blind)?;
    // 2. The listener, before anything fires that is answered to it.
    let (listen, url) = (args.listen, args.public_url.clone());
    let listener = start::listener(&workspace, listen, url, clock.clone(), &stop, &tasks)
        .await
        .map_err(blind)?;
    // 3. The engine, and who is told what it does.
    let hub = Arc::new(hub::Hub::default());
    hub.subscribe(Arc::new(log::Log));
    let (engine, updates) = Engine::start(Setup {
        workspace: workspace.clone(),
        store: store.clone(),
        clock: clock.clone(),
        random: Arc::new(SystemRandom),
        listener,
        settings: Settings::STANDARD,
        options: Options {
            steps: true,
            ..Options::default()
        },
    })
    .await
    .map_err(blind)?;
    tasks.spawn(hub.clone().run(updates));
    // 4. The schedule.
    let ticking = tokio::spawn(ticks::run(
        engine.clone(),
        workspace.clone(),
        clock.clone(),
        stop.clone(),
    ));
    tracing::info!(probes = workspace.probes.len(), workspace = %workspace.root.display(), "serving");

    interrupts.next().await;
    tracing::info!("stopping");
    engine.stop_firing().await;
    stop.cancel();
    drop(ticking.await);
    engine.shut_down().await;
    tasks.close();
    tasks.wait().await;
    store.shutdown().await.map_err(blind)
}
