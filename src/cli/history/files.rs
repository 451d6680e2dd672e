//! Result files of `run`: `--format json` (an object with `runs`) and `--format ndjson` (a record a line). Whoever made
//! them, what is wrong with them is said with its place.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::compare::Sample;
use crate::diag::escape;
use crate::model::{Moment, RunId, RunRecord, Seconds};

/// Bytes of a file that are read.
const FILE_LIMIT: u64 = 1 << 30;
/// Characters of a message of the decoder that are shown.
const WHY: usize = 200;

/// The part of `run --format json` that is read.
#[derive(Deserialize)]
struct Whole {
    runs: Vec<RunRecord>,
}

/// The runs of a file, in its order.
///
/// # Errors
/// One sentence: the file cannot be read, is too large or is no result file; a value is wrong, with the line or the run's
/// index and the field; a run is there twice.
pub(in crate::cli) fn read(path: &Path) -> Result<Vec<RunRecord>, String> {
    let name = path.display();
    let failed = |error: std::io::Error| format!("`{name}` cannot be read: {error}");
    let file = File::open(path).map_err(failed)?;
    if file.metadata().map_err(failed)?.is_dir() {
        return Err(format!(
            "`{name}` is a folder: expected a result file of `landfall run`"
        ));
    }
    let mut text = String::new();
    file.take(FILE_LIMIT + 1)
        .read_to_string(&mut text)
        .map_err(failed)?;
    if text.len() as u64 > FILE_LIMIT {
        return Err(format!(
            "`{name}` has more than {FILE_LIMIT} bytes, up to which result files are read: split it, or compare from the store"
        ));
    }
    let Some(first) = text.lines().find(|line| !line.trim().is_empty()) else {
        return Err(format!(
            "`{name}` is empty: expected what `landfall run --format json` or ndjson prints"
        ));
    };
    // A record a line begins and ends on its line; an object with every record spans many, or has `runs`.
    let lines = serde_json::from_str::<serde_json::Value>(first).map_or_else(
        |_| first.trim() != "{" && !first.contains("\"runs\""),
        |value| value.get("runs").is_none(),
    );
    let runs = if lines {
        by_line(path, &text)?
    } else {
        whole(path, &text)?
    };
    once(path, &runs, lines)?;
    Ok(runs)
}

/// Refuses two files that hold the same run: it would be compared with itself.
pub(in crate::cli) fn distinct(
    (first, a): (&Path, &[RunRecord]),
    (second, b): (&Path, &[RunRecord]),
) -> Result<(), String> {
    let known: std::collections::HashSet<RunId> = a.iter().map(|run| run.id).collect();
    let same = b.iter().filter(|run| known.contains(&run.id)).count();
    let (first, second) = (first.display(), second.display());
    match same {
        0 => Ok(()),
        _ if same == b.len() && same == a.len() => Err(format!(
            "`{first}` and `{second}` hold the same runs: a comparison takes two sets"
        )),
        _ => Err(format!(
            "{same} of the runs in `{second}` are in `{first}` too: a run cannot be on both sides"
        )),
    }
}

fn whole(path: &Path, text: &str) -> Result<Vec<RunRecord>, String> {
    let whole: Whole = decoded(text).map_err(|wrong| {
        let name = path.display();
        format!(
            "`{name}`, line {}, column {}: {}",
            wrong.line, wrong.column, wrong.why
        )
    })?;
    for (index, run) in whole.runs.iter().enumerate() {
        sound(run).map_err(|why| format!("`{}`, run {index} of `runs`: {why}", path.display()))?;
    }
    Ok(whole.runs)
}

fn by_line(path: &Path, text: &str) -> Result<Vec<RunRecord>, String> {
    let mut runs = Vec::new();
    for (place, line) in text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
    {
        let at = || format!("`{}`, line {}", path.display(), place + 1);
        let run: RunRecord =
            decoded(line).map_err(|wrong| format!("{}, column {}: {}", at(), wrong.column, wrong.why))?;
        sound(&run).map_err(|why| format!("{}: {why}", at()))?;
        runs.push(run);
    }
    Ok(runs)
}

struct Wrong {
    line: usize,
    column: usize,
    why: String,
}

fn decoded<T: DeserializeOwned>(text: &str) -> Result<T, Wrong> {
    let mut decoder = serde_json::Deserializer::from_str(text);
    let wrong = |field: Option<String>, error: &serde_json::Error| {
        let said = error.to_string();
        let said = said
            .rsplit_once(" at line ")
            .map_or(said.as_str(), |(said, _)| said);
        let said: String = escape(said).chars().take(WHY).collect();
        let field = field.filter(|field| field != "." && !error.is_syntax());
        let field = field.map_or_else(String::new, |field| format!("`{}`: ", escape(&field)));
        let hint = if error.is_syntax() && (text.contains("NaN") || text.contains("Infinity")) {
            " (JSON knows no NaN and no Infinity)"
        } else {
            ""
        };
        Wrong {
            line: error.line(),
            column: error.column(),
            why: format!("{field}{said}{hint}"),
        }
    };
    let value = serde_path_to_error::deserialize(&mut decoder)
        .map_err(|error| wrong(Some(error.path().to_string()), error.inner()))?;
    decoder.end().map_err(|error| wrong(None, &error))?;
    Ok(value)
}

/// Times that a comparison or a report would compute with are numbers that can be.
fn sound(run: &RunRecord) -> Result<(), String> {
    Sample::of(run)?;
    if Moment::from_rfc3339(&run.tick).is_none() {
        return Err(format!(
            "`tick` is `{}`: a date is RFC 3339, such as 2026-11-22T10:00:00Z",
            escape(&run.tick)
        ));
    }
    let layers = [
        ("accepted", run.layers.accepted),
        ("executed", run.layers.executed),
    ];
    let layers = layers
        .into_iter()
        .map(|(name, layer)| (format!("layers.{name}.seconds"), layer.seconds));
    let expectations = run.expectations.iter().enumerate();
    let expectations = expectations.map(|(n, of)| (format!("expectations[{n}].seconds"), of.seconds));
    for (field, seconds) in layers.chain(expectations) {
        if let Some(Seconds(lo, hi)) =
            seconds.filter(|Seconds(lo, hi)| !(*lo >= 0.0 && lo <= hi && hi.is_finite()))
        {
            return Err(format!(
                "`{field}` is [{lo}, {hi}]: a time is a finite number of seconds, 0 or more, and the first is at most the second"
            ));
        }
    }
    let timings = run.timings;
    for (name, value) in [
        ("dns", timings.dns),
        ("connect", timings.connect),
        ("tls", timings.tls),
        ("first_byte", timings.first_byte),
        ("total", timings.total),
    ] {
        if let Some(value) = value.filter(|value| !(value.is_finite() && *value >= 0.0)) {
            return Err(format!(
                "`timings.{name}` is {value}: a time is a finite number of seconds, 0 or more"
            ));
        }
    }
    Ok(())
}

fn once(path: &Path, runs: &[RunRecord], lines: bool) -> Result<(), String> {
    let mut seen: HashMap<RunId, usize> = HashMap::new();
    for (index, run) in runs.iter().enumerate() {
        if let Some(before) = seen.insert(run.id, index) {
            let (name, id) = (path.display(), run.id);
            // The last word on a run is one record: `runs` prints each as last amended.
            let (what, a, b) = if lines {
                ("records", before + 1, index + 1)
            } else {
                ("runs", before, index)
            };
            return Err(format!(
                "`{name}`: run {id} is there twice, as {what} {a} and {b}"
            ));
        }
    }
    Ok(())
}
