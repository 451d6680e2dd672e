//! Reads what runs were that have ended, off the loop: those for which something arrives, and beside them, a few at a
//! time, those of which something on record was not heeded or which are still looked for.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::found::{AnswerFacts, Found, FoundRun, LegName};
use super::legs::{Legs, OldLeg};
use crate::definition::Workspace;
use crate::engine::drive::{Message, Shared};
use crate::engine::live::{Packed, Share};
use crate::lifecycle::judge::Why;
use crate::lifecycle::{Answered, Ended, Firing, Judged, Resumed, looked_for_until};
use crate::model::{
    Accepted, ExpectationRecord, ExpectationState, Fault, Flag, Layer, LayerState, Moment, ObservationId,
    RunId, RunRecord, Tick,
};
use crate::store::{EndedRun, StoredObservation};

/// Runs that are read at once.
const PAGE: usize = 32;
/// Between two pages of runs for which nothing has arrived: what is under way comes first.
const PAUSE: Duration = Duration::from_millis(50);
/// Between attempts at a store that does not answer, and how many.
const AGAIN: (Duration, u32) = (Duration::from_secs(1), 30);
/// Runs of which something on record was not heeded that a start looks at: the latest.
const UNHEEDED: u32 = 10_000;

/// A run as it was when it had ended.
pub(in crate::engine) struct Loaded {
    pub(super) packed: Arc<Packed>,
    pub(super) leg: OldLeg,
    /// But for what was seen, which is told by this process's numbers of channels.
    pub(super) resumed: Resumed,
    pub(super) observations: Vec<StoredObservation>,
    pub(super) ended: Moment,
}

/// What the legs of runs that were read share.
#[derive(Default)]
struct Known {
    /// They are found anew once other definitions are in force.
    of: Option<Arc<Workspace>>,
    legs: HashMap<LegName, Result<(OldLeg, Arc<Share>), String>>,
}

/// Legs of runs that have ended, that are kept for further runs.
const LEGS: usize = 1_024;

/// One that is to be read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    pub(super) run: RunId,
    /// When it ended.
    pub(super) at: Moment,
    /// The last observation that it was judged by.
    pub(super) heeded: ObservationId,
}

/// Where the process before this one ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Before {
    /// The last observation that it had put on record; later ones are told as they come.
    pub(super) last: ObservationId,
    /// The wall clock was set since.
    pub(super) unclocked: Option<ObservationId>,
}

/// Reads each that is asked for.
pub(super) async fn run(shared: Arc<Shared>, mut asked: mpsc::UnboundedReceiver<Asked>, before: Before) {
    let mut known = Known::default();
    let mut page = Vec::new();
    while asked.recv_many(&mut page, PAGE).await > 0 {
        let runs: Vec<RunId> = page.iter().map(|asked| asked.run).collect();
        let mut found =
            match persist(&shared, || Found::read_ended(shared.store.as_ref(), runs.clone())).await {
                Ok(found) => found,
                Err(fault) => {
                    for asked in page.drain(..) {
                        tell(&shared, asked.run, Err(fault.message.clone()));
                    }
                    continue;
                }
            };
        known.find(&shared, &found.legs).await;
        let mut texts: HashMap<RunId, FoundRun> = found.runs.drain(..).map(|run| (run.run, run)).collect();
        for asked in page.drain(..) {
            let loaded = match texts.remove(&asked.run) {
                Some(text) => load(&shared, asked, text, &found.legs, &known, before).await,
                None => Err(String::from("the store has it no longer")),
            };
            tell(&shared, asked.run, loaded);
        }
    }
}

fn tell(shared: &Shared, run: RunId, loaded: Result<Loaded, String>) {
    let loaded = loaded.map(Box::new);
    shared.tell(Message::Loaded { run, loaded });
}

/// Has those read for which nothing has arrived yet and which need to be more than known.
pub(super) async fn look(shared: Arc<Shared>, ended: Vec<EndedRun>, since: Moment) {
    let mut runs = match persist(&shared, || shared.store.unheeded(since, UNHEEDED)).await {
        Ok(runs) => runs,
        Err(fault) => {
            tracing::error!(%fault, "what arrived for runs that had ended and was not heeded before the start is not looked for");
            Vec::new()
        }
    };
    runs.extend(looked_for(&shared, &ended));
    drop(ended);
    for page in runs.chunks(PAGE) {
        shared.tell(Message::AskFor(page.to_vec()));
        shared.clock.sleep(PAUSE).await;
    }
}

