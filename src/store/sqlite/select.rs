//! Which rows of ended runs a filter means, as SQL that follows an index.

use rusqlite::ToSql;

use crate::model::{Class, Moment};
use crate::store::{LOOKED_THROUGH, Order, PAGE_RUNS, RunFilter};

/// Several probes, or routes of them, are read side by side where they are no more than this.
const LANES: usize = 64;
/// So many are looked through of each where they are sorted with each other.
const LOOKED_THROUGH_SEVERAL: usize = 1_000;

/// A statement that grows, and what is bound to it.
pub(super) struct Statement {
    pub(super) sql: String,
    pub(super) values: Vec<Box<dyn ToSql>>,
}

/// What is selected, and how many rows of it are looked at for a page.
pub(super) struct Selected {
    pub(super) statement: Statement,
    /// One more row than this is given where there are more.
    pub(super) rows: usize,
}

/// A probe, and one of its routes.
type Lane<'a> = (&'a str, Option<&'a str>);

impl Statement {
    fn new() -> Self {
        Self {
            sql: String::new(),
            values: Vec::new(),
        }
    }

    /// What is bound, as SQLite takes it.
    pub(super) fn bound(&self) -> Vec<&dyn ToSql> {
        self.values.iter().map(AsRef::as_ref).collect()
    }

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

    /// `columns` of the first rows of a filter, in its order. What no index leads to is not asked for.
    fn rows(&mut self, columns: &str, filter: &RunFilter, lane: Option<Lane<'_>>, most: usize) {
        self.sql
            .push_str(&format!("SELECT {columns} FROM records WHERE true"));
        for (column, bound) in [("tick >=", filter.since), ("tick <", filter.until)] {
            if let Some(Moment(at)) = bound {
                let at = self.bind(at);
                self.sql.push_str(&format!(" AND {column} {at}"));
            }
        }
        // Of a probe and a class that is not delivered the index over the few of these is the shorter way: the other one
        // would be gone through to its end where the class is rare.
        let bad = !filter.classes.is_empty() && !filter.classes.contains(&Class::Delivered);
        match lane {
            Some((probe, None)) if bad => self.among("+probe", std::iter::once(probe)),
            Some((probe, route)) => {
                self.among("probe", std::iter::once(probe));
                self.among("route", route.into_iter());
            }
            None => self.among("probe", filter.probes.iter().map(String::as_str)),
        }
        if !filter.probes.is_empty() {
            if lane.is_none() {
                self.among("route", filter.routes.iter().map(String::as_str));
            }
            self.among("input", filter.inputs.iter().map(String::as_str));
        }
        self.among("class", filter.classes.iter().map(|class| class.word()));
        if bad {
            // The words of the index over the few that did not end well.
            self.sql.push_str(" AND class <> 'delivered'");
        }
        let follows = match filter.order {
            Order::Newest => "<",
            Order::Oldest => ">",
        };
        if let Some(after) = filter.after {
            let tick = self.bind(after.tick.0);
            let run = self.bind(after.run.0.as_bytes().to_vec());
            self.sql
                .push_str(&format!(" AND (tick, run) {follows} ({tick}, {run})"));
        }
        let limit = self.bind(i64::try_from(most).unwrap_or(i64::MAX));
        self.sql
            .push_str(&format!(" ORDER BY {} LIMIT {limit}", order(filter)));
    }
}

/// The rows of a page of `most` runs: record, run, tick, route and input.
pub(super) fn select(filter: &RunFilter, most: usize) -> Selected {
    let lanes = lanes(filter, most);
    let looked = |through: usize| match filter.looks_through() {
        true => through.max(most),
        false => most,
    };
    let mut statement = Statement::new();
    if lanes.len() < 2 {
        let rows = looked(LOOKED_THROUGH as usize);
        let lane = lanes.first().copied();
        statement.rows(
            "record, run, tick, route, input",
            filter,
            lane,
            rows.saturating_add(1),
        );
        return Selected { statement, rows };
    }
    // An index gives the rows of each in order, and none of them all: the first of each are found by it, and of these
    // the first of all.
    let rows = looked(LOOKED_THROUGH_SEVERAL);
    let order = order(filter);
    statement.sql.push_str(
        "SELECT record, records.run, records.tick, route, input FROM (SELECT seq, tick, run FROM (",
    );
    for (n, lane) in lanes.into_iter().enumerate() {
        let between = if n == 0 {
            "SELECT * FROM ("
        } else {
            " UNION ALL SELECT * FROM ("
        };
        statement.sql.push_str(between);
        statement.rows("seq, tick, run", filter, Some(lane), rows.saturating_add(1));
        statement.sql.push(')');
    }
    let limit = statement.bind(i64::try_from(rows.saturating_add(1)).unwrap_or(i64::MAX));
    statement.sql.push_str(&format!(
        ") ORDER BY {order} LIMIT {limit}) AS chosen CROSS JOIN records ON records.seq = chosen.seq ORDER BY chosen.{}",
        order.replace(", ", ", chosen.")
    ));
    Selected { statement, rows }
}

/// How many rows it would be, no more than `most`.
pub(super) fn count(filter: &RunFilter, most: u64) -> Statement {
    let mut statement = Statement::new();
    statement.sql.push_str("SELECT count(*) FROM (");
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let lanes = lanes(filter, 0);
    let lane = lanes.first().copied().filter(|_| lanes.len() == 1);
    statement.rows("1", filter, lane, most);
    statement.sql.push(')');
    statement
}

/// Each probe, with each route where some are asked for. None where that is not what an index is for: no probe is named, or
/// so many are, or pages are so large, that sorting costs less.
fn lanes(filter: &RunFilter, most: usize) -> Vec<Lane<'_>> {
    let lanes = filter.probes.len() * filter.routes.len().max(1);
    if lanes > LANES || most > PAGE_RUNS as usize {
        return Vec::new();
    }
    let mut all = Vec::with_capacity(lanes);
    for probe in &filter.probes {
        if filter.routes.is_empty() {
            all.push((probe.as_str(), None));
        }
        all.extend(
            filter
                .routes
                .iter()
                .map(|route| (probe.as_str(), Some(route.as_str()))),
        );
    }
    all.sort_unstable();
    all.dedup();
    all
}

const fn order(filter: &RunFilter) -> &'static str {
    match filter.order {
        Order::Newest => "tick DESC, run DESC",
        Order::Oldest => "tick ASC, run ASC",
    }
}
