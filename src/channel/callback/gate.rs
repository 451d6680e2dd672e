//! Who is let in: by address, method, source and credentials, all known from a request's head.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ipnet::IpNet;
use subtle::{Choice, ConstantTimeEq};

use super::config::{CallbackConfig, network};
use super::decode::header;
use crate::channel::{Reply, Request};
use crate::model::{Fault, Reason, Scope, Token, TokenKey};

/// Decides by the head alone.
pub(super) struct Gate {
    /// Where the channel is mounted: `/c/SECRET`.
    pub(super) prefix: String,
    /// The readable end, with its slash before it, or nothing.
    pub(super) suffix: String,
    key: TokenKey,
    methods: Vec<String>,
    sources: Vec<IpNet>,
    /// Values of `authorization` of which one must be shown; empty: none need be.
    credentials: Vec<Vec<u8>>,
    challenge: &'static str,
}

/// A request that may come in.
pub(super) struct Admitted {
    /// The token of its path.
    pub(super) token: Option<Token>,
    /// Its path below the channel's address.
    pub(super) path: String,
}

/// A request that may not.
pub(super) struct Refused {
    /// What it is counted under.
    pub(super) word: &'static str,
    /// What is answered.
    pub(super) reply: Reply,
}

impl Gate {
    pub(super) fn new(
        config: &CallbackConfig,
        prefix: String,
        key: TokenKey,
        scope: &dyn Scope,
    ) -> Result<Self, Fault> {
        let mut credentials = Vec::new();
        let rendered = |secret| {
            let text = scope.secret(secret)?;
            match text.is_empty() {
                true => Err(Fault::new(
                    Reason::Input,
                    "a secret of `bearer` or `basic` is empty: is its environment variable set?",
                )),
                false => Ok(text),
            }
        };
        for secret in config.bearer.iter().flat_map(|bearer| &bearer.0) {
            credentials.push(format!("Bearer {}", rendered(secret)?).into_bytes());
        }
        if let Some(basic) = &config.basic {
            let pair = format!("{}:{}", basic.user, rendered(&basic.password)?);
            credentials.push(format!("Basic {}", STANDARD.encode(pair)).into_bytes());
        }
        let suffix = config
            .path
            .as_ref()
            .map(|path| format!("/{}", path.trim_matches('/')));
        Ok(Self {
            prefix,
            suffix: suffix.unwrap_or_default(),
            key,
            methods: config.methods.iter().map(|m| m.to_ascii_uppercase()).collect(),
            sources: config.sources.iter().filter_map(|s| network(s)).collect(),
            credentials,
            challenge: if config.basic.is_some() {
                "Basic realm=\"landfall\""
            } else {
                "Bearer"
            },
        })
    }

    /// The one method to send with, to be let in.
    pub(super) fn method(&self) -> &str {
        let post = self.methods.iter().find(|m| *m == "POST");
        post.or(self.methods.first()).map_or("POST", String::as_str)
    }

    /// What to show, to be let in.
    pub(super) fn authorization(&self) -> Option<&[u8]> {
        self.credentials.first().map(Vec::as_slice)
    }

    /// The token and the path below the channel's address; `None` where the path is not one of ours.
    pub(super) fn locate(&self, path: &str) -> Option<Admitted> {
        let below = path.strip_prefix(&self.prefix)?;
        let inner = below.strip_suffix('/').unwrap_or(below);
        let admitted = |token| Admitted {
            token,
            path: below.to_owned(),
        };
        if inner.is_empty() || inner == self.suffix {
            return Some(admitted(None));
        }
        let first = inner.strip_prefix('/')?.split('/').next()?;
        self.key.verify(first).map(|token| admitted(Some(token)))
    }

    pub(super) fn admit(&self, head: &Request) -> Result<Admitted, Refused> {
        let refused = |word, reply| Err(Refused { word, reply });
        let Some(admitted) = self.locate(&head.path) else {
            return refused("unknown_token", Reply::text(404, "not found\n"));
        };
        let ip = head.peer.ip().to_canonical();
        if !self.sources.is_empty() && !self.sources.iter().any(|net| net.contains(&ip)) {
            return refused("source", Reply::text(403, "not from here\n"));
        }
        if !self.methods.is_empty() && !self.methods.contains(&head.method) {
            let reply = Reply::text(405, "method not taken\n").header("allow", self.methods.join(", "));
            return refused("method", reply);
        }
        if !self.knows(header(head, "authorization").unwrap_or_default()) {
            let reply = Reply::text(401, "unauthorized\n").header("www-authenticate", self.challenge);
            return refused("credentials", reply);
        }
        Ok(admitted)
    }

    fn knows(&self, shown: &str) -> bool {
        if self.credentials.is_empty() {
            return true;
        }
        // The scheme's name has no case (RFC 9110, section 11.1); the rest is compared in constant time.
        let shown = match shown.split_once(' ') {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("bearer") => {
                format!("Bearer {}", rest.trim())
            }
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("basic") => format!("Basic {}", rest.trim()),
            _ => return false,
        };
        let mut right = Choice::from(0);
        for credential in &self.credentials {
            right |= credential.as_slice().ct_eq(shown.as_bytes());
        }
        bool::from(right)
    }
}
