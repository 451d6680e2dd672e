//! One series under a gate: its runs in the order in which they were fired, and what they add up to so far.
//!
//! Runs end out of their order: what is delivered ends at once, what is lost only when its grace has passed. A gate that
//! counted runs as they end would count the good ones first and pass nearly anything. So runs count in the order in which
//! they were fired, as far as the first that is still open.

use schemars::JsonSchema;
use serde::Serialize;

use super::super::alerting::is_blind;
use super::{Gate, GateWord};

/// What became of a run, as far as a gate goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Delivered.
    Success,
    /// Ended otherwise.
    Failure,
    /// Nobody saw how it ended: it does not count.
    Unobserved,
    /// It never left: it does not count.
    Skipped,
    /// It was ended from outside before it was decided: it does not count, and is no fault of anybody's.
    Cut,
}

/// Why a series needs no more runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SequenceEnd {
    /// There is a word.
    Decided,
    /// As many runs as were allowed have counted, and there is none.
    Cap,
    /// So many did not count (unobserved or skipped) that no word could be given at the cap.
    Missed,
}

/// Where a series stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Standing {
    /// What the gate says.
    pub word: GateWord,
    /// Why it needs no more runs; `None` while it does.
    pub end: Option<SequenceEnd>,
    /// Delivered, of the runs that count.
    pub successes: u64,
    /// Ended otherwise, of the runs that count.
    pub failures: u64,
    /// Unobserved, up to the run at which it ended.
    pub unobserved: u64,
    /// Skipped, up to there.
    pub skipped: u64,
    /// ln of P(runs | bad level) / P(runs | good level).
    pub log_ratio: f64,
}

/// The runs of one series in the order in which they were fired.
#[derive(Clone, Debug)]
pub struct Sequence {
    gate: Gate,
    cap: u64,
    fates: Vec<Option<Fate>>,
}

impl Standing {
    /// Runs that count.
    #[must_use]
    pub fn counted(&self) -> u64 {
        self.successes + self.failures
    }
}

impl Sequence {
    /// A series without a run; it ends without a word when `cap` runs have counted.
    #[must_use]
    pub fn new(gate: Gate, cap: u64) -> Self {
        Self {
            gate,
            cap,
            fates: Vec::new(),
        }
    }

    /// How many unobserved runs and skips are put up with: one more, and even at the cap over a fifth of the runs would
    /// be unobserved, at which no figure says anything.
    #[must_use]
    pub fn may_miss(cap: u64) -> u64 {
        (cap / 4).max(1)
    }

    /// Notes that a run is fired; the result is its number.
    pub fn fired(&mut self) -> usize {
        self.fates.push(None);
        self.fates.len() - 1
    }

    /// Notes what became of a run; a later word on it stands in place of the earlier.
    pub fn ended(&mut self, number: usize, fate: Fate) {
        if let Some(known) = self.fates.get_mut(number) {
            *known = Some(fate);
        }
    }

    /// Runs that are open.
    #[must_use]
    pub fn open(&self) -> usize {
        self.fates.iter().filter(|fate| fate.is_none()).count()
    }

