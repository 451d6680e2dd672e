//! Sends mail: a plain SMTP client (RFC 5321) of the sandbox's own, so that it needs no feature and no byte waits for
//! another (`TCP_NODELAY`; the text and its final dot leave in one write).

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::ledger::Attempt;
use crate::clock::Clock;
use crate::model::Moment;

const CONNECT_LIMIT: Duration = Duration::from_secs(2);
const REPLY_LIMIT: Duration = Duration::from_secs(5);
const REPLY_LINE: u64 = 2_048;
const REPLY_LINES: usize = 100;
const IDLE_LIMIT: usize = 16;
/// RFC 5322 section 2.1.1.
const LINE_LIMIT: usize = 998;

/// Where mail goes out.
pub(super) struct Mailer {
    clock: Arc<dyn Clock>,
    server: String,
    from: String,
    idle: Mutex<Vec<Session>>,
}

/// A session with the mail server, greeted.
pub(super) struct Session {
    stream: BufReader<TcpStream>,
    /// Whether a mail has gone through it: then the server may have hung up meanwhile.
    used: bool,
}

/// One mail, ready to be sent any number of times.
pub(super) struct Mail {
    pub(super) to: String,
    pub(super) content: String,
}

/// What a mail says.
pub(super) struct Letter<'a> {
    pub(super) to: &'a str,
    pub(super) reference: &'a str,
    pub(super) route: &'a str,
    pub(super) provider: &'a str,
    pub(super) message_id: &'a str,
    pub(super) text: &'a str,
    pub(super) date: Moment,
}

struct Reply {
    code: u16,
    text: String,
}

impl Mailer {
    pub(super) fn new(clock: Arc<dyn Clock>, server: String, from: String) -> Self {
        Self {
            clock,
            server,
            from,
            idle: Mutex::default(),
        }
    }

    /// An idle session, or a new one.
    pub(super) async fn connect(&self, fresh: bool) -> Result<Session, String> {
        if !fresh {
            let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            if let Some(idle) = idle {
                return Ok(idle);
            }
        }
        let opened = timeout(CONNECT_LIMIT, self.open()).await;
        opened.unwrap_or_else(|_| Err(format!("no session within {} s", CONNECT_LIMIT.as_secs())))
    }

    /// Sends a mail, once. Anything but a 2xx to the final dot is an error.
    pub(super) async fn send(&self, session: &mut Session, mail: &Mail) -> Attempt {
        let mut left = None;
        let error = self.exchange(session, mail, &mut left).await.err();
        session.used = true;
        let done = self.clock.now();
        Attempt {
            at: left.unwrap_or(done),
            done,
            error,
        }
    }

    /// Keeps a session for the next mail.
    pub(super) fn keep(&self, session: Session) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE_LIMIT {
            idle.push(session);
        }
    }

    /// Says goodbye on every idle session.
    pub(super) async fn close(&self) {
        let idle = std::mem::take(&mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner));
        for mut session in idle {
            // Out of courtesy: the mails are long acknowledged.
            session.stream.get_mut().write_all(b"QUIT\r\n").await.ok();
        }
    }

    async fn open(&self) -> Result<Session, String> {
        let stream = TcpStream::connect(&self.server)
            .await
            .map_err(|e| format!("cannot connect to the mail server {}: {e}", self.server))?;
        stream.set_nodelay(true).map_err(|e| e.to_string())?;
        let mut session = Session {
            stream: BufReader::new(stream),
            used: false,
        };
        session.reply().await?.expect("the connection", 220)?;
        session
            .command("EHLO sandbox.landfall.test")
            .await?
            .expect("EHLO", 250)?;
        Ok(session)
    }

    async fn exchange(
        &self,
        session: &mut Session,
        mail: &Mail,
        left: &mut Option<Moment>,
    ) -> Result<(), String> {
        let from = format!("MAIL FROM:<{}>", self.from);
        let mut opened = session.command(&from).await;
        if opened.is_err() && session.used {
            // The server let go of an idle session. Nothing of this mail has left, so another may carry it.
            *session = self.connect(true).await?;
            opened = session.command(&from).await;
        }
        opened?.expect("MAIL FROM", 250)?;
        let to = format!("RCPT TO:<{}>", mail.to);
        session.command(&to).await?.expect("RCPT TO", 250)?;
        session.command("DATA").await?.expect("DATA", 354)?;
        *left = Some(self.clock.now());
        session.write(mail.content.as_bytes()).await?;
        session.reply().await?.expect("the mail", 250)
    }
}

impl Session {
    async fn command(&mut self, line: &str) -> Result<Reply, String> {
        self.write(format!("{line}\r\n").as_bytes()).await?;
        self.reply().await
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), String> {
        timeout(REPLY_LIMIT, self.stream.get_mut().write_all(bytes))
            .await
            .map_err(|_| String::from("the mail server does not read"))?
            .map_err(|e| format!("the mail server hung up: {e}"))
    }

