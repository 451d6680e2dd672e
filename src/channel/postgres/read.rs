//! The query, and its rows.
//!
//! The server turns each row into JSON itself, whatever its types, and cuts what is too long before it is sent.

use std::sync::Arc;

use futures::StreamExt;
use serde_json::Value;
use sqlx::postgres::{PgArguments, PgConnectOptions, PgConnection};
use sqlx::{Arguments, AssertSqlSafe, Column, Error, Executor, Row as _, SqlSafeStr, Statement as _};

use super::session::{fault, spoilt};
use crate::channel::shared::poll::{Ask, Failure, Reply};
use crate::channel::shared::sql::{
    self, ANSWER_BYTES, CELL_BYTES, COLUMNS, Cell, ROWS, Row, Statement, check_columns, cut_text, found,
};
use crate::model::{Fault, Reason};

/// What is asked, in the driver's words.
pub(super) struct Query {
    inner: Statement,
    wrapped: Arc<str>,
    id: Option<String>,
}

/// One cell as the server sends it: name, JSON type, text, bytes in all, digest of what was cut.
type Sent = (
    String,
    Option<String>,
    Option<String>,
    Option<u64>,
    Option<String>,
);

impl Query {
    pub(super) fn new(inner: Statement, id: Option<String>) -> Self {
        // One column more than is kept, so that the limit is noticed; one row more, too.
        let wrapped = format!(
            "SELECT (SELECT json_agg(json_build_array(left(c.key, 128), json_typeof(c.value), \
             left(c.value #>> '{{}}', {CELL_BYTES}), octet_length(c.value #>> '{{}}'), \
             CASE WHEN octet_length(c.value #>> '{{}}') > {CELL_BYTES} THEN md5(c.value #>> '{{}}') END)) \
             FROM (SELECT key, value FROM json_each(row_to_json(landfall_row)) LIMIT {columns}) AS c)::text \
             FROM (\n{}\n) AS landfall_row LIMIT {rows}",
            inner.text,
            columns = COLUMNS + 1,
            rows = ROWS + 1,
        );
        Self {
            inner,
            wrapped: wrapped.into(),
            id,
        }
    }

    pub(super) fn batched(&self) -> bool {
        self.inner.batched()
    }

    /// Has the server read the query, so that what is wrong with it is known before a row is there.
    pub(super) async fn prepare(
        &self,
        connection: &mut PgConnection,
        options: &PgConnectOptions,
    ) -> Result<(), Fault> {
        let text = AssertSqlSafe(self.inner.text.clone()).into_sql_str();
        let statement = connection.prepare(text).await.map_err(|e| fault(&e, options))?;
        let names: Vec<String> = statement.columns().iter().map(|c| c.name().to_owned()).collect();
        check_columns(&names, self.batched(), self.id.as_deref())
    }

