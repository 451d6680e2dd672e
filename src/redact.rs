//! Keeps secrets out of everything that leaves the process or is kept (invariant 11).

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::fmt::Write as _;
use std::ops::Range;

use aho_corasick::AhoCorasick;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde_json::{Map, Value};

/// What stands in the place of a secret.
pub const MASK: &str = "***";

/// Secrets of fewer characters are not struck out: they would be found everywhere. Loading warns of them.
pub const SHORTEST: usize = 4;

/// Forms of secrets that are looked for at once: those of some thousand secrets.
pub const MOST_FORMS: usize = 50_000;

/// Headers whose values are credentials whatever they hold. Lower case.
const CREDENTIAL_HEADERS: [&str; 12] = [
    "authorization",
    "cookie",
    "set-cookie",
    "proxy-authorization",
    "www-authenticate",
    "proxy-authenticate",
    "authentication-info",
    "x-api-key",
    "api-key",
    "x-auth-token",
    "x-csrf-token",
    "x-amz-security-token",
];

/// Knows the secrets of a workspace and strikes them out, also where they are in base64 (standard or URL-safe, at any
/// offset inside a longer text), URL-encoded, or escaped for JSON or HTML. Cheap to share, not to build.
#[derive(Default)]
pub struct Redactor {
    finder: Option<AhoCorasick>,
    /// What it finds, to be joined with what another one does.
    forms: BTreeSet<String>,
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let forms = self.finder.as_ref().map_or(0, AhoCorasick::patterns_len);
        write!(f, "Redactor({forms} forms)")
    }
}

impl Redactor {
    /// A redactor for these secret values. Values of fewer than [`SHORTEST`] characters are left out.
    #[must_use]
    pub fn new(secrets: impl IntoIterator<Item = String>) -> Self {
        let mut forms = BTreeSet::new();
        for secret in secrets {
            add_forms(&secret, &mut forms);
            // A key in a file is often shown line by line.
            if secret.contains('\n') {
                secret
                    .lines()
                    .filter(|l| l.len() >= 16)
                    .for_each(|line| add_forms(line, &mut forms));
            }
        }
        Self::of(forms)
    }

    fn of(forms: BTreeSet<String>) -> Self {
        if forms.is_empty() {
            return Self::default();
        }
        // Building fails only for more patterns than memory holds; then nothing may be shown at all.
        let finder = AhoCorasick::new(&forms).or_else(|_| AhoCorasick::new([""]));
        let finder = finder.ok();
        Self { finder, forms }
    }

    /// A redactor that also strikes out what an `earlier` one does: what was fired with a secret may echo it after it
    /// was replaced. Beyond [`MOST_FORMS`] the earlier secrets are let go; `false` says so.
    #[must_use]
    pub fn and_earlier(&self, earlier: &Self) -> (Self, bool) {
        let mut forms = self.forms.clone();
        forms.extend(earlier.forms.iter().cloned());
        let fits = forms.len() <= MOST_FORMS;
        (Self::of(if fits { forms } else { self.forms.clone() }), fits)
    }

    /// The text without secrets.
    #[must_use]
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let Some(finder) = &self.finder else {
            return Cow::Borrowed(text);
        };
        // Nearly every text holds no secret, and that is found out faster than where all of them are.
        if !finder.is_match(text) {
            return Cow::Borrowed(text);
        }
        let mut out = String::new();
        let mut from = 0;
        for range in merged(finder, text) {
            // Every pattern begins and ends with whole characters, so the bounds are theirs too.
            out.push_str(text.get(from..range.start).unwrap_or_default());
            out.push_str(MASK);
            from = range.end;
        }
        if from == 0 {
            return Cow::Borrowed(text);
        }
        out.push_str(text.get(from..).unwrap_or_default());
        Cow::Owned(out)
    }

    /// Strikes secrets from every string and key of a value, in place.
    pub fn value(&self, value: &mut Value) {
        if self.finder.is_none() {
            return;
        }
        match value {
            Value::String(text) => {
                if let Cow::Owned(clean) = self.text(text) {
                    *text = clean;
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.value(item)),
            Value::Object(entries) => {
                entries.values_mut().for_each(|item| self.value(item));
                if entries
                    .keys()
                    .all(|key| matches!(self.text(key), Cow::Borrowed(_)))
                {
                    return;
                }
                let old = std::mem::replace(entries, Map::new());
                for (key, item) in old {
                    entries.insert(self.text(&key).into_owned(), item);
                }
            }
            Value::Number(number) => {
                if let Cow::Owned(clean) = self.text(&number.to_string()) {
                    *value = Value::String(clean);
                }
            }
            Value::Null | Value::Bool(_) => {}
        }
    }
}

/// Whether a header's value is a credential by its name alone: it is masked before it is kept or shown.
#[must_use]
pub fn is_credential_header(name: &str) -> bool {
    CREDENTIAL_HEADERS
        .iter()
        .any(|known| known.eq_ignore_ascii_case(name))
}

/// The matches, overlapping ones joined.
fn merged(finder: &AhoCorasick, text: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = finder.find_overlapping_iter(text).map(|m| m.range()).collect();
    found.sort_by_key(|range| range.start);
    let mut out: Vec<Range<usize>> = Vec::with_capacity(found.len());
    for range in found {
        match out.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => out.push(range),
        }
    }
    out
}

