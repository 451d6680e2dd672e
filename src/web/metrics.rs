//! `/metrics`: for whoever may read the API.

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::site::Shared;

/// The endpoint.
pub(super) fn router() -> Router<Shared> {
    Router::new().route("/metrics", get(metrics))
}

async fn metrics(State(site): State<Shared>) -> Response {
    let (kind, text) = site.daemon.metrics().await;
    ([(CONTENT_TYPE, kind)], text).into_response()
}
