//! Sends events: Standard Webhooks over HTTP/1.1, each request stamped as its first byte leaves.

use std::collections::HashMap;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Request, Uri, header};
use hyper_util::rt::TokioIo;
use sha2::Sha256;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::ledger::Attempt;
use crate::clock::Clock;
use crate::model::Moment;
use crate::tls;

const CONNECT_LIMIT: Duration = Duration::from_secs(2);
const ANSWER_LIMIT: Duration = Duration::from_secs(5);
const ANSWER_BYTES: usize = 64 * 1024;
/// Idle connections kept for each receiver.
const IDLE_LIMIT: usize = 16;
/// Receivers for which idle connections are kept.
const RECEIVER_LIMIT: usize = 64;

/// Where events go out.
pub(super) struct Webhooks {
    clock: Arc<dyn Clock>,
    secret: Option<Vec<u8>>,
    idle: Mutex<HashMap<String, Vec<Connection>>>,
    tls: OnceLock<Result<tokio_rustls::TlsConnector, String>>,
}

/// A connection to a receiver.
pub(super) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    first_byte: Arc<AtomicI64>,
}

/// One event, ready to be sent any number of times.
pub(super) struct Post<'a> {
    pub(super) to: &'a Uri,
    pub(super) id: &'a str,
    pub(super) body: &'a Bytes,
}

impl Webhooks {
    /// `secret` as Standard Webhooks has it: `whsec_` and base64; any other text is taken as its own bytes.
    ///
    /// # Errors
    /// What follows `whsec_` is not base64.
    pub(super) fn new(clock: Arc<dyn Clock>, secret: Option<&str>) -> Result<Self, String> {
        let secret = secret.map(decode_secret).transpose()?;
        Ok(Self {
            clock,
            secret,
            idle: Mutex::default(),
            tls: OnceLock::new(),
        })
    }

    /// An idle connection to the receiver of `to`, or a new one.
    pub(super) async fn connect(&self, to: &Uri, fresh: bool) -> Result<Connection, String> {
        if !fresh && let Some(idle) = self.take_idle(to) {
            return Ok(idle);
        }
        let opened = timeout(CONNECT_LIMIT, self.open(to)).await;
        opened.unwrap_or_else(|_| Err(format!("no connection within {} s", CONNECT_LIMIT.as_secs())))
    }

    /// Sends an event, once, and waits for its answer. Anything but a 2xx is an error.
    pub(super) async fn post(&self, connection: &mut Connection, post: &Post<'_>) -> Attempt {
        connection.first_byte.store(0, Ordering::Release);
        let began = self.clock.now();
        let answer = timeout(ANSWER_LIMIT, self.exchange(connection, post)).await;
        let error = answer
            .unwrap_or_else(|_| Err(format!("no answer within {} s", ANSWER_LIMIT.as_secs())))
            .err();
        let at = match connection.first_byte.load(Ordering::Acquire) {
            0 => began,
            nanos => Moment(nanos),
        };
        Attempt {
            at,
            done: self.clock.now(),
            error,
        }
    }

    /// Keeps a connection for the next event.
    pub(super) fn keep(&self, to: &Uri, connection: Connection) {
        if !connection.sender.is_ready() {
            return;
        }
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() >= RECEIVER_LIMIT {
            idle.clear();
        }
        let of_receiver = idle.entry(receiver(to)).or_default();
        if of_receiver.len() < IDLE_LIMIT {
            of_receiver.push(connection);
        }
    }

