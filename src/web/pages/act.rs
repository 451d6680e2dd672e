//! Forms that act: fire, pause, resume.

use axum::extract::{Form, Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Extension, http::StatusCode};
use serde::Deserialize;

use super::plain;
use crate::web::api::Problem;
use crate::web::auth::{Auth, Caller};
use crate::web::daemon::{Fire, Pause, Refused, Target};
use crate::web::site::Shared;

/// What each form sends.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Proof {
    /// That one of our own pages made it.
    pub(super) proof: String,
}

/// What was done, as the page after it says; the word is all that stands in the address.
const SAID: [(&str, &str); 3] = [
    ("fired", "Fired: its runs appear here as they end."),
    ("paused", "Paused: ticks that come due are skipped and counted."),
    ("resumed", "Resumed."),
];

/// Fires a tick of all routes.
pub(super) async fn fire(
    State(site): State<Shared>,
    Extension(caller): Extension<Caller>,
    Path(probe): Path<String>,
    form: Form<Proof>,
) -> Response {
    if let Some(refusal) = unproved(&caller, &form) {
        return refusal;
    }
    let fire = Fire {
        probe,
        routes: Vec::new(),
    };
    done("fired", site.daemon.fire(fire).await)
}

/// Pauses the whole probe until somebody resumes it.
pub(super) async fn pause(
    State(site): State<Shared>,
    Extension(caller): Extension<Caller>,
    Path(probe): Path<String>,
    form: Form<Proof>,
) -> Response {
    if let Some(refusal) = unproved(&caller, &form) {
        return refusal;
    }
    let pause = Pause {
        target: Target { probe, route: None },
        reason: String::new(),
        by: caller.name.to_string(),
    };
    done("paused", site.daemon.pause(pause).await)
}

/// Ends that pause.
pub(super) async fn resume(
    State(site): State<Shared>,
    Extension(caller): Extension<Caller>,
    Path(probe): Path<String>,
    form: Form<Proof>,
) -> Response {
    if let Some(refusal) = unproved(&caller, &form) {
        return refusal;
    }
    done("resumed", site.daemon.resume(Target { probe, route: None }).await)
}

/// The refusal of a form that no page of ours made for this caller.
pub(super) fn unproved(caller: &Caller, form: &Proof) -> Option<Response> {
    let why = "the form is not from this sign-in: load the page again and press once more";
    (!Auth::form_fits(caller, &form.proof)).then(|| plain(StatusCode::FORBIDDEN, why))
}

fn done<T>(word: &str, result: Result<T, Refused>) -> Response {
    match result {
        Ok(_) => Redirect::to(&format!("/?done={word}")).into_response(),
        Err(refused) => Problem::from(refused).page(),
    }
}

/// The sentence for what the address says was done.
pub(super) fn said(query: &str) -> Option<&'static str> {
    let word = query.strip_prefix("done=")?;
    SAID.iter()
        .find(|(known, _)| *known == word)
        .map(|(_, said)| *said)
}

/// A name as one segment of a path (RFC 3986, section 3.3).
pub(super) fn segment(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_nothing_of_its_own() {
        assert_eq!(said("done=resumed"), Some("Resumed."));
        assert_eq!(said("done=<script>"), None);
        assert_eq!(said("x"), None);
    }

    #[test]
    fn a_name_stays_one_segment() {
        assert_eq!(segment("order-paid"), "order-paid");
        assert_eq!(segment("a/b?c ü"), "a%2Fb%3Fc%20%C3%BC");
    }
}
