//! The `alertmanager` destination: its API, version 2.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{Client, Url};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::http;
use super::{CheckFacts, Destination, Failure, Kind, OpenContext};
use crate::alert::notice::{AlertState, Notice};
use crate::alert::policy::{Severity, Topic, word};
use crate::clock::Clock;
use crate::diag::{Code, Problems};
use crate::model::{Fault, Headers, Lapse, Moment, Reason, Span, Spanned, Template};
use crate::tls::Tls;

/// An alert that is not sent again expires after so many times the interval, as Prometheus has it.
const EXPIRES_AFTER: u32 = 4;
/// Characters of the text that go along.
const TEXT: usize = 8_000;

/// The kind.
pub struct Alertmanager;

/// Prometheus Alertmanager (0.16 and later), by its API version 2. Open alerts are sent again and again, as Prometheus
/// does, and expire by themselves should landfall be gone; what is over is sent as resolved. Of several Alertmanagers that
/// form a cluster each is a destination of its own. Labels: `alertname` (`LandfallOutcome` or `LandfallSight`), `probe`,
/// `location`, `severity`, and those of the probe; everything else stands in annotations.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AlertmanagerConfig {
    /// Its address, without `/api/v2`.
    pub url: Template,
    /// Headers to add, for example `authorization`. Their values are templates.
    #[serde(default)]
    pub headers: Headers,
    /// How often open alerts are sent again. Default 1m.
    #[serde(default = "resend")]
    pub resend: Spanned<Lapse>,
    /// How long to wait for the answer. Default 10s.
    #[serde(default = "timeout")]
    pub timeout: Spanned<Lapse>,
    /// Whom to trust.
    #[serde(default)]
    pub tls: Tls,
}

fn resend() -> Spanned<Lapse> {
    Spanned::new(Lapse::secs(60), Span::default())
}

fn timeout() -> Spanned<Lapse> {
    Spanned::new(Lapse::secs(10), Span::default())
}

impl Kind for Alertmanager {
    const EXAMPLE: &'static str = "url: http://alertmanager.example.com:9093\nresend: 1m\n";
    const STATEFUL: bool = true;
    type Config = AlertmanagerConfig;

    fn check(config: &AlertmanagerConfig, _facts: &CheckFacts<'_>, out: &mut Problems) {
        let url = &config.url;
        http::check_url("url", &url.source, url.span, out);
        if url.source.contains("/api/v") {
            out.error(
                Code::Setting,
                url.span,
                "`url` names the API's path",
                "landfall adds `/api/v2/alerts` itself",
            );
        }
        if config.resend.value.0 < Duration::from_secs(1) {
            out.error(
                Code::Setting,
                config.resend.span,
                "`resend` is less than 1s",
                "expected a time such as 1m",
            );
        }
        http::check_timeout(&config.timeout, out);
        config.tls.check(out);
    }

    fn open(config: &AlertmanagerConfig, context: &OpenContext) -> Result<Arc<dyn Destination>, Fault> {
        let scope = (context.scope)(Vec::new());
        let base = scope.text(&config.url)?;
        let url = Url::parse(&format!("{}/api/v2/alerts", base.trim_end_matches('/'))).map_err(|_| {
            Fault::new(
                Reason::Input,
                "`url` of the Alertmanager is no address once rendered",
            )
        })?;
        let mut headers = Vec::new();
        for (name, value) in &config.headers.0 {
            let wrong = || Fault::new(Reason::Input, format!("`{}` is no header", name.value));
            let value = HeaderValue::from_str(&scope.text(value)?).map_err(|_| wrong())?;
            headers.push((
                HeaderName::try_from(name.value.as_str()).map_err(|_| wrong())?,
                value,
            ));
        }
        Ok(Arc::new(Sender {
            client: http::client(&config.tls, &context.root, config.timeout.value.0)?,
            url,
            headers,
            resend: config.resend.value.0,
            clock: context.clock.clone(),
        }))
    }
}

struct Sender {
    client: Client,
    url: Url,
    headers: Vec<(HeaderName, HeaderValue)>,
    resend: Duration,
    clock: Arc<dyn Clock>,
}

impl Sender {
    async fn post(&self, alerts: Vec<Value>) -> Result<String, Failure> {
        let mut request = self.client.post(self.url.clone()).json(&alerts);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        http::send(request).await
    }

    /// One message as alerts: itself, and what a louder one stands in the place of.
    fn alerts(&self, notice: &Notice) -> Vec<Value> {
        let now = self.clock.now();
        let expires = now.after(self.resend * EXPIRES_AFTER);
        let mut alerts = vec![posted(notice, notice.severity, expires)];
        if let Some(was) = notice.was {
            let mut quieter = posted(notice, was, expires);
            quieter["endsAt"] = now.to_rfc3339().into();
            alerts.push(quieter);
        }
        alerts
    }
}

impl Destination for Sender {
    fn send<'a>(&'a self, notice: &'a Notice) -> BoxFuture<'a, Result<String, Failure>> {
        Box::pin(self.post(self.alerts(notice)))
    }

    fn refresh_every(&self) -> Option<Duration> {
        Some(self.resend)
    }

    fn refresh<'a>(&'a self, open: &'a [Notice]) -> BoxFuture<'a, Result<String, Failure>> {
        let alerts: Vec<Value> = open.iter().flat_map(|notice| self.alerts(notice)).collect();
        Box::pin(self.post(alerts))
    }
}

/// As Alertmanager takes it. Its identity there is the set of labels, so what changes stands in annotations.
fn posted(notice: &Notice, severity: Severity, expires: Moment) -> Value {
    let mut labels: BTreeMap<String, String> = notice
        .labels
        .iter()
        .map(|(name, value)| (label_name(name), value.clone()))
        .collect();
    let name = match notice.topic {
        Topic::Outcome => "LandfallOutcome",
        Topic::Sight => "LandfallSight",
    };
    let severity = match severity {
        Severity::Page => "critical",
        Severity::Ticket => "warning",
    };
    for (key, value) in [
        ("alertname", name),
        ("probe", notice.probe.as_str()),
        ("location", notice.location.as_str()),
        ("severity", severity),
    ] {
        labels.insert(key.to_owned(), value.to_owned());
    }
    // An empty label is no label there.
    labels.retain(|_, value| !value.is_empty());
    let rules: Vec<&str> = notice
        .routes
        .iter()
        .flat_map(|route| &route.rules)
        .map(|rule| word(rule.rule))
        .collect();
    let routes: Vec<&str> = notice.routes.iter().map(|r| r.route.as_str()).collect();
    let text: String = notice.text.chars().take(TEXT).collect();
    let ends = match (&notice.state, &notice.ended) {
        (AlertState::Resolved, Some(ended)) => ended.clone(),
        _ => expires.to_rfc3339(),
    };
    json!({
        "labels": labels,
        "annotations": {
            "summary": notice.title,
            "description": text,
            "routes": routes.join(", "),
            "rules": rules.join(", "),
            "alert_id": notice.alert,
            "message_id": notice.id,
        },
        "startsAt": notice.opened,
        "endsAt": ends,
        "generatorURL": notice.links.any,
    })
}

/// Prometheus' names of labels: letters, digits and `_`.
fn label_name(name: &str) -> String {
    let mut out: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect();
    if out.starts_with(|c: char| c.is_ascii_digit()) || out.is_empty() {
        out.insert(0, '_');
    }
    out
}
