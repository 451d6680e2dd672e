//! What HTTP destinations share: the client, one request, and what its answer means.

use std::path::Path;
use std::time::Duration;

use reqwest::header::RETRY_AFTER;
use reqwest::{Client, RequestBuilder, Response, StatusCode, redirect};

use super::Failure;
use crate::alert::evidence::piece;
use crate::diag::{Code, Problems};
use crate::model::{Fault, Lapse, Reason, Spanned};
use crate::tls::{self, Tls};

/// Bytes of an answer that are read, to say what it said.
const ANSWER: usize = 2 << 10;
/// The longest that a destination may ask to be left alone.
const LONGEST_WAIT: Duration = Duration::from_secs(3_600);

/// A client without redirects and without a proxy of the environment's.
///
/// # Errors
/// A certificate that cannot be read or is none.
pub(super) fn client(tls: &Tls, root: &Path, timeout: Duration) -> Result<Client, Fault> {
    let mut secured = tls::client(tls, root)?;
    secured.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let whole = |error: reqwest::Error| format!("no HTTP client: {}", causes(&error));
    Client::builder()
        .tls_backend_preconfigured(secured)
        .user_agent(concat!("landfall/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .referer(false)
        .no_proxy()
        .retry(reqwest::retry::never())
        .timeout(timeout)
        .build()
        .map_err(|error| Fault::new(Reason::Internal, whole(error)))
}

/// Sends one request; what was answered.
pub(super) async fn send(request: RequestBuilder) -> Result<String, Failure> {
    let answer = request.send().await.map_err(|error| unsent(&error))?;
    let status = answer.status();
    let retry_after = retry_after(&answer);
    let said = body(answer).await;
    let said = if said.is_empty() {
        status.to_string()
    } else {
        format!("{status}: {said}")
    };
    if status.is_success() {
        return Ok(said);
    }
    Err(Failure {
        retry_after,
        hopeless: hopeless(status),
        ..Failure::refused(said)
    })
}

/// What the next attempt cannot change: the message itself is not liked. A wrong address or credential can be mended.
fn hopeless(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNPROCESSABLE_ENTITY
    )
}

/// RFC 9110 section 10.2.3, in seconds; dates are not read.
fn retry_after(answer: &Response) -> Option<Duration> {
    let text = answer.headers().get(RETRY_AFTER)?.to_str().ok()?;
    let seconds: u64 = text.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST_WAIT))
}

async fn body(mut answer: Response) -> String {
    let mut bytes = Vec::new();
    while bytes.len() < ANSWER {
        let Ok(Some(chunk)) = answer.chunk().await else {
            break;
        };
        bytes.extend_from_slice(&chunk);
    }
    bytes.truncate(ANSWER);
    piece(String::from_utf8_lossy(&bytes).trim())
}

fn unsent(error: &reqwest::Error) -> Failure {
    let message = causes(error);
    if error.is_connect() || error.is_builder() {
        return Failure::refused(message);
    }
    Failure::in_doubt(message)
}

/// An error with its causes, without the address, which can hold a secret.
fn causes(error: &reqwest::Error) -> String {
    use std::error::Error as _;
    let mut parts: Vec<String> = Vec::new();
    if error.is_timeout() {
        parts.push(String::from("no answer in time"));
    }
    let mut cause = error.source();
    while let Some(inner) = cause {
        let text = inner.to_string();
        if parts.last() != Some(&text) {
            parts.push(text);
        }
        cause = inner.source();
    }
    if parts.is_empty() {
        parts.push(String::from("the request could not be sent"));
    }
    piece(&parts.join(": "))
}

/// Refuses what is no http address where it can be told before rendering.
pub(super) fn check_url(key: &str, text: &str, at: crate::model::Span, out: &mut Problems) {
    if text.contains("{{") {
        return;
    }
    let url = reqwest::Url::parse(text).ok();
    let fits = url.is_some_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    if !fits {
        out.error(
            Code::Setting,
            at,
            format!("`{key}` is no http or https address"),
            "expected an address such as https://hooks.example.com/T000/B000",
        );
    }
}

/// Refuses a time of nothing.
pub(super) fn check_timeout(timeout: &Spanned<Lapse>, out: &mut Problems) {
    if timeout.value.0.is_zero() {
        out.error(
            Code::Setting,
            timeout.span,
            "`timeout` is 0",
            "expected a time to answer in, such as 10s",
        );
    }
}
