//! Whom the sink serves and how much of it: addresses, limits, scripted refusals.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::config::{CONNECTIONS, SIZE_LIMIT, SmtpSinkConfig, Stage};
use super::recent::Recent;
use super::reply::Reply;
use crate::model::{Fault, Moment, Reason, Token, TokenKey, scan_text};

/// Senders, recipients and mails whose tries are remembered for scripted answers; the oldest is forgotten first.
const REMEMBERED_TRIES: usize = 10_000;
/// Sources whose mails are counted at once.
const COUNTED_SOURCES: usize = 10_000;

/// Everything a session asks before it answers.
pub(super) struct Policy {
    pub(super) domain: String,
    pub(super) starttls: bool,
    pub(super) require_tls: bool,
    pub(super) auth: Option<Credentials>,
    pub(super) size_limit: usize,
    pub(super) recipients_limit: usize,
    pub(super) commands: u32,
    pub(super) connections: usize,
    pub(super) connections_per_source: usize,
    mails_per_minute: u32,
    exact: Vec<String>,
    whole_domains: Vec<String>,
    key: TokenKey,
    scripts: Vec<Script>,
    minutes: Mutex<Recent<IpAddr, (Moment, u32)>>,
}

/// Who may log in.
pub(super) struct Credentials {
    pub(super) user: String,
    pub(super) password: String,
    pub(super) without_tls: bool,
}

struct Script {
    stage: Stage,
    reply: Reply,
    times: Option<u32>,
    lasting: Option<Duration>,
    together: bool,
    tries: Mutex<Recent<String, (Moment, u32)>>,
}

impl Policy {
    /// # Errors
    /// A scripted answer that is no refusal, which the check has told before.
    pub(super) fn new(
        config: &SmtpSinkConfig,
        password: Option<String>,
        key: TokenKey,
    ) -> Result<Self, Fault> {
        let (whole, exact): (Vec<_>, Vec<_>) = config
            .addresses
            .iter()
            .map(|a| a.to_ascii_lowercase())
            .partition(|a| a.starts_with("*@"));
        let auth = config.auth.as_ref().zip(password);
        Ok(Self {
            domain: config.domain(),
            starttls: config.tls.is_some(),
            require_tls: config.require_tls,
            auth: auth.map(|(auth, password)| Credentials {
                user: auth.user.value.clone(),
                password,
                without_tls: auth.without_tls,
            }),
            size_limit: usize::try_from(config.size_limit.as_ref().map_or(SIZE_LIMIT, |s| s.value))
                .unwrap_or(usize::MAX),
            recipients_limit: config.recipients_limit.as_ref().map_or(100, |n| n.value as usize),
            commands: config.commands.as_ref().map_or(1000, |n| n.value),
            connections: config.connections.as_ref().map_or(CONNECTIONS, |n| n.value) as usize,
            connections_per_source: config
                .connections_per_source
                .as_ref()
                .map_or(50, |n| n.value as usize),
            mails_per_minute: config.mails_per_minute.as_ref().map_or(6000, |n| n.value),
            exact,
            whole_domains: whole.iter().map(|a| a[2..].to_owned()).collect(),
            key,
            scripts: config.answers.iter().map(Script::new).collect::<Result<_, _>>()?,
            minutes: Mutex::new(Recent::new(COUNTED_SOURCES)),
        })
    }

    /// Every token of ours in a text.
    pub(super) fn tokens(&self, text: &str) -> Vec<Token> {
        scan_text(&self.key, text)
    }

    /// Whether mail to the address is taken, and whose it is as far as the address says.
    ///
    /// # Errors
    /// The refusal.
    pub(super) fn recipient(&self, address: &str) -> Result<Vec<Token>, Reply> {
        let Some((local, domain)) = address.rsplit_once('@') else {
            return Err(Reply::new(550, "5.1.1 no such address here"));
        };
        let tokens = self.tokens(local);
        let domain = domain.to_ascii_lowercase();
        let listed = || self.exact.contains(&address.to_ascii_lowercase());
        if self.whole_domains.contains(&domain) || listed() {
            return Ok(tokens);
        }
        if domain != self.domain {
            let text = format!(
                "5.7.1 relay denied: this server takes mail for {} only",
                self.domain
            );
            return Err(Reply::new(550, text));
        }
        if tokens.is_empty() {
            return Err(Reply::new(
                550,
                "5.1.1 no such address here: the local part bears no token",
            ));
        }
        Ok(tokens)
    }

    /// The scripted refusal of one sender, recipient or mail, where one applies; counts the try.
    pub(super) fn scripted(&self, stage: Stage, subject: &str, now: Moment) -> Option<Reply> {
        let mut scripts = self.scripts.iter().filter(|s| s.stage == stage);
        scripts.find(|s| s.applies(subject, now)).map(|s| s.reply.clone())
    }

    /// Counts a mail of a source; false where it has had its share of this minute.
    pub(super) fn within_rate(&self, source: IpAddr, now: Moment) -> bool {
        let mut minutes = lock(&self.minutes);
        let (since, count) = minutes.entry(source, || (now, 0));
        if now.since(*since) >= Duration::from_secs(60) {
            (*since, *count) = (now, 0);
        }
        *count = count.saturating_add(1);
        *count <= self.mails_per_minute
    }
}

impl Script {
    fn new(answer: &super::config::ScriptedAnswer) -> Result<Self, Fault> {
        let reply = Reply::parse(&answer.reply).ok_or_else(|| {
            let message = format!(
                "`{}` is no refusal: expected a code from 400 to 599",
                answer.reply.value
            );
            Fault::new(Reason::Input, message)
        })?;
        Ok(Self {
            stage: answer.at,
            reply,
            times: answer.times.as_ref().map(|t| t.value),
            lasting: answer.lasting.map(|l| l.0),
            together: answer.together,
            tries: Mutex::new(Recent::new(REMEMBERED_TRIES)),
        })
    }

    fn applies(&self, subject: &str, now: Moment) -> bool {
        let subject = if self.together { "" } else { subject };
        let mut tries = lock(&self.tries);
        let (first, count) = tries.entry(subject.to_ascii_lowercase(), || (now, 0));
        *count = count.saturating_add(1);
        let in_time = self.lasting.is_none_or(|lasting| now.since(*first) < lasting);
        self.times.is_none_or(|times| *count <= times) && in_time
    }
}

/// How many connections are open, in all and from each source.
#[derive(Default)]
pub(super) struct Admission(Mutex<(usize, HashMap<IpAddr, usize>)>);

impl Admission {
    /// Counts a connection in.
    ///
    /// # Errors
    /// The name of the limit that is reached.
    pub(super) fn enter(&self, policy: &Policy, source: IpAddr) -> Result<(), &'static str> {
        let mut open = lock(&self.0);
        if open.0 >= policy.connections {
            return Err("connections");
        }
        let of_source = open.1.entry(source).or_default();
        if *of_source >= policy.connections_per_source {
            return Err("connections_per_source");
        }
        *of_source += 1;
        open.0 += 1;
        Ok(())
    }

    /// Counts it out.
    pub(super) fn leave(&self, source: IpAddr) {
        let mut open = lock(&self.0);
        open.0 = open.0.saturating_sub(1);
        if let Some(count) = open.1.get_mut(&source) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                open.1.remove(&source);
            }
        }
    }

    /// How many are open.
    pub(super) fn open(&self) -> usize {
        lock(&self.0).0
    }
}

/// A lock whose holder panicked still holds counts that are good enough to go on with.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
