//! The figures and what they rest on: pure functions from counts and seconds to numbers with their intervals.
//!
//! Nothing here reads a clock, draws without a seed or knows where a number came from. Counts are `u64`, durations are
//! seconds as `f64`, shares and confidences are 0 to 1 (`conf` 0.95 is 95 %), and a latency that never came is `None`.
//! What is outside its domain is a [`StatError`], one exact sentence; no function returns a NaN or panics.
//!
//! [`shares`] is what to show and what to claim; [`alerting`] is the arithmetic of alerts.

pub mod alerting;
mod bounds;
mod error;
pub mod shares;
mod special;

pub use bounds::Bounds;
pub use error::{MAX_COUNT, StatError};

/// The confidence of every interval where none is asked for.
pub const CONFIDENCE: f64 = 0.95;
