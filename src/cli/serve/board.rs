//! What is known of every series now: how its last runs ended, what is in flight, what was skipped. Page, API and metrics
//! read it; the store is asked at the start alone.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use super::hub::Subscriber;
use crate::clock::Clock;
use crate::definition::Probe;
use crate::engine::{Step, Update};
use crate::lifecycle::agenda::Pauses;
use crate::model::{
    Class, Fault, Flag, LastEnd, Moment, ProbeState, RunId, RunRecord, SILENT_TICKS, STATE_RUNS, Seconds,
    SkipReason,
};
use crate::report::html::overview::{Flight, Flights};
use crate::store::{RunFilter, Store};

/// Probe, route, input.
pub(crate) type SeriesKey = (String, String, String);

/// How one run ended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct End {
    /// The run.
    pub(crate) run: RunId,
    /// Its tick.
    pub(crate) tick: Moment,
    /// Its class, as last amended.
    pub(crate) class: Class,
    /// Whether the system did not do the work.
    pub(crate) unexecuted: bool,
    /// Why, in a few words.
    pub(crate) reason: Box<str>,
    /// When the outcome was there, in seconds since the first byte sent.
    pub(crate) seconds: Option<Seconds>,
}

/// What did not fire last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LastSkip {
    /// The last tick of it.
    pub(crate) tick: Moment,
    /// Why.
    pub(crate) reason: SkipReason,
    /// What exactly.
    pub(crate) detail: String,
}

/// Since when a run is waited for, and until when where its request has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Waiting {
    since: Moment,
    deadline: Option<Moment>,
}

/// What is known of one series.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Series {
    /// How its last [`STATE_RUNS`] runs ended, the latest tick first.
    pub(crate) ends: VecDeque<End>,
    /// Runs whose request has left, or is about to, and that have not ended.
    pub(crate) in_flight: HashMap<RunId, Waiting>,
    /// The last skip.
    pub(crate) last_skip: Option<LastSkip>,
}

/// Every series.
pub(crate) struct Board {
    clock: Arc<dyn Clock>,
    started: Moment,
    series: RwLock<BTreeMap<SeriesKey, Series>>,
}

impl Board {
    /// An empty board.
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            started: clock.now(),
            clock,
            series: RwLock::default(),
        }
    }

    /// Adds what the store knows of earlier runs.
    ///
    /// # Errors
    /// The store does not answer.
    pub(crate) async fn seed(&self, store: &dyn Store, probes: &[Arc<Probe>]) -> Result<(), Fault> {
        for probe in probes {
            let count = probe.legs.len().saturating_mul(STATE_RUNS);
            let filter = RunFilter {
                probes: vec![probe.name.to_string()],
                limit: Some(u32::try_from(count).unwrap_or(u32::MAX)),
                ..RunFilter::default()
            };
            for record in store.runs(filter).await? {
                self.ended(&record);
            }
        }
        Ok(())
    }

    /// What is known of a series; nothing is known of one that has neither fired nor been skipped.
    pub(crate) fn series(&self, probe: &str, route: &str, input: &str) -> Series {
        let key = (probe.to_owned(), route.to_owned(), input.to_owned());
        let series = self.series.read().unwrap_or_else(PoisonError::into_inner);
        series.get(&key).cloned().unwrap_or_default()
    }

    /// Runs that are waited for, by probe and route.
    pub(crate) fn in_flight(&self) -> BTreeMap<(String, String), u64> {
        let mut counts = BTreeMap::new();
        for ((probe, route, _), series) in &*self.series.read().unwrap_or_else(PoisonError::into_inner) {
            let count: &mut u64 = counts.entry((probe.clone(), route.clone())).or_default();
            *count += u64::try_from(series.in_flight.len()).unwrap_or(u64::MAX);
        }
        counts
    }

    /// Runs that are waited for: how many, and at most `most` of those that have waited longest.
    pub(crate) fn flights(&self, most: usize) -> Flights {
        let mut oldest = Vec::new();
        for ((probe, route, input), series) in &*self.series.read().unwrap_or_else(PoisonError::into_inner) {
            oldest.extend(series.in_flight.iter().map(|(run, waiting)| Flight {
                run: *run,
                probe: probe.clone(),
                route: route.clone(),
                input: input.clone(),
                since: waiting.since,
                deadline: waiting.deadline,
            }));
        }
        let all = oldest.len();
        if all > most {
            oldest.select_nth_unstable_by_key(most, |flight| (flight.since, flight.run));
            oldest.truncate(most);
        }
        oldest.sort_unstable_by_key(|flight| (flight.since, flight.run));
        Flights { all, oldest }
    }

    /// The state of a probe, and that of each of its series in the order of its legs, with the reason.
    pub(crate) fn states(&self, probe: &Probe, pauses: &Pauses) -> (ProbeState, Vec<(ProbeState, String)>) {
        let now = self.clock.now();
        let states: Vec<(ProbeState, String)> = probe
            .legs
            .iter()
            .map(|def| {
                let leg = &def.leg;
                let series = self.series(&leg.probe, &leg.route, &leg.input);
                let end = now.before(leg.grace_end(now).since(now)).before(leg.settle);
                let heard = series
                    .ends
                    .front()
                    .map_or(self.started, |end| end.tick.max(self.started));
                let paused = pauses.of(&leg.probe, Some(&leg.route)).is_some();
                let ends = series.ends.iter().map(|end| LastEnd {
                    class: end.class,
                    unexecuted: end.unexecuted,
                    reason: &end.reason,
                });
                ProbeState::of_ends(paused, silent(probe, heard, end), ends)
            })
            .collect();
        (
            ProbeState::of_probe(states.iter().map(|(state, _)| *state)),
            states,
        )
    }

    /// Forgets series of all but these pairs of probe and route.
    pub(crate) fn retain(&self, served: &BTreeSet<(String, String)>) {
        let mut series = self.series.write().unwrap_or_else(PoisonError::into_inner);
        series.retain(|(probe, route, _), _| served.contains(&(probe.clone(), route.clone())));
    }

    fn change(&self, key: SeriesKey, change: impl FnOnce(&mut Series)) {
        let mut series = self.series.write().unwrap_or_else(PoisonError::into_inner);
        change(series.entry(key).or_default());
    }

    fn ended(&self, record: &RunRecord) {
        let Some(tick) = Moment::from_rfc3339(&record.tick) else {
            return;
        };
        let end = End {
            run: record.id,
            tick,
            class: record.class,
            unexecuted: record.flags.contains(&Flag::Unexecuted),
            reason: record.reason.as_str().into(),
            seconds: record.layers.outcome.seconds,
        };
        let key = (record.probe.clone(), record.route.clone(), record.input.clone());
        self.change(key, |series| {
            series.in_flight.remove(&end.run);
            series.ends.retain(|known| known.run != end.run);
            let place = series.ends.partition_point(|known| known.tick > end.tick);
            series.ends.insert(place, end);
            series.ends.truncate(STATE_RUNS);
        });
    }
}

