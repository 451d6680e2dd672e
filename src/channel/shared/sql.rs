//! What the SQL channels share: the named parameters of a query, and rows as JSON.
//!
//! Values never become part of a statement's text: names are found outside strings, comments and quoted names, and
//! put in as the driver's own parameters.

mod rows;
mod statement;

pub(crate) use rows::{Cell, Row, check_columns, cut_text, found};
pub(crate) use statement::{Dialect, Statement};

use super::poll::Ask;
use crate::diag::{Code, Problems};
use crate::model::{Fault, Free, Lapse, Spanned, Template};
use serde_json::Value;
use std::time::Duration;

/// Runs that one query asks for.
pub(crate) const RUNS_PER_QUERY: usize = 5_000;
/// Columns that are kept of a row.
pub(crate) const COLUMNS: usize = 256;
/// Bytes that are kept of a cell.
pub(crate) const CELL_BYTES: usize = 64 << 10;
/// Bytes that are kept of a row.
pub(crate) const ROW_BYTES: usize = 256 << 10;
/// Rows that are read of one answer.
pub(crate) const ROWS: usize = 20_000;
/// Bytes that are read of one answer.
pub(crate) const ANSWER_BYTES: usize = 64 << 20;

/// Runs that are asked for, one query each, before others may cut in.
pub(crate) const RUNS_PER_TURN: usize = 100;
/// The longest a query may take where nothing is said.
pub(crate) const DEFAULT_TIMEOUT: Lapse = Lapse::secs(5);
/// How often a table is asked while something young is due, where nothing is said.
pub(crate) const DEFAULT_POLL: Lapse = Lapse(crate::channel::POLL_INTERVAL);

/// Checks what the types cannot express; the statement where it can be used.
pub(crate) fn check_query(dialect: Dialect, query: &Spanned<String>, out: &mut Problems) {
    if let Err(wrong) = Statement::parse(dialect, &query.value) {
        let problem = out.error(Code::Setting, query.span, wrong.message, wrong.label);
        if let Some(help) = wrong.help {
            problem.help(help);
        }
    }
}

/// Checks the two times of a polled table.
pub(crate) fn check_times(timeout: &Spanned<Lapse>, poll: &Spanned<Lapse>, out: &mut Problems) {
    for (name, lapse, least, most) in [
        (
            "timeout",
            timeout,
            Duration::from_millis(10),
            Duration::from_secs(60),
        ),
        ("poll", poll, Duration::from_millis(20), Duration::from_secs(3600)),
    ] {
        if lapse.value.0 < least || lapse.value.0 > most {
            let label = format!("from {} to {}", Lapse(least), Lapse(most));
            let message = format!("`{name}` is `{}`, which is out of bounds", lapse.value);
            out.error(Code::Setting, lapse.span, message, label);
        }
    }
}

/// The value of a captured name in one run.
///
/// # Errors
/// It is not known (yet).
pub(crate) fn captured(ask: &Ask, name: &str) -> Result<Value, Fault> {
    ask.scope
        .json(&Free::Text(Template::of(format!("{{{{ {name} }}}}"))))
}
