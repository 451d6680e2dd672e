//! What a mail's header says: addresses, hops, who sent it and whether a machine answered.

use mail_parser::parsers::MessageStream;
use mail_parser::{
    Addr, DateTime, Header, HeaderName, HeaderValue, Host, Message, MimeHeaders, Protocol, Received,
};
use serde_json::{Map, Value, json};

use super::{KEYS_LIMIT, TEXT_LIMIT, auth, cut};

/// Fills `headers`, `subject`, `from`, `to`, `date`, `auth` and `received`.
pub(super) fn fill(message: &Message<'_>, seen: &mut Map<String, Value>, refused: &mut Vec<String>) {
    let fields: Vec<(String, String)> = message
        .headers()
        .iter()
        .map(|header| (header.name().to_ascii_lowercase(), text(message, header)))
        .collect();
    let subject = message.subject().unwrap_or_default();
    seen.insert(
        String::from("subject"),
        cut(subject, TEXT_LIMIT, "the subject", refused).into(),
    );
    let from = addresses(message, &HeaderName::From).next().unwrap_or_default();
    seen.insert(String::from("from"), from.into());
    let to: Vec<String> = addresses(message, &HeaderName::To).collect();
    seen.insert(String::from("to"), to.into());
    if let Some(date) = message.date().filter(|d| d.is_valid()) {
        seen.insert(String::from("date"), date.to_rfc3339().into());
    }
    let results = fields.iter().filter(|(name, _)| name == "authentication-results");
    if let Some(auth) = auth::parse(results.map(|(_, value)| value.as_str())) {
        seen.insert(String::from("auth"), auth);
    }
    seen.insert(String::from("received"), received(message));
    seen.insert(String::from("headers"), joined(fields));
}

/// The `+tag`s of the addresses that the mail went to, each once: the detail of RFC 5233.
pub(super) fn tags(message: &Message<'_>) -> Vec<String> {
    let mut tags: Vec<String> = Vec::new();
    let known = [HeaderName::To, HeaderName::Cc];
    let other = ["delivered-to", "x-original-to", "envelope-to", "x-envelope-to"];
    let written = message
        .headers()
        .iter()
        .filter(|h| other.iter().any(|name| h.name().eq_ignore_ascii_case(name)))
        .map(|h| text(message, h).trim_matches(['<', '>', ' ']).to_owned());
    for address in known
        .iter()
        .flat_map(|name| addresses(message, name))
        .chain(written)
    {
        let local = address.rsplit_once('@').map_or("", |(local, _)| local);
        let tag = local.split_once('+').map_or("", |(_, tag)| tag);
        if !tag.is_empty() && tag.len() <= 256 && tags.len() < KEYS_LIMIT && !tags.iter().any(|t| t == tag) {
            tags.push(tag.to_owned());
        }
    }
    tags
}

/// Whether the mail is a report about a mail or an automatic answer to one.
///
/// `Auto-Submitted: auto-generated` alone (RFC 3834 section 5) is not an answer: shops and services mark their
/// ordinary confirmations so. With an empty return path (RFC 5321 section 4.5.5) it is a notice about a delivery.
pub(super) fn is_automatic(message: &Message<'_>) -> bool {
    let value = |name: &str| {
        let header = message
            .headers()
            .iter()
            .find(|h| h.name().eq_ignore_ascii_case(name));
        header.map(|h| text(message, h).trim().to_ascii_lowercase())
    };
    let submitted = value("auto-submitted").unwrap_or_default();
    let submitted = submitted.split([';', ' ', '(']).next().unwrap_or_default();
    let answered = match submitted {
        "" | "no" => false,
        "auto-generated" => value("return-path").is_some_and(|path| path == "<>"),
        _ => true,
    };
    let marked = ["x-autoreply", "x-autorespond", "x-auto-reply"]
        .iter()
        .any(|name| value(name).is_some_and(|v| v != "no"));
    let precedence = value("precedence").is_some_and(|p| p == "auto_reply" || p == "auto-reply");
    answered || marked || precedence || message.is_content_type("multipart", "report")
}

