//! What a number of runs shows and what it does not, in one sentence.

use serde::Serialize;

use super::super::StatError;
use super::super::error::{exact, of};
use super::super::shares::{exact_floor, runs_for_floor};
use super::super::special::first_count;
use super::{FARTHEST, Gate, GateWord};

/// Levels that a smoke check speaks of.
const LEVELS: [f64; 6] = [0.5, 0.8, 0.9, 0.95, 0.99, 0.999];
/// From this level on the next one that is not shown is named.
const WORTH_SHOWING: f64 = 0.9;

/// What a number of good runs does and does not show.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Shown {
    /// Good runs.
    pub good: u64,
    /// Runs.
    pub runs: u64,
    /// The exact floor of one look: at least this share is good.
    pub floor: f64,
    /// The highest level that is ruled out: a route as bad as this would hardly have done so well.
    pub rules_out: Option<f64>,
    /// The next level of 90 % or more that is not shown, and the runs in all that would show it if none failed any more.
    /// `None` where all are shown.
    pub not_shown: Option<(f64, u64)>,
}

impl Shown {
    /// What `good` of `runs` show at confidence `conf`, looked at once.
    ///
    /// # Errors
    /// No runs, more good runs than runs, a confidence that is not above 0 and below 1.
    pub fn new(good: u64, runs: u64, conf: f64) -> Result<Self, StatError> {
        of("good runs", good, "runs", runs)?;
        let floor = exact_floor(good, runs, conf)?;
        let failures = runs - good;
        exact("failures", failures)?;
        let shows = |level: f64, n: u64| exact_floor(n - failures, n, conf).is_ok_and(|floor| floor >= level);
        let worth = |level: f64| level >= WORTH_SHOWING;
        Ok(Self::of(good, runs, floor, &LEVELS, shows, worth))
    }

    /// What the runs of a gate show, however often they were looked at while they came in, at the confidence 1 - beta.
    ///
    /// A level is ruled out where the gate's own test against it passes: the claims are nested, so one of them is wrong
    /// with probability beta at most (Ville 1939). What is still needed is what a check of that many runs, looked at once,
    /// needs while none has failed; else, and for the gate's own bad level, what the gate needs.
    ///
    /// # Errors
    /// As [`Shown::new`].
    pub fn at_any_look(gate: &Gate, good: u64, runs: u64) -> Result<Self, StatError> {
        of("good runs", good, "runs", runs)?;
        let conf = 1.0 - gate.beta;
        let floor = exact_floor(good, runs, conf)?;
        let failures = runs - good;
        let mut levels = LEVELS.to_vec();
        levels.push(gate.bad);
        levels.sort_by(f64::total_cmp);
        levels.dedup();
        let shows = |level: f64, n: u64| rules_out(gate, level, n - failures, failures);
        let worth = |level: f64| level >= WORTH_SHOWING || level == gate.bad;
        let mut shown = Self::of(good, runs, floor, &levels, shows, worth);
        if let Some((level, needed)) = &mut shown.not_shown
            && failures == 0
            && *level != gate.bad
        {
            let one_look = runs_for_floor(*level, conf)?;
            *needed = if one_look > runs { one_look } else { *needed };
        }
        Ok(shown)
    }

    /// `shows(level, n)`: whether n runs, with the failures there are, show more than the level.
    fn of(
        good: u64,
        runs: u64,
        floor: f64,
        levels: &[f64],
        shows: impl Fn(f64, u64) -> bool,
        worth: impl Fn(f64) -> bool,
    ) -> Self {
        let rules_out = levels.iter().copied().rfind(|level| shows(*level, runs));
        let above = |level: f64| rules_out.is_none_or(|out| level > out);
        let next = levels.iter().copied().find(|l| worth(*l) && above(*l));
        let needed = |level: f64| first_count(runs, FARTHEST, |n| shows(level, n)).map(|n| (level, n));
        Self {
            good,
            runs,
            floor,
            rules_out,
            not_shown: next.and_then(needed),
        }
    }

