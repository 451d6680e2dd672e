//! CI with few runs: one route against a stated good and a stated bad level, decided as early as may be.

use serde::Serialize;

use super::StatError;
use super::error::{exact, of, open_share};
use super::shares::exact_floor;
use super::special::first_count;

/// Levels that a smoke check speaks of.
const LEVELS: [f64; 6] = [0.5, 0.8, 0.9, 0.95, 0.99, 0.999];
/// Wald's limits are hit exactly: ln 20 may come out one digit too low.
const SLACK: f64 = 1e-12;
/// Runs beyond which no forecast is made.
const FARTHEST: u64 = 1_000_000_000;

/// A sequential probability ratio test between two levels of success.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Gate {
    good: f64,
    bad: f64,
    alpha: f64,
    beta: f64,
}

/// What a gate says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum GateWord {
    /// The bad level is ruled out.
    #[serde(rename = "good")]
    Good,
    /// The good level is ruled out.
    #[serde(rename = "bad")]
    Bad,
    /// Neither yet.
    #[serde(rename = "not enough runs")]
    NotEnough,
}

/// Where a gate stands.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Passage {
    /// What it says.
    pub word: GateWord,
    /// After how many runs it could say so; all of them where it cannot.
    pub runs_used: u64,
    /// ln of P(runs | bad level) / P(runs | good level) by then.
    pub log_ratio: f64,
}

/// What a number of good runs does and does not show.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Shown {
    /// Good runs.
    pub good: u64,
    /// Runs.
    pub runs: u64,
    /// The exact floor: at least this share is good.
    pub floor: f64,
    /// The highest of the usual levels at or below the floor: a route as bad as this is ruled out.
    pub rules_out: Option<f64>,
    /// The next usual level of 90 % or more that is not shown, and the runs in all that would show it if none failed any
    /// more. `None` where all are shown.
    pub not_shown: Option<(f64, u64)>,
}

impl GateWord {
    /// The word as it is printed.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Bad => "bad",
            Self::NotEnough => "not enough runs",
        }
    }
}

impl Gate {
    /// The runs after which a gate gives up where nothing else is said.
    pub const CAP: u64 = 45;

    /// A gate between a good and a bad level. A route at the good level is called bad with probability at most `alpha`,
    /// one at the bad level good with at most `beta`, at whatever run it stops: the ratio is a martingale under the good
    /// level, its inverse under the bad one (Wald 1945; Ville 1939).
    ///
    /// # Errors
    /// A number that is not above 0 and below 1, a bad level that is not below the good one.
    pub fn new(good: f64, bad: f64, alpha: f64, beta: f64) -> Result<Self, StatError> {
        let gate = Self {
            good: open_share("the good level", good)?,
            bad: open_share("the bad level", bad)?,
            alpha: open_share("the chance to fail a good route", alpha)?,
            beta: open_share("the chance to pass a bad route", beta)?,
        };
        if bad < good {
            return Ok(gate);
        }
        Err(StatError::Order {
            low_what: "the bad level",
            low: bad,
            relation: "below",
            high_what: "the good level",
            high: good,
        })
    }

    /// The default of CI: 99 % against 80 %, 5 % either way.
    #[must_use]
    pub fn ci() -> Self {
        Self {
            good: 0.99,
            bad: 0.80,
            alpha: 0.05,
            beta: 0.05,
        }
    }

    /// Goes through runs in their order and stops at the first at which a word can be said.
    #[must_use]
    pub fn pass(&self, runs: &[bool]) -> Passage {
        let (mut successes, mut failures) = (0, 0);
        for good in runs {
            if *good {
                successes += 1;
            } else {
                failures += 1;
            }
            let passage = self.at(successes, failures);
            if passage.word != GateWord::NotEnough {
                return passage;
            }
        }
        self.at(successes, failures)
    }

    /// What is said of so many successes and failures, whatever their order. Those who look at each run and stop at the
    /// first word have the whole guarantee.
    #[must_use]
    pub fn at(&self, successes: u64, failures: u64) -> Passage {
        let log_ratio = self.log_ratio(successes, failures);
        let word = if log_ratio >= -self.alpha.ln() - SLACK {
            GateWord::Bad
        } else if log_ratio <= self.beta.ln() + SLACK {
            GateWord::Good
        } else {
            GateWord::NotEnough
        };
        Passage {
            word,
            runs_used: successes.saturating_add(failures),
            log_ratio,
        }
    }

