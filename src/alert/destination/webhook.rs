//! The `webhook` destination.

use std::sync::Arc;

use base64::Engine as _;
use futures::future::BoxFuture;
use hmac::{Hmac, KeyInit, Mac as _};
use reqwest::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use reqwest::{Client, Method, Url};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use sha2::Sha256;

use super::http;
use super::{CheckFacts, Destination, Failure, Kind, Names, OpenContext};
use crate::alert::notice::Notice;
use crate::clock::Clock;
use crate::diag::{Code, Problems};
use crate::model::{Fault, Free, Headers, Lapse, Reason, Scope, Secret, Span, Spanned, Template};
use crate::tls::Tls;

/// The kind.
pub struct Webhook;

/// An HTTP request with the alert as JSON. `format` names a body that Slack, Teams or PagerDuty take; `json` or `body` is
/// a body of your own, in which `alert` is the alert. Every request bears `Idempotency-Key`: a message that comes twice
/// has the same one.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookConfig {
    /// Where to. For `format: pagerduty` it may be left out.
    pub url: Option<Template>,
    /// The method. Default `post`.
    #[serde(default)]
    pub method: Verb,
    /// Headers to add. Their values are templates.
    #[serde(default)]
    pub headers: Headers,
    /// The body. Default `landfall`: the alert as it is.
    #[serde(default)]
    pub format: Format,
    /// A body of your own: any JSON. Its strings are templates; one that is a lone `{{ expression }}` keeps its type, and
    /// nothing that an alert holds can break out of its string.
    pub json: Option<Free>,
    /// A body of your own that is not JSON, a template.
    pub body: Option<Template>,
    /// What the format needs besides, `key` in templates: PagerDuty's integration key.
    pub key: Option<Secret>,
    /// Signs by Standard Webhooks with this secret, which reads `whsec_` and base64.
    pub sign: Option<Secret>,
    /// How long to wait for the answer. Default 10s.
    #[serde(default = "timeout")]
    pub timeout: Spanned<Lapse>,
    /// Whom to trust.
    #[serde(default)]
    pub tls: Tls,
}

/// The method of the request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// POST
    #[default]
    Post,
    /// PUT
    Put,
    /// PATCH
    Patch,
}

/// A body that is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// The alert as it is, by the schema that `landfall schema alert` prints.
    #[default]
    Landfall,
    /// An incoming webhook of Slack (or of Mattermost).
    Slack,
    /// A workflow of Teams, as an adaptive card.
    Teams,
    /// PagerDuty's Events API, version 2: an alert opens, keeps and resolves one incident.
    Pagerduty,
}

const PAGERDUTY: &str = "https://events.pagerduty.com/v2/enqueue";

fn timeout() -> Spanned<Lapse> {
    Spanned::new(Lapse::secs(10), Span::default())
}

impl Format {
    /// The body as it is written in the examples, too.
    const fn template(self) -> Option<&'static str> {
        match self {
            Self::Landfall => None,
            Self::Slack => Some(include_str!("bodies/slack.json")),
            Self::Teams => Some(include_str!("bodies/teams.json")),
            Self::Pagerduty => Some(include_str!("bodies/pagerduty.json")),
        }
    }
}

impl WebhookConfig {
    /// Whether its peer knows alerts by their ids.
    pub(super) fn is_stateful(&self) -> bool {
        self.format == Format::Pagerduty && self.json.is_none() && self.body.is_none()
    }
}

impl Kind for Webhook {
    const EXAMPLE: &'static str =
        "url: \"https://hooks.slack.com/services/${env:SLACK_PATH}\"\nformat: slack\n";
    type Config = WebhookConfig;

    fn check(config: &WebhookConfig, facts: &CheckFacts<'_>, out: &mut Problems) {
        match &config.url {
            Some(url) => http::check_url("url", &url.source, url.span, out),
            None if config.is_stateful() => {}
            None => {
                out.error(
                    Code::MissingKey,
                    facts.name.span,
                    format!("the webhook of `{}` has no `url`", facts.name.value),
                    "expected an address to send to",
                )
                .help("write `url: \"${env:WEBHOOK_URL}\"`");
            }
        }
        if config.format == Format::Pagerduty && config.key.is_none() {
            out.error(
                Code::MissingKey,
                facts.name.span,
                format!("`{}` has no `key`", facts.name.value),
                "PagerDuty takes events by the key of an integration",
            )
            .help("write `key: \"${env:PAGERDUTY_KEY}\"`");
        }
        let own = usize::from(config.json.is_some()) + usize::from(config.body.is_some());
        if own + usize::from(config.format != Format::Landfall) > 1 {
            out.error(
                Code::Setting,
                facts.name.span,
                format!("`{}` has more than one body", facts.name.value),
                "`format`, `json` and `body` exclude each other",
            );
        }
        for (name, value) in &config.headers.0 {
            if HeaderName::try_from(name.value.as_str()).is_err() {
                out.error(
                    Code::Setting,
                    name.span,
                    format!("`{}` is no header name", name.value.escape_debug()),
                    "expected letters, digits and dashes",
                );
            }
            if value.source.contains(['\n', '\r']) {
                out.error(
                    Code::Setting,
                    value.span,
                    "a header has one line",
                    "holds a line break",
                );
            }
        }
        if let Some(secret) = &config.sign
            // A variable that is not set has been put down.
            && !secret.0.source.is_empty()
            && !secret.0.source.contains("{{")
            && signing_key(&secret.0.source).is_none()
        {
            out.error(
                Code::Setting,
                secret.0.span,
                "the secret of `sign` is not base64",
                "it reads `whsec_` and base64, as a receiver of Standard Webhooks shows it",
            );
        }
        http::check_timeout(&config.timeout, out);
        config.tls.check(out);
    }

