//! Durations and sizes as they are written: with a unit.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer};

/// A duration such as `500ms`, `2s`, `5m`, `1h30m`, `2d` (a day is 24 h).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Period(pub Duration);

/// A number of bytes such as `65536`, `64KiB`, `1MB`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub usize);

impl Period {
    /// The duration of a text, or what is wrong with it.
    ///
    /// # Errors
    /// A number without a unit, an unknown unit, or more than a duration holds.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("`{text}` is no duration: write a number with its unit, such as `500ms`, `2s`, `5m`");
        let mut rest = text.trim();
        let mut total = Duration::ZERO;
        if rest.is_empty() {
            return Err(wrong());
        }
        while !rest.is_empty() {
            let unit_at = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
            let (number, tail) = rest.split_at(unit_at);
            let number: u64 = number.parse().map_err(|_| wrong())?;
            let unit_end = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
            let (unit, tail) = tail.split_at(unit_end);
            let millis = match unit.trim() {
                "ms" => 1,
                "s" => 1_000,
                "m" => 60_000,
                "h" => 3_600_000,
                "d" => 86_400_000,
                _ => return Err(wrong()),
            };
            let part = number.checked_mul(millis).map(Duration::from_millis);
            total = part.and_then(|p| total.checked_add(p)).ok_or_else(wrong)?;
            rest = tail;
        }
        Ok(Self(total))
    }
}

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

struct Written<T> {
    what: &'static str,
    text: fn(&str) -> Result<T, String>,
    number: fn(u64) -> Option<T>,
}

impl<'de, T> Visitor<'de> for Written<T> {
    type Value = T;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what)
    }
    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        (self.text)(text).map_err(E::custom)
    }
    fn visit_u64<E: de::Error>(self, number: u64) -> Result<T, E> {
        (self.number)(number).ok_or_else(|| E::invalid_value(de::Unexpected::Unsigned(number), &self))
    }
    fn visit_i64<E: de::Error>(self, number: i64) -> Result<T, E> {
        let positive = u64::try_from(number).ok().and_then(self.number);
        positive.ok_or_else(|| E::invalid_value(de::Unexpected::Signed(number), &self))
    }
    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        // A reader that knows positions hands a string on here.
        deserializer.deserialize_str(self)
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Written {
            what: "a duration with its unit, such as `500ms`, `2s`, `5m`",
            text: Self::parse,
            number: |_| None,
        })
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Written {
            what: "a size in bytes, or with its unit, such as `64KiB`",
            text: Self::parse,
            number: |n| usize::try_from(n).ok().map(Self),
        })
    }
}

impl JsonSchema for Period {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "duration", "pattern": "^([0-9]+(ms|s|m|h|d))+$" })
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
    fn durations_carry_a_unit() {
        for (text, millis) in [
            ("500ms", 500),
            ("2s", 2_000),
            ("1h30m", 5_400_000),
            ("2d", 172_800_000),
        ] {
            assert_eq!(
                Period::parse(text),
                Ok(Period(Duration::from_millis(millis))),
                "{text}"
            );
        }
        for bad in [
            "",
            "2",
            "s",
            "2 weeks",
            "-1s",
            "1.5s",
            "99999999999999999999s",
            "18446744073709551615d",
        ] {
            assert!(Period::parse(bad).is_err(), "{bad}");
        }
        assert!(serde_json::from_str::<Period>("2").is_err());
        assert_eq!(serde_json::from_str::<Period>("\"2s\"").unwrap().0.as_secs(), 2);
    }

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
