//! The ground truth: what was decided for each request, and when each outcome really left.
//!
//! Two files, both NDJSON. `FILE` has one line a request, written before it is answered: an [`Entry`] with the times
//! that are planned. `FILE.sent` has one line for each time something was sent, or was to be and could not: a
//! [`SentLine`]. Lines reach the operating system at once (they survive the end of the process, not of the machine).
//! Both are kept in memory too, as [`Truth`].

use std::collections::{HashMap, VecDeque};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::fault::FaultKind;
use super::message::{Channel, Event};
use super::plan::{How, Plan};
use super::truth::Truth;
use crate::model::Moment;

/// Where the truth is kept, besides in memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Ledger {
    /// Nowhere.
    #[default]
    Memory,
    /// In this file (and the same name with `.sent`); lines are added to what is there.
    File(PathBuf),
}

/// The same message under the same id again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Repeat {
    /// On a new connection, as after an acknowledgement that was lost: the same thing.
    Redelivery,
    /// On the same connection, the acknowledgement read: a duplicate.
    AfterAck,
}

/// What was decided for one request: a line of the ledger.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The sender's reference.
    #[serde(rename = "ref")]
    pub reference: String,
    /// The gateway's id.
    pub id: String,
    /// The route asked for.
    pub route: String,
    /// When its last byte had been read; RFC 3339 with microseconds in the file.
    #[serde(with = "instant")]
    pub received: Moment,
    /// What is wrong with it; `none` where nothing is.
    pub fault: FaultKind,
    /// Who took it.
    pub provider: String,
    /// What is answered.
    pub answer: Answered,
    /// What is sent, and when. Rows have their steps here too.
    pub outcomes: Vec<Outcome>,
}

/// What is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// The status; null where there is no answer.
    pub status: Option<u16>,
    /// When it is due.
    #[serde(with = "instant")]
    pub at: Moment,
}

/// One thing that is sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Where.
    pub channel: Channel,
    /// What it says.
    pub event: Event,
    /// When it is due.
    #[serde(with = "instant")]
    pub at: Moment,
    /// Who sends it.
    pub provider: String,
    /// Its webhook id, Message-ID or row id.
    pub message: String,
    /// Whether its text is another than the one given.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub altered: bool,
    /// Whether it was sent before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeat: Option<Repeat>,
    /// Whether it bears a reference that nobody has sent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stray: bool,
}

/// One try at sending an outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Just before its first byte left (a mail: the first byte after `DATA`; a row: just before the commit).
    #[serde(with = "instant")]
    pub at: Moment,
    /// When it was acknowledged, refused or given up (a row: the commit had returned).
    #[serde(with = "instant")]
    pub done: Moment,
    /// Why it was not taken; null where it was.
    pub error: Option<String>,
}

/// A line of `FILE.sent`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SentLine {
    /// The gateway's id of the message.
    pub id: String,
    /// Which of the entry's outcomes, from 0.
    pub outcome: usize,
    /// Where.
    pub channel: Channel,
    /// What it says.
    pub event: Event,
    /// What became of it.
    #[serde(flatten)]
    pub attempt: Attempt,
}

impl Entry {
    /// What a plan means for a request that came in at `received`.
    #[must_use]
    pub(super) fn new(id: &str, reference: &str, route: &str, received: Moment, plan: &Plan) -> Self {
        let outcomes = plan.outcomes.iter().map(|planned| Outcome {
            channel: planned.channel,
            event: planned.event,
            at: received.after(planned.after),
            provider: planned.provider.clone(),
            message: match planned.channel {
                _ if planned.stray => stray_name(id),
                // A row's steps change one row; its copies are rows of their own.
                Channel::Row => format!("{id}-{}", planned.copy),
                Channel::Webhook => format!("{id}-{}-{}", planned.event.word(), planned.copy),
                Channel::Mail => format!("<{id}-{}@sandbox.landfall.test>", planned.copy),
            },
            altered: planned.altered,
            repeat: planned.repeat,
            stray: planned.stray,
        });
        Self {
            reference: reference.to_owned(),
            id: id.to_owned(),
            route: route.to_owned(),
            received,
            fault: plan.fault,
            provider: plan.provider.clone(),
            answer: Answered {
                status: match plan.answer.how {
                    How::Status(status, _) => Some(status),
                    How::Reset | How::Never => None,
                },
                at: received.after(plan.answer.after),
            },
            outcomes: outcomes.collect(),
        }
    }

    /// When an outcome is due, counted from the request.
    #[must_use]
    pub fn due(&self, outcome: &Outcome) -> Duration {
        outcome.at.since(self.received)
    }
}

