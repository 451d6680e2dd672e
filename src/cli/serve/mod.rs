//! `landfall serve`: the daemon. This file is the list of what is started, in which order, and of what ends in which.

mod alerts;
mod bell;
mod board;
mod counting;
mod desk;
mod files;
mod force;
mod gauges;
mod hub;
mod log;
mod notify;
#[cfg(feature = "otel")]
mod otlp;
mod plausible;
mod reload;
mod status;
mod surface;
mod telemetry;
mod upkeep;
mod watch;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::signals::Interrupts;
use super::{Exit, args, output, signals, start};
use crate::clock::{Clock, SystemClock, SystemRandom};
use crate::definition::{Loaded, Marks, discover};
use crate::engine::{Engine, Options, Setup, Ticker};
use crate::lifecycle::Settings;
use crate::model::Fault;

/// How often a stop looks whether all runs have ended.
const LOOK: Duration = Duration::from_millis(50);

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

/// Serves until the first signal; the error is the exit code and what to say.
pub(super) async fn serve(dir: Option<PathBuf>, args: args::Serve) -> Result<(), (Exit, String)> {
    let mut interrupts = Interrupts::listen();
    // From here on SIGHUP is no end; one that comes before all is started is answered then.
    let hangup = signal(SignalKind::hangup()).ok();
    let blind = |fault: Fault| (Exit::Blind, fault.message);
    // Definitions say themselves what is wrong with them.
    let folder = dir.clone().or_else(|| discover(std::path::Path::new(".")));
    let mut marks = folder
        .as_deref()
        .map(|root| Marks::of(root, &[]))
        .unwrap_or_default();
    let Loaded {
        workspace,
        secret_files,
        ..
    } = start::loaded(dir, &args.var);
    let mut workspace = workspace.ok_or((Exit::Usage, String::new()))?;
    let folder = folder.unwrap_or_else(|| workspace.root.clone());
    marks.and(&secret_files);
    // What is not fired opens no channel.
    let probes = workspace.probes.clone();
    workspace.probes.retain(|probe| probe.enabled);
    let workspace = Arc::new(workspace);
    let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());

    // 1. The store: whoever holds it is the one daemon of this workspace.
    let clock = SystemClock::start();
    let store = start::store(&workspace, args.store.as_deref(), &clock, "landfall serve")
        .await
        .map_err(blind)?;
    // 2. A clock that can be right; the line of moments is anchored to it.
    if !args.trust_clock {
        tokio::select! {
            plausible = plausible::wait(store.as_ref(), &clock) => plausible.map_err(blind)?,
            () = interrupts.next() => return store.shutdown().await.map_err(blind),
        }
    }
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let last_alive = store.last_alive().await.map_err(blind)?;
    // 3. The listener, before anything fires that is answered to it.
    let (listen, url) = (args.listen, args.public_url.clone());
    let listeners = surface::listen(&workspace, (listen, url), &clock, &stop, &tasks)
        .await
        .map_err(blind)?;
    let now = force::InForce {
        workspace: workspace.clone(),
        probes,
        loaded: clock.now(),
        restart: Vec::new(),
    };
    let attempts = force::Attempts {
        marks,
        secret_files,
        ..force::Attempts::default()
    };
    let force = force::Force::new(now, attempts);
    // 4. Who is told what happens, then the engine.
    let hub = Arc::new(hub::Hub::default());
    let board = Arc::new(board::Board::new(clock.clone()));
    hub.subscribe(Arc::new(log::Log));
    hub.subscribe(board.clone());
    let bell = Arc::new(bell::Bell::new());
    hub.subscribe(bell.clone());
    let overviews = desk::Overviews::new(clock.clone());
    hub.subscribe(Arc::new(overviews.clone()));
    let metrics = telemetry::metrics(&workspace);
    hub.subscribe(Arc::new(counting::Counting(metrics.clone())));
    let alerting = alerts::start(&force, store.clone(), clock.clone(), &stop, &tasks).map_err(blind)?;
    hub.subscribe(Arc::new(alerts::Told(alerting.clone())));
    let (engine, updates) = Engine::start(Setup {
        workspace: workspace.clone(),
        store: store.clone(),
        clock: clock.clone(),
        random: Arc::new(SystemRandom),
        listener: listeners.channels.clone(),
        settings: Settings::STANDARD,
        options: Options {
            steps: true,
            resume: true,
            ..Options::default()
        },
    })
    .await
    .map_err(blind)?;
    let ended = CancellationToken::new();
    tasks.spawn(hub.clone().run(updates, ended.clone()));
    // 5. Whether landfall itself can see.
    let seeing = engine.clone();
    let stalled = move |since| {
        let engine = seeing.clone();
        async move { engine.blinked(since).await }
    };
    tasks.spawn(watch::run(clock.clone(), stop.clone(), stalled));
    // 6. The schedule.
    let ticker = Ticker::new(engine.clone(), last_alive).await.map_err(blind)?;
    ticker.set_probes(&workspace.probes).await.map_err(blind)?;
    let ticking = tokio::spawn({
        let (ticker, stop) = (ticker.clone(), stop.clone());
        async move { ticker.run(stop).await }
    });
    ticker.on_start().await;
    // 7. Who asks, and who is told without asking: pages and API, and the collector.
    let now = gauges::Sources {
        board: board.clone(),
        alerting: alerting.clone(),
        engine: engine.clone(),
        ticker: ticker.clone(),
        store: store.clone(),
        force: force.clone(),
        started: clock.now(),
        listener: listeners.channels.clone(),
    };
    telemetry::start(&hub, (&metrics, &now), clock.clone(), &stop, &tasks).map_err(blind)?;
    let (reloads, asked) = reload::queue();
    let desk = desk::Desk {
        engine: engine.clone(),
        ticker: ticker.clone(),
        store: store.clone(),
        board: board.clone(),
        alerting: alerting.clone(),
        bell: bell.clone(),
        metrics: (metrics.clone(), now.clone()),
        force: force.clone(),
        reloads: reloads.clone(),
        clock: clock.clone(),
        random: Arc::new(SystemRandom),
        started: now.started,
        location: start::location(&workspace, args.store.as_deref()).map_err(blind)?,
        writes: tokio::sync::Mutex::default(),
        overviews,
        reckoning: tokio::sync::Mutex::default(),
        histories: desk::probe::Histories::new(store.clone(), clock.clone()),
    };
    listeners.mount(&workspace, Arc::new(desk), clock.clone(), Arc::new(SystemRandom));
    // 8. What can wait until all that fires.
    let (seeded, of_store, probes) = (board.clone(), store.clone(), workspace.clone());
    let (missed, stopped) = (ticker.clone(), stop.clone());
    tasks.spawn(async move {
        let work = async {
            if let Err(fault) = seeded.seed(of_store.as_ref(), &probes.probes).await {
                tracing::error!(%fault, "the board does not know earlier runs");
            }
            if let Some(last_alive) = last_alive {
                account(&missed, last_alive).await;
            }
        };
        tokio::select! {
            () = work => {}
            () = stopped.cancelled() => {}
        }
    });
    tasks.spawn(upkeep::run(
        store.clone(),
        force.clone(),
        clock.clone(),
        stop.clone(),
    ));
    tasks.spawn(notify::watchdog(ticker.clone(), clock.clone(), stop.clone()));
    tasks.spawn(status::run(
        board.clone(),
        ticker.clone(),
        force.clone(),
        clock.clone(),
        stop.clone(),
    ));
    notify::ready(&format!("{} probes", workspace.probes.len()));
    let (pages, root) = (&listeners.pages, workspace.root.display());
    tracing::info!(probes = workspace.probes.len(), workspace = %root, pages, "serving");

    // 9. What changes while it runs.
    let no_more = stop.child_token();
    let reloader = reload::Reloader {
        engine: engine.clone(),
        ticker: ticker.clone(),
        store: store.clone(),
        clock: clock.clone(),
        force: force.clone(),
        board,
        bell,
        metrics,
        alerts: alerting,
        source: (folder.clone(), args.var),
    };
    let reloading = tokio::spawn(reloader.run(asked, hangup, no_more.clone()));
    if !args.no_watch {
        let watched = files::watch(folder, force.clone(), reloads, clock.clone(), no_more.clone());
        tasks.spawn(watched);
    }

    interrupts.next().await;
    no_more.cancel();
    let grace = force.now().workspace.stop_grace;
    notify::stopping(grace);
    drop(reloading.await);
    let left = wind_down(grace, &engine, &ticker, clock.as_ref()).await;
    stop.cancel();
    drop(ticking.await);
    engine.shut_down().await;
    ended.cancel();
    tasks.close();
    tasks.wait().await;
    store.shutdown().await.map_err(blind)?;
    tracing::info!(left, "stopped");
    Ok(())
}

/// Fires nothing more and waits for what is open, up to the grace. The result is how many runs are left to the next start.
async fn wind_down(grace: Duration, engine: &Engine, ticker: &Ticker, clock: &dyn Clock) -> usize {
    tracing::info!(
        open = engine.open_runs(),
        grace = grace.as_secs_f64(),
        "stopping: nothing more is fired, and what is open is waited for; a second signal ends at once"
    );
    let end = clock.now().after(grace);
    ticker.stop_firing().await;
    loop {
        let open = engine.open_runs();
        if open == 0 || clock.now() >= end {
            return open;
        }
        clock.sleep(LOOK).await;
    }
}

async fn account(ticker: &Ticker, last_alive: crate::model::Moment) {
    match ticker.account_for_downtime(last_alive).await {
        Ok(0) => {}
        Ok(ticks) => {
            tracing::warn!(ticks, since = %last_alive, "ticks came due while landfall was not running")
        }
        Err(fault) => {
            tracing::error!(%fault, "ticks that came due while landfall was not running are not on record")
        }
    }
}
