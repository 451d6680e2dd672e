//! What a mail says, decoded within bounds: shared by the kinds that see mail.
//!
//! Mail is hostile input. Its size, header and MIME structure are measured before the parser sees it ([`shape`]) and
//! what comes out is cut at limits; whatever a limit takes away is named in [`Mail::refused`].

mod auth;
mod body;
mod header;
mod shape;
#[cfg(test)]
mod tests;

use std::panic::{AssertUnwindSafe, catch_unwind};

use mail_parser::{Message, MessageParser};
use serde_json::{Map, Value};

/// A mail's `seen.text`, `seen.html` and each decoded header are cut here.
pub(crate) const TEXT_LIMIT: usize = 256 * 1024;
/// Of the header, this many bytes are read.
pub(crate) const HEADER_BYTES_LIMIT: usize = 64 * 1024;
/// Of the header, this many fields are read.
pub(crate) const HEADER_COUNT_LIMIT: usize = 1000;
/// Deeper nesting of MIME parts is not looked into.
pub(crate) const DEPTH_LIMIT: usize = 20;
/// More parts than this are not told apart.
pub(crate) const PARTS_LIMIT: usize = 200;
/// The text of an attachment is kept up to here.
pub(crate) const ATTACHMENT_TEXT_LIMIT: usize = 16 * 1024;
/// How many `+tag`s one mail may bear.
const KEYS_LIMIT: usize = 64;
/// A summary is one line of at most so many characters.
const SUMMARY_LIMIT: usize = 160;

/// What `seen` holds of a mail, with a sentence each.
pub(crate) const SEEN: &[(&str, &str)] = &[
    ("subject", "The subject, decoded."),
    ("from", "The sender's address, without the display name."),
    ("to", "A list of the addresses of `To`, without display names."),
    (
        "html",
        "The HTML body, decoded; absent in a mail without one. `seen.text` is then derived from it if the mail has no text part.",
    ),
    ("date", "The `Date` header in RFC 3339."),
    (
        "auth",
        "What the receiving server found of the sender (the topmost `Authentication-Results`): `server`, and by method, such as `spf`, `dkim`, `dmarc`, its result: `pass`, `fail`, `none`, ….",
    ),
    (
        "received",
        "The hops, oldest first: `from`, `by`, `with`, `at` and `seconds` since the hop before (whole seconds, each by its own server's clock).",
    ),
    (
        "attachments",
        "A list of `name`, `content_type`, `size` in bytes, and `text` of those that hold at most 16 KiB of text.",
    ),
    (
        "dsn",
        "Of a delivery report (bounce or delay notice): `action`, `status`, `recipient`, `diagnostic` of its first recipient.",
    ),
];

/// A decoded mail.
#[derive(Debug, Default)]
pub(crate) struct Mail {
    /// What expressions see: `text`, `json`, `headers` and the fields of [`SEEN`].
    pub(crate) seen: Map<String, Value>,
    /// The `Message-ID` without its angle brackets.
    pub(crate) message_id: Option<String>,
    /// The `+tag`s of the addresses it was sent to.
    pub(crate) keys: Vec<String>,
    /// A bounce, a delay notice or an automatic answer.
    pub(crate) automatic: bool,
    /// One line for reports: the subject and the sender.
    pub(crate) summary: String,
    /// Which limit kept something of the mail from being read.
    pub(crate) refused: Option<String>,
}

/// Decodes a mail. Never fails: of a mail that cannot be read whole, [`Mail::refused`] names what was in the way and
/// the rest says what could be read.
pub(crate) fn decode(raw: &[u8]) -> Mail {
    let shape = shape::measure(raw);
    let bounded = shape.bound(raw);
    let mut refused = shape.refusals();
    let parsed = catch_unwind(AssertUnwindSafe(|| {
        let parser = MessageParser::default();
        let message = if shape.readable() {
            parser.parse(bounded.as_ref())
        } else {
            parser.parse_headers(bounded.as_ref())
        };
        message.map(|message| read(&message, &bounded, shape.readable()))
    }));
    let mut mail = match parsed {
        Ok(Some(mail)) => mail,
        Ok(None) => unread(&bounded, "a mail without a header", &mut refused),
        Err(_) => unread(&bounded, "a mail that the parser gave up on", &mut refused),
    };
    refused.extend(mail.refused.take());
    mail.refused = (!refused.is_empty()).then(|| refused.join("; "));
    mail
}

/// Cuts a text at a limit, at the end of a character; says so in `refused`.
fn cut(text: &str, limit: usize, what: &str, refused: &mut Vec<String>) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    let note = format!("{what} over {limit} bytes was cut");
    if !refused.contains(&note) {
        refused.push(note);
    }
    text[..text.floor_char_boundary(limit)].to_owned()
}

fn read(message: &Message<'_>, raw: &[u8], whole: bool) -> Mail {
    let mut refused = Vec::new();
    let mut seen = Map::new();
    header::fill(message, &mut seen, &mut refused);
    if whole {
        body::fill(message, &mut seen, &mut refused);
    } else {
        fill_raw(&raw[shape::body_offset(raw)..], &mut seen, &mut refused);
    }
    Mail {
        message_id: message
            .message_id()
            .filter(|id| !id.is_empty())
            .map(|id| cut(id, 998, "a Message-ID", &mut refused)),
        keys: header::tags(message),
        automatic: header::is_automatic(message),
        summary: summary(&seen),
        refused: (!refused.is_empty()).then(|| refused.join("; ")),
        seen,
    }
}

/// What is left of a mail that cannot be parsed: its text as it came, so that a token in it is still found.
fn unread(raw: &[u8], why: &str, refused: &mut Vec<String>) -> Mail {
    refused.push(format!("{why}; its raw text is kept"));
    let mut seen = Map::new();
    fill_raw(raw, &mut seen, refused);
    seen.insert(String::from("headers"), Value::Object(Map::new()));
    Mail {
        summary: String::from("(unreadable mail)"),
        seen,
        ..Mail::default()
    }
}

fn fill_raw(raw: &[u8], seen: &mut Map<String, Value>, refused: &mut Vec<String>) {
    // Replacement characters take three bytes each, so no more than the limit is worth decoding.
    let head = &raw[..raw.len().min(TEXT_LIMIT + 1)];
    let text = cut(&String::from_utf8_lossy(head), TEXT_LIMIT, "the text", refused);
    seen.insert(String::from("json"), Value::Null);
    seen.insert(String::from("text"), Value::String(text));
}

fn summary(seen: &Map<String, Value>) -> String {
    let of = |name: &str| seen.get(name).and_then(Value::as_str).unwrap_or_default();
    let subject = if of("subject").is_empty() {
        "(no subject)"
    } else {
        of("subject")
    };
    let line = if of("from").is_empty() {
        subject.to_owned()
    } else {
        format!("{subject} (from {})", of("from"))
    };
    let line: String = line
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(SUMMARY_LIMIT)
        .collect();
    line.trim().to_owned()
}
