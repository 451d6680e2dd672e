//! The `postgres` channel: rows of a PostgreSQL table, read by one query for all runs that wait.

#[cfg(feature = "postgres")]
mod read;
#[cfg(feature = "postgres")]
mod session;
#[cfg(feature = "postgres")]
mod source;

use std::sync::Arc;

use futures::future::BoxFuture;
use schemars::JsonSchema;
use serde::Deserialize;

use super::shared::sql::{self, Dialect};
use super::{Channel, Kind, OpenContext};
use crate::diag::{Code, Problems};
use crate::model::{Fault, Lapse, Secret, Span, Spanned};

/// The kind.
pub struct Postgres;

/// Rows of a PostgreSQL table. The session is read-only, and one query asks for all runs that wait, while any does.
/// Give it a role that may do no more than `SELECT` on what the query names.
///
/// A row is a state: it is reported when it is first seen and each time its content changes; seeing it again is no
/// duplicate. Rows that differ in identity are several: two rows that stand side by side in one answer are always two.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[cfg_attr(
    not(feature = "postgres"),
    expect(
        dead_code,
        reason = "decoded and checked in every build, opened where the client is built in"
    )
)]
pub struct PostgresConfig {
    /// `postgres://user:password@host:port/database?sslmode=verify-full`; `sslmode` and `sslrootcert` as in libpq.
    url: Secret,
    /// One SELECT that gives a column `key` (the token or a captured id) and names the runs that wait as `:keys`, a
    /// `text[]`: `WHERE ref = ANY(:keys)`, or `ref::text = ANY(:keys)` where the column is no text. All values are
    /// bound, never pasted. With `:token` or the `:name` of a captured value (both are text) it is asked once for
    /// each run.
    query: Spanned<String>,
    /// The column that tells rows apart. Left out: the column `id` if there is one, else all columns as first seen.
    id: Option<String>,
    /// A notification channel that the system signals after a change (`NOTIFY orders_changed`): then a look follows at
    /// once, and the table is polled only every 2 s besides, since a notification is a hint and no more.
    notify: Option<Spanned<String>>,
    /// The longest a query, and its wait for a lock, may take.
    #[serde(default = "timeout")]
    timeout: Spanned<Lapse>,
    /// How often the table is asked while something young is due; older waits are asked for less often.
    #[serde(default = "poll")]
    poll: Spanned<Lapse>,
}

fn timeout() -> Spanned<Lapse> {
    Spanned::new(sql::DEFAULT_TIMEOUT, Span::default())
}

fn poll() -> Spanned<Lapse> {
    Spanned::new(sql::DEFAULT_POLL, Span::default())
}

impl Kind for Postgres {
    const EXAMPLE: &'static str = "url: ${env:ORDERS_URL}\n\
        query: SELECT ref AS key, status, total FROM orders WHERE ref = ANY(:keys)\n\
        notify: orders_changed\n";
    const OFFERS: &'static [(&'static str, &'static str)] = &[];
    const SEEN: &'static [(&'static str, &'static str)] = &[
        ("row", "The row: column names and values."),
        ("cut", "What a limit cut or left out, each with the limit's name."),
    ];
    type Config = PostgresConfig;

    fn check(config: &PostgresConfig, out: &mut Problems) {
        sql::check_query(Dialect::Postgres, &config.query, out);
        sql::check_times(&config.timeout, &config.poll, out);
        if let Some(name) = &config.notify
            && (name.value.is_empty() || name.value.len() > 63 || name.value.contains(['"', '\0']))
        {
            let message = format!("`notify: {}` is no name of a notification channel", name.value);
            out.error(Code::Setting, name.span, message, "1 to 63 bytes, no quotes");
        }
    }

    #[cfg(feature = "postgres")]
    fn open(
        config: PostgresConfig,
        context: OpenContext,
    ) -> BoxFuture<'static, Result<Arc<dyn Channel>, Fault>> {
        Box::pin(async move {
            let source = source::PostgresSource::new(&config, &context)?;
            Ok(Arc::new(super::shared::poll::Polled::new(source, &context)) as Arc<dyn Channel>)
        })
    }

    #[cfg(not(feature = "postgres"))]
    fn open(_: PostgresConfig, _: OpenContext) -> BoxFuture<'static, Result<Arc<dyn Channel>, Fault>> {
        let message = "this build of landfall has no PostgreSQL client: build it with `--features postgres`";
        Box::pin(async move { Err(Fault::new(crate::model::Reason::Input, message)) })
    }
}
