//! Ended runs.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use schemars::JsonSchema;
use serde::Serialize;

use super::params::{NoQuery, Query, Run};
use super::{Problem, json};
use crate::model::RunRecord;
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
        ("label" = Option<Vec<String>>, Query, description = "Only runs with this label, `key=value`; given several times, all must be there"),
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
