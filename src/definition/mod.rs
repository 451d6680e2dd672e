//! YAML to [`Probe`]: read with positions, checked as a whole, compiled.

pub mod expression;
mod expression_cost;
mod expression_explain;
mod expression_names;
#[cfg(test)]
mod expression_tests;
mod expression_values;
pub mod known;
mod probe;
mod scope;
#[cfg(test)]
mod scope_tests;
pub mod template;
mod template_cache;
mod template_filters;
mod template_scan;
#[cfg(test)]
mod template_tests;
mod template_url;
mod template_values;

pub use probe::{
    ChannelDef, Cleanup, ExpectationDef, Fingerprint, LegDef, Limits, Objective, Probe, RequestDef, Workspace,
};
pub use scope::{Explained, RunScope};
