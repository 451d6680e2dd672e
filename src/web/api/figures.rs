//! Figures of a probe.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::params::{Name, Query};
use super::{Problem, json};
use crate::report::series::History;
use crate::web::site::Shared;

/// Figures of a probe over its runs, as `landfall report --format json` tells them. They are made when they are asked for,
/// for one caller at a time, from at most 500,000 runs. What separates bad runs from good is not among them: `causes` tells.
#[utoipa::path(get, path = "/api/v1/probes/{probe}/figures", tag = "probes", operation_id = "figures",
    params(
        ("probe" = String, Path, description = "Its name"),
        ("since" = Option<String>, Query, description = "Only runs whose tick is not before this; the last seven days where it is left out"),
    ),
    responses((status = 200, description = "The figures", body = History)))]
pub(super) async fn figures(
    State(site): State<Shared>,
    Name(probe): Name,
    mut query: Query,
) -> Result<Response, Problem> {
    let since = query.moment("since");
    query.finish(&["since"])?;
    let figures = site.daemon.figures(probe, since).await?;
    Ok(json(&site, StatusCode::OK, &figures))
}
