//! A status address.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::extract::{Path, State};
use axum::http::header::CONNECTION;
use axum::http::{HeaderName, StatusCode};
use futures::FutureExt;
use futures::future::BoxFuture;
use landfall::model::Token;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::{Again, Nature, Outage, Peer, Second, Stage};

type Bodies = Arc<Mutex<HashMap<String, Vec<u8>>>>;

pub(super) struct Resource {
    at: SocketAddr,
    bodies: Bodies,
    task: JoinHandle<()>,
}

impl Resource {
    pub(super) async fn start() -> Self {
        let bodies = Bodies::default();
        let (at, task) = serve(([127, 0, 0, 1], 0).into(), bodies.clone()).await;
        Self { at, bodies, task }
    }
}

async fn serve(at: SocketAddr, bodies: Bodies) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind(at).await.unwrap();
    let at = listener.local_addr().unwrap();
    let app = axum::Router::new()
        .route("/orders/{name}", axum::routing::get(answer))
        .with_state(bodies);
    let serving = async move { axum::serve(listener, app).await.unwrap() };
    (at, tokio::spawn(serving))
}

/// Each answer ends its connection, so that none outlives the server.
async fn answer(
    State(bodies): State<Bodies>,
    Path(name): Path<String>,
) -> (StatusCode, [(HeaderName, &'static str); 1], Vec<u8>) {
    let found = bodies.lock().unwrap().get(&name).cloned();
    let status = found.as_ref().map_or(StatusCode::NOT_FOUND, |_| StatusCode::OK);
    (status, [(CONNECTION, "close")], found.unwrap_or_default())
}

impl Peer for Resource {
    fn settings(&self) -> Value {
        json!({ "url": format!("http://{}/orders/{{{{ token }}}}", self.at), "poll": "50ms" })
    }

    fn nature(&self) -> Nature {
        Nature {
            places: &["path"],
            again: &[],
            second: Second::Transition,
            outage: Outage::NotYet,
            polled: true,
            limit: (|| json!({ "body_limit": 1024 }), "body_limit"),
            over: 4096,
            offers: &[],
        }
    }

    fn put<'a>(
        &'a mut self,
        _: &'a Value,
        _: &'static str,
        token: &'a Token,
        content: &'a [u8],
    ) -> BoxFuture<'a, ()> {
        let mut bodies = self.bodies.lock().unwrap();
        let body = bodies.entry(token.to_string()).or_default();
        // Another state each time.
        *body = [body, b"paid ".as_slice(), content].concat();
        async {}.boxed()
    }

    fn again<'a>(&'a mut self, _: &'a Value, _: Again) -> BoxFuture<'a, ()> {
        async {}.boxed()
    }

    fn down<'a>(&'a mut self, _: &'a Stage) -> BoxFuture<'a, ()> {
        self.task.abort();
        let at = self.at;
        async move {
            while TcpListener::bind(at).await.is_err() {
                tokio::task::yield_now().await;
            }
        }
        .boxed()
    }

    fn up<'a>(&'a mut self, _: &'a Stage) -> BoxFuture<'a, ()> {
        async move {
            self.task = serve(self.at, self.bodies.clone()).await.1;
        }
        .boxed()
    }
}
