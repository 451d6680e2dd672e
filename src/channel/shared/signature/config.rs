//! How a definition describes a signature.

use std::fmt;

use base64::Engine as _;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::{BASE64, Part, parts, standard_key};
use crate::diag::{Code, Problems};
use crate::model::{Free, Secret, Spanned, Template};

/// How senders sign. A request whose signature is not right is refused with 401 and is never an observation.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SignatureConfig {
    /// Standard Webhooks (`webhook-id`, `webhook-timestamp`, `webhook-signature`; the names with `svix-` too):
    /// HMAC-SHA256 over `id.timestamp.body`. The secret as the sender shows it, `whsec_` and base64; a list while
    /// it is being rotated.
    StandardWebhooks(Secrets),
    /// Any scheme that puts an HMAC into a header.
    ///
    /// GitHub: `hmac: { header: x-hub-signature-256, prefix: "sha256=", secret: "${env:SECRET}" }`
    ///
    /// Stripe: `hmac: { header: stripe-signature, field: v1, timestamp: { field: t }, signed: "{timestamp}.{body}",
    /// secret: "${env:SECRET}" }`
    ///
    /// Slack: `hmac: { header: x-slack-signature, prefix: "v0=", timestamp: { header: x-slack-request-timestamp },
    /// signed: "v0:{timestamp}:{body}", secret: "${env:SECRET}" }`
    ///
    /// Shopify: `hmac: { header: x-shopify-hmac-sha256, encoding: base64, secret: "${env:SECRET}" }`
    Hmac(HmacConfig),
}

/// An HMAC in a header.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HmacConfig {
    /// The header that holds the signature.
    pub header: Spanned<String>,
    /// The shared secret; a list while it is being rotated.
    pub secret: Secrets,
    /// How the secret is written. Default `text`.
    #[serde(default)]
    pub secret_encoding: SecretEncoding,
    /// The hash under the HMAC; what the message says of it is never believed. Default `sha256`.
    #[serde(default)]
    pub algorithm: Algorithm,
    /// How the signature is written. Default `hex`.
    #[serde(default)]
    pub encoding: Encoding,
    /// What stands before the signature, such as `sha256=`; a signature without it is not looked at. Default: nothing.
    #[serde(default)]
    pub prefix: String,
    /// The field that holds the signature, where the header is a list such as `t=1,v1=abc`; several are all tried. Left out: the
    /// header holds the signature alone.
    #[serde(default)]
    pub field: Option<String>,
    /// What is signed: a text with `{body}`, and `{timestamp}`, `{url}` or `{method}` where the sender puts them in.
    #[serde(default = "body")]
    pub signed: Spanned<String>,
    /// Where the signed timestamp is: Unix time in seconds or milliseconds.
    #[serde(default)]
    pub timestamp: Option<TimestampFrom>,
}

/// Where a timestamp is found.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TimestampFrom {
    /// In a header of its own.
    Header(String),
    /// In a field of the signature's header.
    Field(String),
}

/// The hash under the HMAC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Algorithm {
    /// HMAC-SHA256.
    #[default]
    Sha256,
    /// HMAC-SHA512.
    Sha512,
    /// HMAC-SHA1, for senders that know nothing better.
    Sha1,
}

/// How bytes are written in a header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// Hexadecimal, of either case.
    #[default]
    Hex,
    /// Base64, with or without padding.
    Base64,
}

/// How a secret is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SecretEncoding {
    /// Its bytes as they are.
    #[default]
    Text,
    /// Hexadecimal.
    Hex,
    /// Base64.
    Base64,
}

/// One secret, or several of which each is good.
#[derive(Clone, Debug, Default)]
pub struct Secrets(pub Vec<Secret>);

fn body() -> Spanned<String> {
    Spanned::new(String::from("{body}"), crate::model::Span::default())
}

impl<'de> Deserialize<'de> for Secrets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Outer;
        impl<'de> Visitor<'de> for Outer {
            type Value = Secrets;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a secret such as `${env:NAME}`, or a list of them")
            }
            fn visit_newtype_struct<D: Deserializer<'de>>(
                self,
                deserializer: D,
            ) -> Result<Secrets, D::Error> {
                deserializer.deserialize_any(OneOrMany)
            }
        }
        struct OneOrMany;
        impl<'de> Visitor<'de> for OneOrMany {
            type Value = Secrets;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                Outer.expecting(f)
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Secrets, E> {
                Ok(Secrets(vec![Secret(Template::of(text))]))
            }
            fn visit_newtype_struct<D: Deserializer<'de>>(
                self,
                deserializer: D,
            ) -> Result<Secrets, D::Error> {
                Secret::deserialize(deserializer).map(|one| Secrets(vec![one]))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Secrets, A::Error> {
                let mut secrets = Vec::new();
                while let Some(secret) = seq.next_element()? {
                    secrets.push(secret);
                }
                Ok(Secrets(secrets))
            }
        }
        // Asked this way, a reader that knows positions hands a text on with its place, so that it is marked secret.
        deserializer.deserialize_newtype_struct(Free::NEWTYPE, Outer)
    }
}

