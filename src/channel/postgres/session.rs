//! A read-only session, and what its errors mean.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgDatabaseError};
use sqlx::{AssertSqlSafe, ConnectOptions, Error, Executor};

use crate::model::{Fault, Reason};
use crate::tls::{told_of, within};

/// Connects and makes the session one that cannot write and cannot wait for ever.
pub(super) async fn connect(options: &PgConnectOptions, timeout: Duration) -> Result<PgConnection, Fault> {
    let mut connection = options.connect().await.map_err(|e| fault(&e, options))?;
    let millis = timeout.as_millis();
    // Lock waits end before the statement does, so that they can be told as what they are.
    let lock = (millis * 4 / 5).max(1);
    let settings = format!(
        "SET default_transaction_read_only = on; SET statement_timeout = {millis}; SET lock_timeout = {lock}; \
         SET idle_in_transaction_session_timeout = {millis}"
    );
    connection
        .execute(AssertSqlSafe(settings))
        .await
        .map_err(|e| fault(&e, options))?;
    Ok(connection)
}

/// An error by its message and code. (The driver's own text adds a line of the server's source.)
pub(super) fn fault(error: &Error, options: &PgConnectOptions) -> Fault {
    let at = format!("{}:{}", options.get_host(), options.get_port());
    match error {
        Error::Database(said) => {
            let code = said.code().unwrap_or_default().into_owned();
            let reason = match code.as_str() {
                "57014" | "55P03" => Reason::Timeout,
                "53300" => Reason::Throttled,
                "42501" => Reason::Auth,
                c if c.starts_with("28") => Reason::Auth,
                c if c.starts_with("57P") || c.starts_with("08") => Reason::Unreachable,
                _ => Reason::Status,
            };
            let hint = match code.as_str() {
                "42883" | "42804" => {
                    Some("`:keys` is a text[]: cast the column, as in `ref::text = ANY(:keys)`")
                }
                "25006" => Some("the session is read-only: a channel only looks"),
                "57014" => Some("the query took longer than `timeout`"),
                "55P03" => Some("another session holds the lock"),
                _ => said
                    .try_downcast_ref::<PgDatabaseError>()
                    .and_then(PgDatabaseError::hint),
            };
            let hint = hint.map(|h| format!("; {h}")).unwrap_or_default();
            Fault::new(reason, format!("{at} said: {} ({code}){hint}", said.message()))
        }
        // The driver takes a handshake that fails for an error of the connection.
        Error::Io(e) if let Some(tls) = within(e) => {
            let told = told_of(tls, "`sslrootcert`, a part of `url`");
            Fault::new(Reason::Tls, format!("{at}: {told}"))
        }
        Error::Io(e) => {
            let text = e.to_string();
            let reason = match e.kind() {
                _ if text.contains("lookup") => Reason::Dns,
                std::io::ErrorKind::TimedOut => Reason::Timeout,
                std::io::ErrorKind::ConnectionReset
                | std::io::ErrorKind::BrokenPipe
                | std::io::ErrorKind::ConnectionAborted
                | std::io::ErrorKind::UnexpectedEof => Reason::Reset,
                _ => Reason::Unreachable,
            };
            Fault::new(reason, format!("{at}: {text}"))
        }
        Error::Tls(e) => Fault::new(Reason::Tls, format!("{at}: {e} (sslmode is part of `url`)")),
        Error::Protocol(e) => Fault::new(Reason::Protocol, format!("{at}: {e}")),
        Error::PoolTimedOut => Fault::new(Reason::Timeout, format!("{at}: no connection in time")),
        // These can quote the address with its password.
        Error::Configuration(_) => Fault::new(Reason::Input, "`url` is no address of a PostgreSQL server"),
        other => Fault::new(Reason::Protocol, format!("{at}: {other}")),
    }
}

/// Whether one row can be the cause: a value out of range, JSON that is none, a result too large.
pub(super) fn spoilt(error: &Error) -> bool {
    let code = error.as_database_error().and_then(|e| e.code());
    code.is_some_and(|c| c.starts_with("22") || c.starts_with("54") || c == "53200" || c == "21000")
}
