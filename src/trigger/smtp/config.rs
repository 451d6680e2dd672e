//! What the trigger is told, and what of it cannot be honoured.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};

use crate::diag::{Code, Problems};
use crate::model::{Free, Headers, Lapse, Secret, Spanned, Template};
use crate::tls::Secured;

/// A mail, handed to an SMTP server. `response.status` is the reply code of the step
/// that decided: that of the final dot, or of the step that was refused.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SmtpConfig {
    /// `HOST:PORT` of the server. Without a port: 25, with `tls: starttls` 587, with `tls: implicit` 465. Host and
    /// port may come from `vars` and the route, and from nothing else.
    pub server: Template,
    /// How the connection is secured, and whom to trust: a word, or a mapping such as
    /// `{ mode: implicit, ca: authority.pem }`. Default `starttls`.
    #[serde(default)]
    pub tls: Secured<Mode>,
    /// Logs in, by AUTH PLAIN or LOGIN, whichever the server offers.
    pub auth: Option<Auth>,
    /// The sender, `NAME@DOMAIN` or `Name <NAME@DOMAIN>`.
    pub from: Template,
    /// The sender of the envelope, to which bounces go. Default: that of `from`; empty for none.
    pub envelope_from: Option<Template>,
    /// Who gets it: an address or a list. One that the server refuses ends the attempt.
    pub to: Addresses,
    /// Who gets a copy: an address or a list.
    #[serde(default)]
    pub cc: Addresses,
    /// Who gets it without being named in it: an address or a list.
    #[serde(default)]
    pub bcc: Addresses,
    /// The subject.
    #[serde(default)]
    pub subject: Template,
    /// Further headers. Every mail bears `Date`, `Message-ID` and `X-Landfall-Run`; the first two may be replaced.
    #[serde(default)]
    pub headers: Headers,
    /// The text.
    pub text: Option<Template>,
    /// The HTML, beside the text where there is both.
    pub html: Option<Template>,
    /// Files that go along.
    #[serde(default)]
    pub attachments: Vec<Attachment>,
    /// How landfall names itself in EHLO. Default: its own address on the connection.
    pub helo: Option<Spanned<String>>,
    /// For the whole dialogue. Default 30s.
    pub timeout: Option<Lapse>,
}

/// How the connection is secured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Not at all.
    None,
    /// By STARTTLS where the server offers it, else not at all. The attribute `tls` says which it was.
    Opportunistic,
    /// By STARTTLS; a server that does not offer it is not used.
    #[default]
    Starttls,
    /// From the first byte.
    Implicit,
}

/// Who sends.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Auth {
    /// The user.
    pub user: Template,
    /// The password.
    pub password: Secret,
    /// Lets the password travel without TLS. Default false.
    #[serde(default)]
    pub without_tls: bool,
}

/// One file. Exactly one of `text`, `base64` and `file` is its content.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Attachment {
    /// Its name.
    pub name: Template,
    /// Its type. Default `text/plain` for `text`, else `application/octet-stream`.
    pub content_type: Option<Spanned<String>>,
    /// Its content as text.
    pub text: Option<Template>,
    /// Its content in base64.
    pub base64: Option<Template>,
    /// A file that holds it, read when the workspace is loaded. Relative to the workspace.
    pub file: Option<Spanned<String>>,
}

/// An address, or a list of them.
#[derive(Clone, Debug, Default)]
pub struct Addresses(pub Vec<Template>);

impl<'de> Deserialize<'de> for Addresses {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMany;
        impl<'de> Visitor<'de> for OneOrMany {
            type Value = Addresses;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an address or a list of addresses")
            }
            fn visit_str<E>(self, text: &str) -> Result<Addresses, E> {
                Ok(Addresses(vec![Template::of(text)]))
            }
            fn visit_newtype_struct<D: Deserializer<'de>>(
                self,
                deserializer: D,
            ) -> Result<Addresses, D::Error> {
                // A reader that knows positions hands a string on here.
                Ok(Addresses(vec![Template::deserialize(deserializer)?]))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Addresses, A::Error> {
                let mut all = Vec::new();
                while let Some(address) = seq.next_element()? {
                    all.push(address);
                }
                Ok(Addresses(all))
            }
        }
        struct Outer;
        impl<'de> Visitor<'de> for Outer {
            type Value = Addresses;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an address or a list of addresses")
            }
            fn visit_newtype_struct<D: Deserializer<'de>>(
                self,
                deserializer: D,
            ) -> Result<Addresses, D::Error> {
                deserializer.deserialize_any(OneOrMany)
            }
        }
        // Asked by this name, the reader of definitions hands a string on with its place.
        deserializer.deserialize_newtype_struct(Free::NEWTYPE, Outer)
    }
}

impl JsonSchema for Addresses {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Addresses".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = Template::json_schema(generator);
        json_schema!({ "anyOf": [one, { "type": "array", "items": one }] })
    }
}

/// Headers that other settings make.
const OWN: [(&str, &str); 6] = [
    ("from", "from"),
    ("to", "to"),
    ("cc", "cc"),
    ("bcc", "bcc"),
    ("subject", "subject"),
    ("mime-version", "text"),
];

