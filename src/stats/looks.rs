//! The sequential verdict followed tick by tick, at the cost of some hundred multiplications a tick.

use super::betting::bets;
use super::ticks::{Counts, Relative};
use super::verdict::{Mode, Question, Verdict, Word, verdict};
use super::{StatError, betting};

/// A comparison that is looked at after every tick.
#[derive(Clone, Debug)]
pub struct Looks {
    question: Question,
    counts: Counts,
    /// Against: no better, no worse, worse by the margin, better by the margin.
    claims: [Fortune; 4],
}

/// The fortunes made so far by betting against one claim.
#[derive(Clone, Debug)]
struct Fortune {
    /// What each bet is multiplied by on a tick that speaks against the claim, says nothing, speaks for it.
    gains: [[f64; betting::BETS]; 3],
    held: [f64; betting::BETS],
    enough: f64,
}

impl Looks {
    /// A comparison that starts now. The question's mode is taken as [`Mode::Sequential`].
    ///
    /// # Errors
    /// A margin or confidence that is not above 0 and below 1.
    pub fn new(question: Question) -> Result<Self, StatError> {
        let question = Question {
            mode: Mode::Sequential,
            ..question
        };
        verdict(Counts::default(), question)?;
        let alpha = (1.0 - question.conf) / 2.0;
        let against = |d: f64| Fortune::new(f64::midpoint(1.0, d), alpha);
        Ok(Self {
            question,
            counts: Counts::default(),
            claims: [
                against(0.0),
                against(0.0),
                against(-question.margin),
                against(-question.margin),
            ],
        })
    }

    /// Counts one more tick and looks: the word that may be said now, at this tick and at any.
    pub fn add(&mut self, tick: Relative) -> Word {
        self.counts.add(tick);
        let (seen, mirrored) = match tick {
            Relative::Better => (0, 2),
            Relative::Same => (1, 1),
            Relative::Worse => (2, 0),
        };
        for (claim, outcome) in self.claims.iter_mut().zip([seen, mirrored, seen, mirrored]) {
            claim.bet(outcome);
        }
        self.word()
    }

    /// The word that may be said now.
    #[must_use]
    pub fn word(&self) -> Word {
        let [better, worse, not_far_worse, not_far_better] = &self.claims;
        if better.is_refuted() {
            Word::Better
        } else if worse.is_refuted() {
            if not_far_worse.is_refuted() {
                Word::WorseWithinMargin
            } else {
                Word::Worse
            }
        } else if not_far_worse.is_refuted() && (!self.question.peers || not_far_better.is_refuted()) {
            Word::NoDifference
        } else {
            Word::NotEnough
        }
    }

    /// What was counted.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// The whole verdict, with its interval.
    ///
    /// # Errors
    /// More than 2^53 ticks.
    pub fn verdict(&self) -> Result<Verdict, StatError> {
        verdict(self.counts, self.question)
    }
}

impl Fortune {
    fn new(mean: f64, alpha: f64) -> Self {
        let gains = [1.0, 0.5, 0.0].map(|x| bets().map(|bet| 1.0 + bet * (x / mean - 1.0)));
        Self {
            gains,
            held: [1.0; betting::BETS],
            enough: betting::BETS as f64 / alpha,
        }
    }

    fn bet(&mut self, outcome: usize) {
        for (held, gain) in self.held.iter_mut().zip(&self.gains[outcome]) {
            // Held below what would overflow: far beyond what refutes any claim.
            *held = (*held * gain).min(1e300);
        }
    }

    fn is_refuted(&self) -> bool {
        self.held.iter().sum::<f64>() > self.enough
    }
}
