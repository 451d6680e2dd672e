//! The `imap` channel.

use std::sync::Arc;

use futures::future::BoxFuture;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Channel, Kind, OpenContext};
use crate::diag::Problems;
use crate::model::{Fault, Reason};

/// The kind.
pub struct Imap;

/// Settings of the `imap` channel.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImapConfig {}

impl Kind for Imap {
    const EXAMPLE: &'static str = "{}\n";
    const OFFERS: &'static [(&'static str, &'static str)] = &[];
    const SEEN: &'static [(&'static str, &'static str)] = &[];
    type Config = ImapConfig;

    fn check(_: &ImapConfig, _: &mut Problems) {}

    fn open(_: ImapConfig, _: OpenContext) -> BoxFuture<'static, Result<Arc<dyn Channel>, Fault>> {
        Box::pin(async { Err(Fault::new(Reason::Internal, "not yet")) })
    }
}
