//! Where a value lies along an axis.

use crate::model::Moment;

/// No axis goes further than this from zero: beyond it neighbouring round values could not be told apart.
const MOST: f64 = 1e15;
/// The least value of a logarithmic axis, in its unit: nothing that is drawn is closer to nothing than a nanosecond.
const LEAST: f64 = 1e-9;

/// From a value to its place along an axis, 0 at its beginning and 1 at its end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    kind: Kind,
    from: f64,
    to: f64,
}

/// How a scale runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Evenly.
    Linear,
    /// Evenly by the logarithm.
    Log,
    /// Evenly, in seconds since 1970.
    Time,
}

/// A moment as the value of a time axis: seconds since 1970.
#[must_use]
#[expect(
    clippy::cast_precision_loss,
    reason = "a microsecond is far below what a drawing shows"
)]
pub fn instant(at: Moment) -> f64 {
    at.0 as f64 / 1e9
}

impl Scale {
    /// Evenly from one value to another. Where the second is not greater, the axis is one unit long.
    #[must_use]
    pub fn linear(from: f64, to: f64) -> Self {
        let from = if from.is_finite() {
            from.clamp(-MOST, MOST)
        } else {
            0.0
        };
        let to = if to.is_finite() && to.min(MOST) > from {
            to
        } else {
            from + from.abs().max(1.0)
        };
        Self {
            kind: Kind::Linear,
            from,
            to: to.min(2.0 * MOST),
        }
    }

    /// By the logarithm, from one value above zero to another. Where the second is not greater, the axis is one decade
    /// long; what is not above zero lies at its beginning.
    #[must_use]
    pub fn log(from: f64, to: f64) -> Self {
        let from = if from.is_finite() {
            from.clamp(LEAST, MOST)
        } else {
            LEAST
        };
        let to = if to.is_finite() && to.min(MOST) > from {
            to
        } else {
            from * 10.0
        };
        Self {
            kind: Kind::Log,
            from,
            to: to.min(10.0 * MOST),
        }
    }

    /// From one moment to another, in seconds since 1970. Where the second is not later, the axis is a minute long.
    #[must_use]
    pub fn time(from: Moment, to: Moment) -> Self {
        let (from, to) = (instant(from), instant(to));
        Self {
            kind: Kind::Time,
            from,
            to: if to > from { to } else { from + 60.0 },
        }
    }

    /// The value at its beginning.
    #[must_use]
    pub const fn from(&self) -> f64 {
        self.from
    }

    /// The value at its end.
    #[must_use]
    pub const fn to(&self) -> f64 {
        self.to
    }

    /// Whether a value lies on it.
    #[must_use]
    pub fn holds(&self, value: f64) -> bool {
        value >= self.from && value <= self.to
    }

    /// The place of a value, 0 to 1; what lies outside is at the edge, and what is no number at the beginning.
    #[must_use]
    pub fn place(&self, value: f64) -> f64 {
        let place = match self.kind {
            Kind::Linear | Kind::Time => (value - self.from) / (self.to - self.from),
            Kind::Log if value <= self.from => 0.0,
            Kind::Log => (value / self.from).ln() / (self.to / self.from).ln(),
        };
        if place.is_nan() {
            0.0
        } else {
            place.clamp(0.0, 1.0)
        }
    }

    pub(super) const fn kind(&self) -> Kind {
        self.kind
    }

    /// What scripts need to read a place off: `linear`, `log` or `time`.
    pub(super) const fn word(&self) -> &'static str {
        match self.kind {
            Kind::Linear => "linear",
            Kind::Log => "log",
            Kind::Time => "time",
        }
    }
}
