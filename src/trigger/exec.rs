//! The `exec` trigger.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{CheckFacts, Kind, OpenContext, Trigger};
use crate::diag::Problems;
use crate::model::{Fault, Reason};

/// The kind.
pub struct Exec;

/// Settings of the `exec` trigger.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExecConfig {}

impl Kind for Exec {
    const EXAMPLE: &'static str = "{}\n";
    type Config = ExecConfig;

    fn check(_: &ExecConfig, _: &CheckFacts, _: &mut Problems) {}

    fn open(_: ExecConfig, _: &OpenContext) -> Result<Box<dyn Trigger>, Fault> {
        Err(Fault::new(Reason::Internal, "not yet"))
    }
}