    /// Where it stands, by the runs up to the first that is open.
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.replay(self.fates.iter().map_while(|fate| *fate))
    }

    /// Whether a run fired now could matter: not where those that are open would end it if all of them were delivered.
    #[must_use]
    pub fn wants_a_run(&self) -> bool {
        let best = self.fates.iter().map(|fate| fate.unwrap_or(Fate::Success));
        self.replay(best).end.is_none()
    }

    fn replay(&self, fates: impl Iterator<Item = Fate>) -> Standing {
        let mut now = Standing {
            word: GateWord::NotEnough,
            end: None,
            successes: 0,
            failures: 0,
            unobserved: 0,
            skipped: 0,
            log_ratio: 0.0,
        };
        for fate in fates {
            let count = match fate {
                Fate::Success => &mut now.successes,
                Fate::Failure => &mut now.failures,
                Fate::Unobserved => &mut now.unobserved,
                Fate::Skipped => &mut now.skipped,
                Fate::Cut => continue,
            };
            *count += 1;
            self.look(&mut now);
            if now.end.is_some() {
                break;
            }
        }
        now
    }

    fn look(&self, now: &mut Standing) {
        let passage = self.gate.at(now.successes, now.failures);
        now.log_ratio = passage.log_ratio;
        let blind = is_blind(now.unobserved, now.counted() + now.unobserved);
        if passage.word != GateWord::NotEnough && !blind {
            (now.word, now.end) = (passage.word, Some(SequenceEnd::Decided));
        } else if now.counted() >= self.cap {
            now.end = Some(SequenceEnd::Cap);
        } else if now.unobserved + now.skipped > Self::may_miss(self.cap) {
            now.end = Some(SequenceEnd::Missed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use Fate::{Cut, Failure, Skipped, Success, Unobserved};

    fn of(fates: &[Fate]) -> Sequence {
        let mut sequence = Sequence::new(Gate::ci(), Gate::CAP);
        for fate in fates {
            let number = sequence.fired();
            sequence.ended(number, *fate);
        }
        sequence
    }

    #[test]
    fn it_stops_at_the_first_word() {
        let good = of(&[Success; 20]).standing();
        assert_eq!(
            (good.word, good.end),
            (GateWord::Good, Some(SequenceEnd::Decided))
        );
        assert_eq!(
            (good.successes, good.failures),
            (15, 0),
            "what came after does not count"
        );
        let bad = of(&[Failure, Success, Success]).standing();
        assert_eq!((bad.word, bad.counted()), (GateWord::Bad, 1));
        let waits = of(&[Success; 14]);
        assert_eq!(
            (waits.standing().word, waits.standing().end),
            (GateWord::NotEnough, None)
        );
        assert!(waits.wants_a_run());
    }

    #[test]
    fn runs_count_in_the_order_in_which_they_were_fired() {
        let mut sequence = of(&[]);
        let first = sequence.fired();
        for _ in 0..14 {
            let number = sequence.fired();
            sequence.ended(number, Success);
        }
        // Fourteen good runs have ended, and the one before them has not.
        assert_eq!(sequence.standing().counted(), 0);
        assert!(
            !sequence.wants_a_run(),
            "if the open one is delivered, it has passed"
        );
        assert_eq!(sequence.open(), 1);
        sequence.ended(first, Failure);
        assert_eq!(sequence.standing().word, GateWord::Bad);
        // An amendment takes the place of what was said before.
        sequence.ended(first, Success);
        assert_eq!(sequence.standing().word, GateWord::Good);
    }

    #[test]
    fn no_more_are_fired_than_could_matter() {
        let mut sequence = of(&[]);
        let mut fired = 0;
        while sequence.wants_a_run() {
            sequence.fired();
            fired += 1;
        }
        assert_eq!(fired, 15);
        // A loss after two that were delivered: no word yet, and fifteen are no longer enough.
        sequence.ended(0, Success);
        sequence.ended(1, Success);
        sequence.ended(2, Failure);
        assert!(sequence.standing().end.is_none() && sequence.wants_a_run());
    }

    #[test]
    fn the_cap_ends_it_without_a_word() {
        let mut fates = vec![Success; 45];
        for place in [5, 20, 40] {
            fates[place] = Failure;
        }
        let standing = of(&fates).standing();
        assert_eq!(standing.end, Some(SequenceEnd::Cap));
        assert_eq!((standing.word, standing.counted()), (GateWord::NotEnough, 45));
    }

    #[test]
    fn what_was_not_observed_never_counts_and_has_its_bound() {
        let missed = Sequence::may_miss(Gate::CAP);
        assert_eq!(missed, 11);
        let blind = of(&[Unobserved; 20]).standing();
        assert_eq!(blind.end, Some(SequenceEnd::Missed));
        assert_eq!((blind.word, blind.unobserved), (GateWord::NotEnough, missed + 1));
        let skipped = of(&[Skipped; 12]).standing();
        assert_eq!((skipped.end, skipped.skipped), (Some(SequenceEnd::Missed), 12));
        // Fifteen good and four unobserved: over a fifth was not seen. One more good run, and it is not.
        let mut fates = vec![Unobserved; 4];
        fates.extend([Success; 15]);
        assert_eq!(of(&fates).standing().end, None);
        fates.push(Success);
        assert_eq!(of(&fates).standing().word, GateWord::Good);
        // What was cut from outside is nobody's fault.
        assert_eq!(of(&[Cut; 30]).standing().end, None);
    }
}
