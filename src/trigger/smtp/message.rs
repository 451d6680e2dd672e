//! The mail itself, as bytes.

use std::time::{Duration, UNIX_EPOCH};

use lettre::Message;
use lettre::message::header::{ContentTransferEncoding as Encoding, ContentType, HeaderName, HeaderValue};
use lettre::message::{Attachment, Body, Mailbox, MultiPart, SinglePart};

use super::render::{Content, MAIL_LIMIT, Rendered};
use crate::model::{Fault, Moment, Reason};

/// RFC 5322 section 2.1.1, without the CRLF.
const LINE_LIMIT: usize = 998;

/// Builds the mail. It is the same for the same run and instant: boundaries and Message-ID are made from the token.
///
/// # Errors
/// A mail that is too large, or that no server need take.
pub(super) fn build(mail: &Rendered, now: Moment) -> Result<Vec<u8>, Fault> {
    let date = UNIX_EPOCH + Duration::from_nanos(u64::try_from(now.0).unwrap_or(0));
    let mut builder = Message::builder()
        .from(mail.from.clone())
        .subject(mail.subject.clone())
        .date(date)
        .message_id(Some(format!("<{}@{}>", mail.token, mail.from.email.domain())))
        .raw_header(HeaderValue::new(
            HeaderName::new_from_ascii_str("X-Landfall-Run"),
            mail.run.clone(),
        ));
    builder = mail
        .to
        .iter()
        .cloned()
        .fold(builder, lettre::message::MessageBuilder::to);
    builder = mail
        .cc
        .iter()
        .cloned()
        .fold(builder, lettre::message::MessageBuilder::cc);
    if mail.to.is_empty() && mail.cc.is_empty() {
        return Err(Fault::new(
            Reason::Input,
            "`to` is empty: the mail would go to nobody",
        ));
    }
    for (name, value) in &mail.headers {
        builder = builder.raw_header(HeaderValue::new(name.clone(), value.clone()));
    }
    let built = match content(mail)? {
        Part::Single(part) => builder.singlepart(part),
        Part::Multi(part) => builder.multipart(part),
    };
    let raw = built
        .map_err(|e| Fault::new(Reason::Input, format!("the mail cannot be built: {e}")))?
        .formatted();
    check(&raw)?;
    Ok(raw)
}

/// How people see an address.
pub(super) fn shown(all: &[Mailbox]) -> Vec<String> {
    all.iter().map(ToString::to_string).collect()
}

enum Part {
    Single(SinglePart),
    Multi(MultiPart),
}

fn content(mail: &Rendered) -> Result<Part, Fault> {
    let boundary = |kind: &str| format!("landfall-{}-{kind}", mail.token);
    let body = match (&mail.text, &mail.html) {
        (Some(text), Some(html)) => Some(Part::Multi(
            MultiPart::alternative()
                .boundary(boundary("alternative"))
                .singlepart(text_part(text, ContentType::TEXT_PLAIN)?)
                .singlepart(text_part(html, ContentType::TEXT_HTML)?),
        )),
        (Some(text), None) => Some(Part::Single(text_part(text, ContentType::TEXT_PLAIN)?)),
        (None, Some(html)) => Some(Part::Single(text_part(html, ContentType::TEXT_HTML)?)),
        (None, None) => None,
    };
    if mail.attachments.is_empty() {
        return Ok(match body {
            Some(body) => body,
            None => Part::Single(text_part("", ContentType::TEXT_PLAIN)?),
        });
    }
    let mixed = MultiPart::mixed().boundary(boundary("mixed"));
    let mut whole = match body {
        Some(Part::Single(part)) => mixed.singlepart(part),
        Some(Part::Multi(part)) => mixed.multipart(part),
        None => mixed.build(),
    };
    for file in &mail.attachments {
        let attachment = Attachment::new(file.name.clone());
        let kind = file.content_type.clone();
        whole = whole.singlepart(match &file.content {
            Content::Text(text) => attachment.body(text_body(text)?, kind),
            Content::Bytes(bytes) => attachment.body(encoded(bytes.clone(), Encoding::Base64)?, kind),
        });
    }
    Ok(Part::Multi(whole))
}

fn text_part(text: &str, kind: ContentType) -> Result<SinglePart, Fault> {
    Ok(SinglePart::builder().content_type(kind).body(text_body(text)?))
}

/// The library's own choice sends control characters as they are, and servers rightly refuse a NUL.
fn text_body(text: &str) -> Result<Body, Fault> {
    if text
        .chars()
        .any(|c| c.is_ascii_control() && !matches!(c, '\r' | '\n' | '\t'))
    {
        return encoded(text.as_bytes().to_vec(), Encoding::Base64);
    }
    Ok(Body::new(text.to_owned()))
}

fn encoded(bytes: Vec<u8>, encoding: Encoding) -> Result<Body, Fault> {
    Body::new_with_encoding(bytes, encoding)
        .map_err(|_| Fault::new(Reason::Internal, "a part of the mail cannot be encoded"))
}

fn check(raw: &[u8]) -> Result<(), Fault> {
    if raw.len() > MAIL_LIMIT {
        let message = format!("the mail has {} bytes: at most {MAIL_LIMIT} are sent", raw.len());
        return Err(Fault::new(Reason::Input, message));
    }
    for line in raw.split(|b| *b == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.len() > LINE_LIMIT || line.contains(&b'\r') || line.contains(&0) {
            let shown = String::from_utf8_lossy(&line[..line.len().min(60)]).into_owned();
            let message = format!(
                "the mail has a line of {} bytes that begins `{}`: at most {LINE_LIMIT} are allowed, and neither a bare CR nor a NUL",
                line.len(),
                shown.escape_debug()
            );
            return Err(Fault::new(Reason::Input, message));
        }
    }
    Ok(())
}
