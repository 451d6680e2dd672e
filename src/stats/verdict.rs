//! The five words of a comparison, each with its interval, its guarantee and what it would still take.

use schemars::JsonSchema;
use serde::Serialize;

use super::betting;
use super::error::{exact, open_share};
use super::paired::{mcnemar_of, tango_of};
use super::planning::ticks_for_no_difference;
use super::special::{first_count, two_sided_z};
use super::ticks::Counts;
use super::{Bounds, StatError};

/// The margin of a comparison of success, where nothing else is said.
pub const MARGIN: f64 = 0.05;
/// The margin of a comparison of latency, where nothing else is said.
pub const LATENCY_MARGIN: f64 = 0.10;
/// The share of skipped ticks above which no verdict is given.
pub const SKIPPED_SHARE: f64 = 0.05;
/// Ticks beyond which no forecast is made.
pub const FARTHEST: u64 = 1_000_000_000;

/// What is said of a route against its baseline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
pub enum Word {
    /// It is shown to be better.
    #[serde(rename = "better")]
    Better,
    /// It is shown to be worse.
    #[serde(rename = "worse")]
    Worse,
    /// It is shown to be worse, and by less than the margin.
    #[serde(rename = "worse, within margin")]
    WorseWithinMargin,
    /// A loss beyond the margin is ruled out.
    #[serde(rename = "no difference shown")]
    NoDifference,
    /// None of these can be said yet.
    #[serde(rename = "not enough runs")]
    NotEnough,
}

/// How often one may look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Once, at a number of ticks fixed beforehand: Tango's interval and McNemar's mid-p.
    Fixed,
    /// Whenever one likes: the betting mixture.
    Sequential,
}

/// What is compared, and how.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Question {
    /// The loss that does not matter, above 0 and below 1.
    pub margin: f64,
    /// How often one may look.
    pub mode: Mode,
    /// The confidence, above 0 and below 1. Of several comparisons in one report each takes
    /// [`family::confidence`](super::family::confidence).
    pub conf: f64,
    /// Whether neither side is a baseline: then a gain beyond the margin must be ruled out too.
    pub peers: bool,
}

/// The answer.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Verdict {
    /// The word.
    pub word: Word,
    /// Whether it is worse by more than the margin.
    pub beyond_margin: bool,
    /// What was counted.
    pub counts: Counts,
    /// The net share of ticks at which it was better, -1 to 1; `None` without a tick.
    pub net: Option<f64>,
    /// Its limits; -1 to 1 without a tick.
    pub bounds: Bounds,
    /// McNemar's mid-p, where one looks once.
    pub mid_p: Option<f64>,
    /// What was asked.
    pub question: Question,
    /// About how many ticks more, at this rate, lead to another word than `not enough runs`: 0 for any other, `None`
    /// where [`FARTHEST`] would not do.
    pub more_ticks: Option<u64>,
}

/// Why no verdict is given at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Withheld {
    /// More than a fifth of the runs were not observed.
    Blind,
    /// More than a twentieth of the ticks were skipped.
    Skipped,
}

impl Word {
    /// The word as it is printed.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::Worse => "worse",
            Self::WorseWithinMargin => "worse, within margin",
            Self::NoDifference => "no difference shown",
            Self::NotEnough => "not enough runs",
        }
    }

    /// The exit code for CI: 0 for better, no difference and worse within the margin, 1 for worse, 3 for not enough.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Better | Self::NoDifference | Self::WorseWithinMargin => 0,
            Self::Worse => 1,
            Self::NotEnough => 3,
        }
    }
}

impl Verdict {
    /// For how many looks it holds, in words. `since` says where the comparison started: it is told of one that holds at
    /// every look.
    #[must_use]
    pub fn guarantee(&self, since: &str) -> String {
        let Counts { better, same, worse } = self.counts;
        match self.question.mode {
            Mode::Fixed => format!("valid for one look at n={}", better + same + worse),
            Mode::Sequential => format!("valid at every look since {since}"),
        }
    }
}

impl Question {
    fn checked(&self) -> Result<(), StatError> {
        open_share("the margin", self.margin)?;
        open_share("the confidence", self.conf)?;
        Ok(())
    }
}