    fn open(config: &WebhookConfig, context: &OpenContext) -> Result<Arc<dyn Destination>, Fault> {
        let body = match (&config.json, &config.body, config.format.template()) {
            (Some(json), _, _) => Body::Json(json.clone()),
            (None, Some(text), _) => Body::Text(text.clone()),
            (None, None, Some(known)) => Body::Json(known_body(known)?),
            (None, None, None) => Body::Alert,
        };
        let plain = (context.scope)(Vec::new());
        let text = match &config.url {
            Some(url) => plain.text(url)?,
            None => String::from(PAGERDUTY),
        };
        let url = Url::parse(&text)
            .map_err(|_| Fault::new(Reason::Input, "`url` of the webhook is no address once rendered"))?;
        let sign = match &config.sign {
            Some(secret) => Some(signing_key(&plain.secret(secret)?).ok_or_else(|| {
                Fault::new(Reason::Input, "the secret of `sign` is not base64 once rendered")
            })?),
            None => None,
        };
        let key = match &config.key {
            Some(key) => Value::from(plain.secret(key)?),
            None => Value::Null,
        };
        Ok(Arc::new(Sender {
            client: http::client(&config.tls, &context.root, config.timeout.value.0)?,
            method: match config.method {
                Verb::Post => Method::POST,
                Verb::Put => Method::PUT,
                Verb::Patch => Method::PATCH,
            },
            url,
            headers: config.headers.0.clone(),
            body,
            key,
            sign,
            scope: context.scope.clone(),
            clock: context.clock.clone(),
        }))
    }
}

enum Body {
    Alert,
    Json(Free),
    Text(Template),
}

struct Sender {
    client: Client,
    method: Method,
    url: Url,
    headers: Vec<(Spanned<String>, Template)>,
    body: Body,
    key: Value,
    sign: Option<Vec<u8>>,
    scope: Names,
    clock: Arc<dyn Clock>,
}

impl Destination for Sender {
    fn send<'a>(&'a self, notice: &'a Notice) -> BoxFuture<'a, Result<String, Failure>> {
        Box::pin(async move {
            let alert = serde_json::to_value(notice).unwrap_or_default();
            let scope = (self.scope)(vec![("alert", alert.clone()), ("key", self.key.clone())]);
            let body = self
                .rendered(scope.as_ref(), &alert)
                .map_err(|fault| Failure::hopeless(fault.message))?;
            let mut request = self
                .client
                .request(self.method.clone(), self.url.clone())
                .header("idempotency-key", &notice.id);
            if !matches!(self.body, Body::Text(_)) {
                request = request.header(CONTENT_TYPE, "application/json");
            }
            for (name, value) in &self.headers {
                let text = scope
                    .text(value)
                    .map_err(|fault| Failure::hopeless(fault.message))?;
                let value = HeaderValue::from_str(&text).map_err(|_| {
                    Failure::hopeless(format!(
                        "the value of the header `{}` is no header text",
                        name.value
                    ))
                })?;
                request = request.header(name.value.as_str(), value);
            }
            if let Some(key) = &self.sign {
                for (name, value) in signed(key, &notice.id, self.clock.as_ref(), &body) {
                    request = request.header(name, value);
                }
            }
            http::send(request.body(body)).await
        })
    }
}

impl Sender {
    fn rendered(&self, scope: &dyn Scope, alert: &Value) -> Result<Vec<u8>, Fault> {
        Ok(match &self.body {
            Body::Alert => alert.to_string().into_bytes(),
            Body::Json(free) => scope.json(free)?.to_string().into_bytes(),
            Body::Text(template) => scope.text(template)?.into_bytes(),
        })
    }
}

fn known_body(text: &str) -> Result<Free, Fault> {
    serde_json::from_str(text).map_err(|error| Fault::new(Reason::Internal, error.to_string()))
}

/// The key of a Standard Webhooks secret.
fn signing_key(secret: &str) -> Option<Vec<u8>> {
    let text = secret.trim();
    let text = text.strip_prefix("whsec_").unwrap_or(text).trim_end_matches('=');
    let key = base64::engine::general_purpose::STANDARD_NO_PAD
        .decode(text)
        .ok()?;
    (!key.is_empty()).then_some(key)
}

/// The Standard Webhooks specification, version 1, 'Signature scheme': HMAC-SHA256 over `id.timestamp.body`.
fn signed(key: &[u8], id: &str, clock: &dyn Clock, body: &[u8]) -> [(&'static str, String); 3] {
    let timestamp = (clock.now().0 / 1_000_000_000).to_string();
    // An HMAC takes a key of any length.
    let signature = Hmac::<Sha256>::new_from_slice(key).map(|mut mac| {
        for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
            mac.update(part);
        }
        base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes())
    });
    [
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", timestamp),
        (
            "webhook-signature",
            format!("v1,{}", signature.unwrap_or_default()),
        ),
    ]
}
