//! What people were told of a probe, and what that leaves to be told.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::series::{Broken, Series, rank};
use super::{Quiet, Rules};
use crate::alert::policy::{Rule, Severity, Topic};
use crate::model::{Class, Moment};
use crate::stats::alerting;

/// An open alert tells a change at most so often; what changes in between is told together.
const BETWEEN_CHANGES: Duration = Duration::from_secs(300);
/// Openings that are remembered: what the rule for flapping needs.
const OPENINGS: usize = alerting::FLAPPING_OPENINGS;

/// What a message is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// The alert has opened.
    Opened,
    /// It has become worse: another route, another class, or a ticket that is now a page.
    Changed,
    /// It is still open.
    Reminder,
    /// It opened again and again: this is the last word until it is quiet.
    Flapping,
    /// It is over.
    Resolved,
    /// What could not be told while a destination was down.
    Summary,
    /// Somebody tries the destination out.
    Test,
}

/// One outage, from its opening to its end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Episode {
    /// When it was found.
    pub opened: Moment,
    /// The tick of the first bad run.
    pub since: Moment,
    /// What `since` was at first: the alert's id is made of it, so that the same records give the same id.
    pub anchor: Moment,
    /// Every series that was part of it, as it last was.
    pub members: BTreeMap<String, Member>,
    /// When something that is not told yet was first found.
    pending: Option<Moment>,
    /// What was told last; `None`: nothing yet.
    pub told: Option<Told>,
    /// How many messages there were.
    pub messages: u64,
    /// Which of the probe's alerts on this topic this is, from 1.
    pub number: u64,
}

/// A series that is or was part of an alert.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Member {
    /// The rules that it breaks, or broke last.
    pub broken: BTreeMap<Rule, Broken>,
    /// Whether it still does.
    pub open: bool,
    /// Whether nothing is to be told of it now.
    pub quiet: bool,
    /// Runs that were lost when they counted and arrived late all the same.
    pub late_after_all: u64,
}

/// What was told last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Told {
    /// When.
    pub at: Moment,
    /// How loud.
    pub severity: Severity,
    /// Every loudness that it was told with: who was told that it opened is told that it is over.
    pub severities: BTreeSet<Severity>,
    /// Series and class.
    pub members: BTreeSet<(String, Class)>,
    /// Nothing more is told until it is quiet.
    pub flapping: bool,
}

/// Something to tell.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// What about it.
    pub event: Event,
    /// Its topic.
    pub topic: Topic,
    /// When it was decided.
    pub at: Moment,
    /// How loud it was before, where it has become louder.
    pub was: Option<Severity>,
    /// The alert as it is now; as it last was where it is over.
    pub episode: Episode,
}

/// All that was told of one probe on one topic.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Story {
    pub(super) episode: Option<Episode>,
    /// When alerts opened lately, in seconds.
    openings: Vec<f64>,
    /// Alerts so far.
    number: u64,
}

impl Member {
    /// How loud it is.
    #[must_use]
    pub fn severity(&self) -> Severity {
        let loudest = self.broken.keys().map(|rule| rule.severity()).max();
        loudest.unwrap_or(Severity::Ticket)
    }

    /// The worst class of it.
    #[must_use]
    pub fn class(&self) -> Class {
        let worst = self
            .broken
            .values()
            .map(|b| b.class)
            .max_by_key(|class| rank(*class));
        worst.unwrap_or(Class::Unobserved)
    }
}

impl Episode {
    /// The members that are open and may be told of.
    pub fn shown(&self) -> impl Iterator<Item = (&String, &Member)> {
        self.members.iter().filter(|(_, m)| m.open && !m.quiet)
    }

    /// How loud it is: as its loudest member that is open, else as it was told.
    #[must_use]
    pub fn severity(&self) -> Severity {
        let open = self.shown().map(|(_, m)| m.severity()).max();
        let told = self.told.as_ref().map(|t| t.severity);
        open.max(told).unwrap_or(Severity::Ticket)
    }

    fn is_open(&self) -> bool {
        self.members.values().any(|m| m.open)
    }

    /// What of it would be told now.
    fn picture(&self) -> BTreeSet<(String, Class)> {
        self.shown().map(|(key, m)| (key.clone(), m.class())).collect()
    }

    /// Whether there is something worse than what was told.
    fn is_worse(&self, told: &Told) -> bool {
        let louder = self.shown().any(|(_, m)| m.severity() > told.severity);
        let more = self.picture().iter().any(|(key, class)| {
            !told
                .members
                .iter()
                .any(|(known, as_class)| known == key && rank(*as_class) >= rank(*class))
        });
        louder || more
    }

    fn tell(&mut self, event: Event, topic: Topic, now: Moment) -> Decision {
        let earlier = self.told.take();
        let before = earlier.as_ref().map(|t| t.severity);
        let severity = self.severity().max(before.unwrap_or(Severity::Ticket));
        let mut members = self.picture();
        members.extend(earlier.iter().flat_map(|t| t.members.iter().cloned()));
        let mut severities = earlier.as_ref().map(|t| t.severities.clone()).unwrap_or_default();
        severities.insert(severity);
        self.told = Some(Told {
            at: now,
            severity,
            severities,
            members,
            flapping: event == Event::Flapping || earlier.is_some_and(|t| t.flapping),
        });
        self.pending = None;
        self.messages += 1;
        Decision {
            event,
            topic,
            at: now,
            was: before.filter(|before| *before < severity),
            episode: self.clone(),
        }
    }
}

