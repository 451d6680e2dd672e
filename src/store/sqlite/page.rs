//! Ended runs, a page at a time.

use rusqlite::{Connection, Row, ToSql};

use super::read::{Unread, decoded, run_id, side_by_side};
use crate::model::{Class, Ending, Moment, RunId, RunRecord};
use crate::store::filter::PAGE_BYTES;
use crate::store::{Endings, Order, Page, Place, RunFilter};

/// So many endings are read at once where the filter names no fewer.
const ENDINGS: usize = 8_192;
/// A page of endings ends when the records that were read for it reach so many bytes.
const ENDINGS_BYTES: usize = 64 << 20;

/// A statement that grows, and what is bound to it.
struct Statement {
    sql: String,
    values: Vec<Box<dyn ToSql>>,
}

impl Statement {
    /// Binds a value and gives its name in the statement.
    fn bind(&mut self, value: impl ToSql + 'static) -> String {
        self.values.push(Box::new(value));
        format!("?{}", self.values.len())
    }

    /// Only rows whose `column` is one of `wanted`; all where there are none.
    fn among<'a>(&mut self, column: &str, wanted: impl Iterator<Item = &'a str>) {
        let names: Vec<String> = wanted.map(|name| self.bind(name.to_owned())).collect();
        match names.as_slice() {
            [] => {}
            // With one value an index that begins with the column gives the rows in order.
            [one] => self.sql.push_str(&format!(" AND {column} = {one}")),
            several => self
                .sql
                .push_str(&format!(" AND {column} IN ({})", several.join(", "))),
        }
    }
}

pub(super) fn run(on: &Connection, run: RunId) -> Result<Option<RunRecord>, Unread> {
    let mut query = on.prepare_cached("SELECT record FROM records WHERE run = ?1")?;
    let mut rows = query.query([&run.0.as_bytes()[..]])?;
    match rows.next()? {
        Some(row) => Ok(Some(record(row, run)?)),
        None => Ok(None),
    }
}

pub(super) fn page(on: &Connection, filter: &RunFilter) -> Result<Page, Unread> {
    let most = filter.page_runs();
    let statement = select(filter, most);
    let mut query = on.prepare_cached(&statement.sql)?;
    let values: Vec<&dyn ToSql> = statement.values.iter().map(AsRef::as_ref).collect();
    let mut rows = query.query(values.as_slice())?;
    let mut page = Page::default();
    let mut last = None;
    let mut bytes = 0;
    while let Some(row) = rows.next()? {
        if page.runs.len() >= most || bytes >= PAGE_BYTES {
            // One more is there than the page holds.
            page.next = last;
            break;
        }
        let run = run_id(row, 1)?;
        bytes += row.get_ref(0)?.as_str().map_or(0, str::len);
        page.runs.push(record(row, run)?);
        last = Some(Place {
            tick: Moment(row.get(2)?),
            run,
        });
    }
    Ok(page)
}

pub(super) fn endings(on: &Connection, filter: &RunFilter) -> Result<Endings, Unread> {
    let most = filter
        .limit
        .map_or(ENDINGS, |limit| (limit as usize).min(ENDINGS));
    let statement = select(filter, most);
    let mut query = on.prepare_cached(&statement.sql)?;
    let values: Vec<&dyn ToSql> = statement.values.iter().map(AsRef::as_ref).collect();
    let mut rows = query.query(values.as_slice())?;
    let (mut text, mut records) = (String::new(), Vec::new());
    let mut next = None;
    while let Some(row) = rows.next()? {
        let last: Option<&(Place, usize)> = records.last();
        if let Some((place, _)) = last.filter(|_| records.len() >= most || text.len() >= ENDINGS_BYTES) {
            // One more is there than the page holds.
            next = Some(*place);
            break;
        }
        text.push_str(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?);
        let place = Place {
            tick: Moment(row.get(2)?),
            run: run_id(row, 1)?,
        };
        records.push((place, text.len()));
    }
    Ok(Endings {
        endings: side_by_side(&text, &records, |place, text| {
            Ending::read(place.tick, text)
                .map_err(|e| Unread::Content(format!("the record of run {}: {e}", place.run)))
        })?,
        next,
    })
}

