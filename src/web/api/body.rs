//! What is asked for in a body: a JSON object, every value of which is checked and named where it does not fit.

use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_path_to_error::{Path, Segment};

use super::Problem;
use super::problem::FieldError;
use crate::web::site::Shared;

/// The longest reason of a pause or mute, in characters.
const REASON: usize = 500;

/// A body of that shape.
pub(super) struct Ask<T>(pub(super) T);

/// Nothing is asked beside the path.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

impl<T: DeserializeOwned> FromRequest<Shared> for Ask<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, site: &Shared) -> Result<Self, Problem> {
        if !super::is_json(request.headers()) {
            return Err(Problem::media_type());
        }
        let bytes = Bytes::from_request(request, site)
            .await
            .map_err(|_| Problem::malformed("the body broke off"))?;
        let text = std::str::from_utf8(&bytes).map_err(|_| Problem::malformed("the body is not UTF-8"))?;
        let value: serde_json::Value = serde_json::from_str(text)
            .map_err(|error| Problem::malformed(format!("the body is not JSON: {error}")))?;
        if !value.is_object() {
            return Err(Problem::malformed(
                "the body has to be a JSON object, such as `{}`",
            ));
        }
        serde_path_to_error::deserialize(value)
            .map(Self)
            .map_err(|error| {
                let pointer = pointer(error.path());
                let detail = error.into_inner().to_string();
                Problem::invalid(vec![FieldError::pointer(pointer, detail)])
            })
    }
}

/// A path as a JSON pointer (RFC 6901).
fn pointer(path: &Path) -> String {
    let mut pointer = String::new();
    for segment in path.iter() {
        match segment {
            Segment::Map { key } => {
                pointer.push('/');
                pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
            }
            Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    pointer
}

/// A reason within its bound.
pub(super) fn reason(text: String) -> Result<String, Problem> {
    let length = text.chars().count();
    if length <= REASON {
        return Ok(text);
    }
    let detail = format!("the reason has {length} characters, and {REASON} is the limit");
    Err(Problem::invalid(vec![FieldError::pointer("/reason", detail)]))
}
