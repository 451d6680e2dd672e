//! Hours rolled up, in SQL.
//!
//! Three marks in `meta` make it safe against a crash at any instant and against runs that close or are amended
//! meanwhile. `rolling`: from now on a close whose tick lies before it puts its hour on the list of what is due, in
//! the close's own transaction. `listed`: every earlier hour has been put on that list. `pruned`: earlier runs may be gone, so
//! that no hour before it is made from them again.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, params};

use super::op::json;
use super::read::{Unread, decoded, side_by_side};
use crate::model::{Fault, Moment, Rollup, RunRecord};
use crate::store::{Extent, RollupFilter};

/// So many hours that are due are asked for at once.
const DUE: u32 = 64;

/// A write of it.
#[derive(Debug)]
pub(super) enum RollupOp {
    /// Closes before this instant change what has been rolled up.
    Rolling(Moment),
    /// These probes have runs in the hour; every hour up to it is listed.
    Listed { hour: Moment, probes: Vec<String> },
    /// What an hour of a probe came to, when it had seen so many changes.
    Made(Made),
}

#[derive(Debug)]
pub(super) struct Made {
    due: Due,
    rows: Vec<(String, String, String)>,
}

/// An hour of a probe that has to be rolled up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Due {
    pub(super) hour: Moment,
    pub(super) probe: String,
    changes: i64,
}

/// How far rolling up has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Progress {
    pub(super) rolling: Option<Moment>,
    pub(super) listed: Option<Moment>,
    pub(super) pruned: Option<Moment>,
    /// Delivered runs before this have been removed.
    pub(super) removed: Option<Moment>,
}

impl RollupOp {
    pub(super) fn made(due: Due, rollups: Vec<Rollup>) -> Result<Self, Fault> {
        let rows = rollups.into_iter().map(|rollup| {
            let text = json("a roll-up", &rollup)?;
            Ok((rollup.route, rollup.input, text))
        });
        let rows = rows.collect::<Result<_, Fault>>()?;
        Ok(Self::Made(Made { due, rows }))
    }

    /// Bytes held while it is queued.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Rolling(_) => 0,
            Self::Listed { probes, .. } => probes.iter().map(|probe| size_of::<String>() + probe.len()).sum(),
            Self::Made(made) => made.rows.iter().map(|(_, _, text)| 256 + text.len()).sum(),
        }
    }
}

/// Writes it, inside the transaction that the writer has begun.
pub(super) fn apply(on: &Connection, op: &RollupOp) -> rusqlite::Result<()> {
    match op {
        RollupOp::Rolling(until) => raise(on, "rolling", *until),
        RollupOp::Listed { hour, probes } => {
            for probe in probes {
                change(on, *hour, probe)?;
            }
            raise(on, "listed", Rollup::next_hour(*hour))
        }
        RollupOp::Made(made) => put(on, made),
    }
}

/// A run of `probe` has closed or was amended: its hour is made again where it was made before.
pub(super) fn closed(on: &Connection, tick: Moment, probe: &str) -> rusqlite::Result<()> {
    on.prepare_cached(
        "INSERT INTO rollups_due (hour, probe, changes)
         SELECT ?1, ?2, 1 FROM meta WHERE key = 'rolling' AND value > ?3
         ON CONFLICT (hour, probe) DO UPDATE SET changes = changes + 1",
    )?
    .execute(params![Rollup::hour_of(tick).0, probe, tick.0])
    .map(drop)
}

fn change(on: &Connection, hour: Moment, probe: &str) -> rusqlite::Result<()> {
    on.prepare_cached(
        "INSERT INTO rollups_due (hour, probe, changes) VALUES (?1, ?2, 1)
         ON CONFLICT (hour, probe) DO UPDATE SET changes = changes + 1",
    )?
    .execute(params![hour.0, probe])
    .map(drop)
}

/// Sets a mark, never back.
pub(super) fn raise(on: &Connection, mark: &str, to: Moment) -> rusqlite::Result<()> {
    on.prepare_cached(
        "INSERT INTO meta (key, value) VALUES (?1, ?2)
         ON CONFLICT (key) DO UPDATE SET value = max(value, excluded.value)",
    )?
    .execute(params![mark, to.0])
    .map(drop)
}

fn put(on: &Connection, made: &Made) -> rusqlite::Result<()> {
    let Due { hour, probe, changes } = &made.due;
    on.prepare_cached("DELETE FROM rollups WHERE hour = ?1 AND probe = ?2")?
        .execute(params![hour.0, probe])?;
    let mut insert = on.prepare_cached(
        "INSERT INTO rollups (hour, probe, route, input, rollup) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    for (route, input, text) in &made.rows {
        insert.execute(params![hour.0, probe, route, input, text])?;
    }
    // With more changes since the runs were read it stays due.
    on.prepare_cached("DELETE FROM rollups_due WHERE hour = ?1 AND probe = ?2 AND changes = ?3")?
        .execute(params![hour.0, probe, changes])
        .map(drop)
}

pub(super) fn progress(on: &Connection) -> Result<Progress, Unread> {
    let mark = |name: &str| -> rusqlite::Result<Option<Moment>> {
        on.prepare_cached("SELECT value FROM meta WHERE key = ?1")?
            .query_row([name], |row| row.get(0))
            .optional()
            .map(|value| value.map(Moment))
    };
    Ok(Progress {
        rolling: mark("rolling")?,
        listed: mark("listed")?,
        pruned: mark("pruned")?,
        removed: mark("removed")?,
    })
}

