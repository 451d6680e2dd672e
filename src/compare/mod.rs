//! The paired experiment: from records to a word on each route against its baseline. Pure.
//!
//! - [`Experiment`] takes in records and skips in any order, of a running experiment or of history, and holds what can be
//!   said of them; [`Setup`] declares the comparisons beforehand.
//! - [`Sample`] is what is kept of a run; [`Metric`] makes of two runs of a tick better, same or worse.
//! - [`samples()`] compares two sets of runs that were not paired.
//! - [`Comparison`] is what all of them come out as, and what `--format json` prints.
//!
//! Ticks are counted in the order in which they were due, each only once every earlier one has ended: a delivery is known
//! sooner than a loss, and whoever counted runs as they end would look at the deliveries first. Whatever rests on data (the
//! dead zone, the usual content) rests on earlier ticks alone. So each look sees a tick that nothing of it has foretold,
//! which is what a verdict that holds at every look assumes.

mod arrange;
mod contest;
mod course;
mod effect;
mod experiment;
mod judge;
mod median;
mod metric;
mod notes;
mod outcome;
mod sample;
mod samples;
mod sets;
mod setup;
mod standing;
mod tally;
#[cfg(test)]
mod tests;
mod units;

pub use arrange::arrangement;
pub use experiment::Experiment;
pub use metric::Metric;
pub use outcome::{
    Apart, Compared, Comparison, CoursePoint, Effect, End, Limits, Role, RouteFigures, Schedule, Skew,
    Source, Terms, Ticks,
};
pub use sample::Sample;
pub use samples::samples;
pub use sets::Side;
pub use setup::{Looking, Setup};
