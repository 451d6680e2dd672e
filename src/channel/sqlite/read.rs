//! Reads the file. All of this blocks.

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::limits::Limit;
use rusqlite::types::{ToSqlOutput, Value as SqlValue, ValueRef};
use rusqlite::{Connection, Error, ErrorCode, InterruptHandle, OpenFlags, params_from_iter};
use serde_json::{Value, json};

use crate::channel::shared::poll::{Answered, Ask, Failure, Reply};
use crate::channel::shared::sql::{
    self, ANSWER_BYTES, CELL_BYTES, Cell, ROWS, Row, Statement, check_columns, cut_text, found,
};
use crate::clock::Clock;
use crate::model::{Fault, Reason};

/// SQLite refuses a longer string, blob or row: it is never in memory.
const LONGEST_VALUE: i32 = 16 << 20;

/// One connection to the file, and what is asked of it.
pub(super) struct Reader {
    path: PathBuf,
    statement: Statement,
    id: Option<String>,
    timeout: Duration,
    open: Option<Open>,
}

struct Open {
    connection: Connection,
    /// Device and inode: a file that was replaced is opened anew.
    file: (u64, u64),
}

type Interrupt = Mutex<Option<InterruptHandle>>;

impl Reader {
    pub(super) fn new(path: PathBuf, statement: Statement, id: Option<String>, timeout: Duration) -> Self {
        Self {
            path,
            statement,
            id,
            timeout,
            open: None,
        }
    }

    pub(super) fn close(&mut self, interrupt: &Interrupt) {
        *interrupt.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.open = None;
    }

    /// Asks for all of these at once, or one after another where the query is about one run.
    pub(super) fn ask(
        &mut self,
        asks: &[Ask],
        clock: &dyn Clock,
        interrupt: &Interrupt,
    ) -> Result<Answered, Failure> {
        let result = self
            .connect(interrupt)
            .map_err(Failure::Down)
            .and_then(|()| self.read(asks, clock));
        if matches!(result, Err(Failure::Down(_))) {
            self.close(interrupt);
        }
        result
    }

    fn connect(&mut self, interrupt: &Interrupt) -> Result<(), Fault> {
        let path = self.path.display().to_string();
        let unreachable = |message: String| Fault::new(Reason::Unreachable, message);
        let meta = std::fs::metadata(&self.path).map_err(|e| {
            unreachable(format!(
                "cannot open `{path}`: {e} (`path` is relative to the workspace)"
            ))
        })?;
        let file = (meta.dev(), meta.ino());
        if self.open.as_ref().is_some_and(|open| open.file == file) {
            return Ok(());
        }
        self.close(interrupt);
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags)
            .and_then(|connection| {
                // A wait for a lock ends before the question does, so that it can be told as what it is.
                connection.busy_timeout(self.timeout * 4 / 5)?;
                connection.pragma_update(None, "query_only", true)?;
                connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, LONGEST_VALUE)?;
                Ok(connection)
            })
            .map_err(|e| unreachable(format!("cannot open `{path}`: {e}")))?;
        *interrupt.lock().unwrap_or_else(PoisonError::into_inner) = Some(connection.get_interrupt_handle());
        self.open = Some(Open { connection, file });
        Ok(())
    }

    fn read(&self, asks: &[Ask], clock: &dyn Clock) -> Result<Answered, Failure> {
        let connection = match &self.open {
            Some(open) => &open.connection,
            None => {
                return Err(Failure::Down(Fault::new(
                    Reason::Internal,
                    "the file is not open",
                )));
            }
        };
        let refused = |fault| Failure::Down(fault);
        let mut statement = connection
            .prepare_cached(&self.statement.text)
            .map_err(|e| refused(self.fault(&e)))?;
        if !statement.readonly() {
            let message = "the query would write; a channel only reads: write one SELECT";
            return Err(refused(Fault::new(Reason::Input, message)));
        }
        let names: Vec<String> = statement.column_names().iter().map(|n| (*n).to_owned()).collect();
        let batched = self.statement.batched();
        check_columns(&names, batched, self.id.as_deref()).map_err(refused)?;
        let sent = clock.now();
        let mut reply = Reply::default();
        if batched {
            let keys: Vec<&str> = asks.iter().flat_map(|a| a.keys.iter().map(|k| &**k)).collect();
            if !keys.is_empty() {
                let values = [SqlValue::Text(json!(keys).to_string())];
                self.rows(&mut statement, &values, &mut reply, (asks, None))?;
            }
        } else {
            for ask in asks {
                match self.values(ask) {
                    Ok(values) => self.rows(&mut statement, &values, &mut reply, (asks, Some(ask)))?,
                    Err(fault) => reply.unready.push((ask.run, fault)),
                }
            }
        }
        Ok(Answered {
            sent,
            came: clock.now(),
            reply,
        })
    }

    fn values(&self, ask: &Ask) -> Result<Vec<SqlValue>, Fault> {
        let value = |name: &String| {
            Ok(match name.as_str() {
                "keys" => {
                    SqlValue::Text(json!(ask.keys.iter().map(|k| &**k).collect::<Vec<_>>()).to_string())
                }
                "token" => SqlValue::Text(ask.token.as_str().to_owned()),
                name => bindable(sql::captured(ask, name)?),
            })
        };
        self.statement.names.iter().map(value).collect()
    }

    fn rows(
        &self,
        statement: &mut rusqlite::CachedStatement<'_>,
        values: &[SqlValue],
        reply: &mut Reply,
        (asks, owner): (&[Ask], Option<&Ask>),
    ) -> Result<(), Failure> {
        let kinds: Vec<(String, Kind)> = statement
            .columns()
            .iter()
            .map(|c| (c.name().to_owned(), Kind::of(c.decl_type())))
            .collect();
        let bound = params_from_iter(values.iter().map(|v| ToSqlOutput::Borrowed(v.into())));
        let mut rows = statement.query(bound).map_err(|e| self.failure(&e))?;
        let (mut count, mut bytes) = (0, 0);
        while let Some(raw) = rows.next().map_err(|e| self.failure(&e))? {
            if count >= ROWS || bytes >= ANSWER_BYTES {
                let limit = if count >= ROWS {
                    format!("rows per answer ({ROWS})")
                } else {
                    format!("bytes per answer ({ANSWER_BYTES})")
                };
                if owner.is_none() && asks.len() > 1 {
                    // In halves, until the run whose rows these are stands alone.
                    return Err(Failure::Spoilt(Fault::new(Reason::Limit, limit)));
                }
                reply
                    .dropped
                    .push((limit, owner.or(asks.first()).map(|a| a.token)));
                break;
            }
            count += 1;
            let mut row = Row::default();
            for (at, (name, kind)) in kinds.iter().enumerate() {
                let value = raw.get_ref(at).map_err(|e| self.failure(&e))?;
                push(&mut row, name, *kind, value);
            }
            bytes += row.size();
            match found(row, owner.map(|a| a.token.as_str()), self.id.as_deref()) {
                Some(found) => reply.found.push(found),
                None => reply.refused.push(String::from("a row whose `key` is null")),
            }
        }
        Ok(())
    }

    fn failure(&self, error: &Error) -> Failure {
        let fault = self.fault(error);
        let code = match error {
            Error::SqliteFailure(e, _) | Error::SqlInputError { error: e, .. } => Some(e.code),
            _ => None,
        };
        match code {
            // What one row can cause: a value too long, JSON that is none, an overflow.
            Some(ErrorCode::TooBig | ErrorCode::TypeMismatch | ErrorCode::Unknown) | None => {
                Failure::Spoilt(fault)
            }
            Some(_) => Failure::Down(fault),
        }
    }

    fn fault(&self, error: &Error) -> Fault {
        let path = self.path.display();
        let code = error.sqlite_error_code();
        let (reason, help) = match code {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                (Reason::Timeout, "; another process holds its lock")
            }
            Some(ErrorCode::OperationInterrupted) => {
                (Reason::Timeout, "; the query took longer than `timeout`")
            }
            Some(ErrorCode::TooBig) => (Reason::Limit, " (limit: bytes per value read, 16777216)"),
            Some(ErrorCode::CannotOpen | ErrorCode::SystemIoFailure) => (Reason::Unreachable, ""),
            Some(ErrorCode::PermissionDenied | ErrorCode::AuthorizationForStatementDenied) => {
                (Reason::Auth, "")
            }
            _ => (Reason::Status, ""),
        };
        let said = match error {
            Error::SqliteFailure(_, Some(message)) => message.clone(),
            Error::SqlInputError { msg, .. } => msg.clone(),
            other => other.to_string(),
        };
        Fault::new(reason, format!("`{path}`: {said}{help}"))
    }
}

