//! The rules over stored history: how often they would have fired, and for how long. Pure.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::time::Duration;

use super::notice::{About, Notice};
use super::policy::{Severity, Topic};
use super::rules::{self, Decision, Event, Input, State};
use crate::model::{Class, ExpectationState, Moment, RunRecord};

/// How far time goes between two looks at what is pending.
const BEAT: Duration = Duration::from_secs(5);
/// Looks at what is pending between two runs; a longer pause is looked at in as many parts.
const BEATS: u32 = 2_000;

/// One alert that would have been.
#[derive(Clone, Debug, PartialEq)]
pub struct Fired {
    /// When it would have been told.
    pub opened: Moment,
    /// When it would have been over; `None` where it still was not at the end.
    pub ended: Option<Moment>,
    /// Its title when it opened.
    pub title: String,
    /// How loud it became.
    pub severity: Severity,
    /// What it was about.
    pub topic: Topic,
    /// Messages that would have been sent.
    pub messages: u64,
    /// Whether it flapped.
    pub flapping: bool,
}

/// Goes through the history of one probe, oldest tick first.
pub struct Replay {
    about: About,
    state: State,
    now: Option<Moment>,
    first: Option<Moment>,
    /// Runs that are not decided yet at the tick that was last given.
    pending: BinaryHeap<Reverse<(Moment, u64)>>,
    waiting: BTreeMap<u64, (Moment, RunRecord)>,
    count: u64,
    fired: Vec<Fired>,
    open: BTreeMap<Topic, usize>,
}

impl Replay {
    /// A replay of the rules of a probe with these series.
    #[must_use]
    pub fn new(about: About, series: &[(String, String)]) -> Self {
        let mut state = State::default();
        state.expect(
            series
                .iter()
                .map(|(route, input)| (route.as_str(), input.as_str())),
        );
        Self {
            about,
            state,
            now: None,
            first: None,
            pending: BinaryHeap::new(),
            waiting: BTreeMap::new(),
            count: 0,
            fired: Vec::new(),
            open: BTreeMap::new(),
        }
    }

    /// One more run. Runs are decided at the time at which they were, and those that were amended twice or more.
    pub fn take(&mut self, record: &RunRecord) {
        let Some(tick) = Moment::from_rfc3339(&record.tick) else {
            return;
        };
        self.first.get_or_insert(tick);
        self.until(tick);
        let mut as_closed = record.clone();
        if let Some(first) = record.amendments.first() {
            as_closed.class = first.from;
        }
        self.wait(decided_at(&as_closed, tick), tick, as_closed);
        for amendment in &record.amendments {
            if let Some(at) = Moment::from_rfc3339(&amendment.at) {
                let mut amended = record.clone();
                amended.class = amendment.to;
                self.wait(at, tick, amended);
            }
        }
    }

    /// The history ends at `end`: what would have been told.
    #[must_use]
    pub fn finish(mut self, end: Moment) -> Vec<Fired> {
        self.until(end);
        self.fired
    }

    fn wait(&mut self, at: Moment, tick: Moment, record: RunRecord) {
        self.count += 1;
        self.pending.push(Reverse((at, self.count)));
        self.waiting.insert(self.count, (tick, record));
    }

    /// Everything that was decided until then.
    fn until(&mut self, end: Moment) {
        while let Some(Reverse((at, number))) =
            self.pending.peek().copied().filter(|Reverse((at, _))| *at <= end)
        {
            self.pending.pop();
            self.pass(at);
            if let Some((tick, record)) = self.waiting.remove(&number) {
                self.step(at, Input::Run(tick, &record));
            }
        }
        self.pass(end);
    }

    /// Time goes by.
    fn pass(&mut self, to: Moment) {
        let watching = self.first.unwrap_or(to);
        let from = self.now.unwrap_or(to);
        let beat = BEAT.max(to.since(from) / BEATS);
        let mut at = from;
        while at < to {
            at = at.after(beat).min(to);
            self.step(at, Input::Time(watching));
        }
    }

    fn step(&mut self, at: Moment, input: Input<'_>) {
        self.now = Some(at);
        let rules = self.about.rules.clone();
        for decision in rules::step(&mut self.state, &rules, at, input, &|_| false) {
            self.note(&decision);
        }
    }

    fn note(&mut self, decision: &Decision) {
        let severity = decision.episode.severity();
        let known = self.open.get(&decision.topic).copied();
        if let Some(fired) = known.and_then(|at| self.fired.get_mut(at)) {
            fired.messages += 1;
            fired.severity = fired.severity.max(severity);
            if decision.event == Event::Resolved {
                fired.ended = Some(decision.at);
                self.open.remove(&decision.topic);
            }
            return;
        }
        let notice = Notice::of(&self.about, &self.state, decision, &[]);
        self.open.insert(decision.topic, self.fired.len());
        self.fired.push(Fired {
            opened: decision.at,
            ended: None,
            title: notice.title,
            severity,
            topic: decision.topic,
            messages: 1,
            flapping: decision.event == Event::Flapping,
        });
    }
}

/// When a run's class was known: an outcome that came when it came, one that did not at the end of its grace.
fn decided_at(record: &RunRecord, tick: Moment) -> Moment {
    let sent = tick.after(seconds(record.lag.unwrap_or(0.0)));
    let of_expectations = record.expectations.iter().map(|e| match (e.state, e.seconds) {
        (ExpectationState::Met | ExpectationState::Late | ExpectationState::Duplicate, Some(at)) => at.1,
        _ => e.within + e.grace,
    });
    let last = of_expectations.fold(0.0, f64::max);
    let known = if record.class == Class::Delivered {
        record.layers.outcome.seconds.map_or(last, |s| s.1)
    } else {
        last
    };
    sent.after(seconds(known))
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or_default()
}
