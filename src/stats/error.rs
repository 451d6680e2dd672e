//! What a figure cannot be computed from.

use serde::Serialize;
use thiserror::Error;

/// Counts above this are not exact as an `f64`: 2^53.
pub const MAX_COUNT: u64 = 1 << 53;

/// Why a figure is not stated. Each variant's message is one whole sentence: what, its value, what it must be.
#[derive(Clone, Debug, Error, PartialEq, Serialize)]
pub enum StatError {
    /// There is nothing to compute from.
    #[error("there are no {what}: a figure of nothing is not stated")]
    Empty {
        /// What is missing, in the plural.
        what: &'static str,
    },
    /// There is something, and less than the figure needs.
    #[error("{got} {what} are too few: {need} are needed")]
    TooFew {
        /// What there is too little of, in the plural.
        what: &'static str,
        /// How many there are.
        got: u64,
        /// How many are needed.
        need: u64,
    },
    /// A number outside its domain. Not-a-number is outside every domain.
    #[error("{what} is {value} and must be {expected}")]
    Domain {
        /// What the number is.
        what: &'static str,
        /// The number.
        value: f64,
        /// Its domain, in words.
        expected: &'static str,
    },
    /// A number of a list outside its domain.
    #[error("{what} number {position} is {value} and must be {expected}")]
    Element {
        /// What the number is, in the singular.
        what: &'static str,
        /// Its place in the list, from 1.
        position: usize,
        /// The number.
        value: f64,
        /// Its domain, in words.
        expected: &'static str,
    },
    /// More of a kind than there are in all.
    #[error("{part} {part_what} are more than {whole} {whole_what}")]
    Exceeds {
        /// What the part counts.
        part_what: &'static str,
        /// The part.
        part: u64,
        /// What the whole counts.
        whole_what: &'static str,
        /// The whole.
        whole: u64,
    },
    /// A count that `f64` cannot hold exactly.
    #[error("{value} {what} are too many: counts are exact up to 9007199254740992")]
    TooMany {
        /// What is counted.
        what: &'static str,
        /// The count; where a sum passed what 64 bits hold, the largest that they do.
        value: u64,
    },
    /// Two lists that go side by side and have different lengths.
    #[error("there are {left} {left_what} and {right} {right_what}: they must be as many")]
    Unequal {
        /// What the one lists.
        left_what: &'static str,
        /// How many.
        left: usize,
        /// What the other lists.
        right_what: &'static str,
        /// How many.
        right: usize,
    },
    /// Two numbers in the wrong order.
    #[error("{low_what} ({low}) must be {relation} {high_what} ({high})")]
    Order {
        /// What must be the lower.
        low_what: &'static str,
        /// Its value.
        low: f64,
        /// `below` or `at most`.
        relation: &'static str,
        /// What must be the higher.
        high_what: &'static str,
        /// Its value.
        high: f64,
    },
    /// A search that found nothing within its bound.
    #[error("no {what} up to {bound} suffices")]
    OutOfReach {
        /// What was searched for.
        what: &'static str,
        /// Where the search ended.
        bound: u64,
    },
    /// A histogram refused.
    #[error("the histogram cannot take this: {reason}")]
    Histogram {
        /// Its own words.
        reason: String,
    },
}

/// Refuses all but a number strictly between 0 and 1.
pub(super) fn open_share(what: &'static str, value: f64) -> Result<f64, StatError> {
    if value > 0.0 && value < 1.0 {
        return Ok(value);
    }
    let expected = "above 0 and below 1";
    Err(StatError::Domain {
        what,
        value,
        expected,
    })
}

/// Refuses all but a number from 0 to 1.
pub(super) fn share(what: &'static str, value: f64) -> Result<f64, StatError> {
    if (0.0..=1.0).contains(&value) {
        return Ok(value);
    }
    let expected = "from 0 to 1";
    Err(StatError::Domain {
        what,
        value,
        expected,
    })
}

/// Refuses all but a finite number above 0.
pub(super) fn positive(what: &'static str, value: f64) -> Result<f64, StatError> {
    if value > 0.0 && value.is_finite() {
        return Ok(value);
    }
    let expected = "a finite number above 0";
    Err(StatError::Domain {
        what,
        value,
        expected,
    })
}

/// Refuses all but a finite number of 0 or more.
pub(super) fn not_negative(what: &'static str, value: f64) -> Result<f64, StatError> {
    if value >= 0.0 && value.is_finite() {
        return Ok(value);
    }
    let expected = "a finite number of 0 or more";
    Err(StatError::Domain {
        what,
        value,
        expected,
    })
}

/// Refuses all but a finite number.
pub(super) fn finite(what: &'static str, value: f64) -> Result<f64, StatError> {
    if value.is_finite() {
        return Ok(value);
    }
    let expected = "a finite number";
    Err(StatError::Domain {
        what,
        value,
        expected,
    })
}

/// A count as a number, if it is not 0 and is held exactly.
pub(super) fn some(what: &'static str, count: u64) -> Result<f64, StatError> {
    if count == 0 {
        return Err(StatError::Empty { what });
    }
    exact(what, count)
}

/// A count as a number, if it is held exactly.
pub(super) fn exact(what: &'static str, count: u64) -> Result<f64, StatError> {
    if count > MAX_COUNT {
        return Err(StatError::TooMany { what, value: count });
    }
    Ok(count as f64)
}

/// A part and its whole as numbers; the whole is not 0.
pub(super) fn of(
    part_what: &'static str,
    part: u64,
    whole_what: &'static str,
    whole: u64,
) -> Result<(f64, f64), StatError> {
    let n = some(whole_what, whole)?;
    if part > whole {
        return Err(StatError::Exceeds {
            part_what,
            part,
            whole_what,
            whole,
        });
    }
    Ok((exact(part_what, part)?, n))
}

/// The sum of counts, if it is held exactly.
pub(super) fn sum(what: &'static str, counts: impl IntoIterator<Item = u64>) -> Result<u64, StatError> {
    let mut total = 0_u64;
    for count in counts {
        total = total.saturating_add(count);
    }
    exact(what, total).map(|_| total)
}

/// Refuses durations that are negative, infinite or not numbers.
pub(super) fn durations(what: &'static str, seconds: &[f64]) -> Result<(), StatError> {
    durations_of(what, seconds.iter().copied())
}

/// The same for durations that do not lie in a row.
pub(super) fn durations_of(
    what: &'static str,
    seconds: impl IntoIterator<Item = f64>,
) -> Result<(), StatError> {
    let wrong = |s: &f64| !(*s >= 0.0 && s.is_finite());
    match seconds.into_iter().enumerate().find(|(_, s)| wrong(s)) {
        None => Ok(()),
        Some((at, value)) => Err(StatError::Element {
            what,
            position: at + 1,
            value,
            expected: "a finite number of seconds, 0 or more",
        }),
    }
}

/// Refuses lists of different lengths.
pub(super) fn as_many(
    left_what: &'static str,
    left: usize,
    right_what: &'static str,
    right: usize,
) -> Result<(), StatError> {
    if left == right {
        return Ok(());
    }
    Err(StatError::Unequal {
        left_what,
        left,
        right_what,
        right,
    })
}

/// A number as a count, if it is one that is held exactly.
pub(super) fn count_of(what: &'static str, value: f64) -> Result<u64, StatError> {
    let bound = MAX_COUNT;
    if value.is_finite() && value >= 0.0 && value <= bound as f64 {
        return Ok(value as u64);
    }
    Err(StatError::OutOfReach {
        what: if what.is_empty() { "count" } else { what },
        bound,
    })
}
