//! One series (a route and an input of a probe): what of its past the rules need.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::spans::Spans;
use crate::alert::evidence::Evidence;
use crate::alert::policy::{Rule, Rules, Topic};
use crate::model::{Class, Moment};
use crate::stats::alerting;

/// Times of delivered runs that are remembered, to say what is usual.
const WAITS: usize = 31;
/// Observed runs in a row after which a blind series sees again.
const SEES_AGAIN: u32 = 3;

/// The past of one series.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Series {
    /// The route.
    pub route: String,
    /// The input.
    pub input: String,
    /// Decided runs so far.
    pub(super) total: u64,
    bad: Spans,
    /// The last decided runs by tick: tick, class, place among the decided.
    recent: VecDeque<(Moment, Class, u64)>,
    /// Good runs since the last bad one.
    pub(super) goods: u64,
    /// The last fates, the newest in the lowest bit: 1 is unobserved.
    fates: u64,
    /// How many of them are known.
    known: u64,
    /// When a run was last decided.
    pub(super) decided: Option<Moment>,
    /// When it was last told that none is to be expected.
    pub(super) excused: Option<Moment>,
    /// Seconds that delivered runs took.
    waits: VecDeque<f64>,
    /// The rules that it breaks now.
    pub broken: BTreeMap<Rule, Broken>,
    /// Runs that were lost when they counted and arrived late all the same, since the oldest of the broken rules.
    pub late_after_all: u64,
    /// The last bad run.
    pub evidence: Option<Box<Evidence>>,
}

/// A rule that is broken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Broken {
    /// Bad runs that counted (for `blind`: unobserved ones).
    pub bad: u64,
    /// Of so many.
    pub of: u64,
    /// The tick of the first of them.
    pub since: Moment,
    /// When it was found.
    pub opened: Moment,
    /// Good runs in a row that close it.
    pub good_runs: u64,
    /// The worst class among them, in the order of [`rank`].
    pub class: Class,
}

/// What counts of a run.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) tick: Moment,
    pub(super) class: Class,
    /// Seconds to its outcome, where it arrived on time.
    pub(super) wait: Option<f64>,
    /// Whether its class has been told lately with the same outcome.
    pub(super) damped: bool,
}

/// What a run did to its series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// It was counted.
    New,
    /// It was on the list already, as it is or as something else.
    Known,
}

/// How bad a class is to hear of, for which of several is named.
pub(crate) const fn rank(class: Class) -> u8 {
    match class {
        Class::Delivered => 0,
        Class::Unobserved => 1,
        Class::Late => 2,
        Class::Duplicate => 3,
        Class::Rejected => 4,
        Class::Mismatched => 5,
        Class::Phantom => 6,
        Class::Unwanted => 7,
        Class::Failed => 8,
        Class::Lost => 9,
    }
}

impl Series {
    pub(super) fn new(route: &str, input: &str) -> Self {
        Self {
            route: route.to_owned(),
            input: input.to_owned(),
            ..Self::default()
        }
    }

    /// Takes a run that has closed, or closed differently. The same run twice is the same as once, as long as it is
    /// among the recent ones.
    pub(super) fn take(&mut self, rules: &Rules, now: Moment, seen: &Seen) -> Taken {
        if let Some(at) = self.recent.iter().position(|(tick, ..)| *tick == seen.tick) {
            return self.change(rules, now, at, seen);
        }
        if seen.class == Class::Unobserved {
            self.fate(rules, now, true);
            self.remember(rules, seen, u64::MAX);
            return Taken::New;
        }
        self.fate(rules, now, false);
        let place = self.total;
        self.total += 1;
        self.decided = Some(self.decided.map_or(now, |before| before.max(now)));
        self.broken.remove(&Rule::NoData);
        self.remember(rules, seen, place);
        self.bad.forget_before(self.total.saturating_sub(rules.window));
        if rules.bad(seen.class) == Some(true) {
            self.bad_run(rules, now, place, seen);
        } else {
            self.good_run(seen);
        }
        Taken::New
    }

    /// A tick that landfall could not fire though it should.
    pub(super) fn missed(&mut self, rules: &Rules, now: Moment) {
        self.fate(rules, now, true);
    }

    /// Whether the run at this tick is on the list with this class.
    pub(super) fn knows(&self, tick: Moment, class: Class) -> bool {
        self.recent
            .iter()
            .any(|(known, as_class, _)| *known == tick && *as_class == class)
    }

