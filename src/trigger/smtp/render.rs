//! Templates become the parts of one mail; what would break out of a header is refused.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::{Address, message};

use super::config::{Addresses, Attachment, Mode, SmtpConfig};
use crate::model::{Fault, Reason, Scope, Template};

/// The largest mail that is sent, in bytes.
pub(super) const MAIL_LIMIT: usize = 32 << 20;

/// One run's mail, rendered.
pub(super) struct Rendered {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) login: Option<Login>,
    pub(super) token: String,
    pub(super) run: String,
    pub(super) from: Mailbox,
    pub(super) envelope_from: Option<Address>,
    pub(super) to: Vec<Mailbox>,
    pub(super) cc: Vec<Mailbox>,
    pub(super) bcc: Vec<Mailbox>,
    pub(super) subject: String,
    pub(super) headers: Vec<(message::header::HeaderName, String)>,
    pub(super) text: Option<String>,
    pub(super) html: Option<String>,
    pub(super) attachments: Vec<File>,
}

/// Who sends.
#[derive(Clone)]
pub(super) struct Login {
    pub(super) user: String,
    pub(super) password: String,
    pub(super) without_tls: bool,
}

/// One file that goes along.
pub(super) struct File {
    pub(super) name: String,
    pub(super) content_type: ContentType,
    pub(super) content: Content,
}

/// Text is kept readable where it can be.
pub(super) enum Content {
    Text(String),
    Bytes(Vec<u8>),
}

impl Rendered {
    /// # Errors
    /// A template that does not render, an address that is none, a value that would break out of its header.
    pub(super) fn new(
        config: &SmtpConfig,
        files: &[Option<Vec<u8>>],
        scope: &dyn Scope,
    ) -> Result<Self, Fault> {
        let (host, port) = server(&line("server", &config.server, scope)?, config.tls.mode)?;
        let auth = config.auth.as_ref();
        let login = auth.map(|auth| {
            Ok::<_, Fault>(Login {
                user: scope.text(&auth.user)?,
                password: scope.secret(&auth.password)?,
                without_tls: auth.without_tls,
            })
        });
        let from = mailbox("from", &config.from, scope)?;
        let envelope_from = match &config.envelope_from {
            None => Some(from.email.clone()),
            Some(template) => match line("envelope_from", template, scope)?.trim() {
                "" | "<>" => None,
                text => Some(address("envelope_from", text)?),
            },
        };
        let files = config.attachments.iter().zip(files);
        Ok(Self {
            host,
            port,
            login: login.transpose()?,
            token: line("token", &Template::of("{{ token }}"), scope)?,
            run: line("run", &Template::of("{{ run }}"), scope)?,
            from,
            envelope_from,
            to: mailboxes("to", &config.to, scope)?,
            cc: mailboxes("cc", &config.cc, scope)?,
            bcc: mailboxes("bcc", &config.bcc, scope)?,
            subject: line("subject", &config.subject, scope)?,
            headers: headers(config, scope)?,
            text: config.text.as_ref().map(|t| scope.text(t)).transpose()?,
            html: config.html.as_ref().map(|t| scope.text(t)).transpose()?,
            attachments: files
                .map(|(a, bytes)| file(a, bytes.as_ref(), scope))
                .collect::<Result<_, _>>()?,
        })
    }

    /// Everyone who gets it, each once.
    pub(super) fn recipients(&self) -> Vec<Address> {
        let mut all: Vec<Address> = Vec::new();
        for mailbox in self.to.iter().chain(&self.cc).chain(&self.bcc) {
            if !all.contains(&mailbox.email) {
                all.push(mailbox.email.clone());
            }
        }
        all
    }
}

fn wrong(what: &str, value: &str, expected: &str) -> Fault {
    let shown: String = value.chars().take(200).collect();
    Fault::new(
        Reason::Input,
        format!("`{what}` became `{}`: {expected}", shown.escape_debug()),
    )
}

/// A value of one line: a line break in it would begin a header of somebody else's making.
fn line(what: &str, template: &Template, scope: &dyn Scope) -> Result<String, Fault> {
    let text = scope.text(template)?;
    if text.chars().any(|c| c.is_control() && c != '\t') {
        return Err(wrong(
            what,
            &text,
            "a line break or control character may not stand there",
        ));
    }
    Ok(text)
}

