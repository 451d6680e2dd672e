//! What `run` and `demo` share: which ticks to hand in, and taking in what becomes of them.

mod gate;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::signals::Interrupts;
use super::{Exit, args, output};
use crate::clock::Clock;
use crate::definition::{Probe, Workspace};
use crate::engine::{Engine, Update};
use crate::model::{Class, Flag, Leg, Moment, RunId, RunRecord, SkipReason, SkipRecord};
use crate::report::progress::{Mode, Progress};
use crate::report::{Format, line};

pub(super) use gate::{Args as GateArgs, Gates, level};

/// A tick of `run` that could not leave so long after it was due is skipped.
pub(super) const START_DEADLINE: Duration = Duration::from_secs(30);
/// Between redraws of the live table.
pub(super) const REDRAW: Duration = Duration::from_millis(100);

/// What is to be fired.
pub(super) struct Plan {
    pub(super) probes: Vec<Arc<Probe>>,
    /// Only these; all where it is empty.
    pub(super) routes: Vec<String>,
    pub(super) ticks: u32,
    pub(super) every: Duration,
    /// No more runs than this: the last tick is cut to fit.
    pub(super) runs: usize,
}

impl Plan {
    /// What the arguments of `run` ask for.
    pub(super) fn of(workspace: &Workspace, args: &args::Run) -> Result<Self, String> {
        let mut probes = Vec::new();
        for name in &args.probes {
            let found = workspace.probes.iter().find(|p| p.name.as_ref() == name);
            let probe = found.cloned().ok_or_else(|| {
                let names = workspace.probes.iter().map(|p| p.name.as_ref());
                unknown("probe", name, names)
            })?;
            // Named twice is fired once: a second run of the same tick is what the fence refuses.
            if !probes.iter().any(|p: &Arc<Probe>| p.name == probe.name) {
                probes.push(probe);
            }
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
            ticks: match args.for_ {
                _ if args.gate.until_decided => u32::MAX,
                Some(time) => ticks(time, args.every),
                None => args.count,
            },
            every: args.every,
            runs: usize::MAX,
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

    /// The gate over what is to be fired, where one is asked for.
    pub(super) fn gates(&self, args: &args::Run) -> Result<Option<Gates>, String> {
        let legs = self.probes.iter().flat_map(|p| &p.legs).map(|l| l.leg.as_ref());
        let wanted = legs.filter(|leg| self.wants(leg));
        args.gate
            .until_decided
            .then(|| Gates::of(&args.gate, wanted))
            .transpose()
    }

    /// Whether a leg is among what is to be fired.
    pub(super) fn wants(&self, leg: &Leg) -> bool {
        self.routes.is_empty() || self.routes.iter().any(|r| r == leg.route.as_ref())
    }
}

/// Ticks that come due within `time`, the first at once.
pub(super) fn ticks(time: Duration, every: Duration) -> u32 {
    let gaps = time.as_nanos().checked_div(every.as_nanos().max(1)).unwrap_or(0);
    u32::try_from(gaps).unwrap_or(u32::MAX).saturating_add(1)
}

/// What is said of a name that is not there.
pub(super) fn unknown<'a>(what: &str, name: &str, names: impl Iterator<Item = &'a str>) -> String {
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

/// Takes in what the engine tells until every leg of every tick has its fate.
pub(super) struct Collector {
    progress: Progress,
    live: bool,
    pub(super) runs: BTreeMap<RunId, Arc<RunRecord>>,
    pub(super) skipped: Vec<SkipRecord>,
    stream: bool,
    fail_fast: bool,
    /// What decides when enough was fired.
    pub(super) gates: Option<Gates>,
    /// A line could not be written to stdout.
    unwritten: bool,
}

impl Collector {
    /// Whether steps are shown.
    pub(super) fn shows(output: &args::Output) -> bool {
        output.verbose || output::watched()
    }

    /// How much is shown.
    pub(super) fn mode(output: &args::Output) -> Mode {
        match (output.verbose, output::watched()) {
            (true, _) => Mode::Steps,
            (false, true) => Mode::Live,
            (false, false) => Mode::Silent,
        }
    }

    /// `fail_fast` ends everything at the first run that does not end well.
    pub(super) fn new(output: &args::Output, fail_fast: bool) -> Self {
        let mode = Self::mode(output);
        Self {
            progress: Progress::new(mode),
            live: mode == Mode::Live,
            runs: BTreeMap::new(),
            skipped: Vec::new(),
            stream: output.format == Format::Ndjson,
            fail_fast,
            gates: None,
            unwritten: false,
        }
    }

    /// Fires until these are decided.
    pub(super) fn until(mut self, gates: Option<Gates>) -> Self {
        self.gates = gates;
        self
    }

    /// The result says whether it was interrupted.
    pub(super) async fn collect(
        mut self,
        engine: &Engine,
        mut updates: mpsc::UnboundedReceiver<Update>,
        plan: &Plan,
        deadline: Option<Moment>,
        clock: &dyn Clock,
    ) -> (Self, bool) {
        let mut interrupts = Interrupts::listen();
        let mut redraw = clock.sleep(REDRAW);
        let mut over = deadline.map_or_else(pending, |at| clock.sleep_until(at));
        let begin = clock.now();
        let mut next = clock.sleep_until(begin);
        let (mut fired, mut expected, mut firing, mut interrupted) = (0_u32, 0_usize, true, false);
        while firing || self.runs.len() + self.skipped.len() < expected {
            tokio::select! {
                biased;
                () = interrupts.next(), if !interrupted => {
                    (firing, interrupted) = (false, true);
                    self.stop("interrupted");
                    self.progress.clear();
                    output::line("interrupted: what was fired is recorded and cleaned up; once more ends at once");
                    engine.cut("interrupted").await;
                }
                () = &mut over => {
                    (firing, over) = (false, pending());
                    self.stop("ended by --deadline");
                    engine.cut("ended by --deadline").await;
                }
                () = &mut next, if firing => {
                    let due = begin.after(plan.every.saturating_mul(fired));
                    for probe in &plan.probes {
                        expected += self.tick(engine, plan, probe, due, expected).await;
                    }
                    fired += 1;
                    firing = fired < plan.ticks;
                    next = clock.sleep_until(begin.after(plan.every.saturating_mul(fired)));
                }
                Some(update) = updates.recv() => {
                    if self.take(update, clock.now()) && self.fail_fast && firing | (expected > 0) {
                        (firing, self.fail_fast) = (false, false);
                        self.stop("ended by --fail-fast");
                        engine.cut("ended by --fail-fast").await;
                    }
                    if let Some(gates) = &self.gates {
                        firing = !gates.over();
                        self.progress.gate(gates.report());
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

    /// Hands in a tick of a probe; the result is how many runs or skips will come of it.
    async fn tick(
        &mut self,
        engine: &Engine,
        plan: &Plan,
        probe: &Arc<Probe>,
        due: Moment,
        before: usize,
    ) -> usize {
        let room = std::sync::atomic::AtomicUsize::new(plan.runs - before);
        let deadline = due.after(START_DEADLINE);
        let Some(gates) = &mut self.gates else {
            let choose = |leg: &Leg| plan.wants(leg) && take_one(&room);
            return engine.tick(probe, due, deadline, &choose).await;
        };
        let wanted = gates.wanted(probe);
        if wanted.is_empty() {
            return 0;
        }
        let choose = |leg: &Leg| Gates::among(&wanted, leg);
        let fired = engine.tick(probe, due, deadline, &choose).await;
        if fired > 0 {
            gates.fired(&wanted, due);
        }
        fired
    }

    /// Notes what ended everything before its time.
    fn stop(&mut self, why: &'static str) {
        if let Some(gates) = &mut self.gates {
            gates.stop(why);
        }
    }

    /// Whether it is a run that did not end well, or that its series is bad.
    fn take(&mut self, update: Update, now: Moment) -> bool {
        self.progress.update(&update, now);
        match update {
            Update::Closed { record, not_stored } => {
                if self.stream {
                    self.progress.clear();
                    if let Err(why) = output::put(&line(&record))
                        && !std::mem::replace(&mut self.unwritten, true)
                    {
                        output::error(&why);
                    }
                }
                if let Some(why) = not_stored {
                    self.progress.clear();
                    output::error(&format!("run {} is not on record: {why}", record.id));
                }
                let bad = match &mut self.gates {
                    Some(gates) => gates.closed(&record),
                    None => bad(&record),
                };
                self.runs.insert(record.id, record);
                bad
            }
            Update::Amended(record) => {
                if let Some(gates) = &mut self.gates {
                    gates.closed(&record);
                }
                self.runs.insert(record.id, record);
                false
            }
            Update::Skipped(record) => {
                if let Some(gates) = &mut self.gates {
                    gates.skipped(&record);
                }
                self.skipped.push(record);
                false
            }
            Update::Step(_)
            | Update::SkippedSpan { .. }
            | Update::ChannelDown { .. }
            | Update::ChannelUp { .. } => false,
        }
    }

    /// The exit code of what was taken in.
    pub(super) fn exit(&self, interrupted: bool) -> Exit {
        if interrupted {
            return Exit::Interrupted;
        }
        let runs = || self.runs.values();
        let skipped = |reasons: &[SkipReason]| self.skipped.iter().any(|s| reasons.contains(&s.reason));
        if self.unwritten || skipped(&[SkipReason::Render]) {
            Exit::Usage
        } else if let Some(gates) = &self.gates {
            gates.exit()
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

pub(super) fn pending() -> futures::future::BoxFuture<'static, ()> {
    Box::pin(std::future::pending())
}

/// Whether there was one left to take.
fn take_one(room: &std::sync::atomic::AtomicUsize) -> bool {
    use std::sync::atomic::Ordering::Relaxed;
    room.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1))
        .is_ok()
}
