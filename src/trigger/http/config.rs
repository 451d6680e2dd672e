//! What can be written under `http:`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::model::{Free, Lapse, Secret, Spanned, Template};
use crate::tls::Tls;

/// Settings of the `http` trigger.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "trigger.http")]
pub struct HttpConfig {
    /// GET where there is no body, POST where there is one.
    #[serde(default)]
    pub method: Option<Spanned<String>>,
    /// Where it goes. Only `vars` and the route may decide scheme, host and port.
    pub url: Template,
    /// Added to the URL's query, encoded.
    #[serde(default)]
    pub query: BTreeMap<String, Template>,
    /// Names in any case. A value with a line break is refused. What is not given here is added, so that a target can
    /// tell a canary and a trace finds it: `traceparent` (W3C Trace Context; the trace is the run's id), `baggage:
    /// user_agent.synthetic.type=test` (OpenTelemetry) and `x-landfall-run`, the run's id.
    #[serde(default)]
    pub headers: BTreeMap<String, Template>,
    /// `false` adds none of those headers: for a target that refuses what it does not know.
    #[serde(default = "yes")]
    pub marks: bool,
    /// A JSON body. A lone `{{ expression }}` keeps its type.
    #[serde(default)]
    pub json: Option<Free>,
    /// A body of form fields, URL-encoded.
    #[serde(default)]
    pub form: Option<BTreeMap<String, Template>>,
    /// A body as it is; `text/plain` unless `headers` says otherwise.
    #[serde(default)]
    pub body: Option<Template>,
    /// A body of parts, `multipart/form-data`.
    #[serde(default)]
    pub multipart: Option<Vec<Part>>,
    /// Credentials.
    #[serde(default)]
    pub auth: Option<Auth>,
    /// Whom to trust, and who landfall is.
    #[serde(default)]
    pub tls: Tls,
    /// An HTTP or SOCKS5 proxy, for example `socks5h://127.0.0.1:1080`. Proxies of the environment are ignored.
    #[serde(default)]
    pub proxy: Option<Secret>,
    /// Redirects followed, 0 to 5 and only on the same scheme, host and port. 0 by default: a probe wants to see the 302.
    #[serde(default)]
    pub redirects: Option<Spanned<u8>>,
    /// Which HTTP is spoken.
    #[serde(default)]
    pub version: Version,
    /// From the look-up of the name to the end of the answer, redirects included. 10 s by default.
    #[serde(default = "ten_seconds")]
    pub timeout: Lapse,
    /// Keep the connection for the next run. By default each run has its own, so that connecting is measured too.
    #[serde(default)]
    pub keep_alive: bool,
    /// Bytes of the answer's body that are read; the rest is cut and said to be. 1 MiB by default, 64 MiB at most.
    #[serde(default)]
    pub body_limit: Option<Spanned<u32>>,
}

impl HttpConfig {
    pub(super) fn body_limit(&self) -> usize {
        self.body_limit
            .as_ref()
            .map_or(1 << 20, |limit| limit.value as usize)
    }

    /// The keys of the bodies that are given.
    pub(super) fn bodies(&self) -> Vec<&'static str> {
        let bodies = [
            ("json", self.json.is_some()),
            ("form", self.form.is_some()),
            ("body", self.body.is_some()),
            ("multipart", self.multipart.is_some()),
        ];
        let given = bodies.into_iter().filter(|(_, given)| *given);
        given.map(|(name, _)| name).collect()
    }
}

const fn yes() -> bool {
    true
}

const fn ten_seconds() -> Lapse {
    Lapse::secs(10)
}

/// One part of a `multipart` body: text or a file.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "trigger.http.part")]
pub struct Part {
    /// The field's name.
    pub name: String,
    /// Its content.
    #[serde(default)]
    pub text: Option<Template>,
    /// A file whose content it is, relative to the workspace.
    #[serde(default)]
    pub file: Option<Spanned<String>>,
    /// The file name that is told.
    #[serde(default)]
    pub file_name: Option<Template>,
    /// Its content type.
    #[serde(default)]
    pub content_type: Option<String>,
}

/// Credentials of a request.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[schemars(rename = "trigger.http.auth")]
pub enum Auth {
    /// A user and a password.
    Basic(Basic),
    /// A bearer token.
    Bearer(Secret),
}

/// HTTP Basic (RFC 7617).
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "trigger.http.basic")]
pub struct Basic {
    /// The user.
    pub user: Template,
    /// The password.
    pub password: Secret,
}

/// Which HTTP is spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[schemars(rename = "trigger.http.version")]
pub enum Version {
    /// HTTP/2 where TLS agrees on it, else HTTP/1.1.
    #[default]
    #[serde(rename = "auto")]
    Auto,
    /// HTTP/1.1 alone.
    #[serde(rename = "1.1")]
    Http1,
    /// HTTP/2 alone, over plain TCP by prior knowledge.
    #[serde(rename = "2")]
    Http2,
}
