//! What receives the sandbox's outcomes in a test, and says on which connection and when.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use landfall::clock::{Clock, SystemClock};
use landfall::model::Moment;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// One event as it came in.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) at: Moment,
    pub(crate) connection: SocketAddr,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Received {
    pub(crate) fn id(&self) -> &str {
        self.headers["webhook-id"].to_str().unwrap()
    }
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// One mail as it came in.
#[derive(Clone, Debug)]
pub(crate) struct Mail {
    pub(crate) at: Moment,
    pub(crate) connection: SocketAddr,
    pub(crate) to: String,
    pub(crate) content: String,
}

impl Mail {
    pub(crate) fn id(&self) -> String {
        let parsed = mail_parser::MessageParser::default()
            .parse(self.content.as_bytes())
            .unwrap();
        format!("<{}>", parsed.message_id().unwrap())
    }
    pub(crate) fn text(&self) -> String {
        let parsed = mail_parser::MessageParser::default()
            .parse(self.content.as_bytes())
            .unwrap();
        parsed.body_text(0).unwrap().trim_end().to_owned()
    }
}

/// An HTTP receiver that answers 200, or first what it is told to.
#[derive(Clone)]
pub(crate) struct Hooks {
    pub(crate) address: SocketAddr,
    inner: Arc<HooksInner>,
}

struct HooksInner {
    clock: Arc<SystemClock>,
    received: Mutex<Vec<Received>>,
    answers: Mutex<VecDeque<u16>>,
}

impl Hooks {
    pub(crate) async fn start(clock: Arc<SystemClock>) -> Self {
        let inner = Arc::new(HooksInner {
            clock,
            received: Mutex::default(),
            answers: Mutex::default(),
        });
        let app = Router::new().fallback(take).with_state(Arc::clone(&inner));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let service = app.into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, service).await });
        Self { address, inner }
    }
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
    pub(crate) fn answer_first(&self, statuses: &[u16]) {
        self.inner.answers.lock().unwrap().extend(statuses);
    }
    pub(crate) fn all(&self) -> Vec<Received> {
        self.inner.received.lock().unwrap().clone()
    }
    /// What came for one reference, as it says itself.
    pub(crate) fn of(&self, reference: &str) -> Vec<Received> {
        let mut all = self.all();
        all.retain(|received| received.json()["ref"] == reference);
        all
    }
}

async fn take(
    State(inner): State<Arc<HooksInner>>,
    ConnectInfo(connection): ConnectInfo<SocketAddr>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let received = Received {
        at: inner.clock.now(),
        connection,
        path: uri.to_string(),
        headers,
        body,
    };
    inner.received.lock().unwrap().push(received);
    let answer = inner.answers.lock().unwrap().pop_front();
    StatusCode::from_u16(answer.unwrap_or(200)).unwrap()
}

/// A mail server that takes everything, or first refuses as many mails as it is told to.
#[derive(Clone)]
pub(crate) struct MailServer {
    pub(crate) address: SocketAddr,
    clock: Arc<SystemClock>,
    mails: Arc<Mutex<Vec<Mail>>>,
    refusals: Arc<Mutex<u32>>,
}

impl MailServer {
    pub(crate) async fn start(clock: Arc<SystemClock>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            address: listener.local_addr().unwrap(),
            clock,
            mails: Arc::default(),
            refusals: Arc::default(),
        };
        let accepting = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, peer)) = listener.accept().await {
                let server = accepting.clone();
                tokio::spawn(async move { server.session(stream, peer).await.ok() });
            }
        });
        server
    }
    pub(crate) fn refuse_first(&self, mails: u32) {
        *self.refusals.lock().unwrap() = mails;
    }
    pub(crate) fn all(&self) -> Vec<Mail> {
        self.mails.lock().unwrap().clone()
    }
    pub(crate) fn of(&self, reference: &str) -> Vec<Mail> {
        let mut all = self.all();
        all.retain(|mail| mail.to == format!("{reference}@landfall.test"));
        all
    }

    async fn session(&self, stream: TcpStream, connection: SocketAddr) -> std::io::Result<()> {
        stream.set_nodelay(true)?;
        let mut stream = BufReader::new(stream);
        stream.write_all(b"220 here\r\n").await?;
        let mut to = String::new();
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            let reply = match line.get(..4).unwrap_or_default() {
                "EHLO" => "250-here\r\n250 8BITMIME\r\n",
                "RCPT" => {
                    to = line.split(['<', '>']).nth(1).unwrap().to_owned();
                    "250 ok\r\n"
                }
                "DATA" => {
                    stream.write_all(b"354 go on\r\n").await?;
                    let content = read_mail(&mut stream).await?;
                    self.keep(connection, &to, content)
                }
                _ => "250 ok\r\n",
            };
            stream.write_all(reply.as_bytes()).await?;
        }
    }

    fn keep(&self, connection: SocketAddr, to: &str, content: String) -> &'static str {
        let mut refusals = self.refusals.lock().unwrap();
        if *refusals > 0 {
            *refusals -= 1;
            return "452 come again\r\n";
        }
        self.mails.lock().unwrap().push(Mail {
            at: self.clock.now(),
            connection,
            to: to.to_owned(),
            content,
        });
        "250 taken\r\n"
    }
}

async fn read_mail(stream: &mut BufReader<TcpStream>) -> std::io::Result<String> {
    let mut content = String::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        if line == ".\r\n" || line.is_empty() {
            return Ok(content);
        }
        content.push_str(line.strip_prefix('.').unwrap_or(&line));
    }
}
