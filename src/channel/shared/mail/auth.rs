//! `Authentication-Results` (RFC 8601).

use serde_json::{Map, Value};

/// Parses the values of the headers, topmost first, into `server` and a result by method.
///
/// Only headers of the topmost one's server count: it is the one that took the mail last, and what an earlier hop
/// (or the sender) wrote must not pass for its word.
pub(super) fn parse<'a>(values: impl Iterator<Item = &'a str>) -> Option<Value> {
    let mut server: Option<String> = None;
    let mut results = Map::new();
    for value in values {
        let clean = without_comments(value);
        let mut parts = clean.split(';').map(str::trim);
        // The server may be followed by a version.
        let name = parts
            .next()
            .and_then(|p| p.split_whitespace().next())
            .unwrap_or_default();
        if server.as_deref().is_some_and(|s| !s.eq_ignore_ascii_case(name)) {
            continue;
        }
        server.get_or_insert_with(|| name.to_owned());
        for (method, result) in parts.filter_map(method) {
            // With several signatures the mail passes if one of them does.
            let passed = results.get(&method).is_some_and(|r: &Value| r == "pass");
            if !passed && (result == "pass" || !results.contains_key(&method)) {
                results.insert(method, Value::String(result));
            }
        }
    }
    let mut auth = Map::from_iter([(String::from("server"), Value::String(server?))]);
    auth.extend(results);
    Some(Value::Object(auth))
}

/// `dkim=pass reason=…`, `dkim/1 = pass`: the method and its result, in lower case.
fn method(part: &str) -> Option<(String, String)> {
    let (method, rest) = part.split_once('=')?;
    let method = method.split('/').next()?.trim().to_ascii_lowercase();
    let result = rest.split_whitespace().next()?.to_ascii_lowercase();
    let word = |text: &str| {
        text.len() <= 32
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    (word(&method) && !method.is_empty() && word(&result)).then_some((method, result))
}

/// Takes out comments, which nest and may stand anywhere; text in quotes is left as it is.
fn without_comments(value: &str) -> String {
    let (mut depth, mut quoted, mut escaped) = (0_u32, false, false);
    let mut clean = String::with_capacity(value.len());
    for c in value.chars() {
        let special = !std::mem::replace(&mut escaped, false);
        match c {
            '\\' if special => escaped = true,
            '"' if special && depth == 0 => quoted = !quoted,
            '(' if special && !quoted => depth += 1,
            ')' if special && !quoted && depth > 0 => {
                depth -= 1;
                clean.push(' ');
                continue;
            }
            _ => {}
        }
        if depth == 0 {
            clean.push(c);
        }
    }
    clean
}
