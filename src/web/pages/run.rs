//! One run: ended, or still in flight.

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use maud::html;

use super::layout::{bare, look, page};
use crate::model::RunId;
use crate::report::html::run::{self, Content};
use crate::report::html::{Links, View};
use crate::web::api::Problem;
use crate::web::auth::Caller;
use crate::web::daemon::{Refused, RunView};
use crate::web::site::Shared;

/// A run in flight is shown anew after so many seconds.
const AGAIN: u32 = 2;

/// The page.
pub(super) async fn run(
    State(site): State<Shared>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    uri: Uri,
) -> Response {
    let Some(run) = id.parse().ok().map(RunId) else {
        return unknown(&site, &id, "It is no id of a run, which is a UUID.");
    };
    match site.daemon.run(run).await {
        Ok(Some(found)) => ended(&site, &caller, &found, twin(&uri).as_deref()).await,
        Ok(None) => open(&site, &caller, run).await,
        Err(refused) => Problem::from(refused).page(),
    }
}

/// `?twin=` of the address.
fn twin(uri: &Uri) -> Option<String> {
    let pairs = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    let named = pairs.into_iter().find(|(name, _)| name == "twin");
    named
        .map(|(_, id)| id.trim().to_owned())
        .filter(|id| !id.is_empty())
}

async fn ended(site: &Shared, caller: &Caller, found: &RunView, twin: Option<&str>) -> Response {
    let record = &found.record;
    let named = match twin.map(str::parse) {
        None => None,
        Some(Ok(id)) => Some(RunId(id)),
        Some(Err(_)) => {
            return unknown(
                site,
                twin.unwrap_or_default(),
                "It is no id of a run, which is a UUID.",
            );
        }
    };
    let around = match site.daemon.neighbours(record.id).await {
        Ok(around) => around,
        Err(refused) => return Problem::from(refused).page(),
    };
    let twins = match site.daemon.twins(record.id, named).await {
        Ok(twins) => twins,
        Err(Refused::Unknown { name, .. }) => return unknown(site, &name, GONE),
        Err(refused) => return Problem::from(refused).page(),
    };
    let trace = site.daemon.trace_url();
    let trace = trace.map(|url| url.replace("{trace_id}", &record.id.trace_id()));
    let view = view(site);
    let title = format!("{} {}", record.class.word(), view.look.text(&record.probe));
    let content = Content {
        run: record,
        replaced: &found.replaced,
        neighbours: around.as_ref(),
        twins: twins.as_ref(),
        trace: trace.as_deref(),
    };
    page(&title, caller, None, &run::run(&view, &content)).into_response()
}

async fn open(site: &Shared, caller: &Caller, id: RunId) -> Response {
    match site.daemon.open_run(id).await {
        Ok(Some(open)) => {
            let view = view(site);
            let title = format!("in flight {}", view.look.text(&open.probe));
            page(&title, caller, Some(AGAIN), &run::open(&view, &open)).into_response()
        }
        Ok(None) => unknown(site, &id.to_string(), GONE),
        Err(refused) => Problem::from(refused).page(),
    }
}

fn view(site: &Shared) -> View {
    View {
        look: look(site),
        links: Links::Site,
        now: site.clock.now().to_rfc3339(),
    }
}

/// Why a run may not be there.
const GONE: &str = "It was never fired here, or it ended longer ago than records are kept.";

/// The answer where there is no such run.
fn unknown(site: &Shared, id: &str, why: &str) -> Response {
    let said = html! {
        h1 { "404 There is no such run" }
        p { "There is no run " code { (look(site).text(id)) } ". " (why) }
        p { a href="/" { "All probes" } ": each shows its last runs." }
    };
    (StatusCode::NOT_FOUND, bare("404", &said)).into_response()
}
