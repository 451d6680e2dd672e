//! What a mail's parts hold: text, HTML, attachments, a delivery report.

use mail_parser::decoders::html::html_to_text;
use mail_parser::{Message, MessagePart, MimeHeaders, PartType};
use serde_json::{Map, Value, json};

use super::{ATTACHMENT_TEXT_LIMIT, DEPTH_LIMIT, TEXT_LIMIT, cut};

/// Fills `text`, `json`, `html`, `attachments` and `dsn`.
pub(super) fn fill(message: &Message<'_>, seen: &mut Map<String, Value>, refused: &mut Vec<String>) {
    let text = cut(&text(message), TEXT_LIMIT, "the text", refused);
    seen.insert(String::from("json"), json_of(&text));
    seen.insert(String::from("text"), text.into());
    let html = html(message);
    if !html.is_empty() {
        seen.insert(
            String::from("html"),
            cut(&html, TEXT_LIMIT, "the HTML", refused).into(),
        );
    }
    let mut attachments = Vec::new();
    attach(message, &mut attachments, refused);
    if let Some(dsn) = dsn(message) {
        seen.insert(String::from("dsn"), dsn);
    }
    seen.insert(String::from("attachments"), Value::Array(attachments));
}

/// The parts that are shown as text, joined; those that are HTML only become text.
fn text(message: &Message<'_>) -> String {
    let parts = message.text_bodies().filter_map(|part| match &part.body {
        PartType::Text(text) => Some(text.to_string()),
        PartType::Html(html) => Some(html_to_text(html)),
        _ => None,
    });
    join(parts)
}

fn html(message: &Message<'_>) -> String {
    let parts = message.html_bodies().filter_map(|part| match &part.body {
        PartType::Html(html) => Some(html.to_string()),
        _ => None,
    });
    join(parts)
}

fn join(parts: impl Iterator<Item = String>) -> String {
    let mut all = String::new();
    for part in parts {
        if !all.is_empty() && !all.ends_with('\n') {
            all.push('\n');
        }
        all.push_str(&part);
        if all.len() > TEXT_LIMIT {
            break;
        }
    }
    all
}

fn json_of(text: &str) -> Value {
    let text = text.trim();
    if text.starts_with(['{', '[']) {
        serde_json::from_str(text).unwrap_or_default()
    } else {
        Value::Null
    }
}

/// Lists attachments, those of messages inside the message too, down to the limit of depth.
fn attach(message: &Message<'_>, out: &mut Vec<Value>, refused: &mut Vec<String>) {
    let mut open = vec![(message, 0)];
    while let Some((message, depth)) = open.pop() {
        if depth > DEPTH_LIMIT {
            refused.push(format!(
                "messages nested deeper than {DEPTH_LIMIT} are not looked into"
            ));
            return;
        }
        for part in message.attachments() {
            out.push(attachment(part));
            if let PartType::Message(inner) = &part.body {
                open.push((inner, depth + 1));
            }
        }
    }
}

fn attachment(part: &MessagePart<'_>) -> Value {
    let content_type = part.content_type().map_or_else(
        || String::from("application/octet-stream"),
        |ct| match ct.subtype() {
            Some(subtype) => format!("{}/{subtype}", ct.ctype()).to_ascii_lowercase(),
            None => ct.ctype().to_ascii_lowercase(),
        },
    );
    let mut value = Map::from_iter([
        (
            String::from("name"),
            part.attachment_name().map_or(Value::Null, Value::from),
        ),
        (String::from("content_type"), content_type.clone().into()),
    ]);
    let (size, text) = match &part.body {
        PartType::Text(text) | PartType::Html(text) => (text.len(), Some(text.to_string())),
        PartType::Message(inner) => (part.raw_len() as usize, Some(embedded(inner))),
        PartType::Binary(bytes) | PartType::InlineBinary(bytes) => {
            let readable = content_type.starts_with("message/") || content_type == "application/json";
            let text = readable.then(|| String::from_utf8_lossy(bytes).into_owned());
            (bytes.len(), text)
        }
        PartType::Multipart(_) => (0, None),
    };
    value.insert(String::from("size"), size.into());
    if let Some(text) = text.filter(|t| t.len() <= ATTACHMENT_TEXT_LIMIT) {
        value.insert(String::from("text"), text.into());
    }
    Value::Object(value)
}

/// A message inside the message as a person would read it, so that a bounce still bears the token it quotes.
fn embedded(message: &Message<'_>) -> String {
    let header: String = message
        .headers_raw()
        .take(100)
        .map(|(name, value)| format!("{name}: {}\n", value.trim()))
        .collect();
    let text: String = text(message).chars().take(ATTACHMENT_TEXT_LIMIT / 4).collect();
    let header: String = header.chars().take(ATTACHMENT_TEXT_LIMIT / 8).collect();
    format!("{header}\n{text}")
}

/// The first recipient's fields of `message/delivery-status` (RFC 3464 section 2.3).
fn dsn(message: &Message<'_>) -> Option<Value> {
    let part = message.parts.iter().find(|part| {
        part.is_content_type("message", "delivery-status")
            || part.is_content_type("message", "global-delivery-status")
    })?;
    let text = String::from_utf8_lossy(part.contents()).replace("\r\n", "\n");
    // The first group is about the report, each further one about a recipient.
    let fields = text.split("\n\n").map(fields).find(|fields| {
        fields
            .iter()
            .any(|(name, _)| name == "final-recipient" || name == "action")
    })?;
    let value = |name: &str| {
        let found = fields.iter().find(|(n, _)| n == name);
        found.map_or(Value::Null, |(_, v)| Value::String(v.clone()))
    };
    let typed = |name: &str| match value(name) {
        // `rfc822; someone@example.com`: the type says how to read the rest.
        Value::String(text) => {
            let plain = text
                .split_once(';')
                .map_or(text.as_str(), |(_, rest)| rest.trim());
            Value::from(plain)
        }
        other => other,
    };
    let action = match value("action") {
        Value::String(text) => Value::String(text.to_ascii_lowercase()),
        other => other,
    };
    Some(json!({
        "action": action,
        "status": value("status"),
        "recipient": typed("final-recipient"),
        "diagnostic": typed("diagnostic-code"),
    }))
}

/// `Name: value` lines, continuation lines joined, names in lower case.
fn fields(group: &str) -> Vec<(String, String)> {
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in group.lines().take(100) {
        if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = fields.last_mut() {
                value.push(' ');
                value.push_str(line.trim());
            }
        } else if let Some((name, value)) = line.split_once(':') {
            fields.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
    fields
}
