//! Ended runs.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use schemars::JsonSchema;
use serde::Serialize;

use super::params::{NoQuery, Query, Run};
use super::{Problem, json};
use crate::model::{RunId, RunRecord};
use crate::report::around::{Neighbours, OpenRun};
use crate::report::twins::Twins;
use crate::report::{TimelineEvent, timeline_events};
use crate::store::{Place, RunFilter};
use crate::web::daemon::{RunPage, RunSummary};
use crate::web::site::Shared;

/// Runs of a page where `limit` is left out.
const PAGE: u32 = 50;
/// The most runs of a page.
const MOST: u32 = 500;

/// One run, whole.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct RunAnswer {
    /// The record.
    run: RunRecord,
    /// What happened, in order.
    timeline: Vec<TimelineEvent>,
    /// The records that amendments replaced, oldest first.
    replaced: Vec<RunRecord>,
}

/// Ended runs, the latest tick first.
#[utoipa::path(get, path = "/api/v1/runs", tag = "runs", operation_id = "runs",
    params(
        ("probe" = Option<Vec<String>>, Query, description = "Only this probe; may be given several times"),
        ("route" = Option<Vec<String>>, Query, description = "Only this route; may be given several times"),
        ("class" = Option<Vec<String>>, Query, description = "Only this class; may be given several times"),
        ("label" = Option<Vec<String>>, Query, description = "Only runs with this label, `key=value`; given several times, all must be there. For one page no more than 5,000 runs are looked through: it may hold fewer runs, and `next` goes on"),
        ("since" = Option<String>, Query, description = "Only runs whose tick is not before this"),
        ("until" = Option<String>, Query, description = "Only runs whose tick is before this"),
        ("cursor" = Option<String>, Query, description = "Where the page before ended: its `next`"),
        ("limit" = Option<u32>, Query, description = "At most so many; 50 where it is left out", minimum = 1, maximum = 500),
    ),
    responses((status = 200, description = "A page of them", body = RunPage)))]
pub(super) async fn list(State(site): State<Shared>, mut query: Query) -> Result<Response, Problem> {
    let mut filter = filter(&mut query);
    filter.since = query.moment("since");
    filter.until = query.moment("until");
    filter.after = query.read_one::<Place>("cursor", "the `next` of the page before");
    filter.limit = Some(query.number("limit", PAGE, MOST));
    query.finish(&[
        "probe", "route", "class", "label", "since", "until", "cursor", "limit",
    ])?;
    let page = site.daemon.runs(filter).await?;
    let page = RunPage {
        runs: page.runs.iter().map(RunSummary::of).collect(),
        next: page.next.map(|next| next.to_string()),
    };
    Ok(json(&site, StatusCode::OK, &page))
}

/// One ended run with its timeline. A run that is still open is not known here.
#[utoipa::path(get, path = "/api/v1/runs/{run}", tag = "runs", operation_id = "run",
    params(("run" = String, Path, description = "Its id")),
    responses((status = 200, description = "All that is on record of it", body = RunAnswer)))]
pub(super) async fn one(State(site): State<Shared>, Run(id): Run, _: NoQuery) -> Result<Response, Problem> {
    let found = site.daemon.run(id).await?;
    let found = found.ok_or_else(|| Problem::unknown("ended run", &id.to_string()))?;
    let answer = RunAnswer {
        timeline: timeline_events(&found.record),
        run: found.record,
        replaced: found.replaced,
    };
    Ok(json(&site, StatusCode::OK, &answer))
}

/// The runs around an ended one: before and after it on its route, and at its tick.
#[utoipa::path(get, path = "/api/v1/runs/{run}/neighbours", tag = "runs", operation_id = "neighbours",
    params(("run" = String, Path, description = "Its id")),
    responses((status = 200, description = "Those that are on record", body = Neighbours)))]
pub(super) async fn neighbours(
    State(site): State<Shared>,
    Run(id): Run,
    _: NoQuery,
) -> Result<Response, Problem> {
    let found = site.daemon.neighbours(id).await?;
    let found = found.ok_or_else(|| Problem::unknown("ended run", &id.to_string()))?;
    Ok(json(&site, StatusCode::OK, &found))
}

/// An ended run beside its twin: that which is named, else the other route at the same tick, else the last good run of its
/// route.
#[utoipa::path(get, path = "/api/v1/runs/{run}/twin", tag = "runs", operation_id = "twin",
    params(
        ("run" = String, Path, description = "Its id"),
        ("twin" = Option<String>, Query, description = "The run that it is held against"),
    ),
    responses((status = 200, description = "Where they first part, then layer by layer, hop by hop, field by field", body = Twins)))]
pub(super) async fn twin(
    State(site): State<Shared>,
    Run(id): Run,
    mut query: Query,
) -> Result<Response, Problem> {
    let named = query
        .read_one::<uuid::Uuid>("twin", "the id of a run, a UUID")
        .map(RunId);
    query.finish(&["twin"])?;
    let found = site.daemon.twins(id, named).await?;
    let found = found.ok_or_else(|| Problem::unknown("twin of run", &id.to_string()))?;
    Ok(json(&site, StatusCode::OK, &found))
}

/// A run that is still in flight: what it waits for, and until when.
#[utoipa::path(get, path = "/api/v1/runs/{run}/open", tag = "runs", operation_id = "openRun",
    params(("run" = String, Path, description = "Its id")),
    responses((status = 200, description = "How far it has come", body = OpenRun)))]
pub(super) async fn open(State(site): State<Shared>, Run(id): Run, _: NoQuery) -> Result<Response, Problem> {
    let found = site.daemon.open_run(id).await?;
    let found = found.ok_or_else(|| Problem::unknown("open run", &id.to_string()))?;
    Ok(json(&site, StatusCode::OK, &found))
}

/// What lists and following have in common.
pub(super) fn filter(query: &mut Query) -> RunFilter {
    RunFilter {
        probes: query.all("probe"),
        routes: query.all("route"),
        classes: query.classes("class"),
        labels: query.labels("label"),
        ..RunFilter::default()
    }
}
