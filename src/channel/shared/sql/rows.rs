//! Rows as JSON, with limits that name themselves.

use serde_json::{Map, Value, json};

use super::{CELL_BYTES, COLUMNS, ROW_BYTES};
use crate::channel::shared::poll::Found;
use crate::model::{Fault, Reason};

/// What to do about a query whose rows cannot be told apart by run.
const KEY_HELP: &str = "select the column that holds the token (or the captured id) under that name, as in `SELECT ref AS key, …`";

/// The longest summary, in characters.
const SUMMARY: usize = 160;

/// One value of a row, cut to [`CELL_BYTES`].
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Cell {
    /// The column.
    pub(crate) name: String,
    /// What is kept.
    pub(crate) value: Value,
    /// How many bytes it had, where it was cut.
    pub(crate) cut: Option<u64>,
}

/// One row as it was read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Row {
    cells: Vec<Cell>,
    hash: blake3::Hasher,
    kept: usize,
    left_out: Option<String>,
}

impl Row {
    /// Adds a cell. `content` is all of it (or stands for all of it), so that a change beyond the cut is a change.
    pub(crate) fn push(&mut self, cell: Cell, content: &[u8]) {
        self.hash.update(&(cell.name.len() as u64).to_le_bytes());
        self.hash.update(cell.name.as_bytes());
        self.hash.update(&(content.len() as u64).to_le_bytes());
        self.hash.update(content);
        let size = cell.name.len() + size(&cell.value);
        if self.left_out.is_none() && self.cells.len() >= COLUMNS {
            self.left_out = Some(format!("columns per row ({COLUMNS}), from `{}` on", cell.name));
        } else if self.left_out.is_none() && self.kept + size > ROW_BYTES {
            self.left_out = Some(format!("bytes per row ({ROW_BYTES}), from `{}` on", cell.name));
        }
        if self.left_out.is_none() {
            self.kept += size;
            self.cells.push(cell);
        }
    }

    /// How much of it is kept in memory.
    pub(crate) fn size(&self) -> usize {
        self.kept
    }

    fn text(&self, column: &str) -> Option<String> {
        match &self.cells.iter().find(|c| c.name == column)?.value {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        }
    }
}

/// Whether the query gives the columns that are needed: `key` where it asks for all runs at once, and the declared id.
///
/// # Errors
/// Says which is missing and which there are.
pub(crate) fn check_columns(names: &[String], batched: bool, id: Option<&str>) -> Result<(), Fault> {
    let has = |column: &str| names.iter().any(|n| n == column);
    let (column, help) = match id {
        _ if batched && !has("key") => ("key", KEY_HELP),
        Some(id) if !has(id) => (id, "`id` names the column that tells rows apart"),
        _ => return Ok(()),
    };
    let more = if names.len() > 20 { ", …" } else { "" };
    let names = names
        .iter()
        .take(20)
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(", ");
    let message = format!("the query gives no column `{column}`, only: {names}{more}; {help}");
    Err(Fault::new(Reason::Input, message))
}

/// A row as something found; [`check_columns`] has seen its columns. `owner` is the run's own key where the query
/// asked for one run alone; else the column `key` says whose it is, and `None` is a row that says nobody's. `id` names
/// the column that tells rows apart; without it a column `id` does, if there is one.
pub(crate) fn found(row: Row, owner: Option<&str>, id: Option<&str>) -> Option<Found> {
    let key = match owner {
        Some(owner) => owner.to_owned(),
        None => row.text("key")?,
    };
    let identity = row.text(id.unwrap_or("id"));
    let mut digest = [0; 16];
    digest.copy_from_slice(&row.hash.finalize().as_bytes()[..16]);
    let summary = summary(&row);
    let mut cut: Vec<Value> = Vec::new();
    let mut values = Map::new();
    for cell in row.cells {
        if let Some(bytes) = cell.cut {
            let note = format!(
                "`{}` of {bytes} bytes, at the limit bytes per cell ({CELL_BYTES})",
                cell.name
            );
            cut.push(Value::String(note));
        }
        // Of two columns of one name the first counts, as in the column that `key` means.
        values.entry(cell.name).or_insert(cell.value);
    }
    cut.extend(
        row.left_out
            .map(|limit| Value::String(format!("columns left out at the limit {limit}"))),
    );
    let values = Value::Object(values);
    let mut seen = crate::channel::seen();
    seen.insert(String::from("text"), Value::String(values.to_string()));
    seen.insert(String::from("json"), values.clone());
    seen.insert(String::from("headers"), json!({}));
    seen.insert(String::from("row"), values);
    seen.insert(String::from("cut"), Value::Array(cut));
    Some(Found {
        key,
        id: identity,
        digest,
        seen,
        summary,
    })
}

