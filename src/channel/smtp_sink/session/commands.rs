//! What each command does.

use std::borrow::Cow;
use std::sync::Arc;

use smtp_proto::{MAIL_BODY_7BIT, MAIL_BODY_8BITMIME, MAIL_SMTPUTF8, MailFrom, RcptTo, Request};

use super::super::auth::{self, Exchange, Outcome};
use super::super::config::Stage;
use super::super::lines::DataReader;
use super::super::reply::Reply;
use super::{Action, Mode, Note, Session, Transaction};
use crate::model::Moment;

/// Failed logins a session.
const FAILED_LOGINS: u32 = 3;

impl Session {
    pub(super) fn login(&mut self, exchange: Exchange, line: &[u8]) -> Action {
        let policy = Arc::clone(&self.policy);
        match (&policy.auth, std::str::from_utf8(line)) {
            (Some(credentials), Ok(line)) => self.login_step(auth::next(exchange, line, credentials)),
            _ => Action::Reply(Reply::new(501, "5.5.2 expected base64")),
        }
    }

    fn login_step(&mut self, outcome: Outcome) -> Action {
        match outcome {
            Outcome::Ask(reply, exchange) => {
                self.mode = Mode::Login(exchange);
                Action::Reply(reply)
            }
            Outcome::Refused(reply) => Action::Reply(reply),
            Outcome::Decided(true) => {
                self.logged_in = true;
                Action::Reply(Reply::new(235, "2.7.0 logged in"))
            }
            Outcome::Decided(false) => {
                self.failed_logins += 1;
                self.notes.push(Note::Refused(String::from("failed login")));
                if self.failed_logins >= FAILED_LOGINS {
                    return self.close(Reply::new(421, "4.7.0 too many failed logins"));
                }
                Action::Reply(Reply::new(535, "5.7.8 user or password is wrong"))
            }
        }
    }

    pub(super) fn command(&mut self, line: &[u8], now: Moment) -> Action {
        let reply = |code, text: &str| Action::Reply(Reply::new(code, text));
        let Some(text) = std::str::from_utf8(line)
            .ok()
            .filter(|t| !t.chars().any(char::is_control))
        else {
            return reply(500, "5.5.2 a command is text without control characters");
        };
        // The parser wants its line end; that it stands nowhere else has been seen to.
        let mut whole = Vec::with_capacity(line.len() + 2);
        whole.extend_from_slice(line);
        whole.extend_from_slice(b"\r\n");
        let request = match Request::parse(&mut whole.iter()) {
            Ok(request) => request,
            Err(error) => return Action::Reply(syntax(&error)),
        };
        if let Some(refusal) = self.premature(&request, text) {
            return refusal;
        }
        match request {
            Request::Ehlo { host } => self.hello(&host, true),
            Request::Helo { host } => self.hello(&host, false),
            Request::Mail { from } => Action::Reply(self.mail(&from, announced_size(text), now)),
            Request::Rcpt { to } => Action::Reply(self.rcpt(&to, now)),
            Request::Data => Action::Reply(self.begin_data()),
            Request::Auth {
                mechanism,
                initial_response,
            } => self.begin_login(mechanism, &initial_response),
            Request::StartTls => self.start_tls(),
            Request::Rset => {
                self.transaction = None;
                reply(250, "2.0.0 forgotten")
            }
            Request::Noop { .. } => reply(250, "2.0.0 here"),
            Request::Quit => self.close(Reply::new(221, "2.0.0 bye")),
            Request::Help { .. } => reply(214, "2.0.0 landfall takes mail for its own test addresses"),
            Request::Vrfy { .. } | Request::Expn { .. } => reply(502, "5.5.1 not offered"),
            _ => reply(502, "5.5.1 not offered"),
        }
    }

