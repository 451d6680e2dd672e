//! The `sqlite` channel.

use std::sync::Arc;

use futures::future::BoxFuture;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Channel, Kind, OpenContext};
use crate::diag::Problems;
use crate::model::{Fault, Reason};

/// The kind.
pub struct Sqlite;

/// Settings of the `sqlite` channel.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SqliteConfig {}

impl Kind for Sqlite {
    const EXAMPLE: &'static str = "{}\n";
    const OFFERS: &'static [(&'static str, &'static str)] = &[];
    const SEEN: &'static [(&'static str, &'static str)] = &[];
    type Config = SqliteConfig;

    fn check(_: &SqliteConfig, _: &mut Problems) {}

    fn open(_: SqliteConfig, _: OpenContext) -> BoxFuture<'static, Result<Arc<dyn Channel>, Fault>> {
        Box::pin(async { Err(Fault::new(Reason::Internal, "not yet")) })
    }
}
