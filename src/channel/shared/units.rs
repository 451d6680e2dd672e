//! Sizes as they are written: in bytes, or with a unit.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A number of bytes such as `65536`, `64KiB`, `1MB`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub usize);

impl Size {
    /// The size of a text, or what is wrong with it.
    ///
    /// # Errors
    /// An unknown unit, or more than this machine can address.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!("`{text}` is no size: write bytes as a number, or with a unit, such as `64KiB`, `1MB`")
        };
        let text = text.trim();
        let unit_at = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(unit_at);
        let number: usize = number.parse().map_err(|_| wrong())?;
        let scale = match unit.trim() {
            "" | "B" => 1,
            "kB" => 1_000,
            "KiB" => 1 << 10,
            "MB" => 1_000_000,
            "MiB" => 1 << 20,
            _ => return Err(wrong()),
        };
        number.checked_mul(scale).map(Self).ok_or_else(wrong)
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Written;
        impl Visitor<'_> for Written {
            type Value = Size;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a size in bytes, or with its unit, such as `64KiB`")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Size, E> {
                Size::parse(text).map_err(E::custom)
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Size, E> {
                let size = usize::try_from(number).map(Size);
                size.map_err(|_| E::invalid_value(de::Unexpected::Unsigned(number), &self))
            }
        }
        deserializer.deserialize_any(Written)
    }
}

/// With the greatest unit that fits, so that schemas can state defaults.
impl Serialize for Size {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            0 => serializer.serialize_u64(0),
            n if n.is_multiple_of(1 << 20) => serializer.collect_str(&format_args!("{}MiB", n >> 20)),
            n if n.is_multiple_of(1 << 10) => serializer.collect_str(&format_args!("{}KiB", n >> 10)),
            n => serializer.serialize_u64(n as u64),
        }
    }
}

impl JsonSchema for Size {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Size".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["integer", "string"], "minimum": 0, "pattern": "^[0-9]+(B|kB|KiB|MB|MiB)?$" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_may_carry_one() {
        for (text, bytes) in [
            ("7", 7),
            ("64KiB", 65_536),
            ("1MB", 1_000_000),
            ("2 MiB", 2 << 20),
        ] {
            assert_eq!(Size::parse(text), Ok(Size(bytes)), "{text}");
        }
        for bad in [
            "",
            "KiB",
            "64K",
            "-1",
            "99999999999999999999999",
            "18446744073709551615MiB",
        ] {
            assert!(Size::parse(bad).is_err(), "{bad}");
        }
        assert_eq!(serde_json::from_str::<Size>("12").unwrap(), Size(12));
        assert!(serde_json::from_str::<Size>("-12").is_err());
    }
}
