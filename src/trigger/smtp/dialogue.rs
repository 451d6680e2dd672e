//! One dialogue with a server (RFC 5321), step by step: which step was answered how, and whether the final dot had left.

mod connect;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::ClientConfig;
use tokio::time::timeout;

use super::config::Mode;
use super::render::Login;
use super::wire::{Reply, Wire};
use crate::clock::Clock;
use crate::model::{Fault, Moment, Reason};

/// A word of the server's that came before the connection broke is waited for so long; so is the goodbye.
const LAST_WORD: Duration = Duration::from_secs(1);

/// What is to be sent where.
pub(super) struct Job {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) tls: Mode,
    pub(super) client: Option<Arc<ClientConfig>>,
    pub(super) helo: Option<String>,
    pub(super) login: Option<Login>,
    pub(super) from: String,
    pub(super) to: Vec<String>,
    pub(super) raw: Vec<u8>,
}

/// The step that decided, and what was answered.
#[derive(Debug)]
pub(super) struct Decided {
    pub(super) step: String,
    pub(super) reply: Reply,
}

/// A dialogue under way. What it knows outlives its being cut off.
pub(super) struct Dialogue {
    job: Job,
    clock: Arc<dyn Clock>,
    sent: Option<Box<dyn FnOnce(Moment) + Send>>,
    wire: Option<Wire>,
    extensions: Vec<String>,
    local: Option<SocketAddr>,
    secured: bool,
    /// Where it stands, for people.
    pub(super) step: String,
    pub(super) started: Moment,
    pub(super) resolved: Option<Moment>,
    pub(super) connected: Option<Moment>,
    /// The end of a handshake that came before anything was said; that of STARTTLS lies within the dialogue.
    pub(super) secured_at: Option<Moment>,
    pub(super) sent_at: Option<Moment>,
    pub(super) first_byte: Option<Moment>,
    /// From now on the server may have taken the mail.
    pub(super) dot_sent: bool,
    pub(super) attributes: BTreeMap<String, String>,
}