impl Subscriber for Board {
    fn take(&self, update: &Update) {
        match update {
            Update::Closed { record, .. } | Update::Amended(record) => self.ended(record),
            Update::Step(step) => {
                let deadline = match step.step {
                    Step::Firing => None,
                    Step::Sent { deadline, .. } => Some(deadline),
                    _ => return,
                };
                let key = (
                    step.probe.to_string(),
                    step.route.to_string(),
                    step.input.to_string(),
                );
                self.change(key, |series| {
                    match (series.in_flight.get_mut(&step.run), deadline) {
                        (Some(waiting), _) => waiting.deadline = deadline.or(waiting.deadline),
                        (None, None) => {
                            let since = step.at;
                            series.in_flight.insert(step.run, Waiting { since, deadline });
                        }
                        // It has ended already.
                        (None, Some(_)) => {}
                    }
                });
            }
            Update::Skipped(skip) => {
                let key = (skip.probe.clone(), skip.route.clone(), skip.input.clone());
                let last = LastSkip {
                    tick: Moment::from_rfc3339(&skip.tick).unwrap_or(self.started),
                    reason: skip.reason,
                    detail: skip.detail.clone(),
                };
                self.change(key, |series| series.skipped(last));
            }
            Update::SkippedSpan { span, .. } => {
                let key = (span.probe.clone(), span.route.clone(), span.input.clone());
                let last = LastSkip {
                    tick: span.last,
                    reason: span.reason,
                    detail: span.detail.clone(),
                };
                self.change(key, |series| series.skipped(last));
            }
            Update::ChannelDown { .. } | Update::ChannelUp { .. } => {}
        }
    }
}

impl Series {
    fn skipped(&mut self, skip: LastSkip) {
        if self.last_skip.as_ref().is_none_or(|last| last.tick <= skip.tick) {
            self.last_skip = Some(skip);
        }
    }
}

/// How many ticks came due after `heard` and not after `end`; counted no further than it matters.
fn silent(probe: &Probe, heard: Moment, end: Moment) -> usize {
    let Some(schedule) = &probe.schedule else { return 0 };
    // Records write a tick to the millisecond: the next one is not that tick itself.
    let mut at = heard.after(Duration::from_millis(1));
    let ticks = std::iter::from_fn(|| {
        at = schedule.next_after(&probe.name, at).filter(|next| *next <= end)?;
        Some(at)
    });
    ticks.take(SILENT_TICKS).count()
}
