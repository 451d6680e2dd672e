//! The daemon's own small state, in SQL: what it keeps, marks, spans of skipped ticks, the heartbeat, the size.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use rusqlite::{Connection, OptionalExtension, params};
use serde_json::Value;

use super::op::json;
use super::read::{Unread, decoded};
use crate::model::{Fault, Mark, Moment, SkipSpan};
use crate::store::{Keep, StoreSize};

/// A write of it.
#[derive(Debug)]
pub(super) enum Small {
    Keep(Vec<KeepRow>),
    Mark(MarkRow),
    SkipSpans(Vec<SpanRow>),
    Alive(Moment),
}

#[derive(Debug)]
pub(super) struct KeepRow {
    space: String,
    key: String,
    value: Option<String>,
}

#[derive(Debug)]
pub(super) struct MarkRow {
    id: [u8; 16],
    at: Moment,
    json: String,
}

#[derive(Debug)]
pub(super) struct SpanRow {
    span: SkipSpan,
    json: String,
}

impl Small {
    pub(super) fn keep(entries: Vec<Keep>) -> Result<Self, Fault> {
        let rows = entries.into_iter().map(|entry| {
            let value = entry.encode()?;
            Ok(KeepRow {
                space: entry.space,
                key: entry.key,
                value,
            })
        });
        rows.collect::<Result<_, Fault>>().map(Self::Keep)
    }

    pub(super) fn mark(mark: &Mark) -> Result<Self, Fault> {
        mark.check()?;
        Ok(Self::Mark(MarkRow {
            id: *mark.id.0.as_bytes(),
            at: mark.at,
            json: json("a mark", mark)?,
        }))
    }

    pub(super) fn skip_spans(spans: Vec<SkipSpan>) -> Result<Self, Fault> {
        let rows = spans.into_iter().map(|span| {
            let json = json("a span of skips", &span)?;
            Ok(SpanRow { span, json })
        });
        rows.collect::<Result<_, Fault>>().map(Self::SkipSpans)
    }

    /// Bytes held while it is queued.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Keep(rows) => rows
                .iter()
                .map(|row| {
                    size_of::<KeepRow>()
                        + row.space.len()
                        + row.key.len()
                        + row.value.as_ref().map_or(0, String::len)
                })
                .sum(),
            Self::Mark(row) => row.json.len(),
            Self::SkipSpans(rows) => rows
                .iter()
                .map(|row| size_of::<SpanRow>() + 2 * row.json.len())
                .sum(),
            Self::Alive(_) => 0,
        }
    }
}

/// Writes it, inside the transaction that the writer has begun.
pub(super) fn apply(on: &Connection, small: &Small) -> rusqlite::Result<()> {
    match small {
        Small::Keep(rows) => rows.iter().try_for_each(|row| keep(on, row)),
        Small::Mark(row) => mark(on, row),
        Small::SkipSpans(rows) => rows.iter().try_for_each(|row| skip_span(on, row)),
        Small::Alive(at) => on
            .prepare_cached(
                "INSERT INTO meta (key, value) VALUES ('alive', ?1)
                 ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            )?
            .execute([at.0])
            .map(drop),
    }
}

fn keep(on: &Connection, row: &KeepRow) -> rusqlite::Result<()> {
    match &row.value {
        Some(value) => on
            .prepare_cached(
                "INSERT INTO kept (space, key, value) VALUES (?1, ?2, ?3)
                 ON CONFLICT (space, key) DO UPDATE SET value = excluded.value",
            )?
            .execute(params![row.space, row.key, value]),
        None => on
            .prepare_cached("DELETE FROM kept WHERE space = ?1 AND key = ?2")?
            .execute(params![row.space, row.key]),
    }
    .map(drop)
}

fn mark(on: &Connection, row: &MarkRow) -> rusqlite::Result<()> {
    on.prepare_cached(
        "INSERT INTO marks (id, at, mark) VALUES (?1, ?2, ?3)
         ON CONFLICT (id) DO UPDATE SET at = excluded.at, mark = excluded.mark",
    )?
    .execute(params![row.id, row.at.0, row.json])
    .map(drop)
}

fn skip_span(on: &Connection, row: &SpanRow) -> rusqlite::Result<()> {
    let SpanRow { span, json } = row;
    on.prepare_cached(
        "INSERT INTO skip_spans (first, probe, input, route, reason, last, span) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (first, probe, input, route, reason) DO UPDATE SET last = excluded.last, span = excluded.span",
    )?
    .execute(params![
        span.first.0,
        span.probe,
        span.input,
        span.route,
        span.reason.word(),
        span.last.0,
        json
    ])
    .map(drop)
}

