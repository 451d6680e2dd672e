//! Looking up and connecting, one attempt each, and timed.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tower::{Layer, Service};

use super::note::NOTE;
use crate::clock::Clock;

/// Looks up a name and takes the first address: one attempt, no racing, so that it is known what was tried.
#[derive(Clone)]
pub(super) struct OneAddress(pub(super) Arc<dyn Clock>);

/// The name did not resolve.
#[derive(Debug, thiserror::Error)]
#[error("`{name}` does not resolve: {why}")]
pub(super) struct NoAddress {
    name: String,
    why: String,
}

impl Resolve for OneAddress {
    fn resolve(&self, name: Name) -> Resolving {
        let clock = self.0.clone();
        let note = NOTE.try_with(Arc::clone).ok();
        Box::pin(async move {
            let began = clock.now();
            let found = look_up(name.as_str()).await;
            if let Some(note) = note {
                let address = found.as_ref().ok().map(SocketAddr::ip);
                note.looked_up(clock.now().seconds_since(began), address);
            }
            Ok(Box::new(std::iter::once(found?)) as Addrs)
        })
    }
}

async fn look_up(name: &str) -> Result<SocketAddr, NoAddress> {
    let missing = |why: String| NoAddress {
        name: name.to_owned(),
        why,
    };
    let mut found = tokio::net::lookup_host((name, 0))
        .await
        .map_err(|error| missing(error.to_string()))?;
    found
        .next()
        .ok_or_else(|| missing(String::from("it has no address")))
}

/// Times the connector: looking up, connecting and the TLS handshake.
#[derive(Clone)]
pub(super) struct Timed(pub(super) Arc<dyn Clock>);

impl<S> Layer<S> for Timed {
    type Service = TimedConnector<S>;
    fn layer(&self, inner: S) -> TimedConnector<S> {
        TimedConnector {
            inner,
            clock: self.0.clone(),
        }
    }
}

/// The connector with a clock beside it.
#[derive(Clone)]
pub(super) struct TimedConnector<S> {
    inner: S,
    clock: Arc<dyn Clock>,
}

impl<S, R> Service<R> for TimedConnector<S>
where
    S: Service<R>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let clock = self.clock.clone();
        let note = NOTE.try_with(Arc::clone).ok();
        let began = clock.now();
        let connecting = self.inner.call(request);
        Box::pin(async move {
            let connected = connecting.await;
            if let Some(note) = note {
                note.connected(clock.now().seconds_since(began));
            }
            connected
        })
    }
}