    /// What is not yet allowed, whatever the command says.
    fn premature<T>(&mut self, request: &Request<T>, text: &str) -> Option<Action> {
        let ends_group = matches!(
            request,
            Request::Ehlo { .. } | Request::Helo { .. } | Request::Data | Request::Auth { .. }
        );
        if ends_group && self.has_unread() {
            // RFC 2920 section 3.1: what comes behind these depends on their answer.
            self.notes.push(Note::Refused(format!(
                "talk behind {} before its answer",
                request.name()
            )));
            let text = format!(
                "5.5.0 improper pipelining: wait for the answer to {}",
                request.name()
            );
            return Some(self.close(Reply::new(554, text)));
        }
        let free = matches!(
            request,
            Request::Ehlo { .. }
                | Request::Helo { .. }
                | Request::Noop { .. }
                | Request::StartTls
                | Request::Quit
                | Request::Rset
                | Request::Help { .. }
        );
        let refusal = if free {
            None
        } else if self.policy.require_tls && self.tls.is_none() {
            Some((530, "5.7.0 begin with STARTTLS"))
        } else if self.helo.is_none() {
            Some((503, "5.5.1 begin with EHLO"))
        } else if matches!(
            request,
            Request::Mail { .. } | Request::Rcpt { .. } | Request::Data
        ) && self.policy.auth.is_some()
            && !self.logged_in
        {
            Some((530, "5.7.0 log in first"))
        } else if !text.is_ascii() && !matches!(request, Request::Mail { .. } | Request::Rcpt { .. }) {
            Some((500, "5.5.2 only ASCII here"))
        } else {
            None
        };
        refusal.map(|(code, text)| Action::Reply(Reply::new(code, text)))
    }

    fn offers_login(&self) -> bool {
        let auth = self.policy.auth.as_ref();
        auth.is_some_and(|a| a.without_tls || self.tls.is_some())
    }

    fn hello(&mut self, host: &str, extended: bool) -> Action {
        self.helo = Some(host.to_owned());
        self.transaction = None;
        let mut text = format!("{} greets you", self.policy.domain);
        if extended {
            text.push_str(&format!(
                "\nPIPELINING\nSIZE {}\n8BITMIME\nSMTPUTF8",
                self.policy.size_limit
            ));
            text.push_str("\nENHANCEDSTATUSCODES");
            if self.policy.starttls && self.tls.is_none() {
                text.push_str("\nSTARTTLS");
            }
            if self.offers_login() {
                text.push_str("\nAUTH PLAIN LOGIN");
            }
        }
        Action::Reply(Reply::new(250, text))
    }

    fn start_tls(&mut self) -> Action {
        let refusal = if !self.policy.starttls {
            Reply::new(502, "5.5.1 not offered")
        } else if self.tls.is_some() {
            Reply::new(503, "5.5.1 TLS is on")
        } else {
            // Whatever was sent behind the command came before the handshake: it could be an attacker's.
            self.buffer.clear();
            return Action::StartTls(Reply::new(220, "2.0.0 go ahead"));
        };
        Action::Reply(refusal)
    }

    fn begin_login(&mut self, mechanism: u64, initial: &str) -> Action {
        let policy = Arc::clone(&self.policy);
        let reply = |code, text: &str| Action::Reply(Reply::new(code, text));
        match &policy.auth {
            None => reply(502, "5.5.1 not offered"),
            Some(_) if self.logged_in || self.transaction.is_some() => reply(503, "5.5.1 not now"),
            Some(_) if !self.offers_login() => {
                reply(538, "5.7.11 passwords travel only over TLS: begin with STARTTLS")
            }
            Some(credentials) => self.login_step(auth::begin(mechanism, initial, credentials)),
        }
    }

    fn mail(&mut self, from: &MailFrom<Cow<'_, str>>, size: u128, now: Moment) -> Reply {
        if self.transaction.is_some() {
            return Reply::new(503, "5.5.1 a mail is under way: RSET first");
        }
        let known = MAIL_BODY_7BIT | MAIL_BODY_8BITMIME | MAIL_SMTPUTF8;
        if from.flags & !known != 0 || from.env_id.is_some() || from.trans_id.is_some() {
            return Reply::new(555, "5.5.4 a parameter that was not offered");
        }
        let utf8 = from.flags & MAIL_SMTPUTF8 != 0;
        if !utf8 && !from.address.is_ascii() {
            return Reply::new(553, "5.6.7 such an address needs SMTPUTF8");
        }
        if let Some(reply) = self.policy.scripted(Stage::Sender, &from.address, now) {
            return reply;
        }
        self.transaction = Some(Transaction {
            from: from.address.clone().into_owned(),
            utf8,
            too_big: size > self.policy.size_limit as u128,
            over_rate: !self.policy.within_rate(self.peer, now),
            to: Vec::new(),
            tokens: Vec::new(),
        });
        Reply::new(250, "2.1.0 sender ok")
    }