    /// The runs it takes to pass with so many failures among them. With 0 this is what a check costs at the least.
    ///
    /// # Errors
    /// Levels so near each other that a thousand million runs do not suffice.
    pub fn runs_to_pass(&self, failures: u64) -> Result<u64, StatError> {
        let passes = |successes| self.at(successes, failures).word == GateWord::Good;
        let successes = first_count(0, FARTHEST, passes).ok_or(StatError::OutOfReach {
            what: "number of runs",
            bound: FARTHEST,
        })?;
        Ok(successes + failures)
    }

    /// The failures right at the start that fail it.
    ///
    /// # Errors
    /// Levels so near each other that a thousand million runs do not suffice.
    pub fn failures_to_fail(&self) -> Result<u64, StatError> {
        let fails = |failures| self.at(0, failures).word == GateWord::Bad;
        first_count(1, FARTHEST, fails).ok_or(StatError::OutOfReach {
            what: "number of failures",
            bound: FARTHEST,
        })
    }

    fn log_ratio(&self, successes: u64, failures: u64) -> f64 {
        let (good, bad) = (self.good, self.bad);
        successes as f64 * (bad / good).ln() + failures as f64 * ((1.0 - bad) / (1.0 - good)).ln()
    }
}

impl Shown {
    /// What `good` of `runs` show at confidence `conf`, looked at once.
    ///
    /// # Errors
    /// No runs, more good runs than runs, a confidence that is not above 0 and below 1.
    pub fn new(good: u64, runs: u64, conf: f64) -> Result<Self, StatError> {
        of("good runs", good, "runs", runs)?;
        let floor = exact_floor(good, runs, conf)?;
        let rules_out = LEVELS.iter().copied().rfind(|level| *level <= floor);
        let failures = runs - good;
        exact("failures", failures)?;
        let next = LEVELS
            .iter()
            .copied()
            .find(|level| *level >= 0.9 && *level > floor);
        let not_shown = next.and_then(|level| {
            let shows = |n: u64| exact_floor(n - failures, n, conf).is_ok_and(|floor| floor >= level);
            first_count(runs, FARTHEST, shows).map(|needed| (level, needed))
        });
        Ok(Self {
            good,
            runs,
            floor,
            rules_out,
            not_shown,
        })
    }

    /// The sentence: `5 of 5 delivered: rules out 50 %, does not show 90 % (needs 29)`.
    #[must_use]
    pub fn sentence(&self, what: &str) -> String {
        let percent = |level: f64| format!("{} %", (level * 1000.0).round() / 10.0);
        let out = match self.rules_out {
            Some(level) => format!("rules out {}", percent(level)),
            None => format!("does not rule out {}", percent(LEVELS[0])),
        };
        let rest = self.not_shown.map_or_else(String::new, |(level, needed)| {
            format!(", does not show {} (needs {needed})", percent(level))
        });
        format!("{} of {} {what}: {out}{rest}", self.good, self.runs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_table_comes_out() {
        for (bad, pass, fail) in [
            (0.5, [5, 12, 18], 1),
            (0.8, [15, 30, 45], 1),
            (0.9, [32, 57, 82], 2),
            (0.95, [73, 113, 153], 2),
        ] {
            let gate = Gate::new(0.99, bad, 0.05, 0.05).unwrap();
            assert_eq!([0, 1, 2].map(|f| gate.runs_to_pass(f).unwrap()), pass, "{bad}");
            assert_eq!(gate.failures_to_fail(), Ok(fail), "{bad}");
        }
    }

    #[test]
    fn a_smoke_check_says_what_it_does_not_show() {
        let said = |good, runs| Shown::new(good, runs, 0.95).unwrap().sentence("delivered");
        assert_eq!(
            said(5, 5),
            "5 of 5 delivered: rules out 50 %, does not show 90 % (needs 29)"
        );
        assert_eq!(
            said(29, 29),
            "29 of 29 delivered: rules out 90 %, does not show 95 % (needs 59)"
        );
        assert_eq!(
            said(0, 3),
            "0 of 3 delivered: does not rule out 50 %, does not show 90 % (needs 76)"
        );
        assert_eq!(said(3000, 3000), "3000 of 3000 delivered: rules out 99.9 %");
    }

    #[test]
    fn levels_must_be_apart_and_in_order() {
        let said = Gate::new(0.8, 0.99, 0.05, 0.05).unwrap_err().to_string();
        assert_eq!(said, "the bad level (0.99) must be below the good level (0.8)");
        assert!(Gate::new(1.0, 0.5, 0.05, 0.05).is_err() && Gate::new(0.9, 0.5, f64::NAN, 0.05).is_err());
    }
}
