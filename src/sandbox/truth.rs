//! What a correct judge must say of a request: a pure function of what was done and of the limits.

use std::collections::BTreeMap;
use std::time::Duration;

use super::ledger::{Attempt, Entry, Outcome, Repeat};
use super::message::{Channel, Event};
use crate::model::{Class, Interval, Moment};

/// How long one channel is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Counted from the request.
    pub within: Duration,
    /// Counted from the end of `within`.
    pub grace: Duration,
}

/// What a probe waits for: one outcome on each of these channels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// By channel; one that is not named is not waited for.
    pub channels: BTreeMap<Channel, Window>,
}

/// The verdict that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// As the run closes.
    pub class: Class,
    /// What later arrivals make of it, where they change it.
    pub amended: Option<Class>,
}

/// A request with what really happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Truth {
    /// What was decided.
    pub entry: Entry,
    /// For each of the entry's outcomes, every try at sending it.
    pub sent: Vec<Vec<Attempt>>,
}

impl Limits {
    /// Those of the workspace that [`super::workspace`] writes.
    #[must_use]
    pub fn demo() -> Self {
        let window = Window {
            within: Duration::from_secs(1),
            grace: Duration::from_secs(1),
        };
        Self {
            channels: [Channel::Webhook, Channel::Mail, Channel::Row]
                .map(|channel| (channel, window))
                .into(),
        }
    }
}

impl Expected {
    /// Whether a verdict agrees: `class` is the run's latest.
    #[must_use]
    pub fn agrees(&self, class: Class) -> bool {
        class == self.class || self.amended == Some(class)
    }
}

impl Truth {
    pub(super) fn new(entry: Entry) -> Self {
        Self {
            sent: vec![Vec::new(); entry.outcomes.len()],
            entry,
        }
    }

    /// The try at which an outcome was taken.
    #[must_use]
    pub fn taken(&self, outcome: usize) -> Option<&Attempt> {
        self.sent
            .get(outcome)?
            .iter()
            .find(|attempt| attempt.error.is_none())
    }

    /// When the channel first got an event: a push just before it left, a row between the start and the end of its
    /// commit.
    #[must_use]
    pub fn span(&self, channel: Channel, event: Event) -> Option<Interval> {
        let taken = self.taken_first(channel, event)?;
        Some(match channel {
            Channel::Row => Interval {
                lo: taken.at,
                hi: taken.done,
            },
            Channel::Webhook | Channel::Mail => Interval::point(taken.at),
        })
    }

    /// When the channel first got an event: just before it left.
    #[must_use]
    pub fn first(&self, channel: Channel, event: Event) -> Option<Moment> {
        self.taken_first(channel, event).map(|taken| taken.at)
    }

    fn taken_first(&self, channel: Channel, event: Event) -> Option<&Attempt> {
        let of = |(_, o): &(usize, &Outcome)| o.channel == channel && o.event == event && !o.stray;
        self.entry
            .outcomes
            .iter()
            .enumerate()
            .filter(of)
            .filter_map(|(at, _)| self.taken(at))
            .min_by_key(|attempt| attempt.at)
    }

    /// What a correct judge must say, by the times at which things really left.
    #[must_use]
    pub fn expected(&self, limits: &Limits) -> Expected {
        let arrived = self.entry.outcomes.iter().enumerate();
        let arrived = arrived.filter_map(|(at, outcome)| Some((outcome, self.taken(at)?.at)));
        judge(&self.entry, arrived.collect(), limits)
    }
}

/// What a correct judge must say, by the times that were planned.
#[must_use]
pub fn expected(entry: &Entry, limits: &Limits) -> Expected {
    let arrived = entry.outcomes.iter().map(|outcome| (outcome, outcome.at));
    judge(entry, arrived.collect(), limits)
}

fn judge(entry: &Entry, mut arrived: Vec<(&Outcome, Moment)>, limits: &Limits) -> Expected {
    arrived.retain(|(outcome, _)| !outcome.stray && limits.channels.contains_key(&outcome.channel));
    let deadline = |channel: &Channel| {
        let window = limits.channels.get(channel);
        window.map_or(entry.received, |w| entry.received.after(w.within).after(w.grace))
    };
    let in_grace: Vec<_> = arrived
        .iter()
        .filter(|(outcome, at)| *at <= deadline(&outcome.channel))
        .copied()
        .collect();
    let class = verdict(entry, &in_grace, limits);
    if class == Class::Failed {
        arrived.retain(|(outcome, _)| outcome.event != Event::Failed);
    }
    let latest = amended(class, verdict(entry, &arrived, limits));
    Expected {
        class,
        amended: (latest != class).then_some(latest),
    }
}

/// What arrives after a run has closed amends it only in the ways of DESIGN.md section 3.
fn amended(class: Class, all: Class) -> Class {
    match (class, all) {
        (Class::Lost | Class::Mismatched, Class::Delivered | Class::Late | Class::Duplicate)
        | (Class::Delivered | Class::Late, Class::Duplicate)
        | (Class::Rejected, Class::Phantom) => all,
        // A false failure: whenever the outcome came, it came after the word that it would not.
        (Class::Failed, Class::Delivered | Class::Late | Class::Duplicate) => Class::Late,
        _ => class,
    }
}

fn verdict(entry: &Entry, arrived: &[(&Outcome, Moment)], limits: &Limits) -> Class {
    let says = |event| arrived.iter().any(|(outcome, _)| outcome.event == event);
    let announced = |event| {
        arrived
            .iter()
            .any(|(outcome, _)| outcome.event == event && outcome.channel == Channel::Webhook)
    };
    if entry
        .answer
        .status
        .is_some_and(|status| !(200..300).contains(&status))
    {
        return if says(Event::Delivered) {
            Class::Phantom
        } else {
            Class::Rejected
        };
    }
    // The gateway says that it failed by an event; a row that says so is only a row.
    if announced(Event::Failed) {
        return Class::Failed;
    }
    if announced(Event::Complaint) {
        return Class::Unwanted;
    }
    let of_channel = |(channel, window): (&Channel, &Window)| {
        on_channel(*channel, entry.received.after(window.within), arrived)
    };
    let worst = limits
        .channels
        .iter()
        .map(of_channel)
        .max_by_key(|class| severity(*class));
    worst.unwrap_or(Class::Delivered)
}

fn on_channel(channel: Channel, within: Moment, arrived: &[(&Outcome, Moment)]) -> Class {
    let here = || {
        arrived
            .iter()
            .filter(move |(o, _)| o.channel == channel && o.event == Event::Delivered)
    };
    if here().next().is_none() {
        return Class::Lost;
    }
    // A redelivery is the thing that came before; anything else counts.
    let whole = || here().filter(|(o, _)| !o.altered && o.repeat != Some(Repeat::Redelivery));
    match whole().map(|(_, at)| *at).min() {
        None => Class::Mismatched,
        Some(_) if whole().count() > 1 => Class::Duplicate,
        Some(at) if at > within => Class::Late,
        Some(_) => Class::Delivered,
    }
}

/// The order of DESIGN.md section 3; the worst decides.
const fn severity(class: Class) -> u8 {
    match class {
        Class::Delivered => 0,
        Class::Late => 1,
        Class::Duplicate => 2,
        Class::Mismatched => 3,
        Class::Lost => 4,
        _ => 5,
    }
}

#[cfg(test)]
mod tests;