fn add_forms(secret: &str, forms: &mut BTreeSet<String>) {
    if secret.chars().count() < SHORTEST {
        return;
    }
    forms.insert(secret.to_owned());
    forms.insert(secret.trim().to_owned());
    let json = Value::from(secret).to_string();
    let json = json.trim_matches('"');
    forms.insert(json.to_owned());
    forms.insert(json.replace('/', "\\/"));
    forms.insert(html(secret));
    for form in [
        percent(secret, |b| b.is_ascii_alphanumeric() || b"-._~".contains(&b)),
        percent(secret, query_safe),
    ] {
        forms.insert(form.to_lowercase_escapes());
        forms.insert(form.replace("%20", "+"));
        forms.insert(form);
    }
    add_base64(secret.as_bytes(), forms);
    forms.retain(|form| form.chars().count() >= SHORTEST);
}

/// What base64 makes of the secret wherever it begins in a longer text: of the three offsets, the symbols that depend
/// on the secret alone.
fn add_base64(secret: &[u8], forms: &mut BTreeSet<String>) {
    for engine in [STANDARD, URL_SAFE] {
        let whole = engine.encode(secret);
        forms.insert(whole.trim_end_matches('=').to_owned());
        forms.insert(whole);
        for (before, spoilt) in [(0, 0), (1, 2), (2, 3)] {
            let mut bytes = vec![0; before];
            bytes.extend_from_slice(secret);
            let certain = bytes.len() * 8 / 6;
            if let Some(form) = engine.encode(&bytes).get(spoilt..certain) {
                forms.insert(form.to_owned());
            }
        }
    }
}

fn percent(secret: &str, safe: impl Fn(u8) -> bool) -> String {
    let mut out = String::new();
    for byte in secret.bytes() {
        if safe(byte) {
            out.push(char::from(byte));
        } else {
            let _infallible = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// What stays as it is in a path or query by the WHATWG URL standard.
fn query_safe(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"\"#<>%&+=?`{}".contains(&byte)
}

fn html(secret: &str) -> String {
    secret
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

/// Percent-escapes with lower-case digits.
trait LowercaseEscapes {
    fn to_lowercase_escapes(&self) -> String;
}

impl LowercaseEscapes for str {
    fn to_lowercase_escapes(&self) -> String {
        let mut out = String::with_capacity(self.len());
        let mut digits = 0;
        for c in self.chars() {
            out.push(if digits > 0 { c.to_ascii_lowercase() } else { c });
            digits = if c == '%' { 2 } else { i32::max(digits - 1, 0) };
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn redactor(secret: &str) -> Redactor {
        Redactor::new([secret.to_owned()])
    }

    #[test]
    fn a_secret_is_struck_out_in_every_form() {
        let secret = "s3cr/t \"key\"+ü";
        let redactor = redactor(secret);
        let base64 = STANDARD.encode(format!("user:{secret}!"));
        for text in [
            secret.to_owned(),
            json!({ "echo": secret }).to_string(),
            percent(secret, |b| b.is_ascii_alphanumeric()),
            percent(secret, |b| b.is_ascii_alphanumeric()).to_lowercase_escapes(),
            percent(secret, |b| b.is_ascii_alphanumeric() || b == b' ').replace(' ', "+"),
            html(secret),
        ] {
            let shown = redactor.text(&text);
            assert!(shown.contains(MASK) && !shown.contains("cr"), "{text} -> {shown}");
        }
        assert!(redactor.text(&base64).contains(MASK), "{base64}");
    }

    #[test]
    fn secrets_that_overlap_leave_nothing() {
        let redactor = Redactor::new([String::from("abcdef"), String::from("defghi")]);
        assert_eq!(redactor.text("xabcdefghiy"), "x***y");
    }

    #[test]
    fn values_lose_secrets_in_keys_strings_and_numbers() {
        let mut value = json!({ "hunter22": ["is hunter22", { "a": 12345678 }], "b": null });
        Redactor::new([String::from("hunter22"), String::from("12345678")]).value(&mut value);
        assert_eq!(value, json!({ "***": ["is ***", { "a": "***" }], "b": null }));
    }

    #[test]
    fn short_secrets_and_none_change_nothing() {
        assert_eq!(redactor("abc").text("abc abc"), "abc abc");
        assert_eq!(Redactor::default().text("x"), "x");
    }

    #[test]
    fn a_key_of_many_lines_is_struck_out_line_by_line() {
        let key = "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\n-----END KEY-----";
        assert_eq!(redactor(key).text("got MIIEvQIBADANBgkqhkiG9w0B."), "got ***.");
    }

    #[test]
    fn credentials_are_known_by_their_headers() {
        assert!(is_credential_header("Set-Cookie") && is_credential_header("authorization"));
        assert!(!is_credential_header("content-type"));
    }

    proptest! {
        #[test]
        fn base64_is_found_at_every_offset(
            secret in "[a-zA-Z0-9/+!-]{6,40}", before in "[ -~]{0,7}", after in "[ -~]{0,7}"
        ) {
            let redactor = redactor(&secret);
            for engine in [STANDARD, URL_SAFE] {
                let text = engine.encode(format!("{before}{secret}{after}"));
                let shown = redactor.text(&text);
                prop_assert!(shown.contains(MASK), "{} -> {}", text, shown);
            }
        }

        #[test]
        fn whatever_stands_around_it_stays(secret in "[a-z]{8}", before in "[A-Z0-9 ]{0,20}", after in "[A-Z0-9 ]{0,20}") {
            let shown = redactor(&secret).text(&format!("{before}{secret}{after}")).into_owned();
            prop_assert_eq!(shown, format!("{before}{MASK}{after}"));
        }
    }
}