/// The next hour to be listed, from `listed` on and before `rolling`, with the probes that have runs in it.
pub(super) fn unlisted(on: &Connection, at: Progress) -> Result<Option<(Moment, Vec<String>)>, Unread> {
    let Some(rolling) = at.rolling else {
        return Ok(None);
    };
    let from = at.listed.map_or(i64::MIN, |listed| listed.0);
    let next: Option<i64> = on
        .prepare_cached("SELECT min(tick) FROM records WHERE tick >= ?1 AND tick < ?2")?
        .query_row(params![from, rolling.0], |row| row.get(0))?;
    let Some(next) = next else { return Ok(None) };
    let hour = Rollup::hour_of(Moment(next));
    let mut query = on
        .prepare_cached("SELECT DISTINCT probe FROM records WHERE tick >= ?1 AND tick < ?2 ORDER BY probe")?;
    let probes = query.query_map(params![hour.0, Rollup::next_hour(hour).0], |row| row.get(0))?;
    Ok(Some((hour, probes.collect::<Result<_, _>>()?)))
}

/// The earliest hours that are due, from `from` on and after the last one of the batch before.
pub(super) fn due(on: &Connection, from: Option<Moment>, after: Option<&Due>) -> Result<Vec<Due>, Unread> {
    let mut query = on.prepare_cached(
        "SELECT hour, probe, changes FROM rollups_due WHERE hour >= ?1 AND (hour, probe) > (?2, ?3)
         ORDER BY hour, probe LIMIT ?4",
    )?;
    let (hour, probe) = after.map_or((i64::MIN, ""), |due| (due.hour.0, due.probe.as_str()));
    let due = query.query_map(
        params![from.map_or(i64::MIN, |from| from.0), hour, probe, DUE],
        |row| {
            Ok(Due {
                hour: Moment(row.get(0)?),
                probe: row.get(1)?,
                changes: row.get(2)?,
            })
        },
    )?;
    Ok(due.collect::<Result<_, _>>()?)
}

/// Rolls up an hour of a probe, with the changes that it had in the same view of the store.
pub(super) fn make(on: &Connection, mut due: Due) -> Result<(Due, Vec<Rollup>), Unread> {
    let view = on.unchecked_transaction()?;
    due.changes = view
        .prepare_cached("SELECT changes FROM rollups_due WHERE hour = ?1 AND probe = ?2")?
        .query_row(params![due.hour.0, due.probe], |row| row.get(0))
        .optional()?
        .unwrap_or(0);
    let mut query = view.prepare_cached(
        "SELECT record, tick FROM records WHERE probe = ?1 AND tick >= ?2 AND tick < ?3 ORDER BY tick, run",
    )?;
    let mut rows = query.query(params![due.probe, due.hour.0, Rollup::next_hour(due.hour).0])?;
    let mut rollups: BTreeMap<(String, String), Rollup> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let at = Moment(row.get(1)?);
        let record: RunRecord = decoded(row, 0, &format!("a record of tick {at}"))?;
        rollups
            .entry((record.route.clone(), record.input.clone()))
            .or_insert_with(|| Rollup::empty(due.hour, &record.probe, &record.route, &record.input))
            .add(&record);
    }
    let mut rollups: Vec<Rollup> = rollups.into_values().collect();
    rollups.iter_mut().for_each(Rollup::settle);
    Ok((due, rollups))
}

pub(super) fn extent(on: &Connection) -> Result<Extent, Unread> {
    let hour = |sql: &str| -> rusqlite::Result<Option<Moment>> {
        let hour: Option<i64> = on.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
        Ok(hour.map(Moment))
    };
    Ok(Extent {
        whole_since: progress(on)?.pruned,
        first_rollup: hour("SELECT min(hour) FROM rollups")?,
        last_rollup: hour("SELECT max(hour) FROM rollups")?,
    })
}

pub(super) fn read(on: &Connection, filter: &RollupFilter) -> Result<Vec<Rollup>, Unread> {
    let mut query = on.prepare_cached(
        "SELECT rollup, hour, probe, route, input FROM rollups WHERE hour >= ?1 AND hour < ?2
         ORDER BY hour, probe, route, input",
    )?;
    let mut rows = query.query(params![
        filter.since.map_or(i64::MIN, |since| since.0),
        filter.until.map_or(i64::MAX, |until| until.0)
    ])?;
    let among = |wanted: &[String], name: &str| wanted.is_empty() || wanted.iter().any(|w| w == name);
    let (mut text, mut found) = (String::new(), Vec::new());
    while let Some(row) = rows.next()? {
        let name = |column| row.get_ref(column)?.as_str().map_err(rusqlite::Error::from);
        if among(&filter.probes, name(2)?)
            && among(&filter.routes, name(3)?)
            && among(&filter.inputs, name(4)?)
        {
            text.push_str(name(0)?);
            found.push((Moment(row.get(1)?), text.len()));
        }
    }
    side_by_side(&text, &found, |hour, text| {
        serde_json::from_str(text).map_err(|e| Unread::Content(format!("the roll-up of {hour}: {e}")))
    })
}
