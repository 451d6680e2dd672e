//! The `http` channel.

use std::sync::Arc;

use futures::future::BoxFuture;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Channel, Kind, OpenContext};
use crate::diag::Problems;
use crate::model::{Fault, Reason};

/// The kind.
pub struct Http;

/// Settings of the `http` channel.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HttpConfig {}

impl Kind for Http {
    const EXAMPLE: &'static str = "{}\n";
    const OFFERS: &'static [(&'static str, &'static str)] = &[];
    const SEEN: &'static [(&'static str, &'static str)] = &[];
    type Config = HttpConfig;

    fn check(_: &HttpConfig, _: &mut Problems) {}

    fn open(_: HttpConfig, _: OpenContext) -> BoxFuture<'static, Result<Arc<dyn Channel>, Fault>> {
        Box::pin(async { Err(Fault::new(Reason::Internal, "not yet")) })
    }
}
