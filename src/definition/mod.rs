//! YAML to [`Probe`]: read with positions, checked as a whole, compiled.

mod ahead;
mod available;
mod build;
mod catalog;
mod check;
mod decode;
pub mod expression;
mod expression_cost;
mod expression_explain;
mod expression_names;
#[cfg(test)]
mod expression_tests;
mod expression_values;
mod files;
pub mod known;
mod load;
mod loaded;
mod marks;
mod node;
mod place;
mod print;
mod probe;
pub mod raw;
pub mod reference;
pub mod schema;
mod scope;
#[cfg(test)]
mod scope_tests;
mod secrets;
pub mod template;
mod template_cache;
mod template_filters;
mod template_range;
mod template_scan;
#[cfg(test)]
mod template_tests;
mod template_url;
mod template_values;
mod texts;
mod timeout;
mod traps;
mod yaml;

pub(crate) use build::workspace::public_address;
pub use catalog::Difference;
pub use load::{load, load_after, load_expanded};
pub use loaded::{LoadOptions, Loaded, discover};
pub use marks::Marks;
pub use place::{StorePlace, store_place};
pub use probe::{
    ApiToken, ChannelDef, Cleanup, DestinationDef, Digest, ExpectationDef, Fingerprint, LegDef, Limits,
    Objective, Otlp, Probe, RequestDef, Workspace,
};
pub use raw::{RawProbe, RawWorkspace};
pub use scope::{Explained, RunScope};
pub use secrets::{Environment, ProcessEnvironment};
pub use texts::Texts;
