//! The figures and what they rest on: pure functions from counts and seconds to numbers with their intervals.
//!
//! Nothing here reads a clock, draws without a seed or knows where a number came from. Counts are `u64`, durations are
//! seconds as `f64`, shares and confidences are 0 to 1 (`conf` 0.95 is 95 %), and a latency that never came is `None`.
//! What is outside its domain is a [`StatError`], one exact sentence; no function returns a NaN or panics.
//!
//! - One route: [`shares`], [`clumping`], [`quantiles`], [`survival`], [`consistency`], [`layers`].
//! - Routes against each other: [`agreement`], [`divergence`], [`ticks`], [`verdict`] and [`looks`] on top of [`paired`]
//!   and [`betting`], [`shift`], [`logrank`], [`family`]; not paired: [`apart`].
//! - Before measuring: [`planning`], [`gate`]. While watching: [`alerting`].
//! - Why: [`attribution`], [`change`]. When: [`timing`], [`histogram`].
//!
//! Words rest on intervals ([`verdict`]); absence of evidence is `not enough runs` and never `no difference shown`.

pub mod agreement;
pub mod alerting;
pub mod apart;
pub mod attribution;
pub mod betting;
mod bounds;
pub mod change;
pub mod clumping;
pub mod consistency;
pub mod divergence;
mod error;
pub mod family;
pub mod gate;
pub mod histogram;
pub mod layers;
pub mod logrank;
pub mod looks;
pub mod paired;
pub mod planning;
pub mod quantiles;
pub mod shares;
pub mod shift;
mod special;
pub mod survival;
pub mod ticks;
pub mod timing;
pub mod verdict;

pub use bounds::Bounds;
pub use error::{MAX_COUNT, StatError};

/// The confidence of every interval where none is asked for.
pub const CONFIDENCE: f64 = 0.95;
