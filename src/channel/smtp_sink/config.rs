//! What the sink is told, and what of it cannot be honoured.

use schemars::JsonSchema;
use serde::Deserialize;

use super::reply::Reply;
use crate::diag::{Code, Problems};
use crate::model::{Lapse, Secret, Span, Spanned, Template};

/// The port that is listened on where `listen` names none.
pub(super) const PORT: u16 = 2525;

/// Connections at once, where `connections` does not say.
pub(super) const CONNECTIONS: u32 = 200;
/// The longest mail, where `size_limit` does not say.
pub(super) const SIZE_LIMIT: u64 = 1 << 20;
/// All mails under way together stay below this.
const MEMORY: u64 = 2 << 30;

/// A mail server of landfall's own, for test inboxes. It takes mail for its own
/// addresses only and never sends any.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SmtpSinkConfig {
    /// Where to listen: `IP:PORT`, or `:PORT` on the workspace's own address. Port 0 takes a free one. Default `:2525`.
    pub listen: Option<Spanned<String>>,
    /// The name or address by which senders reach the sink, offered as `channels.NAME.host`. Default: the address
    /// listened on (loopback where that is every address).
    pub host: Option<Spanned<String>>,
    /// The domain that mails are taken for where their local part bears a token of ours. Default `landfall.test`.
    pub domain: Option<Spanned<String>>,
    /// The address that a run is offered as `channels.NAME.address`. Default `canary+{{ token }}@DOMAIN`.
    pub address: Option<Template>,
    /// Further addresses that are taken, whatever they bear: `ops@landfall.test`, or `*@landfall.test` for a whole
    /// domain. Runs are then told apart by a token in the subject, a header or the body.
    pub addresses: Vec<Spanned<String>>,
    /// Offers STARTTLS. Left out: it is not offered. `self_signed`, or `files` with a certificate chain and its key.
    pub tls: Option<SinkTls>,
    /// Takes mail only over TLS. Default false.
    pub require_tls: bool,
    /// Takes mail only from senders that log in (AUTH PLAIN or LOGIN).
    pub auth: Option<SinkAuth>,
    /// The longest mail in bytes, announced as SIZE. Default 1048576.
    pub size_limit: Option<Spanned<u64>>,
    /// Recipients a mail. Default 100.
    pub recipients_limit: Option<Spanned<u32>>,
    /// Connections at once. Default 200.
    pub connections: Option<Spanned<u32>>,
    /// Connections at once from one address. Default 50.
    pub connections_per_source: Option<Spanned<u32>>,
    /// Mails a minute from one address; more are asked to come later. Default 6000.
    pub mails_per_minute: Option<Spanned<u32>>,
    /// Commands a session. Default 1000.
    pub commands: Option<Spanned<u32>>,
    /// How long a sender may be silent. Default 60s.
    pub idle_timeout: Option<Lapse>,
    /// How long a session may last. Default 10m.
    pub session_timeout: Option<Lapse>,
    /// How long the greeting is held back; who talks before it is turned away. Default 0ms: it would add to what is
    /// measured.
    pub greeting_delay: Option<Lapse>,
    /// Scripted refusals, to test how senders retry. The first that applies answers.
    pub answers: Vec<ScriptedAnswer>,
}

/// The certificate that STARTTLS shows.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum SinkTls {
    /// A certificate made at each start, for `domain`.
    SelfSigned,
    /// A certificate chain and its key, in PEM.
    Files {
        /// The chain, the sink's own certificate first. Relative to the workspace.
        cert: Spanned<String>,
        /// The private key. Relative to the workspace.
        key: Spanned<String>,
    },
}

/// Who may send.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SinkAuth {
    /// The user.
    pub user: Spanned<String>,
    /// The password.
    pub password: Secret,
    /// Lets passwords travel without TLS. Default false: AUTH is offered only after STARTTLS.
    #[serde(default)]
    pub without_tls: bool,
}

/// One scripted refusal.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScriptedAnswer {
    /// Where in the dialogue.
    pub at: Stage,
    /// The refusal: a code from 400 to 599 and its text, such as `451 4.7.1 greylisted`.
    pub reply: Spanned<String>,
    /// How often it is given, to each recipient, sender or mail by itself. Left out: always, or as long as `lasting`.
    pub times: Option<Spanned<u32>>,
    /// It is given until this long after the first try (greylisting).
    pub lasting: Option<Lapse>,
    /// Counts all senders, recipients and mails together instead of each by itself. Default false.
    #[serde(default)]
    pub together: bool,
}

/// A place in the dialogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// MAIL FROM.
    Sender,
    /// RCPT TO, of an address that would be taken.
    Recipient,
    /// The final dot; the mail is not recorded.
    Message,
    /// The final dot, after the mail was recorded: to the sender it looks lost, so it sends it again.
    Acknowledgement,
}

/// What is served where `listen` is parsed: the ip is left out for the workspace's own.
pub(super) fn parse_listen(text: &str) -> Option<(Option<std::net::IpAddr>, u16)> {
    match text.strip_prefix(':') {
        Some(port) => Some((None, port.parse().ok()?)),
        None => {
            let at: std::net::SocketAddr = text.parse().ok()?;
            Some((Some(at.ip()), at.port()))
        }
    }
}

/// Whether a text can be a domain in an address: letters, digits, dots and dashes, or what SMTPUTF8 adds.
fn is_domain(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 255
        && text.split('.').all(|label| {
            !label.is_empty()
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || c == '-' || !c.is_ascii())
        })
}

