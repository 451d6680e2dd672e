//! Serves one connection, within the limits.

use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::future::BoxFuture;
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use hyper::header::{CONNECTION, CONTENT_TYPE, HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use hyper::server::conn::http1;
use hyper::{Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::listener::Shared;
use super::site::Site;
use super::source::{Source, client};
use super::stream::{Progress, Watched};
use super::work::Work;
use super::{Word, body, surface};
use crate::channel::{Handler, Reply, Request};
use crate::model::Moment;

type Answered = Response<Either<Full<Bytes>, axum::body::Body>>;

/// hyper takes no smaller buffer than this.
const LEAST_BUFFER: usize = 8192;

/// The service cuts the connection without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection is cut without an answer, as `answers` asks for")]
struct Cut;

/// One connection.
pub(super) struct Connection {
    shared: Arc<Shared>,
    peer: SocketAddr,
    progress: Arc<Progress>,
    number: std::sync::atomic::AtomicU64,
}

/// Serves requests until either side has done with the connection.
pub(super) async fn serve(shared: Arc<Shared>, tcp: TcpStream, peer: SocketAddr) {
    let progress = Arc::new(Progress::new(shared.clock.now()));
    let stream = Watched::new(
        tcp,
        Arc::clone(&progress),
        Arc::clone(&shared.clock),
        &shared.limits,
    );
    let connection = Arc::new(Connection {
        number: shared.next_number().into(),
        shared: Arc::clone(&shared),
        peer,
        progress: Arc::clone(&progress),
    });
    let service = hyper::service::service_fn(move |request| {
        let connection = Arc::clone(&connection);
        async move { connection.answer(request).await }
    });
    let limits = &shared.limits;
    let mut served = pin!(
        http1::Builder::new()
            // The watchdog tells silence, a slow head and a slow reader apart; hyper's own timer does not.
            .header_read_timeout(None)
            .max_headers(limits.headers)
            .max_header_size(limits.head_bytes)
            .max_buf_size(limits.head_bytes.saturating_mul(2).max(LEAST_BUFFER))
            .serve_connection(TokioIo::new(stream), service)
    );
    let mut stopping = Box::pin(shared.stopping.cancelled());
    let mut killed = Box::pin(shared.killed.cancelled());
    let mut told = false;
    let mut watchdog = Watchdog { alarm: None };
    let end = poll_fn(|cx| {
        if !told && stopping.as_mut().poll(cx).is_ready() {
            told = true;
            served.as_mut().graceful_shutdown();
        }
        if let Poll::Ready(end) = served.as_mut().poll(cx) {
            return Poll::Ready(end.err().and_then(|error| word_of(&error)));
        }
        if killed.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Some(Word::Stopped));
        }
        watchdog.poll(&progress, &shared, cx).map(Some)
    })
    .await;
    if let Some(word) = end {
        shared.counters.add(word);
    }
}

/// Under what a connection's end is counted, where it was not a good one.
fn word_of(error: &hyper::Error) -> Option<Word> {
    if error.is_parse_too_large() {
        Some(Word::HeadTooLarge)
    } else if error.is_parse() {
        Some(Word::Malformed)
    } else if error.is_user() || error.is_shutdown() {
        None
    } else {
        Some(Word::Aborted)
    }
}

/// Ends a connection that keeps landfall waiting.
struct Watchdog {
    alarm: Option<(Moment, BoxFuture<'static, ()>)>,
}

impl Watchdog {
    /// Every change of phase is followed by a poll of the connection's task, so deadlines need no signal of their own.
    fn poll(&mut self, progress: &Progress, shared: &Shared, cx: &mut Context<'_>) -> Poll<Word> {
        while let Some((due, word)) = progress.deadline(&shared.limits) {
            match &mut self.alarm {
                // An alarm that rings too early costs one look; setting it anew for each phase would cost more.
                Some((at, alarm)) if *at <= due => {
                    if alarm.as_mut().poll(cx).is_pending() {
                        return Poll::Pending;
                    }
                    if shared.clock.now() >= due {
                        return Poll::Ready(word);
                    }
                    self.alarm = None;
                }
                _ => self.alarm = Some((due, shared.clock.sleep_until(due))),
            }
        }
        Poll::Pending
    }
}

impl Connection {
    async fn answer(self: Arc<Self>, request: hyper::Request<Incoming>) -> Result<Answered, Cut> {
        self.shared.counters.add(Word::Requests);
        let path = request.uri().path();
        if let Some(site) = self.shared.site.get()
            && surface::takes(path)
            && self.shared.routes.find(path).is_none()
        {
            return Ok(self.surface(site, request).await);
        }
        let (head, incoming) = self.head(request);
        let reply = self.reply(head, incoming).await;
        self.progress.answered(self.shared.clock.now());
        if reply.status == 0 {
            Err(Cut)
        } else {
            Ok(response(&reply))
        }
    }

    /// API, pages and health.
    async fn surface(&self, site: &Site, request: hyper::Request<Incoming>) -> Answered {
        self.number(request.method().as_str(), self.shared.clock.now());
        let forwarded = request.headers().get_all("x-forwarded-for").iter();
        let forwarded: Vec<&str> = forwarded.filter_map(|value| value.to_str().ok()).collect();
        let ip = client(self.peer.ip(), &self.shared.proxies, &forwarded.join(","));
        let response = surface::serve(&self.shared, site, ip, request).await;
        self.progress.answered(self.shared.clock.now());
        response.map(Either::Right)
    }

