//! Forms that act: fire, pause, resume.

use axum::extract::{Form, FromRequest, Path, Request, State};
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::plain;
use super::sign_in::local;
use crate::web::api::Problem;
use crate::web::auth::{Auth, Caller};
use crate::web::daemon::{Fire, Pause, Refused, Target};
use crate::web::site::Shared;

/// What a form sends, where a page of ours made it for this caller; else the request is refused.
pub(super) struct Proved<T = Proof> {
    pub(super) caller: Caller,
    pub(super) form: T,
}

/// What every form sends.
pub(super) trait Bears {
    /// That one of our own pages made it.
    fn proof(&self) -> &str;
}

/// A form that says nothing more.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Proof {
    proof: String,
}

/// What was done, as the page after it says; the word is all that stands in the address.
const SAID: [(&str, &str); 6] = [
    ("fired", "Fired: its runs appear here as they end."),
    ("paused", "Paused: ticks that come due are skipped and counted."),
    ("resumed", "Resumed."),
    ("marked", "Noted: it stands on the time lines from now on."),
    ("muted", "Muted: runs go on, and nobody is told."),
    ("unmuted", "The mute has ended: what is still open is told."),
];

impl Bears for Proof {
    fn proof(&self) -> &str {
        &self.proof
    }
}

impl<T: Bears + DeserializeOwned> FromRequest<Shared> for Proved<T> {
    type Rejection = Response;

    async fn from_request(request: Request, site: &Shared) -> Result<Self, Response> {
        let caller = request.extensions().get::<Caller>().cloned();
        let Form(form) = Form::<T>::from_request(request, site)
            .await
            .map_err(IntoResponse::into_response)?;
        let why = "the form is not from this sign-in: load the page again and press once more";
        caller
            .filter(|caller| Auth::form_fits(caller, form.proof()))
            .map(|caller| Self { caller, form })
            .ok_or_else(|| plain(StatusCode::FORBIDDEN, why))
    }
}

/// Fires a tick of all routes.
pub(super) async fn fire(
    State(site): State<Shared>,
    Path(probe): Path<String>,
    headers: HeaderMap,
    _: Proved,
) -> Response {
    let fire = Fire {
        probe,
        routes: Vec::new(),
    };
    done(&came_from(&headers), "fired", site.daemon.fire(fire).await)
}

/// Pauses the whole probe until somebody resumes it.
pub(super) async fn pause(
    State(site): State<Shared>,
    Path(probe): Path<String>,
    headers: HeaderMap,
    Proved { caller, .. }: Proved,
) -> Response {
    let pause = Pause {
        target: Target { probe, route: None },
        reason: String::new(),
        by: caller.name.to_string(),
    };
    done(&came_from(&headers), "paused", site.daemon.pause(pause).await)
}

/// Ends that pause.
pub(super) async fn resume(
    State(site): State<Shared>,
    Path(probe): Path<String>,
    headers: HeaderMap,
    _: Proved,
) -> Response {
    let target = Target { probe, route: None };
    done(&came_from(&headers), "resumed", site.daemon.resume(target).await)
}

/// The address on this site from which a request came, with what was chosen there; the first page where none is said. Of
/// another site's address no more than the path is believed.
pub(super) fn came_from(headers: &HeaderMap) -> String {
    let from = headers.get(header::REFERER).and_then(|from| from.to_str().ok());
    let from = from.and_then(|from| from.parse::<Uri>().ok());
    let path = from.as_ref().and_then(Uri::path_and_query);
    local(path.map_or("/", PathAndQuery::as_str)).to_owned()
}

/// The page again, with what was done; or why it was not.
pub(super) fn done<T>(page: &str, word: &str, result: Result<T, Refused>) -> Response {
    match result {
        Ok(_) => Redirect::to(&with_word(page, word)).into_response(),
        Err(refused) => Problem::from(refused).page(),
    }
}

/// The address of a page that says what was done, and nothing of what was before.
fn with_word(page: &str, word: &str) -> String {
    let (path, query) = page.split_once('?').unwrap_or((page, ""));
    let rest = query
        .split('&')
        .filter(|pair| !pair.is_empty() && !pair.starts_with("done="));
    let pairs: Vec<&str> = rest.collect();
    let between = if pairs.is_empty() { "" } else { "&" };
    format!("{path}?{}{between}done={word}", pairs.join("&"))
}

/// The sentence for what the address says was done.
pub(super) fn said(query: &str) -> Option<&'static str> {
    let word = query.split('&').find_map(|pair| pair.strip_prefix("done="))?;
    SAID.iter()
        .find(|(known, _)| *known == word)
        .map(|(_, said)| *said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_nothing_of_its_own() {
        assert_eq!(said("done=resumed"), Some("Resumed."));
        assert_eq!(said("done=<script>"), None);
        assert_eq!(said("x"), None);
        assert_eq!(said("since=7d&done=fired&q=x"), said("done=fired"));
    }

    #[test]
    fn a_form_comes_back_to_where_it_stood_and_to_no_other_site() {
        let of = |from: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::REFERER, from.parse().unwrap());
            came_from(&headers)
        };
        assert_eq!(came_from(&HeaderMap::new()), "/");
        for there in ["/", "/?since=7d&q=a%20b", "/probes/orders?since=30d&route=b"] {
            assert_eq!(of(&format!("http://127.0.0.1:4747{there}")), there);
        }
        for away in [
            "https://evil.example//x",
            "https://evil.example/\\x",
            "https://evil.example",
            "x",
            "http://127.0.0.1/sign-out",
        ] {
            assert_eq!(of(away), "/", "{away:?}");
        }
        assert_eq!(with_word("/", "fired"), "/?done=fired");
        assert_eq!(
            with_word("/?since=7d&done=fired&q=x", "paused"),
            "/?since=7d&q=x&done=paused"
        );
    }
}
