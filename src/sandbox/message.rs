//! What the gateway is given, and the words it speaks about it.

use std::collections::BTreeMap;

use hyper::Uri;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The longest `text`, in bytes.
pub const TEXT_LIMIT: usize = 32 * 1024;
/// The longest `ref`, in bytes.
pub const REFERENCE_LIMIT: usize = 200;
const ADDRESS_LIMIT: usize = 320;
const URL_LIMIT: usize = 2_048;
const ROUTE_LIMIT: usize = 64;

/// Where an outcome lands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// A `POST` to the address given as `webhook`.
    Webhook,
    /// A mail to the address given as `to`.
    Mail,
    /// The message's row in the gateway's database.
    Row,
}

/// What an outcome says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// A step: the gateway has taken the message on.
    Queued,
    /// A step: the gateway has handed it to the provider.
    Sent,
    /// The outcome itself.
    Delivered,
    /// The gateway's word that it failed.
    Failed,
    /// The gateway's claim that it was delivered.
    Receipt,
    /// An event that must not come.
    Complaint,
}

impl Event {
    /// Its word; webhooks say `message.WORD`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Receipt => "receipt",
            Self::Complaint => "complaint",
        }
    }
}

/// A message as it was posted, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMessage {
    /// The sender's reference (`ref`).
    pub reference: String,
    /// The mail address, where mail is wanted.
    pub to: Option<String>,
    /// What is to be delivered.
    pub text: String,
    /// The address for events, where they are wanted.
    pub webhook: Option<Uri>,
}

/// Why a request was not taken: the status, the field at fault and a sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Invalid {
    /// 400 for what cannot be read, 413 for what is too large, 422 for what can be read and not honoured.
    pub status: u16,
    /// The field, empty where it is the request as a whole.
    pub field: &'static str,
    /// What is wrong and what was expected.
    pub message: String,
}

impl Invalid {
    pub(super) fn new(status: u16, field: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            field,
            message: message.into(),
        }
    }
}

impl NewMessage {
    /// Reads the body of `POST /v1/messages`.
    ///
    /// # Errors
    /// What is wrong, by field.
    pub fn read(body: &[u8]) -> Result<Self, Invalid> {
        let value: Value = serde_json::from_slice(body)
            .map_err(|e| Invalid::new(400, "", format!("the body is not JSON: {e}")))?;
        let Value::Object(fields) = value else {
            return Err(Invalid::new(400, "", "the body must be a JSON object"));
        };
        let mut fields: BTreeMap<String, Value> = fields.into_iter().collect();
        let message = Self {
            reference: required("ref", fields.remove("ref"))?,
            to: optional("to", fields.remove("to"))?,
            text: required("text", fields.remove("text"))?,
            webhook: optional("webhook", fields.remove("webhook"))?
                .as_deref()
                .map(check_webhook)
                .transpose()?,
        };
        if let Some((name, _)) = fields.first_key_value() {
            let name: String = name.chars().take(64).collect();
            return Err(Invalid::new(
                400,
                "",
                format!("unknown key `{name}`: known are `ref`, `to`, `text` and `webhook`"),
            ));
        }
        message.check()?;
        Ok(message)
    }

    fn check(&self) -> Result<(), Invalid> {
        let invalid = |field, message: String| Err(Invalid::new(422, field, message));
        if self.reference.is_empty() || self.reference.len() > REFERENCE_LIMIT {
            return invalid("ref", format!("`ref` must have 1 to {REFERENCE_LIMIT} bytes"));
        }
        if !self.reference.bytes().all(|b| b.is_ascii_graphic() && b != b'/') {
            return invalid(
                "ref",
                String::from("`ref` must be printable ASCII without spaces and slashes"),
            );
        }
        if self.text.len() > TEXT_LIMIT {
            return invalid("text", format!("`text` must have at most {TEXT_LIMIT} bytes"));
        }
        if let Some(to) = &self.to {
            check_address(to)?;
        }
        Ok(())
    }
}

/// Checks the name of a route.
pub(super) fn check_route(route: &str) -> Result<(), Invalid> {
    let fits = (1..=ROUTE_LIMIT).contains(&route.len())
        && route
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    if fits {
        return Ok(());
    }
    Err(Invalid::new(
        422,
        "route",
        format!("`route` must be 1 to {ROUTE_LIMIT} letters, digits, `_` or `-`"),
    ))
}