    /// Which connection a request counts as that has come in now.
    fn number(&self, method: &str, now: Moment) -> u64 {
        if self.progress.head(method, now) {
            return self.number.load(Ordering::Relaxed);
        }
        // What was sent before the answer was received proves nothing about it, so it counts as another connection.
        let fresh = self.shared.next_number();
        self.number.store(fresh, Ordering::Relaxed);
        fresh
    }

    fn head(&self, request: hyper::Request<Incoming>) -> (Request, Incoming) {
        let (parts, incoming) = request.into_parts();
        let now = self.shared.clock.now();
        let connection = self.number(parts.method.as_str(), now);
        let headers: Vec<(String, String)> = parts
            .headers
            .iter()
            .map(|(name, value)| {
                let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                (name.as_str().to_owned(), value)
            })
            .collect();
        let head = Request {
            received: now,
            method: parts.method.as_str().to_ascii_uppercase(),
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            peer: self.peer_of(&headers),
            headers,
            body: Bytes::new(),
            connection,
        };
        (head, incoming)
    }

    /// The sender, past listed proxies.
    fn peer_of(&self, headers: &[(String, String)]) -> SocketAddr {
        let forwarded: Vec<&str> = headers
            .iter()
            .filter(|(name, _)| name == "x-forwarded-for")
            .map(|(_, value)| value.as_str())
            .collect();
        let ip = client(self.peer.ip(), &self.shared.proxies, &forwarded.join(","));
        let port = if ip == self.peer.ip().to_canonical() {
            self.peer.port()
        } else {
            0
        };
        SocketAddr::new(ip, port)
    }

    async fn reply(&self, mut head: Request, incoming: Incoming) -> Reply {
        let source = Source::of(head.peer.ip());
        let Some(handler) = self.shared.routes.find(&head.path) else {
            return self.unmatched(source);
        };
        let refused = std::panic::catch_unwind(AssertUnwindSafe(|| handler.refuse(&head)));
        match refused {
            Ok(None) => {}
            Ok(Some(reply)) if reply.status == 404 => return self.unmatched(source),
            Ok(Some(reply)) => return reply,
            Err(_) => return self.dropped(Word::HandlerPanic, handler.as_ref(), &head),
        }
        let mut held = self.shared.pool.hold();
        let reading = body::read(incoming, handler.body_limit(), &mut held);
        let read = tokio::time::timeout(self.shared.limits.body, reading)
            .await
            .unwrap_or(Err(Word::BodyTimeout));
        match read {
            Ok(body) => head.body = body,
            Err(word) => return self.dropped(word, handler.as_ref(), &head),
        }
        head.received = self.shared.clock.now();
        self.handled(handler, head, held).await
    }

    /// What has arrived is put on record also where its sender hangs up, and a panic of the handler ends here.
    async fn handled(&self, handler: Arc<dyn Handler>, request: Request, held: body::Held) -> Reply {
        let head = Request {
            headers: Vec::new(),
            body: Bytes::new(),
            method: request.method.clone(),
            path: request.path.clone(),
            query: request.query.clone(),
            ..request
        };
        let worker = Arc::clone(&handler);
        let handling = async move {
            let reply = worker.handle(request).await;
            drop(held);
            reply
        };
        let mut work = Work::new(self.shared.tasks.clone(), handling);
        let word = match tokio::time::timeout(self.shared.limits.handler, &mut work).await {
            Ok(Ok(reply)) => return reply,
            Ok(Err(_)) => Word::HandlerPanic,
            Err(_) => {
                work.give_up();
                Word::HandlerTimeout
            }
        };
        self.dropped(word, handler.as_ref(), &head)
    }

    /// The one answer for an unknown path, a made-up token and a malformed one.
    fn unmatched(&self, source: Source) -> Reply {
        if self.shared.starting.load(Ordering::Acquire) {
            self.shared.counters.add(Word::Starting);
            return closing(503, "landfall is starting\n").header("retry-after", "1");
        }
        if self.shared.budget.take(source, self.shared.clock.now()) {
            self.shared.counters.add(Word::Unmatched);
            Reply::text(404, "not found\n")
        } else {
            self.shared.counters.add(Word::UnmatchedOverBudget);
            closing(429, "too many requests that match nothing\n").header("retry-after", "1")
        }
    }

    fn dropped(&self, word: Word, handler: &dyn Handler, head: &Request) -> Reply {
        self.shared.counters.add(word);
        if word == Word::Aborted {
            return closing(400, "the body broke off\n");
        }
        handler.dropped(word.word(), Some(head));
        match word {
            Word::BodyTooLarge => closing(
                413,
                format!("the body is over the limit of {} bytes\n", handler.body_limit()),
            ),
            Word::BodyTimeout => closing(408, "the body did not come in time\n"),
            Word::HandlerPanic => Reply::text(500, "internal error\n"),
            Word::HandlerTimeout => closing(503, "the request took too long to handle\n"),
            _ => closing(503, "too many requests are being read\n").header("retry-after", "1"),
        }
    }
}

/// An answer after which the connection is closed, since the rest of the request is not read.
fn closing(status: u16, body: impl Into<String>) -> Reply {
    Reply::text(status, body).header("connection", "close")
}

fn response(reply: &Reply) -> Answered {
    let mut response = Response::new(Either::Left(Full::new(Bytes::from(reply.body.clone()))));
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    for (name, value) in &reply.headers {
        let name = HeaderName::from_bytes(name.as_bytes());
        // A name or value that HTTP cannot carry is refused where it is configured; here it is left out.
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value)) {
            if name == CONTENT_TYPE || name == CONNECTION {
                headers.insert(name, value);
            } else {
                headers.append(name, value);
            }
        }
    }
    response
}
