//! Ended runs in the order in which they closed or were amended: an amended record moves to the end.

use rusqlite::{Connection, params};

use super::read::{Unread, decoded, run_id};
use crate::model::RunRecord;

pub(super) fn changes(on: &Connection, after: u64, limit: u32) -> Result<Vec<(u64, RunRecord)>, Unread> {
    let mut query =
        on.prepare_cached("SELECT seq, record, run FROM records WHERE seq > ?1 ORDER BY seq LIMIT ?2")?;
    let mut rows = query.query(params![i64::try_from(after).unwrap_or(i64::MAX), limit])?;
    let mut changes = Vec::new();
    while let Some(row) = rows.next()? {
        let run = run_id(row, 2)?;
        let position = row.get::<_, i64>(0)?.unsigned_abs();
        changes.push((position, decoded(row, 1, &format!("the record of run {run}"))?));
    }
    Ok(changes)
}

pub(super) fn last(on: &Connection) -> Result<u64, Unread> {
    let last: Option<i64> = on.query_row("SELECT max(seq) FROM records", [], |row| row.get(0))?;
    Ok(last.map_or(0, i64::unsigned_abs))
}
