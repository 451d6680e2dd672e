//! Signatures of webhooks: Standard Webhooks, and the HMAC schemes that providers have made of the same idea.

mod config;
mod mac;
#[cfg(test)]
mod tests;

use std::time::Duration;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use config::{Algorithm, Encoding, HmacConfig, TimestampFrom};
pub(in crate::channel) use config::{Secrets, SignatureConfig};
use mac::Key;

use crate::model::{Fault, Moment, Reason, Scope};

/// How many signatures of one request are tried; more than any sender rotates.
const CANDIDATES: usize = 16;
/// A timestamp above this counts milliseconds: in seconds it would be the year 5138.
const MILLISECONDS_FROM: i64 = 100_000_000_000;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What a signature is made over.
#[derive(Clone, Copy, Debug)]
pub(in crate::channel) struct Signed<'a> {
    pub(in crate::channel) headers: &'a [(String, String)],
    pub(in crate::channel) method: &'a str,
    /// The address as the sender knows it.
    pub(in crate::channel) url: &'a str,
    /// The raw bytes.
    pub(in crate::channel) body: &'a [u8],
}

/// How old a signed timestamp is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::channel) struct Age {
    /// Negative where the sender's clock is ahead.
    pub(in crate::channel) seconds: f64,
    /// Older, or further ahead, than the tolerance.
    pub(in crate::channel) stale: bool,
}

/// Why a request is refused: the word it is counted under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::channel) enum Refusal {
    /// No signature where one should be.
    Missing,
    /// None of the signatures is right, or the timestamp is no number.
    Bad,
}

/// Checks signatures with every key, and makes them.
pub(in crate::channel) struct Verifier {
    forms: Vec<Form>,
    keys: Vec<Key>,
    tolerance: Duration,
}

/// Where a scheme puts things.
#[derive(Clone, Debug)]
struct Form {
    header: String,
    split: Split,
    prefix: String,
    encoding: Encoding,
    parts: Vec<Part>,
    timestamp: Option<TimestampFrom>,
    id: Option<String>,
}

/// How signatures come out of the header.
#[derive(Clone, Debug)]
enum Split {
    Whole,
    Spaces,
    Field(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Body,
    Timestamp,
    Id,
    Url,
    Method,
}

impl Refusal {
    pub(in crate::channel) const fn word(self) -> &'static str {
        match self {
            Self::Missing => "missing_signature",
            Self::Bad => "bad_signature",
        }
    }
}

impl Verifier {
    /// # Errors
    /// A secret that does not render, is empty, or is not in the encoding it should be in.
    pub(in crate::channel) fn new(
        config: &SignatureConfig,
        tolerance: Duration,
        scope: &dyn Scope,
    ) -> Result<Self, Fault> {
        let (forms, secrets) = match config {
            SignatureConfig::StandardWebhooks(secrets) => {
                (vec![Form::standard("webhook"), Form::standard("svix")], secrets)
            }
            SignatureConfig::Hmac(hmac) => (vec![Form::of(hmac)?], &hmac.secret),
        };
        let keys = secrets
            .0
            .iter()
            .map(|secret| {
                let text = scope.secret(secret)?;
                let (algorithm, bytes) = match config {
                    SignatureConfig::StandardWebhooks(_) => (Algorithm::Sha256, standard_key(&text)),
                    SignatureConfig::Hmac(hmac) => (hmac.algorithm, hmac.secret_encoding.key(&text)),
                };
                let bytes = bytes.map_err(|why| Fault::new(Reason::Input, why))?;
                Key::new(algorithm, &bytes)
            })
            .collect::<Result<Vec<Key>, Fault>>()?;
        Ok(Self {
            forms,
            keys,
            tolerance,
        })
    }

    /// Whether one of the keys signed exactly these bytes; where a timestamp is signed, its age at `now`.
    pub(in crate::channel) fn verify(
        &self,
        signed: &Signed<'_>,
        now: Moment,
    ) -> Result<Option<Age>, Refusal> {
        let form = self
            .forms
            .iter()
            .find(|form| header(signed.headers, &form.header).is_some())
            .ok_or(Refusal::Missing)?;
        let candidates = form.candidates(signed.headers);
        let timestamp = form.timestamp_of(signed.headers);
        let id = form.id.as_ref().and_then(|name| header(signed.headers, name));
        if form.parts.contains(&Part::Timestamp) && timestamp.is_none()
            || form.parts.contains(&Part::Id) && id.is_none()
        {
            return Err(Refusal::Missing);
        }
        let mut right = subtle::Choice::from(0);
        for key in &self.keys {
            let expected = form.mac(key, signed, timestamp, id);
            for candidate in &candidates {
                right |= subtle::ConstantTimeEq::ct_eq(expected.as_slice(), candidate.as_slice());
            }
        }
        if !bool::from(right) {
            return Err(Refusal::Bad);
        }
        // A timestamp that is sent but not signed proves nothing.
        if !form.parts.contains(&Part::Timestamp) {
            return Ok(None);
        }
        let at = timestamp.and_then(instant).ok_or(Refusal::Bad)?;
        let seconds = now.seconds_since(at);
        let stale = seconds.abs() > self.tolerance.as_secs_f64();
        Ok(Some(Age { seconds, stale }))
    }