impl Story {
    /// Compares what is with what was told.
    pub(super) fn settle(
        &mut self,
        topic: Topic,
        series: &BTreeMap<String, Box<Series>>,
        rules: &Rules,
        now: Moment,
        quiet: Quiet<'_>,
        out: &mut Vec<Decision>,
    ) {
        if self.episode.is_none() {
            if !series.values().any(|s| s.breaks(topic)) {
                return;
            }
            self.number += 1;
            self.episode = Some(Episode {
                opened: now,
                since: now,
                anchor: now,
                members: BTreeMap::new(),
                pending: None,
                told: None,
                messages: 0,
                number: self.number,
            });
        }
        let Some(mut episode) = self.episode.take() else {
            return;
        };
        episode.look(topic, series, quiet);
        if self.go_on(&mut episode, topic, series, rules, now, out) {
            self.episode = Some(episode);
        }
    }

    /// Tells what is to be told of an alert; whether it goes on.
    fn go_on(
        &mut self,
        episode: &mut Episode,
        topic: Topic,
        series: &BTreeMap<String, Box<Series>>,
        rules: &Rules,
        now: Moment,
        out: &mut Vec<Decision>,
    ) -> bool {
        let Some(told) = episode.told.clone() else {
            return self.first_word(episode, topic, rules, now, out);
        };
        if !episode.is_open() {
            let members = episode.members.keys().filter_map(|key| series.get(key));
            if told.flapping && !members.clone().all(|s| s.quiet(rules)) && now.since(told.at) < FLAPPING {
                return true;
            }
            if told.flapping {
                self.openings.clear();
            }
            out.push(episode.tell(Event::Resolved, topic, now));
            return false;
        }
        if told.flapping || episode.shown().next().is_none() {
            return true;
        }
        if episode.is_worse(&told) {
            let pending = *episode.pending.get_or_insert(now);
            if now.since(pending) >= rules.wait && now.since(told.at) >= BETWEEN_CHANGES.min(rules.wait * 30)
            {
                out.push(episode.tell(Event::Changed, topic, now));
            }
        } else {
            episode.pending = None;
            if rules.remind.is_some_and(|every| now.since(told.at) >= every) {
                out.push(episode.tell(Event::Reminder, topic, now));
            }
        }
        true
    }

    /// Nothing was told yet: it is, once others of the same outage have had time to show.
    fn first_word(
        &mut self,
        episode: &mut Episode,
        topic: Topic,
        rules: &Rules,
        now: Moment,
        out: &mut Vec<Decision>,
    ) -> bool {
        let open = episode.is_open();
        if open && episode.shown().next().is_none() {
            // Muted: it is told when that ends, if it is still there.
            episode.pending = None;
            return true;
        }
        if open {
            let pending = *episode.pending.get_or_insert(now);
            if now.since(pending) < rules.wait {
                return true;
            }
        } else if episode.pending.is_none() {
            // It came and went while nothing was to be told.
            return false;
        }
        self.openings.push(now.seconds_since(Moment(0)));
        let over = self.openings.len().saturating_sub(OPENINGS);
        self.openings.drain(..over);
        let event = if alerting::is_flapping(&self.openings) {
            Event::Flapping
        } else {
            Event::Opened
        };
        out.push(episode.tell(event, topic, now));
        if !open && event == Event::Opened {
            // Over before it was told: both are, since somebody has seen the outage by other means.
            out.push(episode.tell(Event::Resolved, topic, now));
            return false;
        }
        true
    }
}

/// Flapping ends at the latest when its window has passed.
const FLAPPING: Duration = Duration::from_secs(6 * 3_600);

impl Episode {
    /// Takes in what the series are now.
    fn look(&mut self, topic: Topic, series: &BTreeMap<String, Box<Series>>, quiet: Quiet<'_>) {
        for member in self.members.values_mut() {
            member.open = false;
        }
        for (key, now) in series.iter().filter(|(_, s)| s.breaks(topic)) {
            let broken: BTreeMap<Rule, Broken> = now
                .broken
                .iter()
                .filter(|(rule, _)| rule.topic() == topic)
                .map(|(rule, broken)| (*rule, broken.clone()))
                .collect();
            let first = broken.values().map(|b| b.since).min();
            self.since = first.map_or(self.since, |first| self.since.min(first));
            if self.told.is_none() && self.pending.is_none() {
                self.anchor = self.since;
            }
            let member = Member {
                broken,
                open: true,
                quiet: quiet(&now.route),
                late_after_all: now.late_after_all,
            };
            self.members.insert(key.clone(), member);
        }
        // A run can turn out late also when it was the last that was missing.
        for (key, member) in self.members.iter_mut().filter(|(_, m)| !m.open) {
            if let Some(now) = series.get(key) {
                member.late_after_all = member.late_after_all.max(now.late_after_all);
            }
        }
    }
}
