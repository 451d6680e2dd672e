//! Runs that were claimed and never closed.

use rusqlite::{Connection, Statement};

use super::read::{Unread, observation, run_id};
use crate::model::{Moment, RunId};
use crate::store::{Fired, Intent, OpenRow, OpenRun, OpenText, TakeOpen};

/// All of them at once, read as values.
pub(super) fn all(on: &Connection) -> Result<Vec<OpenRun>, Unread> {
    values(on, None)
}

/// One of them.
pub(super) fn one(on: &Connection, run: RunId) -> Result<Option<OpenRun>, Unread> {
    Ok(values(on, Some(run))?.pop())
}

fn values(on: &Connection, only: Option<RunId>) -> Result<Vec<OpenRun>, Unread> {
    let mut open: Vec<OpenRun> = Vec::new();
    each_of(on, only, &mut |row| {
        match row {
            OpenRow::Run(text) => open.push(read(text)?),
            OpenRow::Seen(seen) => {
                if let Some(run) = open.last_mut() {
                    run.observations.push(seen);
                }
            }
        }
        Ok(())
    })?;
    Ok(open)
}

/// Row by row, as text.
pub(super) fn each(on: &Connection, mut take: TakeOpen) -> Result<(), Unread> {
    each_of(on, None, &mut take)
}

/// What these were that have ended.
pub(super) fn each_ended(on: &Connection, runs: &[RunId], mut take: TakeOpen) -> Result<(), Unread> {
    for run in runs {
        let ended = "SELECT t.intent, e.run, t.sent, t.answer, 1 FROM ended e JOIN ended_text t ON t.seq = e.seq WHERE e.run = ?1";
        each_by(on, ended, Some(*run), &mut take)?;
    }
    Ok(())
}

/// All parts in one view, so that an observation never stands beside an intent of another instant.
fn each_of(
    on: &Connection,
    only: Option<RunId>,
    take: &mut dyn FnMut(OpenRow<'_>) -> Result<(), String>,
) -> Result<(), Unread> {
    let among = only.map_or("", |_| "WHERE i.run = ?1");
    let open = format!(
        "SELECT i.intent, i.run, f.sent, f.answer, EXISTS (SELECT 1 FROM run_observation r WHERE r.run = i.run)
         FROM intents i LEFT JOIN fired f ON f.run = i.run {among} ORDER BY i.run"
    );
    each_by(on, &open, only, take)
}

/// Of a query whose columns are the intent, the run, when it left, the answer, and whether anything was seen of it.
fn each_by(
    on: &Connection,
    query: &str,
    only: Option<RunId>,
    take: &mut dyn FnMut(OpenRow<'_>) -> Result<(), String>,
) -> Result<(), Unread> {
    let view = on.unchecked_transaction()?;
    let only: Vec<&[u8]> = only.iter().map(|run| &run.0.as_bytes()[..]).collect();
    let mut query = view.prepare_cached(query)?;
    let mut seen = view.prepare_cached(
        "SELECT NULL, o.id, o.channel, o.channel_id, o.runs, o.sighting
         FROM run_observation r CROSS JOIN observations o ON o.id = r.observation
         WHERE r.run = ?1 ORDER BY r.observation",
    )?;
    let mut rows = query.query(rusqlite::params_from_iter(only))?;
    while let Some(row) = rows.next()? {
        let run = run_id(row, 1)?;
        let text = |column: usize| {
            row.get_ref(column)?
                .as_str_or_null()
                .map_err(rusqlite::Error::from)
        };
        let sent: Option<i64> = row.get(2)?;
        let answer = text(3)?;
        let text = OpenText {
            run,
            intent: text(0)?.unwrap_or_default(),
            fired: sent.map(|sent| (Moment(sent), answer)),
        };
        take(OpenRow::Run(text)).map_err(Unread::Content)?;
        if row.get(4)? {
            each_seen(&mut seen, run, take)?;
        }
    }
    Ok(())
}

fn each_seen(
    query: &mut Statement<'_>,
    run: RunId,
    take: &mut dyn FnMut(OpenRow<'_>) -> Result<(), String>,
) -> Result<(), Unread> {
    let mut rows = query.query([&run.0.as_bytes()[..]])?;
    while let Some(row) = rows.next()? {
        take(OpenRow::Seen(observation(row)?)).map_err(Unread::Content)?;
    }
    Ok(())
}

fn read(text: OpenText<'_>) -> Result<OpenRun, String> {
    let run = text.run;
    let intent: Intent =
        serde_json::from_str(text.intent).map_err(|e| format!("the intent of run {run}: {e}"))?;
    let fired = match text.fired {
        None => None,
        Some((sent, answer)) => Some(Fired {
            sent,
            answer: answer
                .map(serde_json::from_str)
                .transpose()
                .map_err(|e| format!("the answer of run {run}: {e}"))?,
        }),
    };
    Ok(OpenRun {
        intent,
        fired,
        observations: Vec::new(),
    })
}
