//! Ended runs, a page at a time.

use std::collections::BTreeMap;

use rusqlite::{Connection, Row};
use serde::Deserialize;

use super::read::{Unread, decoded, run_id, side_by_side};
use super::select::{self, Selected, select};
use crate::model::{Ending, Moment, RunId, RunRecord};
use crate::store::filter::PAGE_BYTES;
use crate::store::{Endings, PAGE_RUNS, Page, Place, RunFilter};

/// So many endings are read at once where the filter names no fewer.
const ENDINGS: usize = 8_192;
/// A page of endings ends when the records that were read for it reach so many bytes.
const ENDINGS_BYTES: usize = 64 << 20;

/// What of a filter no index leads to: it is looked for among the rows.
struct Sieve<'a> {
    labels: &'a [(String, String)],
    routes: &'a [String],
    inputs: &'a [String],
}

/// The labels of a record, read without the rest.
#[derive(Deserialize)]
struct Labels {
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

impl<'a> Sieve<'a> {
    fn of(filter: &'a RunFilter) -> Self {
        let named = !filter.probes.is_empty();
        Self {
            labels: &filter.labels,
            routes: if named { &[] } else { &filter.routes },
            inputs: if named { &[] } else { &filter.inputs },
        }
    }

    /// Whether a row of [`select()`] is one of those.
    fn admits(&self, row: &Row<'_>, run: RunId) -> Result<bool, Unread> {
        for (wanted, column) in [(self.routes, 3), (self.inputs, 4)] {
            if !wanted.is_empty() {
                let name = row.get_ref(column)?.as_str().map_err(rusqlite::Error::from)?;
                if !wanted.iter().any(|wanted| wanted == name) {
                    return Ok(false);
                }
            }
        }
        if self.labels.is_empty() {
            return Ok(true);
        }
        let Labels { labels } = decoded(row, 0, &format!("the labels of run {run}"))?;
        let has = |(name, value): &(String, String)| labels.get(name) == Some(value);
        Ok(self.labels.iter().all(has))
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
    let Selected {
        statement,
        rows: through,
    } = select(filter, most);
    let sieve = Sieve::of(filter);
    let mut query = on.prepare_cached(&statement.sql)?;
    let mut rows = query.query(statement.bound().as_slice())?;
    let mut page = Page::default();
    let mut last = None;
    let (mut bytes, mut looked) = (0, 0);
    while let Some(row) = rows.next()? {
        if page.runs.len() >= most || bytes >= PAGE_BYTES || looked >= through {
            // One more is there than the page holds.
            page.next = last;
            break;
        }
        looked += 1;
        let run = run_id(row, 1)?;
        last = Some(Place {
            tick: Moment(row.get(2)?),
            run,
        });
        if sieve.admits(row, run)? {
            bytes += row.get_ref(0)?.as_str().map_or(0, str::len);
            page.runs.push(record(row, run)?);
        }
    }
    Ok(page)
}

pub(super) fn endings(on: &Connection, filter: &RunFilter) -> Result<Endings, Unread> {
    let most = filter
        .limit
        .map_or(ENDINGS, |limit| (limit as usize).min(ENDINGS));
    let Selected {
        statement,
        rows: through,
    } = select(filter, most);
    let sieve = Sieve::of(filter);
    let mut query = on.prepare_cached(&statement.sql)?;
    let mut rows = query.query(statement.bound().as_slice())?;
    let (mut text, mut records) = (String::new(), Vec::new());
    let (mut last, mut next, mut looked) = (None, None, 0);
    while let Some(row) = rows.next()? {
        if records.len() >= most || text.len() >= ENDINGS_BYTES || looked >= through {
            // One more is there than the page holds.
            next = last;
            break;
        }
        looked += 1;
        let place = Place {
            tick: Moment(row.get(2)?),
            run: run_id(row, 1)?,
        };
        last = Some(place);
        if sieve.admits(row, place.run)? {
            text.push_str(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?);
            records.push((place, text.len()));
        }
    }
    Ok(Endings {
        endings: side_by_side(&text, &records, |place, text| {
            Ending::read(place.tick, text)
                .map_err(|e| Unread::Content(format!("the record of run {}: {e}", place.run)))
        })?,
        next,
    })
}

/// How many runs it lets through, no further than `most`.
pub(super) fn count(on: &Connection, filter: &RunFilter, most: u64) -> Result<u64, Unread> {
    if filter.looks_through() {
        return count_through(on, filter, most);
    }
    let filter = RunFilter {
        after: None,
        ..filter.clone()
    };
    let statement = select::count(&filter, most);
    let mut query = on.prepare_cached(&statement.sql)?;
    let count: i64 = query.query_row(statement.bound().as_slice(), |row| row.get(0))?;
    Ok(count.unsigned_abs())
}

/// The same where the rows have to be looked at.
fn count_through(on: &Connection, filter: &RunFilter, most: u64) -> Result<u64, Unread> {
    let mut rest = RunFilter {
        after: None,
        limit: Some(PAGE_RUNS),
        ..filter.clone()
    };
    let mut count = 0;
    while count < most {
        let endings = endings(on, &rest)?;
        count += endings.endings.len() as u64;
        rest.after = endings.next;
        if rest.after.is_none() {
            break;
        }
    }
    Ok(count.min(most))
}

fn record(row: &Row<'_>, run: RunId) -> Result<RunRecord, Unread> {
    decoded(row, 0, &format!("the record of run {run}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Class;
    use crate::store::{LOOKED_THROUGH, Order};

    /// How SQLite would find the rows.
    fn plan(on: &Connection, filter: &RunFilter) -> String {
        let Selected { statement, .. } = select(filter, 1);
        let mut query = on
            .prepare(&format!("EXPLAIN QUERY PLAN {}", statement.sql))
            .unwrap();
        let rows = query
            .query_map(statement.bound().as_slice(), |row| row.get::<_, String>(3))
            .unwrap();
        rows.map(Result::unwrap).collect::<Vec<_>>().join("; ")
    }

    fn store() -> Connection {
        let on = Connection::open_in_memory().unwrap();
        for step in super::super::schema::MIGRATIONS {
            on.execute_batch(step).unwrap();
        }
        on
    }

    /// Puts a run on record of which only the labels can be read.
    fn put(on: &Connection, n: u32, probe: &str, route: &str) {
        let run = u128::from(n).to_be_bytes();
        let values = rusqlite::params![&run[..], n, probe, route];
        on.prepare_cached(
            "INSERT INTO records (run, tick, probe, route, input, class, revision, record)
             VALUES (?1, ?2, ?3, ?4, 'default', 'lost', 'r', '{\"labels\":{\"team\":\"pay\"}}')",
        )
        .unwrap()
        .execute(values)
        .unwrap();
    }

    #[test]
    fn the_runs_around_another_are_found_by_an_index_and_in_order() {
        let on = store();
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
        let bad = RunFilter {
            classes: vec![Class::Duplicate],
            inputs: Vec::new(),
            ..tick.clone()
        };
        for (filter, index) in [
            (bad, "records_not_delivered (tick>? AND tick<?)"),
            (route, "records_by_route (probe=? AND route=? AND tick<?)"),
            (good, "records_by_route (probe=? AND route=? AND tick<?)"),
            (tick, "records_by_probe (probe=? AND tick>? AND tick<?)"),
        ] {
            let plan = plan(&on, &filter);
            assert!(plan.contains(index) && !plan.contains("TEMP B-TREE"), "{plan}");
        }
    }

    #[test]
    fn of_several_probes_and_routes_each_is_found_by_an_index() {
        let on = store();
        let mut filter = RunFilter {
            probes: vec![String::from("a"), String::from("b")],
            until: Some(Moment(5)),
            ..RunFilter::default()
        };
        let found = plan(&on, &filter);
        let index = "records_by_probe (probe=? AND tick<?)";
        assert_eq!(found.matches(index).count(), 2, "{found}");
        filter.routes = vec![String::from("x"), String::from("y")];
        let found = plan(&on, &filter);
        let index = "records_by_route (probe=? AND route=? AND tick<?)";
        assert_eq!(found.matches(index).count(), 4, "{found}");
        assert!(
            found.contains("SEARCH records USING INTEGER PRIMARY KEY"),
            "{found}"
        );
    }

    #[test]
    fn what_no_index_leads_to_is_looked_for_among_so_many_and_the_next_page_goes_on() {
        let on = store();
        let more = LOOKED_THROUGH + 5;
        for n in 0..more {
            put(&on, n, "orders", "a");
        }
        let label = |team: &str| RunFilter {
            labels: vec![(String::from("team"), team.to_owned())],
            ..RunFilter::default()
        };
        let route = RunFilter {
            routes: vec![String::from("b")],
            ..RunFilter::default()
        };
        for filter in [label("ops"), route] {
            let mut rest = filter;
            let first = page(&on, &rest).unwrap();
            assert!(first.runs.is_empty());
            assert_eq!(first.next.map(|place| place.tick), Some(Moment(5)));
            rest.after = first.next;
            assert_eq!(page(&on, &rest).unwrap(), Page::default());
            let first = endings(&on, &rest).unwrap();
            assert!(first.endings.is_empty() && first.next.is_none());
            assert_eq!(count(&on, &rest, u64::MAX).unwrap(), 0);
        }
        // What fits is read, and these records are none.
        assert!(page(&on, &label("pay")).is_err());
        let probe = RunFilter {
            probes: vec![String::from("orders")],
            ..RunFilter::default()
        };
        assert_eq!(count(&on, &probe, u64::MAX).unwrap(), u64::from(more));
        assert_eq!(count(&on, &probe, 7).unwrap(), 7);
    }
}
