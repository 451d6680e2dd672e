//! Following redirects: only on the same scheme, host and port. What an answer says must not choose whom landfall
//! talks to, nor move credentials from TLS to plain text.

use reqwest::header::{CONTENT_TYPE, HeaderMap, LOCATION};
use reqwest::{Method, StatusCode, Url};

use super::request::Rendered;

/// The next request of a chain, or why the answer stands as it is.
pub(super) enum Next {
    Follow(Box<Rendered>),
    /// Not a redirect, or none that may be followed; then with the reason.
    Stop(Option<&'static str>),
}

/// What an answer asks for (RFC 9110, section 15.4), with `more` redirects left to follow.
pub(super) fn next(before: &Rendered, status: StatusCode, headers: &HeaderMap, more: u8) -> Next {
    if !matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Next::Stop(None);
    }
    let Some(to) = headers.get(LOCATION) else {
        return Next::Stop(None);
    };
    let to = to.to_str().ok().and_then(|to| before.url.join(to).ok());
    let Some(mut url) = to else {
        return Next::Stop(Some("not followed: it leads to no URL"));
    };
    if place(&url) != place(&before.url) {
        return Next::Stop(Some("not followed: it leads to another scheme, host or port"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Next::Stop(Some("not followed: it holds credentials"));
    }
    if more == 0 {
        return Next::Stop(Some("not followed: `redirects` are used up"));
    }
    url.set_fragment(None);
    let mut after = Rendered {
        url,
        ..before.clone()
    };
    let as_get = match status.as_u16() {
        303 => before.method != Method::HEAD,
        301 | 302 => before.method == Method::POST,
        _ => false,
    };
    if as_get {
        after.method = Method::GET;
        after.body.clear();
        after.headers.remove(CONTENT_TYPE);
    }
    Next::Follow(Box::new(after))
}

fn place(url: &Url) -> (&str, Option<&str>, Option<u16>) {
    (url.scheme(), url.host_str(), url.port_or_known_default())
}