fn required(field: &'static str, value: Option<Value>) -> Result<String, Invalid> {
    optional(field, value)?.ok_or_else(|| Invalid::new(400, field, format!("`{field}` is missing")))
}

fn optional(field: &'static str, value: Option<Value>) -> Result<Option<String>, Invalid> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => {
            let kind = match other {
                Value::Bool(_) => "a boolean",
                Value::Number(_) => "a number",
                Value::Array(_) => "a list",
                _ => "an object",
            };
            Err(Invalid::new(
                400,
                field,
                format!("`{field}` must be a string, not {kind}"),
            ))
        }
    }
}

pub(super) fn check_address(to: &str) -> Result<(), Invalid> {
    let shape = to
        .rsplit_once('@')
        .is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty());
    // What is let through here stands between angle brackets in an SMTP command and in a header.
    let safe = to
        .bytes()
        .all(|b| b.is_ascii_graphic() && !matches!(b, b'<' | b'>' | b'"' | b',' | b';' | b'\\'));
    if shape && safe && to.len() <= ADDRESS_LIMIT {
        return Ok(());
    }
    Err(Invalid::new(
        422,
        "to",
        format!("`to` must be a mail address, `name@domain`, of at most {ADDRESS_LIMIT} ASCII characters"),
    ))
}

fn check_webhook(text: &str) -> Result<Uri, Invalid> {
    let wrong = || {
        Invalid::new(
            422,
            "webhook",
            format!("`webhook` must be an `http://` or `https://` address of at most {URL_LIMIT} bytes"),
        )
    };
    if text.len() > URL_LIMIT {
        return Err(wrong());
    }
    let uri: Uri = text.parse().map_err(|_| wrong())?;
    let known = matches!(uri.scheme_str(), Some("http" | "https"));
    (known && uri.host().is_some_and(|host| !host.is_empty()))
        .then_some(uri)
        .ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(body: &str) -> Invalid {
        NewMessage::read(body.as_bytes()).unwrap_err()
    }

    #[test]
    fn a_full_message_is_read() {
        let message = NewMessage::read(
            br#"{"ref":"r-1","to":"a+b@example.test","text":"hi","webhook":"http://127.0.0.1:1/c/x"}"#,
        )
        .unwrap();
        assert_eq!(message.reference, "r-1");
        assert_eq!(message.to.as_deref(), Some("a+b@example.test"));
        assert_eq!(message.webhook.unwrap().to_string(), "http://127.0.0.1:1/c/x");
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (body, status, field, words) in [
            ("{", 400, "", "not JSON"),
            ("[]", 400, "", "JSON object"),
            (r#"{"text":"x"}"#, 400, "ref", "`ref` is missing"),
            (r#"{"ref":"r"}"#, 400, "text", "`text` is missing"),
            (r#"{"ref":7,"text":"x"}"#, 400, "ref", "a string, not a number"),
            (r#"{"ref":"r","text":["x"]}"#, 400, "text", "not a list"),
            (
                r#"{"ref":"r","text":"x","rref":1}"#,
                400,
                "",
                "unknown key `rref`",
            ),
            (r#"{"ref":"a b","text":"x"}"#, 422, "ref", "printable"),
            (r#"{"ref":"","text":"x"}"#, 422, "ref", "1 to 200"),
            (
                r#"{"ref":"r","text":"x","to":"nobody"}"#,
                422,
                "to",
                "mail address",
            ),
            (
                r#"{"ref":"r","text":"x","to":"a@b>\r\nRSET"}"#,
                422,
                "to",
                "mail address",
            ),
            (
                r#"{"ref":"r","text":"x","webhook":"ftp://h/"}"#,
                422,
                "webhook",
                "http://",
            ),
            (
                r#"{"ref":"r","text":"x","webhook":"/c"}"#,
                422,
                "webhook",
                "http://",
            ),
        ] {
            let error = refused(body);
            assert_eq!((error.status, error.field), (status, field), "{body}");
            assert!(error.message.contains(words), "{body}: {}", error.message);
        }
        let long = format!(r#"{{"ref":"r","text":"{}"}}"#, "x".repeat(TEXT_LIMIT + 1));
        assert_eq!(refused(&long).field, "text");
    }

    #[test]
    fn a_route_is_a_plain_name() {
        assert!(check_route("eu-west_1").is_ok());
        for bad in ["", "a b", "a/b", "ä", &"x".repeat(65)] {
            assert_eq!(check_route(bad).unwrap_err().status, 422, "{bad}");
        }
    }
}
