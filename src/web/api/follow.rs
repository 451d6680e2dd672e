//! Runs as they close and change, as server-sent events.
//!
//! Events are read from the store by their position, and what happens in the daemon only says when to look: so a
//! follower that was away gets what it missed, and one that is slow is merely late.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::stream;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{OwnedSemaphorePermit, broadcast};
use tokio_util::sync::CancellationToken;

use super::params::Query;
use super::problem::FieldError;
use super::{Problem, clean};
use crate::store::RunFilter;
use crate::web::daemon::{Change, Event};
use crate::web::site::{FOLLOWERS, Shared};
use crate::web::surface::Client;

/// Changes that are read at once.
const BATCH: u32 = 100;
/// A line goes out at least so often, so that both ends notice a connection that is gone. Shorter than the
/// listener's own limit for a silent connection.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// How long a follower waits before it comes again, in milliseconds.
const RETRY: u32 = 2000;

/// One follower.
struct Follower {
    site: Shared,
    filter: RunFilter,
    position: u64,
    events: broadcast::Receiver<Event>,
    stopping: CancellationToken,
    begun: bool,
    _place: OwnedSemaphorePermit,
}

/// Follow runs as they close and as their verdicts change: server-sent events called `run`, whose `data` is a
/// `Change` and whose `id` is its position. Sent again as `Last-Event-ID` it catches up what was missed.
#[utoipa::path(get, path = "/api/v1/runs/follow", tag = "runs", operation_id = "follow",
    params(
        ("probe" = Option<Vec<String>>, Query, description = "Only this probe; may be given several times"),
        ("route" = Option<Vec<String>>, Query, description = "Only this route; may be given several times"),
        ("class" = Option<Vec<String>>, Query, description = "Only this class; may be given several times"),
        ("label" = Option<Vec<String>>, Query, description = "Only runs with this label, `key=value`; given several times, all must be there"),
        ("after" = Option<u64>, Query, description = "Go on after this position, as `Last-Event-ID` says it too; 0 is the beginning. Left out: from now on"),
        ("Last-Event-ID" = Option<u64>, Header, description = "The id of the last event that was received"),
    ),
    responses((status = 200, description = "Events until either side ends it", body = Change, content_type = "text/event-stream")))]
pub(super) async fn follow(
    State(site): State<Shared>,
    headers: HeaderMap,
    client: axum::Extension<Client>,
    mut query: Query,
) -> Result<Response, Problem> {
    let filter = super::runs::filter(&mut query);
    let after = query.read_one::<u64>("after", "a position");
    query.finish(&["probe", "route", "class", "label", "after"])?;
    let after = last_event(&headers)?.or(after);
    let place = Arc::clone(&site.followers).try_acquire_owned().map_err(|_| {
        Problem::unavailable(format!(
            "{FOLLOWERS} follow the runs already, and that is the limit"
        ))
    })?;
    // Subscribed before the first look: what happens in between wakes.
    let events = site.daemon.subscribe();
    let position = match after {
        Some(after) => after,
        None => site.daemon.changes(None, 1).await?.1,
    };
    let follower = Follower {
        filter,
        position,
        events,
        stopping: client.stopping.clone(),
        begun: false,
        _place: place,
        site,
    };
    let body = Body::from_stream(stream::unfold(follower, next));
    let kind = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((kind, body).into_response())
}

fn last_event(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let Some(value) = headers.get("last-event-id") else {
        return Ok(None);
    };
    match value.to_str().ok().map(str::trim) {
        Some("") => Ok(None),
        Some(text) if text.parse::<u64>().is_ok() => Ok(text.parse().ok()),
        _ => Err(Problem::invalid(vec![FieldError::parameter(
            "Last-Event-ID",
            "the id of an event is expected: a whole number",
        )])),
    }
}

/// The next piece of the stream; `None` ends it.
async fn next(mut follower: Follower) -> Option<(Result<Bytes, std::convert::Infallible>, Follower)> {
    if !follower.begun {
        follower.begun = true;
        // The position where it begins, so that one who loses the connection before the first event misses nothing.
        let hello = format!("retry: {RETRY}\nid: {}\n: from here on\n\n", follower.position);
        return Some((Ok(Bytes::from(hello)), follower));
    }
    loop {
        let before = follower.position;
        match follower.read().await {
            Ok(text) if !text.is_empty() => return Some((Ok(Bytes::from(text)), follower)),
            // None of them was asked for: look at once for more.
            Ok(_) if follower.position > before => {}
            Ok(_) => match follower.wait().await {
                Woken::Look => {}
                Woken::Heartbeat => return Some((Ok(Bytes::from_static(b":\n\n")), follower)),
                Woken::Stop => return None,
            },
            Err(why) => {
                // The follower comes again by itself and goes on where it was.
                tracing::warn!(%why, "the runs cannot be followed");
                return None;
            }
        }
    }
}

enum Woken {
    Look,
    Heartbeat,
    Stop,
}

impl Follower {
    /// What closed or changed since, as text; moves on past it.
    async fn read(&mut self) -> Result<String, crate::web::daemon::Refused> {
        let (changes, position) = self.site.daemon.changes(Some(self.position), BATCH).await?;
        self.position = position.max(self.position);
        let mut text = String::new();
        for change in changes.iter().filter(|change| self.wants(change)) {
            if let Ok(data) = clean(&self.site, change) {
                text.push_str(&format!("event: run\nid: {}\ndata: {data}\n\n", change.position));
            }
        }
        Ok(text)
    }

    fn wants(&self, Change { run, .. }: &Change) -> bool {
        let among = |wanted: &[String], name: &String| wanted.is_empty() || wanted.contains(name);
        let RunFilter {
            probes,
            routes,
            classes,
            labels,
            ..
        } = &self.filter;
        among(probes, &run.probe)
            && among(routes, &run.route)
            && (classes.is_empty() || classes.contains(&run.class))
            && labels
                .iter()
                .all(|(key, value)| run.labels.get(key) == Some(value))
    }

    async fn wait(&mut self) -> Woken {
        let mut heartbeat = self.site.clock.sleep(HEARTBEAT);
        loop {
            tokio::select! {
                biased;
                () = self.stopping.cancelled() => return Woken::Stop,
                event = self.events.recv() => match event {
                    Ok(Event::Run { .. }) | Err(RecvError::Lagged(_)) => return Woken::Look,
                    Ok(_) => {}
                    Err(RecvError::Closed) => return Woken::Stop,
                },
                () = &mut heartbeat => return Woken::Heartbeat,
            }
        }
    }
}
