//! A server that follows a script, and how a test fires at one.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use landfall::clock::SystemClock;
use landfall::diag::Problems;
use landfall::model::{Answer, Fault, Moment, Response, SendFailure};
use landfall::trigger::{CheckFacts, OpenContext, Prepared, Shot, Trigger, TriggerConfig};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

use crate::smtp_sink::client::{PlainScope, token};

/// What the server says once a line that begins so has come; `HANG` says nothing for ever, `CLOSE` hangs up. For the
/// line `.` it waits for the end of the mail.
pub(super) type Script = Vec<(&'static str, &'static str)>;
pub(super) const HANG: &str = "HANG";
pub(super) const CLOSE: &str = "CLOSE";

/// Every line that came.
pub(super) type Transcript = Arc<Mutex<Vec<String>>>;

/// Serves one connection.
pub(super) async fn scripted(script: Script) -> (SocketAddr, Transcript) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let transcript = Transcript::default();
    let heard = Arc::clone(&transcript);
    tokio::spawn(async move {
        let (tcp, _) = listener.accept().await.unwrap();
        let mut tcp = BufReader::new(tcp);
        for (expected, reply) in script {
            while !expected.is_empty() {
                let mut line = Vec::new();
                if tcp.read_until(b'\n', &mut line).await.unwrap_or(0) == 0 {
                    return;
                }
                let line = String::from_utf8_lossy(&line).trim_end_matches("\r\n").to_owned();
                heard.lock().unwrap().push(line.clone());
                if expected == "." && line != "." {
                    continue;
                }
                assert!(line.starts_with(expected), "expected {expected}, got {line}");
                break;
            }
            match reply {
                HANG => std::future::pending().await,
                CLOSE => return,
                reply => tcp.write_all(format!("{reply}\r\n").as_bytes()).await.unwrap(),
            }
        }
        // Whatever comes now is heard and not answered.
        let mut line = String::new();
        while tcp.read_line(&mut line).await.unwrap_or(0) > 0 {
            heard
                .lock()
                .unwrap()
                .push(std::mem::take(&mut line).trim_end().to_owned());
        }
    });
    (at, transcript)
}

/// A script that takes a mail, up to and without the step that begins so.
pub(super) fn until(step: &str, then: &'static str) -> Script {
    let whole = [
        ("", "220 mx.test ESMTP"),
        ("EHLO", "250-mx.test\r\n250-SIZE 100000\r\n250 8BITMIME"),
        ("MAIL", "250 2.1.0 ok"),
        ("RCPT", "250 2.1.5 ok"),
        ("DATA", "354 go on"),
        (".", "250 2.0.0 Ok: queued as 4XyZ"),
        ("QUIT", "221 bye"),
    ];
    let before = whole.iter().take_while(|(name, _)| *name != step).copied();
    let at = whole
        .iter()
        .find(|(name, _)| *name == step)
        .map(|(name, _)| (*name, then));
    before.chain(at).collect()
}

/// The least that is a mail, to be sent to the address.
pub(super) fn settings(server: SocketAddr) -> Value {
    json!({
        "server": server.to_string(), "tls": "none", "from": "Canary <canary@example.org>",
        "to": "{{ channels.inbox.address }}", "subject": "Canary {{ token }}", "text": "token {{ token }}",
    })
}

/// Settings with others on top.
pub(crate) fn with(server: SocketAddr, more: Value) -> Value {
    let mut all = settings(server);
    for (name, value) in more.as_object().unwrap() {
        all[name.as_str()] = value.clone();
    }
    all
}

pub(crate) fn scope() -> PlainScope {
    PlainScope(vec![
        ("token", token().to_string()),
        ("run", String::from("0190-run")),
        ("channels.inbox.address", crate::smtp_sink::client::address()),
        ("input.evil", String::from("x\r\nBcc: victim@example.org")),
        ("input.text", String::from("Grüße\n.\n..dots\n")),
    ])
}

pub(super) fn config(settings: Value) -> TriggerConfig {
    serde_json::from_value(json!({ "smtp": settings })).unwrap()
}

pub(crate) fn open_in(root: &Path, settings: Value) -> Result<Box<dyn Trigger>, Fault> {
    let context = OpenContext {
        clock: Arc::new(SystemClock::start()),
        root: root.to_owned(),
    };
    config(settings).open(&context)
}

pub(super) fn prepare(settings: Value) -> Result<Prepared, Fault> {
    open_in(Path::new("."), settings)?.prepare(&scope())
}

/// Fires; the answer, and when the first byte was said to have left.
pub(crate) async fn fire(prepared: Prepared) -> (Answer, Option<Moment>) {
    let sent = Arc::new(Mutex::new(None));
    let note = Arc::clone(&sent);
    let shot = Shot {
        run: Value::Null,
        sent: Box::new(move |at| *note.lock().unwrap() = Some(at)),
    };
    let answer = (prepared.fire)(shot).await;
    let at = *sent.lock().unwrap();
    (answer, at)
}

pub(super) async fn answer(settings: Value) -> Answer {
    fire(prepare(settings).unwrap()).await.0
}

pub(super) async fn response(settings: Value) -> Response {
    answer(settings).await.outcome.unwrap()
}

pub(super) async fn failure(settings: Value) -> SendFailure {
    answer(settings).await.outcome.unwrap_err()
}

/// What the check says, message by message.
pub(super) fn problems(settings: Value) -> Vec<String> {
    let mut out = Problems::default();
    config(settings).check(&CheckFacts::default(), &mut out);
    out.all().iter().map(|p| p.message.clone()).collect()
}
