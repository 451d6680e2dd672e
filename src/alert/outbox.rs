//! What is still to be sent to one destination, and what becomes of it while that is down. Pure.
//!
//! Messages leave in their order. While the destination is down those that wait become one summary (or, where it knows
//! alerts by their ids, each alert's last state), so that a day without it ends in a word and not in a storm.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::destination::Failure;
use super::notice::{AlertState, Notice, Summary, Told};
use super::rules::Event;
use crate::model::Moment;

/// Messages that wait for one destination one by one; beyond that they are summed up at once.
pub const MOST: usize = 50;
/// When the oldest message has waited so long, those that wait are summed up.
const SUM_UP_AFTER: Duration = Duration::from_secs(600);
/// Alerts that a summary lists.
const LISTED: usize = 50;
/// The first and the longest time between two attempts.
const BACKOFF: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(300));
/// Attempts for a message that the destination does not like.
const HOPELESS_ATTEMPTS: u32 = 3;
/// A message that could not be sent for so long is given up.
const GIVE_UP_AFTER: Duration = Duration::from_secs(7 * 86_400);

/// One message that waits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Its place among all messages of this landfall; the key under which it is kept.
    pub number: u64,
    /// Since when it waits.
    pub queued: Moment,
    /// What it says.
    pub notice: Notice,
    /// An attempt ended in doubt: it may have arrived, so that it must be sent as it is.
    #[serde(default)]
    pub in_doubt: bool,
    /// Attempts so far, of this process.
    #[serde(skip)]
    pub attempts: u32,
}

/// What waits for one destination.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outbox {
    entries: VecDeque<Entry>,
    /// Not before this.
    not_before: Option<Moment>,
}

/// What has to be kept, and what can be forgotten.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changes {
    /// Entries to keep, under their numbers.
    pub keep: Vec<Entry>,
    /// Numbers to forget.
    pub forget: Vec<u64>,
}

/// What became of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is tried again then.
    Again(Moment),
    /// It is not tried again, and was never taken.
    GivenUp,
}

impl Outbox {
    /// Puts a message at the end. What has to be kept of that is the caller's, who keeps it with the state.
    pub fn push(&mut self, entry: Entry) {
        let at = self.entries.partition_point(|e| e.number < entry.number);
        self.entries.insert(at, entry);
    }

    /// How many messages wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Since when the oldest waits.
    #[must_use]
    pub fn oldest(&self) -> Option<Moment> {
        self.entries.iter().map(|e| e.queued).min()
    }

    /// When the next attempt is due; `None` where nothing waits.
    #[must_use]
    pub fn due(&self) -> Option<Moment> {
        let first = self.entries.front()?;
        Some(self.not_before.unwrap_or(first.queued))
    }

    /// The message to send next.
    #[must_use]
    pub fn first(&self) -> Option<&Entry> {
        self.entries.front()
    }

    /// Sums up what waits, where that has lasted too long or is too much. A message that may have arrived stays as it
    /// is. `stateful`: each alert's last message stays instead.
    pub fn compact(&mut self, now: Moment, stateful: bool) -> Changes {
        let oldest = self.oldest().unwrap_or(now);
        if self.entries.len() < 2 || now.since(oldest) < SUM_UP_AFTER && self.entries.len() <= MOST {
            return Changes::default();
        }
        let kept = usize::from(self.entries.front().is_some_and(|e| e.in_doubt));
        let waiting: Vec<Entry> = self.entries.drain(kept..).collect();
        let left = if stateful {
            last_states(&waiting)
        } else {
            sum_up(&waiting)
        };
        let changes = Changes {
            forget: waiting
                .iter()
                .map(|e| e.number)
                .filter(|n| left.iter().all(|e| e.number != *n))
                .collect(),
            keep: left.iter().filter(|e| !waiting.contains(e)).cloned().collect(),
        };
        self.entries.extend(left);
        changes
    }

    /// The first message was taken.
    pub fn taken(&mut self, number: u64) {
        self.entries.retain(|e| e.number != number);
        self.not_before = None;
    }

