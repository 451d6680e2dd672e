//! What people have paused.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::Moment;

/// One pause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// Since when.
    pub since: Moment,
    /// Who asked for it, and why; may be empty.
    #[serde(default)]
    pub note: String,
}

impl fmt::Display for Pause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "paused since {}", self.since)?;
        if self.note.is_empty() {
            return Ok(());
        }
        write!(f, ": {}", self.note)
    }
}

/// What is paused: everything, a probe, or one route of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum PauseOf {
    /// Every probe.
    All,
    /// A probe with all its routes.
    Probe(String),
    /// One route of a probe.
    Route(String, String),
}

impl PauseOf {
    /// The key under which it is kept: `*`, `PROBE`, or `PROBE/ROUTE`. Names hold neither character.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::All => String::from("*"),
            Self::Probe(probe) => probe.clone(),
            Self::Route(probe, route) => format!("{probe}/{route}"),
        }
    }

    /// What is meant by a key.
    #[must_use]
    pub fn of_key(key: &str) -> Self {
        match key.split_once('/') {
            None if key == "*" => Self::All,
            None => Self::Probe(key.to_owned()),
            Some((probe, route)) => Self::Route(probe.to_owned(), route.to_owned()),
        }
    }
}

/// All pauses. Each stands by itself: what was paused with everything and by itself is still paused when everything
/// is resumed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pauses(BTreeMap<PauseOf, Pause>);

impl Pauses {
    /// Pauses it; one that is paused already keeps its pause. Whether anything changed.
    pub fn pause(&mut self, what: PauseOf, pause: Pause) -> bool {
        match self.0.entry(what) {
            std::collections::btree_map::Entry::Vacant(free) => {
                free.insert(pause);
                true
            }
            std::collections::btree_map::Entry::Occupied(_) => false,
        }
    }

    /// Resumes it. Whether it was paused.
    pub fn resume(&mut self, what: &PauseOf) -> bool {
        self.0.remove(what).is_some()
    }

    /// The pause that keeps a probe, or one route of it, from firing; that of everything before its own.
    #[must_use]
    pub fn of(&self, probe: &str, route: Option<&str>) -> Option<&Pause> {
        if self.0.is_empty() {
            return None;
        }
        let whole = || {
            self.0
                .get(&PauseOf::All)
                .or_else(|| self.0.get(&PauseOf::Probe(probe.to_owned())))
        };
        match route {
            None => whole(),
            Some(route) => {
                whole().or_else(|| self.0.get(&PauseOf::Route(probe.to_owned(), route.to_owned())))
            }
        }
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = (&PauseOf, &Pause)> {
        self.0.iter()
    }
}

impl FromIterator<(PauseOf, Pause)> for Pauses {
    fn from_iter<I: IntoIterator<Item = (PauseOf, Pause)>>(pauses: I) -> Self {
        Self(pauses.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pause(since: i64) -> Pause {
        Pause {
            since: Moment(since),
            note: String::new(),
        }
    }

    #[test]
    fn each_pause_stands_by_itself() {
        let mut pauses = Pauses::default();
        let (probe, route) = (
            PauseOf::Probe(String::from("a")),
            PauseOf::Route(String::from("a"), String::from("x")),
        );
        assert!(pauses.pause(route.clone(), pause(1)));
        assert_eq!(pauses.of("a", None), None);
        assert_eq!(pauses.of("a", Some("y")), None);
        assert_eq!(pauses.of("a", Some("x")), Some(&pause(1)));
        assert!(pauses.pause(probe.clone(), pause(2)));
        assert!(!pauses.pause(probe.clone(), pause(3)), "it is paused since 2");
        assert!(pauses.pause(PauseOf::All, pause(4)));
        assert_eq!(pauses.of("b", None), Some(&pause(4)));
        assert!(pauses.resume(&PauseOf::All));
        assert_eq!(pauses.of("b", Some("x")), None);
        assert_eq!(pauses.of("a", Some("y")), Some(&pause(2)));
        assert!(pauses.resume(&probe) && !pauses.resume(&probe));
        assert_eq!(pauses.of("a", Some("x")), Some(&pause(1)));
        for what in [PauseOf::All, probe, route] {
            assert_eq!(PauseOf::of_key(&what.key()), what);
        }
    }
}
