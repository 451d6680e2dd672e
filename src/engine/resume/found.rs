//! What the store has of runs that were left: read once, row by row, and only what is needed at once. The rest of each
//! run is packed as it stands on record.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::kept::Kept;
use crate::engine::live::{Bytes, Press};
use crate::model::{Accepted, Fault, Moment, RunId, Token};
use crate::store::{OpenRow, OpenText, Store, StoredObservation};

/// Everything that was left open.
#[derive(Default)]
pub(super) struct Found {
    /// By id.
    pub(super) runs: Vec<FoundRun>,
    /// Which legs they are of.
    pub(super) legs: Vec<LegName>,
    /// The first instant at which one was intended.
    pub(super) first: Option<Moment>,
    /// The last instant at which the earlier process is known to have worked.
    pub(super) last: Option<Moment>,
}

/// One run.
pub(super) struct FoundRun {
    pub(super) run: RunId,
    /// Its place among the legs.
    pub(super) leg: usize,
    /// `None`: what is on record is none.
    pub(super) token: Option<Token>,
    pub(super) tick: Moment,
    /// When its intent was made.
    pub(super) at: Moment,
    /// When the first byte left; `None` is *fire unknown*.
    pub(super) sent: Option<Moment>,
    pub(super) answer: Option<Box<AnswerFacts>>,
    pub(super) observations: Vec<StoredObservation>,
    /// The rest.
    pub(super) bytes: Bytes,
}

/// Which leg fired a run, and where.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct LegName {
    pub(crate) probe: String,
    pub(crate) revision: String,
    pub(crate) route: String,
    pub(crate) input: String,
    pub(crate) location: String,
}

/// What the machine needs of [`super::KeptAnswer`].
#[derive(Debug, Deserialize)]
pub(super) struct AnswerFacts {
    pub(super) at: Moment,
    pub(super) accepted: Accepted,
    #[serde(default)]
    pub(super) reason: String,
    #[serde(default)]
    pub(super) keys: Vec<String>,
    #[serde(default)]
    pub(super) partial: bool,
}

/// [`crate::store::Intent`], its plan not read.
#[derive(Deserialize)]
struct IntentText<'a> {
    #[serde(borrow)]
    probe: Cow<'a, str>,
    #[serde(borrow)]
    input: Cow<'a, str>,
    #[serde(borrow)]
    route: Cow<'a, str>,
    #[serde(borrow)]
    location: Cow<'a, str>,
    tick: Moment,
    #[serde(borrow)]
    revision: Cow<'a, str>,
    #[serde(borrow)]
    token: Cow<'a, str>,
    at: Moment,
    #[serde(borrow)]
    plan: &'a RawValue,
}

impl Found {
    pub(super) async fn read(store: &dyn Store) -> Result<Self, Fault> {
        let reading = Arc::new(Mutex::new(Reading::default()));
        let rows = Arc::clone(&reading);
        let take = move |row: OpenRow<'_>| rows.lock().unwrap_or_else(PoisonError::into_inner).take(row);
        store.each_open(Box::new(take)).await?;
        Ok(take_found(&reading))
    }

    /// What these were that have ended.
    pub(super) async fn read_ended(store: &dyn Store, runs: Vec<RunId>) -> Result<Self, Fault> {
        let reading = Arc::new(Mutex::new(Reading::default()));
        let rows = Arc::clone(&reading);
        let take = move |row: OpenRow<'_>| rows.lock().unwrap_or_else(PoisonError::into_inner).take(row);
        store.each_ended(runs, Box::new(take)).await?;
        Ok(take_found(&reading))
    }
}

fn take_found(reading: &Mutex<Reading>) -> Found {
    let mut reading = reading.lock().unwrap_or_else(PoisonError::into_inner);
    std::mem::take(&mut reading.found)
}