impl JsonSchema for Secrets {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Secrets".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<Secret>();
        json_schema!({ "anyOf": [one, { "type": "array", "items": one, "minItems": 1 }] })
    }
}

impl Encoding {
    pub(super) fn decode(self, text: &str) -> Option<Vec<u8>> {
        match self {
            Self::Hex => unhex(text),
            Self::Base64 => BASE64.decode(text).ok(),
        }
    }

    pub(super) fn encode(self, bytes: &[u8]) -> String {
        match self {
            Self::Hex => bytes.iter().map(|b| format!("{b:02x}")).collect(),
            Self::Base64 => BASE64.encode(bytes),
        }
    }
}

impl SecretEncoding {
    pub(super) fn key(self, text: &str) -> Result<Vec<u8>, String> {
        match self {
            Self::Text => Some(text.as_bytes().to_vec()),
            Self::Hex => unhex(text.trim()),
            Self::Base64 => BASE64.decode(text.trim()).ok(),
        }
        .ok_or_else(|| format!("a secret of `signature` is not what `secret_encoding` says ({self:?})"))
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|d| u8::try_from(d).ok());
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else {
        return None;
    };
    pairs
        .iter()
        .map(|[hi, lo]| Some(digit(*hi)? << 4 | digit(*lo)?))
        .collect()
}

impl Secrets {
    /// Secrets that are empty, or where none is, are told at load; those with a template when they are rendered.
    pub(in crate::channel) fn check(&self, what: &str, out: &mut Problems) {
        let fixed = self.0.iter().filter(|secret| secret.0.source.trim().is_empty());
        for secret in fixed {
            out.error(
                Code::Setting,
                secret.0.span,
                format!("a secret of `{what}` is empty"),
                "expected a secret such as `${env:NAME}`",
            );
        }
        if self.0.is_empty() {
            out.error(
                Code::Setting,
                crate::model::Span::default(),
                format!("`{what}` is an empty list"),
                "expected a secret such as `${env:NAME}`",
            );
        }
    }
}

impl SignatureConfig {
    /// Everything about it that its types cannot express.
    pub(in crate::channel) fn check(&self, out: &mut Problems) {
        match self {
            Self::StandardWebhooks(secrets) => {
                secrets.check("standard_webhooks", out);
                check_keys(secrets, standard_key, out);
            }
            Self::Hmac(config) => {
                config.secret.check("hmac.secret", out);
                check_keys(&config.secret, |text| config.secret_encoding.key(text), out);
                config.check(out);
            }
        }
    }
}

fn check_keys(secrets: &Secrets, key: impl Fn(&str) -> Result<Vec<u8>, String>, out: &mut Problems) {
    for secret in secrets.0.iter().filter(|s| !s.0.source.contains("{{")) {
        if let Err(why) = key(&secret.0.source) {
            out.error(Code::Setting, secret.0.span, why, "this secret");
        }
    }
}

impl HmacConfig {
    fn check(&self, out: &mut Problems) {
        if hyper::header::HeaderName::from_bytes(self.header.as_bytes()).is_err() {
            out.error(
                Code::Setting,
                self.header.span,
                format!("`{}` is no header name", *self.header),
                "expected a header such as `x-hub-signature-256`",
            );
        }
        let parts = match parts(&self.signed) {
            Ok(parts) => parts,
            Err(why) => {
                out.error(Code::Setting, self.signed.span, why, "what is signed")
                    .help("most senders sign `{body}` or `{timestamp}.{body}`");
                return;
            }
        };
        if parts.contains(&Part::Timestamp) && self.timestamp.is_none() {
            out.error(
                Code::Setting,
                self.signed.span,
                "`{timestamp}` is signed, and `timestamp:` does not say where it is found",
                "needs `timestamp`",
            )
            .help("add `timestamp: { header: NAME }`, or `timestamp: { field: t }` for a list such as `t=1,v1=abc`");
        }
        if self.timestamp.is_some() && !parts.contains(&Part::Timestamp) {
            out.error(
                Code::Setting,
                self.signed.span,
                "a timestamp that is not signed proves nothing",
                "expected `{timestamp}` in here",
            )
            .help("put it where the sender does, as in `signed: \"{timestamp}.{body}\"`, or leave `timestamp` out");
        }
    }
}
