//! Raw to checked: legs of routes and inputs, expectations with their defaults, revisions.

mod alerts;
mod leg;
mod plan;
mod probe;
mod revision;
mod shared;
pub(super) mod workspace;

pub(super) use alerts::{defaults as alert_defaults, destinations};
pub(super) use plan::LegPlan;
pub(super) use probe::{ProbeFile, probe};
pub(super) use shared::Shared;
pub(super) use workspace::{Settings, settings, store_location};