impl SmtpSinkConfig {
    /// The domain served.
    pub(super) fn domain(&self) -> String {
        let domain = self.domain.as_ref().map_or("landfall.test", |d| d.value.as_str());
        domain.to_ascii_lowercase()
    }

    pub(super) fn check(&self, out: &mut Problems) {
        self.check_addresses(out);
        self.check_access(out);
        self.check_limits(out);
        for answer in &self.answers {
            answer.check(out);
        }
    }

    fn check_addresses(&self, out: &mut Problems) {
        if let Some(listen) = self.listen.as_ref().filter(|l| parse_listen(l).is_none()) {
            let message = format!("`{}` is no address to listen on", listen.value);
            out.error(Code::Setting, listen.span, message, "expected IP:PORT or :PORT")
                .help("write `:2525`, `127.0.0.1:2525` or `[::1]:2525`");
        }
        if let Some(domain) = self.domain.as_ref().filter(|d| !is_domain(d)) {
            let message = format!("`{}` is no domain", domain.value);
            out.error(
                Code::Setting,
                domain.span,
                message,
                "expected a name such as landfall.test",
            );
        }
        if let Some(address) = &self.address {
            self.check_offered(address, out);
        }
        for address in &self.addresses {
            let parts = address.rsplit_once('@');
            if !parts.is_some_and(|(local, domain)| !local.is_empty() && is_domain(domain)) {
                let message = format!("`{}` is no address", address.value);
                out.error(
                    Code::Setting,
                    address.span,
                    message,
                    "expected NAME@DOMAIN or *@DOMAIN",
                );
            }
        }
    }

    /// An address that the sink would itself turn away makes every run lost.
    fn check_offered(&self, address: &Template, out: &mut Problems) {
        let Some((local, domain)) = address.source.rsplit_once('@') else {
            let message = format!("`{}` is no address", address.source);
            out.error(Code::Setting, address.span, message, "expected NAME@DOMAIN");
            return;
        };
        if domain.contains("{{") || local.contains("{{") && domain.eq_ignore_ascii_case(&self.domain()) {
            return;
        }
        let taken = |listed: &Spanned<String>| {
            listed.eq_ignore_ascii_case(&address.source)
                || listed
                    .strip_prefix("*@")
                    .is_some_and(|d| d.eq_ignore_ascii_case(domain))
        };
        if !self.addresses.iter().any(taken) {
            let message = format!("the sink would refuse mail to `{}`", address.source);
            out.error(
                Code::Setting,
                address.span,
                message,
                "not an address of this sink",
            )
            .help(format!(
                "write `{{{{ token }}}}` before `@{}`, or list the address under `addresses`",
                self.domain()
            ));
        }
    }

    fn check_access(&self, out: &mut Problems) {
        let place = self.domain.as_ref().map_or(Span::default(), |d| d.span);
        if self.require_tls && self.tls.is_none() {
            let label = "no certificate to offer";
            out.error(
                Code::Setting,
                place,
                "`require_tls` without `tls` would refuse every mail",
                label,
            )
            .help("add `tls: self_signed`");
        }
        if let Some(auth) = &self.auth {
            if self.tls.is_none() && !auth.without_tls {
                let message = "`auth` without `tls` would refuse every mail: passwords travel only over TLS";
                out.error(Code::Setting, auth.user.span, message, "nobody could log in")
                    .help("add `tls: self_signed`, or `without_tls: true` under `auth`");
            }
            if auth.user.is_empty() {
                out.error(
                    Code::Setting,
                    auth.user.span,
                    "`user` is empty",
                    "expected a name",
                );
            }
        }
    }

    fn check_limits(&self, out: &mut Problems) {
        let counts = [
            ("recipients_limit", &self.recipients_limit),
            ("connections", &self.connections),
            ("connections_per_source", &self.connections_per_source),
            ("mails_per_minute", &self.mails_per_minute),
            ("commands", &self.commands),
        ];
        for (name, value) in counts {
            if let Some(zero) = value.as_ref().filter(|v| v.value == 0) {
                let message = format!("`{name}: 0` would refuse everything");
                out.error(Code::Setting, zero.span, message, "expected at least 1");
            }
        }
        let size = self.size_limit.as_ref();
        if let Some(size) = size.filter(|s| !(1024..=64 << 20).contains(&s.value)) {
            let message = format!("`size_limit: {}` cannot be honoured", size.value);
            out.error(
                Code::Setting,
                size.span,
                message,
                "expected bytes from 1024 to 67108864",
            );
        }
        let connections = self.connections.as_ref().map_or(CONNECTIONS, |c| c.value);
        let each = size.map_or(SIZE_LIMIT, |s| s.value);
        if let Some(size) = size.filter(|_| each.saturating_mul(connections.into()) > MEMORY) {
            let message = format!(
                "{connections} connections with mails of {each} bytes could fill {MEMORY} bytes of memory"
            );
            out.error(Code::Setting, size.span, message, "too much at once")
                .help("lower `size_limit` or `connections`");
        }
    }
}

impl ScriptedAnswer {
    fn check(&self, out: &mut Problems) {
        if Reply::parse(&self.reply).is_none() {
            let message = format!("`{}` is no refusal", self.reply.value);
            out.error(
                Code::Setting,
                self.reply.span,
                message,
                "expected a code from 400 to 599 and its text",
            )
            .help("write, for example, `451 4.7.1 greylisted`");
        }
        if let Some(zero) = self.times.as_ref().filter(|t| t.value == 0) {
            out.error(
                Code::Setting,
                zero.span,
                "`times: 0` never answers",
                "expected at least 1",
            );
        }
    }
}
