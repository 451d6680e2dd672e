//! An interval of a figure.

use serde::Serialize;

/// The limits between which a figure lies, with the confidence that the function which made them was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Bounds {
    /// The lower limit.
    pub lower: f64,
    /// The upper limit.
    pub upper: f64,
}

impl Bounds {
    /// Whether a value lies inside, the limits included.
    #[must_use]
    pub fn contains(&self, value: f64) -> bool {
        self.lower <= value && value <= self.upper
    }

    /// How far apart the limits are.
    #[must_use]
    pub fn width(&self) -> f64 {
        self.upper - self.lower
    }

    /// The same interval seen from the other side: of the negated figure.
    #[must_use]
    pub fn negated(&self) -> Self {
        Self {
            lower: -self.upper,
            upper: -self.lower,
        }
    }
}
