//! Notes on the time line: what people, or a pipeline, say happened.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Fault, Moment, Reason};

/// The longest text of a mark, in characters.
const TEXT: usize = 2_000;
/// A mark has at most so many labels.
const LABELS: usize = 32;
/// The longest name and the longest value of a label, in characters.
const LABEL: usize = 200;

/// Something that people say happened: pages and attribution lay it beside the runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Mark {
    /// Its id, a UUIDv7. A mark with the id of one on record takes its place: so an incident is given its end.
    pub id: MarkId,
    /// When it happened or began, RFC 3339.
    #[serde(with = "super::moment::rfc3339")]
    #[schemars(with = "String")]
    pub at: Moment,
    /// What happened, at most 2,000 characters.
    pub text: String,
    /// What sort of thing it is.
    pub kind: MarkKind,
    /// What it concerns, such as `service: payments`; at most 32.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// When it ended, RFC 3339; null for what is an instant, or has not ended.
    #[serde(default, with = "super::moment::rfc3339_option")]
    #[schemars(with = "Option<String>")]
    pub until: Option<Moment>,
}

/// A mark's id, a UUIDv7.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct MarkId(pub uuid::Uuid);

/// What sort of thing a mark tells.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum MarkKind {
    /// Something was released or configured.
    #[default]
    Deployment,
    /// Something was wrong.
    Incident,
    /// Anything else worth knowing.
    Note,
}

impl Mark {
    /// Holds it to its bounds.
    ///
    /// # Errors
    /// What is wrong with it and what the bound is.
    pub fn check(&self) -> Result<(), Fault> {
        let refuse = |what: String| Err(Fault::new(Reason::Input, what));
        if self.text.trim().is_empty() {
            return refuse(String::from("a mark needs a text that says what happened"));
        }
        let length = self.text.chars().count();
        if length > TEXT {
            return refuse(format!(
                "the text of the mark has {length} characters, and {TEXT} is the limit: shorten it"
            ));
        }
        if self.labels.len() > LABELS {
            return refuse(format!(
                "the mark has {} labels, and {LABELS} is the limit",
                self.labels.len()
            ));
        }
        for (name, value) in &self.labels {
            if name.is_empty() || name.chars().count() > LABEL || value.chars().count() > LABEL {
                return refuse(format!(
                    "label `{}` of the mark: a name has 1 to {LABEL} characters and a value at most {LABEL}",
                    name.chars().take(LABEL).collect::<String>()
                ));
            }
        }
        match self.until {
            Some(until) if until < self.at => refuse(format!(
                "the mark ends at {until}, before it begins at {}: exchange the two",
                self.at
            )),
            _ => Ok(()),
        }
    }

    /// Whether any part of it lies in `since <= t < until`; an instant lies where it is, and what has not ended goes on.
    #[must_use]
    pub fn touches(&self, since: Option<Moment>, until: Option<Moment>) -> bool {
        let ends = match (self.kind, self.until) {
            (_, Some(until)) => until,
            (MarkKind::Incident, None) => Moment(i64::MAX),
            (MarkKind::Deployment | MarkKind::Note, None) => self.at,
        };
        since.is_none_or(|since| ends >= since) && until.is_none_or(|until| self.at < until)
    }
}

impl MarkKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Deployment, Self::Incident, Self::Note];

    /// The word of the contract.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Deployment => "deployment",
            Self::Incident => "incident",
            Self::Note => "note",
        }
    }

    /// The kind of that word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

impl fmt::Display for MarkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(kind: MarkKind, at: i64, until: Option<i64>) -> Mark {
        Mark {
            id: MarkId(uuid::Uuid::from_u128(1)),
            at: Moment(at),
            text: String::from("release 4"),
            kind,
            labels: BTreeMap::new(),
            until: until.map(Moment),
        }
    }

    #[test]
    fn bounds_name_themselves() {
        let good = mark(MarkKind::Note, 10, Some(10));
        good.check().unwrap();
        let said = |change: fn(&mut Mark)| {
            let mut bad = good.clone();
            change(&mut bad);
            bad.check().unwrap_err().message
        };
        assert!(said(|m| m.text = String::from("  ")).contains("needs a text"));
        assert!(said(|m| m.text = "ü".repeat(2_001)).contains("2001 characters, and 2000 is the limit"));
        assert!(said(|m| m.until = Some(Moment(9))).contains("before it begins"));
        assert!(said(|m| drop(m.labels.insert("k".repeat(201), String::new()))).contains("1 to 200"));
        assert!(
            said(|m| m.labels = (0..33).map(|n| (n.to_string(), String::new())).collect())
                .contains("33 labels, and 32")
        );
    }

    #[test]
    fn an_open_incident_goes_on_and_an_instant_does_not() {
        let some = |n| Some(Moment(n));
        let instant = mark(MarkKind::Deployment, 10, None);
        assert!(instant.touches(some(10), some(11)));
        assert!(!instant.touches(some(11), None));
        assert!(!instant.touches(None, some(10)));
        assert!(mark(MarkKind::Incident, 10, None).touches(some(99), None));
        assert!(mark(MarkKind::Incident, 10, Some(20)).touches(some(20), None));
        assert!(!mark(MarkKind::Incident, 10, Some(20)).touches(some(21), None));
    }

    #[test]
    fn it_reads_what_it_writes() {
        let mark = mark(
            MarkKind::Incident,
            1_790_000_000_123_456_789,
            Some(1_790_000_001_000_000_000),
        );
        let text = serde_json::to_string(&mark).unwrap();
        assert!(text.contains("\"2026-09-21T14:13:20.123456789Z\""), "{text}");
        assert_eq!(serde_json::from_str::<Mark>(&text).unwrap(), mark);
        assert!(serde_json::from_str::<Mark>(&text.replace("2026", "then")).is_err());
    }
}
