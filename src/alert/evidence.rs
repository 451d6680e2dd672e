//! What of a run explains that it ended badly: enough to act on, cut to what fits into a message.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::model::{Class, ExpectationState, LayerState, RunRecord};

/// The longest piece of text that is taken over, in characters.
const PIECE: usize = 300;
/// Expressions that did not hold which are taken over.
const UNMET: usize = 3;
/// Expectations that were not met which are taken over.
const EXPECTATIONS: usize = 5;

/// One bad run, as alerts tell it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// The run's id.
    pub run: String,
    /// Its scheduled instant, RFC 3339.
    pub tick: String,
    /// Its correlation token: what to search the system's own logs for.
    pub token: String,
    /// Its verdict.
    pub class: Class,
    /// Why, in a few words.
    pub reason: String,
    /// What each layer said: `accepted yes, executed stopped after 'queued', outcome lost`.
    pub reading: String,
    /// Whether the API took it and nothing said that it went wrong.
    pub silent: bool,
    /// The status of the answer, where there was one.
    pub status: Option<i64>,
    /// What was waited for and did not come as it should.
    pub expected: Vec<NotMet>,
    /// The trace that the request was part of, where it bore one.
    pub trace: Option<String>,
}

/// One expectation that was not met.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NotMet {
    /// How it is called.
    pub name: String,
    /// The channel that was watched.
    #[serde(rename = "in")]
    pub channel: String,
    /// What became of it.
    pub state: ExpectationState,
    /// Why.
    pub reason: String,
    /// Its limit in seconds.
    pub within: f64,
    /// The expressions that did not hold.
    pub unmet: Vec<UnmetLine>,
}

/// An expression that did not hold: the line of YAML, and both values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UnmetLine {
    /// The file, relative to the workspace.
    pub file: String,
    /// Its line, from 1.
    pub line: u32,
    /// The expression.
    pub expression: String,
    /// What was expected.
    pub expected: String,
    /// What was there instead.
    pub actual: String,
}

impl Evidence {
    /// What of a record is told.
    #[must_use]
    pub fn of(run: &RunRecord) -> Self {
        let not_met = run
            .expectations
            .iter()
            .filter(|e| e.state != ExpectationState::Met)
            .take(EXPECTATIONS)
            .map(|e| NotMet {
                name: piece(&e.name),
                channel: piece(&e.channel),
                state: e.state,
                reason: piece(&e.reason),
                within: e.within,
                unmet: e
                    .unmet
                    .iter()
                    .take(UNMET)
                    .map(|u| UnmetLine {
                        file: piece(&u.file),
                        line: u.line,
                        expression: piece(&u.expression),
                        expected: piece(&u.expected),
                        actual: piece(&u.actual),
                    })
                    .collect(),
            });
        Self {
            run: run.id.to_string(),
            tick: run.tick.clone(),
            token: piece(&run.token),
            class: run.class,
            reason: piece(&run.reason),
            reading: reading(run),
            silent: silent(run),
            status: run
                .response
                .as_ref()
                .and_then(|r| r.get("status"))
                .and_then(Value::as_i64),
            expected: not_met.collect(),
            trace: trace(run),
        }
    }
}

/// Accepted yes, and lost or mismatched: nothing said so.
fn silent(run: &RunRecord) -> bool {
    run.layers.accepted.state == LayerState::Yes && matches!(run.class, Class::Lost | Class::Mismatched)
}

fn reading(run: &RunRecord) -> String {
    let state = |state| match state {
        LayerState::Yes => "yes",
        LayerState::No => "no",
        LayerState::Unknown => "unknown",
        LayerState::Undeclared => "undeclared",
    };
    let mut said = vec![format!("accepted {}", state(run.layers.accepted.state))];
    match (run.layers.executed.state, &run.stopped_after) {
        (LayerState::Undeclared, _) => {}
        (LayerState::No, Some(step)) => said.push(format!("executed stopped after '{}'", piece(step))),
        (known, _) => said.push(format!("executed {}", state(known))),
    }
    said.push(format!("outcome {}", run.class.word()));
    said.join(", ")
}

/// The trace id of the request's `traceparent` (W3C Trace Context, section 3.2).
fn trace(run: &RunRecord) -> Option<String> {
    let headers = run.request.as_ref()?.get("headers")?.as_object()?;
    let (_, value) = headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("traceparent"))?;
    let id = value.as_str()?.split('-').nth(1)?;
    (id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit())).then(|| id.to_owned())
}

/// Text from outside: cut, and without what moves a cursor, hides or forges a line.
pub(crate) fn piece(text: &str) -> String {
    let clean = |c: char| match c {
        '\n' | '\r' | '\t' => ' ',
        c if c.is_control() || hidden(c) => '\u{fffd}',
        c => c,
    };
    let mut out: String = text.chars().take(PIECE).map(clean).collect();
    if text.chars().nth(PIECE).is_some() {
        out.push_str(&format!("… ({} bytes)", text.len()));
    }
    out
}

/// Characters that turn the direction of text or take no room.
const fn hidden(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{61c}' | '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_outside_forges_nothing_and_has_an_end() {
        assert_eq!(piece("a\u{1b}[31m\nb\u{202e}c"), "a\u{fffd}[31m b\u{fffd}c");
        let long = piece(&"x".repeat(1_000));
        assert!(long.starts_with("xxx") && long.ends_with("… (1000 bytes)"));
        assert!(long.chars().count() < 330);
    }
}
