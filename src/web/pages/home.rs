//! All probes by their worst route, and the last runs.

mod asked;
mod tiles;

use std::time::Duration;

use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};

use super::layout::{live, proof, view};
use crate::model::Access;
use crate::report::html::overview::{
    BlindChannel, Overview, ProbeTile, RunRow, content, form, ranges, runs_table,
};
use crate::report::html::words::instant;
use crate::report::html::{View, segment};
use crate::store::RunFilter;
use crate::web::auth::Caller;
use crate::web::daemon::Status;
use crate::web::site::Shared;

/// Runs that are listed below the probes.
const RUNS: u32 = 15;
/// The store has so long to give the last runs; then the page comes without.
const PATIENCE: Duration = Duration::from_millis(200);

/// The page.
pub(super) async fn home(
    State(site): State<Shared>,
    Extension(caller): Extension<Caller>,
    RawQuery(query): RawQuery,
) -> Response {
    let query = query.unwrap_or_default();
    let (status, probes) = tokio::join!(site.daemon.status(), site.daemon.probes());
    let tiles: Vec<ProbeTile> = probes.iter().map(tiles::tile).collect();
    let filter = match asked::read(&query, &tiles, &status.location) {
        Ok(filter) => filter,
        Err(problem) => return problem.page(),
    };
    let (reckoned, runs) = tokio::join!(site.daemon.overview(filter.range), last_runs(&site));
    let view = view(&site);
    let flights = site.daemon.flights();
    let blind: Vec<BlindChannel> = site
        .daemon
        .channels()
        .into_iter()
        .filter(|c| !c.up)
        .map(tiles::blind)
        .collect();
    let overview = Overview {
        filter: &filter,
        probes: &tiles,
        figures: reckoned.figures.as_deref(),
        stale: &reckoned.stale,
        flights: &flights,
        blind: &blind,
        now: site.clock.now(),
    };
    let actions = |probe: &ProbeTile| match caller.access >= Access::Operate {
        true => actions(probe, &caller),
        false => html! {},
    };
    let content = html! {
        div.top { h1 { "Probes" } (ranges(&filter)) }
        @if let Some(said) = super::act::said(&query) { p.notice.good role="status" { (said) } }
        (notices(&view, &status))
        (form(&view, &filter, &tiles))
        (content(&view, &overview, &actions))
        section #last-runs data-live="" {
            h2 { "Last runs " a.faint href="/runs" { "all" } }
            @match runs {
                Some(runs) => (runs_table(&view, &runs, "None has ended yet.")),
                None => p.notice.warn { "The store is busy: the last runs are not shown for now." },
            }
        }
    };
    live("Probes", &caller, "", &content).into_response()
}

/// The latest runs of all probes; `None` where the store does not give them in time.
async fn last_runs(site: &Shared) -> Option<Vec<RunRow>> {
    let filter = RunFilter {
        limit: Some(RUNS),
        ..RunFilter::default()
    };
    tokio::select! {
        page = site.daemon.runs(filter) => Some(page.ok()?.runs.iter().map(RunRow::of).collect()),
        () = site.clock.sleep(PATIENCE) => None,
    }
}

/// What keeps landfall from its work, and definitions that were refused.
fn notices(view: &View, status: &Status) -> Markup {
    let text = |said: &str| view.look.text(said);
    html! {
        div #notices data-live="" {
            @for unready in &status.unready {
                p.notice.bad { b { (text(&unready.part)) } ": " (text(&unready.why)) }
            }
            @if let Some(since) = &status.refused_at {
                div.notice.warn {
                    p { "The definitions on disk have errors since " (instant(since)) "; those loaded " (instant(&status.loaded)) " stay in force." }
                    ul { @for d in &status.refused { li {
                        @if !d.file.is_empty() { code { (text(&d.file)) ":" (d.line) ":" (d.column) } " " }
                        (text(&d.message))
                        @if let Some(help) = &d.help { " (" (text(help)) ")" }
                    } } }
                }
            }
            @if !status.restart.is_empty() {
                p.notice.warn {
                    "Restart landfall to take what is another in landfall.yaml: "
                    @for (n, key) in status.restart.iter().enumerate() { @if n > 0 { ", " } code { (key) } }
                    ". Until then the values before hold."
                }
            }
            p.faint { (text(&status.location)) " · since " (instant(&status.started)) }
        }
    }
}

fn actions(probe: &ProbeTile, caller: &Caller) -> Markup {
    let path = |what: &str| format!("/probes/{}/{what}", segment(&probe.name));
    html! {
        div.actions {
            form.inline method="post" action=(path("fire")) { (proof(caller)) button.quiet { "Fire now" } }
            @if probe.paused.is_some() {
                form.inline method="post" action=(path("resume")) { (proof(caller)) button.quiet { "Resume" } }
            } @else {
                form.inline method="post" action=(path("pause")) { (proof(caller)) button.quiet { "Pause" } }
            }
        }
    }
}
