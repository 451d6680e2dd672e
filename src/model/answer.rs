//! What came back when a request was fired.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Fault, Moment};

/// The parts of a request's time, in seconds, as far as the trigger can tell them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Timings {
    /// Looking up the name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dns: Option<f64>,
    /// Connecting; with the TLS handshake where `tls` does not tell it apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect: Option<f64>,
    /// The TLS handshake with the server, or with a proxy that alone speaks TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<f64>,
    /// From the first byte sent to the first byte of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_byte: Option<f64>,
    /// From the first byte sent to the end of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<f64>,
}

/// An answer as expressions see it, under the name `response`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Response {
    /// HTTP status, SMTP reply code or exit code.
    pub status: i64,
    /// Lower-case names; several values of one name are joined by `, `.
    pub headers: BTreeMap<String, String>,
    /// The body as text, cut at the trigger's limit.
    pub body: String,
    /// The body as JSON where it is JSON, else null.
    pub json: Value,
    /// From the first byte sent to the end of the answer.
    pub seconds: f64,
}

/// Why no whole answer came back.
#[derive(Clone, Debug, PartialEq)]
pub struct SendFailure {
    /// The cause.
    pub fault: Fault,
    /// Whether a byte of the request may have reached the peer: then it is in doubt, not refused.
    pub in_doubt: bool,
}

/// The end of one firing. Exactly one attempt stands behind it (invariant 5).
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The answer, or why there is none.
    pub outcome: Result<Response, SendFailure>,
    /// When the first byte of the request left (or the attempt to connect began, where none left).
    pub sent_at: Moment,
    /// When the answer was whole, or the attempt given up.
    pub answered_at: Moment,
    /// Its parts.
    pub timings: Timings,
    /// What the trigger itself knows that may explain a difference: address reached, protocol, reply text.
    pub attributes: BTreeMap<String, String>,
}
