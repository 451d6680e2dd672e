//! The gateway's HTTP server: limits on all that a client may hold, and an answer that may be a reset.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, server::conn::http1};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::api::{self, Answer};
use super::gateway::Gateway;

/// Connections at once; the next waits to be accepted.
const CONNECTIONS: usize = 1_024;
const HEADER_TIME: Duration = Duration::from_secs(30);
const HEADERS: usize = 64;
const BUFFER: usize = 64 * 1024;
/// How long connections may go on once the sandbox is told to stop.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// The pause after the operating system refused to accept.
const PAUSE: Duration = Duration::from_millis(50);

/// Accepts until the gateway is told to stop, then waits for what is under way.
pub(super) async fn run(listener: TcpListener, gateway: Arc<Gateway>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let accept = async {
            // Never closed, so it always grants.
            let place = Arc::clone(&places).acquire_owned().await.ok();
            (listener.accept().await, place)
        };
        let (accepted, place) = tokio::select! {
            () = gateway.stop.cancelled() => break,
            accepted = accept => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                gateway.tasks.spawn(serve(stream, Arc::clone(&gateway), place));
            }
            // Out of file descriptors, mostly: they come back as connections end.
            Err(error) => {
                tracing::warn!(%error, "the sandbox cannot accept a connection");
                gateway.clock.sleep(PAUSE).await;
            }
        }
    }
    drop(listener);
    gateway.tasks.close();
    gateway.tasks.wait().await;
    if let Some(mailer) = &gateway.outbound.mailer {
        mailer.close().await;
    }
}

async fn serve(stream: TcpStream, gateway: Arc<Gateway>, place: Option<OwnedSemaphorePermit>) {
    gateway.connected(true);
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY was refused");
    }
    let reset = Arc::new(AtomicBool::new(false));
    let socket = Socket {
        stream,
        reset: Arc::clone(&reset),
    };
    let answering = Arc::clone(&gateway);
    let service = service_fn(move |request: Request<Incoming>| {
        let (gateway, reset) = (Arc::clone(&answering), Arc::clone(&reset));
        async move {
            match api::answer(&gateway, request).await {
                Answer::Response(response) => Ok(response),
                Answer::Reset => {
                    reset.store(true, Ordering::Release);
                    Err(Cut)
                }
            }
        }
    });
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME)
        .max_headers(HEADERS)
        .max_buf_size(BUFFER);
    let mut connection = std::pin::pin!(builder.serve_connection(TokioIo::new(socket), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        () = gateway.stop.cancelled() => None,
    };
    let ended = match ended {
        Some(ended) => ended,
        None => {
            connection.as_mut().graceful_shutdown();
            // What does not end by then is cut off.
            tokio::time::timeout(LAST_WORDS, connection)
                .await
                .unwrap_or(Ok(()))
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a client's connection ended");
    }
    gateway.connected(false);
    drop(place);
}

/// Why a service answers nothing: it is to be reset.
#[derive(Debug, thiserror::Error)]
#[error("reset by script")]
struct Cut;

/// A client's connection, which can end with a reset instead of a farewell.
struct Socket {
    stream: TcpStream,
    reset: Arc<AtomicBool>,
}

impl Drop for Socket {
    fn drop(&mut self) {
        if self.reset.load(Ordering::Acquire) {
            // Without lingering the close sends RST. Where it is refused, the client sees an end without an answer.
            self.stream.set_zero_linger().ok();
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // A farewell (FIN) first would spoil the reset.
        if self.reset.load(Ordering::Acquire) {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
