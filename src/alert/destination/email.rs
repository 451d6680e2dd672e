//! The `email` destination.

#[cfg(feature = "mail")]
mod send;

use std::sync::Arc;

use reqwest::Url;
use schemars::JsonSchema;
use serde::Deserialize;

use super::http::check_timeout;
use super::{CheckFacts, Destination, Kind, OpenContext};
use crate::diag::{Code, Problems};
use crate::model::{Fault, Lapse, Reason, Secret, Span, Spanned, Template};
use crate::tls::Tls;

/// The kind.
pub struct Email;

/// A mail, handed to an SMTP server. All mails of one alert are one conversation; a mail that comes twice has the same
/// `Message-ID`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EmailConfig {
    /// The server: `smtp://USER:PASSWORD@HOST:587` by STARTTLS, which it must offer, or `smtps://…:465` with TLS from the
    /// first byte. `smtp://HOST:25?tls=opportunistic` takes STARTTLS where it is offered, `?tls=none` never: both without a
    /// password only.
    pub smtp: Secret,
    /// The sender, `NAME@DOMAIN` or `Name <NAME@DOMAIN>`. Default: the user of `smtp` where that is an address, else
    /// `landfall@` and its host (`localhost` for an IP address).
    pub from: Option<Spanned<String>>,
    /// Who gets it.
    pub to: Vec<Spanned<String>>,
    /// The subject, a template in which `alert` is the alert. Default: its title.
    pub subject: Option<Template>,
    /// The text, a template. Default: everything that the alert says.
    pub text: Option<Template>,
    /// For the whole dialogue. Default 30s.
    #[serde(default = "timeout")]
    pub timeout: Spanned<Lapse>,
    /// Whom to trust.
    #[serde(default)]
    pub tls: Tls,
}

fn timeout() -> Spanned<Lapse> {
    Spanned::new(Lapse::secs(30), Span::default())
}

/// How the connection is secured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Security {
    None,
    Opportunistic,
    Starttls,
    Implicit,
}

/// What stands in `smtp`.
#[derive(Clone, PartialEq, Eq)]
struct Server {
    host: String,
    port: u16,
    security: Security,
    login: Option<(String, String)>,
}