/// Those that a polled channel would still be asked for, the latest first.
fn looked_for(shared: &Shared, ended: &[EndedRun]) -> Vec<RunId> {
    let (now, workspace, slots) = (shared.clock.now(), shared.workspace(), shared.slots());
    let mut polled: HashMap<(&str, &str), bool> = HashMap::new();
    let is_polled = |id| {
        let opened: Option<&Arc<_>> = slots.get(id);
        opened.is_some_and(|opened| opened.channel.remembers() && !opened.channel.is_addressed())
    };
    let mut runs = Vec::new();
    for run in ended.iter().rev() {
        if looked_for_until(run.at, run.sent) <= now {
            continue;
        }
        let polled = *polled.entry((&run.probe, &run.revision)).or_insert_with(|| {
            let probe = workspace.probes.iter().find(|probe| *probe.name == *run.probe);
            // Of an earlier version it is known once it has been read.
            probe
                .filter(|probe| *probe.revision == *run.revision)
                .is_none_or(|probe| {
                    let mut waits = probe.legs.iter().flat_map(|def| &def.leg.expectations);
                    waits.any(|wait| is_polled(wait.channel))
                })
        });
        if polled {
            runs.push(run.run);
        }
    }
    runs
}

/// Asks a store that does not answer again.
async fn persist<T, F: Future<Output = Result<T, Fault>>>(
    shared: &Shared,
    mut ask: impl FnMut() -> F,
) -> Result<T, Fault> {
    let mut attempts = 1;
    loop {
        match ask().await {
            Err(fault) if attempts < AGAIN.1 => {
                tracing::debug!(%fault, "runs that had ended cannot be read yet");
                attempts += 1;
                shared.clock.sleep(AGAIN.0).await;
            }
            ended => return ended,
        }
    }
}

impl Known {
    async fn find(&mut self, shared: &Shared, names: &[LegName]) {
        let workspace = shared.workspace();
        let same = self.of.as_ref().is_some_and(|of| Arc::ptr_eq(of, &workspace));
        if !same || self.legs.len() > LEGS {
            self.legs.clear();
        }
        self.of = Some(workspace.clone());
        let fresh = names.iter().filter(|name| !self.legs.contains_key(name));
        let fresh: Vec<LegName> = fresh.cloned().collect();
        if fresh.is_empty() {
            return;
        }
        let numbers = shared.names();
        let legs = Legs::find(&workspace, shared.store.as_ref(), &fresh, Some(&numbers)).await;
        for (place, name) in fresh.into_iter().enumerate() {
            let leg = legs.get(place).cloned();
            let leg = leg.unwrap_or_else(|| Err(String::from("it was not looked for")));
            let leg = leg.map(|leg| {
                let share = Arc::new(leg.share());
                (leg, share)
            });
            self.legs.insert(name, leg);
        }
    }
}

async fn load(
    shared: &Shared,
    asked: Asked,
    text: FoundRun,
    names: &[LegName],
    known: &Known,
    before: Before,
) -> Result<Loaded, String> {
    let leg = names.get(text.leg).and_then(|name| known.legs.get(name));
    let (leg, share) = leg
        .ok_or("its leg was not looked for")?
        .as_ref()
        .map_err(String::clone)?;
    let token = text.token.ok_or("its token is none")?;
    share
        .wakes(text.run, token, &text.bytes)
        .map_err(|fault| fault.message)?;
    let record = persist(shared, || shared.store.run(asked.run)).await;
    let record = record.map_err(|fault| fault.message)?;
    let record = record.ok_or("its record is gone")?;
    let unclocked = says(&record, &[Why::Unclocked]).then_some(asked.heeded);
    let dropped = record.flags.contains(&Flag::Dropped);
    let dropped = dropped.then(|| Arc::from("what a limit had dropped before landfall was started again"));
    let partial = text.answer.as_ref().is_some_and(|answer| answer.partial);
    let resumed = Resumed {
        run: text.run,
        token,
        leg: leg.def.leg.clone(),
        tick: Tick { due: text.tick },
        firing: firing(&text, &record),
        keys: text
            .answer
            .as_ref()
            .map(|answer| answer.keys.clone())
            .unwrap_or_default(),
        seen: Vec::new(),
        partial: partial.then(super::kept::partial).or(dropped),
        unclocked: before.unclocked.or(unclocked),
        ended: Some(ended(asked, &text, &record, leg)),
    };
    let mut observations = text.observations;
    observations.retain(|stored| stored.observation.id <= before.last);
    Ok(Loaded {
        packed: Arc::new(Packed::left(share.clone(), text.bytes)),
        leg: leg.clone(),
        resumed,
        observations,
        ended: asked.at,
    })
}

