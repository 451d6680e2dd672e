//! Rendering one run's request.

use std::path::Path;

use base64::Engine as _;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Request, Url, multipart};
use serde_json::{Value, json};

use super::config::{Auth, HttpConfig, Part};
use super::input;
use crate::model::{Fault, Scope};
use crate::redact::is_credential_header;

/// Bytes of a file that can be sent as a part.
const FILE_LIMIT: u64 = 16 << 20;

pub(super) fn method(text: &str) -> Result<Method, Fault> {
    Method::from_bytes(text.to_ascii_uppercase().as_bytes())
        .map_err(|_| input(format!("`{text}` is no HTTP method")))
}

/// The request, and how people see it.
pub(super) fn build(config: &HttpConfig, scope: &dyn Scope, root: &Path) -> Result<(Request, Value), Fault> {
    let text = scope.url(&config.url)?;
    let mut url: Url = text
        .parse()
        .map_err(|error| input(format!("`{text}` is no URL: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(input(format!(
            "`{text}` begins with neither http:// nor https://"
        )));
    }
    for (name, value) in &config.query {
        url.query_pairs_mut().append_pair(name, &scope.text(value)?);
    }
    let has_body =
        config.json.is_some() || config.form.is_some() || config.body.is_some() || config.multipart.is_some();
    let method = match &config.method {
        Some(text) => method(&text.value)?,
        None if has_body => Method::POST,
        None => Method::GET,
    };
    let mut headers = headers(config, scope)?;
    let (body, content_type, shown_body) = body(config, scope, root)?;
    if let Some(kind) = content_type {
        headers
            .entry(CONTENT_TYPE)
            .or_insert(value("content-type", &kind)?);
    }
    let shown = json!({
        "method": method.as_str(),
        "url": url.as_str(),
        "headers": shown_headers(&headers),
        "body": shown_body,
        "insecure": config.tls.insecure,
    });
    let mut request = Request::new(method, url);
    *request.headers_mut() = headers;
    *request.body_mut() = body;
    Ok((request, shown))
}

fn headers(config: &HttpConfig, scope: &dyn Scope) -> Result<HeaderMap, Fault> {
    let mut headers = HeaderMap::new();
    for (name, template) in &config.headers {
        let key = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| input(format!("`{name}` is no header name")))?;
        headers.append(key, value(name, &scope.text(template)?)?);
    }
    let credentials = match &config.auth {
        None => return Ok(headers),
        Some(Auth::Bearer(token)) => format!("Bearer {}", scope.secret(token)?),
        Some(Auth::Basic(basic)) => {
            let pair = format!("{}:{}", scope.text(&basic.user)?, scope.secret(&basic.password)?);
            format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair))
        }
    };
    let mut credentials = value("authorization", &credentials)?;
    credentials.set_sensitive(true);
    headers.insert(AUTHORIZATION, credentials);
    Ok(headers)
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

type Body = (Option<reqwest::Body>, Option<String>, Value);

fn body(config: &HttpConfig, scope: &dyn Scope, root: &Path) -> Result<Body, Fault> {
    if let Some(free) = &config.json {
        let value = scope.json(free)?;
        return Ok((
            Some(value.to_string().into()),
            Some(String::from("application/json")),
            value,
        ));
    }
    if let Some(form) = &config.form {
        let mut pairs = Vec::new();
        for (name, template) in form {
            pairs.push((name.as_str(), scope.text(template)?));
        }
        // The same encoding as a query's (WHATWG URL, section 5).
        let mut url = Url::parse("http://form.invalid").map_err(|e| input(e.to_string()))?;
        url.query_pairs_mut().extend_pairs(&pairs);
        let text = url.query().unwrap_or("").to_owned();
        let kind = String::from("application/x-www-form-urlencoded");
        return Ok((Some(text.clone().into()), Some(kind), Value::from(text)));
    }
    if let Some(template) = &config.body {
        let text = scope.text(template)?;
        return Ok((
            Some(text.clone().into()),
            Some(String::from("text/plain; charset=utf-8")),
            Value::from(text),
        ));
    }
    let Some(parts) = &config.multipart else {
        return Ok((None, None, Value::Null));
    };
    let mut form = multipart::Form::new();
    let mut shown = Vec::new();
    for part in parts {
        let (content, seen) = self::part(part, scope, root)?;
        form = form.part(part.name.clone(), content);
        shown.push(seen);
    }
    let kind = format!("multipart/form-data; boundary={}", form.boundary());
    Ok((
        Some(reqwest::Body::wrap_stream(form.into_stream())),
        Some(kind),
        Value::Array(shown),
    ))
}

fn part(part: &Part, scope: &dyn Scope, root: &Path) -> Result<(multipart::Part, Value), Fault> {
    let (mut content, seen) = match (&part.text, &part.file) {
        (Some(template), None) => {
            let text = scope.text(template)?;
            (multipart::Part::text(text.clone()), Value::from(text))
        }
        (None, Some(file)) => {
            let path = root.join(&file.value);
            let fault = |error: std::io::Error| input(format!("`{}` cannot be read: {error}", file.value));
            let size = std::fs::metadata(&path).map_err(fault)?.len();
            if size > FILE_LIMIT {
                return Err(input(format!(
                    "`{}` has {size} bytes, a part at most {FILE_LIMIT}",
                    file.value
                )));
            }
            let bytes = std::fs::read(&path).map_err(fault)?;
            (
                multipart::Part::bytes(bytes),
                json!({ "file": file.value, "bytes": size }),
            )
        }
        _ => {
            return Err(input(format!(
                "part `{}` needs either `text` or `file`",
                part.name
            )));
        }
    };
    if let Some(name) = &part.file_name {
        content = content.file_name(scope.text(name)?);
    }
    if let Some(kind) = &part.content_type {
        content = content
            .mime_str(kind)
            .map_err(|_| input(format!("`{kind}` is no content type")))?;
    }
    Ok((content, json!({ "name": part.name, "content": seen })))
}
