//! Which part of history a command is about.

use std::path::PathBuf;
use std::sync::Arc;

use super::pages::Pages;
use super::{When, blocking, failed, place};
use crate::cli::{Exit, args, output};
use crate::clock::{Clock as _, SystemClock};
use crate::model::{Ending, Mark, Moment, RunRecord, SkipRecord, SkipSpan};
use crate::store::{self, Location, Options, Order, RunFilter, Store};

/// What commands over stored history have in common, where the probe is their argument.
#[derive(Clone, Debug, Default, clap::Args)]
pub(in crate::cli) struct Scope {
    /// Only runs whose tick is not before this: 2h (ago), 2026-11-22, 2026-11-22T10:00:00Z
    #[arg(long, value_name = "TIME", value_parser = When::parse)]
    pub(in crate::cli) since: Option<When>,
    /// Only runs whose tick is before this
    #[arg(long, value_name = "TIME", value_parser = When::parse)]
    pub(in crate::cli) until: Option<When>,
    /// Only these routes
    #[arg(long, value_name = "ROUTE")]
    pub(in crate::cli) route: Vec<String>,
    /// Only these inputs
    #[arg(long, value_name = "INPUT")]
    pub(in crate::cli) input: Vec<String>,
    /// Only runs with all of these labels
    #[arg(long, value_name = "KEY=VALUE", value_parser = args::pair)]
    pub(in crate::cli) label: Vec<(String, String)>,
    /// `sqlite:PATH`, instead of the workspace's store; several are read as one
    #[arg(long, value_name = "STORE")]
    pub(in crate::cli) store: Vec<String>,
}

/// The same, where probes are a filter too.
#[derive(Clone, Debug, Default, clap::Args)]
pub(in crate::cli) struct Filters {
    /// Only these probes
    #[arg(long, value_name = "PROBE")]
    pub(in crate::cli) probe: Vec<String>,
    #[command(flatten)]
    pub(in crate::cli) scope: Scope,
}

/// Stored history within its filters, open to be read beside whoever writes it.
pub(in crate::cli) struct History {
    stores: Vec<Arc<dyn Store>>,
    filter: RunFilter,
    now: Moment,
}

impl History {
    /// Opens the stores that `--store` or the workspace names. What cannot be done has been said.
    pub(in crate::cli) async fn open(
        dir: Option<PathBuf>,
        filters: &Filters,
        command: &str,
    ) -> Result<Self, Exit> {
        let scope = &filters.scope;
        let places = places(dir, &scope.store)?;
        let now = SystemClock::start().now();
        let (since, until) = (
            scope.since.map(|when| when.moment(now)),
            scope.until.map(|when| when.moment(now)),
        );
        if let (Some(since), Some(until)) = (since, until)
            && since >= until
        {
            output::error(&format!(
                "nothing lies between `--since` {since} and `--until` {until}: the first has to be the earlier"
            ));
            return Err(Exit::Usage);
        }
        let options = Options::new(now, command);
        let open = move |place: &Location| store::open_beside(place, &options);
        let stores = blocking(move || places.iter().map(open).collect::<Result<_, _>>()).await?;
        Ok(Self {
            stores,
            filter: RunFilter {
                probes: filters.probe.clone(),
                routes: scope.route.clone(),
                inputs: scope.input.clone(),
                labels: scope.label.clone(),
                since,
                until,
                order: Order::Oldest,
                ..RunFilter::default()
            },
            now,
        })
    }

    /// What lets the asked for runs through, the earliest first.
    pub(in crate::cli) fn filter(&self) -> RunFilter {
        self.filter.clone()
    }

    /// The runs that `filter` lets through, some at a time in its order. A run that several stores hold comes once.
    pub(in crate::cli) fn pages(&self, filter: RunFilter) -> Pages<RunRecord> {
        Pages::new(self.stores.clone(), filter)
    }

    /// How these runs ended: all that figures need, and many times faster.
    pub(in crate::cli) fn endings(&self, filter: RunFilter) -> Pages<Ending> {
        Pages::new(self.stores.clone(), filter)
    }

    /// Lets go of the files.
    pub(in crate::cli) async fn close(self) -> Result<(), Exit> {
        for store in &self.stores {
            store.shutdown().await.map_err(|fault| failed(&fault))?;
        }
        Ok(())
    }
}