    /// Asks once: for all of `asks`, or for the one `owner`.
    pub(super) async fn run(
        &self,
        connection: &mut PgConnection,
        options: &PgConnectOptions,
        (asks, owner): (&[Ask], Option<&Ask>),
        reply: &mut Reply,
    ) -> Result<(), Failure> {
        let arguments = match self.bind(asks, owner) {
            Ok(arguments) => arguments,
            Err(fault) => {
                reply.unready.extend(owner.map(|ask| (ask.run, fault)));
                return Ok(());
            }
        };
        let failure = |e: &Error| match spoilt(e) {
            true => Failure::Spoilt(fault(e, options)),
            false => Failure::Down(fault(e, options)),
        };
        let text = AssertSqlSafe(Arc::clone(&self.wrapped));
        let mut rows = sqlx::query_with(text, arguments).fetch(connection);
        let (mut count, mut bytes) = (0, 0);
        let mut over = None;
        while let Some(raw) = rows.next().await {
            let raw = raw.map_err(|e| failure(&e))?;
            let text: Option<&str> = raw.try_get(0).map_err(|e| failure(&e))?;
            if count >= ROWS {
                over = over.or_else(|| Some(format!("rows per answer ({ROWS})")));
            } else if bytes >= ANSWER_BYTES {
                over = over.or_else(|| Some(format!("bytes per answer ({ANSWER_BYTES})")));
            }
            if over.is_some() {
                // The rest is read to keep the session usable, and forgotten.
                continue;
            }
            count += 1;
            let row = decode(text.unwrap_or("[]")).map_err(Failure::Spoilt)?;
            bytes += row.size();
            match found(row, owner.map(|a| a.token.as_str()), self.id.as_deref()) {
                Some(found) => reply.found.push(found),
                None => reply.refused.push(String::from("a row whose `key` is null")),
            }
        }
        match over {
            // In halves, until the run whose rows these are stands alone.
            Some(limit) if owner.is_none() && asks.len() > 1 => {
                Err(Failure::Spoilt(Fault::new(Reason::Limit, limit)))
            }
            Some(limit) => {
                reply
                    .dropped
                    .push((limit, owner.or(asks.first()).map(|a| a.token)));
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn bind(&self, asks: &[Ask], owner: Option<&Ask>) -> Result<PgArguments, Fault> {
        let mut arguments = PgArguments::default();
        for name in &self.inner.names {
            let added = match (name.as_str(), owner) {
                ("keys", _) => {
                    let asks = owner.map_or(asks, std::slice::from_ref);
                    // A text of PostgreSQL cannot hold a NUL, so that no key with one is there.
                    let keys = asks.iter().flat_map(|a| a.keys.iter());
                    arguments.add(
                        keys.filter(|k| !k.contains('\0'))
                            .map(|k| &**k)
                            .collect::<Vec<&str>>(),
                    )
                }
                ("token", Some(ask)) => arguments.add(ask.token.as_str()),
                (name, Some(ask)) => arguments.add(match sql::captured(ask, name)? {
                    Value::Null => None,
                    Value::String(text) => Some(text.replace('\0', "")),
                    other => Some(other.to_string()),
                }),
                (name, None) => {
                    let message = format!("`:{name}` is one run's own");
                    return Err(Fault::new(Reason::Internal, message));
                }
            };
            added.map_err(|e| Fault::new(Reason::Input, format!("`:{name}` cannot be bound: {e}")))?;
        }
        Ok(arguments)
    }
}

fn decode(text: &str) -> Result<Row, Fault> {
    let cells: Vec<Sent> = serde_json::from_str(text).map_err(|e| {
        Fault::new(
            Reason::Protocol,
            format!("a row that the server sent is no JSON: {e}"),
        )
    })?;
    let mut row = Row::default();
    for (name, kind, text, bytes, digest) in cells {
        let cut = digest.is_some();
        // The server counts characters and the limit counts bytes.
        let (kept, had) = cut_text(text.as_deref().unwrap_or_default());
        let value = match (kind.as_deref(), &text) {
            (None | Some("null"), _) | (_, None) => Value::Null,
            (Some("string"), _) => Value::String(kept.to_owned()),
            _ if cut || had.is_some() => Value::String(kept.to_owned()),
            // A number that JSON cannot hold here stays the text that it is.
            _ => serde_json::from_str(kept).unwrap_or_else(|_| Value::String(kept.to_owned())),
        };
        let content = format!(
            "{}{}",
            text.as_deref().unwrap_or("\0"),
            digest.unwrap_or_default()
        );
        let cell = Cell {
            name,
            value,
            cut: bytes.filter(|_| cut).or(had),
        };
        row.push(cell, content.as_bytes());
    }
    Ok(row)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn cells_keep_their_types_and_what_is_cut_is_text() {
        let row = decode(
            r#"[["key","string","k",1,null],["n","number","12.50",5,null],["big","number","1e999",5,null],
                ["o","object","{\"a\":1}",7,null],["cut","object","{\"a\":",99999,"d"],["no","null",null,null,null]]"#,
        );
        let got = found(row.unwrap(), None, None).unwrap();
        assert_eq!(
            got.seen["row"],
            json!({"key": "k", "n": 12.5, "big": "1e999", "o": {"a": 1}, "cut": "{\"a\":", "no": null})
        );
        assert!(
            got.seen["cut"][0]
                .as_str()
                .unwrap()
                .contains("`cut` of 99999 bytes")
        );
        assert!(decode("{").is_err());
    }
}