/// Probe, input, route and tick of every run that is open.
pub(in crate::engine) async fn open_ticks(
    store: &dyn Store,
) -> Result<Vec<(String, String, String, Moment)>, Fault> {
    let ticks = Arc::new(Mutex::new(Vec::new()));
    let rows = Arc::clone(&ticks);
    let take = move |row: OpenRow<'_>| {
        if let OpenRow::Run(text) = row {
            let tick: TickText = serde_json::from_str(text.intent)
                .map_err(|e| format!("the intent of run {}: {e}", text.run))?;
            let mut all = rows.lock().unwrap_or_else(PoisonError::into_inner);
            all.push((tick.probe, tick.input, tick.route, tick.tick));
        }
        Ok(())
    };
    store.each_open(Box::new(take)).await?;
    let mut ticks = ticks.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(std::mem::take(&mut ticks))
}

/// Which tick of [`crate::store::Intent`] it is.
#[derive(Deserialize)]
struct TickText {
    probe: String,
    input: String,
    route: String,
    tick: Moment,
}

#[derive(Default)]
struct Reading {
    found: Found,
    places: HashMap<LegName, usize>,
    /// By the leg's place.
    presses: Vec<Press>,
}

impl Reading {
    fn take(&mut self, row: OpenRow<'_>) -> Result<(), String> {
        match row {
            OpenRow::Run(text) => self.run(text),
            OpenRow::Seen(seen) => {
                self.known(seen.observation.sighting.at.hi);
                if let Some(run) = self.found.runs.last_mut() {
                    run.observations.push(seen);
                }
                Ok(())
            }
        }
    }

    fn run(&mut self, text: OpenText<'_>) -> Result<(), String> {
        let run = text.run;
        let intent: IntentText<'_> =
            serde_json::from_str(text.intent).map_err(|e| format!("the intent of run {run}: {e}"))?;
        let (sent, answer) = text.fired.unzip();
        let answer = answer.flatten();
        let facts = match answer.map(serde_json::from_str::<Box<AnswerFacts>>) {
            Some(Ok(facts)) => Some(facts),
            // JSON, but no answer that this landfall knows.
            Some(Err(e)) if e.is_data() => None,
            Some(Err(e)) => return Err(format!("the answer of run {run}: {e}")),
            None => None,
        };
        self.known(intent.at);
        sent.into_iter().for_each(|sent| self.known(sent));
        let first = self.found.first.unwrap_or(intent.at);
        self.found.first = Some(first.min(intent.at));
        let leg = self.leg(&intent);
        let kept = Kept {
            tick: intent.tick,
            plan: intent.plan.get(),
            answer: answer.filter(|_| facts.is_some()),
            sent: sent.unwrap_or(intent.at.max(intent.tick)),
        };
        let bytes = match self.presses.get_mut(leg) {
            Some(press) => Bytes::of_kept(&intent.token, &kept, press),
            None => Bytes::of_kept(&intent.token, &kept, &mut Press::default()),
        };
        self.found.runs.push(FoundRun {
            run,
            leg,
            token: Token::from_record(&intent.token),
            tick: intent.tick,
            at: intent.at,
            sent,
            answer: facts,
            observations: Vec::new(),
            bytes,
        });
        Ok(())
    }

    fn known(&mut self, at: Moment) {
        self.found.last = self.found.last.max(Some(at));
    }

    /// The place of a run's leg; most runs are of the leg before or of one nearby.
    fn leg(&mut self, intent: &IntentText<'_>) -> usize {
        let last = self.found.runs.last().map(|run| run.leg);
        if let Some(last) = last
            && self.found.legs.get(last).is_some_and(|leg| leg.is_of(intent))
        {
            return last;
        }
        let name = LegName {
            probe: intent.probe.clone().into_owned(),
            revision: intent.revision.clone().into_owned(),
            route: intent.route.clone().into_owned(),
            input: intent.input.clone().into_owned(),
            location: intent.location.clone().into_owned(),
        };
        *self.places.entry(name).or_insert_with_key(|name| {
            self.found.legs.push(name.clone());
            self.presses.push(Press::default());
            self.found.legs.len() - 1
        })
    }
}

impl LegName {
    fn is_of(&self, intent: &IntentText<'_>) -> bool {
        self.probe == intent.probe
            && self.revision == intent.revision
            && self.route == intent.route
            && self.input == intent.input
            && self.location == intent.location
    }
}
