//! Pages: rendered here, usable without JavaScript, with nothing from any other host.
//!
//! Text that came from outside goes through [`Look::text`](crate::report::html::Look::text); what it yields is escaped by the templates.

mod act;
mod alerts;
mod home;
mod layout;
mod marks;
mod probe;
mod run;
mod runs;
mod sign_in;
mod theme;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use maud::html;

use super::api::Problem;
use super::auth::Turned;
use super::site::Shared;
use crate::report::html::{SCRIPT, STYLE};
use crate::report::visible;

pub(super) use sign_in::sign_in_address;
pub(super) use theme::theme_of;

/// Pages that need a credential.
pub(super) fn router() -> Router<Shared> {
    Router::new()
        .route("/", get(home::home))
        .route("/runs", get(runs::show))
        .route("/marks", get(marks::show).post(marks::add))
        .route("/theme", get(theme::choose))
        .route("/runs/{run}", get(run::run))
        .route("/probes/{probe}", get(probe::show))
        .route("/probes/{probe}/fire", post(act::fire))
        .route("/probes/{probe}/pause", post(act::pause))
        .route("/probes/{probe}/resume", post(act::resume))
        .route("/alerts", get(alerts::show))
        .route("/alerts/mute", post(alerts::mute))
        .route("/alerts/unmute", post(alerts::unmute))
        .route("/sign-out", post(sign_in::sign_out))
        .method_not_allowed_fallback(async || {
            plain(StatusCode::METHOD_NOT_ALLOWED, "this page cannot be used so")
        })
}

/// Pages that need none.
pub(super) fn open_router() -> Router<Shared> {
    Router::new()
        .route("/sign-in", get(sign_in::show).post(sign_in::enter))
        .route("/style.css", get(async || file("text/css; charset=utf-8", STYLE)))
        .route(
            "/script.js",
            get(async || file("text/javascript; charset=utf-8", SCRIPT)),
        )
        .method_not_allowed_fallback(async || {
            plain(StatusCode::METHOD_NOT_ALLOWED, "this page cannot be used so")
        })
}

/// The answer to a path of which nothing is known.
pub(super) fn no_page() -> Response {
    plain(StatusCode::NOT_FOUND, "there is no such page")
}

/// The answer to a request that was turned away.
pub(super) fn turned(turned: Turned) -> Response {
    plain(turned.status(), turned.detail())
}

impl Problem {
    /// The same as a page.
    fn page(&self) -> Response {
        plain(self.status(), &self.detail())
    }
}

/// A page that says one thing.
fn plain(status: StatusCode, what: &str) -> Response {
    let said = html! {
        h1 { (status.as_u16()) " " (status.canonical_reason().unwrap_or_default()) }
        p { (visible(what)) }
        p { a href="/" { "All probes" } }
    };
    (status, layout::bare(status.as_str(), &said)).into_response()
}

/// What every page needs, whoever asks for it.
fn file(kind: &'static str, content: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "max-age=300"),
    ];
    (headers, content).into_response()
}