/// What a declared type says beyond what is stored.
#[derive(Clone, Copy)]
enum Kind {
    Plain,
    Bool,
    Json,
}

impl Kind {
    fn of(declared: Option<&str>) -> Self {
        match declared.map(str::to_ascii_uppercase).as_deref() {
            Some("BOOL" | "BOOLEAN") => Self::Bool,
            Some("JSON" | "JSONB") => Self::Json,
            _ => Self::Plain,
        }
    }
}

fn push(row: &mut Row, name: &str, kind: Kind, value: ValueRef<'_>) {
    let mut cut = None;
    let mut content: Vec<u8> = Vec::new();
    let kept = match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(n) if matches!(kind, Kind::Bool) && matches!(n, 0 | 1) => Value::Bool(n == 1),
        ValueRef::Integer(n) => Value::from(n),
        ValueRef::Real(n) => {
            serde_json::Number::from_f64(n).map_or_else(|| Value::String(n.to_string()), Value::Number)
        }
        ValueRef::Text(bytes) => {
            content.extend_from_slice(bytes);
            let text = String::from_utf8_lossy(bytes);
            let (text, had) = cut_text(&text);
            cut = had;
            let parsed = matches!(kind, Kind::Json)
                .then(|| serde_json::from_str(text).ok())
                .flatten();
            parsed.unwrap_or_else(|| Value::String(text.to_owned()))
        }
        ValueRef::Blob(bytes) => {
            content.extend_from_slice(bytes);
            let kept = bytes.get(..CELL_BYTES / 2).unwrap_or(bytes);
            cut = (kept.len() < bytes.len()).then_some(bytes.len() as u64);
            let hex: String = kept.iter().map(|b| format!("{b:02x}")).collect();
            Value::String(format!("\\x{hex}"))
        }
    };
    if content.is_empty() {
        content = kept.to_string().into_bytes();
    }
    let cell = Cell {
        name: name.to_owned(),
        value: kept,
        cut,
    };
    row.push(cell, &content);
}

fn bindable(value: Value) -> SqlValue {
    match value {
        Value::Null => SqlValue::Null,
        Value::Bool(b) => SqlValue::Integer(i64::from(b)),
        Value::String(text) => SqlValue::Text(text),
        Value::Number(n) => match (n.as_i64(), n.as_f64()) {
            (Some(n), _) => SqlValue::Integer(n),
            (None, Some(n)) => SqlValue::Real(n),
            (None, None) => SqlValue::Text(n.to_string()),
        },
        other => SqlValue::Text(other.to_string()),
    }
}
