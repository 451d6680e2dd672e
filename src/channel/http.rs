//! The `http` channel: a status address that is asked until it says so.

mod ask;
mod client;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use schemars::JsonSchema;
use serde::Deserialize;

use super::shared::poll::Polled;
use super::{Channel, Kind, OpenContext, POLL_INTERVAL};
use crate::diag::{Code, Problems};
use crate::model::{Expr, Fault, Lapse, Secret, Span, Spanned, Template};
use crate::tls::Tls;

/// The kind.
pub struct Http;

/// A resource of each run that is asked for until it says what became of it.
///
/// The resource is a state: each change of its status or body is reported, seeing the same again is not. A refused
/// connection, no answer in time, and what `found` does not hold of mean *not yet*; only what is wrong on landfall's
/// side of the connection (the name does not resolve, TLS fails, there is no network) means that it cannot see.
/// Redirects are not followed.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HttpConfig {
    /// The address of one run's resource: it names `token` or a captured value. With a captured value asking begins
    /// after the answer. Only `vars` and the route may decide on its scheme, host and port.
    url: Template,
    /// The method.
    #[serde(default = "method")]
    method: Spanned<String>,
    /// Headers to send. Left out: none but those of HTTP itself.
    #[serde(default)]
    headers: BTreeMap<String, Template>,
    /// Credentials.
    auth: Option<Box<HttpAuth>>,
    /// What counts as there, of `seen.status`, `seen.json`, …; left out: any 2xx. Until it holds nothing is reported.
    found: Option<Expr>,
    /// A state after which nothing changes any more: asking stops at once.
    terminal: Option<Expr>,
    /// How often the address is asked while the wait is young; older waits are asked for less often.
    #[serde(default = "poll")]
    poll: Spanned<Lapse>,
    /// The longest one request may take.
    #[serde(default = "timeout")]
    timeout: Spanned<Lapse>,
    /// Bytes that are read of a body; what exceeds them is left out, and `seen.cut` says so.
    #[serde(default = "body_limit")]
    body_limit: Spanned<usize>,
    /// Requests under way at once.
    #[serde(default = "concurrent")]
    concurrent: Spanned<usize>,
    /// Whom to trust, and who landfall is.
    #[serde(default)]
    tls: Tls,
}

/// Credentials.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum HttpAuth {
    /// `Authorization: Bearer …`
    Bearer(Secret),
    /// `Authorization: Basic …`
    Basic {
        /// The name.
        user: Template,
        /// The password.
        password: Secret,
    },
}

fn method() -> Spanned<String> {
    Spanned::new(String::from("GET"), Span::default())
}

fn poll() -> Spanned<Lapse> {
    Spanned::new(Lapse(POLL_INTERVAL), Span::default())
}

fn timeout() -> Spanned<Lapse> {
    Spanned::new(Lapse::secs(5), Span::default())
}

fn body_limit() -> Spanned<usize> {
    Spanned::new(1 << 20, Span::default())
}

fn concurrent() -> Spanned<usize> {
    Spanned::new(16, Span::default())
}

impl Kind for Http {
    const EXAMPLE: &'static str = "url: \"https://api.example.com/orders/{{ token }}\"\n\
        auth: { bearer: \"${env:API_KEY}\" }\n\
        found: seen.status == 200 && seen.json.status != \"pending\"\n\
        terminal: seen.json.status in [\"paid\", \"failed\"]\n";
    const OFFERS: &'static [(&'static str, &'static str)] = &[(
        "url",
        "The address that is asked; absent while it needs a value that the answer brings.",
    )];
    const SEEN: &'static [(&'static str, &'static str)] = &[
        ("status", "The status of the answer."),
        ("cut", "What a limit cut, with the limit's name."),
    ];
    type Config = HttpConfig;

    fn check(config: &HttpConfig, out: &mut Problems) {
        config.tls.check(out);
        if !config.url.source.contains("{{") {
            let message = "`url` names no run, so that every run would see the same resource";
            out.error(
                Code::Setting,
                config.url.span,
                message,
                "expected `{{ token }}` or a captured value",
            )
            .help("write, for example, https://api.example.com/orders/{{ token }}");
        }
        if reqwest::Method::from_bytes(config.method.as_bytes()).is_err() || config.method.is_empty() {
            let message = format!("`{}` is no HTTP method", config.method.value);
            out.error(Code::Setting, config.method.span, message, "for example GET");
        }
        for (name, value) in &config.headers {
            if reqwest::header::HeaderName::from_bytes(name.as_bytes()).is_err() {
                let message = format!("`{name}` is no name of a header");
                out.error(Code::Setting, value.span, message, "letters, digits and dashes");
            }
        }
        for (name, lapse, least, most) in [
            (
                "timeout",
                &config.timeout,
                Duration::from_millis(10),
                Duration::from_secs(120),
            ),
            (
                "poll",
                &config.poll,
                Duration::from_millis(20),
                Duration::from_secs(3600),
            ),
        ] {
            if lapse.value.0 < least || lapse.value.0 > most {
                let message = format!("`{name}` is `{}`, which is out of bounds", lapse.value);
                let label = format!("from {} to {}", Lapse(least), Lapse(most));
                out.error(Code::Setting, lapse.span, message, label);
            }
        }
        for (name, count, most) in [
            ("body_limit", &config.body_limit, 16 << 20),
            ("concurrent", &config.concurrent, 256),
        ] {
            if count.value == 0 || count.value > most {
                let message = format!("`{name}` is `{}`, which is out of bounds", count.value);
                out.error(Code::Setting, count.span, message, format!("from 1 to {most}"));
            }
        }
    }

    fn open(config: HttpConfig, context: OpenContext) -> BoxFuture<'static, Result<Arc<dyn Channel>, Fault>> {
        Box::pin(async move {
            let client = client::build(&config, &context)?;
            let source = ask::HttpSource::new(config, client, Arc::clone(&context.clock));
            Ok(Arc::new(Polled::new(source, &context)) as Arc<dyn Channel>)
        })
    }
}
