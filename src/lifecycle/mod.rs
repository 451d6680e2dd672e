//! The core: when to fire, what belongs to which run, what a run ends as. Pure: events in, commands out.
//!
//! [`Machine::handle`] is the only place that changes a run's state. [`judge`](judge::judge) is a function of what is
//! known of a run, so that the order in which things became known cannot matter.

pub mod agenda;
mod correlate;
mod event;
pub mod judge;
mod machine;
mod resumed;
mod run;
pub mod schedule;

pub use correlate::{Unclaimed, UnclaimedLimits};
pub use event::{Command, Due, DueLeg, Event, Limits, Seen, StrayReason};
pub use judge::{Finding, Judgement};
pub use machine::{Machine, Settings, looked_for_until};
pub use resumed::{Ended, Firing, Judged, Resumed};
pub use run::{Answered, Arrival, Gap, Phase, Resumption, Run};

#[cfg(test)]
mod tests;
