//! `landfall run`: fire, wait, report. For CI and for people.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Exit, args, output, start};
use crate::clock::{Clock, SystemClock, SystemRandom};
use crate::definition::{Probe, Workspace};
use crate::engine::{Engine, Options, Setup, Update};
use crate::lifecycle::Settings;
use crate::model::{Class, Flag, Leg, Moment, RunId, RunRecord, SkipReason, SkipRecord};
use crate::report::progress::{Mode, Progress};
use crate::report::{Format, Results, line};

/// A tick of `run` that could not leave so long after it was due is skipped.
const START_DEADLINE: Duration = Duration::from_secs(30);
/// Between redraws of the live table.
const REDRAW: Duration = Duration::from_millis(100);

/// Runs the command.
pub(super) async fn run(dir: Option<PathBuf>, args: args::Run) -> Exit {
    let Some(workspace) = start::workspace(dir, &args.var) else {
        return Exit::Usage;
    };
    let workspace = Arc::new(workspace);
    let plan = match Plan::of(&workspace, &args) {
        Ok(plan) => plan,
        Err(message) => {
            output::error(&message);
            return Exit::Usage;
        }
    };
    if let Err(message) = output::prepare(&args.output) {
        output::error(&message);
        return Exit::Usage;
    }
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
    let exit = if args.dry_run {
        dry_run(setup, &plan).await
    } else {
        fire(setup, &plan, &args).await
    };
    stop.cancel();
    tasks.close();
    tasks.wait().await;
    if let Err(fault) = store.shutdown().await {
        output::error(&format!("the store could not be closed: {fault}"));
    }
    exit
}

/// What is to be fired.
struct Plan {
    probes: Vec<Arc<Probe>>,
    routes: Vec<String>,
    ticks: u32,
    every: Duration,
}

impl Plan {
    fn of(workspace: &Workspace, args: &args::Run) -> Result<Self, String> {
        let mut probes = Vec::new();
        for name in &args.probes {
            let found = workspace.probes.iter().find(|p| p.name.as_ref() == name);
            probes.push(found.cloned().ok_or_else(|| {
                let names = workspace.probes.iter().map(|p| p.name.as_ref());
                unknown("probe", name, names)
            })?);
        }
        if args.probes.is_empty() {
            probes.extend(workspace.probes.iter().filter(|p| p.enabled).cloned());
        }
        probes.retain(|p| {
            args.label
                .iter()
                .all(|(key, value)| p.labels.get(key) == Some(value))
        });
        let mut routes: Vec<&str> = probes
            .iter()
            .flat_map(|p| &p.legs)
            .map(|l| l.leg.route.as_ref())
            .collect();
        routes.sort_unstable();
        routes.dedup();
        for route in &args.route {
            if !routes.contains(&route.as_str()) {
                return Err(unknown("route", route, routes.iter().copied()));
            }
        }
        let plan = Self {
            routes: args.route.clone(),
            ticks: args.for_.map_or(args.count, |time| ticks(time, args.every)),
            every: args.every,
            probes,
        };
        if plan
            .probes
            .iter()
            .flat_map(|p| &p.legs)
            .any(|l| plan.wants(&l.leg))
            && plan.ticks > 0
        {
            Ok(plan)
        } else {
            Err(String::from(
                "nothing to fire: no enabled probe has the labels and routes asked for",
            ))
        }
    }

    fn wants(&self, leg: &Leg) -> bool {
        self.routes.is_empty() || self.routes.iter().any(|r| r == leg.route.as_ref())
    }
}

/// Ticks that come due within `time`, the first at once.
fn ticks(time: Duration, every: Duration) -> u32 {
    let gaps = time.as_nanos().checked_div(every.as_nanos().max(1)).unwrap_or(0);
    u32::try_from(gaps).unwrap_or(u32::MAX).saturating_add(1)
}

fn unknown<'a>(what: &str, name: &str, names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    let near = names
        .iter()
        .max_by(|a, b| strsim::jaro(a, name).total_cmp(&strsim::jaro(b, name)));
    let hint = match near.filter(|near| strsim::jaro(near, name) > 0.7) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there are: {}", names.join(", ")),
    };
    format!("no {what} `{name}`; {hint}")
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

