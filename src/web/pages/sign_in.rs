//! Signing in to the pages with a token, and out.

use axum::Extension;
use axum::extract::{Form, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;

use super::act::Proved;
use super::{layout, plain};
use crate::web::auth::{LIFETIME, Turned, cookie_name, same_site, session_id};
use crate::web::site::Shared;
use crate::web::surface::Client;

/// What the form sends.
#[derive(Deserialize)]
pub(super) struct Entry {
    token: String,
    #[serde(default)]
    next: String,
}

/// The address of the form for somebody who wanted to see `back`.
pub(in crate::web) fn sign_in_address(back: &str) -> String {
    let path = String::from("/sign-in?");
    let query = path.len();
    form_urlencoded::Serializer::for_suffix(path, query)
        .append_pair("next", back)
        .finish()
}

/// The form.
pub(super) async fn show(State(site): State<Shared>, RawQuery(query): RawQuery) -> Response {
    if site.auth.open() {
        return Redirect::to("/").into_response();
    }
    let query = query.unwrap_or_default();
    let next = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "next");
    let next = next.map(|(_, next)| next.into_owned()).unwrap_or_default();
    layout::bare("Sign in", &form(&next, None)).into_response()
}

/// Begins a session.
pub(super) async fn enter(
    State(site): State<Shared>,
    Extension(client): Extension<Client>,
    headers: HeaderMap,
    Form(entry): Form<Entry>,
) -> Response {
    if !same_site(&headers, site.auth.public_url.as_deref()) {
        return super::turned(Turned::Site);
    }
    if site.auth.open() {
        return Redirect::to("/").into_response();
    }
    let Some(credential) = site.auth.credential(entry.token.trim()) else {
        if !site.auth.may_fail(client.ip) {
            let mut response = super::turned(Turned::TooMany);
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            return response;
        }
        let page = layout::bare("Sign in", &form(&entry.next, Some(Turned::Wrong.detail())));
        return (StatusCode::UNAUTHORIZED, page).into_response();
    };
    let id = site.auth.sessions.begin(credential, site.clock.now());
    tracing::info!(token = %credential.name, "signed in to the pages");
    with_cookie(&site, &id, LIFETIME.as_secs(), Redirect::to(local(&entry.next)))
}

/// Ends it.
pub(super) async fn sign_out(State(site): State<Shared>, headers: HeaderMap, _: Proved) -> Response {
    if let Some(id) = session_id(&headers) {
        site.auth.sessions.end(id);
    }
    with_cookie(&site, "", 0, Redirect::to("/sign-in"))
}

fn with_cookie(site: &Shared, id: &str, seconds: u64, answer: Redirect) -> Response {
    let https = site.auth.https();
    let secure = if https { "; Secure" } else { "" };
    let cookie = format!(
        "{}={id}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}",
        cookie_name(https)
    );
    // The id is base64, so the header always stands.
    match HeaderValue::from_str(&cookie) {
        Ok(value) => ([(header::SET_COOKIE, value)], answer).into_response(),
        Err(_) => plain(StatusCode::INTERNAL_SERVER_ERROR, "a bug of landfall's own"),
    }
}

/// A path on this very site; everything else is the first page.
pub(super) fn local(next: &str) -> &str {
    let fine = next.starts_with('/')
        && !next.starts_with("//")
        && !next.starts_with("/sign-")
        && next.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    if fine { next } else { "/" }
}

fn form(next: &str, wrong: Option<&str>) -> Markup {
    html! {
        h1 { "Sign in" }
        @if let Some(wrong) = wrong { p.notice.bad role="alert" { (wrong) } }
        form.sign-in method="post" action="/sign-in" {
            input type="hidden" name="next" value=(local(next));
            label for="token" { "Token" }
            input #token type="password" name="token" autocomplete="current-password" required autofocus;
            button { "Sign in" }
        }
        p.faint { code { "landfall token new" } " makes a token; its hash stands under " code { "api: tokens:" } " in landfall.yaml." }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_signing_in_nobody_is_sent_elsewhere() {
        for (next, to) in [
            ("/runs/1?x=2", "/runs/1?x=2"),
            ("", "/"),
            ("//evil.example", "/"),
            ("/\\evil.example", "/"),
            ("https://evil.example", "/"),
            ("/a\r\nset-cookie: x", "/"),
            ("/sign-in", "/"),
        ] {
            assert_eq!(local(next), to, "{next:?}");
        }
    }
}
