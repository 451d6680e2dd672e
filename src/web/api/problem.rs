//! What goes wrong, as RFC 9457 problem details.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;

use crate::model::Reason;
use crate::web::auth::Turned;
use crate::web::daemon::{Diagnostic, Refused};

/// Something that went wrong, on its way to be answered.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::web) struct Problem(Box<Details>);

/// Problem details (RFC 9457).
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "Problem")]
pub(super) struct Details {
    /// A stable name of what is wrong: `urn:landfall:problem:` and a word.
    #[serde(rename = "type")]
    kind: String,
    /// The status in words.
    title: String,
    /// The HTTP status.
    status: u16,
    /// What exactly, with what to do.
    detail: String,
    /// Each value that does not fit.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
    /// What is wrong with the definitions, where a reload was refused.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    diagnostics: Vec<Diagnostic>,
}

/// One value that does not fit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(in crate::web) struct FieldError {
    /// A JSON pointer into the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pointer: Option<String>,
    /// The name of a parameter of the path or query.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) parameter: Option<String>,
    /// What it is and what was expected.
    pub(super) detail: String,
}

impl FieldError {
    pub(super) fn parameter(name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            pointer: None,
            parameter: Some(name.into()),
            detail: detail.into(),
        }
    }

    pub(super) fn pointer(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            pointer: Some(pointer.into()),
            parameter: None,
            detail: detail.into(),
        }
    }
}

impl Problem {
    fn new(status: StatusCode, word: &str, detail: impl Into<String>) -> Self {
        Self(Box::new(Details {
            kind: format!("urn:landfall:problem:{word}"),
            title: status.canonical_reason().unwrap_or_default().to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
            errors: Vec::new(),
            diagnostics: Vec::new(),
        }))
    }

    pub(in crate::web) fn turned(turned: Turned) -> Self {
        let word = match turned {
            Turned::Host => "host",
            Turned::Site => "other-site",
            Turned::Unknown => "no-credential",
            Turned::Wrong => "wrong-credential",
            Turned::TooMany => "too-many-attempts",
            Turned::Access => "scope",
        };
        Self::new(turned.status(), word, turned.detail())
    }

    pub(super) fn invalid(errors: Vec<FieldError>) -> Self {
        let detail = match errors.as_slice() {
            [one] => one.detail.clone(),
            many => format!("{} values do not fit", many.len()),
        };
        let mut problem = Self::new(StatusCode::BAD_REQUEST, "invalid", detail);
        problem.0.errors = errors;
        problem
    }

    pub(in crate::web) fn malformed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", detail)
    }

    pub(in crate::web) fn no_path(path: &str) -> Self {
        let detail = format!("there is nothing at `{path}`; `/api/v1/openapi.json` lists what there is");
        Self::new(StatusCode::NOT_FOUND, "unknown", detail)
    }

    pub(super) fn unknown(what: &str, name: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "unknown",
            format!("there is no {what} `{name}`"),
        )
    }

    pub(super) fn method() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method",
            "the path does not take this method; `Allow` lists those that it takes",
        )
    }

    pub(super) fn media_type() -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "media-type",
            "what writes needs `Content-Type: application/json`, and a body: `{}` where there is nothing to say",
        )
    }

    pub(in crate::web) fn too_large(limit: usize) -> Self {
        let detail = format!("the body is over the limit of {limit} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", detail)
    }

    pub(in crate::web) fn slow_body() -> Self {
        Self::new(
            StatusCode::REQUEST_TIMEOUT,
            "timeout",
            "the body did not come in time",
        )
    }

    pub(in crate::web) fn busy(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "limit", detail)
    }

    pub(in crate::web) fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail)
    }

    pub(in crate::web) fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "a bug of landfall's own; its log tells more",
        )
    }

    /// What is wrong, for a page that shows the problem.
    pub(in crate::web) fn detail(&self) -> String {
        match self.0.errors.as_slice() {
            [] | [_] => self.0.detail.clone(),
            several => {
                let each: Vec<&str> = several.iter().map(|error| error.detail.as_str()).collect();
                format!("{}: {}", self.0.detail, each.join("; "))
            }
        }
    }

    /// The status, for a page that shows the problem.
    pub(in crate::web) fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        let detail = refused.to_string();
        match refused {
            Refused::Unknown { .. } => Self::new(StatusCode::NOT_FOUND, "unknown", detail),
            Refused::Invalid { pointer, detail } => Self::invalid(vec![FieldError::pointer(pointer, detail)]),
            Refused::Conflict(_) => Self::new(StatusCode::CONFLICT, "conflict", detail),
            Refused::Limit(_) => Self::busy(detail),
            Refused::Definitions(diagnostics) => {
                let mut problem = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "definitions", detail);
                problem.0.diagnostics = diagnostics;
                problem
            }
            Refused::Unavailable(fault) if fault.reason == Reason::Internal => Self::internal(),
            Refused::Unavailable(_) => Self::unavailable(detail),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status();
        // Strings and numbers always serialise.
        let text = serde_json::to_string(&self.0).unwrap_or_default();
        let kind = HeaderValue::from_static("application/problem+json");
        let mut response = (status, [(header::CONTENT_TYPE, kind)], text).into_response();
        let headers = response.headers_mut();
        match status {
            StatusCode::UNAUTHORIZED => {
                headers.insert(
                    header::WWW_AUTHENTICATE,
                    HeaderValue::from_static("Bearer realm=\"landfall\""),
                );
            }
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            }
            _ => {}
        }
        response
    }
}
