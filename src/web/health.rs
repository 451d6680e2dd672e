//! `/healthz` and `/readyz`: without credential, and so without detail. `GET /api/v1/status` has it.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;

use super::site::Shared;

/// Both endpoints.
pub(super) fn router() -> Router<Shared> {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
}

/// Names the parts that are not ready, and neither a channel nor a reason.
async fn ready(State(site): State<Shared>) -> (StatusCode, String) {
    let unready = site.daemon.unready().await;
    if unready.is_empty() {
        return (StatusCode::OK, String::from("ready\n"));
    }
    let mut parts: Vec<&str> = unready.iter().map(|u| u.part.as_str()).collect();
    parts.sort_unstable();
    parts.dedup();
    (
        StatusCode::SERVICE_UNAVAILABLE,
        format!("not ready: {}\n", parts.join(", ")),
    )
}