#[expect(dead_code, reason = "commands over history that are being built call these")]
impl History {
    /// The moment by which times such as `2h` were understood.
    pub(in crate::cli) const fn now(&self) -> Moment {
        self.now
    }

    /// The stores, in the order in which they were named.
    pub(in crate::cli) fn stores(&self) -> &[Arc<dyn Store>] {
        &self.stores
    }

    /// All the asked for runs at once, the earliest first: for a few thousand. Else read [`History::pages`].
    pub(in crate::cli) async fn runs(&self) -> Result<Vec<RunRecord>, Exit> {
        let mut pages = self.pages(self.filter());
        let mut runs = Vec::new();
        loop {
            let page = pages.next().await?;
            if page.is_empty() {
                return Ok(runs);
            }
            runs.extend(page);
        }
    }

    /// Skipped ticks, as far as skips bear what is filtered by: they have no labels.
    pub(in crate::cli) async fn skips(&self) -> Result<Vec<SkipRecord>, Exit> {
        let mut all = Vec::new();
        for store in &self.stores {
            let skips = store
                .skips(self.filter.since)
                .await
                .map_err(|fault| failed(&fault))?;
            all.extend(skips.into_iter().filter(|skip| {
                let before = |until| Moment::from_rfc3339(&skip.tick).is_none_or(|tick| tick < until);
                self.filter.until.is_none_or(before) && self.names(&skip.probe, &skip.route, &skip.input)
            }));
        }
        Ok(all)
    }

    /// Spans of skips of which any tick lies in the window, whole.
    pub(in crate::cli) async fn skip_spans(&self) -> Result<Vec<SkipSpan>, Exit> {
        let mut all = Vec::new();
        for store in &self.stores {
            let spans = store
                .skip_spans(self.filter.since)
                .await
                .map_err(|fault| failed(&fault))?;
            all.extend(spans.into_iter().filter(|span| {
                self.filter.until.is_none_or(|until| span.first < until)
                    && self.names(&span.probe, &span.route, &span.input)
            }));
        }
        Ok(all)
    }

    /// What people noted in the window, by its time.
    pub(in crate::cli) async fn marks(&self) -> Result<Vec<Mark>, Exit> {
        let mut all: Vec<Mark> = Vec::new();
        for store in &self.stores {
            let marks = store.marks(self.filter.since, self.filter.until).await;
            for mark in marks.map_err(|fault| failed(&fault))? {
                if all.iter().all(|known| known.id != mark.id) {
                    all.push(mark);
                }
            }
        }
        all.sort_by_key(|mark| (mark.at, mark.id));
        Ok(all)
    }

    fn names(&self, probe: &str, route: &str, input: &str) -> bool {
        let among = |wanted: &[String], name: &str| wanted.is_empty() || wanted.iter().any(|w| w == name);
        among(&self.filter.probes, probe)
            && among(&self.filter.routes, route)
            && among(&self.filter.inputs, input)
    }
}

impl Filters {
    /// The filters of a command whose argument names the probes.
    pub(in crate::cli) fn of(probe: Vec<String>, scope: Scope) -> Self {
        Self { probe, scope }
    }
}

/// The stores that are named, each once.
fn places(dir: Option<PathBuf>, asked: &[String]) -> Result<Vec<Location>, Exit> {
    if asked.is_empty() {
        return place(dir, None).map(|place| vec![place]);
    }
    let mut places: Vec<Location> = Vec::new();
    for text in asked {
        let found = place(dir.clone(), Some(text))?;
        if places.iter().any(|known| same(known, &found)) {
            output::error(&format!(
                "`--store` names `{text}` twice: its runs would count twice"
            ));
            return Err(Exit::Usage);
        }
        places.push(found);
    }
    Ok(places)
}

/// Whether both are one file, however it is written.
fn same(one: &Location, other: &Location) -> bool {
    match (one, other) {
        (Location::Sqlite(a), Location::Sqlite(b)) => {
            let real = |path: &PathBuf| std::fs::canonicalize(path).unwrap_or_else(|_| path.clone());
            real(a) == real(b)
        }
        _ => one == other,
    }
}
