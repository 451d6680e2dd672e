//! `landfall demo`: the sandbox and its probes in one process, and how often the verdicts agree with the truth.

mod agreement;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::fire::{Collector, Plan};
use super::{Exit, args, output, serve, signals, start};
use crate::clock::{Clock, Random, SystemClock, SystemRandom};
use crate::engine::{Engine, Options, Setup};
use crate::lifecycle::Settings;
use crate::model::{Fault, Reason};
use crate::report::Results;
use crate::sandbox::workspace::{self, Endpoints};
use crate::sandbox::{self, Ledger, Script};
use crate::store::{MemoryStore, Store};

/// The probe of the sandbox's workspace that goes down three routes.
const PROBE: &str = "message";
/// Between ticks, so that runs overlap and every fault is met within seconds.
const EVERY: Duration = Duration::from_millis(60);
/// A port that was free may be taken before it is bound again.
const TRIES: usize = 5;

/// Runs the command.
pub(super) async fn run(args: args::Demo) -> Exit {
    if let Err(message) = output::prepare(&args.output) {
        output::error(&message);
        return Exit::Usage;
    }
    let folder = match Folder::make() {
        Ok(folder) => folder,
        Err(message) => {
            output::error(&message);
            return Exit::Blind;
        }
    };
    let mut tried = Err(Fault::new(Reason::Unreachable, "no port"));
    for n in 0..TRIES {
        let dir = folder.0.join(n.to_string());
        let shown = signals::until_told_twice(show(&args, &dir)).await;
        tried = shown.unwrap_or(Ok(Exit::Interrupted));
        match &tried {
            // The mail sink's port went to somebody else in between.
            Err(fault) if fault.message.contains("in use") => {}
            _ => break,
        }
    }
    match tried {
        Ok(exit) => exit,
        Err(fault) => {
            output::error(&fault.message);
            Exit::Blind
        }
    }
}

/// A folder that goes when the demo ends.
struct Folder(PathBuf);

impl Folder {
    fn make() -> Result<Self, String> {
        let unique = uuid::Builder::from_random_bytes(first(SystemRandom.bytes())).into_uuid();
        let folder = std::env::temp_dir().join(format!("landfall-demo-{unique}"));
        let made = std::fs::create_dir_all(&folder);
        made.map_err(|error| format!("`{}` cannot be made: {error}", folder.display()))?;
        Ok(Self(folder))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            output::error(&format!("`{}` could not be removed: {error}", self.0.display()));
        }
    }
}

fn first(bytes: [u8; 32]) -> [u8; 16] {
    std::array::from_fn(|i| bytes[i])
}

fn local(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

/// A port that is free now.
fn free_port() -> Result<u16, Fault> {
    let bound = std::net::TcpListener::bind(local(0)).and_then(|socket| socket.local_addr());
    bound
        .map(|address| address.port())
        .map_err(|error| Fault::new(Reason::Unreachable, format!("no free port: {error}")))
}

async fn show(args: &args::Demo, dir: &Path) -> Result<Exit, Fault> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    // The gateway goes on while the pages are up.
    let (stop, ends) = (CancellationToken::new(), CancellationToken::new());
    let tasks = TaskTracker::new();
    let mail = local(free_port()?);
    let listen = local(free_port()?);
    std::fs::create_dir_all(dir)
        .map_err(|e| Fault::new(Reason::Limit, format!("`{}`: {e}", dir.display())))?;
    let database = dir.join("messages.db");
    let gateway = sandbox::Options {
        listen: local(0),
        ledger: Ledger::Memory,
        faults: Script::demo(),
        seed: args.seed,
        database: Some(database.clone()),
        smtp: Some(mail.to_string()),
        remember: args.runs as usize + 1000,
        ..sandbox::Options::default()
    };
    let broken = |error: sandbox::Error| Fault::new(Reason::Unreachable, format!("the sandbox: {error}"));
    let gateway = sandbox::start(gateway, clock.clone(), ends.clone())
        .await
        .map_err(broken)?;
    let endpoints = Endpoints {
        gateway: gateway.address(),
        listen,
        mail,
        database,
    };
    workspace::write(dir, &endpoints).map_err(broken)?;
    let Some(workspace) = start::workspace(Some(dir.to_owned()), &[]) else {
        return Err(Fault::new(
            Reason::Internal,
            "the demo's own workspace does not load",
        ));
    };
    let workspace = Arc::new(workspace);
    let listener = start::listener(&workspace, None, None, clock.clone(), &stop, &tasks).await?;
    let store: Arc<dyn Store> = if args.serve {
        start::store(&workspace, None, clock.as_ref(), "landfall demo").await?
    } else {
        Arc::new(MemoryStore::keeping(args.runs as usize + 1))
    };
    let setup = Setup {
        workspace: workspace.clone(),
        store: store.clone(),
        clock: clock.clone(),
        random: Arc::new(SystemRandom),
        listener,
        settings: Settings::STANDARD,
        options: Options {
            steps: Collector::shows(&args.output),
            ..Options::default()
        },
    };
    let probes: Vec<_> = workspace
        .probes
        .iter()
        .filter(|p| p.name.as_ref() == PROBE)
        .cloned()
        .collect();
    let legs = probes.iter().map(|p| p.legs.len()).sum::<usize>().max(1);
    let ticks = args.runs.div_ceil(u32::try_from(legs).unwrap_or(u32::MAX));
    let plan = Plan {
        probes,
        routes: Vec::new(),
        ticks,
        every: EVERY,
        runs: args.runs as usize,
    };
    let started = clock.now();
    let (engine, updates) = Engine::start(setup).await?;
    let collector = Collector::new(&args.output, false);
    let (collector, interrupted) = collector
        .collect(&engine, updates, &plan, None, clock.as_ref())
        .await;
    engine.shut_down().await;
    stop.cancel();
    tasks.close();
    tasks.wait().await;
    let truth = gateway.truth();
    store.shutdown().await?;
    let mut results = Results::new(
        started.to_rfc3339(),
        collector.runs.into_values().collect(),
        collector.skipped,
    );
    let agreement = agreement::of(&results.runs, &truth);
    let all = agreement.agree == agreement.runs && agreement.runs == u64::from(args.runs);
    results.truth = Some(agreement);
    let exit = match (output::write(&args.output, &results, true), interrupted, all) {
        (Err(message), ..) => {
            output::error(&message);
            Exit::Usage
        }
        (Ok(()), true, _) => Exit::Interrupted,
        (Ok(()), false, true) => Exit::Fine,
        (Ok(()), false, false) => Exit::Failed,
    };
    let served = if args.serve && !interrupted && exit != Exit::Usage {
        output::line(&format!(
            "pages: http://{listen}/ (Ctrl-C ends them and the gateway)"
        ));
        serve::serve(Some(dir.to_owned()), args::Serve::default()).await
    } else {
        Ok(())
    };
    ends.cancel();
    gateway.join().await.map_err(broken)?;
    match served {
        Ok(()) => Ok(exit),
        Err((exit, message)) => {
            output::error(&message);
            Ok(exit)
        }
    }
}