impl Server {
    /// Reads the address of a server; what is wrong with it, without the address, which holds a password.
    fn read(text: &str) -> Result<Self, &'static str> {
        let url =
            Url::parse(text.trim()).map_err(|_| "it is no address such as smtp://mail.example.com:587")?;
        let security = match (url.scheme(), url.query()) {
            ("smtp", None) => Security::Starttls,
            ("smtp", Some("tls=opportunistic")) => Security::Opportunistic,
            ("smtp", Some("tls=none")) => Security::None,
            ("smtps", None) => Security::Implicit,
            ("smtp", Some(_)) => return Err("after `?` there is `tls=opportunistic` or `tls=none`"),
            _ => return Err("it begins with `smtp://` or `smtps://`"),
        };
        let host = url
            .host_str()
            .filter(|h| !h.is_empty())
            .ok_or("it names no host")?;
        let host = host.trim_matches(['[', ']']).to_owned();
        let decoded =
            |text: &str| percent_decoded(text).ok_or("its user or password is not UTF-8 once decoded");
        let login = match (url.username(), url.password()) {
            ("", _) => None,
            (user, password) => Some((decoded(user)?, decoded(password.unwrap_or_default())?)),
        };
        if login.is_some() && matches!(security, Security::None | Security::Opportunistic) {
            return Err("a password travels over TLS alone: leave `?tls=…` out");
        }
        let port = url.port().unwrap_or(match security {
            Security::Implicit => 465,
            Security::Starttls => 587,
            Security::None | Security::Opportunistic => 25,
        });
        Ok(Self {
            host,
            port,
            security,
            login,
        })
    }
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        match (first, tail) {
            (b'%', [high, low, after @ ..]) => {
                let pair = [*high, *low];
                let digits = std::str::from_utf8(&pair).ok()?;
                bytes.push(u8::from_str_radix(digits, 16).ok()?);
                rest = after;
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

impl Kind for Email {
    const EXAMPLE: &'static str = "smtp: \"smtps://canary:${env:SMTP_PASSWORD}@mail.example.com\"\nfrom: landfall@example.com\nto: [oncall@example.com]\n";
    type Config = EmailConfig;

    fn check(config: &EmailConfig, facts: &CheckFacts<'_>, out: &mut Problems) {
        let smtp = &config.smtp.0;
        if !smtp.source.contains("{{")
            && let Err(why) = Server::read(&smtp.source)
        {
            out.error(
                Code::Setting,
                smtp.span,
                format!("`smtp` cannot be used: {why}"),
                "expected the address of an SMTP server",
            )
            .help(
                "write `smtp: \"${env:SMTP_URL}\"` with SMTP_URL=smtp://user:password@mail.example.com:587",
            );
        }
        if config.to.is_empty() {
            out.error(
                Code::Setting,
                facts.name.span,
                format!("the mails of `{}` would go to nobody", facts.name.value),
                "expected at least one address under `to`",
            );
        }
        for address in config.to.iter().chain(&config.from) {
            if !is_address(&address.value) {
                out.error(
                    Code::Setting,
                    address.span,
                    format!("`{}` is no mail address", address.value.escape_debug()),
                    "expected NAME@DOMAIN or Name <NAME@DOMAIN>",
                );
            }
        }
        check_timeout(&config.timeout, out);
        config.tls.check(out);
    }

    fn open(config: &EmailConfig, context: &OpenContext) -> Result<Arc<dyn Destination>, Fault> {
        let address = (context.scope)(Vec::new()).secret(&config.smtp)?;
        let server = Server::read(&address)
            .map_err(|why| Fault::new(Reason::Input, format!("`smtp` cannot be used: {why}")))?;
        opened(config, context, server)
    }
}

/// The least that an address must be; the mail library reads it once more before it sends.
fn is_address(text: &str) -> bool {
    let inner = match text.rsplit_once('<') {
        Some((_, rest)) => rest.strip_suffix('>').unwrap_or_default(),
        None => text,
    };
    let plain =
        |part: &str| !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || c.is_control());
    let named = inner.rsplit_once('@');
    named.is_some_and(|(name, domain)| plain(name) && plain(domain)) && !text.contains(['\r', '\n'])
}

#[cfg(feature = "mail")]
fn opened(
    config: &EmailConfig,
    context: &OpenContext,
    server: Server,
) -> Result<Arc<dyn Destination>, Fault> {
    send::open(config, context, server)
}

#[cfg(not(feature = "mail"))]
fn opened(_: &EmailConfig, _: &OpenContext, _: Server) -> Result<Arc<dyn Destination>, Fault> {
    Err(Fault::new(
        Reason::Input,
        "this build has no mail: build it with the feature `mail`",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_secured_unless_it_is_said_and_then_without_a_password() {
        let read = |text| Server::read(text).map(|s| (s.host, s.port, s.security));
        assert_eq!(
            read("smtp://mail.test"),
            Ok((String::from("mail.test"), 587, Security::Starttls))
        );
        assert_eq!(
            read("smtps://a%40b.test:p%3Aw@mail.test"),
            Ok((String::from("mail.test"), 465, Security::Implicit))
        );
        assert_eq!(
            read("smtp://[::1]:2525?tls=none"),
            Ok((String::from("::1"), 2525, Security::None))
        );
        let login = Server::read("smtps://a%40b.test:p%3Aw@mail.test").map(|s| s.login);
        assert_eq!(login, Ok(Some((String::from("a@b.test"), String::from("p:w")))));
        for wrong in [
            "mail.test",
            "http://mail.test",
            "smtp://u:p@mail.test?tls=none",
            "smtp://u:p@mail.test?tls=opportunistic",
            "smtp://mail.test?tls=never",
        ] {
            assert!(Server::read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn addresses_are_told_from_what_is_none() {
        for right in ["a@b.test", "On Call <a@b.test>"] {
            assert!(is_address(right), "{right}");
        }
        for wrong in [
            "",
            "a",
            "a@",
            "@b",
            "A <a@b.test",
            "a b@c.test",
            "a@b.test\r\nBcc: c@d.test",
        ] {
            assert!(!is_address(wrong), "{wrong:?}");
        }
    }
}
