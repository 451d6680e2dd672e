//! The `http` trigger.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{CheckFacts, Kind, OpenContext, Trigger};
use crate::diag::Problems;
use crate::model::{Fault, Reason};

/// The kind.
pub struct Http;

/// Settings of the `http` trigger.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HttpConfig {}

impl Kind for Http {
    const EXAMPLE: &'static str = "{}\n";
    type Config = HttpConfig;

    fn check(_: &HttpConfig, _: &CheckFacts, _: &mut Problems) {}

    fn open(_: HttpConfig, _: &OpenContext) -> Result<Box<dyn Trigger>, Fault> {
        Err(Fault::new(Reason::Internal, "not yet"))
    }
}
