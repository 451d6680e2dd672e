//! Rendering a body. It is whole before anything leaves, so that its length is told and nothing is sent in chunks.

use std::path::Path;

use bytes::Bytes;
use futures::{FutureExt as _, TryStreamExt as _};
use reqwest::multipart;
use serde_json::{Value, json};

use super::config::{HttpConfig, Part};
use super::input;
use crate::model::{Fault, Scope};

/// Bytes of one file that can be sent as a part.
const FILE_LIMIT: u64 = 16 << 20;

/// A body with its content type, and how people see it.
pub(super) struct Body {
    pub(super) bytes: Bytes,
    pub(super) kind: Option<String>,
    pub(super) shown: Value,
}

impl Body {
    fn new(bytes: impl Into<Bytes>, kind: impl Into<String>, shown: Value) -> Self {
        Self {
            bytes: bytes.into(),
            kind: Some(kind.into()),
            shown,
        }
    }
}

/// The body of one run.
pub(super) fn render(config: &HttpConfig, scope: &dyn Scope, root: &Path) -> Result<Body, Fault> {
    if let Some(free) = &config.json {
        let value = scope.json(free)?;
        return Ok(Body::new(value.to_string(), "application/json", value));
    }
    if let Some(form) = &config.form {
        let mut text = form_urlencoded::Serializer::new(String::new());
        for (name, template) in form {
            text.append_pair(name, &scope.text(template)?);
        }
        let text = text.finish();
        return Ok(Body::new(
            text.clone(),
            "application/x-www-form-urlencoded",
            Value::from(text),
        ));
    }
    if let Some(template) = &config.body {
        let text = scope.text(template)?;
        return Ok(Body::new(
            text.clone(),
            "text/plain; charset=utf-8",
            Value::from(text),
        ));
    }
    if let Some(parts) = &config.multipart {
        return form_data(parts, scope, root);
    }
    Ok(Body {
        bytes: Bytes::new(),
        kind: None,
        shown: Value::Null,
    })
}

/// RFC 7578.
fn form_data(parts: &[Part], scope: &dyn Scope, root: &Path) -> Result<Body, Fault> {
    let mut form = multipart::Form::new();
    let mut shown = Vec::new();
    for part in parts {
        let (content, seen) = content(part, scope, root)?;
        form = form.part(part.name.clone(), content);
        shown.push(seen);
    }
    let kind = format!("multipart/form-data; boundary={}", form.boundary());
    // Every part is in memory, so the stream never waits.
    let pieces: Vec<Bytes> = form
        .into_stream()
        .try_collect()
        .now_or_never()
        .and_then(Result::ok)
        .ok_or_else(|| input("`multipart` could not be put together"))?;
    Ok(Body::new(pieces.concat(), kind, Value::Array(shown)))
}

fn content(part: &Part, scope: &dyn Scope, root: &Path) -> Result<(multipart::Part, Value), Fault> {
    let (mut content, seen) = match (&part.text, &part.file) {
        (Some(template), None) => {
            let text = scope.text(template)?;
            (multipart::Part::text(text.clone()), Value::from(text))
        }
        (None, Some(file)) => {
            let bytes = file_bytes(root, &file.value)?;
            let seen = json!({ "file": file.value, "bytes": bytes.len() });
            (multipart::Part::bytes(bytes), seen)
        }
        _ => return Err(input(format!("part `{}` needs `text` or `file`", part.name))),
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

fn file_bytes(root: &Path, file: &str) -> Result<Vec<u8>, Fault> {
    let path = root.join(file);
    let fault = |error: std::io::Error| input(format!("`{file}` cannot be read: {error}"));
    let size = std::fs::metadata(&path).map_err(fault)?.len();
    if size > FILE_LIMIT {
        return Err(input(format!(
            "`{file}` has {size} bytes, and a part at most {FILE_LIMIT}"
        )));
    }
    std::fs::read(&path).map_err(fault)
}
