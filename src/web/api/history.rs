//! What separates a probe's bad runs from good, and the ways that its runs took.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use schemars::JsonSchema;
use serde::Serialize;

use super::params::{Name, Query};
use super::problem::FieldError;
use super::{Problem, json};
use crate::report::causes::Causes;
use crate::report::html::probe::ProbeData;
use crate::report::paths::Paths;
use crate::report::series::Window;
use crate::web::daemon::{AskedRange, ProbeAsk};
use crate::web::site::Shared;

/// The window where nothing else is asked for.
const WINDOW: Duration = Duration::from_hours(7 * 24);
/// Whoever asks waits so long at the most.
const PATIENCE: Duration = Duration::from_secs(30);

/// What separates bad runs from good among the last of a window.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub(super) struct CausesAnswer {
    #[serde(flatten)]
    of: LookedAt,
    #[serde(flatten)]
    causes: Causes,
}

/// The ways that the last runs of a window took.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub(super) struct PathsAnswer {
    #[serde(flatten)]
    of: LookedAt,
    #[serde(flatten)]
    paths: Paths,
}

/// Which runs were looked through.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub(super) struct LookedAt {
    /// When the answer was made, RFC 3339.
    made: String,
    /// The window: runs whose tick is not before `since` and before `until`.
    window: Window,
    /// So many runs of it, the newest, were looked through.
    looked_at: u64,
    /// The most that are: where as many were, the window holds more.
    most: u64,
}

/// Which runs of a probe.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it describes what `data` reads")]
struct Asked {
    /// Only runs whose tick is not before this; the last seven days where it is left out
    since: Option<String>,
    /// Only runs whose tick is before this; needs `since`
    until: Option<String>,
    /// Only these routes
    route: Option<Vec<String>>,
    /// Only these inputs
    input: Option<Vec<String>>,
}

/// What separates a probe's bad runs from good, as `landfall explain --format json` tells it, among the last 5,000 runs of the
/// window at the most.
#[utoipa::path(get, path = "/api/v1/probes/{probe}/causes", tag = "probes", operation_id = "causes",
    params(("probe" = String, Path, description = "Its name"), Asked),
    responses((status = 200, description = "What separates them", body = CausesAnswer)))]
pub(super) async fn causes(
    State(site): State<Shared>,
    Name(probe): Name,
    query: Query,
) -> Result<Response, Problem> {
    let data = data(&site, probe, query).await?;
    let causes = data.causes.clone().ok_or_else(Problem::internal)?;
    let answer = CausesAnswer {
        of: looked_at(&data),
        causes,
    };
    Ok(json(&site, StatusCode::OK, &answer))
}

/// The ways that a probe's runs took and how each ended, as `landfall paths --format json` tells it, over the last 5,000 runs
/// of the window at the most.
#[utoipa::path(get, path = "/api/v1/probes/{probe}/paths", tag = "probes", operation_id = "paths",
    params(("probe" = String, Path, description = "Its name"), Asked),
    responses((status = 200, description = "The ways", body = PathsAnswer)))]
pub(super) async fn paths(
    State(site): State<Shared>,
    Name(probe): Name,
    query: Query,
) -> Result<Response, Problem> {
    let data = data(&site, probe, query).await?;
    let paths = data.paths.clone().ok_or_else(Problem::internal)?;
    let answer = PathsAnswer {
        of: looked_at(&data),
        paths,
    };
    Ok(json(&site, StatusCode::OK, &answer))
}

fn looked_at(data: &ProbeData) -> LookedAt {
    LookedAt {
        made: data.made.to_rfc3339(),
        window: Window::new(Some(data.course.since), data.course.until),
        looked_at: data.looked_at,
        most: data.most,
    }
}

async fn data(site: &Shared, probe: String, mut query: Query) -> Result<Arc<ProbeData>, Problem> {
    let (since, until) = (query.moment("since"), query.moment("until"));
    let (routes, inputs) = (query.all("route"), query.all("input"));
    query.finish(&["since", "until", "route", "input"])?;
    let wrong = |name: &str, detail: String| Problem::invalid(vec![FieldError::parameter(name, detail)]);
    let range = match (since, until) {
        (None, None) => AskedRange::Last(WINDOW),
        (None, Some(_)) => {
            let detail = "`until` needs `since`, the instant at which the window begins";
            return Err(wrong("until", String::from(detail)));
        }
        (Some(since), until) => {
            let end = until.unwrap_or_else(|| site.clock.now());
            if since >= end {
                let detail = format!("`since` ({since}) has to be before `until` ({end})");
                return Err(wrong("since", detail));
            }
            until.map_or(AskedRange::Since(since), |until| {
                AskedRange::Between(since, until)
            })
        }
    };
    let ask = ProbeAsk {
        probe,
        range,
        routes,
        inputs,
    };
    let answer = site.daemon.probe(ask, PATIENCE).await?;
    answer.data.filter(|data| !data.partial).ok_or_else(|| {
        let why = match answer.stale.is_empty() {
            true => String::from("the answer is being made: ask again in some seconds"),
            false => answer.stale,
        };
        Problem::unavailable(why)
    })
}
