//! Alerts: what is open, what is muted, and who is told.

use std::collections::BTreeMap;

use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::body::{Ask, Nothing, reason};
use super::params::{Name, NoQuery};
use super::{Problem, json, moment};
use crate::web::auth::Caller;
use crate::web::daemon::{AlertView, DestinationView, MuteView, NewMute, Unmuted};
use crate::web::site::Shared;

/// The alerts that are open.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct AlertList {
    /// By probe.
    alerts: Vec<AlertView>,
}

/// The mutes in force.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct MuteList {
    /// The first that was set first.
    mutes: Vec<MuteView>,
}

/// Who is told.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct DestinationList {
    /// By name.
    destinations: Vec<DestinationView>,
}

/// Of what nobody is to be told. What is left out matches everything.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MuteAsk {
    /// Only this probe.
    #[serde(default)]
    probe: Option<String>,
    /// Only this route.
    #[serde(default)]
    route: Option<String>,
    /// Only probes with these labels; at most 32.
    #[serde(default)]
    #[schemars(extend("maxProperties" = 32))]
    labels: BTreeMap<String, String>,
    /// Until when, RFC 3339. Left out: until somebody ends it.
    #[serde(default)]
    #[schemars(extend("format" = "date-time"))]
    until: Option<String>,
    /// Why, for those who read it later.
    #[serde(default)]
    #[schemars(length(max = 500))]
    reason: String,
}

/// The alerts that are open and were told.
#[utoipa::path(get, path = "/api/v1/alerts", tag = "alerts", operation_id = "alerts",
    responses((status = 200, description = "All of them", body = AlertList)))]
pub(super) async fn list(State(site): State<Shared>, _: NoQuery) -> Result<Response, Problem> {
    let alerts = site.daemon.alerts().await?.open;
    Ok(json(&site, StatusCode::OK, &AlertList { alerts }))
}

/// How each destination of alerts fares.
#[utoipa::path(get, path = "/api/v1/destinations", tag = "alerts", operation_id = "destinations",
    responses((status = 200, description = "All of them", body = DestinationList)))]
pub(super) async fn destinations(State(site): State<Shared>, _: NoQuery) -> Result<Response, Problem> {
    let destinations = site.daemon.alerts().await?.destinations;
    Ok(json(&site, StatusCode::OK, &DestinationList { destinations }))
}

/// The mutes in force.
#[utoipa::path(get, path = "/api/v1/mutes", tag = "alerts", operation_id = "mutes",
    responses((status = 200, description = "All of them", body = MuteList)))]
pub(super) async fn mutes(State(site): State<Shared>, _: NoQuery) -> Result<Response, Problem> {
    let mutes = site.daemon.alerts().await?.mutes;
    Ok(json(&site, StatusCode::OK, &MuteList { mutes }))
}

/// Tell nobody of alerts for a while. Runs are fired and counted all the same, and what is still open when the mute ends
/// is told then; it outlives a restart.
#[utoipa::path(post, path = "/api/v1/mutes", tag = "alerts", operation_id = "mute", request_body = MuteAsk,
    responses((status = 201, description = "The mute, durable", body = MuteView)))]
pub(super) async fn mute(
    State(site): State<Shared>,
    Extension(caller): Extension<Caller>,
    _: NoQuery,
    Ask(ask): Ask<MuteAsk>,
) -> Result<Response, Problem> {
    let mute = NewMute {
        probe: ask.probe,
        route: ask.route,
        labels: ask.labels,
        until: moment("/until", ask.until)?,
        reason: reason(ask.reason)?,
        by: caller.name.to_string(),
    };
    let muted = site.daemon.mute(mute).await?;
    Ok(json(&site, StatusCode::CREATED, &muted))
}

/// End a mute.
#[utoipa::path(post, path = "/api/v1/mutes/{mute}/end", tag = "alerts", operation_id = "unmute",
    params(("mute" = String, Path, description = "Its id")), request_body = Nothing,
    responses((status = 200, description = "Whether there was such a mute", body = Unmuted)))]
pub(super) async fn unmute(
    State(site): State<Shared>,
    Name(id): Name,
    _: NoQuery,
    _: Ask<Nothing>,
) -> Result<Response, Problem> {
    let unmuted = site.daemon.unmute(id).await?;
    Ok(json(&site, StatusCode::OK, &unmuted))
}
