//! Probes and routes: how they are, and what can be done with them.

use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::body::{Ask, reason};
use super::params::{Name, NoQuery};
use super::{Problem, json};
use crate::web::auth::Caller;
use crate::web::daemon::{Fire, Fired, Pause, PauseView, ProbeView, Resumed, Target};
use crate::web::site::Shared;

/// All probes.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct ProbeList {
    /// In the order of the definitions.
    probes: Vec<ProbeView>,
}

/// What to fire.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FireAsk {
    /// Only these routes; left out: all.
    #[serde(default)]
    routes: Vec<String>,
}

/// What to pause.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PauseAsk {
    /// Only this route; left out: the whole probe.
    #[serde(default)]
    route: Option<String>,
    /// Why, for those who read it later.
    #[serde(default)]
    #[schemars(length(max = 500))]
    reason: String,
}

/// What is to go on.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ResumeAsk {
    /// Only this route; left out: what was asked for the whole probe.
    #[serde(default)]
    route: Option<String>,
}

/// All probes with their routes, how they are, and the last runs of each.
#[utoipa::path(get, path = "/api/v1/probes", tag = "probes", operation_id = "probes",
    responses((status = 200, description = "All of them", body = ProbeList)))]
pub(super) async fn list(State(site): State<Shared>, _: NoQuery) -> Response {
    let probes = site.daemon.probes().await;
    json(&site, StatusCode::OK, &ProbeList { probes })
}

/// One probe.
#[utoipa::path(get, path = "/api/v1/probes/{probe}", tag = "probes", operation_id = "probe",
    params(("probe" = String, Path, description = "Its name")),
    responses((status = 200, description = "How it is", body = ProbeView)))]
pub(super) async fn one(
    State(site): State<Shared>,
    Name(name): Name,
    _: NoQuery,
) -> Result<Response, Problem> {
    let probes = site.daemon.probes().await;
    let probe = probes.iter().find(|probe| probe.name == name);
    let probe = probe.ok_or_else(|| Problem::unknown("probe", &name))?;
    Ok(json(&site, StatusCode::OK, probe))
}

/// Fire a tick of a probe now, beside its schedule. Its limits hold.
#[utoipa::path(post, path = "/api/v1/probes/{probe}/fire", tag = "probes", operation_id = "fire",
    params(("probe" = String, Path, description = "Its name")), request_body = FireAsk,
    responses((status = 202, description = "It is on its way; follow the runs by their tick", body = Fired)))]
pub(super) async fn fire(
    State(site): State<Shared>,
    Name(probe): Name,
    _: NoQuery,
    Ask(ask): Ask<FireAsk>,
) -> Result<Response, Problem> {
    let fire = Fire {
        probe,
        routes: ask.routes,
    };
    let fired = site.daemon.fire(fire).await?;
    Ok(json(&site, StatusCode::ACCEPTED, &fired))
}

/// Fire no more ticks of a probe or route. Ticks that come due are skipped and counted; it outlives a restart.
#[utoipa::path(post, path = "/api/v1/probes/{probe}/pause", tag = "probes", operation_id = "pause",
    params(("probe" = String, Path, description = "Its name")), request_body = PauseAsk,
    responses((status = 200, description = "The pause", body = PauseView)))]
pub(super) async fn pause(
    State(site): State<Shared>,
    Extension(caller): Extension<Caller>,
    Name(probe): Name,
    _: NoQuery,
    Ask(ask): Ask<PauseAsk>,
) -> Result<Response, Problem> {
    let route = ask.route;
    let pause = Pause {
        target: Target { probe, route },
        reason: reason(ask.reason)?,
        by: caller.name.to_string(),
    };
    let paused = site.daemon.pause(pause).await?;
    Ok(json(&site, StatusCode::OK, &paused))
}

/// End a pause.
#[utoipa::path(post, path = "/api/v1/probes/{probe}/resume", tag = "probes", operation_id = "resume",
    params(("probe" = String, Path, description = "Its name")), request_body = ResumeAsk,
    responses((status = 200, description = "Whether there was a pause to end", body = Resumed)))]
pub(super) async fn resume(
    State(site): State<Shared>,
    Name(probe): Name,
    _: NoQuery,
    Ask(ResumeAsk { route }): Ask<ResumeAsk>,
) -> Result<Response, Problem> {
    let resumed = site.daemon.resume(Target { probe, route }).await?;
    Ok(json(&site, StatusCode::OK, &resumed))
}
