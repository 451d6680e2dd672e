//! The `smtp` trigger.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{CheckFacts, Kind, OpenContext, Trigger};
use crate::diag::Problems;
use crate::model::{Fault, Reason};

/// The kind.
pub struct Smtp;

/// Settings of the `smtp` trigger.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SmtpConfig {}

impl Kind for Smtp {
    const EXAMPLE: &'static str = "{}\n";
    type Config = SmtpConfig;

    fn check(_: &SmtpConfig, _: &CheckFacts, _: &mut Problems) {}

    fn open(_: SmtpConfig, _: &OpenContext) -> Result<Box<dyn Trigger>, Fault> {
        Err(Fault::new(Reason::Internal, "not yet"))
    }
}
