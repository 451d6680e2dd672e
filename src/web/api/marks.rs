//! Marks on the time line.

use std::collections::BTreeMap;

use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::body::Ask;
use super::params::{NoQuery, Query};
use super::{Problem, json, moment};
use crate::model::{Mark, MarkKind};
use crate::web::auth::Caller;
use crate::web::daemon::NewMark;
use crate::web::site::Shared;

/// Marks of a list where `limit` is left out.
const PAGE: u32 = 50;
/// The most marks of a list.
const MOST: u32 = 500;

/// The latest marks.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct MarkList {
    /// The latest first.
    marks: Vec<Mark>,
}

/// What happened.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MarkAsk {
    /// What happened, at most 2,000 characters.
    #[schemars(length(min = 1, max = 2000), regex(pattern = r"\S"))]
    text: String,
    /// What sort of thing it is.
    #[serde(default)]
    kind: MarkKind,
    /// When it happened or began, RFC 3339. Left out: now.
    #[serde(default)]
    #[schemars(extend("format" = "date-time"))]
    at: Option<String>,
    /// When it ended, RFC 3339. Left out: it is an instant, or has not ended.
    #[serde(default)]
    #[schemars(extend("format" = "date-time"))]
    until: Option<String>,
    /// What it concerns, such as `service: payments`; at most 32.
    #[serde(default)]
    #[schemars(extend("maxProperties" = 32))]
    labels: BTreeMap<String, String>,
}

/// The latest marks.
#[utoipa::path(get, path = "/api/v1/marks", tag = "marks", operation_id = "marks",
    params(("limit" = Option<u32>, Query, description = "At most so many; 50 where it is left out", minimum = 1, maximum = 500)),
    responses((status = 200, description = "The latest first", body = MarkList)))]
pub(super) async fn list(State(site): State<Shared>, mut query: Query) -> Result<Response, Problem> {
    let limit = query.number("limit", PAGE, MOST);
    query.finish(&["limit"])?;
    let marks = site.daemon.marks(limit).await?;
    Ok(json(&site, StatusCode::OK, &MarkList { marks }))
}

/// Note a deployment or an incident on the time line.
#[utoipa::path(post, path = "/api/v1/marks", tag = "marks", operation_id = "mark", request_body = MarkAsk,
    responses((status = 201, description = "The mark, durable", body = Mark)))]
pub(super) async fn add(
    State(site): State<Shared>,
    Extension(caller): Extension<Caller>,
    _: NoQuery,
    Ask(ask): Ask<MarkAsk>,
) -> Result<Response, Problem> {
    let mark = NewMark {
        text: ask.text,
        at: moment("/at", ask.at)?,
        until: moment("/until", ask.until)?,
        kind: ask.kind,
        labels: ask.labels,
        by: caller.name.to_string(),
    };
    let mark = site.daemon.mark(mark).await?;
    Ok(json(&site, StatusCode::CREATED, &mark))
}