fn select(filter: &RunFilter, most: usize) -> Statement {
    let mut select = Statement {
        sql: String::from("SELECT record, run, tick FROM records WHERE true"),
        values: Vec::new(),
    };
    for (column, bound) in [("tick >=", filter.since), ("tick <", filter.until)] {
        if let Some(Moment(at)) = bound {
            let at = select.bind(at);
            select.sql.push_str(&format!(" AND {column} {at}"));
        }
    }
    select.among("probe", filter.probes.iter().map(String::as_str));
    select.among("route", filter.routes.iter().map(String::as_str));
    select.among("input", filter.inputs.iter().map(String::as_str));
    select.among("class", filter.classes.iter().map(|class| class.word()));
    if !filter.classes.is_empty() && !filter.classes.contains(&Class::Delivered) {
        // The words of the index over the few that did not end well.
        select.sql.push_str(" AND class <> 'delivered'");
    }
    for (name, value) in &filter.labels {
        let (name, value) = (select.bind(name.clone()), select.bind(value.clone()));
        select.sql.push_str(&format!(
            " AND EXISTS (SELECT 1 FROM json_each(record, '$.labels') AS label WHERE label.key = {name} AND label.value = {value})"
        ));
    }
    let (follows, order) = match filter.order {
        Order::Newest => ("<", "DESC"),
        Order::Oldest => (">", "ASC"),
    };
    if let Some(after) = filter.after {
        let tick = select.bind(after.tick.0);
        let run = select.bind(after.run.0.as_bytes().to_vec());
        select
            .sql
            .push_str(&format!(" AND (tick, run) {follows} ({tick}, {run})"));
    }
    let limit = select.bind(i64::try_from(most).unwrap_or(i64::MAX).saturating_add(1));
    select
        .sql
        .push_str(&format!(" ORDER BY tick {order}, run {order} LIMIT {limit}"));
    select
}

fn record(row: &Row<'_>, run: RunId) -> Result<RunRecord, Unread> {
    decoded(row, 0, &format!("the record of run {run}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How SQLite would find the rows.
    fn plan(on: &Connection, filter: &RunFilter) -> String {
        let statement = select(filter, 1);
        let mut query = on
            .prepare(&format!("EXPLAIN QUERY PLAN {}", statement.sql))
            .unwrap();
        let values: Vec<&dyn ToSql> = statement.values.iter().map(AsRef::as_ref).collect();
        let rows = query
            .query_map(values.as_slice(), |row| row.get::<_, String>(3))
            .unwrap();
        rows.map(Result::unwrap).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn the_runs_around_another_are_found_by_an_index_and_in_order() {
        let on = Connection::open_in_memory().unwrap();
        for step in super::super::schema::MIGRATIONS {
            on.execute_batch(step).unwrap();
        }
        let route = RunFilter {
            probes: vec![String::from("orders")],
            routes: vec![String::from("a")],
            inputs: vec![String::from("default")],
            until: Some(Moment(5)),
            ..RunFilter::default()
        };
        let good = RunFilter {
            classes: vec![Class::Delivered],
            order: Order::Oldest,
            ..route.clone()
        };
        let tick = RunFilter {
            routes: Vec::new(),
            since: Some(Moment(4)),
            ..route.clone()
        };
        for (filter, index) in [
            (route, "records_by_route (probe=? AND route=? AND tick<?)"),
            (good, "records_by_route (probe=? AND route=? AND tick<?)"),
            (tick, "records_by_probe (probe=? AND tick>? AND tick<?)"),
        ] {
            let plan = plan(&on, &filter);
            assert!(plan.contains(index) && !plan.contains("TEMP B-TREE"), "{plan}");
        }
    }
}
