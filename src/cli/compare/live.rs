//! The experiment itself: every compared route fired at the same ticks, until there is a word on each.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::super::fire::{Collector, REDRAW, START_DEADLINE, pending, ticks, unknown};
use super::super::signals::Interrupts;
use super::super::{Exit, output, signals, start};
use super::Args;
use super::arms::Arms;
use super::contestants::{Contestants, choose};
use super::held::Held;
use super::watch::Watch;
use crate::clock::{Clock, Random as _, SystemClock, SystemRandom};
use crate::compare::{Comparison, End, Experiment, Schedule, Source};
use crate::definition::{Probe, Workspace};
use crate::engine::{Engine, Options, Setup, Update};
use crate::lifecycle::Settings;
use crate::model::{Fault, Mark, Moment, SkipReason, SkipRecord};

/// Runs the command.
pub(super) async fn run(dir: Option<PathBuf>, args: Args) -> Exit {
    let Some(mut workspace) = start::workspace(dir, &args.var) else {
        return Exit::Usage;
    };
    let (probe, chosen) = match contestants(&workspace, &args) {
        Ok(found) => found,
        Err(message) => {
            output::error(&message);
            return Exit::Usage;
        }
    };
    // What is not fired opens no channel.
    workspace.probes = vec![probe.clone()];
    let workspace = Arc::new(workspace);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let stop = CancellationToken::new();
    let tasks = TaskTracker::new();
    let opened = setup(&args, &workspace, clock, (&stop, &tasks)).await;
    let setup = match opened {
        Ok(setup) => setup,
        Err(Fault { message, .. }) => {
            output::error(&message);
            return Exit::Blind;
        }
    };
    let store = setup.store.clone();
    let work = async {
        let exit = fire(setup, &probe, &chosen, &args).await;
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

fn contestants(workspace: &Workspace, args: &Args) -> Result<(Arc<Probe>, Contestants), String> {
    let name = &args.what[0];
    let found = workspace.probes.iter().find(|probe| *probe.name == **name);
    let probe = found.cloned().ok_or_else(|| {
        let names = workspace.probes.iter().map(|probe| probe.name.as_ref());
        unknown("probe", name, names)
    })?;
    let (mut routes, mut inputs) = (Vec::new(), Vec::new());
    for def in &probe.legs {
        for (names, name) in [(&mut routes, &def.leg.route), (&mut inputs, &def.leg.input)] {
            let name = name.to_string();
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    let asked = (args.scope.route.as_slice(), args.scope.input.as_slice());
    let chosen = choose(
        name,
        (&routes, &inputs),
        args.baseline.as_deref(),
        asked,
        args.noise_arm,
    )?;
    Ok((probe, chosen))
}

async fn setup(
    args: &Args,
    workspace: &Arc<Workspace>,
    clock: Arc<dyn Clock>,
    (stop, tasks): (&CancellationToken, &TaskTracker),
) -> Result<Setup, Fault> {
    let asked = args.scope.store.first().map(String::as_str);
    let store = start::store(workspace, asked, clock.as_ref(), "landfall compare").await?;
    let (listen, url) = (args.listen, args.public_url.clone());
    let listener = start::listener(workspace, listen, url, clock.clone(), stop, tasks).await?;
    Ok(Setup {
        workspace: workspace.clone(),
        store,
        clock,
        random: Arc::new(SystemRandom),
        listener,
        settings: Settings::STANDARD,
        options: Options {
            keep_data: args.keep_data,
            paired: true,
            no_grace: args.no_grace,
            steps: Collector::shows(&args.output),
            resume: false,
            awake: None,
        },
    })
}

async fn fire(setup: Setup, probe: &Arc<Probe>, chosen: &Contestants, args: &Args) -> Exit {
    let routes = chosen.routes.clone();
    let declared = args.setup(&probe.name, &chosen.baseline, routes, chosen.inputs.clone());
    let experiment = match Experiment::new(declared, true) {
        Ok(experiment) => experiment,
        Err(error) => {
            output::error(&error.to_string());
            return Exit::Usage;
        }
    };
    let clock = setup.clock.clone();
    let store = setup.store.clone();
    let location = setup.workspace.location.clone();
    let seed = args.seed.unwrap_or_else(|| {
        let [a, b, c, d, ..] = SystemRandom.bytes();
        u64::from(u32::from_be_bytes([a, b, c, d]))
    });
    let (engine, updates) = match Engine::start(setup).await {
        Ok(running) => running,
        Err(fault) => {
            output::error(&fault.message);
            return Exit::Blind;
        }
    };
    let cap = args.most_ticks();
    let every = args.every.unwrap_or(super::EVERY);
    let round = Round {
        arms: Arms::of(probe, chosen, args.noise_arm),
        probe: probe.clone(),
        location,
        seed,
        every,
        gap: args.route_gap.unwrap_or_default(),
        cap,
        last: args.for_.map_or(u64::MAX, |time| u64::from(ticks(time, every))),
        fixed: args.fixed,
        watch: Watch::new(&args.output, (&probe.name, &chosen.baseline), cap, clock.now()),
        experiment,
        slots: 0,
        fired: 0,
        expected: 0,
        ended: 0,
        held: Held::default(),
        end: None,
        detail: String::new(),
    };
    let begin = clock.now();
    let round = round.run(&engine, updates, clock.as_ref()).await;
    engine.shut_down().await;
    let marks = store.marks(Some(begin), None).await;
    round.tell(args, marks)
}

/// One experiment under way.
struct Round {
    arms: Arms,
    probe: Arc<Probe>,
    location: Arc<str>,
    seed: u64,
    every: Duration,
    gap: Duration,
    cap: u64,
    /// Instants at which a tick may be due.
    last: u64,
    fixed: Option<u64>,
    watch: Watch,
    experiment: Experiment,
    /// Instants that have come.
    slots: u64,
    fired: u64,
    /// Runs and skips that will come, and that have come.
    expected: usize,
    ended: usize,
    /// What causes are looked for in.
    held: Held,
    /// Why nothing more is fired.
    end: Option<End>,
    detail: String,
}

impl Round {
    async fn run(
        mut self,
        engine: &Engine,
        mut updates: UnboundedReceiver<Update>,
        clock: &dyn Clock,
    ) -> Self {
        let mut interrupts = Interrupts::listen();
        let mut redraw = clock.sleep(REDRAW);
        let begin = clock.now();
        let mut next = clock.sleep_until(begin);
        // What ends is looked at until there is a word on everything.
        let (mut looking, mut interrupted) = (true, false);
        while self.end.is_none() || self.ended < self.expected {
            tokio::select! {
                biased;
                () = interrupts.next(), if !interrupted => {
                    interrupted = true;
                    if std::mem::take(&mut looking) {
                        self.end = Some(End::Interrupted);
                    }
                    self.watch.say("interrupted: what was fired is recorded and cleaned up; once more ends at once");
                    engine.cut("interrupted").await;
                }
                () = &mut next, if self.end.is_none() => {
                    self.tick(engine, begin).await;
                    let slot = u32::try_from(self.slots).unwrap_or(u32::MAX);
                    next = clock.sleep_until(begin.after(self.every.saturating_mul(slot)));
                }
                Some(update) = updates.recv() => {
                    self.take(update, looking, clock.now());
                    if looking && self.end.is_none_or(|end| end != End::Decided) && self.experiment.is_decided() {
                        (self.end, looking) = (Some(End::Decided), false);
                        engine.stop_firing().await;
                        let open = self.expected - self.ended;
                        if open > 0 {
                            self.watch.say(&format!("decided; {open} runs are under way and seen to their end: Ctrl-C ends them now"));
                        }
                    }
                }
                () = &mut redraw => {
                    self.watch.refresh(&self.experiment, self.fired, clock.now());
                    redraw = clock.sleep(REDRAW);
                }
                else => break,
            }
            if self.end.is_some() {
                next = pending();
            }
        }
        self.watch.finish();
        self
    }

    /// The next instant has come.
    async fn tick(&mut self, engine: &Engine, begin: Moment) {
        let slot = u32::try_from(self.slots).unwrap_or(u32::MAX);
        let due = begin.after(self.every.saturating_mul(slot));
        self.slots += 1;
        // Of a fixed number no tick is fired that nobody will look at.
        let wanted = self.fixed.is_none_or(|fixed| self.experiment.hopeful() < fixed);
        if wanted {
            let legs = self.arms.at(self.seed, self.fired);
            // Records name a tick to the millisecond.
            let tick = Moment::from_rfc3339(&due.to_rfc3339()).unwrap_or(due);
            self.experiment.expect(tick, &self.location);
            let deadline = due.after(START_DEADLINE);
            self.expected += engine.tick_of(&self.probe, legs, due, deadline, self.gap).await;
            self.fired += 1;
        }
        if self.fired >= self.cap {
            self.end = Some(End::Cap);
        } else if self.slots >= self.last {
            self.end = Some(End::Time);
        }
    }

    fn take(&mut self, update: Update, looking: bool, now: Moment) {
        self.watch.update(&update, now);
        match update {
            Update::Closed { record, not_stored } => {
                self.ended += 1;
                if let Some(why) = not_stored {
                    self.watch
                        .say(&format!("error: run {} is not on record: {why}", record.id));
                }
                if looking {
                    self.experiment.take(&record);
                    self.experiment.look();
                    self.held.take(record);
                }
            }
            Update::Amended(record) if looking => {
                self.experiment.take(&record);
                self.held.take(record);
            }
            Update::Skipped(skip) => {
                self.ended += 1;
                if looking {
                    self.experiment.skip(&skip);
                    self.experiment.look();
                    self.skipped(&skip);
                }
            }
            _ => {}
        }
    }

    /// A limit ends the experiment: more ticks would be skipped too. So does a request that cannot be rendered.
    fn skipped(&mut self, skip: &SkipRecord) {
        let hint = match skip.reason {
            SkipReason::Limit if skip.detail.contains("in_flight") => {
                "; a longer `--every` lets runs end before the next tick"
            }
            SkipReason::Limit => "; the day ends at midnight UTC",
            SkipReason::Render => "",
            _ => return,
        };
        if self.detail.is_empty() {
            self.end = Some(End::Limit);
            self.detail = format!("{}{hint}", skip.detail);
        }
    }

    fn tell(self, args: &Args, marks: Result<Vec<Mark>, Fault>) -> Exit {
        let end = self.end.unwrap_or(End::Interrupted);
        let found = self.experiment.comparison(Source::Live, end);
        let comparison = match found {
            Ok(found) => Comparison {
                end_detail: self.detail,
                schedule: Some(Schedule {
                    seed: self.seed,
                    every: self.every.as_secs_f64(),
                    route_gap: self.gap.as_secs_f64(),
                    fired: self.fired,
                    cap: self.cap,
                }),
                ..found
            },
            Err(error) => {
                output::error(&error.to_string());
                return Exit::Usage;
            }
        };
        let told = self.held.explained(comparison, marks);
        let exit = super::tell(&args.output, &told, &self.held);
        let ticks = told.comparison.ticks;
        let unrendered = ticks.is_some_and(|ticks| ticks.dropped.contains_key(SkipReason::Render.word()));
        match (end, exit) {
            (_, Exit::Usage) => Exit::Usage,
            _ if unrendered => Exit::Usage,
            (End::Interrupted, _) => Exit::Interrupted,
            (_, exit) => exit,
        }
    }
}
