//! CI with few runs: one route against a stated good and a stated bad level, decided as early as may be.

mod sequence;
mod shown;

use schemars::JsonSchema;
use serde::Serialize;

use super::StatError;
use super::error::open_share;
use super::special::first_count;

pub use sequence::{Fate, Sequence, SequenceEnd, Standing};
pub use shown::{Shown, percent};

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
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

    /// The level of a good route, 0 to 1.
    #[must_use]
    pub fn good(&self) -> f64 {
        self.good
    }

    /// The level of a bad route, 0 to 1.
    #[must_use]
    pub fn bad(&self) -> f64 {
        self.bad
    }

    /// The chance at most to call a route at the good level bad.
    #[must_use]
    pub fn alpha(&self) -> f64 {
        self.alpha
    }

    /// The chance at most to call a route at the bad level good.
    #[must_use]
    pub fn beta(&self) -> f64 {
        self.beta
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

    /// The good runs that are still to come, none failing, until it passes; 0 where it does. `None` where a thousand
    /// million do not suffice.
    #[must_use]
    pub fn still_to_pass(&self, successes: u64, failures: u64) -> Option<u64> {
        let passes = |more: u64| self.at(successes.saturating_add(more), failures).word == GateWord::Good;
        first_count(0, FARTHEST, passes)
    }

    fn log_ratio(&self, successes: u64, failures: u64) -> f64 {
        let (good, bad) = (self.good, self.bad);
        successes as f64 * (bad / good).ln() + failures as f64 * ((1.0 - bad) / (1.0 - good)).ln()
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
    fn levels_must_be_apart_and_in_order() {
        let said = Gate::new(0.8, 0.99, 0.05, 0.05).unwrap_err().to_string();
        assert_eq!(said, "the bad level (0.99) must be below the good level (0.8)");
        assert!(Gate::new(1.0, 0.5, 0.05, 0.05).is_err() && Gate::new(0.9, 0.5, f64::NAN, 0.05).is_err());
    }
}