    /// The first message was not taken. `dice`: a random number, for the jitter.
    pub fn failed(&mut self, number: u64, now: Moment, failure: &Failure, dice: u64) -> Verdict {
        let Some(entry) = self.entries.iter_mut().find(|e| e.number == number) else {
            return Verdict::GivenUp;
        };
        entry.attempts = entry.attempts.saturating_add(1);
        entry.in_doubt |= failure.in_doubt;
        let hopeless = failure.hopeless && entry.attempts >= HOPELESS_ATTEMPTS;
        if hopeless || now.since(entry.queued) >= GIVE_UP_AFTER {
            self.taken(number);
            return Verdict::GivenUp;
        }
        let wait = failure
            .retry_after
            .unwrap_or_else(|| backoff(entry.attempts, dice));
        let at = now.after(wait);
        self.not_before = Some(at);
        Verdict::Again(at)
    }

    /// What waits, oldest first.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter()
    }
}

/// Twice as long each time, up to a bound, and of that a random half to whole: many who wait do not come back at once.
#[must_use]
pub fn backoff(attempts: u32, dice: u64) -> Duration {
    let whole = BACKOFF
        .0
        .saturating_mul(1 << attempts.saturating_sub(1).min(20))
        .min(BACKOFF.1);
    let half = whole / 2;
    let share = dice % 1_000;
    half + half.mul_f64(f64::from(u32::try_from(share).unwrap_or(0)) / 1_000.0)
}

/// Each alert's last message; one that opened and ended while nobody could be told is let go.
fn last_states(waiting: &[Entry]) -> Vec<Entry> {
    let mut last: BTreeMap<&str, &Entry> = BTreeMap::new();
    let mut opened: BTreeMap<&str, bool> = BTreeMap::new();
    for entry in waiting {
        let began = matches!(entry.notice.event, Event::Opened | Event::Flapping);
        opened.entry(&entry.notice.alert).or_insert(began);
        last.insert(&entry.notice.alert, entry);
    }
    let mut left: Vec<Entry> = last
        .into_iter()
        .filter(|(alert, entry)| {
            entry.notice.state == AlertState::Firing || !opened.get(alert).copied().unwrap_or(false)
        })
        .map(|(_, entry)| entry.clone())
        .collect();
    left.sort_by_key(|e| e.number);
    left
}

/// One message for all.
fn sum_up(waiting: &[Entry]) -> Vec<Entry> {
    let [first, .., last] = waiting else {
        return waiting.to_vec();
    };
    let mut alerts: BTreeMap<String, (u64, Told)> = BTreeMap::new();
    let mut summary = Summary {
        from: first.notice.at.clone(),
        until: last.notice.at.clone(),
        ..Summary::default()
    };
    for entry in waiting {
        let notice = &entry.notice;
        if let Some(earlier) = &notice.summary {
            summary.from = summary.from.min(earlier.from.clone());
            summary.messages += earlier.messages;
            summary.more_alerts += earlier.more_alerts;
            for told in &earlier.alerts {
                alerts.insert(told.alert.clone(), (entry.number, told.clone()));
            }
            continue;
        }
        summary.messages += 1;
        let told = Told {
            alert: notice.alert.clone(),
            title: notice.title.clone(),
            state: notice.state,
            since: notice.since.clone(),
        };
        alerts.insert(notice.alert.clone(), (entry.number, told));
    }
    let mut listed: Vec<(u64, Told)> = alerts.into_values().collect();
    // What is still open first, then the latest.
    listed.sort_by_key(|(number, told)| (told.state != AlertState::Firing, std::cmp::Reverse(*number)));
    summary.more_alerts += listed.len().saturating_sub(LISTED) as u64;
    summary.alerts = listed.into_iter().take(LISTED).map(|(_, told)| told).collect();
    let id = format!("summary-{}-{}", first.number, last.number);
    let loudest = waiting.iter().map(|e| e.notice.severity).max();
    let mut notice = Notice::summed(&last.notice, summary, id);
    notice.severity = loudest.unwrap_or(notice.severity);
    vec![Entry {
        number: first.number,
        queued: first.queued,
        notice,
        in_doubt: false,
        attempts: first.attempts,
    }]
}

#[cfg(test)]
mod tests;
