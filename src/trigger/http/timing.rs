//! How long looking up and connecting took, told to the request that waits for it.
//!
//! A client serves many runs at once, and its resolver and connector do not know for whom they work; the run's task
//! carries a note for them.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tower::{Layer, Service};

use crate::clock::Clock;
use crate::model::Moment;

tokio::task_local! {
    /// The note of the run whose request this task fires.
    pub(super) static NOTE: Arc<Note>;
}

/// What is noted of one request.
#[derive(Default)]
pub(super) struct Note {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    dns: f64,
    /// Looking up, connecting and the TLS handshake.
    whole: f64,
    /// Connected: from now on the request may have reached the peer.
    sent: Option<Moment>,
    told: Option<Box<dyn FnOnce(Moment) + Send>>,
}

impl Note {
    /// A note that tells `sent` once.
    pub(super) fn new(told: Box<dyn FnOnce(Moment) + Send>) -> Arc<Self> {
        Arc::new(Self {
            inner: Mutex::new(Inner {
                told: Some(told),
                ..Inner::default()
            }),
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The request leaves now; only the first call counts.
    pub(super) fn leaves(&self, at: Moment) {
        let told = {
            let mut inner = self.lock();
            inner.sent.get_or_insert(at);
            inner.told.take()
        };
        if let Some(told) = told {
            told(at);
        }
    }

    /// When it left, and the seconds that looking up and connecting took; `None` where there was none.
    pub(super) fn read(&self) -> (Option<Moment>, Option<f64>, Option<f64>) {
        let inner = self.lock();
        let some = |seconds: f64| (seconds > 0.0).then_some(seconds);
        (
            inner.sent,
            some(inner.dns),
            some((inner.whole - inner.dns).max(0.0)),
        )
    }
}

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
            let found = tokio::net::lookup_host((name.as_str(), 0)).await;
            if let Some(note) = note {
                note.lock().dns += clock.now().seconds_since(began);
            }
            let missing = |why: String| NoAddress {
                name: name.as_str().to_owned(),
                why,
            };
            let mut addresses = found.map_err(|error| missing(error.to_string()))?;
            let first: SocketAddr = addresses
                .next()
                .ok_or_else(|| missing(String::from("no address")))?;
            Ok(Box::new(std::iter::once(first)) as Addrs)
        })
    }
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
                let now = clock.now();
                // Redirects connect again: their times add up.
                note.lock().whole += now.seconds_since(began);
                if connected.is_ok() {
                    note.leaves(now);
                }
            }
            connected
        })
    }
}
