//! Serves the admin surface beneath a connection of the accept loop, within the loop's limits.

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{Extensions, HeaderValue, Method, Uri, header};
use axum::response::{IntoResponse, Response};
use hyper::body::Incoming;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::api::Problem;
use super::auth::harden;
use super::listener::Shared;
use super::site::Site;
use super::source::Source;
use super::{Word, body, pages};

/// The longest body of a request to API or pages.
const BODY_LIMIT: usize = 64 * 1024;

/// Who sends a request, and until when an answer may go on.
#[derive(Clone, Debug)]
pub(super) struct Client {
    /// The sender, past listed proxies.
    pub(super) ip: IpAddr,
    /// Cancelled when the listener takes no more requests: what follows the runs ends there.
    pub(super) stopping: CancellationToken,
}

/// Marks the answer to a path that does not exist; it counts against the budget for such requests.
#[derive(Clone, Copy, Debug)]
struct Unmatched;

impl Client {
    pub(super) fn of(extensions: &Extensions) -> Option<&Self> {
        extensions.get()
    }
}

/// Whether a path belongs to the surface. What lies under `/c` are callbacks' alone, on every listener.
pub(super) fn takes(path: &str) -> bool {
    path.starts_with('/') && path != "/c" && !path.starts_with("/c/")
}

/// The answer to a path of which nothing is known.
pub(super) async fn unmatched(uri: Uri) -> Response {
    let mut response = if uri.path().starts_with("/api/") {
        Problem::no_path(uri.path()).into_response()
    } else {
        pages::no_page()
    };
    response.extensions_mut().insert(Unmatched);
    response
}

/// Answers one request, whatever becomes of its handler.
pub(super) async fn serve(
    shared: &Arc<Shared>,
    site: &Site,
    ip: IpAddr,
    request: hyper::Request<Incoming>,
) -> Response {
    let (mut parts, incoming) = request.into_parts();
    let mut held = shared.pool.hold();
    let reading = body::read(incoming, BODY_LIMIT, &mut held);
    let read = tokio::time::timeout(shared.limits.body, reading)
        .await
        .unwrap_or(Err(Word::BodyTimeout));
    let bytes = match read {
        Ok(bytes) => bytes,
        Err(word) => return broken(shared, word),
    };
    parts.extensions.insert(Client {
        ip,
        stopping: shared.stopping.clone(),
    });
    let head = parts.method == Method::HEAD;
    let request = hyper::Request::from_parts(parts, Body::from(bytes));
    let router = site.0.clone();
    // In a task of its own: an act is done whole also where its sender hangs up, and a panic ends there.
    let task = shared.tasks.spawn(async move {
        let response = router.oneshot(request).await;
        drop(held);
        response
    });
    let abort = task.abort_handle();
    let response = match tokio::time::timeout(shared.limits.handler, task).await {
        Ok(Ok(Ok(response))) => response,
        Ok(Err(_)) => return broken(shared, Word::HandlerPanic),
        Err(_) => {
            abort.abort();
            return broken(shared, Word::HandlerTimeout);
        }
    };
    if response.extensions().get::<Unmatched>().is_none() {
        return response;
    }
    if shared.budget.take(Source::of(ip), shared.clock.now()) {
        shared.counters.add(Word::Unmatched);
        return response;
    }
    shared.counters.add(Word::UnmatchedOverBudget);
    let problem = Problem::busy("too many requests that match nothing");
    let mut response = closing(harden(problem.into_response()));
    if head {
        *response.body_mut() = Body::empty();
    }
    response
}

/// What a limit of the loop's own refuses.
fn broken(shared: &Shared, word: Word) -> Response {
    shared.counters.add(word);
    let problem = match word {
        Word::BodyTooLarge => Problem::too_large(BODY_LIMIT),
        Word::BodyTimeout => Problem::slow_body(),
        Word::Aborted => Problem::malformed("the body broke off"),
        Word::HandlerPanic => Problem::internal(),
        Word::HandlerTimeout => Problem::unavailable("the request took too long to handle"),
        _ => Problem::unavailable("too many requests are being read"),
    };
    closing(harden(problem.into_response()))
}

/// The rest of the request is not read, so the connection ends with the answer.
fn closing(mut response: Response) -> Response {
    response
        .headers_mut()
        .insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callbacks_keep_their_paths() {
        for (path, taken) in [
            ("/", true),
            ("/api/v1/runs", true),
            ("/callbacks", true),
            ("/c", false),
            ("/c/", false),
            ("/c/secret/token", false),
            ("*", false),
            ("", false),
        ] {
            assert_eq!(takes(path), taken, "{path}");
        }
    }
}
