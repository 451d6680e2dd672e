//! What is written, encoded by the caller so that the one writer only binds and commits.

use serde::Serialize;

use super::ended::EndedRow;
use super::prune::{Left, Prune};
use super::rollup::RollupOp;
use super::small::Small;
use crate::model::{Fault, Moment, Reason, RunId, RunRecord, SkipRecord};
use crate::store::{Amendable, Claim, Fired, Intent, StoredObservation};

/// One write.
#[derive(Debug)]
pub(super) enum Op {
    TokenKey([u8; 32]),
    Claim(Vec<ClaimRow>),
    /// Takes back claims of which nobody was told; a claim whose run is skipped goes with the skip.
    Withdraw(Vec<RunId>),
    Fired {
        run: RunId,
        sent: Moment,
        answer: Option<String>,
    },
    Observe(ObservationRow),
    Close(RecordRow),
    Skip(SkipRow),
    Cursor {
        name: String,
        cursor: String,
    },
    Small(Small),
    Rollup(RollupOp),
    Prune(Prune),
}

/// What a write answers.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Answer {
    Done,
    Key([u8; 32]),
    Claims(Vec<Claim>),
    Left(Left),
}

#[derive(Debug)]
pub(super) struct ClaimRow {
    pub(super) intent: Intent,
    pub(super) json: String,
}

#[derive(Debug)]
pub(super) struct ObservationRow {
    pub(super) id: i64,
    pub(super) channel: String,
    pub(super) channel_id: u16,
    pub(super) runs: Vec<RunId>,
    pub(super) sighting: String,
}

#[derive(Debug)]
pub(super) struct RecordRow {
    pub(super) run: RunId,
    pub(super) tick: Moment,
    pub(super) probe: String,
    pub(super) route: String,
    pub(super) input: String,
    pub(super) class: &'static str,
    pub(super) revision: String,
    pub(super) json: String,
    /// What is kept of a run that may be amended.
    pub(super) ended: Option<EndedRow>,
}

#[derive(Debug)]
pub(super) struct SkipRow {
    pub(super) run: RunId,
    pub(super) tick: Moment,
    pub(super) record: SkipRecord,
    pub(super) json: String,
}

impl Op {
    pub(super) fn claim(intents: Vec<Intent>) -> Result<Self, Fault> {
        let rows = intents.into_iter().map(|intent| {
            let json = json("an intent", &intent)?;
            Ok(ClaimRow { intent, json })
        });
        Ok(Self::Claim(rows.collect::<Result<_, Fault>>()?))
    }

    pub(super) fn fired(run: RunId, fired: &Fired) -> Result<Self, Fault> {
        let answer = fired.answer.as_ref().map(|answer| json("an answer", answer));
        Ok(Self::Fired {
            run,
            sent: fired.sent,
            answer: answer.transpose()?,
        })
    }

    pub(super) fn observe(stored: &StoredObservation) -> Result<Self, Fault> {
        let id = stored.observation.id.0;
        let mut runs = stored.runs.clone();
        runs.sort_unstable();
        runs.dedup();
        Ok(Self::Observe(ObservationRow {
            id: i64::try_from(id).map_err(|_| {
                Fault::new(
                    Reason::Internal,
                    format!("observation id {id} is above {}, the highest that fits", i64::MAX),
                )
            })?,
            channel: stored.channel.clone(),
            channel_id: stored.observation.channel.0,
            runs,
            sighting: json("an observation", &stored.observation.sighting)?,
        }))
    }

    pub(super) fn close(tick: Moment, record: &RunRecord, how: Option<&Amendable>) -> Result<Self, Fault> {
        let ended = how.map(|how| EndedRow::new(record, how)).transpose()?;
        Ok(Self::Close(RecordRow {
            run: record.id,
            tick,
            probe: record.probe.clone(),
            route: record.route.clone(),
            input: record.input.clone(),
            class: record.class.word(),
            revision: record.revision.clone(),
            json: json("a record", record)?,
            ended,
        }))
    }

    pub(super) fn skip(run: RunId, tick: Moment, record: SkipRecord) -> Result<Self, Fault> {
        let json = json("a skip", &record)?;
        Ok(Self::Skip(SkipRow {
            run,
            tick,
            record,
            json,
        }))
    }

    /// Bytes held while it is queued: what the queue's bound counts.
    pub(super) fn bytes(&self) -> usize {
        let content = match self {
            Self::TokenKey(_) => 0,
            Self::Claim(rows) => rows
                .iter()
                .map(|row| size_of::<ClaimRow>() + 2 * row.json.len())
                .sum(),
            Self::Withdraw(runs) => runs.len() * size_of::<RunId>(),
            Self::Fired { answer, .. } => answer.as_ref().map_or(0, String::len),
            Self::Observe(row) => {
                row.sighting.len() + row.channel.len() + row.runs.len() * size_of::<RunId>()
            }
            Self::Close(row) => row.json.len() + row.ended.as_ref().map_or(0, EndedRow::bytes),
            Self::Skip(row) => 2 * row.json.len(),
            Self::Cursor { name, cursor } => name.len() + cursor.len(),
            Self::Small(small) => small.bytes(),
            Self::Rollup(op) => op.bytes(),
            Self::Prune(prune) => prune.bytes(),
        };
        content + size_of::<Self>()
    }
}

/// The 16 bytes of each run, one after the other.
pub(super) fn pack(runs: &[RunId]) -> Vec<u8> {
    runs.iter().flat_map(|run| *run.0.as_bytes()).collect()
}

/// What [`pack`] wrote; bytes beyond the last whole id are left out.
pub(super) fn unpack(bytes: &[u8]) -> Vec<RunId> {
    let (ids, _) = bytes.as_chunks::<16>();
    ids.iter().map(|id| RunId(uuid::Uuid::from_bytes(*id))).collect()
}

pub(super) fn json<T: Serialize>(what: &str, value: &T) -> Result<String, Fault> {
    serde_json::to_string(value)
        .map_err(|e| Fault::new(Reason::Internal, format!("{what} cannot be written as JSON: {e}")))
}
