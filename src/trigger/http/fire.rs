//! One firing: the request leaves, the answer is read, what went wrong is named.

use std::collections::BTreeMap;
use std::error::Error as _;
use std::sync::Arc;

use reqwest::{Client, Request};
use serde_json::Value;

use super::timing::{NOTE, NoAddress, Note};
use crate::clock::Clock;
use crate::model::{Answer, Fault, Moment, Reason, Response, SendFailure, Timings};
use crate::trigger::Shot;

/// Everything one firing needs.
pub(super) struct Firing {
    pub(super) client: Client,
    pub(super) request: Request,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) body_limit: usize,
}

/// An answer as it came over the wire.
struct Came {
    response: Response,
    first_byte: Moment,
    attributes: BTreeMap<String, String>,
}

impl Firing {
    pub(super) async fn fire(self, shot: Shot) -> Answer {
        let clock = self.clock.clone();
        let began = clock.now();
        let note = Note::new(shot.sent);
        let came = NOTE.scope(note.clone(), self.exchange(&note)).await;
        let answered_at = clock.now();
        let (left, dns, connect) = note.read();
        let sent_at = left.unwrap_or(began);
        let mut timings = Timings {
            dns,
            connect,
            ..Timings::default()
        };
        let mut attributes = BTreeMap::new();
        let outcome = match came {
            Ok(came) => {
                timings.first_byte = Some(came.first_byte.seconds_since(sent_at));
                timings.total = Some(answered_at.seconds_since(sent_at));
                attributes = came.attributes;
                Ok(Response {
                    seconds: answered_at.seconds_since(sent_at),
                    ..came.response
                })
            }
            Err(fault) => Err(SendFailure {
                fault,
                in_doubt: left.is_some(),
            }),
        };
        Answer {
            outcome,
            sent_at,
            answered_at,
            timings,
            attributes,
        }
    }

    async fn exchange(self, note: &Note) -> Result<Came, Fault> {
        let Self {
            client,
            request,
            clock,
            body_limit,
        } = self;
        let place = place(&request);
        let mut response = client
            .execute(request)
            .await
            .map_err(|error| fault(&error, &place))?;
        let first_byte = clock.now();
        // A kept connection has no connecting to tell when the request left; it left before its answer began.
        note.leaves(first_byte);
        let mut attributes = BTreeMap::new();
        if let Some(address) = response.remote_addr() {
            attributes.insert(String::from("address"), address.to_string());
        }
        attributes.insert(
            String::from("protocol"),
            format!("{:?}", response.version()).to_lowercase(),
        );
        let status = i64::from(response.status().as_u16());
        let mut headers: BTreeMap<String, String> = BTreeMap::new();
        for (name, value) in response.headers() {
            let value = String::from_utf8_lossy(value.as_bytes());
            let entry = headers.entry(name.as_str().to_owned()).or_default();
            if !entry.is_empty() {
                entry.push_str(", ");
            }
            entry.push_str(&value);
        }
        let mut body = Vec::new();
        let mut whole = true;
        while let Some(chunk) = response.chunk().await.map_err(|error| fault(&error, &place))? {
            let room = body_limit - body.len();
            body.extend_from_slice(&chunk[..chunk.len().min(room)]);
            if chunk.len() > room {
                whole = false;
                break;
            }
        }
        if !whole {
            attributes.insert(
                String::from("body"),
                format!("cut at body_limit, {body_limit} bytes"),
            );
        }
        let json = if whole {
            serde_json::from_slice(&body).unwrap_or(Value::Null)
        } else {
            Value::Null
        };
        let body = String::from_utf8_lossy(&body).into_owned();
        let response = Response {
            status,
            headers,
            body,
            json,
            seconds: 0.0,
        };
        Ok(Came {
            response,
            first_byte,
            attributes,
        })
    }
}

/// `host:port` of a request, for messages.
fn place(request: &Request) -> String {
    let url = request.url();
    let host = url.host_str().unwrap_or("?");
    url.port_or_known_default()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// What went wrong, by the innermost cause that says so.
fn fault(error: &reqwest::Error, place: &str) -> Fault {
    let mut chain = Vec::new();
    let mut next: Option<&(dyn std::error::Error + 'static)> = error.source();
    while let Some(cause) = next {
        chain.push(cause);
        next = cause.source();
    }
    let last = chain
        .last()
        .map_or_else(|| error.to_string(), ToString::to_string);
    if let Some(missing) = chain.iter().find_map(|c| c.downcast_ref::<NoAddress>()) {
        return Fault::new(Reason::Dns, missing.to_string());
    }
    if error.is_timeout() {
        let doing = if error.is_connect() {
            "connecting to"
        } else {
            "waiting for the answer of"
        };
        return Fault::new(Reason::Timeout, format!("timed out {doing} {place}"));
    }
    if chain.iter().any(|c| is_tls(*c)) {
        return Fault::new(Reason::Tls, format!("TLS with {place}: {last}"));
    }
    let reason = if error.is_connect() {
        Reason::Unreachable
    } else if chain.iter().any(|c| is_reset(*c)) {
        Reason::Reset
    } else {
        Reason::Protocol
    };
    Fault::new(reason, format!("{place}: {last}"))
}

fn is_tls(cause: &(dyn std::error::Error + 'static)) -> bool {
    let inside = |error: &std::io::Error| error.get_ref().is_some_and(|e| e.is::<rustls::Error>());
    cause.is::<rustls::Error>() || cause.downcast_ref::<std::io::Error>().is_some_and(inside)
}

fn is_reset(cause: &(dyn std::error::Error + 'static)) -> bool {
    use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    let broken = |error: &std::io::Error| {
        matches!(
            error.kind(),
            ConnectionReset | ConnectionAborted | BrokenPipe | UnexpectedEof
        )
    };
    cause.downcast_ref::<std::io::Error>().is_some_and(broken)
        || cause
            .downcast_ref::<hyper::Error>()
            .is_some_and(|e| e.is_incomplete_message() || e.is_closed())
}
