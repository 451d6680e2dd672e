//! The one stated state of a probe and of each of its routes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Class, Flag, RunRecord};

/// So many of the last runs of a route decide its state, as [`ProbeState::of_ends`] says.
pub const STATE_RUNS: usize = 5;
/// A route is without data when so many ticks have come due whose runs should have ended, and did not.
pub const SILENT_TICKS: usize = 3;

/// How a probe or a route is, stated in one place for pages, API, metrics and alerts. The order is from well to worst,
/// then what is not measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProbeState {
    /// Its last runs were delivered.
    Ok,
    /// Some of its last runs did not end well.
    Degraded,
    /// Its last runs did not end well.
    Failing,
    /// Landfall could not see what became of its last runs.
    Blind,
    /// No run has ended yet, or none lately.
    NoData,
    /// Somebody has paused it.
    Paused,
}

impl ProbeState {
    /// Every state.
    pub const ALL: [Self; 6] = [
        Self::Ok,
        Self::Degraded,
        Self::Failing,
        Self::Blind,
        Self::NoData,
        Self::Paused,
    ];

    /// The state of a route by the records of its last runs, newest first, as [`ProbeState::of_ends`].
    #[must_use]
    pub fn of_route<'a>(paused: bool, last: impl Iterator<Item = &'a RunRecord>) -> (Self, String) {
        Self::of_ends(paused, 0, last.map(LastEnd::from))
    }

    /// The state of a route by the ends of its last runs, newest first, and why, in a few words. `silent_ticks`: how many
    /// ticks have come due since the newest of them, so long ago that their runs should have ended. Of the last five:
    ///
    /// - none, or [`SILENT_TICKS`] silent ones: no data;
    /// - the latest two unobserved, or all of them: blind;
    /// - of those that were observed, the latest two did not end well (not delivered, late or duplicate; or
    ///   unexecuted): failing;
    /// - any of them did not end well, or came late or twice: degraded;
    /// - else ok.
    #[must_use]
    pub fn of_ends<'a>(
        paused: bool,
        silent_ticks: usize,
        last: impl Iterator<Item = LastEnd<'a>>,
    ) -> (Self, String) {
        if paused {
            return (Self::Paused, String::from("paused"));
        }
        let last: Vec<LastEnd<'_>> = last.take(STATE_RUNS).collect();
        let Some(latest) = last.first() else {
            return (Self::NoData, String::from("no run has ended yet"));
        };
        if silent_ticks >= SILENT_TICKS {
            return (
                Self::NoData,
                format!("no run has ended lately, though {silent_ticks} or more were due"),
            );
        }
        let seen: Vec<LastEnd<'_>> = last
            .iter()
            .copied()
            .filter(|run| run.class != Class::Unobserved)
            .collect();
        if seen.is_empty()
            || (last.len() > 1 && last.iter().take(2).all(|run| run.class == Class::Unobserved))
        {
            return (Self::Blind, latest.reason.to_owned());
        }
        let bad: Vec<LastEnd<'_>> = seen
            .iter()
            .copied()
            .filter(|run| run.grade() == Grade::Bad)
            .collect();
        let told = |run: &LastEnd<'_>| match run.reason {
            "" => run.class.word().to_owned(),
            reason => format!("{}: {reason}", run.class.word()),
        };
        if seen.len() > 1 && seen.iter().take(2).all(|run| run.grade() == Grade::Bad) {
            return (Self::Failing, told(&seen[0]));
        }
        match bad
            .first()
            .or_else(|| seen.iter().find(|run| run.grade() == Grade::Worse))
        {
            Some(run) => (
                Self::Degraded,
                format!(
                    "{} of the last {} runs; {}",
                    seen.iter().filter(|r| r.grade() != Grade::Good).count(),
                    seen.len(),
                    told(run)
                ),
            ),
            None => (Self::Ok, String::new()),
        }
    }

    /// The state of a probe by those of its routes: failing where one is, else degraded, blind, no data; ok where all
    /// that are not paused are.
    #[must_use]
    pub fn of_probe(routes: impl Iterator<Item = Self>) -> Self {
        let rank = |state: &Self| match state {
            Self::Paused => 0,
            Self::Ok => 1,
            Self::NoData => 2,
            Self::Blind => 3,
            Self::Degraded => 4,
            Self::Failing => 5,
        };
        routes.max_by_key(rank).unwrap_or(Self::NoData)
    }

    /// The word of the contract.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Degraded => "degraded",
            Self::Failing => "failing",
            Self::Blind => "blind",
            Self::NoData => "no_data",
            Self::Paused => "paused",
        }
    }
}

