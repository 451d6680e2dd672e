//! `tls:` of a protocol that can begin plainly: a word, or a mapping with the word under `mode`.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, IntoDeserializer, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::{MinVersion, Tls};
use crate::diag::Problems;
use crate::model::Spanned;

/// How a connection is secured, and whom to trust: `starttls`, or `{ mode: starttls, ca: authority.pem }`.
#[derive(Clone, Debug, Default)]
pub struct Secured<M> {
    /// When TLS begins, if ever.
    pub mode: M,
    /// Whom to trust, and who landfall is.
    pub tls: Tls,
}

impl<M> Secured<M> {
    /// Says what cannot be honoured. `plain`: the mode never speaks TLS.
    pub fn check(&self, plain: bool, out: &mut Problems) {
        if plain {
            self.tls.check_unused(out);
        } else {
            self.tls.check(out);
        }
    }
}

/// The long form.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline, bound = "M: JsonSchema")]
struct Long<M: Default> {
    /// How the connection is secured.
    #[serde(default)]
    mode: M,
    /// A PEM file of the certificates that are trusted, instead of the system's. Relative to the workspace.
    #[serde(default)]
    ca: Option<Spanned<String>>,
    /// A PEM file with the client's certificate and what leads to its issuer, for mutual TLS. Relative to the workspace.
    #[serde(default)]
    cert: Option<Spanned<String>>,
    /// A PEM file with the client's key, without a password. Relative to the workspace.
    #[serde(default)]
    key: Option<Spanned<String>>,
    /// Takes any certificate, also an expired one and one for another host. For test systems only: it is warned of at
    /// load, and shown with every run. Default false.
    #[serde(default)]
    insecure: Option<Spanned<bool>>,
    /// The lowest version spoken.
    #[serde(default)]
    min_version: MinVersion,
}

impl<'de, M: Deserialize<'de> + Default> Deserialize<'de> for Secured<M> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either<M>(PhantomData<M>);
        impl<'de, M: Deserialize<'de> + Default> Visitor<'de> for Either<M> {
            type Value = Secured<M>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a word such as `starttls`, or `{ mode: starttls, ca: authority.pem }`")
            }
            fn visit_str<E: Error>(self, word: &str) -> Result<Secured<M>, E> {
                let mode = M::deserialize(word.into_deserializer())?;
                let tls = Tls::default();
                Ok(Secured { mode, tls })
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Secured<M>, A::Error> {
                let long = Long::<M>::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Secured {
                    mode: long.mode,
                    tls: Tls {
                        ca: long.ca,
                        cert: long.cert,
                        key: long.key,
                        insecure: long.insecure,
                        min_version: long.min_version,
                    },
                })
            }
        }
        deserializer.deserialize_any(Either(PhantomData))
    }
}

impl<M: JsonSchema + Default> JsonSchema for Secured<M> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        format!("Secured_{}", M::schema_name()).into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let word = M::json_schema(generator);
        let long = Long::<M>::json_schema(generator);
        json_schema!({ "anyOf": [word, long] })
    }
}
