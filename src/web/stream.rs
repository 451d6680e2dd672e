//! A connection's bytes, watched: what phase it is in, whether its sender waits for answers, and a close that lets the
//! answer be read.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures::future::BoxFuture;
use rustix::net::RecvFlags;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::{Limits, Word};
use crate::clock::Clock;
use crate::model::Moment;

/// As many bytes of a request as tell that a request begins there.
const OPENING: usize = 16;

/// What a connection is waiting for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The rest of a head.
    Head,
    /// A body or a handler: those have limits of their own.
    Busy,
    /// The sender, to read the answer.
    Writing,
    /// The next request.
    Idle,
}

/// How far a connection is. Shared by its stream, its service and its watchdog.
#[derive(Debug)]
pub(super) struct Progress(Mutex<State>);

#[derive(Debug)]
struct State {
    phase: Phase,
    since: Moment,
    /// Nothing was written yet: there is no answer to be proved.
    first: bool,
    /// Bytes had come before the answer was written.
    early: bool,
    /// The first bytes that were read after the last that was written.
    opening: Vec<u8>,
}

impl Progress {
    pub(super) fn new(now: Moment) -> Self {
        Self(Mutex::new(State {
            phase: Phase::Head,
            since: now,
            first: true,
            early: false,
            opening: Vec::with_capacity(OPENING),
        }))
    }

    /// A head is whole. False where the request may have been sent before the last answer was received: it is not the
    /// whole of what came after that answer (RFC 9112, section 9.3.2: pipelining).
    pub(super) fn head(&self, method: &str, now: Moment) -> bool {
        let mut state = self.lock();
        state.phase = Phase::Busy;
        state.since = now;
        let opening = state.opening.trim_ascii_start();
        let begins = opening.starts_with(method.get(..OPENING).unwrap_or(method).as_bytes());
        state.first || (!state.early && begins)
    }

    /// The answer is ready.
    pub(super) fn answered(&self, now: Moment) {
        let mut state = self.lock();
        state.phase = Phase::Writing;
        state.since = now;
        state.early = false;
    }

    /// When the connection is to be cut, and why.
    pub(super) fn deadline(&self, limits: &Limits) -> Option<(Moment, Word)> {
        let state = self.lock();
        let (limit, word) = match state.phase {
            Phase::Head => (limits.head, Word::HeadTimeout),
            Phase::Busy => return None,
            Phase::Writing => (limits.write, Word::WriteTimeout),
            Phase::Idle => (limits.idle, Word::Idle),
        };
        Some((state.since.after(limit), word))
    }

    fn read(&self, bytes: &[u8], clock: &dyn Clock) {
        let mut state = self.lock();
        let room = OPENING - state.opening.len();
        let first = &bytes[..bytes.len().min(room)];
        state.opening.extend_from_slice(first);
        if state.phase == Phase::Idle {
            state.phase = Phase::Head;
            state.since = clock.now();
        }
    }

    fn writes(&self, tcp: &TcpStream, clock: &dyn Clock) {
        let mut state = self.lock();
        state.opening.clear();
        if state.phase == Phase::Busy {
            // An interim `100 Continue`, no answer.
            return;
        }
        if state.phase != Phase::Writing {
            state.phase = Phase::Writing;
            state.since = clock.now();
        }
        state.first = false;
        let mut byte = [0; 1];
        let waiting = rustix::net::recv(tcp, &mut byte, RecvFlags::PEEK | RecvFlags::DONTWAIT);
        state.early |= waiting.is_ok_and(|(_, read)| read > 0);
    }

    fn flushed(&self, clock: &dyn Clock) {
        let mut state = self.lock();
        if state.phase == Phase::Writing {
            state.phase = Phase::Idle;
            state.since = clock.now();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The stream that hyper is given.
pub(super) struct Watched {
    tcp: TcpStream,
    progress: Arc<Progress>,
    clock: Arc<dyn Clock>,
    linger: Duration,
    left: usize,
    closing: Option<BoxFuture<'static, ()>>,
}

impl Watched {
    pub(super) fn new(
        tcp: TcpStream,
        progress: Arc<Progress>,
        clock: Arc<dyn Clock>,
        limits: &Limits,
    ) -> Self {
        Self {
            tcp,
            progress,
            clock,
            linger: limits.linger,
            left: limits.linger_bytes,
            closing: None,
        }
    }

    /// Reads and throws away what the sender still sends: closing a socket with unread bytes resets the connection,
    /// and the sender would lose the answer (RFC 9112, section 9.6).
    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut scrap = [0; 4096];
        while self.left > 0 {
            let mut buf = ReadBuf::new(&mut scrap);
            let read = ready!(Pin::new(&mut self.tcp).poll_read(cx, &mut buf));
            if read.is_err() || buf.filled().is_empty() {
                break;
            }
            self.left = self.left.saturating_sub(buf.filled().len());
        }
        Poll::Ready(())
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.tcp).poll_read(cx, buf))?;
        if let Some(bytes @ [_, ..]) = buf.filled().get(before..) {
            this.progress.read(bytes, this.clock.as_ref());
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Watched {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<std::io::Result<usize>> {
        let this = self.get_mut();
        this.progress.writes(&this.tcp, this.clock.as_ref());
        Pin::new(&mut this.tcp).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        let this = self.get_mut();
        this.progress.writes(&this.tcp, this.clock.as_ref());
        Pin::new(&mut this.tcp).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        let this = self.get_mut();
        ready!(Pin::new(&mut this.tcp).poll_flush(cx))?;
        this.progress.flushed(this.clock.as_ref());
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        let this = self.get_mut();
        let mut pause = match this.closing.take() {
            Some(pause) => pause,
            None => {
                ready!(Pin::new(&mut this.tcp).poll_shutdown(cx))?;
                this.clock.sleep(this.linger)
            }
        };
        if pause.as_mut().poll(cx).is_ready() || this.poll_drain(cx).is_ready() {
            return Poll::Ready(Ok(()));
        }
        this.closing = Some(pause);
        Poll::Pending
    }
}