    /// The tick from which on every decided run is on the list; `None` where nothing is.
    pub(super) fn complete_since(&self) -> Option<Moment> {
        self.recent.front().map(|(tick, ..)| *tick)
    }

    /// No run was decided for too long.
    pub(super) fn silent(&mut self, rules: &Rules, now: Moment, watching: Moment) {
        let Some(after) = rules.no_data else {
            self.broken.remove(&Rule::NoData);
            return;
        };
        let last = self.decided.max(self.excused).unwrap_or(watching).max(watching);
        if self.excused >= self.decided && self.excused >= Some(watching) {
            // It is paused, or at its limit: nothing is to be expected.
            self.broken.remove(&Rule::NoData);
        }
        if now.since(last) >= after && !self.broken.contains_key(&Rule::NoData) {
            self.open(Rule::NoData, Class::Unobserved, now, (0, 0, last), 1);
        }
    }

    /// The share of bad runs in the longest window, and its count.
    #[must_use]
    pub fn usual_bad(&self, rules: &Rules) -> (u64, u64) {
        let of = self.total.min(rules.window);
        (self.bad.count_from(self.total - of), of)
    }

    /// The median of the times that delivered runs took lately, in seconds.
    #[must_use]
    pub fn usual_wait(&self) -> Option<f64> {
        let mut sorted: Vec<f64> = self.waits.iter().copied().collect();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len().saturating_sub(1) / 2).copied()
    }

    /// Whether the budget burns no faster than it may, over the window in which flapping is counted.
    pub(super) fn quiet(&self, rules: &Rules) -> bool {
        let of = self.total.min(rules.flap_runs);
        let bad = self.bad.count_from(self.total - of);
        alerting::burn_rate(bad, of.max(1), 1.0 - rules.allowed).is_ok_and(|burn| burn < 1.0)
    }

    /// Whether a rule of a topic is broken.
    pub(super) fn breaks(&self, topic: Topic) -> bool {
        self.broken.keys().any(|rule| rule.topic() == topic)
    }

    fn bad_run(&mut self, rules: &Rules, now: Moment, place: u64, seen: &Seen) {
        self.bad.add(place, seen.tick);
        self.goods = 0;
        for (rule, broken) in &mut self.broken {
            if rule.topic() == Topic::Outcome {
                broken.bad += 1;
                broken.of += 1;
                if rank(seen.class) > rank(broken.class) {
                    broken.class = seen.class;
                }
            }
        }
        if self.broken.contains_key(&Rule::Blind) {
            return;
        }
        self.apply(rules, now, place, seen);
    }

    /// The rules that a bad run can break.
    fn apply(&mut self, rules: &Rules, now: Moment, place: u64, seen: &Seen) {
        if let Some((least, _)) = rules.in_a_row {
            let (row, first) = self.row_around(rules, seen.tick);
            if row >= least {
                self.open(Rule::InARow, seen.class, now, (row, row, first), 3);
            }
        }
        for (name, burn) in &rules.burns {
            let long = self.total.saturating_sub(burn.ticks);
            let short = self.total.saturating_sub(burn.short_ticks);
            let bad = self.bad.count_from(long);
            if !burn.fires(bad, self.bad.count_from(short)) {
                continue;
            }
            let (first, tick) = self.bad.first_from(long).unwrap_or((place, seen.tick));
            let of = (self.total - first).max(bad);
            let good_runs = alerting::close_after(bad, of).unwrap_or(3);
            self.open(*name, seen.class, now, (bad, of, tick), good_runs);
        }
        if rules.at_once.contains(&seen.class) && !seen.damped {
            self.open(Rule::AtOnce, seen.class, now, (1, 1, seen.tick), 3);
        }
    }

    fn good_run(&mut self, seen: &Seen) {
        self.goods += 1;
        if let Some(wait) = seen.wait {
            self.waits.push_back(wait);
            if self.waits.len() > WAITS {
                self.waits.pop_front();
            }
        }
        let goods = self.goods;
        for (rule, broken) in &mut self.broken {
            if rule.topic() == Topic::Outcome {
                broken.of += 1;
            }
        }
        self.broken
            .retain(|rule, broken| rule.topic() != Topic::Outcome || goods < broken.good_runs);
    }

    fn open(&mut self, rule: Rule, class: Class, now: Moment, counts: (u64, u64, Moment), good_runs: u64) {
        let (bad, of, since) = counts;
        if rule.topic() == Topic::Outcome && !self.breaks(Topic::Outcome) {
            self.late_after_all = 0;
        }
        self.broken.entry(rule).or_insert(Broken {
            bad,
            of,
            since,
            opened: now,
            good_runs,
            class,
        });
    }

    /// How many bad runs stand side by side around a tick, in the order of ticks, and the first of them.
    fn row_around(&self, rules: &Rules, tick: Moment) -> (u64, Moment) {
        let decided: Vec<_> = self
            .recent
            .iter()
            .filter_map(|(at, class, _)| Some((*at, rules.bad(*class)?)))
            .collect();
        let at = decided.partition_point(|(other, _)| *other < tick);
        let before = decided[..at].iter().rev().take_while(|(_, bad)| *bad).count();
        let after = decided[at..].iter().take_while(|(_, bad)| *bad).count();
        let first = decided.get(at - before).map_or(tick, |(first, _)| *first);
        ((before + after) as u64, first)
    }

    /// A run on the list is something else than it was.
    fn change(&mut self, rules: &Rules, now: Moment, at: usize, seen: &Seen) -> Taken {
        let Some(entry) = self.recent.get_mut(at) else {
            return Taken::Known;
        };
        let (_, old, place) = *entry;
        if old == seen.class {
            return Taken::Known;
        }
        entry.1 = seen.class;
        if old == Class::Unobserved {
            entry.2 = self.total;
            let place = self.total;
            self.total += 1;
            self.decided = Some(self.decided.map_or(now, |before| before.max(now)));
            self.broken.remove(&Rule::NoData);
            if rules.bad(seen.class) == Some(true) {
                self.bad_run(rules, now, place, seen);
            }
            return Taken::Known;
        }
        if seen.class == Class::Late && self.breaks(Topic::Outcome) {
            self.late_after_all += 1;
        }
        match (rules.bad(old), rules.bad(seen.class)) {
            (Some(true), Some(false) | None) => self.was_not_bad(place),
            (Some(false), Some(true)) => self.bad_run(rules, now, place, seen),
            (Some(true), Some(true)) if rules.at_once.contains(&seen.class) && !seen.damped => {
                self.open(Rule::AtOnce, seen.class, now, (1, 1, seen.tick), 3);
            }
            _ => {}
        }
        Taken::Known
    }

    /// A run that counted as bad does not any more; a rule that rested on nothing else is not broken.
    fn was_not_bad(&mut self, place: u64) {
        self.bad.remove(place);
        for (rule, broken) in &mut self.broken {
            if rule.topic() == Topic::Outcome {
                broken.bad = broken.bad.saturating_sub(1);
            }
        }
        self.broken
            .retain(|rule, broken| rule.topic() != Topic::Outcome || broken.bad > 0);
    }

    fn remember(&mut self, rules: &Rules, seen: &Seen, place: u64) {
        let at = self.recent.partition_point(|(tick, ..)| *tick < seen.tick);
        self.recent.insert(at, (seen.tick, seen.class, place));
        while self.recent.len() > rules.recent {
            self.recent.pop_front();
        }
    }

    /// One more fate of a tick, and what it means for blindness.
    fn fate(&mut self, rules: &Rules, now: Moment, unobserved: bool) {
        self.fates = self.fates << 1 | u64::from(unobserved);
        self.known = (self.known + 1).min(rules.sight_runs);
        let mask = u64::MAX >> (64 - rules.sight_runs.clamp(1, 64));
        let unseen = u64::from((self.fates & mask).count_ones());
        if self.broken.contains_key(&Rule::Blind) {
            let seen_again = self.fates.trailing_zeros() >= SEES_AGAIN;
            if let Some(broken) = self.broken.get_mut(&Rule::Blind) {
                broken.bad += u64::from(unobserved);
                broken.of += 1;
            }
            if seen_again {
                self.broken.remove(&Rule::Blind);
                // What made it blind is over: it does not count again.
                self.fates = 0;
                self.known = 0;
            }
            return;
        }
        let of = self.known.max(5);
        #[expect(clippy::cast_precision_loss, reason = "counts of at most 64")]
        let over = unseen as f64 > rules.blind * of as f64;
        if unobserved && unseen >= 2 && over {
            self.open(Rule::Blind, Class::Unobserved, now, (unseen, of, now), 0);
        }
    }
}