/// A step that was refused is an end like any other.
enum Stop {
    Decided(Decided),
    Fault(Fault),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl Dialogue {
    pub(super) fn new(job: Job, clock: Arc<dyn Clock>, sent: Box<dyn FnOnce(Moment) + Send>) -> Self {
        let started = clock.now();
        Self {
            job,
            clock,
            sent: Some(sent),
            wire: None,
            extensions: Vec::new(),
            local: None,
            secured: false,
            step: String::from("connecting"),
            started,
            resolved: None,
            connected: None,
            secured_at: None,
            sent_at: None,
            first_byte: None,
            dot_sent: false,
            attributes: BTreeMap::new(),
        }
    }

    /// Sends the mail.
    ///
    /// # Errors
    /// No connection, no TLS, no login, or the connection broke. Whether the mail may have been taken all the same,
    /// `dot_sent` says.
    pub(super) async fn run(&mut self) -> Result<Decided, Fault> {
        let whole = async {
            self.connect().await?;
            self.greet().await?;
            self.log_in().await?;
            self.hand_over().await
        };
        match whole.await {
            Ok(decided) | Err(Stop::Decided(decided)) => Ok(decided),
            Err(Stop::Fault(fault)) => {
                let message = format!("{} at {}: {}", self.place(), self.step, fault.message);
                Err(Fault::new(fault.reason, message))
            }
        }
    }

    /// Takes leave, so that the server knows that its answer was received. How that goes changes nothing.
    pub(super) async fn goodbye(&mut self) {
        let Some(mut wire) = self.wire.take() else { return };
        let bye = async {
            wire.send(b"QUIT\r\n").await?;
            wire.reply(&*self.clock).await
        };
        let _answered = timeout(LAST_WORD, bye).await.is_ok();
    }

    /// The server as people name it.
    pub(super) fn place(&self) -> String {
        if self.job.host.contains(':') {
            format!("[{}]:{}", self.job.host, self.job.port)
        } else {
            format!("{}:{}", self.job.host, self.job.port)
        }
    }

    fn wire(&mut self) -> Result<&mut Wire, Fault> {
        self.wire
            .as_mut()
            .ok_or_else(|| Fault::new(Reason::Reset, "not connected"))
    }

    async fn greet(&mut self) -> Result<(), Stop> {
        self.step = String::from("the greeting");
        let greeting = self.read().await?;
        if let Some(host) = greeting.lines.first().and_then(|l| l.split(' ').next()) {
            self.attributes.insert(String::from("server"), host.to_owned());
        }
        self.expect(greeting, |reply| reply.code == 220)?;
        let now = self.clock.now();
        self.sent_at = Some(now);
        if let Some(sent) = self.sent.take() {
            sent(now);
        }
        self.hello().await?;
        let offered = self.offers("STARTTLS");
        match self.job.tls {
            Mode::Starttls if !offered => {
                let message =
                    "the server does not offer STARTTLS; set `tls: none` where that is as it should be";
                Err(Fault::new(Reason::Tls, message).into())
            }
            Mode::Starttls | Mode::Opportunistic if offered => self.start_tls().await,
            _ => Ok(()),
        }
    }

    async fn hello(&mut self) -> Result<(), Stop> {
        let name = match (&self.job.helo, self.local.map(|l| l.ip())) {
            (Some(name), _) => name.clone(),
            (None, Some(std::net::IpAddr::V6(ip))) => format!("[IPv6:{ip}]"),
            (None, Some(ip)) => format!("[{ip}]"),
            (None, None) => String::from("localhost"),
        };
        let reply = self.ask("EHLO", &format!("EHLO {name}")).await?;
        let reply = if matches!(reply.code, 500 | 502) {
            self.ask("HELO", &format!("HELO {name}")).await?
        } else {
            reply
        };
        let reply = self.expect(reply, Reply::is_positive)?;
        self.extensions = reply
            .lines
            .iter()
            .skip(1)
            .map(|line| line.to_ascii_uppercase())
            .collect();
        Ok(())
    }

    fn offers(&self, extension: &str) -> bool {
        self.extensions
            .iter()
            .any(|line| line.split([' ', '=']).next() == Some(extension))
    }

    async fn start_tls(&mut self) -> Result<(), Stop> {
        let reply = self.ask("STARTTLS", "STARTTLS").await?;
        self.expect(reply, |reply| reply.code == 220)?;
        let wire = self
            .wire
            .take()
            .ok_or_else(|| Fault::new(Reason::Reset, "not connected"))?;
        if wire.has_unread() {
            // RFC 3207 section 5: an answer that was put in before the handshake would be taken for one of after it.
            let message = "the server spoke between STARTTLS and the handshake";
            return Err(Fault::new(Reason::Protocol, message).into());
        }
        let io = self.shake_hands(wire.io).await?;
        self.wire = Some(Wire::new(io));
        self.hello().await
    }

    async fn log_in(&mut self) -> Result<(), Stop> {
        let Some(login) = self.job.login.clone() else {
            return Ok(());
        };
        self.step = String::from("AUTH");
        let auth = |message: String| Stop::Fault(Fault::new(Reason::Auth, message));
        if !self.secured && !login.without_tls {
            return Err(auth(String::from(
                "the connection is not secured, so the password is not sent",
            )));
        }
        let offered = |mechanism: &str| {
            let lines = self.extensions.iter().filter(|l| l.starts_with("AUTH"));
            lines
                .flat_map(|l| l.split([' ', '=']))
                .any(|word| word == mechanism)
        };
        let reply = if offered("PLAIN") {
            let secret = STANDARD.encode(format!("\0{}\0{}", login.user, login.password));
            self.ask("AUTH", &format!("AUTH PLAIN {secret}")).await?
        } else if offered("LOGIN") {
            let mut reply = self.ask("AUTH", "AUTH LOGIN").await?;
            for value in [&login.user, &login.password] {
                if reply.code == 334 {
                    reply = self.ask("AUTH", &STANDARD.encode(value)).await?;
                }
            }
            reply
        } else {
            return Err(auth(String::from("the server offers neither PLAIN nor LOGIN")));
        };
        if reply.is_positive() {
            return Ok(());
        }
        Err(auth(format!(
            "user `{}` was refused: {} {}",
            login.user,
            reply.code,
            reply.text()
        )))
    }

    async fn hand_over(&mut self) -> Result<Decided, Stop> {
        let mail = self.mail_command()?;
        let reply = self.ask("MAIL FROM", &mail).await?;
        self.expect(reply, Reply::is_positive)?;
        for to in self.job.to.clone() {
            let reply = self
                .ask(&format!("RCPT TO <{to}>"), &format!("RCPT TO:<{to}>"))
                .await?;
            self.expect(reply, Reply::is_positive)?;
        }
        let reply = self.ask("DATA", "DATA").await?;
        self.expect(reply, |reply| reply.code == 354)?;
        self.step = String::from("the mail");
        let stuffed = stuff(&self.job.raw);
        self.say(&stuffed).await?;
        self.step = String::from("the final dot");
        self.dot_sent = true;
        self.wire()?.send(b".\r\n").await?;
        let reply = self.read().await?;
        if let Some(id) = reply.queue_id() {
            self.attributes.insert(String::from("queue_id"), id);
        }
        Ok(Decided {
            step: self.step.clone(),
            reply,
        })
    }

    fn mail_command(&self) -> Result<String, Fault> {
        let mut command = format!("MAIL FROM:<{}>", self.job.from);
        if self.offers("SIZE") {
            command.push_str(&format!(" SIZE={}", self.job.raw.len()));
        }
        if !self.job.raw.is_ascii() {
            if !self.offers("8BITMIME") {
                return Err(Fault::new(
                    Reason::Protocol,
                    "the mail needs 8BITMIME, which the server does not offer",
                ));
            }
            command.push_str(" BODY=8BITMIME");
        }
        if !self.job.from.is_ascii() || !self.job.to.iter().all(|to| to.is_ascii()) {
            if !self.offers("SMTPUTF8") {
                let message = "an address that is not ASCII needs SMTPUTF8, which the server does not offer";
                return Err(Fault::new(Reason::Protocol, message));
            }
            command.push_str(" SMTPUTF8");
        }
        Ok(command)
    }

    /// Says a line and reads the reply.
    async fn ask(&mut self, step: &str, line: &str) -> Result<Reply, Stop> {
        step.clone_into(&mut self.step);
        self.say(format!("{line}\r\n").as_bytes()).await?;
        self.read().await.map_err(Stop::Fault)
    }

    /// Says something. A server that hung up may have told why before: then that is the answer.
    async fn say(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        let Err(fault) = self.wire()?.send(bytes).await else {
            return Ok(());
        };
        let last = timeout(LAST_WORD, self.read()).await;
        match last {
            Ok(Ok(reply)) if reply.code >= 400 => Err(Stop::Decided(Decided {
                step: self.step.clone(),
                reply,
            })),
            _ => Err(fault.into()),
        }
    }

    async fn read(&mut self) -> Result<Reply, Fault> {
        let clock = Arc::clone(&self.clock);
        let wire = self.wire()?;
        let reply = wire.reply(&*clock).await?;
        self.first_byte = wire.first_byte;
        Ok(reply)
    }

    fn expect(&self, reply: Reply, good: impl Fn(&Reply) -> bool) -> Result<Reply, Stop> {
        if good(&reply) {
            return Ok(reply);
        }
        if reply.code >= 400 {
            return Err(Stop::Decided(Decided {
                step: self.step.clone(),
                reply,
            }));
        }
        let message = format!(
            "an answer that does not belong there: {} {}",
            reply.code,
            reply.text()
        );
        Err(Fault::new(Reason::Protocol, message).into())
    }
}

/// Doubles the dot at the beginning of a line (RFC 5321 section 4.5.2) and ends the last line.
fn stuff(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len() + raw.len() / 64 + 2);
    let mut at_start = true;
    for byte in raw {
        if at_start && *byte == b'.' {
            out.push(b'.');
        }
        out.push(*byte);
        at_start = *byte == b'\n';
    }
    if !at_start {
        out.extend_from_slice(b"\r\n");
    }
    out
}
