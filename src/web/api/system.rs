//! What concerns the daemon as a whole.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use schemars::JsonSchema;
use serde::Serialize;

use super::body::{Ask, Nothing};
use super::params::NoQuery;
use super::{Problem, json};
use crate::web::daemon::{ChannelView, Reloaded, Status, StoreView};
use crate::web::site::Shared;

/// All channels.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct ChannelList {
    /// In the order of their names.
    channels: Vec<ChannelView>,
}

/// What this landfall is, and whether it does its work.
#[utoipa::path(get, path = "/api/v1/status", tag = "system", operation_id = "status",
    responses((status = 200, description = "How it is", body = Status)))]
pub(super) async fn status(State(site): State<Shared>, _: NoQuery) -> Response {
    json(&site, StatusCode::OK, &site.daemon.status().await)
}

/// How each channel is.
#[utoipa::path(get, path = "/api/v1/channels", tag = "system", operation_id = "channels",
    responses((status = 200, description = "All of them", body = ChannelList)))]
pub(super) async fn channels(State(site): State<Shared>, _: NoQuery) -> Response {
    let channels = site.daemon.channels();
    json(&site, StatusCode::OK, &ChannelList { channels })
}

/// How much the store holds.
#[utoipa::path(get, path = "/api/v1/store", tag = "system", operation_id = "store",
    responses((status = 200, description = "Its size", body = StoreView)))]
pub(super) async fn store(State(site): State<Shared>, _: NoQuery) -> Result<Response, Problem> {
    let store = site.daemon.store().await?;
    Ok(json(&site, StatusCode::OK, &store))
}

/// Load the definitions anew. Where they have errors the last good set stays in force, and the problem lists them.
#[utoipa::path(post, path = "/api/v1/reload", tag = "system", operation_id = "reload", request_body = Nothing,
    responses((status = 200, description = "What is another now", body = Reloaded)))]
pub(super) async fn reload(
    State(site): State<Shared>,
    _: NoQuery,
    _: Ask<Nothing>,
) -> Result<Response, Problem> {
    let reloaded = site.daemon.reload().await?;
    Ok(json(&site, StatusCode::OK, &reloaded))
}