fn firing(text: &FoundRun, record: &RunRecord) -> Firing {
    let recorded = record.sent.as_deref().and_then(Moment::from_rfc3339);
    let sent = text.sent.or(recorded).unwrap_or(text.at.max(text.tick));
    if record.flags.contains(&Flag::FireUnknown) {
        return Firing::Unknown { claimed: sent };
    }
    let seconds = record.layers.accepted.seconds.map_or(0.0, |seconds| seconds.1);
    let at = sent.after(Duration::try_from_secs_f64(seconds).unwrap_or_default());
    let answered = match (text.answer.as_deref(), record.layers.accepted.state) {
        (
            Some(AnswerFacts {
                at, accepted, reason, ..
            }),
            _,
        ) => Answered {
            at: *at,
            accepted: *accepted,
            reason: reason.clone(),
        },
        // The store did not take the answer, and the verdict was given by it all the same.
        (None, LayerState::Yes) => Answered {
            at,
            accepted: Accepted::Yes,
            reason: String::new(),
        },
        (None, LayerState::No) => Answered {
            at,
            accepted: Accepted::No,
            reason: record.reason.clone(),
        },
        (None, _) => return Firing::Interrupted { sent, until: at },
    };
    Firing::Answered { sent, answered }
}

fn ended(asked: Asked, text: &FoundRun, record: &RunRecord, leg: &OldLeg) -> Ended {
    let amendments = record.amendments.iter().filter_map(|amendment| {
        let at = Moment::from_rfc3339(&amendment.at)?;
        Some((at, amendment.from, amendment.to))
    });
    Ended {
        at: asked.at,
        class: record.class,
        amendments: amendments.collect(),
        cleanup_failed: record.flags.contains(&Flag::CleanupFailed),
        belated: says(record, &[Why::Belated]),
        delay: delay(text, record).unwrap_or_default(),
        judged: judged(record, leg, asked.heeded),
    }
}

/// How long after its tick it was meant to leave.
fn delay(text: &FoundRun, record: &RunRecord) -> Option<Duration> {
    let sent = Moment::from_rfc3339(record.sent.as_deref()?)?;
    // A whole number of nanoseconds, and far fewer than the type holds.
    #[expect(clippy::cast_possible_truncation, reason = "a lag of years is none")]
    let lag = (record.lag? * 1e9).round() as i64;
    let delay = sent.0.checked_sub(lag)?.checked_sub(text.tick.0)?;
    u64::try_from(delay).ok().map(Duration::from_nanos)
}

/// Whether the record says one of these of something that could not be seen.
fn says(record: &RunRecord, whys: &[Why]) -> bool {
    let blind = |e: &&ExpectationRecord| e.state == ExpectationState::Blind;
    let mut blind = record.expectations.iter().filter(blind);
    blind.any(|e| whys.iter().any(|why| why.to_string() == e.reason))
}

/// What the record tells of what could be seen.
fn judged(record: &RunRecord, leg: &OldLeg, last: ObservationId) -> Judged {
    // Nothing was hidden from landfall by these; the judge knows them by themselves.
    let known = [Why::FireUnknown, Why::Interrupted, Why::Belated].map(|why| why.to_string());
    let mut told: Vec<&ExpectationRecord> = record.expectations.iter().collect();
    let (mut seen, mut blind) = (0, 0);
    for (i, spec) in leg.def.leg.expectations.iter().enumerate() {
        let same = |e: &&ExpectationRecord| {
            e.layer == spec.layer && e.name == spec.name && e.channel == spec.channel_name
        };
        let Some(place) = told.iter().position(same) else {
            continue;
        };
        let found = told.remove(place);
        match found.state {
            ExpectationState::Blind if known.contains(&found.reason) => {}
            ExpectationState::Blind => blind |= 1 << i,
            _ if matches!(spec.layer, Layer::Executed | Layer::Outcome) => seen |= 1 << i,
            _ => {}
        }
    }
    Judged { seen, blind, last }
}
