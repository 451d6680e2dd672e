//! The core: when to fire, what belongs to which run, what a run ends as. Pure: events in, commands out.

pub mod schedule;
