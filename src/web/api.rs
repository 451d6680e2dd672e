//! JSON under `/api/v1`. The OpenAPI document follows from these handlers and from the types of
//! [`super::daemon`].

mod alerts;
mod body;
mod document;
mod figures;
mod follow;
mod history;
mod marks;
pub(super) mod params;
mod probes;
mod problem;
mod runs;
mod system;

use axum::Router;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Serialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::site::Shared;
use crate::model::Moment;
use problem::FieldError;

pub use document::document;
pub(super) use problem::Problem;

/// Every endpoint.
pub(super) fn router() -> Router<Shared> {
    let (router, _) = described().split_for_parts();
    router
        .route("/api/v1/openapi.json", get(document::serve))
        .method_not_allowed_fallback(async || Problem::method())
}

/// The endpoints with what is said of them.
fn described() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(system::status))
        .routes(routes!(system::channels))
        .routes(routes!(system::store))
        .routes(routes!(system::reload))
        .routes(routes!(probes::list))
        .routes(routes!(probes::one))
        .routes(routes!(figures::figures))
        .routes(routes!(history::causes))
        .routes(routes!(history::paths))
        .routes(routes!(probes::fire))
        .routes(routes!(probes::pause))
        .routes(routes!(probes::resume))
        .routes(routes!(runs::list))
        .routes(routes!(follow::follow))
        .routes(routes!(runs::one))
        .routes(routes!(runs::neighbours))
        .routes(routes!(runs::twin))
        .routes(routes!(runs::open))
        .routes(routes!(marks::list, marks::add))
        .routes(routes!(alerts::list))
        .routes(routes!(alerts::destinations))
        .routes(routes!(alerts::mutes, alerts::mute))
        .routes(routes!(alerts::unmute))
}

/// Whether a request says that its body is JSON. A page of another site cannot say so without being asked first
/// whether it may (Fetch, section 3.2: CORS-safelisted), and nobody here would answer yes.
fn is_json(headers: &HeaderMap) -> bool {
    let Some(kind) = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()) else {
        return false;
    };
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/json")
}

/// A JSON answer without secrets.
fn json(site: &Shared, status: StatusCode, content: &impl Serialize) -> Response {
    match clean(site, content) {
        Ok(text) => {
            let kind = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
            (status, kind, text).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "an answer could not be written as JSON");
            Problem::internal().into_response()
        }
    }
}

/// JSON without secrets.
fn clean(site: &Shared, content: &impl Serialize) -> serde_json::Result<String> {
    let mut value = serde_json::to_value(content)?;
    site.daemon.redactor().value(&mut value);
    Ok(value.to_string())
}

/// An instant of a body.
fn moment(pointer: &str, text: Option<String>) -> Result<Option<Moment>, Problem> {
    let Some(text) = text else { return Ok(None) };
    let read = Moment::from_rfc3339(&text).ok_or_else(|| {
        let detail = format!("`{text}` is no time: RFC 3339 is expected, such as 2026-11-22T10:00:00Z");
        Problem::invalid(vec![FieldError::pointer(pointer, detail)])
    })?;
    Ok(Some(read))
}