pub(super) fn kept(on: &Connection, space: &str) -> Result<Vec<(String, Value)>, Unread> {
    let mut query = on.prepare_cached("SELECT value, key FROM kept WHERE space = ?1 ORDER BY key")?;
    let mut rows = query.query([space])?;
    let mut kept = Vec::new();
    while let Some(row) = rows.next()? {
        let key: String = row.get(1)?;
        let value = decoded(row, 0, &format!("the value `{key}` in `{space}`"))?;
        kept.push((key, value));
    }
    Ok(kept)
}

pub(super) fn marks(
    on: &Connection,
    since: Option<Moment>,
    until: Option<Moment>,
) -> Result<Vec<Mark>, Unread> {
    let mut query = on.prepare_cached("SELECT mark, at FROM marks WHERE at < ?1 ORDER BY at, id")?;
    let mut rows = query.query([until.map_or(i64::MAX, |until| until.0)])?;
    let mut marks = Vec::new();
    while let Some(row) = rows.next()? {
        let mark: Mark = decoded(row, 0, &format!("the mark at {}", Moment(row.get(1)?)))?;
        if mark.touches(since, until) {
            marks.push(mark);
        }
    }
    Ok(marks)
}

pub(super) fn skip_spans(on: &Connection, since: Option<Moment>) -> Result<Vec<SkipSpan>, Unread> {
    let mut query = on.prepare_cached(
        "SELECT span, first FROM skip_spans WHERE last >= ?1 ORDER BY first, probe, input, route, reason",
    )?;
    let mut rows = query.query([since.map_or(i64::MIN, |since| since.0)])?;
    let mut spans = Vec::new();
    while let Some(row) = rows.next()? {
        let first = Moment(row.get(1)?);
        spans.push(decoded(row, 0, &format!("the span of skips from {first}"))?);
    }
    Ok(spans)
}

pub(super) fn last_alive(on: &Connection) -> Result<Option<Moment>, Unread> {
    let mut query = on.prepare_cached("SELECT value FROM meta WHERE key = 'alive'")?;
    Ok(query.query_row([], |row| row.get(0)).optional()?.map(Moment))
}

/// Every part is the end of an index.
pub(super) fn newest(on: &Connection) -> Result<Option<Moment>, Unread> {
    let ticks: Option<i64> = on.query_row(
        "SELECT max(at) FROM (SELECT max(tick) AS at FROM claims UNION ALL SELECT max(tick) FROM records
         UNION ALL SELECT max(tick) FROM skips UNION ALL SELECT max(last) FROM skip_spans)",
        [],
        |row| row.get(0),
    )?;
    Ok(last_alive(on)?.max(ticks.map(Moment)))
}

/// The rows that were counted last, and how many pages the file had.
#[derive(Debug, Default)]
pub(super) struct Counted(Mutex<Option<(u64, StoreSize)>>);

/// Up to so many pages (40 MB) rows are counted each time.
const COUNT_PAGES: u64 = 10_000;

/// Bytes are those of now. To count rows the file is read, so that in a large one they are counted again only once it
/// has changed its size by a hundredth.
pub(super) fn size(on: &Connection, file: &Path, counted: &Counted) -> Result<StoreSize, Unread> {
    let number = |sql: &str| number(on, sql);
    let mut log = file.as_os_str().to_owned();
    log.push("-wal");
    let log_bytes = std::fs::metadata(Path::new(&log)).map_or(0, |about| about.len());
    let (page, pages, free) = (
        number("PRAGMA page_size")?,
        number("PRAGMA page_count")?,
        number("PRAGMA freelist_count")?,
    );
    let used = pages.saturating_sub(free);
    let mut last = counted.0.lock().unwrap_or_else(PoisonError::into_inner);
    let near = |then: u64| used > COUNT_PAGES && used.abs_diff(then) < used / 100;
    let rows = match *last {
        Some((then, rows)) if near(then) => rows,
        _ => last.insert((used, rows(on)?)).1,
    };
    Ok(StoreSize {
        bytes: page * pages + log_bytes,
        log_bytes,
        free_bytes: page * free,
        ..rows
    })
}

fn rows(on: &Connection) -> Result<StoreSize, Unread> {
    let oldest: Option<i64> = on.query_row("SELECT min(tick) FROM records", [], |row| row.get(0))?;
    let count = |table: &str| number(on, &format!("SELECT count(*) FROM {table}"));
    Ok(StoreSize {
        runs: count("records")?,
        open_runs: count("intents")?,
        observations: count("observations")?,
        skips: count("skips")?,
        skip_spans: count("skip_spans")?,
        marks: count("marks")?,
        oldest: oldest.map(Moment),
        ..StoreSize::default()
    })
}

fn number(on: &Connection, sql: &str) -> rusqlite::Result<u64> {
    on.prepare_cached(sql)?
        .query_row([], |row| row.get::<_, i64>(0))
        .map(i64::unsigned_abs)
}