    /// The headers that make a request a signed one.
    pub(in crate::channel) fn sign(
        &self,
        signed: &Signed<'_>,
        id: &str,
        now: Moment,
    ) -> Vec<(String, String)> {
        let (Some(form), Some(key)) = (self.forms.first(), self.keys.first()) else {
            return Vec::new();
        };
        let timestamp = (now.0 / 1_000_000_000).to_string();
        let mac = form.mac(key, signed, Some(&timestamp), Some(id));
        let signature = format!("{}{}", form.prefix, form.encoding.encode(&mac));
        let mut headers = Vec::new();
        let mut fields = Vec::new();
        match &form.timestamp {
            Some(TimestampFrom::Header(name)) => headers.push((name.clone(), timestamp)),
            Some(TimestampFrom::Field(name)) => fields.push(format!("{name}={timestamp}")),
            None => {}
        }
        if let Some(name) = &form.id {
            headers.push((name.clone(), id.to_owned()));
        }
        match &form.split {
            Split::Field(name) => fields.push(format!("{name}={signature}")),
            Split::Whole | Split::Spaces => fields.push(signature),
        }
        headers.push((form.header.clone(), fields.join(",")));
        headers
    }
}

impl Form {
    /// The Standard Webhooks specification, version 1, 'Signature scheme'; `svix` for the names it grew out of.
    fn standard(family: &str) -> Self {
        Self {
            header: format!("{family}-signature"),
            split: Split::Spaces,
            prefix: String::from("v1,"),
            encoding: Encoding::Base64,
            parts: vec![
                Part::Id,
                Part::Text(String::from(".")),
                Part::Timestamp,
                Part::Text(String::from(".")),
                Part::Body,
            ],
            timestamp: Some(TimestampFrom::Header(format!("{family}-timestamp"))),
            id: Some(format!("{family}-id")),
        }
    }

    fn of(config: &HmacConfig) -> Result<Self, Fault> {
        let parts = parts(&config.signed).map_err(|why| Fault::new(Reason::Input, why))?;
        let lower = |name: &String| name.to_ascii_lowercase();
        Ok(Self {
            header: lower(&config.header),
            split: config.field.clone().map_or(Split::Whole, Split::Field),
            prefix: config.prefix.clone(),
            encoding: config.encoding,
            parts,
            timestamp: config.timestamp.as_ref().map(|from| match from {
                TimestampFrom::Header(name) => TimestampFrom::Header(lower(name)),
                TimestampFrom::Field(name) => TimestampFrom::Field(name.clone()),
            }),
            id: None,
        })
    }

    /// The raw signatures that the request offers.
    fn candidates(&self, headers: &[(String, String)]) -> Vec<Vec<u8>> {
        let mut found = Vec::new();
        for (_, value) in headers.iter().filter(|(name, _)| *name == self.header) {
            match &self.split {
                Split::Whole => found.push(value.trim()),
                Split::Spaces => found.extend(value.split_ascii_whitespace()),
                Split::Field(name) => found.extend(fields(value, name)),
            }
        }
        found
            .into_iter()
            .filter_map(|text| text.strip_prefix(self.prefix.as_str()))
            .take(CANDIDATES)
            .filter_map(|text| self.encoding.decode(text))
            .collect()
    }

    fn timestamp_of<'a>(&self, headers: &'a [(String, String)]) -> Option<&'a str> {
        match self.timestamp.as_ref()? {
            TimestampFrom::Header(name) => header(headers, name),
            TimestampFrom::Field(name) => fields(header(headers, &self.header)?, name).next(),
        }
    }

    fn mac(&self, key: &Key, signed: &Signed<'_>, timestamp: Option<&str>, id: Option<&str>) -> Vec<u8> {
        let mut mac = key.start();
        for part in &self.parts {
            mac.update(match part {
                Part::Text(text) => text.as_bytes(),
                Part::Body => signed.body,
                Part::Timestamp => timestamp.unwrap_or_default().as_bytes(),
                Part::Id => id.unwrap_or_default().as_bytes(),
                Part::Url => signed.url.as_bytes(),
                Part::Method => signed.method.as_bytes(),
            });
        }
        mac.finish()
    }
}

/// The parts of a `signed:` text, or what is wrong with it.
fn parts(text: &str) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        let (before, tail) = rest.split_at(open);
        if !before.is_empty() {
            parts.push(Part::Text(before.to_owned()));
        }
        let close = tail
            .find('}')
            .ok_or_else(|| format!("`{text}` has a `{{` without its `}}`"))?;
        parts.push(match &tail[1..close] {
            "body" => Part::Body,
            "timestamp" => Part::Timestamp,
            "url" => Part::Url,
            "method" => Part::Method,
            other => {
                return Err(format!(
                    "`{{{other}}}` is unknown; there are `{{body}}`, `{{timestamp}}`, `{{url}}` and `{{method}}`"
                ));
            }
        });
        rest = &tail[close + 1..];
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest.to_owned()));
    }
    if !parts.contains(&Part::Body) {
        return Err(format!(
            "`{text}` leaves `{{body}}` out: anyone could change what is sent"
        ));
    }
    Ok(parts)
}

/// The key of a Standard Webhooks secret: base64, mostly after `whsec_`.
fn standard_key(secret: &str) -> Result<Vec<u8>, String> {
    let text = secret.trim();
    BASE64
        .decode(text.strip_prefix("whsec_").unwrap_or(text))
        .map_err(|_| {
            String::from(
                "a secret of `standard_webhooks` is not base64; it reads `whsec_` and base64, as the sender shows it",
            )
        })
}

fn instant(text: &str) -> Option<Moment> {
    let text = text.trim();
    if text.is_empty() || text.len() > 19 || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let number: i64 = text.parse().ok()?;
    let unit = if number >= MILLISECONDS_FROM {
        1_000_000
    } else {
        1_000_000_000
    };
    Some(Moment(number.saturating_mul(unit)))
}

fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers
        .iter()
        .find(|(n, _)| n == name)
        .map(|(_, value)| value.as_str())
}

/// The values of a field in `t=1,v1=abc,v1=def`.
fn fields<'a>(value: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    value.split(',').filter_map(move |pair| {
        let (key, value) = pair.split_once('=')?;
        (key.trim() == name).then(|| value.trim())
    })
}
