//! Rendering one run's request.

use std::path::Path;

use base64::Engine as _;
use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use serde_json::{Value, json};

use super::config::{Auth, Basic, HttpConfig};
use super::{body, input};
use crate::model::{Fault, Scope};
use crate::redact::is_credential_header;

/// A request as it will leave; a redirect that is followed makes another of it.
#[derive(Clone)]
pub(super) struct Rendered {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

pub(super) fn method(text: &str) -> Result<Method, Fault> {
    Method::from_bytes(text.to_ascii_uppercase().as_bytes())
        .map_err(|_| input(format!("`{text}` is no HTTP method")))
}

/// The request, and how people see it.
pub(super) fn build(config: &HttpConfig, scope: &dyn Scope, root: &Path) -> Result<(Rendered, Value), Fault> {
    let url = url(config, scope)?;
    let method = match &config.method {
        Some(text) => method(&text.value)?,
        None if config.bodies().is_empty() => Method::GET,
        None => Method::POST,
    };
    let mut headers = headers(config, scope)?;
    if config.marks {
        mark(&mut headers, scope);
    }
    let body = body::render(config, scope, root)?;
    if let Some(kind) = &body.kind {
        headers
            .entry(CONTENT_TYPE)
            .or_insert(value("content-type", kind)?);
    }
    let mut shown = json!({
        "method": method.as_str(),
        "url": url.as_str(),
        "headers": shown_headers(&headers),
        "body": body.shown,
    });
    if config.tls.insecure() {
        shown["insecure"] = Value::Bool(true);
    }
    let rendered = Rendered {
        method,
        url,
        headers,
        body: body.bytes,
    };
    Ok((rendered, shown))
}

fn url(config: &HttpConfig, scope: &dyn Scope) -> Result<Url, Fault> {
    let text = scope.url(&config.url)?;
    let mut url: Url = text
        .parse()
        .map_err(|error| input(format!("`{text}` is no URL: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(input(format!(
            "`{text}` begins with neither http:// nor https://"
        )));
    }
    if !url.username().is_empty() || url.password().is_some() {
        // Said without the URL, which holds a password.
        let host = url.host_str().unwrap_or("?");
        return Err(input(format!(
            "the URL for `{host}` holds credentials; write them under `auth: {{ basic: {{ user, password }} }}`"
        )));
    }
    for (name, value) in &config.query {
        url.query_pairs_mut().append_pair(name, &scope.text(value)?);
    }
    // It never leaves, and would only mislead where the request is shown.
    url.set_fragment(None);
    Ok(url)
}

fn headers(config: &HttpConfig, scope: &dyn Scope) -> Result<HeaderMap, Fault> {
    let mut headers = HeaderMap::new();
    for (name, template) in &config.headers {
        headers.insert(header_name(name)?, value(name, &scope.text(template)?)?);
    }
    let credentials = match &config.auth {
        None => return Ok(headers),
        Some(Auth::Bearer(token)) => format!("Bearer {}", scope.secret(token)?),
        Some(Auth::Basic(basic)) => format!("Basic {}", user_and_password(basic, scope)?),
    };
    let mut credentials = value("authorization", &credentials)?;
    credentials.set_sensitive(true);
    headers.insert(AUTHORIZATION, credentials);
    Ok(headers)
}

/// By which a target can tell a canary, and a trace finds it. What the definition says stands.
fn mark(headers: &mut HeaderMap, scope: &dyn Scope) {
    let Some(run) = scope.run() else { return };
    let marks = [
        ("traceparent", HeaderValue::from_str(&run.traceparent())),
        (
            "baggage",
            Ok(HeaderValue::from_static("user_agent.synthetic.type=test")),
        ),
        ("x-landfall-run", HeaderValue::from_str(&run.to_string())),
    ];
    for (name, value) in marks {
        // Hexadecimal digits and dashes are always a header's value.
        if let Ok(value) = value {
            headers.entry(name).or_insert(value);
        }
    }
}

/// RFC 7617, section 2: the first colon ends the user.
fn user_and_password(basic: &Basic, scope: &dyn Scope) -> Result<String, Fault> {
    let user = scope.text(&basic.user)?;
    if user.contains(':') {
        return Err(input("`auth.basic.user` holds a colon, which would end it"));
    }
    let pair = format!("{user}:{}", scope.secret(&basic.password)?);
    Ok(base64::engine::general_purpose::STANDARD.encode(pair))
}

pub(super) fn header_name(name: &str) -> Result<HeaderName, Fault> {
    HeaderName::from_bytes(name.as_bytes()).map_err(|_| input(format!("`{name}` is no header name")))
}

fn value(name: &str, text: &str) -> Result<HeaderValue, Fault> {
    HeaderValue::from_str(text)
        .or_else(|error| {
            // Text beyond ASCII goes as UTF-8; control characters, line breaks first of all, never go.
            if text.chars().any(char::is_control) {
                Err(error)
            } else {
                HeaderValue::from_bytes(text.as_bytes()).map_err(|_| error)
            }
        })
        .map_err(|_| {
            input(format!(
                "the value of header `{name}` holds a line break or another control character"
            ))
        })
}

/// Credentials are not shown, whatever they were made of.
fn shown_headers(headers: &HeaderMap) -> Value {
    let text = |name: &str, v: &HeaderValue| {
        if v.is_sensitive() || is_credential_header(name) {
            String::from("***")
        } else {
            String::from_utf8_lossy(v.as_bytes()).into_owned()
        }
    };
    headers
        .iter()
        .map(|(name, v)| (name.as_str().to_owned(), Value::from(text(name.as_str(), v))))
        .collect()
}
