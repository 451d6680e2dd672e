//! Alerts, told to real peers.

mod formats;
mod peers;
mod service;
mod trouble;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use landfall::alert::Notice;
use landfall::alert::destination::{Destination, DestinationConfig, OpenContext};
use landfall::clock::SystemClock;
use landfall::definition::RunScope;
use landfall::model::Scope;
use serde_json::{Map, Value, json};

/// What a peer was sent: headers and body.
pub(crate) type Got = (BTreeMap<String, String>, String);

/// An HTTP peer that answers as it is told.
#[derive(Clone)]
pub(crate) struct Peer {
    pub(crate) url: String,
    pub(crate) answer: Arc<Mutex<u16>>,
    got: Arc<Mutex<Vec<Got>>>,
}

impl Peer {
    pub(crate) async fn start() -> Self {
        let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let peer = Self {
            url: format!("http://{}/hook", socket.local_addr().unwrap()),
            answer: Arc::new(Mutex::new(200)),
            got: Arc::default(),
        };
        let app = axum::Router::new().fallback(take).with_state(peer.clone());
        tokio::spawn(async move { axum::serve(socket, app).await });
        peer
    }

    pub(crate) fn got(&self) -> Vec<Got> {
        self.got.lock().unwrap().clone()
    }
}

async fn take(State(peer): State<Peer>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let headers = headers
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    let body = String::from_utf8(body.to_vec()).unwrap();
    peer.got.lock().unwrap().push((headers, body));
    StatusCode::from_u16(*peer.answer.lock().unwrap()).unwrap()
}

/// A destination as `landfall.yaml` would give it.
fn opened(config: Value, root: &Path) -> Arc<dyn Destination> {
    let config: DestinationConfig = serde_json::from_value(config).unwrap();
    let context = OpenContext {
        root: root.to_owned(),
        clock: Arc::new(SystemClock::start()),
        scope: Arc::new(|names| {
            let start = RunScope::of_vars(&Map::new());
            let with = |scope: RunScope, (name, value): (&str, Value)| scope.with(name, value);
            Arc::new(names.into_iter().fold(start, with)) as Arc<dyn Scope>
        }),
    };
    config.open(&context).unwrap()
}

/// An alert whose every text from outside wants to break out.
fn hostile() -> Notice {
    let nasty = "\"}],\"x\":[{\"<!channel> <https://evil.test|click> {{ vars.secret }} [a](javascript:x)";
    serde_json::from_value(json!({
        "version": 1, "id": "a1b2c3d4e5f60718-1", "alert": "a1b2c3d4e5f60718", "event": "opened", "state": "firing",
        "severity": "page", "was": null, "topic": "outcome",
        "title": format!("orders: 3 in a row mismatched on stripe {nasty}"),
        "text": format!("orders: 3 in a row mismatched on stripe\n  seen {nasty}\n"),
        "probe": "orders", "description": "Orders.", "location": "eu-west", "labels": { "team": "payments" },
        "at": "2026-03-01T12:03:00.000Z", "since": "2026-03-01T12:00:00.000Z", "opened": "2026-03-01T12:03:00.000Z",
        "ended": null, "seconds": 180.0, "routes": [], "more_routes": 0, "late_after_all": 0, "marks": [],
        "facts": [{ "title": "Seen", "value": nasty }],
        "links": { "probe": "https://probes.test/probes/orders?from=2026-03-01T11:00:00Z", "run": null, "any": "https://probes.test/probes/orders?from=2026-03-01T11:00:00Z" },
        "summary": null,
    }))
    .unwrap()
}
