//! Shares as an author writes them.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer};

/// A share, written as a percentage: `99.5%`. Held as 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct Percent(pub f64);

impl Percent {
    /// Reads a percentage.
    ///
    /// # Errors
    /// What is no number followed by a per cent sign, or not from 0 to 100: a sentence that names it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let number = text
            .strip_suffix('%')
            .and_then(|n| n.trim_end().parse::<f64>().ok());
        match number {
            Some(n) if (0.0..=100.0).contains(&n) => Ok(Self(n / 100.0)),
            Some(_) => Err(format!("`{text}` is not between 0% and 100%")),
            None => Err(format!("`{text}` is no percentage: write it as `99.5%`")),
        }
    }
}

impl<'de> Deserialize<'de> for Percent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Percent;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a percentage such as `99.5%`")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Percent, E> {
                Percent::parse(text).map_err(E::custom)
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Percent, E> {
                Err(E::custom(format!("a share needs its sign: write `{number}%`")))
            }
            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Percent, E> {
                Err(E::custom(format!("a share needs its sign: write `{number}%`")))
            }
        }
        deserializer.deserialize_any(Text)
    }
}

impl JsonSchema for Percent {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Percent".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "percent", "pattern": r"^\d+(\.\d+)?\s*%$", "examples": ["99.5%"] })
    }
}
