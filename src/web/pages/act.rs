//! Forms that act: fire, pause, resume.

use axum::extract::{Form, FromRequest, Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::plain;
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
pub(super) async fn fire(State(site): State<Shared>, Path(probe): Path<String>, _: Proved) -> Response {
    let fire = Fire {
        probe,
        routes: Vec::new(),
    };
    done("/", "fired", site.daemon.fire(fire).await)
}

/// Pauses the whole probe until somebody resumes it.
pub(super) async fn pause(
    State(site): State<Shared>,
    Path(probe): Path<String>,
    Proved { caller, .. }: Proved,
) -> Response {
    let pause = Pause {
        target: Target { probe, route: None },
        reason: String::new(),
        by: caller.name.to_string(),
    };
    done("/", "paused", site.daemon.pause(pause).await)
}

/// Ends that pause.
pub(super) async fn resume(State(site): State<Shared>, Path(probe): Path<String>, _: Proved) -> Response {
    let target = Target { probe, route: None };
    done("/", "resumed", site.daemon.resume(target).await)
}

/// The page again, with what was done; or why it was not.
pub(super) fn done<T>(page: &str, word: &str, result: Result<T, Refused>) -> Response {
    match result {
        Ok(_) => Redirect::to(&format!("{page}?done={word}")).into_response(),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_nothing_of_its_own() {
        assert_eq!(said("done=resumed"), Some("Resumed."));
        assert_eq!(said("done=<script>"), None);
        assert_eq!(said("x"), None);
    }
}
