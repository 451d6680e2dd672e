//! `landfall run`: fire, wait, report. For CI and for people.

use std::path::PathBuf;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::fire::{Collector, Gates, Plan};
use super::{Exit, args, output, signals, start};
use crate::clock::{Clock, SystemClock, SystemRandom};
use crate::engine::{Engine, Options, Setup};
use crate::lifecycle::Settings;
use crate::report::{Format, Results};

/// Runs the command.
pub(super) async fn run(dir: Option<PathBuf>, args: args::Run) -> Exit {
    let Some(mut workspace) = start::workspace(dir, &args.var) else {
        return Exit::Usage;
    };
    let asked = Plan::of(&workspace, &args).and_then(|plan| Ok((plan.gates(&args)?, plan)));
    let (gates, plan) = match asked {
        Ok(asked) => asked,
        Err(message) => {
            output::error(&message);
            return Exit::Usage;
        }
    };
    if let Err(message) = output::prepare(&args.output) {
        output::error(&message);
        return Exit::Usage;
    }
    // What is not fired opens no channel; what is named is fired, enabled or not.
    workspace.probes.clone_from(&plan.probes);
    let workspace = Arc::new(workspace);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let stop = CancellationToken::new();
    let tasks = TaskTracker::new();
    let opened = async {
        let store = start::store(&workspace, args.store.as_deref(), clock.as_ref(), "landfall run").await?;
        let (listen, url) = (args.listen, args.public_url.clone());
        let listener = start::listener(&workspace, listen, url, clock.clone(), &stop, &tasks).await?;
        Ok(Setup {
            workspace: workspace.clone(),
            store,
            clock: clock.clone(),
            random: Arc::new(SystemRandom),
            listener,
            settings: Settings::STANDARD,
            options: Options {
                keep_data: args.keep_data,
                paired: false,
                no_grace: args.no_grace,
                steps: Collector::shows(&args.output),
                resume: false,
                awake: None,
            },
        })
    };
    let setup = match opened.await {
        Ok(setup) => setup,
        Err(crate::model::Fault { message, .. }) => {
            output::error(&message);
            return Exit::Blind;
        }
    };
    let store = setup.store.clone();
    let work = async {
        let exit = if args.dry_run {
            dry_run(setup, &plan).await
        } else {
            fire(setup, &plan, gates, &args).await
        };
        stop.cancel();
        tasks.close();
        tasks.wait().await;
        if let Err(fault) = store.shutdown().await {
            output::error(&format!("the store could not be closed: {fault}"));
        }
        exit
    };
    signals::until_told_twice(work).await.unwrap_or_else(|| {
        output::error("ended at once: what was fired is on record, but not what became of it, and it may not be cleaned up");
        Exit::Interrupted
    })
}

async fn dry_run(setup: Setup, plan: &Plan) -> Exit {
    let legs = plan
        .probes
        .iter()
        .flat_map(|p| p.legs.iter().map(move |l| (p, l)));
    let legs: Vec<_> = legs
        .filter(|(_, l)| plan.wants(&l.leg))
        .map(|(p, l)| (p.clone(), l.clone()))
        .collect();
    let rendered = match Engine::dry_run(setup, &legs).await {
        Ok(rendered) => rendered,
        Err(fault) => {
            output::error(&fault.message);
            return Exit::Blind;
        }
    };
    let mut exit = Exit::Fine;
    let mut shown = Vec::new();
    for ((probe, leg), request) in legs.iter().zip(rendered) {
        let head = (
            probe.name.as_ref(),
            leg.leg.route.as_ref(),
            leg.leg.input.as_ref(),
        );
        match request {
            Ok(request) => shown.push(serde_json::json!({
                "probe": head.0, "route": head.1, "input": head.2, "request": request,
            })),
            Err(fault) => {
                output::error(&format!("{} / {} / {}: {fault}", head.0, head.1, head.2));
                exit = Exit::Usage;
            }
        }
    }
    output::data(&(serde_json::to_string_pretty(&shown).unwrap_or_default() + "\n"));
    exit
}

async fn fire(setup: Setup, plan: &Plan, gates: Option<Gates>, args: &args::Run) -> Exit {
    let clock = setup.clock.clone();
    let folder = output::below_repository(&setup.workspace.root);
    let started = clock.now();
    let (engine, updates) = match Engine::start(setup).await {
        Ok(running) => running,
        Err(fault) => {
            output::error(&fault.message);
            return Exit::Blind;
        }
    };
    let collector = Collector::new(&args.output, args.fail_fast).until(gates);
    let deadline = args.deadline.map(|time| started.after(time));
    let (collector, interrupted) = collector
        .collect(&engine, updates, plan, deadline, clock.as_ref())
        .await;
    engine.shut_down().await;
    let exit = collector.exit(interrupted);
    let gate = collector.gates.as_ref().map(Gates::report);
    let mut results = Results::new(
        started.to_rfc3339(),
        collector.runs.into_values().collect(),
        collector.skipped,
    );
    results.folder = folder;
    if let (Some(gate), Format::Ndjson) = (&gate, args.output.format) {
        // One record a line is the contract of stdout: what the gate says stands beside it.
        gate.lines().iter().for_each(|line| output::line(line));
    }
    results.gate = gate;
    match output::write(&args.output, &results, true) {
        Ok(()) => exit,
        Err(message) => {
            output::error(&message);
            Exit::Usage
        }
    }
}