    fn take_idle(&self, to: &Uri) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let of_receiver = idle.get_mut(&receiver(to))?;
        std::iter::from_fn(|| of_receiver.pop()).find(|connection| connection.sender.is_ready())
    }

    async fn open(&self, to: &Uri) -> Result<Connection, String> {
        let host = to.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let secure = to.scheme_str() == Some("https");
        let port = to.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let stream = TcpStream::connect((host.as_str(), port))
            .await
            .map_err(|e| format!("cannot connect to {host}:{port}: {e}"))?;
        stream.set_nodelay(true).map_err(|e| e.to_string())?;
        if secure {
            let secure = self.tls.get_or_init(connector).clone()?;
            let name = rustls_pki_types::ServerName::try_from(host.clone())
                .map_err(|e| format!("`{host}` is no server name: {e}"))?;
            let stream = secure.connect(name, stream).await;
            return self
                .speak(stream.map_err(|e| format!("no TLS with {host}:{port}: {}", tls::explain(&e)))?)
                .await;
        }
        self.speak(stream).await
    }

    async fn speak<S>(&self, stream: S) -> Result<Connection, String>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let first_byte = Arc::new(AtomicI64::new(0));
        let stamped = Stamped {
            stream,
            clock: Arc::clone(&self.clock),
            first_byte: Arc::clone(&first_byte),
        };
        let (sender, connection) = handshake(TokioIo::new(stamped))
            .await
            .map_err(|e| e.to_string())?;
        // Ends by itself when the sender is dropped or the receiver hangs up; its error reaches the sender too.
        tokio::spawn(async move { connection.await.ok() });
        Ok(Connection { sender, first_byte })
    }

    async fn exchange(&self, connection: &mut Connection, post: &Post<'_>) -> Result<(), String> {
        let request = self.request(post)?;
        connection.sender.ready().await.map_err(|e| said(&e))?;
        let answer = connection
            .sender
            .send_request(request)
            .await
            .map_err(|e| said(&e))?;
        let status = answer.status();
        // Read whole, or the connection could not be used again.
        let body = Limited::new(answer.into_body(), ANSWER_BYTES).collect().await;
        body.map_err(|e| format!("the answer's body: {e}"))?;
        if status.is_success() {
            return Ok(());
        }
        Err(format!("answered {}", status.as_u16()))
    }

    fn request(&self, post: &Post<'_>) -> Result<Request<Full<Bytes>>, String> {
        let seconds = (self.clock.now().0 / 1_000_000_000).to_string();
        let path = post.to.path_and_query().map_or("/", |path| path.as_str());
        let host = post.to.authority().map_or("", |authority| authority.as_str());
        // What stands before an `@` are credentials, not the host.
        let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
        let mut request = Request::post(path)
            .header(header::HOST, host)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::USER_AGENT, "landfall-sandbox")
            .header("webhook-id", post.id)
            .header("webhook-timestamp", &seconds);
        if let Some(secret) = &self.secret {
            request = request.header("webhook-signature", sign(secret, post.id, &seconds, post.body)?);
        }
        request
            .body(Full::new(post.body.clone()))
            .map_err(|e| e.to_string())
    }
}

fn decode_secret(secret: &str) -> Result<Vec<u8>, String> {
    secret.strip_prefix("whsec_").map_or_else(
        || Ok(secret.as_bytes().to_vec()),
        |encoded| {
            STANDARD
                .decode(encoded)
                .map_err(|_| String::from("the webhook secret is not base64 after `whsec_`"))
        },
    )
}

/// Standard Webhooks: HMAC-SHA-256 over `ID.TIMESTAMP.BODY`.
fn sign(secret: &[u8], id: &str, seconds: &str, body: &[u8]) -> Result<String, String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).map_err(|e| e.to_string())?;
    mac.update(format!("{id}.{seconds}.").as_bytes());
    mac.update(body);
    Ok(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

fn receiver(to: &Uri) -> String {
    format!(
        "{}://{}",
        to.scheme_str().unwrap_or_default(),
        to.authority().map_or("", |authority| authority.as_str())
    )
}

/// An error with what caused it: the outer one alone says nothing.
fn said(error: &hyper::Error) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
}

fn connector() -> Result<tokio_rustls::TlsConnector, String> {
    let config = tls::system().map_err(|fault| fault.message)?;
    Ok(Arc::new(config).into())
}

/// Notes when the first byte of a request is handed to the operating system.
struct Stamped<S> {
    stream: S,
    clock: Arc<dyn Clock>,
    first_byte: Arc<AtomicI64>,
}

impl<S> Stamped<S> {
    fn stamp(&self) {
        let now = self.clock.now().0;
        // Only the first write after the reset counts; losing the exchange means that it was noted before.
        self.first_byte
            .compare_exchange(0, now, Ordering::AcqRel, Ordering::Acquire)
            .ok();
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Stamped<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Stamped<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.stamp();
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.stamp();
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_that_of_the_standard() {
        // The example of the Standard Webhooks reference implementations.
        let secret = decode_secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signature = sign(
            &secret,
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "1614265330",
            br#"{"test": 2432232314}"#,
        );
        assert_eq!(
            signature.unwrap(),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
    }

    #[test]
    fn a_secret_that_is_not_base64_is_refused() {
        assert!(decode_secret("whsec_***").is_err());
        assert_eq!(decode_secret("plain").unwrap(), b"plain");
    }
}
