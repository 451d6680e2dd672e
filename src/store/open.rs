//! What a restart finds.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Intent, Store};
use crate::model::{Fault, Moment, Observation, Reason, RunId};

/// A run that was claimed and has not been closed: what a restart finds.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenRun {
    /// What was intended.
    pub intent: Intent,
    /// What is known of the firing; `None` is *fire unknown*.
    pub fired: Option<Fired>,
    /// What has been seen of it.
    pub observations: Vec<StoredObservation>,
}

/// What became of a firing, as far as a restart needs it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fired {
    /// When the first byte left.
    pub sent: Moment,
    /// The answer and what was captured; opaque to the store. `None` until there is one.
    pub answer: Option<Value>,
}

/// An observation as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredObservation {
    /// The channel's name.
    pub channel: String,
    /// Its content and times, shared with whoever judges by it.
    pub observation: Arc<Observation>,
    /// The runs whose tokens or keys it bears, as far as known when it was stored; empty for a stray.
    pub runs: Vec<RunId>,
}

/// A part of an [`OpenRun`], as it is on record.
#[derive(Clone, Debug, PartialEq)]
pub enum OpenRow<'a> {
    /// A run.
    Run(OpenText<'a>),
    /// Something that was seen of the run before.
    Seen(StoredObservation),
}

/// A run of which the JSON has not been read: of a hundred thousand most of it is never needed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OpenText<'a> {
    /// Its id.
    pub run: RunId,
    /// Its [`Intent`], in JSON.
    pub intent: &'a str,
    /// When the first byte left, and [`Fired::answer`] in JSON; `None` is *fire unknown*.
    pub fired: Option<(Moment, Option<&'a str>)>,
}

/// Takes rows, one by one; what it says is wrong with one ends the reading.
pub type TakeOpen = Box<dyn FnMut(OpenRow<'_>) -> Result<(), String> + Send>;

/// [`Store::each_open`] for a store that has no texts.
pub(super) async fn each_of<S: Store + ?Sized>(store: &S, mut take: TakeOpen) -> Result<(), Fault> {
    let unreadable = |what: String| Fault::new(Reason::Store, what);
    for open in store.open_runs().await? {
        let intent = serde_json::to_string(&open.intent).map_err(|e| unreadable(e.to_string()))?;
        let answer = open.fired.as_ref().and_then(|fired| fired.answer.as_ref());
        let answer = answer.map(Value::to_string);
        let run = OpenText {
            run: open.intent.run,
            intent: &intent,
            fired: open.fired.as_ref().map(|fired| (fired.sent, answer.as_deref())),
        };
        take(OpenRow::Run(run)).map_err(unreadable)?;
        for seen in open.observations {
            take(OpenRow::Seen(seen)).map_err(unreadable)?;
        }
    }
    Ok(())
}
