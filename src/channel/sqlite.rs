//! The `sqlite` channel: rows of a file, read by one query for all runs that wait.

mod read;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use rusqlite::InterruptHandle;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::shared::poll::{Answered, Ask, Failure, Pace, Polled, Source};
use super::shared::sql::{self, Dialect, RUNS_PER_QUERY, Statement};
use super::{Channel, Kind, OpenContext};
use crate::clock::Clock;
use crate::diag::Problems;
use crate::model::{Fault, Lapse, Reason, Scope, Span, Spanned, Template, Token};
use read::Reader;

/// The kind.
pub struct Sqlite;

/// Rows of an SQLite file. The file is opened read-only, and one query asks for all runs that wait, while any does.
///
/// A row is a state: it is reported when it is first seen and each time its content changes; seeing it again is no
/// duplicate. Rows that differ in identity are several: two rows that stand side by side in one answer are always two.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SqliteConfig {
    /// The file, relative to the workspace.
    path: Template,
    /// One SELECT that gives a column `key` (the token or a captured id) and names the runs that wait as `:keys`:
    /// `WHERE ref IN (:keys)`, `ref IN :keys` or `JOIN json_each(:keys)`. All values are bound, never pasted. With
    /// `:token` or the `:name` of a captured value it is asked once for each run.
    query: Spanned<String>,
    /// The column that tells rows apart. Left out: the column `id` if there is one, else all columns as first seen.
    id: Option<String>,
    /// The longest a query may take, its wait for a lock included.
    #[serde(default = "timeout")]
    timeout: Spanned<Lapse>,
    /// How often the file is asked while something young is due; older waits are asked for less often.
    #[serde(default = "poll")]
    poll: Spanned<Lapse>,
}

fn timeout() -> Spanned<Lapse> {
    Spanned::new(sql::DEFAULT_TIMEOUT, Span::default())
}

fn poll() -> Spanned<Lapse> {
    Spanned::new(sql::DEFAULT_POLL, Span::default())
}

impl Kind for Sqlite {
    const EXAMPLE: &'static str = "path: orders.db\n\
        query: SELECT ref AS key, status, total FROM orders WHERE ref IN (:keys)\n";
    const OFFERS: &'static [(&'static str, &'static str)] = &[("path", "The file, as an absolute path.")];
    const SEEN: &'static [(&'static str, &'static str)] = &[
        ("row", "The row: column names and values."),
        ("cut", "What a limit cut or left out, each with the limit's name."),
    ];
    type Config = SqliteConfig;

    fn check(config: &SqliteConfig, out: &mut Problems) {
        sql::check_query(Dialect::Sqlite, &config.query, out);
        sql::check_times(&config.timeout, &config.poll, out);
    }

    fn open(
        config: SqliteConfig,
        context: OpenContext,
    ) -> BoxFuture<'static, Result<Arc<dyn Channel>, Fault>> {
        Box::pin(async move {
            let statement = Statement::parse(Dialect::Sqlite, &config.query.value)
                .map_err(|wrong| Fault::new(Reason::Input, wrong.message))?;
            let path = context.root.join(context.scope.text(&config.path)?);
            let source = SqliteSource {
                batched: statement.batched(),
                reader: Arc::new(Mutex::new(Reader::new(
                    path.clone(),
                    statement,
                    config.id,
                    config.timeout.value.0,
                ))),
                path,
                interrupt: Arc::default(),
                every: config.poll.value.0,
                timeout: config.timeout.value.0,
                clock: Arc::clone(&context.clock),
            };
            Ok(Arc::new(Polled::new(source, &context)) as Arc<dyn Channel>)
        })
    }
}

struct SqliteSource {
    path: PathBuf,
    batched: bool,
    reader: Arc<Mutex<Reader>>,
    interrupt: Arc<Mutex<Option<InterruptHandle>>>,
    every: Duration,
    timeout: Duration,
    clock: Arc<dyn Clock>,
}

/// Breaks off the query when whoever asked has gone.
struct BreakOff(Arc<Mutex<Option<InterruptHandle>>>, bool);

impl BreakOff {
    fn interrupt(&self) {
        let handle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(handle) = handle.as_ref() {
            handle.interrupt();
        }
    }
}

impl Drop for BreakOff {
    fn drop(&mut self) {
        if self.1 {
            self.interrupt();
        }
    }
}

impl Source for SqliteSource {
    fn pace(&self) -> Pace {
        Pace {
            every: self.every,
            batch: if self.batched {
                RUNS_PER_QUERY
            } else {
                sql::RUNS_PER_TURN
            },
            lanes: 1,
            one_peer: true,
            // The reader ends by itself first; this is for a file system that does not answer.
            timeout: self.timeout * 2 + Duration::from_secs(1),
        }
    }

    fn offers(&self, _: &Token, _: &dyn Scope) -> Result<Value, Fault> {
        Ok(json!({ "path": self.path.display().to_string() }))
    }

    fn read_only(&self) -> &'static str {
        "the file is opened read-only: what writes the rows is the system that is tested"
    }

    fn ask<'a>(&'a self, asks: &'a [Ask]) -> BoxFuture<'a, Result<Answered, Failure>> {
        Box::pin(async move {
            let (reader, interrupt) = (Arc::clone(&self.reader), Arc::clone(&self.interrupt));
            let (asks, clock) = (asks.to_vec(), Arc::clone(&self.clock));
            let mut guard = BreakOff(Arc::clone(&self.interrupt), true);
            let mut read = tokio::task::spawn_blocking(move || match reader.try_lock() {
                Ok(mut reader) => reader.ask(&asks, &*clock, &interrupt),
                Err(_) => Err(Failure::Down(Fault::new(
                    Reason::Timeout,
                    "the query that was given up before has not ended yet",
                ))),
            });
            let answer = match tokio::time::timeout(self.timeout, &mut read).await {
                Ok(answer) => answer,
                Err(_) => {
                    // The reader says itself what it was that took so long.
                    guard.interrupt();
                    read.await
                }
            };
            guard.1 = false;
            answer.unwrap_or_else(|error| {
                Err(Failure::Down(Fault::new(
                    Reason::Internal,
                    format!("the reader broke off: {error}"),
                )))
            })
        })
    }

    fn connections(&self) -> u64 {
        let handle = self.interrupt.lock().unwrap_or_else(PoisonError::into_inner);
        u64::from(handle.is_some())
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            if let Ok(mut reader) = self.reader.try_lock() {
                reader.close(&self.interrupt);
            }
        })
    }
}
