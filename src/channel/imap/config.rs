//! What an author writes under `imap:`.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::diag::{Code, Problems};
use crate::model::{Lapse, Secret, Span, Spanned, Template};
use crate::tls::Secured;

/// An inbox, watched over one connection for any number of runs.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImapConfig {
    /// The server's name; also what its certificate must bear.
    pub host: Template,
    /// The port. Default: 993 with `tls: implicit`, else 143.
    #[serde(default)]
    pub port: Option<Spanned<u16>>,
    /// How the connection is secured, and whom to trust: a word, or a mapping such as
    /// `{ mode: starttls, ca: authority.pem }`. Default `implicit`.
    #[serde(default)]
    pub tls: Spanned<Secured<Mode>>,
    /// Who logs in.
    pub user: Template,
    /// The password, or an application password where the provider asks for one.
    pub password: Secret,
    /// The address that `channels.NAME.address` gives to a run. With plus-addressing, `canary+{{ token }}@example.com`,
    /// the token is found even in mail that quotes nothing.
    #[serde(default)]
    pub address: Option<Template>,
    /// Which folders are watched; a mail in any of them is an observation, and `seen.folder` tells which. The first
    /// is the one that IDLE listens to; each further one costs a STATUS a look. Default `[INBOX]`.
    #[serde(default = "inbox")]
    pub folders: Vec<Spanned<String>>,
    /// Deletes landfall's own mails, those that bear one of its tokens, once they are on record. On a server without
    /// UIDPLUS (RFC 4315) they are only marked as deleted, since expunging would take other people's along.
    /// Default: nothing is ever changed; folders are opened read-only.
    #[serde(default)]
    pub delete: Option<Delete>,
    /// How often to look while a mail is due. The pause grows to 1/400 of the time waited, 30 s at most.
    /// Default `75ms`.
    #[serde(default = "burst")]
    pub burst: Spanned<Lapse>,
    /// How long an IDLE may last: routers forget silent connections, and servers end them after 30 minutes. Nothing
    /// being awaited by then, the connection is closed. Default `4m`.
    #[serde(default = "idle_renew")]
    pub idle_renew: Spanned<Lapse>,
    /// How long to wait for a connection and for each answer; then the connection counts as broken. Default `10s`.
    #[serde(default = "timeout")]
    pub timeout: Spanned<Lapse>,
    /// Of a mail larger than this many bytes only the first 256 KiB are read, and the runs it may belong to are told.
    /// Default 4194304 (4 MiB).
    #[serde(default = "max_size")]
    pub max_size: Spanned<u32>,
}

/// How a connection is secured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// TLS from the first byte (RFC 8314).
    #[default]
    Implicit,
    /// Plain at first, then STARTTLS before anything is said.
    Starttls,
    /// No protection: the password crosses the network in the clear.
    None,
}

/// Which mails may be deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Delete {
    /// Those that bear one of landfall's tokens.
    Own,
}

/// Partial reads of mails over `max_size` fetch so many bytes.
pub(super) const PARTIAL_BYTES: u32 = 256 * 1024;
/// How many folders one channel watches.
const FOLDERS_LIMIT: usize = 16;

fn inbox() -> Vec<Spanned<String>> {
    vec![Spanned::new(String::from("INBOX"), Span::default())]
}

const fn at<T>(value: T) -> Spanned<T> {
    Spanned::new(
        value,
        Span {
            file: 0,
            start: 0,
            end: 0,
        },
    )
}

const fn burst() -> Spanned<Lapse> {
    at(Lapse(Duration::from_millis(75)))
}

const fn idle_renew() -> Spanned<Lapse> {
    at(Lapse::secs(240))
}

const fn timeout() -> Spanned<Lapse> {
    at(Lapse::secs(10))
}

const fn max_size() -> Spanned<u32> {
    at(4 * 1024 * 1024)
}

impl ImapConfig {
    /// The port written, or the usual one.
    #[must_use]
    pub fn port(&self) -> u16 {
        match (&self.port, self.tls.mode) {
            (Some(port), _) => port.value,
            (None, Mode::Implicit) => 993,
            (None, Mode::Starttls | Mode::None) => 143,
        }
    }
}

/// Every problem the types cannot express.
pub(super) fn check(config: &ImapConfig, out: &mut Problems) {
    check_text(config, out);
    check_folders(config, out);
    check_times(config, out);
    check_tls(config, out);
}

fn check_text(config: &ImapConfig, out: &mut Problems) {
    for (name, template) in [("host", &config.host), ("user", &config.user)] {
        if template.source.trim().is_empty() {
            out.error(
                Code::Setting,
                template.span,
                format!("`{name}` is empty"),
                format!(
                    "expected the {}",
                    if name == "host" {
                        "server's name"
                    } else {
                        "user's name"
                    }
                ),
            );
        }
    }
    if let Some(address) = config.address.as_ref().filter(|a| !a.source.contains('@')) {
        out.error(
            Code::Setting,
            address.span,
            format!("`{}` is no mail address", address.source),
            "expected an `@`",
        )
        .help("write it as \"canary+{{ token }}@example.com\"");
    }
}