/// How one run ended, as far as a state needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastEnd<'a> {
    /// Its class.
    pub class: Class,
    /// Whether the system did not do the work.
    pub unexecuted: bool,
    /// Why.
    pub reason: &'a str,
}

impl<'a> From<&'a RunRecord> for LastEnd<'a> {
    fn from(run: &'a RunRecord) -> Self {
        Self {
            class: run.class,
            unexecuted: run.flags.contains(&Flag::Unexecuted),
            reason: &run.reason,
        }
    }
}

/// How a run that was observed ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Grade {
    Good,
    Worse,
    Bad,
}

impl LastEnd<'_> {
    const fn grade(&self) -> Grade {
        match self.class {
            _ if self.unexecuted => Grade::Bad,
            Class::Delivered | Class::Unobserved => Grade::Good,
            Class::Late | Class::Duplicate => Grade::Worse,
            Class::Mismatched
            | Class::Unwanted
            | Class::Failed
            | Class::Lost
            | Class::Rejected
            | Class::Phantom => Grade::Bad,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(class: &str) -> RunRecord {
        let none = serde_json::json!({ "state": "unknown", "seconds": null });
        let record = serde_json::json!({
            "id": uuid::Uuid::nil(), "probe": "p", "revision": "r", "route": "a", "input": "default",
            "location": "local", "tick": "2026-11-22T10:00:00.000Z", "token": "t", "sent": null,
            "class": class, "reason": "why", "flags": [], "lag": null,
            "timings": { "dns": null, "connect": null, "tls": null, "first_byte": null, "total": null },
            "layers": { "accepted": none, "executed": none, "outcome": none },
            "stopped_after": null, "expectations": [], "observations": [], "path": [], "attributes": {},
            "fingerprint": null, "amendments": [], "request": null, "response": null, "labels": {},
        });
        serde_json::from_value(record).unwrap()
    }

    fn state(paused: bool, classes: &[&str]) -> ProbeState {
        let runs: Vec<RunRecord> = classes.iter().map(|class| run(class)).collect();
        ProbeState::of_route(paused, runs.iter()).0
    }

    #[test]
    fn a_route_is_what_its_last_runs_say() {
        use ProbeState::{Blind, Degraded, Failing, NoData, Ok, Paused};
        for (classes, expected) in [
            (&[][..], NoData),
            (&["delivered"], Ok),
            (
                &[
                    "delivered",
                    "delivered",
                    "delivered",
                    "delivered",
                    "delivered",
                    "lost",
                ],
                Ok,
            ),
            (&["delivered", "lost"], Degraded),
            (&["lost", "delivered"], Degraded),
            (&["lost"], Degraded),
            (&["lost", "failed", "delivered"], Failing),
            (&["late", "late"], Degraded),
            (&["unobserved"], Blind),
            (&["unobserved", "unobserved", "lost", "lost"], Blind),
            (&["unobserved", "lost", "lost"], Failing),
            (&["unobserved", "delivered"], Ok),
        ] {
            assert_eq!(state(false, classes), expected, "{classes:?}");
            assert_eq!(state(true, classes), Paused);
        }
    }

    #[test]
    fn silence_is_no_data_however_the_last_run_ended() {
        let last = run("delivered");
        let of = |silent| ProbeState::of_ends(false, silent, [LastEnd::from(&last)].into_iter()).0;
        assert_eq!(of(SILENT_TICKS - 1), ProbeState::Ok);
        assert_eq!(of(SILENT_TICKS), ProbeState::NoData);
    }

    #[test]
    fn what_was_not_executed_is_not_well() {
        let mut last = run("delivered");
        last.flags = vec![Flag::Unexecuted];
        let (state, why) = ProbeState::of_route(false, [&last, &last].into_iter());
        assert_eq!(state, ProbeState::Failing);
        assert_eq!(why, "delivered: why");
    }

    #[test]
    fn the_worst_route_tells() {
        use ProbeState::{Blind, Degraded, Failing, NoData, Ok, Paused};
        for (routes, expected) in [
            (&[][..], NoData),
            (&[Ok, Failing, Blind], Failing),
            (&[Ok, Blind], Blind),
            (&[Ok, Paused], Ok),
            (&[Paused, Paused], Paused),
            (&[Degraded, Blind], Degraded),
        ] {
            assert_eq!(
                ProbeState::of_probe(routes.iter().copied()),
                expected,
                "{routes:?}"
            );
        }
    }
}