fn address(what: &str, text: &str) -> Result<Address, Fault> {
    text.parse()
        .map_err(|_| wrong(what, text, "expected NAME@DOMAIN"))
}

fn mailbox(what: &str, template: &Template, scope: &dyn Scope) -> Result<Mailbox, Fault> {
    let text = line(what, template, scope)?;
    text.trim()
        .parse()
        .map_err(|_| wrong(what, &text, "expected NAME@DOMAIN or Name <NAME@DOMAIN>"))
}

fn mailboxes(what: &str, all: &Addresses, scope: &dyn Scope) -> Result<Vec<Mailbox>, Fault> {
    all.0
        .iter()
        .map(|template| mailbox(what, template, scope))
        .collect()
}

fn headers(
    config: &SmtpConfig,
    scope: &dyn Scope,
) -> Result<Vec<(message::header::HeaderName, String)>, Fault> {
    let one = |(name, template): &(crate::model::Spanned<String>, Template)| {
        let header = message::header::HeaderName::new_from_ascii(name.value.clone());
        let header = header.map_err(|_| wrong("headers", name, "expected a header name"))?;
        Ok((header, line(&format!("headers.{}", name.value), template, scope)?))
    };
    config.headers.0.iter().map(one).collect()
}

fn file(attachment: &Attachment, bytes: Option<&Vec<u8>>, scope: &dyn Scope) -> Result<File, Fault> {
    let name = line("attachments.name", &attachment.name, scope)?;
    let default = if attachment.text.is_some() {
        "text/plain; charset=utf-8"
    } else {
        "application/octet-stream"
    };
    let kind = attachment
        .content_type
        .as_ref()
        .map_or(default, |t| t.value.as_str());
    let content = match (&attachment.text, &attachment.base64, bytes) {
        (Some(text), _, _) => Content::Text(scope.text(text)?),
        (None, Some(base64), _) => {
            let text: String = scope.text(base64)?.split_ascii_whitespace().collect();
            let decoded = STANDARD.decode(&text);
            Content::Bytes(decoded.map_err(|_| wrong("attachments.base64", &text, "expected base64"))?)
        }
        (None, None, bytes) => Content::Bytes(bytes.cloned().unwrap_or_default()),
    };
    Ok(File {
        content_type: ContentType::parse(kind)
            .map_err(|_| wrong("attachments.content_type", kind, "expected TYPE/SUBTYPE"))?,
        name,
        content,
    })
}

/// `HOST`, `HOST:PORT`, `[IPV6]`, `[IPV6]:PORT`.
fn server(text: &str, tls: Mode) -> Result<(String, u16), Fault> {
    let default = match tls {
        Mode::None | Mode::Opportunistic => 25,
        Mode::Starttls => 587,
        Mode::Implicit => 465,
    };
    let text = text.trim();
    let parts = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, "")) => Some((host, default)),
        Some((host, port)) => port
            .strip_prefix(':')
            .and_then(|p| p.parse().ok())
            .map(|p| (host, p)),
        None => match text.rsplit_once(':') {
            None => Some((text, default)),
            Some((host, _)) if host.contains(':') => None,
            Some((host, port)) => port.parse().ok().map(|port| (host, port)),
        },
    };
    parts
        .filter(|(host, port)| !host.is_empty() && *port != 0 && !host.contains(['/', '@', ' ']))
        .map(|(host, port)| (host.to_owned(), port))
        .ok_or_else(|| {
            wrong(
                "server",
                text,
                "expected HOST:PORT, such as mail.example.com:587 or [::1]:25",
            )
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_a_host_and_perhaps_a_port() {
        for (text, expected) in [
            ("mx.test", Some(("mx.test", 587))),
            ("mx.test:25", Some(("mx.test", 25))),
            ("[::1]:2525", Some(("::1", 2525))),
            ("[::1]", Some(("::1", 587))),
            ("::1", None),
            ("mx.test:", None),
            ("mx.test:99999", None),
            ("mx.test:0", None),
            (":25", None),
            ("smtp://mx.test:25", None),
            ("user@mx.test:25", None),
        ] {
            let found = server(text, Mode::Starttls).ok();
            assert_eq!(found.as_ref().map(|(h, p)| (h.as_str(), *p)), expected, "{text}");
        }
    }
}
