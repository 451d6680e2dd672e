//! What can be written under `http:`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::model::{Free, Lapse, Secret, Spanned, Template};

/// An HTTP request: one attempt, on a connection of its own unless `keep_alive` says otherwise. Without `accepted`,
/// any 2xx is accepted.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "trigger.http")]
pub struct HttpConfig {
    /// The method. Default: GET where there is no body, POST where there is one.
    #[serde(default)]
    pub method: Option<Spanned<String>>,
    /// Where it goes. Only `vars` and the route may decide scheme, host and port.
    pub url: Template,
    /// Fields that are added to the URL's query, encoded.
    #[serde(default)]
    pub query: BTreeMap<String, Template>,
    /// Headers to send, names in any case. A value with a line break is refused.
    #[serde(default)]
    pub headers: BTreeMap<String, Template>,
    /// A JSON body. Of `json`, `form`, `body` and `multipart` a request has one at most. A lone `{{ expression }}` keeps its type.
    #[serde(default)]
    pub json: Option<Free>,
    /// A body of form fields, URL-encoded.
    #[serde(default)]
    pub form: Option<BTreeMap<String, Template>>,
    /// A body as it is. Its type is `text/plain`, unless `headers` has a `content-type`.
    #[serde(default)]
    pub body: Option<Template>,
    /// A body of parts, `multipart/form-data`.
    #[serde(default)]
    pub multipart: Option<Vec<Part>>,
    /// Credentials.
    #[serde(default)]
    pub auth: Option<Auth>,
    /// How TLS is spoken.
    #[serde(default)]
    pub tls: Tls,
    /// An HTTP or SOCKS5 proxy, for example `socks5h://127.0.0.1:1080`. Proxies of the environment are ignored.
    #[serde(default)]
    pub proxy: Option<Secret>,
    /// Redirects followed, 0 to 5 and only on the same host and port. Default 0: a probe wants to see the 302.
    #[serde(default)]
    pub redirects: Option<Spanned<u8>>,
    /// Which HTTP is spoken. Default `auto`.
    #[serde(default)]
    pub version: Version,
    /// The longest it may take, from the attempt to connect to the end of the answer. Default `10s`.
    #[serde(default = "ten_seconds")]
    pub timeout: Lapse,
    /// Keeps the connection for the next run. Default `false`: each run has its own, so that connecting is measured too.
    #[serde(default)]
    pub keep_alive: bool,
    /// Bytes of the answer's body that are read; the rest is cut and said to be. Default 1048576 (1 MiB).
    #[serde(default)]
    pub body_limit: Option<u32>,
}

impl HttpConfig {
    pub(super) fn body_limit(&self) -> usize {
        self.body_limit.map_or(1 << 20, |bytes| bytes as usize)
    }
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
    /// Its content as text; either this or `file`.
    #[serde(default)]
    pub text: Option<Template>,
    /// A file whose content it is, relative to the workspace; either this or `text`.
    #[serde(default)]
    pub file: Option<Spanned<String>>,
    /// The file name that is told. Left out: none is told.
    #[serde(default)]
    pub file_name: Option<Template>,
    /// Its content type. Left out: none is told.
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

/// How TLS is spoken.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "trigger.http.tls")]
pub struct Tls {
    /// A PEM file of certificates to trust besides the system's, relative to the workspace.
    #[serde(default)]
    pub ca: Option<Spanned<String>>,
    /// A PEM file with the client's certificate, for mutual TLS.
    #[serde(default)]
    pub cert: Option<Spanned<String>>,
    /// A PEM file with the client's key.
    #[serde(default)]
    pub key: Option<Spanned<String>>,
    /// Trusts any certificate; shown with every run. Default `false`.
    #[serde(default)]
    pub insecure: bool,
    /// The lowest version spoken. Default `1.2`.
    #[serde(default)]
    pub min_version: MinVersion,
}

/// The lowest TLS version spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[schemars(rename = "trigger.http.tls.version")]
pub enum MinVersion {
    /// TLS 1.2.
    #[default]
    #[serde(rename = "1.2")]
    V12,
    /// TLS 1.3.
    #[serde(rename = "1.3")]
    V13,
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