fn received(message: &Message<'_>) -> Value {
    let mut hops = Vec::new();
    let mut before: Option<i64> = None;
    let all: Vec<&Received<'_>> = message.received_all().collect();
    for hop in all.into_iter().rev() {
        let date = hop.date().filter(DateTime::is_valid);
        let at = date.as_ref().map(DateTime::to_timestamp);
        hops.push(json!({
            "from": hop.from().or(hop.helo()).map(host),
            "by": hop.by().map(host),
            "with": hop.with().map(|p| protocol(p).to_owned()),
            "at": date.map(|d| d.to_rfc3339()),
            "seconds": at.zip(before).map(|(at, before)| at - before),
        }));
        before = at.or(before);
    }
    Value::Array(hops)
}

fn host(host: &Host<'_>) -> String {
    match host {
        Host::Name(name) => name.to_string(),
        Host::IpAddr(address) => address.to_string(),
    }
}

const fn protocol(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::SMTP => "SMTP",
        Protocol::ESMTP => "ESMTP",
        Protocol::ESMTPA => "ESMTPA",
        Protocol::ESMTPS => "ESMTPS",
        Protocol::ESMTPSA => "ESMTPSA",
        Protocol::LMTP => "LMTP",
        Protocol::LMTPA => "LMTPA",
        Protocol::LMTPS => "LMTPS",
        Protocol::LMTPSA => "LMTPSA",
        Protocol::MMS => "MMS",
        Protocol::UTF8SMTP => "UTF8SMTP",
        Protocol::UTF8SMTPA => "UTF8SMTPA",
        Protocol::UTF8SMTPS => "UTF8SMTPS",
        Protocol::UTF8SMTPSA => "UTF8SMTPSA",
        Protocol::UTF8LMTP => "UTF8LMTP",
        Protocol::UTF8LMTPA => "UTF8LMTPA",
        Protocol::UTF8LMTPS => "UTF8LMTPS",
        Protocol::UTF8LMTPSA => "UTF8LMTPSA",
        Protocol::HTTP => "HTTP",
        Protocol::HTTPS => "HTTPS",
        Protocol::IMAP => "IMAP",
        Protocol::POP3 => "POP3",
        Protocol::Local => "local",
    }
}

fn addresses<'a>(message: &'a Message<'_>, name: &'a HeaderName<'a>) -> impl Iterator<Item = String> + 'a {
    message
        .headers()
        .iter()
        .filter(move |h| h.name == *name)
        .filter_map(|h| h.value.as_address())
        .flat_map(|list| list.iter())
        .filter_map(|addr: &Addr<'_>| addr.address())
        .take(HEADER_ADDRESSES)
        .map(str::to_owned)
}

/// How many addresses of a header are read.
const HEADER_ADDRESSES: usize = 1000;

/// A field's value as text: unfolded, encoded words decoded.
fn text(message: &Message<'_>, header: &Header<'_>) -> String {
    let raw = message
        .raw_message
        .get(header.offset_start as usize..header.offset_end as usize)
        .unwrap_or_default();
    match MessageStream::new(raw).parse_unstructured() {
        HeaderValue::Text(text) => text.trim().to_owned(),
        HeaderValue::TextList(list) => list.join(" "),
        _ => String::new(),
    }
}

/// Several fields of one name become one value, as lists in header fields do.
fn joined(fields: Vec<(String, String)>) -> Value {
    let mut map = Map::new();
    for (name, value) in fields {
        match map.get_mut(&name) {
            Some(Value::String(all)) => {
                all.push_str(", ");
                all.push_str(&value);
            }
            _ => {
                map.insert(name, Value::String(value));
            }
        }
    }
    Value::Object(map)
}
