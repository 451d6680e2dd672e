//! The trigger: from a run's values to an answer.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::config::{Mode, SmtpConfig};
use super::dialogue::{Decided, Dialogue, Job};
use super::message;
use super::render::{MAIL_LIMIT, Rendered};
use crate::clock::Clock;
use crate::model::{Answer, Fault, Lapse, Reason, Response, Scope, SendFailure, Timings};
use crate::tls;
use crate::trigger::{OpenContext, Prepared, Shot, Trigger};

/// As much of a mail is shown.
const SHOWN: usize = 64 << 10;

/// The open trigger.
pub(super) struct SmtpTrigger {
    config: SmtpConfig,
    client: Option<Arc<ClientConfig>>,
    /// The contents of `attachments.file`, place by place.
    files: Vec<Option<Vec<u8>>>,
    clock: Arc<dyn Clock>,
    timeout: Duration,
}

impl SmtpTrigger {
    /// # Errors
    /// A certificate or an attachment that cannot be read.
    pub(super) fn open(config: SmtpConfig, context: &OpenContext) -> Result<Self, Fault> {
        let client = match config.tls.mode {
            Mode::None => None,
            _ => Some(Arc::new(tls::client(&config.tls.tls, &context.root)?)),
        };
        let paths = config
            .attachments
            .iter()
            .map(|a| a.file.as_ref().map(|f| context.root.join(&f.value)));
        let files = paths
            .map(|path| path.map(read_file).transpose())
            .collect::<Result<_, _>>()?;
        Ok(Self {
            client,
            files,
            clock: Arc::clone(&context.clock),
            timeout: config.timeout.unwrap_or(Lapse::secs(30)).0,
            config,
        })
    }

    fn shown(&self, mail: &Rendered, raw: &[u8]) -> Value {
        let cut = raw.len().min(SHOWN);
        json!({
            "server": format!("{}:{}", mail.host, mail.port),
            "tls": match self.config.tls.mode {
                Mode::None => "none",
                Mode::Opportunistic => "opportunistic",
                Mode::Starttls => "starttls",
                Mode::Implicit => "implicit",
            },
            "insecure": self.config.tls.tls.insecure(),
            "user": mail.login.as_ref().map(|l| l.user.as_str()),
            "envelope_from": mail.envelope_from.as_ref().map_or("", |a| a.as_ref()),
            "to": message::shown(&mail.to),
            "cc": message::shown(&mail.cc),
            "bcc": message::shown(&mail.bcc),
            "mail": String::from_utf8_lossy(&raw[..cut]),
            "mail_bytes": raw.len(),
        })
    }
}

fn read_file(path: PathBuf) -> Result<Vec<u8>, Fault> {
    let wrong = |what: String| Fault::new(Reason::Input, format!("attachment `{}`: {what}", path.display()));
    let size = std::fs::metadata(&path).map_err(|e| wrong(e.to_string()))?.len();
    if size > MAIL_LIMIT as u64 {
        return Err(wrong(format!(
            "it has {size} bytes; a mail has at most {MAIL_LIMIT}"
        )));
    }
    std::fs::read(&path).map_err(|e| wrong(e.to_string()))
}

impl Trigger for SmtpTrigger {
    fn prepare(&self, scope: &dyn Scope) -> Result<Prepared, Fault> {
        let mail = Rendered::new(&self.config, &self.files, scope)?;
        let raw = message::build(&mail, self.clock.now())?;
        let shown = self.shown(&mail, &raw);
        let job = Job {
            to: mail.recipients().iter().map(ToString::to_string).collect(),
            from: mail
                .envelope_from
                .as_ref()
                .map_or_else(String::new, ToString::to_string),
            host: mail.host,
            port: mail.port,
            tls: self.config.tls.mode,
            client: self.client.clone(),
            helo: self.config.helo.as_ref().map(|h| h.value.clone()),
            login: mail.login,
            raw,
        };
        let (clock, limit) = (Arc::clone(&self.clock), self.timeout);
        Ok(Prepared {
            shown,
            fire: Box::new(move |shot| Box::pin(fire(job, clock, limit, shot))),
        })
    }

    fn accepts(&self, response: &Response) -> bool {
        (200..300).contains(&response.status)
    }

    fn timeout(&self) -> Duration {
        self.timeout
    }
}

async fn fire(job: Job, clock: Arc<dyn Clock>, limit: Duration, shot: Shot) -> Answer {
    let mut dialogue = Dialogue::new(job, Arc::clone(&clock), shot.sent);
    let ended = timeout(limit, dialogue.run()).await.unwrap_or_else(|_| {
        let message = format!(
            "{} at {}: no answer within {}",
            dialogue.place(),
            dialogue.step,
            Lapse(limit)
        );
        Err(Fault::new(Reason::Timeout, message))
    });
    let answered_at = clock.now();
    let sent_at = dialogue.sent_at.unwrap_or(dialogue.started);
    let answered = ended.is_ok();
    let total = answered_at.seconds_since(sent_at);
    let timings = Timings {
        dns: dialogue.resolved.map(|at| at.seconds_since(dialogue.started)),
        connect: dialogue
            .connected
            .zip(dialogue.resolved)
            .map(|(done, begun)| done.seconds_since(begun)),
        tls: dialogue
            .secured_at
            .zip(dialogue.connected)
            .map(|(done, begun)| done.seconds_since(begun)),
        first_byte: dialogue
            .first_byte
            .filter(|_| answered)
            .map(|at| at.seconds_since(sent_at).max(0.0)),
        total: answered.then_some(total),
    };
    let outcome = match ended {
        Ok(decided) => Ok(response(&decided, &mut dialogue.attributes, total)),
        Err(fault) => Err(SendFailure {
            fault,
            in_doubt: dialogue.dot_sent,
        }),
    };
    if answered {
        dialogue.goodbye().await;
    }
    Answer {
        outcome,
        sent_at,
        answered_at,
        timings,
        attributes: dialogue.attributes,
    }
}

/// What expressions see as `response`.
fn response(decided: &Decided, attributes: &mut BTreeMap<String, String>, seconds: f64) -> Response {
    let text = decided.reply.text();
    attributes.insert(String::from("reply"), format!("{} {text}", decided.reply.code));
    let mut headers = BTreeMap::from([
        (String::from("x-smtp-step"), decided.step.clone()),
        (
            String::from("x-smtp-reply"),
            format!("{} {text}", decided.reply.code),
        ),
    ]);
    if let Some(enhanced) = decided.reply.enhanced() {
        headers.insert(String::from("x-smtp-enhanced"), enhanced.to_owned());
    }
    for (name, header) in [
        ("server", "x-smtp-server"),
        ("queue_id", "x-smtp-queue-id"),
        ("tls", "x-smtp-tls"),
    ] {
        if let Some(value) = attributes.get(name) {
            headers.insert(header.to_owned(), value.clone());
        }
    }
    Response {
        status: i64::from(decided.reply.code),
        headers,
        body: text,
        json: Value::Null,
        seconds,
    }
}
