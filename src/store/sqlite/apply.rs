//! Each write in SQL, inside the transaction that the writer has begun.

use rusqlite::{Connection, OptionalExtension, params};

use super::op::{Answer, ClaimRow, ObservationRow, Op, RecordRow, SkipRow, pack, unpack};
use super::{ended, prune, rollup, small};
use crate::model::{Fault, Moment, RunId};
use crate::store::{Claim, Intent, refusal};

/// Why a write did not go through.
#[derive(Debug)]
pub(super) enum Trouble {
    /// Refused before anything of it was written.
    Refused(Fault),
    /// Refused after a part of it was written: the transaction has to be undone.
    Undo(Fault),
    /// SQLite's own.
    Sql(rusqlite::Error),
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

/// Writes `op`.
pub(super) fn apply(on: &Connection, op: &Op) -> Result<Answer, Trouble> {
    match op {
        Op::TokenKey(fresh) => return token_key(on, fresh),
        Op::Claim(rows) => return claim(on, rows),
        Op::Withdraw(runs) => withdraw(on, runs)?,
        Op::Fired { run, sent, answer } => fired(on, *run, *sent, answer.as_deref())?,
        Op::Observe(row) => observe(on, row)?,
        Op::Close(row) => close(on, row)?,
        Op::Skip(row) => skip(on, row)?,
        Op::Cursor { name, cursor } => {
            on.prepare_cached(
                "INSERT INTO cursors (name, cursor) VALUES (?1, ?2)
                 ON CONFLICT (name) DO UPDATE SET cursor = excluded.cursor",
            )?
            .execute(params![name, cursor])?;
        }
        Op::Small(small) => small::apply(on, small)?,
        Op::Rollup(op) => rollup::apply(on, op)?,
        Op::Prune(prune) => return Ok(Answer::Left(prune::apply(on, prune)?)),
    }
    Ok(Answer::Done)
}

fn token_key(on: &Connection, fresh: &[u8; 32]) -> Result<Answer, Trouble> {
    on.prepare_cached("INSERT INTO meta (key, value) VALUES ('token_key', ?1) ON CONFLICT DO NOTHING")?
        .execute([fresh])?;
    let key = on
        .prepare_cached("SELECT value FROM meta WHERE key = 'token_key'")?
        .query_row([], |row| row.get(0))?;
    Ok(Answer::Key(key))
}

fn claim(on: &Connection, rows: &[ClaimRow]) -> Result<Answer, Trouble> {
    let mut fence = on.prepare_cached(
        "INSERT INTO claims (tick, probe, input, route, location, run, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT DO NOTHING",
    )?;
    let mut keep = on.prepare_cached("INSERT INTO intents (run, intent) VALUES (?1, ?2)")?;
    let mut claims = Vec::with_capacity(rows.len());
    for ClaimRow { intent, json } in rows {
        let run = id(&intent.run);
        let won = fence.execute(params![
            intent.tick.0,
            intent.probe,
            intent.input,
            intent.route,
            intent.location,
            run,
            intent.at.0
        ])?;
        if won == 1 {
            keep.execute(params![run, json])?;
            claims.push(Claim::Won);
        } else if fence_stands(on, intent)? {
            claims.push(Claim::Taken);
        } else {
            return Err(Trouble::Undo(refusal::run_claimed_twice(intent)));
        }
    }
    Ok(Answer::Claims(claims))
}

fn fence_stands(on: &Connection, intent: &Intent) -> rusqlite::Result<bool> {
    on.prepare_cached(
        "SELECT 1 FROM claims WHERE tick = ?1 AND probe = ?2 AND input = ?3 AND route = ?4 AND location = ?5",
    )?
    .exists(params![
        intent.tick.0,
        intent.probe,
        intent.input,
        intent.route,
        intent.location
    ])
}

fn withdraw(on: &Connection, runs: &[RunId]) -> rusqlite::Result<()> {
    for run in runs {
        // Only what is still open: a record stays.
        let open = on
            .prepare_cached("DELETE FROM intents WHERE run = ?1")?
            .execute([id(run)])?;
        if open == 1 {
            on.prepare_cached("DELETE FROM fired WHERE run = ?1")?
                .execute([id(run)])?;
            on.prepare_cached("DELETE FROM claims WHERE run = ?1")?
                .execute([id(run)])?;
        }
    }
    Ok(())
}

fn fired(on: &Connection, run: RunId, sent: Moment, answer: Option<&str>) -> Result<(), Trouble> {
    let noted = on
        .prepare_cached(
            "INSERT INTO fired (run, sent, answer)
             SELECT ?1, ?2, ?3 WHERE EXISTS (SELECT 1 FROM intents WHERE run = ?1)
             ON CONFLICT (run) DO UPDATE SET sent = excluded.sent, answer = coalesce(excluded.answer, fired.answer)",
        )?
        .execute(params![id(&run), sent.0, answer])?;
    // A run that has ended needs no note of its firing: its record says it.
    let known = noted == 1
        || on
            .prepare_cached("SELECT 1 FROM claims WHERE run = ?1")?
            .exists([id(&run)])?;
    if known {
        Ok(())
    } else {
        Err(Trouble::Refused(refusal::never_claimed(run)))
    }
}

fn observe(on: &Connection, row: &ObservationRow) -> Result<(), Trouble> {
    let fresh = on
        .prepare_cached(
            "INSERT INTO observations (id, channel, channel_id, runs, sighting) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (id) DO NOTHING",
        )?
        .execute(params![
            row.id,
            row.channel,
            row.channel_id,
            pack(&row.runs),
            row.sighting
        ])?;
    if fresh == 0 {
        observe_again(on, row)?;
    }
    let mut link =
        on.prepare_cached("INSERT OR IGNORE INTO run_observation (run, observation) VALUES (?1, ?2)")?;
    for run in &row.runs {
        link.execute(params![id(run), row.id])?;
    }
    Ok(())
}

/// The same observation again says which further runs it belongs to; another one under its id is refused.
fn observe_again(on: &Connection, row: &ObservationRow) -> Result<(), Trouble> {
    let kept: Option<Vec<u8>> = on
        .prepare_cached(
            "SELECT runs FROM observations WHERE id = ?1 AND channel = ?2 AND channel_id = ?3 AND sighting = ?4",
        )?
        .query_row(params![row.id, row.channel, row.channel_id, row.sighting], |row| {
            row.get(0)
        })
        .optional()?;
    let Some(kept) = kept else {
        return Err(Trouble::Refused(refusal::observation_differs(
            row.id.unsigned_abs(),
        )));
    };
    let mut runs = unpack(&kept);
    runs.extend(&row.runs);
    runs.sort_unstable();
    runs.dedup();
    on.prepare_cached("UPDATE observations SET runs = ?2 WHERE id = ?1")?
        .execute(params![row.id, pack(&runs)])?;
    Ok(())
}

fn close(on: &Connection, row: &RecordRow) -> Result<(), Trouble> {
    let run = id(&row.run);
    on.prepare_cached(
        "INSERT INTO history (run, class, record)
         SELECT run, class, record FROM records WHERE run = ?1 AND record <> ?2",
    )?
    .execute(params![run, row.json])?;
    on.prepare_cached(
        "INSERT INTO records (run, tick, probe, route, input, class, revision, record)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT (run) DO UPDATE SET seq = (SELECT max(seq) + 1 FROM records), tick = excluded.tick, probe = excluded.probe, route = excluded.route,
         input = excluded.input, class = excluded.class, revision = excluded.revision, record = excluded.record",
    )?
    .execute(params![
        run,
        row.tick.0,
        row.probe,
        row.route,
        row.input,
        row.class,
        row.revision,
        row.json
    ])?;
    if let Some(ended) = &row.ended {
        // It takes over what is about to leave.
        ended::keep(on, run, ended)?;
    }
    on.prepare_cached("DELETE FROM intents WHERE run = ?1")?
        .execute([run])?;
    on.prepare_cached("DELETE FROM fired WHERE run = ?1")?
        .execute([run])?;
    rollup::closed(on, row.tick, &row.probe)?;
    Ok(())
}

fn skip(on: &Connection, row: &SkipRow) -> rusqlite::Result<()> {
    let SkipRow {
        run,
        tick,
        record,
        json,
    } = row;
    // What was claimed and not fired would be taken up as fired, or not, at the next start.
    withdraw(on, &[*run])?;
    // A tick has one fate: the first that was put on record.
    on.prepare_cached(
        "INSERT INTO skips (tick, probe, input, route, reason, record) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT DO NOTHING",
    )?
    .execute(params![
        tick.0,
        record.probe,
        record.input,
        record.route,
        record.reason.word(),
        json
    ])?;
    Ok(())
}

fn id(run: &RunId) -> &[u8] {
    run.0.as_bytes()
}
