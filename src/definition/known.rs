//! What the checks of templates and expressions hand to the loader.

use std::ops::Range;

/// A dotted reference, part by part: `vars.base` is `["vars", "base"]`.
pub type NamePath = Vec<String>;

/// What every run has a value of, with a sentence each: what templates and expressions name, what nothing else may be
/// called, and what the reference tells.
pub(super) const ROOTS: &[(&str, &str)] = &[
    ("token", "the run's correlation token"),
    ("run", "the run's id"),
    ("tick", "the scheduled instant, RFC 3339"),
    ("probe", "the probe's name"),
    ("route", "the route's `vars`, and `route.name`"),
    ("input", "the input that is sent"),
    (
        "channels",
        "what each channel offers: `channels.hooks.url`, `channels.inbox.address`",
    ),
    ("vars", "the workspace's `vars`"),
    (
        "response",
        "the answer, once it is there: `status`, `headers`, `body`, `json` and `seconds`",
    ),
    ("seen", "one observation, in `where`, `expect` and `key`"),
];

/// Something wrong in a template or an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextError {
    /// Bytes of the source that the problem is about.
    pub range: Range<usize>,
    /// What is wrong and what to do: a lower-case fragment.
    pub message: String,
}

impl TextError {
    /// A problem at a place.
    pub fn new(range: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            range,
            message: message.into(),
        }
    }
}

/// The known word nearest to `word`, where one is near enough to have been meant.
#[must_use]
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= 1.max(candidate.len().min(word.len()) / 3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}