impl SmtpConfig {
    pub(super) fn check(&self, out: &mut Problems) {
        self.check_server(out);
        self.check_content(out);
        for (name, _) in &self.headers.0 {
            check_header(name, out);
        }
        for attachment in &self.attachments {
            attachment.check(out);
        }
        if let Some(auth) = self
            .auth
            .as_ref()
            .filter(|a| self.tls.mode == Mode::None && !a.without_tls)
        {
            let message = "`auth` with `tls: none` would send the password in the clear";
            out.error(
                Code::Setting,
                auth.user.span,
                message,
                "passwords travel only over TLS",
            )
            .help("set `tls: starttls`, or `without_tls: true` under `auth`");
        }
        if self.timeout.is_some_and(|t| t.0.is_zero()) {
            let message = "`timeout` of the smtp trigger is zero: nothing could be sent";
            out.error(
                Code::Setting,
                self.server.span,
                message,
                "expected a duration such as 30s",
            );
        }
        self.tls.check(self.tls.mode == Mode::None, out);
        let helo = self.helo.as_ref();
        if let Some(helo) = helo.filter(|h| h.is_empty() || !h.bytes().all(|b| b.is_ascii_graphic())) {
            let message = format!("`{}` is no name for EHLO", helo.value.escape_debug());
            out.error(
                Code::Setting,
                helo.span,
                message,
                "expected a host name such as probe.example.com",
            );
        }
    }

    fn check_server(&self, out: &mut Problems) {
        if self.server.source.trim().is_empty() {
            out.error(
                Code::Setting,
                self.server.span,
                "`server` is empty",
                "expected HOST:PORT",
            );
        }
        for expression in expressions(&self.server.source) {
            let known = ["vars.", "vars[", "route.", "route[", "channels.", "channels["];
            if !known.iter().any(|k| expression.starts_with(k)) {
                let message = format!("`{{{{ {expression} }}}}` may not choose the server");
                out.error(Code::Setting, self.server.span, message, "expected a value of vars, route or channels")
                    .help("a canary must go where its route says: put the address under `vars` or the route's `vars`");
            }
        }
    }

    fn check_content(&self, out: &mut Problems) {
        if self.to.0.is_empty() {
            let message = "`to` is empty: the mail would go to nobody";
            out.error(
                Code::Setting,
                self.from.span,
                message,
                "expected at least one address under `to`",
            );
        }
        if self.text.is_none() && self.html.is_none() && self.attachments.is_empty() {
            let message = "the mail has no content";
            out.error(
                Code::Setting,
                self.from.span,
                message,
                "expected `text`, `html` or `attachments`",
            );
        }
    }
}

impl Attachment {
    fn check(&self, out: &mut Problems) {
        let given = [self.text.is_some(), self.base64.is_some(), self.file.is_some()];
        if given.iter().filter(|g| **g).count() != 1 {
            let message = format!("attachment `{}` needs exactly one content", self.name.source);
            out.error(
                Code::Setting,
                self.name.span,
                message,
                "expected one of `text`, `base64` and `file`",
            );
        }
        let is_type = |text: &str| {
            let token = |t: &str| {
                !t.is_empty()
                    && t.bytes()
                        .all(|b| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b))
            };
            let essence = text.split(';').next().unwrap_or("").trim();
            essence.split_once('/').is_some_and(|(a, b)| token(a) && token(b))
                && !text.chars().any(char::is_control)
        };
        if let Some(kind) = self.content_type.as_ref().filter(|t| !is_type(t)) {
            let message = format!("`{}` is no content type", kind.value.escape_debug());
            out.error(
                Code::Setting,
                kind.span,
                message,
                "expected TYPE/SUBTYPE, such as application/pdf",
            );
        }
    }
}

fn check_header(name: &Spanned<String>, out: &mut Problems) {
    let lower = name.to_ascii_lowercase();
    let own = OWN.iter().find(|(own, _)| *own == lower);
    if let Some((_, setting)) = own {
        let message = format!("`{}` is not set under `headers`", name.value);
        out.error(
            Code::Setting,
            name.span,
            message,
            "landfall writes this header itself",
        )
        .help(format!("use the setting `{setting}`"));
    } else if lower.starts_with("content-") {
        let message = format!("`{}` is not set under `headers`", name.value);
        out.error(
            Code::Setting,
            name.span,
            message,
            "follows from `text`, `html` and `attachments`",
        );
    } else if name.is_empty() || name.len() > 76 || !name.bytes().all(|b| b.is_ascii_graphic() && b != b':') {
        // RFC 5322 section 3.6.8; 76 is what the folding leaves room for.
        let message = format!("`{}` is no header name", name.value.escape_debug());
        out.error(
            Code::Setting,
            name.span,
            message,
            "expected up to 76 printable ASCII characters without a colon",
        );
    }
}

/// What stands between the braces.
fn expressions(template: &str) -> impl Iterator<Item = &str> {
    template
        .split("{{")
        .skip(1)
        .map(|rest| rest.split("}}").next().unwrap_or("").trim_matches(['-', ' ']))
}
