//! A length of time as people write it.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

const UNITS: [(&str, u64); 5] = [
    ("ms", 1),
    ("s", 1_000),
    ("m", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
];

/// A duration in a kind's settings: `250ms`, `30s`, `1h30m`, `7d` (a day is 24 hours). A number without a unit is
/// an error, so that nobody has to guess.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lapse(pub Duration);

impl Lapse {
    /// So many seconds.
    #[must_use]
    pub const fn secs(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    /// Reads `250ms`, `30s`, `1h30m`; whole numbers, each with its unit.
    ///
    /// # Errors
    /// What is wrong, as a lower-case fragment.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!("`{text}` is no duration: write whole numbers with a unit, such as 250ms, 30s or 1h30m")
        };
        let mut rest = text.trim();
        let mut millis = 0_u64;
        if rest.is_empty() {
            return Err(wrong());
        }
        if rest.bytes().all(|b| b.is_ascii_digit()) {
            return Err(format!("a duration needs its unit: write `{rest}s`"));
        }
        while !rest.is_empty() {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let (number, tail) = rest.split_at(digits);
            let unit = tail.bytes().take_while(u8::is_ascii_alphabetic).count();
            let (unit, tail) = tail.split_at(unit);
            let scale = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?.1;
            let part = number.parse::<u64>().ok().and_then(|n| n.checked_mul(scale));
            millis = part.and_then(|p| p.checked_add(millis)).ok_or_else(wrong)?;
            rest = tail;
        }
        Ok(Self(Duration::from_millis(millis)))
    }
}

impl fmt::Display for Lapse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.as_millis();
        let fits = |unit: &&(&str, u64)| millis != 0 && millis.is_multiple_of(u128::from(unit.1));
        match UNITS.iter().rev().find(fits) {
            Some((name, scale)) => write!(f, "{}{name}", millis / u128::from(*scale)),
            None => write!(f, "{millis}ms"),
        }
    }
}

impl<'de> Deserialize<'de> for Lapse {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Written;
        impl Visitor<'_> for Written {
            type Value = Lapse;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a duration with a unit, such as 250ms, 30s or 1h30m")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Lapse, E> {
                Lapse::parse(text).map_err(E::custom)
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Lapse, E> {
                Err(E::custom(format!("a duration needs its unit: write `{number}s`")))
            }
            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Lapse, E> {
                Err(E::custom(format!(
                    "a duration needs its unit: write `{}ms`",
                    (number * 1000.0).round()
                )))
            }
        }
        deserializer.deserialize_any(Written)
    }
}

/// As it is written, so that schemas can state defaults.
impl Serialize for Lapse {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for Lapse {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Lapse".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "duration", "pattern": "^([0-9]+(ms|s|m|h|d))+$" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write_and_nothing_that_has_to_be_guessed() {
        for (text, millis) in [
            ("250ms", 250),
            ("30s", 30_000),
            ("1h30m", 5_400_000),
            ("7d", 604_800_000),
            ("0s", 0),
        ] {
            assert_eq!(
                Lapse::parse(text),
                Ok(Lapse(Duration::from_millis(millis))),
                "{text}"
            );
        }
        for text in [
            "",
            "30",
            "s",
            "1.5s",
            "-1s",
            "1w",
            "1s 2",
            "99999999999999999999s",
            "18446744073709551615d",
        ] {
            assert!(Lapse::parse(text).is_err(), "{text}");
        }
        assert_eq!(Lapse::parse("90m").map(|l| l.to_string()), Ok("90m".into()));
        assert_eq!(Lapse::default().to_string(), "0ms");
    }
}
