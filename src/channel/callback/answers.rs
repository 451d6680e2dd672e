//! What senders are answered: one by one, token by token.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hyper::header::{HeaderName, HeaderValue};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::channel::shared::bounded::Bounded;
use crate::diag::{Code, Problems};
use crate::model::{Lapse, Span};

/// How many tokens' places in the script are remembered.
const TOKENS: usize = 65_536;
/// The longest `delay`; the listener gives up on a handler later than that.
const LONGEST_DELAY: Duration = Duration::from_secs(60);

/// A list of answers, of which the last repeats.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(inline)]
pub struct Answers(pub Vec<Answer>);

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status; `None` cuts the connection without an answer.
    pub status: Option<u16>,
    /// How long it is held back.
    pub delay: Duration,
    /// Headers to add.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

/// Which answer comes next for which token.
pub(super) struct Script {
    answers: Vec<Answer>,
    given: Mutex<Bounded<String, usize>>,
}

impl Default for Answers {
    fn default() -> Self {
        Self(vec![Answer::status(200)])
    }
}

impl Answer {
    const fn status(status: u16) -> Self {
        Self {
            status: Some(status),
            delay: Duration::ZERO,
            headers: Vec::new(),
            body: String::new(),
        }
    }
}

impl Answers {
    pub(super) fn check(&self, span: Span, out: &mut Problems) {
        let mut wrong = |message: String, label: &str| {
            out.error(Code::Setting, span, message, label);
        };
        if self.0.is_empty() {
            wrong(
                String::from("`answers` is empty"),
                "expected a status such as `200`",
            );
        }
        for answer in &self.0 {
            if let Some(status) = answer.status
                && !(200..=599).contains(&status)
            {
                wrong(format!("`{status}` is no final status"), "expected 200 to 599");
            }
            if answer.delay > LONGEST_DELAY {
                wrong(format!("a delay of {:?}", answer.delay), "expected at most 60 s");
            }
            for (name, value) in &answer.headers {
                let sound =
                    HeaderName::from_bytes(name.as_bytes()).is_ok() && HeaderValue::from_str(value).is_ok();
                if !sound {
                    wrong(
                        format!("HTTP cannot carry the header `{name}`"),
                        "expected a name and a line of text",
                    );
                }
            }
        }
    }
}

impl Script {
    pub(super) fn new(answers: Answers) -> Self {
        Self {
            answers: answers.0,
            given: Mutex::new(Bounded::new(TOKENS)),
        }
    }

    /// Whether the answer depends on what came before.
    pub(super) fn has_steps(&self) -> bool {
        self.answers.len() > 1
    }

    /// The next answer for a token (empty: for those without one).
    pub(super) fn next(&self, token: &str) -> Answer {
        let last = self.answers.len().saturating_sub(1);
        let mut place = last;
        if self.has_steps() {
            let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
            let count = given.entry(&token.to_owned(), || 0);
            place = (*count).min(last);
            *count = count.saturating_add(1);
        }
        self.answers
            .get(place)
            .cloned()
            .unwrap_or_else(|| Answer::status(200))
    }

    pub(super) fn forgotten(&self) -> u64 {
        let given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        given.forgotten()
    }
}

impl<'de> Deserialize<'de> for Answers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(Self)
    }
}

impl<'de> Deserialize<'de> for Answer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Shapes)
    }
}

struct Shapes;

impl<'de> Visitor<'de> for Shapes {
    type Value = Answer;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a status such as `503`, `close`, or a mapping of `status`, `delay`, `headers`, `body`")
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Answer, E> {
        let status = u16::try_from(number);
        let status = status.map_err(|_| E::invalid_value(de::Unexpected::Unsigned(number), &self))?;
        Ok(Answer::status(status))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Answer, E> {
        if text == "close" {
            return Ok(Answer {
                status: None,
                ..Answer::status(200)
            });
        }
        Err(E::invalid_value(de::Unexpected::Str(text), &self))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Answer, A::Error> {
        let written = Written::deserialize(de::value::MapAccessDeserializer::new(map))?;
        Ok(Answer {
            status: Some(written.status),
            delay: written.delay.0,
            headers: written.headers.into_iter().collect(),
            body: written.body,
        })
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Written {
    /// The status.
    #[serde(default = "ok")]
    status: u16,
    /// How long the answer is held back, 60 s at most; what arrived is on record before.
    #[serde(default)]
    delay: Lapse,
    /// Headers to add.
    #[serde(default)]
    headers: std::collections::BTreeMap<String, String>,
    /// The body.
    #[serde(default)]
    body: String,
}

const fn ok() -> u16 {
    200
}

impl JsonSchema for Answer {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Answer".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let long = generator.subschema_for::<Written>();
        json_schema!({ "anyOf": [{ "type": "integer", "minimum": 200, "maximum": 599 }, { "const": "close" }, long] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_token_goes_through_the_list_and_the_last_repeats() {
        let script = Script::new(Answers(vec![
            Answer::status(503),
            Answer::status(429),
            Answer::status(200),
        ]));
        let next = |token| script.next(token).status.unwrap();
        assert_eq!(
            [next("a"), next("b"), next("a"), next("a"), next("a")],
            [503, 503, 429, 200, 200]
        );
        assert_eq!(next("b"), 429);
    }

    #[test]
    fn one_answer_needs_no_memory() {
        let script = Script::new(Answers::default());
        for n in 0..1000 {
            assert_eq!(script.next(&n.to_string()).status, Some(200));
        }
        assert_eq!(script.given.lock().unwrap().get_mut(&String::from("1")), None);
    }
}
