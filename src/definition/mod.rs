//! YAML to [`Probe`]: read with positions, checked as a whole, compiled.

pub mod expression;
pub mod known;
mod probe;
mod scope;
pub mod template;

mod available;
mod build;
mod check;
mod decode;
mod files;
mod load;
mod node;
mod print;
mod raw;
mod secrets;
mod timeout;
mod traps;

pub use load::{LoadOptions, Loaded, discover, load};
pub use probe::{
    ChannelDef, Cleanup, ExpectationDef, Fingerprint, LegDef, Limits, Objective, Probe, RequestDef, Workspace,
};
pub use raw::{RawProbe, RawWorkspace};
pub use scope::{Explained, RunScope};
pub use secrets::{Environment, ProcessEnvironment};
