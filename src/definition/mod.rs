//! YAML to [`Probe`]: read with positions, checked as a whole, compiled.

mod probe;
mod scope;

pub use probe::{
    ChannelDef, Cleanup, ExpectationDef, Fingerprint, LegDef, Limits, Objective, Probe, RequestDef, Workspace,
};
pub use scope::{Explained, RunScope};