    fn rcpt(&mut self, to: &RcptTo<Cow<'_, str>>, now: Moment) -> Reply {
        let policy = Arc::clone(&self.policy);
        let Some(transaction) = &mut self.transaction else {
            return Reply::new(503, "5.5.1 MAIL first");
        };
        if to.flags != 0 || to.orcpt.is_some() {
            return Reply::new(555, "5.5.4 a parameter that was not offered");
        }
        if !transaction.utf8 && !to.address.is_ascii() {
            return Reply::new(553, "5.6.7 such an address needs SMTPUTF8");
        }
        let tokens = match policy.recipient(&to.address) {
            Ok(tokens) => tokens,
            Err(refusal) => {
                let relay = refusal.text.starts_with("5.7.1");
                let what = if relay { "relay denied" } else { "unknown address" };
                self.notes.push(Note::Refused(String::from(what)));
                return refusal;
            }
        };
        let limit = if transaction.too_big {
            let text = format!("5.3.4 mail over {} bytes", policy.size_limit);
            Some((Reply::new(552, text), "a mail over size_limit"))
        } else if transaction.over_rate {
            Some((
                Reply::new(451, "4.7.1 too many mails a minute from you"),
                "mails_per_minute",
            ))
        } else if transaction.to.len() >= policy.recipients_limit {
            let text = format!("4.5.3 at most {} recipients a mail", policy.recipients_limit);
            Some((Reply::new(452, text), "recipients_limit"))
        } else {
            None
        };
        if let Some((reply, what)) = limit {
            // A recipient that is already on the list has lost nothing.
            if !tokens.is_empty() && !tokens.iter().all(|t| transaction.tokens.contains(t)) {
                self.notes.push(Note::Dropped(String::from(what), tokens));
            }
            return reply;
        }
        if let Some(reply) = policy.scripted(Stage::Recipient, &to.address, now) {
            return reply;
        }
        transaction.to.push(to.address.clone().into_owned());
        for token in tokens {
            if !transaction.tokens.contains(&token) {
                transaction.tokens.push(token);
            }
        }
        Reply::new(250, "2.1.5 recipient ok")
    }

    fn begin_data(&mut self) -> Reply {
        match &self.transaction {
            None => Reply::new(503, "5.5.1 MAIL first"),
            Some(transaction) if transaction.to.is_empty() => {
                Reply::new(554, "5.5.1 no recipient was accepted")
            }
            Some(_) => {
                self.mode = Mode::Data(DataReader::new(self.policy.size_limit));
                Reply::new(354, "end with CRLF.CRLF")
            }
        }
    }
}

/// The SIZE that a MAIL command announces (RFC 1870), 0 where it does not. Read here, since the parser's number starts
/// over behind its largest value.
fn announced_size(line: &str) -> u128 {
    let sizes = line.split(' ').filter_map(|word| {
        let (name, digits) = word.split_once('=')?;
        let number = || digits.parse().unwrap_or(u128::MAX);
        name.eq_ignore_ascii_case("SIZE").then(number)
    });
    sizes.max().unwrap_or(0)
}

fn syntax(error: &smtp_proto::Error) -> Reply {
    use smtp_proto::Error;
    match error {
        Error::InvalidSenderAddress => Reply::new(501, "5.1.7 not an address"),
        Error::InvalidRecipientAddress => Reply::new(501, "5.1.3 not an address"),
        Error::SyntaxError { syntax } => Reply::new(501, format!("5.5.4 expected {syntax}")),
        Error::InvalidParameter { param } => Reply::new(501, format!("5.5.4 parameter {param} is wrong")),
        Error::UnsupportedParameter { .. } => Reply::new(555, "5.5.4 a parameter that was not offered"),
        _ => Reply::new(500, "5.5.2 unknown command"),
    }
}
