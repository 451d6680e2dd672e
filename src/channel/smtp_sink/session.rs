//! One SMTP session (RFC 5321) as a state machine: bytes in, actions out, no IO.

mod commands;
#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::sync::Arc;

use bytes::BytesMut;

use super::auth::Exchange;
use super::config::Stage;
use super::lines::{Breach, DataReader, Progress, take_command};
use super::policy::Policy;
use super::reply::Reply;
use crate::model::{Fault, Moment, Reason, Token};

/// Refused commands a session; a sender that means well needs fewer.
const ERRORS: u32 = 50;
/// What the session wants done, in order.
#[derive(Debug)]
pub(super) enum Action {
    /// Say it.
    Reply(Reply),
    /// Say it, drop what was read, shake hands, then call [`Session::secured`].
    StartTls(Reply),
    /// Record it, then say what [`Session::recorded`] answers.
    Deliver(Box<Letter>),
    /// Say it and hang up.
    Close(Reply),
}

/// A mail and how it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Letter {
    pub(super) from: String,
    pub(super) to: Vec<String>,
    /// The tokens that the recipients' addresses bear.
    pub(super) tokens: Vec<Token>,
    pub(super) helo: String,
    pub(super) tls: Option<String>,
    pub(super) raw: Vec<u8>,
}

/// What is to be counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Note {
    /// A refusal that concerns no run.
    Refused(String),
    /// A limit of landfall's own; runs of these tokens may have lost something by it.
    Dropped(String, Vec<Token>),
}

/// The state of one session.
pub(super) struct Session {
    policy: Arc<Policy>,
    peer: IpAddr,
    buffer: BytesMut,
    mode: Mode,
    helo: Option<String>,
    tls: Option<String>,
    logged_in: bool,
    transaction: Option<Transaction>,
    commands: u32,
    errors: u32,
    failed_logins: u32,
    notes: Vec<Note>,
}

enum Mode {
    Command,
    Login(Exchange),
    Data(DataReader),
    /// A mail is being recorded.
    Recording {
        subject: String,
    },
    Closed,
}

/// A mail under way. A limit that it breaks speaks at RCPT, where it is known whose mail it is.
struct Transaction {
    from: String,
    utf8: bool,
    too_big: bool,
    over_rate: bool,
    to: Vec<String>,
    tokens: Vec<Token>,
}

impl Session {
    pub(super) fn new(policy: Arc<Policy>, peer: IpAddr) -> Self {
        Self {
            policy,
            peer,
            buffer: BytesMut::new(),
            mode: Mode::Command,
            helo: None,
            tls: None,
            logged_in: false,
            transaction: None,
            commands: 0,
            errors: 0,
            failed_logins: 0,
            notes: Vec::new(),
        }
    }

    /// What is said first.
    pub(super) fn greeting(&self) -> Reply {
        Reply::new(220, format!("{} ESMTP landfall", self.policy.domain))
    }

    /// Takes in bytes that were read.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Whether bytes wait that have not been looked at.
    pub(super) fn has_unread(&self) -> bool {
        !self.buffer.is_empty()
    }

    /// Whether nothing is under way, so that hanging up loses nothing.
    pub(super) const fn is_between_mails(&self) -> bool {
        matches!(self.mode, Mode::Command | Mode::Login(_) | Mode::Closed)
    }

    /// What is to be counted since the last time.
    pub(super) fn take_notes(&mut self) -> Vec<Note> {
        std::mem::take(&mut self.notes)
    }

    /// The tokens of the mail under way.
    pub(super) fn tokens_under_way(&self) -> Vec<Token> {
        self.transaction
            .as_ref()
            .map_or_else(Vec::new, |t| t.tokens.clone())
    }

    /// The handshake is done: nothing that was said before it counts (RFC 3207 section 4.2).
    pub(super) fn secured(&mut self, tls: String) {
        self.buffer.clear();
        self.helo = None;
        self.transaction = None;
        self.logged_in = false;
        self.tls = Some(tls);
    }

