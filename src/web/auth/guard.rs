//! What stands before every answer of the admin surface.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};

use super::{Auth, Caller, origin};
use crate::model::Access;
use crate::web::api::Problem;
use crate::web::pages;
use crate::web::site::Shared;
use crate::web::surface::Client;

/// Only what landfall itself serves has a place on a page of its own: one style sheet, one script, and no word of either
/// in the page. Frames, fonts and hosts of others have none.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; \
    connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Why a request is turned away before its handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::web) enum Turned {
    /// Its `Host` is no name of this machine.
    Host,
    /// A page of another site sent it.
    Site,
    /// It bears no credential.
    Unknown,
    /// Its credential is none, or no longer.
    Wrong,
    /// Too many wrong ones came from there.
    TooMany,
    /// Its credential does not reach so far.
    Access,
}

/// Lets requests to the API through that may pass.
pub(in crate::web) async fn guard_api(
    State(site): State<Shared>,
    mut request: Request,
    next: Next,
) -> Response {
    match admit(&site.auth, &request) {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(turned) => Problem::turned(turned).into_response(),
    }
}

/// Lets requests to the pages through that may pass; who has not signed in is asked to.
pub(in crate::web) async fn guard_pages(
    State(site): State<Shared>,
    mut request: Request,
    next: Next,
) -> Response {
    match admit(&site.auth, &request) {
        Ok(mut caller) => {
            caller.theme = pages::theme_of(request.headers());
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(Turned::Unknown | Turned::Wrong) if !writes(request.method()) => {
            let back = request.uri().path_and_query().map_or("/", |path| path.as_str());
            Redirect::to(&pages::sign_in_address(back)).into_response()
        }
        Err(turned) => pages::turned(turned),
    }
}

/// Adds to every answer what keeps browsers from doing more with it than show it.
pub(in crate::web) fn harden(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        // With `no-referrer` browsers send `Origin: null` with a form, and it could not be told from another site's.
        (header::REFERRER_POLICY, "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert(
        "cross-origin-opener-policy",
        HeaderValue::from_static("same-origin"),
    );
    headers.insert(
        "cross-origin-resource-policy",
        HeaderValue::from_static("same-origin"),
    );
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

impl Turned {
    pub(in crate::web) const fn status(self) -> StatusCode {
        match self {
            Self::Host | Self::Site | Self::Access => StatusCode::FORBIDDEN,
            Self::Unknown | Self::Wrong => StatusCode::UNAUTHORIZED,
            Self::TooMany => StatusCode::TOO_MANY_REQUESTS,
        }
    }

    /// For people, with what to do.
    pub(in crate::web) const fn detail(self) -> &'static str {
        match self {
            Self::Host => {
                "the `Host` of the request is no name of this machine: call landfall by `localhost` or a loopback \
                 address, or declare a token under `api: tokens:` in landfall.yaml"
            }
            Self::Site => "the request was made by a page of another site (`Origin`, `Sec-Fetch-Site`)",
            Self::Unknown => {
                "a token is needed: send `Authorization: Bearer TOKEN`; `landfall token new` makes one"
            }
            Self::Wrong => "the token is not one of `api: tokens:` in landfall.yaml",
            Self::TooMany => "too many wrong tokens came from this address; wait a second",
            Self::Access => "the token may read and not operate; one with `scope: operate` is needed",
        }
    }
}

fn admit(auth: &Auth, request: &Request) -> Result<Caller, Turned> {
    let headers = request.headers();
    if auth.open() && !origin::host(headers).is_some_and(origin::is_local_name) {
        return Err(Turned::Host);
    }
    let writes = writes(request.method());
    if writes && !origin::same_site(headers, auth.public_url.as_deref()) {
        return Err(Turned::Site);
    }
    let caller =
        caller(auth, headers).map_err(|turned| match (turned, Client::of(request.extensions())) {
            (Turned::Wrong, Some(client)) if !auth.may_fail(client.ip) => Turned::TooMany,
            _ => turned,
        })?;
    let needed = if writes { Access::Operate } else { Access::Read };
    if caller.access < needed {
        return Err(Turned::Access);
    }
    Ok(caller)
}

fn caller(auth: &Auth, headers: &HeaderMap) -> Result<Caller, Turned> {
    if auth.open() {
        return Ok(auth.local());
    }
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let token = value.to_str().ok().and_then(bearer).ok_or(Turned::Wrong)?;
        let credential = auth.credential(token).ok_or(Turned::Wrong)?;
        return Ok(auth.caller_of(credential, None));
    }
    // A session that has ended is no attempt at guessing: it is asked to sign in again.
    let id = session_id(headers).ok_or(Turned::Unknown)?;
    let holder = auth
        .sessions
        .holder(id, auth.clock.now())
        .ok_or(Turned::Unknown)?;
    Ok(auth.caller_of(&holder, Some(id)))
}

/// The token of an `Authorization` header (RFC 6750, section 2.1); the scheme's case does not matter (RFC 9110, 11.1).
fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The cookie's name. With `__Host-` a browser takes it over https only, for this host alone.
pub(in crate::web) const fn cookie_name(https: bool) -> &'static str {
    if https { "__Host-landfall" } else { "landfall" }
}

/// The session id of a request's cookies.
pub(in crate::web) fn session_id(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|all| all.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == cookie_name(true) || *name == cookie_name(false))
        .map(|(_, id)| id)
}

fn writes(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}
