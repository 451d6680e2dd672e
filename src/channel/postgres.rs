//! The `postgres` channel.

use std::sync::Arc;

use futures::future::BoxFuture;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Channel, Kind, OpenContext};
use crate::diag::Problems;
use crate::model::{Fault, Reason};

/// The kind.
pub struct Postgres;

/// Settings of the `postgres` channel.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PostgresConfig {}

impl Kind for Postgres {
    const EXAMPLE: &'static str = "{}\n";
    const OFFERS: &'static [(&'static str, &'static str)] = &[];
    const SEEN: &'static [(&'static str, &'static str)] = &[];
    type Config = PostgresConfig;

    fn check(_: &PostgresConfig, _: &mut Problems) {}

    fn open(_: PostgresConfig, _: OpenContext) -> BoxFuture<'static, Result<Arc<dyn Channel>, Fault>> {
        Box::pin(async { Err(Fault::new(Reason::Internal, "not yet")) })
    }
}