/// Text cut at a character's end, and how long it was.
pub(crate) fn cut_text(text: &str) -> (&str, Option<u64>) {
    if text.len() <= CELL_BYTES {
        return (text, None);
    }
    let end = (0..=CELL_BYTES)
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(0);
    (&text[..end], Some(text.len() as u64))
}

fn size(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(_) | Value::Object(_) => value.to_string().len(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 8,
    }
}

fn summary(row: &Row) -> String {
    let mut line = String::from("row");
    for cell in &row.cells {
        let value = match &cell.value {
            Value::String(text) => text.chars().take(40).collect(),
            Value::Array(_) | Value::Object(_) => String::from("…"),
            other => other.to_string(),
        };
        for part in [" ", &cell.name, "=", &value.replace(char::is_control, " ")] {
            line.push_str(part);
        }
        if line.len() > SUMMARY {
            break;
        }
    }
    line.chars().take(SUMMARY).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(cells: &[(&str, Value)]) -> Row {
        let mut row = Row::default();
        for (name, value) in cells {
            let content = value.to_string();
            let cell = Cell {
                name: (*name).to_owned(),
                value: value.clone(),
                cut: None,
            };
            row.push(cell, content.as_bytes());
        }
        row
    }

    #[test]
    fn the_key_says_whose_it_is_and_a_missing_one_names_what_there_is() {
        let got = found(row(&[("key", json!("k")), ("id", json!(7))]), None, None).unwrap();
        assert_eq!((got.key.as_str(), got.id.as_deref()), ("k", Some("7")));
        assert_eq!(got.seen["row"], json!({"key": "k", "id": 7}));
        assert!(found(row(&[("key", Value::Null)]), None, None).is_none());
        assert_eq!(found(row(&[("a", json!(1))]), Some("t"), None).unwrap().key, "t");
        let names = [String::from("ref"), String::from("status")];
        let fault = check_columns(&names, true, None).unwrap_err();
        assert!(
            fault
                .message
                .contains("no column `key`, only: ref, status; select"),
            "{fault}"
        );
        let fault = check_columns(&names, false, Some("nr")).unwrap_err();
        assert!(fault.message.contains("no column `nr`"), "{fault}");
        assert_eq!(check_columns(&names, false, None), Ok(()));
    }

    #[test]
    fn too_many_columns_and_too_many_bytes_name_their_limit() {
        let many: Vec<(String, Value)> = (0..1_000).map(|i| (format!("c{i}"), json!(i))).collect();
        let many: Vec<(&str, Value)> = many.iter().map(|(n, v)| (n.as_str(), v.clone())).collect();
        let wide = row(&many);
        let got = found(wide, Some("t"), None).unwrap();
        assert_eq!(got.seen["row"].as_object().unwrap().len(), COLUMNS);
        assert!(
            got.seen["cut"][0]
                .as_str()
                .unwrap()
                .contains("columns per row (256), from `c256` on")
        );
        let text = "x".repeat(CELL_BYTES);
        let heavy = row(&[
            ("a", json!(text)),
            ("b", json!(text)),
            ("c", json!(text)),
            ("d", json!(text)),
        ]);
        let got = found(heavy, Some("t"), None).unwrap();
        assert!(got.seen["cut"][0].as_str().unwrap().contains("bytes per row"));
        let long = "é".repeat(CELL_BYTES);
        let (kept, had) = cut_text(&long);
        assert_eq!((kept.len(), had), (CELL_BYTES, Some(2 * CELL_BYTES as u64)));
    }
}
