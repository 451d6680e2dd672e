//! One firing: the request leaves, the answer is read, what went wrong is named.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use reqwest::header::HeaderMap;
use reqwest::{Client, Request, Url};
use serde_json::Value;

use super::config::HttpConfig;
use super::failure::{self, Failure};
use super::note::{NOTE, Note, Noted};
use super::redirect::{self, Next};
use super::request::Rendered;
use crate::clock::Clock;
use crate::model::{Answer, Fault, Moment, Reason, Response, SendFailure, Timings};
use crate::trigger::Shot;

/// Everything one firing needs.
pub(super) struct Firing {
    pub(super) client: Client,
    pub(super) request: Rendered,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) config: Arc<HttpConfig>,
}

/// How far the answer came; kept apart from the task that waits, which a time-out drops.
#[derive(Default)]
struct Came {
    /// The status, and when its first byte came.
    head: Option<(String, Moment)>,
    /// Bytes of the body that were read.
    read: usize,
    attributes: BTreeMap<String, String>,
}

impl Firing {
    pub(super) async fn fire(self, shot: Shot) -> Answer {
        let clock = self.clock.clone();
        let config = self.config.clone();
        let place = place(&self.request.url);
        let port = self.request.url.port_or_known_default();
        let began = clock.now();
        let note = Note::new(clock.clone(), shot.sent);
        let mut came = Came::default();
        let exchange = NOTE.scope(note.clone(), self.exchange(&note, &place, &mut came));
        let outcome = tokio::time::timeout(config.timeout.0, exchange).await;
        let answered_at = clock.now();
        let known = note.read();
        let outcome = outcome.unwrap_or_else(|_| {
            Err(Failure {
                fault: timed_out(&config, &place, known.left.is_some(), &came),
                refused: false,
            })
        });
        let sent_at = known.left.unwrap_or(began);
        let timings = Timings {
            dns: known.dns,
            connect: known
                .dialled
                .map(|whole| (whole - known.dns.unwrap_or(0.0) - known.tls.unwrap_or(0.0)).max(0.0)),
            tls: known.tls,
            first_byte: came.head.as_ref().map(|(_, at)| at.seconds_since(sent_at)),
            total: outcome.is_ok().then(|| answered_at.seconds_since(sent_at)),
        };
        let mut attributes = came.attributes;
        if let (Err(_), Some(ip), Some(port), None) = (&outcome, known.address, port, &config.proxy) {
            let tried = SocketAddr::new(ip, port).to_string();
            attributes.entry(String::from("address")).or_insert(tried);
        }
        let outcome = match outcome {
            Ok(response) => Ok(Response {
                seconds: answered_at.seconds_since(sent_at),
                ..response
            }),
            Err(Failure { fault, refused }) => Err(SendFailure {
                fault,
                in_doubt: known.left.is_some() && !refused,
            }),
        };
        drop(known);
        Answer {
            outcome,
            sent_at,
            answered_at,
            timings,
            attributes,
        }
    }

    async fn exchange(self, note: &Arc<Note>, place: &str, came: &mut Came) -> Result<Response, Failure> {
        let named = |error: reqwest::Error| failure::name(&error, place, note.read().left.is_some());
        let mut more = self.config.redirects.as_ref().map_or(0, |r| r.value);
        let asked = more;
        let mut request = self.request;
        let response = loop {
            // Kept only where it may have to be sent on.
            let again = (asked > 0).then(|| request.clone());
            let sent = self.client.execute(bare(request, note));
            let response = sent.await.map_err(named)?;
            let Some(again) = again else {
                break response;
            };
            match redirect::next(&again, response.status(), response.headers(), more) {
                Next::Follow(next) => request = *next,
                Next::Stop(why) => {
                    let why = why.map(|why| (String::from("redirect"), why.to_owned()));
                    came.attributes.extend(why);
                    break response;
                }
            }
            more -= 1;
        };
        came.head = Some((response.status().to_string(), self.clock.now()));
        if asked > more {
            let followed = (asked - more).to_string();
            came.attributes.insert(String::from("redirects"), followed);
        }
        describe(&self.config, &response, &mut came.attributes);
        let status = i64::from(response.status().as_u16());
        let headers = headers(response.headers());
        let (body, whole) = body(response, self.config.body_limit(), came)
            .await
            .map_err(named)?;
        let json = if whole {
            serde_json::from_slice(&body).unwrap_or(Value::Null)
        } else {
            Value::Null
        };
        Ok(Response {
            status,
            headers,
            body: text(body),
            json,
            seconds: 0.0,
        })
    }
}

/// One request of the client's, its body noting when it leaves.
fn bare(rendered: Rendered, note: &Arc<Note>) -> Request {
    let mut request = Request::new(rendered.method, rendered.url);
    *request.headers_mut() = rendered.headers;
    let body = Noted::new(rendered.body, note.clone());
    *request.body_mut() = Some(reqwest::Body::wrap(body));
    request
}

/// What the trigger itself knows of the answer.
fn describe(config: &HttpConfig, response: &reqwest::Response, out: &mut BTreeMap<String, String>) {
    if let Some(address) = response.remote_addr() {
        out.insert(String::from("address"), address.to_string());
    }
    let protocol = format!("{:?}", response.version()).to_lowercase();
    out.insert(String::from("protocol"), protocol);
    if config.tls.insecure() && response.url().scheme() == "https" {
        out.insert(String::from("tls"), String::from("insecure"));
    }
}

/// Lower-case names; several values of one name are joined (RFC 9110, section 5.3).
fn headers(headers: &HeaderMap) -> BTreeMap<String, String> {
    let mut out: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        match out.get_mut(name.as_str()) {
            Some(entry) => {
                entry.push_str(", ");
                entry.push_str(&value);
            }
            None => drop(out.insert(name.as_str().to_owned(), value.into_owned())),
        }
    }
    out
}

/// The body, up to the limit, and whether that was all of it.
async fn body(
    mut response: reqwest::Response,
    limit: usize,
    came: &mut Came,
) -> Result<(Vec<u8>, bool), reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        let room = limit - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        came.read = body.len();
        if chunk.len() > room {
            let cut = format!("cut at body_limit, {limit} bytes");
            came.attributes.insert(String::from("body"), cut);
            return Ok((body, false));
        }
    }
    Ok((body, true))
}

fn text(body: Vec<u8>) -> String {
    String::from_utf8(body).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

fn timed_out(config: &HttpConfig, place: &str, left: bool, came: &Came) -> Fault {
    let timeout = config.timeout;
    let message = match &came.head {
        Some((status, _)) => format!(
            "{place} answered {status}, and its body was not whole within {timeout} ({} bytes came)",
            came.read
        ),
        None if left => format!("{place} took the request and had not answered within {timeout}"),
        None => format!("no connection to {place} within {timeout}"),
    };
    Fault::new(Reason::Timeout, message)
}

/// `host:port` of a request, for messages.
fn place(url: &Url) -> String {
    let host = url.host_str().unwrap_or("?");
    url.port_or_known_default()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}