fn check_folders(config: &ImapConfig, out: &mut Problems) {
    if config.folders.is_empty() || config.folders.len() > FOLDERS_LIMIT {
        let span = config.folders.first().map_or(config.host.span, |f| f.span);
        out.error(
            Code::Setting,
            span,
            format!("`folders` names {} folders", config.folders.len()),
            format!("expected 1 to {FOLDERS_LIMIT}"),
        )
        .help("leave `folders` out to watch INBOX");
    }
    for (n, folder) in config.folders.iter().enumerate() {
        if folder.is_empty() || folder.chars().any(char::is_control) {
            out.error(
                Code::Setting,
                folder.span,
                format!("`{}` is no folder name", folder.escape_debug()),
                "expected a name without control characters",
            );
        }
        if config.folders[..n].iter().any(|f| f.value == folder.value) {
            out.error(
                Code::Setting,
                folder.span,
                format!("the folder `{}` is listed twice", folder.value),
                "already listed",
            );
        }
    }
}

fn check_times(config: &ImapConfig, out: &mut Problems) {
    let second = Duration::from_secs(1);
    let bounds = [
        ("burst", &config.burst, Duration::from_millis(20), 60 * second),
        ("idle_renew", &config.idle_renew, second, 29 * 60 * second),
        (
            "timeout",
            &config.timeout,
            Duration::from_millis(100),
            300 * second,
        ),
    ];
    for (name, lapse, least, most) in bounds {
        if lapse.value.0 < least || lapse.value.0 > most {
            out.error(
                Code::Setting,
                lapse.span,
                format!("`{name}` is {}", lapse.value),
                format!("expected {} to {}", Lapse(least), Lapse(most)),
            );
        }
    }
    if !(PARTIAL_BYTES..=64 * 1024 * 1024).contains(&config.max_size.value) {
        out.error(
            Code::Setting,
            config.max_size.span,
            format!("`max_size` is {}", config.max_size.value),
            format!("expected {PARTIAL_BYTES} to {} bytes", 64 * 1024 * 1024),
        );
    }
}

fn check_tls(config: &ImapConfig, out: &mut Problems) {
    let plain = config.tls.mode == Mode::None;
    config.tls.check(plain, out);
    let host = config.host.source.as_str();
    let local = host == "localhost"
        || host.contains("{{")
        || host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
    if plain && !local {
        let message = format!("the password goes to `{host}` in the clear");
        out.warning(Code::Setting, config.tls.span, message, "`tls: none`");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(yaml: &str) -> Vec<String> {
        let base = "host: imap.example.com\nuser: canary\npassword: x\n";
        let config: ImapConfig = serde_yaml::from_str(&format!("{base}{yaml}")).unwrap();
        let mut out = Problems::default();
        check(&config, &mut out);
        out.all()
            .iter()
            .map(|p| format!("{:?}: {}", p.severity, p.message))
            .collect()
    }

    #[test]
    fn the_port_follows_from_tls() {
        let port = |yaml: &str| {
            let text = format!("host: h\nuser: u\npassword: p\n{yaml}");
            serde_yaml::from_str::<ImapConfig>(&text).unwrap().port()
        };
        assert_eq!(port(""), 993);
        assert_eq!(port("tls: starttls"), 143);
        assert_eq!(port("tls: none\nport: 1143"), 1143);
    }

    #[test]
    fn what_cannot_be_honoured_is_said() {
        assert_eq!(problems(""), [""; 0]);
        for (yaml, said) in [
            ("address: nobody", "Error: `nobody` is no mail address"),
            ("folders: []", "Error: `folders` names 0 folders"),
            (
                "folders: [INBOX, INBOX]",
                "Error: the folder `INBOX` is listed twice",
            ),
            ("folders: [\"a\\r\\nb\"]", "Error: `a\\r\\nb` is no folder name"),
            ("burst: 1ms", "Error: `burst` is 1ms"),
            ("idle_renew: 30m", "Error: `idle_renew` is 30m"),
            ("max_size: 10", "Error: `max_size` is 10"),
            (
                "tls: { mode: starttls, ca: x.pem, insecure: true }",
                "Error: `tls.ca` says whom to trust, and `tls.insecure` trusts anybody",
            ),
            (
                "tls: none",
                "Warning: the password goes to `imap.example.com` in the clear",
            ),
            (
                "tls: { insecure: true }",
                "Warning: any certificate is taken, also a thief's",
            ),
        ] {
            assert_eq!(problems(yaml), [said], "{yaml}");
        }
        assert_eq!(problems("tls: { mode: none, ca: x.pem }").len(), 2);
    }
}
