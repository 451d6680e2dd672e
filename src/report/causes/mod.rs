//! What separates bad runs from good: pure over records and marks, whoever read them.
//!
//! [`explain`] is the one call; [`Collector`] is the same for records that come a page at a time. The arithmetic is
//! [`crate::stats::attribution`]'s; here is decided what of a record may count as a cause.
//!
//! **Why a consequence is never told as a cause.** A lost run has no mail, so nothing that a mail says is recorded of it:
//! "folder = (none)" would explain every loss, and explain nothing. What is recorded is therefore taken by when it
//! became known:
//!
//! - *before the request left* (route, input, location, revision, marks, the hour, landfall's own lag): compared over all
//!   runs;
//! - *with the answer* (headers, hops that the answer names): compared over the runs that were accepted and those that were
//!   refused with the value given, and where refusals and acceptances have no value in common, over the accepted alone,
//!   since then it tells only how a refusal looks; status, reply and times of the answer are part of layer 1's verdict, so
//!   they are compared among accepted runs alone;
//! - *declared* (`attributes`): compared over the runs that have a value; to lack one is never a cause;
//! - *with an outcome or a step* (mail folder, columns of a row, `Received` hops): compared only among runs in which the same
//!   expectation was met, and not at all where a value changes in the course of a run or where good and bad runs have none
//!   in common: then it is the verdict in other words.
//!
//! What the failure looks like (classes, steps reached, what did not come, statuses) is told beside it as [`Sign`]s, without
//! a p: a run that stopped after `queued` was not lost *because* of it.

mod answer;
mod assemble;
mod columns;
mod facts;
mod show;
mod table;
mod times;
mod words;

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;

pub use answer::{
    Began, Causes, Equal, Found, Ignored, LeftOut, Nearby, NearbyKind, Nearest, Outcome, Revision, Sign,
    Value,
};
pub use show::{markdown, text};
pub use table::{COLUMNS, Collector, DISTINCT, VALUE};

use crate::model::{Class, LayerState, Mark, RunRecord};

/// What is asked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Question {
    /// Which runs count as bad.
    pub bad: Bad,
    /// What shuffles are drawn from: the same records and seed give the same answer.
    pub seed: u64,
}

/// Which runs count as bad, and against which others they are held.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Bad {
    /// All that did not end delivered, against those that did.
    #[default]
    NotDelivered,
    /// Those of these classes, against the delivered ones.
    Classes(BTreeSet<Class>),
    /// Of those that arrived the late ones, and those that took longer than so many seconds, against the others.
    Slow(Option<f64>),
}

impl Bad {
    /// Whether a run is bad; `None` where it is neither bad nor good: unobserved, or of no interest to the question.
    #[must_use]
    pub fn of(&self, run: &RunRecord) -> Option<bool> {
        match self {
            Self::NotDelivered => match run.class {
                Class::Unobserved => None,
                class => Some(class != Class::Delivered),
            },
            Self::Classes(bad) if bad.contains(&run.class) => Some(true),
            Self::Classes(_) => (run.class == Class::Delivered).then_some(false),
            Self::Slow(limit) => {
                let arrived = run.layers.outcome.state == LayerState::Yes;
                let took = run.layers.outcome.seconds.filter(|_| arrived)?.1;
                Some(run.class == Class::Late || limit.is_some_and(|limit| took > limit))
            }
        }
    }

    /// In words, after "bad:".
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::NotDelivered => String::from("not delivered"),
            Self::Classes(classes) => {
                let words: Vec<&str> = classes.iter().map(|class| class.word()).collect();
                words.join(", ")
            }
            Self::Slow(None) => String::from("late"),
            Self::Slow(Some(limit)) => {
                format!("late or slower than {}", super::words::seconds(*limit))
            }
        }
    }
}

/// What separates bad runs from good among these, with the marks that lie near them.
///
/// The cost is that of some thousand shuffles of the runs, however many attributes there are; a hundred thousand runs with
/// thirty attributes take seconds. Whoever has no seconds gives fewer runs.
#[must_use]
pub fn explain<'a>(
    runs: impl IntoIterator<Item = &'a RunRecord>,
    marks: &[Mark],
    question: &Question,
) -> Causes {
    let mut collector = Collector::new(question.clone());
    for run in runs {
        collector.add(run);
    }
    collector.finish(marks)
}

#[cfg(test)]
mod tests;
