//! What becomes known of one request while others work for it: when it left, what looking up and connecting took.
//!
//! A client serves many runs at once, and its resolver and connector do not know for whom they work; the run's task
//! carries a note for them. The body carries it too: the connection asks for the body as it writes the request's head,
//! on a fresh connection as on a kept one, and that is when the first byte leaves.

use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

use crate::clock::Clock;
use crate::model::Moment;

tokio::task_local! {
    /// The note of the run whose request this task fires.
    pub(super) static NOTE: Arc<Note>;
}

/// What is noted of one request.
pub(super) struct Note {
    clock: Arc<dyn Clock>,
    inner: Mutex<Inner>,
}

/// The figures of a note.
#[derive(Default)]
pub(super) struct Inner {
    /// Seconds of looking up; `None` where there was nothing to look up.
    pub(super) dns: Option<f64>,
    /// Seconds of looking up, connecting and the TLS handshake; `None` on a kept connection.
    pub(super) dialled: Option<f64>,
    /// Seconds of the TLS handshake among them; `None` where there was none.
    pub(super) tls: Option<f64>,
    /// What the name resolved to.
    pub(super) address: Option<IpAddr>,
    /// When the first byte of the request left.
    pub(super) left: Option<Moment>,
    /// When the handshake began that has not ended.
    shaking: Option<Moment>,
    told: Option<Box<dyn FnOnce(Moment) + Send>>,
}

impl Note {
    /// A note that tells `sent` once.
    pub(super) fn new(clock: Arc<dyn Clock>, told: Box<dyn FnOnce(Moment) + Send>) -> Arc<Self> {
        let inner = Inner {
            told: Some(told),
            ..Inner::default()
        };
        Arc::new(Self {
            clock,
            inner: Mutex::new(inner),
        })
    }

    /// What is known so far.
    pub(super) fn read(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A name was looked up. Redirects may look up again: times add up.
    pub(super) fn looked_up(&self, seconds: f64, found: Option<IpAddr>) {
        let mut inner = self.read();
        *inner.dns.get_or_insert(0.0) += seconds;
        inner.address = found.or(inner.address);
    }

    /// A TLS handshake begins. Through a proxy that speaks TLS the second is that with the server, and counts.
    pub(super) fn shakes_hands(&self) {
        let now = self.clock.now();
        self.read().shaking = Some(now);
    }

    /// A connection was made, or not; a handshake was the last of it. Times add up.
    pub(super) fn connected(&self, seconds: f64) {
        let now = self.clock.now();
        let mut inner = self.read();
        *inner.dialled.get_or_insert(0.0) += seconds;
        if let Some(began) = inner.shaking.take() {
            *inner.tls.get_or_insert(0.0) += now.seconds_since(began);
        }
    }

    /// The head is about to be written; only the first call counts.
    fn leaves(&self) {
        let (at, told) = {
            let mut inner = self.read();
            if inner.left.is_some() {
                return;
            }
            let at = self.clock.now();
            inner.left = Some(at);
            (at, inner.told.take())
        };
        if let Some(told) = told {
            told(at);
        }
    }
}

/// A body in memory that notes when the connection takes it up.
pub(super) struct Noted {
    bytes: Bytes,
    note: Arc<Note>,
}

impl Noted {
    pub(super) const fn new(bytes: Bytes, note: Arc<Note>) -> Self {
        Self { bytes, note }
    }
}

impl Body for Noted {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.note.leaves();
        let bytes = std::mem::take(&mut self.bytes);
        Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
    }

    /// Asked by the connection, of HTTP/1.1 and of HTTP/2, just before it writes the head, and by nobody earlier.
    fn is_end_stream(&self) -> bool {
        self.note.leaves();
        self.bytes.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.len() as u64)
    }
}