/// The verdict on so many better, same and worse ticks.
///
/// With limits lo, hi of the net share and margin M: lo > 0 is better; hi < 0 is worse, within the margin if lo > -M;
/// else lo > -M (of peers also hi < M) is no difference; else not enough. Where one looks once, better and worse need a
/// mid-p of at most 1 - conf besides. Absence of evidence is never `no difference shown`.
///
/// # Errors
/// A margin or confidence that is not above 0 and below 1, more than 2^53 ticks.
pub fn verdict(counts: Counts, question: Question) -> Result<Verdict, StatError> {
    question.checked()?;
    let n = exact("ticks", counts.ticks()?)?;
    let numbers = [counts.better as f64, counts.same as f64, counts.worse as f64];
    let read = Reading::new(numbers, &question);
    let word = read.word(&question);
    let more_ticks = if word == Word::NotEnough {
        more_ticks(numbers, &question)
    } else {
        Some(0)
    };
    Ok(Verdict {
        word,
        beyond_margin: word == Word::Worse && read.bounds.upper < -question.margin,
        counts,
        net: (n > 0.0).then(|| (numbers[0] - numbers[2]) / n),
        bounds: read.bounds,
        mid_p: read.mid_p,
        question,
        more_ticks,
    })
}

/// The word alone, for those who look at every tick: the same as [`verdict`]'s, at a fraction of its cost.
///
/// # Errors
/// As [`verdict`].
pub fn word(counts: Counts, question: Question) -> Result<Word, StatError> {
    question.checked()?;
    counts.ticks()?;
    let numbers = [counts.better as f64, counts.same as f64, counts.worse as f64];
    Ok(word_from(numbers, &question))
}

/// The same from counts that need not be whole.
fn word_from(numbers: [f64; 3], question: &Question) -> Word {
    if question.mode == Mode::Fixed {
        return Reading::new(numbers, question).word(question);
    }
    let (alpha, margin) = ((1.0 - question.conf) / 2.0, question.margin);
    let above = |d| betting::shows_above(numbers, d, alpha);
    let [better, same, worse] = numbers;
    let below = |d: f64| betting::shows_above([worse, same, better], -d, alpha);
    if above(0.0) {
        Word::Better
    } else if below(0.0) {
        if above(-margin) {
            Word::WorseWithinMargin
        } else {
            Word::Worse
        }
    } else if above(-margin) && (!question.peers || below(margin)) {
        Word::NoDifference
    } else {
        Word::NotEnough
    }
}

/// Why no verdict may be given on a window, if so: above a fifth of its runs unobserved, or above a twentieth of its
/// ticks skipped.
#[must_use]
pub fn withheld(unobserved: u64, runs: u64, skipped: u64, ticks: u64) -> Option<Withheld> {
    if super::alerting::is_blind(unobserved, runs) {
        Some(Withheld::Blind)
    } else if super::shares::share(skipped, ticks).is_some_and(|part| part > SKIPPED_SHARE) {
        Some(Withheld::Skipped)
    } else {
        None
    }
}

/// What the ticks say before a word is made of it.
struct Reading {
    bounds: Bounds,
    mid_p: Option<f64>,
}

impl Reading {
    fn new(numbers: [f64; 3], question: &Question) -> Self {
        let [better, same, worse] = numbers;
        let n = better + same + worse;
        let bounds = match question.mode {
            _ if n <= 0.0 => Bounds {
                lower: -1.0,
                upper: 1.0,
            },
            Mode::Fixed => tango_of(better, worse, n, two_sided_z(question.conf)),
            Mode::Sequential => betting::difference_of(numbers, (1.0 - question.conf) / 2.0),
        };
        let mid_p = (question.mode == Mode::Fixed).then(|| mcnemar_of(better, worse).mid_p);
        Self { bounds, mid_p }
    }

    fn word(&self, question: &Question) -> Word {
        let Bounds { lower, upper } = self.bounds;
        let sure = self.mid_p.is_none_or(|p| p <= 1.0 - question.conf);
        if lower > 0.0 && sure {
            Word::Better
        } else if upper < 0.0 && sure {
            if lower > -question.margin {
                Word::WorseWithinMargin
            } else {
                Word::Worse
            }
        } else if lower > -question.margin && (!question.peers || upper < question.margin) {
            Word::NoDifference
        } else {
            Word::NotEnough
        }
    }
}

/// About how many more ticks at the rates seen so far lead to a word: all counts grown alike, the smallest number that
/// does.
fn more_ticks(numbers: [f64; 3], question: &Question) -> Option<u64> {
    let n: f64 = numbers.iter().sum();
    if n <= 0.0 {
        return ticks_for_no_difference(question.margin, question.mode, question.conf).ok();
    }
    let resolved = |more: u64| {
        let grown = numbers.map(|count| count * (1.0 + more as f64 / n));
        word_from(grown, question) != Word::NotEnough
    };
    let mut bound = 1;
    while bound < FARTHEST && !resolved(bound) {
        bound *= 2;
    }
    first_count(bound / 2 + 1, bound, resolved)
}