/// What a stray calls itself, in place of a reference, an id or a webhook id: nothing of the message is in it.
pub(super) fn stray_name(id: &str) -> String {
    let hash = blake3::hash(id.as_bytes());
    format!("stray{}", &hash.to_hex()[..16])
}

/// Keeps the truth.
#[derive(Debug)]
pub(super) struct Book {
    inner: Mutex<Inner>,
    remember: usize,
}

#[derive(Debug)]
struct Inner {
    files: Option<(File, File)>,
    truths: HashMap<String, Truth>,
    order: VecDeque<String>,
    forgotten: u64,
    failed_lines: u64,
}

impl Book {
    /// Opens the files; `remember` is how many requests are kept in memory.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub(super) fn open(ledger: &Ledger, remember: usize) -> Result<Self, String> {
        let files = match ledger {
            Ledger::Memory => None,
            Ledger::File(path) => Some((append(path)?, append(&sent_path(path))?)),
        };
        Ok(Self {
            inner: Mutex::new(Inner {
                files,
                truths: HashMap::new(),
                order: VecDeque::new(),
                forgotten: 0,
                failed_lines: 0,
            }),
            remember: remember.max(1),
        })
    }

    /// Puts a decision on record.
    ///
    /// # Errors
    /// The file did not take it; nothing is on record then.
    pub(super) fn decide(&self, entry: &Entry) -> Result<(), String> {
        let inner = &mut *self.lock();
        if let Some((file, _)) = &mut inner.files {
            write_line(file, entry)?;
        }
        if inner.order.len() >= self.remember
            && let Some(oldest) = inner.order.pop_front()
        {
            inner.truths.remove(&oldest);
            inner.forgotten += 1;
        }
        inner.order.push_back(entry.id.clone());
        let truth = Truth::new(entry.clone());
        inner.truths.insert(entry.id.clone(), truth);
        Ok(())
    }

    /// Puts what really happened on record.
    pub(super) fn sent(&self, id: &str, outcome: usize, planned: &Outcome, attempt: Attempt) {
        let inner = &mut *self.lock();
        if let Some((_, file)) = &mut inner.files {
            let line = SentLine {
                id: id.to_owned(),
                outcome,
                channel: planned.channel,
                event: planned.event,
                attempt: attempt.clone(),
            };
            // It has been sent by now: what can still be done is to count the line that is missing.
            inner.failed_lines += u64::from(write_line(file, &line).is_err());
        }
        if let Some(attempts) = inner.truths.get_mut(id).and_then(|t| t.sent.get_mut(outcome)) {
            attempts.push(attempt);
        }
    }

    /// All that is remembered, in the order decided.
    pub(super) fn truths(&self) -> Vec<Truth> {
        let inner = self.lock();
        inner
            .order
            .iter()
            .filter_map(|id| inner.truths.get(id).cloned())
            .collect()
    }

    /// Requests that memory no longer holds, and lines of `FILE.sent` that could not be written.
    pub(super) fn losses(&self) -> (u64, u64) {
        let inner = self.lock();
        (inner.forgotten, inner.failed_lines)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// The name of the second file.
#[must_use]
pub fn sent_path(ledger: &Path) -> PathBuf {
    let mut name = ledger.as_os_str().to_owned();
    name.push(".sent");
    PathBuf::from(name)
}

fn append(path: &Path) -> Result<File, String> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .map_err(|e| format!("cannot write the ledger `{}`: {e}", path.display()))
}

fn write_line<T: Serialize>(file: &mut File, line: &T) -> Result<(), String> {
    let mut text = serde_json::to_vec(line).map_err(|e| e.to_string())?;
    text.push(b'\n');
    // One write a line: another process that reads the file never sees half of one.
    file.write_all(&text)
        .map_err(|e| format!("cannot write the ledger: {e}"))
}

/// RFC 3339 in UTC with microseconds.
pub(super) mod instant {
    use serde::{Deserialize, Deserializer, Serializer, de};

    use crate::model::Moment;

    /// As text.
    pub(in crate::sandbox) fn text(moment: Moment) -> String {
        jiff::Timestamp::from_nanosecond(i128::from(moment.0))
            .map_or_else(|_| String::from("out of range"), |at| format!("{at:.6}"))
    }

    pub(in crate::sandbox) fn serialize<S: Serializer>(
        moment: &Moment,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&text(*moment))
    }

    pub(in crate::sandbox) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Moment, D::Error> {
        let text = String::deserialize(deserializer)?;
        let at: jiff::Timestamp = text.parse().map_err(de::Error::custom)?;
        i64::try_from(at.as_nanosecond())
            .map(Moment)
            .map_err(de::Error::custom)
    }
}
