//! One run: ended, or still in flight.

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};

use super::layout::{bare, live, look};
use crate::model::RunId;
use crate::report::around::OpenRun;
use crate::report::html::run::{self, Content};
use crate::report::html::{Links, View, segment};
use crate::web::api::Problem;
use crate::web::auth::Caller;
use crate::web::daemon::{Refused, RunView};
use crate::web::site::Shared;

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
    match found(&site, run).await {
        Ok(Found::Ended(found)) => ended(&site, &caller, &found, twin(&uri).as_deref()).await,
        Ok(Found::Open(found)) => open(&site, &caller, &found),
        Ok(Found::Nowhere) => unknown(&site, &id, GONE),
        Err(refused) => Problem::from(refused).page(),
    }
}

/// Where a run is.
enum Found {
    Ended(Box<RunView>),
    Open(Box<OpenRun>),
    Nowhere,
}

async fn found(site: &Shared, id: RunId) -> Result<Found, Refused> {
    if let Some(ended) = site.daemon.run(id).await? {
        return Ok(Found::Ended(Box::new(ended)));
    }
    if let Some(open) = site.daemon.open_run(id).await? {
        return Ok(Found::Open(Box::new(open)));
    }
    // It may have ended between the two looks.
    let ended = site.daemon.run(id).await?;
    Ok(ended.map_or(Found::Nowhere, |ended| Found::Ended(Box::new(ended))))
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
        held: None,
    };
    told(&title, caller, &record.probe, &run::run(&view, &content))
}

fn open(site: &Shared, caller: &Caller, open: &OpenRun) -> Response {
    let view = view(site);
    let title = format!("in flight {}", view.look.text(&open.probe));
    told(&title, caller, &open.probe, &run::open(&view, open))
}

/// The page as it changes: with each run of its probe, since the one after it and those of its tick stand on it too.
fn told(title: &str, caller: &Caller, probe: &str, content: &Markup) -> Response {
    let content = html! {
        div #run-page data-live="" { (content) }
    };
    live(title, caller, &format!("?probe={}", segment(probe)), &content).into_response()
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
