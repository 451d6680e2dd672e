//! The `smtp_sink` channel.

use std::sync::Arc;

use futures::future::BoxFuture;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Channel, Kind, OpenContext};
use crate::diag::Problems;
use crate::model::{Fault, Reason};

/// The kind.
pub struct SmtpSink;

/// Settings of the `smtp_sink` channel.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SmtpSinkConfig {}

impl Kind for SmtpSink {
    const EXAMPLE: &'static str = "{}\n";
    const OFFERS: &'static [(&'static str, &'static str)] = &[];
    const SEEN: &'static [(&'static str, &'static str)] = &[];
    type Config = SmtpSinkConfig;

    fn check(_: &SmtpSinkConfig, _: &mut Problems) {}

    fn open(_: SmtpSinkConfig, _: OpenContext) -> BoxFuture<'static, Result<Arc<dyn Channel>, Fault>> {
        Box::pin(async { Err(Fault::new(Reason::Internal, "not yet")) })
    }
}
