//! What expressions see of a request.

use mail_parser::{MessageParser, MimeHeaders};
use serde_json::{Map, Value};

use crate::channel::{Request, seen};

/// `seen` of a request whose path below the channel's address is `path`.
pub(super) fn decode(request: &Request, path: &str) -> Map<String, Value> {
    let text = String::from_utf8_lossy(&request.body);
    let lossy = matches!(text, std::borrow::Cow::Owned(_));
    let mut seen = seen();
    let mut set = |name: &str, value: Value| {
        seen.insert(name.to_owned(), value);
    };
    set("method", request.method.as_str().into());
    set("path", path.into());
    set("query", pairs(request.query.as_bytes()));
    set("headers", headers(&request.headers));
    set("json", json(request));
    set("form", form(request));
    set("lossy", lossy.into());
    set("text", text.into());
    seen
}

/// The value of a header, if it is there.
pub(super) fn header<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    let mut all = request.headers.iter();
    all.find(|(n, _)| n == name).map(|(_, value)| value.as_str())
}

/// Repeated headers are one list (RFC 9110, section 5.3).
fn headers(headers: &[(String, String)]) -> Value {
    let mut map: Map<String, Value> = Map::new();
    for (name, value) in headers {
        match map.get_mut(name) {
            Some(Value::String(all)) => {
                all.push_str(", ");
                all.push_str(value);
            }
            _ => {
                map.insert(name.clone(), value.as_str().into());
            }
        }
    }
    Value::Object(map)
}

/// JSON also where the content type does not say so: many senders say nothing, or `text/plain`.
fn json(request: &Request) -> Value {
    let said = || header(request, "content-type").is_some_and(|kind| kind.contains("json"));
    match request.body.trim_ascii_start().first() {
        Some(b'{' | b'[') => {}
        Some(_) if said() => {}
        _ => return Value::Null,
    }
    serde_json::from_slice(&request.body).unwrap_or_default()
}

fn form(request: &Request) -> Value {
    let content_type = header(request, "content-type").unwrap_or_default();
    let kind = content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    match kind.as_str() {
        "application/x-www-form-urlencoded" => pairs(&request.body),
        "multipart/form-data" => multipart(content_type, &request.body),
        _ => Value::Object(Map::new()),
    }
}

fn pairs(text: &[u8]) -> Value {
    let mut map = Map::new();
    for (name, value) in form_urlencoded::parse(text) {
        add(&mut map, &name, value.into_owned().into());
    }
    Value::Object(map)
}

/// A form's parts are MIME parts (RFC 7578), so they are read as those of a mail. A file is an object.
fn multipart(content_type: &str, body: &[u8]) -> Value {
    let mut map = Map::new();
    let mut message = format!("Content-Type: {content_type}\r\n\r\n").into_bytes();
    message.extend_from_slice(body);
    let parsed = MessageParser::new().parse(&message);
    for part in parsed.iter().flat_map(|message| &message.parts) {
        let Some(disposition) = part.content_disposition() else {
            continue;
        };
        let Some(name) = disposition.attribute("name") else {
            continue;
        };
        let text: Value = String::from_utf8_lossy(part.contents()).into();
        let value = match disposition.attribute("filename") {
            None => text,
            Some(file) => {
                serde_json::json!({ "filename": file, "bytes": part.contents().len(), "text": text })
            }
        };
        add(&mut map, name, value);
    }
    Value::Object(map)
}

/// A name that comes twice becomes a list.
fn add(map: &mut Map<String, Value>, name: &str, value: Value) {
    match map.get_mut(name) {
        None => {
            map.insert(name.to_owned(), value);
        }
        Some(Value::Array(list)) => list.push(value),
        Some(one) => *one = Value::Array(vec![one.take(), value]),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::json;

    use super::*;
    use crate::model::Moment;

    fn request(content_type: &str, body: &[u8]) -> Request {
        Request {
            received: Moment(0),
            method: String::from("POST"),
            path: String::from("/c/secret/token"),
            query: String::from("a=1&b=x%20y&a=2&c"),
            headers: [("content-type", content_type), ("x-two", "1"), ("x-two", "2")]
                .map(|(n, v)| (n.to_owned(), v.to_owned()))
                .to_vec(),
            body: Bytes::copy_from_slice(body),
            peer: ([127, 0, 0, 1], 1).into(),
            connection: 1,
        }
    }

    #[test]
    fn a_request_as_expressions_see_it() {
        let seen = decode(&request("application/json", br#" {"n": 1}"#), "/token");
        assert_eq!(
            Value::Object(seen),
            json!({
                "method": "POST", "path": "/token", "query": { "a": ["1", "2"], "b": "x y", "c": "" },
                "headers": { "content-type": "application/json", "x-two": "1, 2" },
                "json": { "n": 1 }, "form": {}, "lossy": false, "text": " {\"n\": 1}",
            })
        );
    }

    #[test]
    fn a_lone_value_is_json_where_the_sender_says_so() {
        for (content_type, expected) in [("application/json", json!("ok")), ("text/plain", Value::Null)] {
            assert_eq!(decode(&request(content_type, b"\"ok\""), "")["json"], expected);
        }
    }

    #[test]
    fn forms_of_both_kinds() {
        let seen = decode(
            &request(
                "application/x-www-form-urlencoded; charset=utf-8",
                b"ref=a%2Bb&x=1",
            ),
            "",
        );
        assert_eq!(seen["form"], json!({ "ref": "a+b", "x": "1" }));
        let body = b"--XX\r\nContent-Disposition: form-data; name=\"ref\"\r\n\r\nabc\r\n--XX\r\n\
            Content-Disposition: form-data; name=\"doc\"; filename=\"a.txt\"\r\nContent-Type: text/plain\r\n\r\n\
            two words\r\n--XX--\r\n";
        let seen = decode(&request("multipart/form-data; boundary=XX", body), "");
        assert_eq!(
            seen["form"],
            json!({ "ref": "abc", "doc": { "filename": "a.txt", "bytes": 9, "text": "two words" } })
        );
    }

    #[test]
    fn hostile_bodies_are_data() {
        for body in [
            &b"\xff\xfe\x00\x1b]52;c;x\x07"[..],
            b"{\"a\":",
            b"",
            b"\0",
            b"[[[[[[[[",
            b"nul\0",
        ] {
            let seen = decode(&request("multipart/form-data", body), "");
            assert_eq!(seen["json"], Value::Null);
            assert_eq!(seen["lossy"], json!(body.starts_with(b"\xff")));
        }
        let deep = format!("{}{}", "[".repeat(60_000), "]".repeat(60_000));
        assert_eq!(
            decode(&request("application/json", deep.as_bytes()), "")["json"],
            Value::Null
        );
        let seen = decode(&request("text/plain", b"\xff\x00\x1b[2J"), "");
        assert_eq!(seen["text"], json!("\u{fffd}\0\u{1b}[2J"));
    }
}
