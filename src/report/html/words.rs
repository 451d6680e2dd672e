//! States, classes and figures as pages show them.

use crate::model::{Class, ProbeState, Seconds};

/// What a page shows apart: what is broken, what could not be seen, what is well, what is switched off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// Failing or degraded.
    Broken,
    /// Blind, or without data.
    Unseen,
    /// As it should be.
    Well,
    /// Paused.
    Off,
}

impl Group {
    /// All, in the order in which a page shows them.
    pub const ALL: [Self; 4] = [Self::Broken, Self::Unseen, Self::Well, Self::Off];

    /// Where a state belongs.
    #[must_use]
    pub const fn of(state: ProbeState) -> Self {
        match state {
            ProbeState::Failing | ProbeState::Degraded => Self::Broken,
            ProbeState::Blind | ProbeState::NoData => Self::Unseen,
            ProbeState::Ok => Self::Well,
            ProbeState::Paused => Self::Off,
        }
    }

    /// Its heading.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Broken => "Not as it should be",
            Self::Unseen => "Could not be seen",
            Self::Well => "As it should be",
            Self::Off => "Not firing",
        }
    }
}

/// The colour of a state.
#[must_use]
pub const fn tone(state: ProbeState) -> &'static str {
    match state {
        ProbeState::Ok => "good",
        ProbeState::Degraded => "warn",
        ProbeState::Failing => "bad",
        ProbeState::Blind | ProbeState::NoData => "blind",
        ProbeState::Paused => "off",
    }
}

/// The colour of a class.
#[must_use]
pub const fn class_tone(class: Class) -> &'static str {
    match class {
        Class::Delivered => "good",
        Class::Late | Class::Duplicate => "warn",
        Class::Unobserved => "blind",
        Class::Mismatched
        | Class::Unwanted
        | Class::Failed
        | Class::Lost
        | Class::Rejected
        | Class::Phantom => "bad",
    }
}

/// A sign besides the colour, for those who do not see it.
#[must_use]
pub fn sign(tone: &str) -> &'static str {
    match tone {
        "good" => "✓",
        "warn" => "!",
        "bad" => "✕",
        "blind" => "?",
        _ => "–",
    }
}

/// An instant without its fraction: `2026-11-22 10:00:00`, UTC.
#[must_use]
pub fn instant(rfc3339: &str) -> String {
    let second = rfc3339.get(..19).unwrap_or(rfc3339);
    second.replacen('T', " ", 1)
}

/// How long the outcome took, by its later bound.
#[must_use]
pub fn latency(seconds: Option<Seconds>) -> String {
    match seconds {
        Some(seconds) if seconds.1 < 0.9995 => format!("{:.0} ms", seconds.1 * 1000.0),
        Some(seconds) if seconds.1 < 99.95 => format!("{:.2} s", seconds.1),
        Some(seconds) => format!("{:.0} s", seconds.1),
        None => String::from("–"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_reads_to_the_second() {
        assert_eq!(instant("2026-11-22T10:00:00.123Z"), "2026-11-22 10:00:00");
        assert_eq!(instant("soon"), "soon");
    }
}
