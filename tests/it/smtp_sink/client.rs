//! A mail client that says exactly what a test tells it to, and a sink for it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use landfall::channel::{Channel, ChannelConfig};
use landfall::model::{Fault, Secret, Sighting, Token, TokenFormat};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use crate::support::channel::{NoListener, RecordingSink, context, eventually, test_key};

/// Renders templates by replacing the token: the engine's own scope is not what is tested here.
pub(crate) struct PlainScope(pub(crate) Vec<(&'static str, String)>);

impl landfall::model::Scope for PlainScope {
    fn text(&self, template: &landfall::model::Template) -> Result<String, Fault> {
        let replace =
            |text: String, (name, value): &(&str, String)| text.replace(&format!("{{{{ {name} }}}}"), value);
        Ok(self.0.iter().fold(template.source.clone(), replace))
    }
    fn json(&self, _value: &landfall::model::Free) -> Result<Value, Fault> {
        Ok(Value::Null)
    }
    fn holds(&self, _expr: &landfall::model::Expr, _seen: &Value) -> Result<bool, Fault> {
        Ok(true)
    }
    fn secret(&self, secret: &Secret) -> Result<String, Fault> {
        self.text(&secret.0)
    }
}

/// A running sink.
pub(crate) struct Peer {
    pub(crate) at: SocketAddr,
    pub(crate) seen: Arc<RecordingSink>,
    pub(crate) channel: Arc<dyn Channel>,
    pub(crate) stop: CancellationToken,
    pub(crate) driver: tokio::task::JoinHandle<()>,
    _root: tempfile::TempDir,
}

impl Peer {
    pub(crate) async fn start(settings: Value) -> Self {
        Self::try_start(settings).await.unwrap()
    }

    pub(crate) async fn try_start(mut settings: Value) -> Result<Self, Fault> {
        let root = tempfile::tempdir().unwrap();
        if settings.get("listen").is_none() {
            settings["listen"] = json!(":0");
        }
        let config: ChannelConfig = serde_json::from_value(json!({ "smtp_sink": settings })).unwrap();
        let seen = Arc::new(RecordingSink::default());
        let mut open = context(root.path(), Arc::clone(&seen), Arc::new(NoListener));
        open.scope = Arc::new(PlainScope(Vec::new()));
        let channel = config.open(open).await?;
        let offers = channel.offers(&token(), &PlainScope(vec![("token", token().to_string())]))?;
        let port = u16::try_from(offers["port"].as_u64().unwrap()).unwrap();
        let stop = CancellationToken::new();
        let driver = tokio::spawn(Arc::clone(&channel).drive(stop.clone()));
        Ok(Self {
            at: SocketAddr::from(([127, 0, 0, 1], port)),
            seen,
            channel,
            stop,
            driver,
            _root: root,
        })
    }

    /// The channel's offers.
    pub(crate) fn offers(&self) -> Value {
        let scope = PlainScope(vec![("token", token().to_string())]);
        self.channel.offers(&token(), &scope).unwrap()
    }

    /// Connected, and greeted.
    pub(crate) async fn client(&self) -> Client {
        let mut client = self.silent_client().await;
        assert!(client.reply().await.starts_with("220 "));
        client
    }

    /// Connected, nothing read yet.
    pub(crate) async fn silent_client(&self) -> Client {
        Client::connect(self.at).await
    }

    pub(crate) fn sightings(&self) -> Vec<Sighting> {
        self.seen.seen()
    }

    pub(crate) async fn refused(&self, what: &str) {
        eventually(what, || {
            self.seen
                .refused
                .lock()
                .unwrap()
                .iter()
                .any(|r| r.contains(what))
                .then_some(())
        })
        .await;
    }

    pub(crate) async fn dropped(&self, what: &str) {
        eventually(what, || {
            self.seen
                .dropped
                .lock()
                .unwrap()
                .iter()
                .any(|r| r.contains(what))
                .then_some(())
        })
        .await;
    }
}

/// A token of ours.
pub(crate) fn token() -> Token {
    token_of(1)
}

/// A token of ours, another for each number.
pub(crate) fn token_of(number: u8) -> Token {
    test_key().issue(TokenFormat::Text, [number; 32])
}

/// An address that the sink takes.
pub(crate) fn address() -> String {
    format!("canary+{}@landfall.test", token())
}

pub(crate) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// Says exactly what it is told to.
pub(crate) struct Client {
    pub(crate) io: Box<dyn Io>,
    buffer: Vec<u8>,
}

impl Client {
    /// Connected, nothing read yet.
    pub(crate) async fn connect(at: SocketAddr) -> Self {
        let tcp = TcpStream::connect(at).await.unwrap();
        tcp.set_nodelay(true).unwrap();
        Self {
            io: Box::new(tcp),
            buffer: Vec::new(),
        }
    }

    /// Whether the sink has said something, now.
    pub(crate) async fn has_something(&mut self) -> bool {
        let mut byte = [0];
        let read = std::pin::pin!(self.io.read(&mut byte));
        let now = futures::future::FutureExt::now_or_never(read);
        if let Some(Ok(count @ 1..)) = now {
            self.buffer.extend_from_slice(&byte[..count]);
        }
        !self.buffer.is_empty()
    }

    /// Sends bytes; a sink that has hung up is no failure here, the reply tells.
    pub(crate) async fn raw(&mut self, bytes: &[u8]) {
        let _gone = self.io.write_all(bytes).await.is_err() || self.io.flush().await.is_err();
    }

    /// One whole reply, its lines joined by `|`; empty where the sink has hung up.
    pub(crate) async fn reply(&mut self) -> String {
        let mut lines = Vec::new();
        loop {
            while let Some(at) = self.buffer.windows(2).position(|w| w == b"\r\n") {
                let line: Vec<u8> = self.buffer.drain(..at + 2).take(at).collect();
                let line = String::from_utf8(line).unwrap();
                let last = line.as_bytes().get(3) == Some(&b' ');
                lines.push(line);
                if last {
                    return lines.join("|");
                }
            }
            let mut chunk = [0; 4096];
            let read = tokio::time::timeout(Duration::from_secs(20), self.io.read(&mut chunk));
            match read.await.expect("a reply or an end within 20 s") {
                Ok(count @ 1..) => self.buffer.extend_from_slice(&chunk[..count]),
                _ => return lines.join("|"),
            }
        }
    }

    /// Says a line and reads the reply.
    pub(crate) async fn say(&mut self, line: &str) -> String {
        self.raw(format!("{line}\r\n").as_bytes()).await;
        self.reply().await
    }

    /// Opens a mail to the addresses, up to the go-ahead.
    pub(crate) async fn open_mail(&mut self, to: &[&str]) {
        assert!(self.say("EHLO tester").await.starts_with("250"));
        assert!(
            self.say("MAIL FROM:<sender@example.org>")
                .await
                .starts_with("250")
        );
        for to in to {
            let reply = self.say(&format!("RCPT TO:<{to}>")).await;
            assert!(reply.starts_with("250"), "{to}: {reply}");
        }
        assert!(self.say("DATA").await.starts_with("354"));
    }

    /// Sends a mail and reads the answer to its final dot.
    pub(crate) async fn mail(&mut self, to: &str, mail: &str) -> String {
        self.open_mail(&[to]).await;
        self.raw(format!("{mail}\r\n.\r\n").as_bytes()).await;
        self.reply().await
    }

    /// Whether the sink has hung up.
    pub(crate) async fn is_over(&mut self) -> bool {
        self.reply().await.is_empty()
    }

    /// Goes on over TLS, trusting anybody: what is tested is the sink.
    pub(crate) async fn secure(mut self) -> Self {
        assert!(self.say("STARTTLS").await.starts_with("220"));
        self.shake_hands().await
    }

    /// The handshake alone.
    pub(crate) async fn shake_hands(self) -> Self {
        let connector = super::tls::trusting_connector();
        let name = rustls_pki_types::ServerName::try_from("landfall.test").unwrap();
        let stream = connector.connect(name, self.io).await.unwrap();
        Self {
            io: Box::new(stream),
            buffer: Vec::new(),
        }
    }
}

/// A mail with a Message-ID.
pub(crate) fn mail(id: &str) -> String {
    format!(
        "From: a@example.org\r\nTo: b@example.org\r\nSubject: hello\r\nMessage-ID: <{id}@example.org>\r\n\r\nbody"
    )
}