    async fn reply(&mut self) -> Result<Reply, String> {
        timeout(REPLY_LIMIT, self.read_reply())
            .await
            .map_err(|_| format!("no reply of the mail server within {} s", REPLY_LIMIT.as_secs()))?
    }

    /// RFC 5321 section 4.2.1: all lines but the last have a `-` after the code.
    async fn read_reply(&mut self) -> Result<Reply, String> {
        for _ in 0..REPLY_LINES {
            let mut line = Vec::new();
            let mut limited = (&mut self.stream).take(REPLY_LINE);
            let read = limited.read_until(b'\n', &mut line).await;
            read.map_err(|e| format!("the mail server hung up: {e}"))?;
            if line.is_empty() {
                return Err(String::from("the mail server hung up"));
            }
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            let code = text.get(..3).and_then(|code| code.parse().ok());
            let code = code.ok_or_else(|| format!("`{text}` is no SMTP reply"))?;
            if text.as_bytes().get(3) != Some(&b'-') {
                return Ok(Reply { code, text });
            }
        }
        Err(format!(
            "the mail server's reply has more than {REPLY_LINES} lines"
        ))
    }
}

impl Reply {
    fn expect(&self, what: &str, code: u16) -> Result<(), String> {
        // 251 says that the recipient is forwarded: as good as 250.
        if self.code / 10 == code / 10 {
            return Ok(());
        }
        Err(format!("the mail server answered `{}` to {what}", self.text))
    }
}

impl Letter<'_> {
    /// The mail as it goes over the wire, the final dot included. All fields are checked where they come in: none
    /// holds a line break but the text.
    pub(super) fn seal(&self) -> Mail {
        let date = jiff::Timestamp::from_nanosecond(i128::from(self.date.0)).unwrap_or_default();
        let date = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_string(&date);
        let date = date.unwrap_or_else(|_| String::from("Thu, 1 Jan 1970 00:00:00 +0000"));
        let (encoding, body) = encode(self.text);
        let domain = "sandbox.landfall.test";
        let content = format!(
            "Received: from {provider}.{domain} by {domain} with ESMTP; {date}\r\n\
             From: Sandbox <{provider}@{domain}>\r\n\
             To: <{to}>\r\n\
             Subject: Your message {reference}\r\n\
             Date: {date}\r\n\
             Message-ID: {message_id}\r\n\
             X-Provider: {provider}\r\n\
             X-Route: {route}\r\n\
             X-Ref: {reference}\r\n\
             MIME-Version: 1.0\r\n\
             Content-Type: text/plain; charset=utf-8\r\n\
             Content-Transfer-Encoding: {encoding}\r\n\
             \r\n{body}.\r\n",
            provider = self.provider,
            to = self.to,
            reference = self.reference,
            message_id = self.message_id,
            route = self.route,
        );
        Mail {
            to: self.to.to_owned(),
            content,
        }
    }
}

/// As it stands where that is safe, else base64 in lines of 76 (RFC 2045 section 6.8).
fn encode(text: &str) -> (&'static str, String) {
    let plain = text.bytes().all(|b| matches!(b, b'\n' | b'\t' | b' '..=b'~'))
        && text.lines().all(|line| line.len() < LINE_LIMIT)
        && !text.is_empty();
    if plain {
        // RFC 5321 section 4.5.2: a leading dot is doubled.
        let lines = text.lines().map(|line| {
            let dot = if line.starts_with('.') { "." } else { "" };
            format!("{dot}{line}\r\n")
        });
        return ("7bit", lines.collect());
    }
    let encoded = STANDARD.encode(text);
    let lines = encoded.as_bytes().chunks(76);
    let lines = lines.map(|line| format!("{}\r\n", String::from_utf8_lossy(line)));
    ("base64", lines.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(text: &str) -> String {
        let letter = Letter {
            to: "a@b.test",
            reference: "r1",
            route: "alpha",
            provider: "north",
            message_id: "<m1@sandbox.landfall.test>",
            text,
            date: Moment(0),
        };
        letter.seal().content
    }

    #[test]
    fn a_mail_reads_back() {
        for text in [
            "Hello",
            ".\n..dots\nend",
            "Grüße, 你好",
            "a\r\nb",
            "",
            &"long ".repeat(500),
        ] {
            let content = sealed(text);
            assert!(content.ends_with("\r\n.\r\n"));
            let unstuffed = content.trim_end_matches(".\r\n").replace("\r\n..", "\r\n.");
            let parsed = mail_parser::MessageParser::default()
                .parse(unstuffed.as_bytes())
                .unwrap();
            assert_eq!(parsed.subject(), Some("Your message r1"));
            assert_eq!(parsed.message_id(), Some("m1@sandbox.landfall.test"));
            let body = parsed.body_text(0).unwrap_or_default();
            assert_eq!(
                body.trim_end().replace("\r\n", "\n"),
                text.trim_end().replace("\r\n", "\n")
            );
        }
    }

    #[test]
    fn no_line_of_the_text_can_end_the_mail() {
        let content = sealed("one\n.\nRSET\n");
        assert_eq!(content.matches("\r\n.\r\n").count(), 1);
    }
}
