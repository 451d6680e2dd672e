//! What has been kept long enough leaves, a little at a time: a batch holds the writer for some milliseconds.

use rusqlite::{Connection, params};

use super::op::{pack, unpack};
use super::read::{Unread, run_id};
use super::rollup::raise;
use crate::model::{Moment, RunId};

/// So many runs leave in one transaction.
const RUNS: u32 = 100;
/// So many rows of anything else.
const ROWS: u32 = 500;

/// A write of it.
#[derive(Debug)]
pub(super) enum Prune {
    /// These runs, with what only they bore.
    Runs(Vec<RunId>),
    /// These observations, which no run bears.
    Strays(Vec<i64>),
    /// Some of the rows of a sort that are older than this.
    Old(Sort, Moment),
    /// Delivered runs before this leave, so that what is due of their hours can no longer be made.
    Pruned(Moment),
    /// Delivered runs before this have been removed.
    Removed(Moment),
}

/// Sorts of rows that leave by their age alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    Skips,
    SkipSpans,
    Marks,
    Rollups,
}

/// How much left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Left {
    pub(super) rows: u64,
    pub(super) observations: u64,
}

impl Prune {
    /// Bytes held while it is queued.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Runs(runs) => runs.len() * size_of::<RunId>(),
            Self::Strays(ids) => ids.len() * size_of::<i64>(),
            Self::Old(..) | Self::Pruned(_) | Self::Removed(_) => 0,
        }
    }
}

impl Sort {
    const fn sql(self) -> &'static str {
        match self {
            Self::Skips => {
                "DELETE FROM skips WHERE (tick, probe, input, route) IN
                 (SELECT tick, probe, input, route FROM skips WHERE tick < ?1 ORDER BY tick LIMIT ?2)"
            }
            Self::SkipSpans => {
                "DELETE FROM skip_spans WHERE (first, probe, input, route, reason) IN
                 (SELECT first, probe, input, route, reason FROM skip_spans WHERE last < ?1 ORDER BY last LIMIT ?2)"
            }
            Self::Marks => {
                "DELETE FROM marks WHERE id IN (SELECT id FROM marks WHERE at < ?1 ORDER BY at LIMIT ?2)"
            }
            Self::Rollups => {
                "DELETE FROM rollups WHERE (hour, probe, route, input) IN
                 (SELECT hour, probe, route, input FROM rollups WHERE hour < ?1 ORDER BY hour LIMIT ?2)"
            }
        }
    }
}

/// Writes it, inside the transaction that the writer has begun.
pub(super) fn apply(on: &Connection, prune: &Prune) -> rusqlite::Result<Left> {
    let mut left = Left::default();
    match prune {
        Prune::Runs(runs) => {
            for run in runs {
                remove(on, *run, &mut left)?;
            }
        }
        Prune::Strays(ids) => {
            let mut delete = on.prepare_cached("DELETE FROM observations WHERE id = ?1 AND runs = x''")?;
            for id in ids {
                left.observations += delete.execute([id])? as u64;
            }
        }
        Prune::Old(sort, before) => {
            left.rows = on.prepare_cached(sort.sql())?.execute(params![before.0, ROWS])? as u64;
        }
        Prune::Pruned(before) => {
            raise(on, "pruned", *before)?;
            on.prepare_cached("DELETE FROM rollups_due WHERE hour < ?1")?
                .execute([before.0])?;
        }
        Prune::Removed(before) => raise(on, "removed", *before)?,
    }
    Ok(left)
}

fn remove(on: &Connection, run: RunId, left: &mut Left) -> rusqlite::Result<()> {
    let id = &run.0.as_bytes()[..];
    let seen: Vec<i64> = on
        .prepare_cached("SELECT observation FROM run_observation WHERE run = ?1")?
        .query_map([id], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for observation in seen {
        let bore: Vec<u8> = on
            .prepare_cached("SELECT runs FROM observations WHERE id = ?1")?
            .query_row([observation], |row| row.get(0))?;
        let mut others = unpack(&bore);
        others.retain(|other| *other != run);
        if others.is_empty() {
            left.observations += on
                .prepare_cached("DELETE FROM observations WHERE id = ?1")?
                .execute([observation])? as u64;
        } else {
            on.prepare_cached("UPDATE observations SET runs = ?2 WHERE id = ?1")?
                .execute(params![observation, pack(&others)])?;
        }
    }
    for table in [
        "DELETE FROM run_observation WHERE run = ?1",
        "DELETE FROM history WHERE run = ?1",
        "DELETE FROM claims WHERE run = ?1",
        "DELETE FROM ended_text WHERE seq = (SELECT seq FROM ended WHERE run = ?1)",
        "DELETE FROM ended WHERE run = ?1",
    ] {
        on.prepare_cached(table)?.execute([id])?;
    }
    left.rows += on
        .prepare_cached("DELETE FROM records WHERE run = ?1")?
        .execute([id])? as u64;
    Ok(())
}

/// Delivered runs from `from` on and before `until` with their ticks, a batch of them.
pub(super) fn delivered(
    on: &Connection,
    from: Option<Moment>,
    until: Moment,
) -> Result<Vec<(Moment, RunId)>, Unread> {
    let mut query = on.prepare_cached(
        "SELECT run, tick FROM records WHERE tick >= ?1 AND tick < ?2 AND class = 'delivered'
         ORDER BY tick, run LIMIT ?3",
    )?;
    let runs = query.query_map(
        params![from.map_or(i64::MIN, |from| from.0), until.0, RUNS],
        |row| Ok((Moment(row.get(1)?), run_id(row, 0)?)),
    )?;
    Ok(runs.collect::<Result<_, _>>()?)
}

/// Runs of any class before `until`, a batch of them.
pub(super) fn any(on: &Connection, until: Moment) -> Result<Vec<RunId>, Unread> {
    let mut query =
        on.prepare_cached("SELECT run FROM records WHERE tick < ?1 ORDER BY tick, run LIMIT ?2")?;
    let runs = query.query_map(params![until.0, RUNS], |row| run_id(row, 0))?;
    Ok(runs.collect::<Result<_, _>>()?)
}

/// Observations that no run bears and that arrived before `until`, a batch of them: ids rise with time.
pub(super) fn strays(on: &Connection, until: Moment) -> Result<Vec<i64>, Unread> {
    let mut query = on.prepare_cached(
        "SELECT id, json_extract(sighting, '$.at.hi') FROM observations WHERE runs = x'' ORDER BY id LIMIT ?1",
    )?;
    let mut rows = query.query([ROWS])?;
    let mut ids = Vec::new();
    while let Some(row) = rows.next()? {
        if row.get::<_, i64>(1)? >= until.0 {
            break;
        }
        ids.push(row.get(0)?);
    }
    Ok(ids)
}