async fn fire(setup: Setup, plan: &Plan, args: &args::Run) -> Exit {
    let clock = setup.clock.clone();
    let started = clock.now();
    let (engine, updates) = match Engine::start(setup).await {
        Ok(running) => running,
        Err(fault) => {
            output::error(&fault.message);
            return Exit::Blind;
        }
    };
    let mode = match (args.output.verbose, output::watched()) {
        (true, _) => Mode::Steps,
        (false, true) => Mode::Live,
        (false, false) => Mode::Silent,
    };
    let collector = Collector {
        progress: Progress::new(mode),
        live: mode == Mode::Live,
        runs: BTreeMap::new(),
        skipped: Vec::new(),
        stream: args.output.format == Format::Ndjson,
        fail_fast: args.fail_fast,
    };
    let deadline = args.deadline.map(|time| started.after(time));
    let (collector, interrupted) = collector
        .collect(&engine, updates, plan, deadline, clock.as_ref())
        .await;
    engine.shut_down().await;
    let exit = collector.exit(interrupted);
    let results = Results::new(
        started.to_rfc3339(),
        collector.runs.into_values().collect(),
        collector.skipped,
    );
    match output::write(&args.output, &results, true) {
        Ok(()) => exit,
        Err(message) => {
            output::error(&message);
            Exit::Usage
        }
    }
}

/// Takes in what the engine tells until every leg of every tick has its fate.
struct Collector {
    progress: Progress,
    live: bool,
    runs: BTreeMap<RunId, Arc<RunRecord>>,
    skipped: Vec<SkipRecord>,
    stream: bool,
    fail_fast: bool,
}

impl Collector {
    async fn collect(
        mut self,
        engine: &Engine,
        mut updates: mpsc::UnboundedReceiver<Update>,
        plan: &Plan,
        deadline: Option<Moment>,
        clock: &dyn Clock,
    ) -> (Self, bool) {
        let interrupts = tokio::signal::ctrl_c();
        tokio::pin!(interrupts);
        let mut redraw = clock.sleep(REDRAW);
        let mut over = deadline.map_or_else(pending, |at| clock.sleep_until(at));
        let begin = clock.now();
        let mut next = clock.sleep_until(begin);
        let (mut fired, mut expected, mut firing, mut interrupted) = (0_u32, 0_usize, true, false);
        while firing || self.runs.len() + self.skipped.len() < expected {
            tokio::select! {
                biased;
                _ = &mut interrupts, if !interrupted => {
                    (firing, interrupted) = (false, true);
                    engine.cut("interrupted").await;
                }
                () = &mut over => {
                    (firing, over) = (false, pending());
                    engine.cut("ended by --deadline").await;
                }
                () = &mut next, if firing => {
                    let due = begin.after(plan.every.saturating_mul(fired));
                    for probe in &plan.probes {
                        expected += engine.tick(probe, due, due.after(START_DEADLINE), &|leg| plan.wants(leg)).await;
                    }
                    fired += 1;
                    firing = fired < plan.ticks;
                    next = clock.sleep_until(begin.after(plan.every.saturating_mul(fired)));
                }
                Some(update) = updates.recv() => {
                    if self.take(update, clock.now()) && self.fail_fast && firing | (expected > 0) {
                        (firing, self.fail_fast) = (false, false);
                        engine.cut("ended by --fail-fast").await;
                    }
                }
                () = &mut redraw, if self.live => {
                    self.progress.refresh(clock.now());
                    redraw = clock.sleep(REDRAW);
                }
                else => break,
            }
        }
        self.progress.finish();
        (self, interrupted)
    }

    /// Whether it is a run that did not end well.
    fn take(&mut self, update: Update, now: Moment) -> bool {
        self.progress.update(&update, now);
        match update {
            Update::Closed { record, not_stored } => {
                if self.stream {
                    self.progress.clear();
                    output::data(&line(&record));
                }
                if let Some(why) = not_stored {
                    self.progress.clear();
                    output::error(&format!("run {} is not on record: {why}", record.id));
                }
                let bad = bad(&record);
                self.runs.insert(record.id, record);
                bad
            }
            Update::Amended(record) => {
                self.runs.insert(record.id, record);
                false
            }
            Update::Skipped(record) => {
                self.skipped.push(record);
                false
            }
            Update::Step(_) | Update::ChannelDown { .. } | Update::ChannelUp { .. } => false,
        }
    }

    fn exit(&self, interrupted: bool) -> Exit {
        if interrupted {
            return Exit::Interrupted;
        }
        let runs = || self.runs.values();
        let skipped = |reasons: &[SkipReason]| self.skipped.iter().any(|s| reasons.contains(&s.reason));
        if skipped(&[SkipReason::Render]) {
            Exit::Usage
        } else if runs().any(|r| bad(r)) {
            Exit::Failed
        } else if runs().any(|r| r.class == Class::Unobserved)
            || skipped(&[SkipReason::ArmFailed, SkipReason::Store, SkipReason::LateStart])
        {
            Exit::Blind
        } else if !self.skipped.is_empty() {
            Exit::Undecided
        } else {
            Exit::Fine
        }
    }
}

/// Ended otherwise than delivered, or unexecuted. What landfall could not see is no failure of the target.
fn bad(record: &RunRecord) -> bool {
    !matches!(record.class, Class::Delivered | Class::Unobserved) || record.flags.contains(&Flag::Unexecuted)
}

fn pending() -> futures::future::BoxFuture<'static, ()> {
    Box::pin(std::future::pending())
}