    /// The next thing to do, `None` until more bytes have come.
    pub(super) fn next(&mut self, now: Moment) -> Option<Action> {
        match &self.mode {
            Mode::Closed | Mode::Recording { .. } => None,
            Mode::Data(_) => self.data(now),
            Mode::Command | Mode::Login(_) => {
                let line = match take_command(&mut self.buffer)? {
                    Ok(line) => line,
                    Err(breach) => return Some(self.breach(breach)),
                };
                self.commands = self.commands.saturating_add(1);
                if self.commands > self.policy.commands {
                    let tokens = self.tokens_under_way();
                    let what = format!("commands over {} in a session", self.policy.commands);
                    if !tokens.is_empty() {
                        self.notes.push(Note::Dropped(what, tokens));
                    }
                    return Some(self.close(Reply::new(421, "4.7.0 too many commands in one session")));
                }
                let action = match std::mem::replace(&mut self.mode, Mode::Command) {
                    Mode::Login(exchange) => self.login(exchange, &line),
                    _ => self.command(&line, now),
                };
                Some(self.count_errors(action))
            }
        }
    }

    /// What to say once the mail is on record, or could not be put there.
    pub(super) fn recorded(&mut self, result: &Result<(), Fault>, now: Moment) -> Reply {
        let Mode::Recording { subject } = std::mem::replace(&mut self.mode, Mode::Command) else {
            return Reply::new(451, "4.3.0 nothing was being recorded");
        };
        self.transaction = None;
        match result {
            Ok(()) => self
                .policy
                .scripted(Stage::Acknowledgement, &subject, now)
                .unwrap_or_else(|| Reply::new(250, "2.0.0 recorded")),
            Err(fault) if fault.reason == Reason::Limit => Reply::new(
                452,
                "4.3.1 too much mail that no probe waits for; come back later",
            ),
            Err(_) => Reply::new(452, "4.3.1 cannot put the mail on record now; come back later"),
        }
    }

    /// Ends the session.
    pub(super) fn close(&mut self, reply: Reply) -> Action {
        self.mode = Mode::Closed;
        self.buffer.clear();
        Action::Close(reply)
    }

    fn breach(&mut self, breach: Breach) -> Action {
        let code = match breach {
            Breach::LongLine => 500,
            Breach::TooBig => 552,
            _ => 521,
        };
        match breach {
            Breach::TooBig => self.too_big(),
            _ => self.notes.push(Note::Refused(breach.words().to_owned())),
        }
        let enhanced = if breach == Breach::TooBig {
            "5.3.4"
        } else {
            "5.5.2"
        };
        self.close(Reply::new(code, format!("{enhanced} {}", breach.words())))
    }

    fn too_big(&mut self) {
        let what = format!("a mail over size_limit ({} bytes)", self.policy.size_limit);
        let tokens = self.tokens_under_way();
        self.notes.push(Note::Dropped(what, tokens));
    }

    fn count_errors(&mut self, action: Action) -> Action {
        match action {
            Action::Reply(reply) if reply.code >= 500 => {
                self.errors += 1;
                if self.errors > ERRORS {
                    self.notes
                        .push(Note::Refused(String::from("too many errors in a session")));
                    return self.close(Reply::new(421, "4.7.0 too many errors in one session"));
                }
                Action::Reply(reply)
            }
            other => other,
        }
    }

    fn data(&mut self, now: Moment) -> Option<Action> {
        let Mode::Data(reader) = &mut self.mode else {
            return None;
        };
        let breach = match reader.feed(&mut self.buffer) {
            Progress::More => return None,
            Progress::Broken(breach) => return Some(self.breach(breach)),
            Progress::End(breach) => breach,
        };
        let Mode::Data(reader) = std::mem::replace(&mut self.mode, Mode::Command) else {
            return None;
        };
        let refusal = match breach {
            Some(Breach::TooBig) => {
                self.too_big();
                Some(Reply::new(
                    552,
                    format!("5.3.4 mail over {} bytes", self.policy.size_limit),
                ))
            }
            Some(breach) => {
                self.notes.push(Note::Refused(breach.words().to_owned()));
                Some(Reply::new(554, format!("5.6.0 {}", breach.words())))
            }
            None => None,
        };
        let transaction = self.transaction.as_ref()?;
        let subject = format!("{}>{}", transaction.from, transaction.to.join(","));
        if let Some(reply) = refusal.or_else(|| self.policy.scripted(Stage::Message, &subject, now)) {
            self.transaction = None;
            return Some(Action::Reply(reply));
        }
        let letter = Letter {
            from: transaction.from.clone(),
            to: transaction.to.clone(),
            tokens: transaction.tokens.clone(),
            helo: self.helo.clone().unwrap_or_default(),
            tls: self.tls.clone(),
            raw: reader.into_body(),
        };
        self.mode = Mode::Recording { subject };
        Some(Action::Deliver(Box::new(letter)))
    }
}
