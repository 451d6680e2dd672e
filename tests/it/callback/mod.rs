//! The HTTP listener and the `callback` channel, over real sockets.

#![cfg(test)]

mod hostile;
mod intake;
mod limits;
mod listener;
mod plant;
mod repeats;
mod trust;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use landfall::channel::{
    Channel, ChannelConfig, Handler, Listener as _, ObservationSink, OpenContext, Reply, Request,
};
use landfall::clock::SystemClock;
use landfall::diag::Problems;
use landfall::model::{Expr, Fault, Free, Scope, Template, Token, TokenFormat};
use landfall::web::{HttpListener, Limits, Settings};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use crate::support::channel::{RecordingSink, context, test_key};

/// Renders texts as they are, and picks `seen.a.b`.
pub(crate) struct Plain;

impl Scope for Plain {
    fn text(&self, template: &Template) -> Result<String, Fault> {
        Ok(template.source.clone())
    }
    fn json(&self, _: &Free) -> Result<Value, Fault> {
        Ok(Value::Null)
    }
    fn holds(&self, _: &Expr, _: &Value) -> Result<bool, Fault> {
        Ok(false)
    }
    fn pick(&self, expr: &Expr, seen: &Value) -> Result<Option<Value>, Fault> {
        let path = expr.source.trim_start_matches("seen").replace('.', "/");
        Ok(seen.pointer(&path).cloned())
    }
}

/// A listener with one callback channel.
pub(crate) struct Peer {
    pub(crate) listener: Arc<HttpListener>,
    pub(crate) channel: Arc<dyn Channel>,
    pub(crate) sink: Arc<RecordingSink>,
    pub(crate) address: SocketAddr,
    pub(crate) stop: CancellationToken,
    pub(crate) running: tokio::task::JoinHandle<()>,
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Peer {
    pub(crate) async fn start(config: Value) -> Self {
        Self::with(config, Settings::default(), None).await
    }

    pub(crate) async fn limited(limits: Limits) -> Self {
        Self::with(
            json!({}),
            Settings {
                limits,
                ..Settings::default()
            },
            None,
        )
        .await
    }

    pub(crate) async fn with(
        config: Value,
        settings: Settings,
        sink: Option<Arc<dyn ObservationSink>>,
    ) -> Self {
        let socket = landfall::web::listener::bind(([127, 0, 0, 1], 0).into())
            .await
            .unwrap();
        let address = socket.local_addr().unwrap();
        let listener = HttpListener::new(address, settings, Arc::new(SystemClock::start()));
        let recording = Arc::new(RecordingSink::default());
        let mut context = plain_context(Arc::clone(&recording), Arc::clone(&listener) as _);
        if let Some(sink) = sink {
            context.sink = sink;
        }
        let channel = open(config, context).await.unwrap();
        let stop = CancellationToken::new();
        let running = tokio::spawn(Arc::clone(&listener).run(socket, stop.clone()));
        Self {
            listener,
            channel,
            sink: recording,
            address,
            stop,
            running,
        }
    }

    /// A handler at a path of its own.
    pub(crate) fn mount(&self, prefix: &str, handler: impl Handler + 'static) {
        self.listener.mount(prefix, Arc::new(handler));
    }

    /// The path of a token's address.
    pub(crate) fn path(&self, token: &Token) -> String {
        let offers = self.channel.offers(token, &Plain).unwrap();
        self.path_of(&offers["url"])
    }

    /// The path of the address without a token.
    pub(crate) fn base(&self) -> String {
        let offers = self.channel.offers(&token(0), &Plain).unwrap();
        self.path_of(&offers["base_url"])
    }

    fn path_of(&self, url: &Value) -> String {
        let root = self.listener.public_url();
        url.as_str().unwrap().strip_prefix(&root).unwrap().to_owned()
    }

    pub(crate) fn count(&self, word: &str) -> u64 {
        self.listener.counters()[word]
    }

    /// Posts a body on a connection of its own.
    pub(crate) async fn post(&self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        Client::connect(self.address)
            .await
            .request("POST", path, headers, body)
            .await
    }
}

pub(crate) async fn open(config: Value, context: OpenContext) -> Result<Arc<dyn Channel>, Fault> {
    let config: ChannelConfig = serde_json::from_value(json!({ "callback": config })).unwrap();
    let mut problems = Problems::default();
    config.check(&mut problems);
    assert_eq!(problems.all(), []);
    config.open(context).await
}

pub(crate) fn plain_context(
    sink: Arc<RecordingSink>,
    listener: Arc<dyn landfall::channel::Listener>,
) -> OpenContext {
    let mut context = context(std::path::Path::new("."), sink, listener);
    context.scope = Arc::new(Plain);
    context
}

pub(crate) fn token(n: u8) -> Token {
    test_key().issue(TokenFormat::Text, [n; 32])
}

/// A handler made of a function.
pub(crate) struct With<F>(pub(crate) F);

impl<F, R> Handler for With<F>
where
    F: Fn(Request) -> R + Send + Sync,
    R: Future<Output = Reply> + Send + 'static,
{
    fn body_limit(&self) -> usize {
        1024
    }
    fn handle(&self, request: Request) -> futures::future::BoxFuture<'_, Reply> {
        Box::pin((self.0)(request))
    }
}

/// One connection, driven by hand.
pub(crate) struct Client {
    pub(crate) tcp: TcpStream,
    unread: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.as_str())
    }
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let tcp = TcpStream::connect(address).await.unwrap();
        Self {
            tcp,
            unread: Vec::new(),
        }
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.tcp.write_all(bytes.as_ref()).await.unwrap();
    }

    pub(crate) async fn request(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        self.send(request(method, path, headers, body)).await;
        self.answer().await.expect("an answer")
    }

    /// The next answer; `None` where the connection ends without one.
    pub(crate) async fn answer(&mut self) -> Option<Answer> {
        let end = loop {
            if let Some(at) = self.unread.windows(4).position(|w| w == b"\r\n\r\n") {
                break at + 4;
            }
            self.more().await?;
        };
        let head = String::from_utf8(self.unread.drain(..end).collect()).unwrap();
        let mut lines = head.lines();
        let status: u16 = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let answer = Answer {
            status,
            headers,
            body: String::new(),
        };
        let length: usize = answer.header("content-length").unwrap_or("0").parse().unwrap();
        while self.unread.len() < length {
            self.more().await?;
        }
        let body = String::from_utf8(self.unread.drain(..length).collect()).unwrap();
        Some(Answer { body, ..answer })
    }

    async fn more(&mut self) -> Option<()> {
        let mut chunk = [0; 4096];
        let reading = tokio::time::timeout(Duration::from_secs(10), self.tcp.read(&mut chunk));
        let read = reading.await.expect("something within 10 s").ok()?;
        self.unread.extend_from_slice(&chunk[..read]);
        (read > 0).then_some(())
    }

    /// Returns once the other side has closed the connection.
    pub(crate) async fn closed(&mut self) {
        while self.more().await.is_some() {}
    }
}

pub(crate) fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut text = format!(
        "{method} {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str("\r\n");
    let mut bytes = text.into_bytes();
    bytes.extend_from_slice(body);
    bytes
}
