//! Runs that have ended and may be amended: a ring of the latest of them.

use rusqlite::{Connection, params};

use super::op::json;
use super::read::{Unread, decoded, run_id};
use crate::model::{Fault, Moment, ObservationId, RunId, RunRecord};
use crate::store::{Amendable, EndedRun};

/// What is kept of one, besides what it was while it was open.
#[derive(Debug)]
pub(super) struct EndedRow {
    at: Moment,
    sent: Option<Moment>,
    seen: Vec<i64>,
    token: String,
    probe: String,
    revision: String,
    keys: String,
    most: i64,
}

impl EndedRow {
    pub(super) fn new(record: &RunRecord, how: &Amendable) -> Result<Self, Fault> {
        let id = |id: &ObservationId| i64::try_from(id.0).unwrap_or(i64::MAX);
        Ok(Self {
            at: how.at,
            sent: how.sent,
            seen: how.seen.iter().map(id).collect(),
            token: record.token.clone(),
            probe: record.probe.clone(),
            revision: record.revision.clone(),
            keys: json("captured ids", &how.keys)?,
            most: i64::try_from(how.most).unwrap_or(i64::MAX),
        })
    }

    /// Bytes held while it is queued.
    pub(super) fn bytes(&self) -> usize {
        let texts = [&self.token, &self.probe, &self.revision, &self.keys];
        texts.iter().map(|text| text.len()).sum::<usize>() + self.seen.len() * size_of::<i64>()
    }
}

/// Notes that a run has ended, and what it was; or, where it is amended, what it was judged by this time.
pub(super) fn keep(on: &Connection, run: &[u8], row: &EndedRow) -> rusqlite::Result<()> {
    for observation in &row.seen {
        bear(on, run, *observation)?;
    }
    let heeded = row.seen.iter().max().copied().unwrap_or(0);
    let known = on
        .prepare_cached("UPDATE ended SET heeded = max(heeded, ?2) WHERE run = ?1")?
        .execute(params![run, heeded])?;
    if known > 0 {
        return Ok(());
    }
    let fresh = on
        .prepare_cached(
            "INSERT INTO ended (seq, run, at, sent, heeded, token, probe, revision, keys)
             SELECT (SELECT coalesce(max(seq), 0) + 1 FROM ended), ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8
             WHERE EXISTS (SELECT 1 FROM intents WHERE run = ?1)",
        )?
        .execute(params![
            run,
            row.at.0,
            row.sent.map(|sent| sent.0),
            heeded,
            row.token,
            row.probe,
            row.revision,
            row.keys
        ])?;
    if fresh == 0 {
        return Ok(());
    }
    let seq = on.last_insert_rowid();
    on.prepare_cached(
        "INSERT INTO ended_text (seq, intent, sent, answer)
         SELECT ?2, i.intent, f.sent, f.answer FROM intents i LEFT JOIN fired f ON f.run = i.run WHERE i.run = ?1",
    )?
    .execute(params![run, seq])?;
    for table in [
        "DELETE FROM ended WHERE seq <= ?1",
        "DELETE FROM ended_text WHERE seq <= ?1",
    ] {
        on.prepare_cached(table)?.execute([seq - row.most])?;
    }
    Ok(())
}

/// What was found to be a run's after it had been put on record is its own from now on.
fn bear(on: &Connection, run: &[u8], observation: i64) -> rusqlite::Result<()> {
    let fresh = on
        .prepare_cached(
            "INSERT OR IGNORE INTO run_observation (run, observation)
             SELECT ?1, ?2 WHERE EXISTS (SELECT 1 FROM observations WHERE id = ?2)",
        )?
        .execute(params![run, observation])?;
    if fresh == 0 {
        return Ok(());
    }
    let mut bore: Vec<u8> = on
        .prepare_cached("SELECT runs FROM observations WHERE id = ?1")?
        .query_row([observation], |row| row.get(0))?;
    bore.extend_from_slice(run);
    on.prepare_cached("UPDATE observations SET runs = ?2 WHERE id = ?1")?
        .execute(params![observation, bore])?;
    Ok(())
}

/// In the order in which they ended.
pub(super) fn all(on: &Connection, since: Moment) -> Result<Vec<EndedRun>, Unread> {
    let mut query = on.prepare_cached(
        "SELECT run, at, sent, heeded, token, probe, revision, keys FROM ended WHERE at >= ?1 ORDER BY seq",
    )?;
    let mut rows = query.query([since.0])?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        let run = run_id(row, 0)?;
        let keys = match row.get_ref(7)?.as_str().map_err(rusqlite::Error::from)? {
            "[]" => Vec::new(),
            _ => decoded(row, 7, &format!("the captured ids of run {run}"))?,
        };
        all.push(EndedRun {
            run,
            at: Moment(row.get(1)?),
            sent: row.get::<_, Option<i64>>(2)?.map(Moment),
            heeded: ObservationId(row.get::<_, i64>(3)?.unsigned_abs()),
            token: row.get(4)?,
            probe: row.get(5)?,
            revision: row.get(6)?,
            keys,
        });
    }
    Ok(all)
}

/// The latest first.
pub(super) fn unheeded(on: &Connection, since: Moment, most: u32) -> Result<Vec<RunId>, Unread> {
    let mut query = on.prepare_cached(
        "SELECT e.run FROM ended e
         WHERE e.at >= ?1 AND (SELECT max(o.observation) FROM run_observation o WHERE o.run = e.run) > e.heeded
         ORDER BY e.seq DESC LIMIT ?2",
    )?;
    let runs = query.query_map(params![since.0, most], |row| run_id(row, 0))?;
    Ok(runs.collect::<Result<_, _>>()?)
}