    /// The sentence: `5 of 5 delivered: rules out 50 %, does not show 90 % (needs 29)`.
    #[must_use]
    pub fn sentence(&self, what: &str) -> String {
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

/// Whether so many runs rule a level out, at whatever look.
fn rules_out(gate: &Gate, level: f64, successes: u64, failures: u64) -> bool {
    // Against a level that is no worse than the good one, what lies half way to perfect.
    let good = if level < gate.good {
        gate.good
    } else {
        f64::midpoint(1.0, level)
    };
    let against = Gate {
        good,
        bad: level,
        ..*gate
    };
    against.at(successes, failures).word == GateWord::Good
}

/// A level as people write it: `99.9 %`, with as many digits as it has.
#[must_use]
pub fn percent(level: f64) -> String {
    let text = format!("{:.6}", level * 100.0);
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("{text} %")
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn what_a_gate_shows_agrees_with_its_word() {
        let ci = Gate::ci();
        let half = Gate::new(0.99, 0.5, 0.05, 0.05).unwrap();
        let odd = Gate::new(0.999, 0.85, 0.05, 0.05).unwrap();
        let said = |gate: &Gate, good, runs| {
            let shown = Shown::at_any_look(gate, good, runs).unwrap();
            let ruled_out = shown.rules_out.is_some_and(|level| level >= gate.bad);
            let passed = gate.at(good, runs - good).word == GateWord::Good;
            assert_eq!(ruled_out, passed, "{good} of {runs}: {shown:?}");
            shown.sentence("delivered")
        };
        for (gate, good, runs, sentence) in [
            (&half, 5, 5, "rules out 50 %, does not show 90 % (needs 29)"),
            (&ci, 15, 15, "rules out 80 %, does not show 90 % (needs 29)"),
            // One look would rule 80 % out with 14; the gate does with 15.
            (&ci, 14, 14, "rules out 50 %, does not show 80 % (needs 15)"),
            (&ci, 29, 30, "rules out 80 %, does not show 90 % (needs 57)"),
            // One look would have a floor of 83 %; the gate has no word, for it looked 45 times.
            (&ci, 42, 45, "rules out 50 %, does not show 80 % (needs 60)"),
            (&odd, 20, 20, "rules out 85 %, does not show 90 % (needs 29)"),
            (&ci, 30, 30, "rules out 80 %, does not show 90 % (needs 32)"),
            (&ci, 3, 3, "does not rule out 50 %, does not show 80 % (needs 15)"),
            (&ci, 299, 299, "rules out 95 %, does not show 99 % (needs 595)"),
        ] {
            let expected = format!("{good} of {runs} delivered: {sentence}");
            assert_eq!(said(gate, good, runs), expected);
        }
    }

    /// Exact, by the chance of every count of failures among those who go on: a route at a level is said to be above it at
    /// some look of the first 400 with probability beta at most.
    #[test]
    fn what_is_ruled_out_is_seldom_true() {
        let gate = Gate::ci();
        for level in [0.5, 0.8, 0.9, 0.95] {
            let mut alive = vec![1.0];
            let mut wrong = 0.0;
            for n in 1..=400_u64 {
                let mut next = vec![0.0; alive.len() + 1];
                for (failures, chance) in alive.iter().enumerate() {
                    next[failures] += chance * level;
                    next[failures + 1] += chance * (1.0 - level);
                }
                for (failures, chance) in next.iter_mut().enumerate() {
                    let failures = failures as u64;
                    if rules_out(&gate, level, n - failures, failures) {
                        wrong += std::mem::take(chance);
                    }
                }
                alive = next;
            }
            assert!(wrong <= 0.05, "{level}: {wrong}");
        }
    }

    #[test]
    fn a_level_is_written_with_the_digits_it_has() {
        assert_eq!(
            [0.5, 0.99, 0.999, 0.9995, 0.123_456].map(percent),
            ["50 %", "99 %", "99.9 %", "99.95 %", "12.3456 %"]
        );
    }
}
