//! The `github` format: an annotation at the line that was not met, and a plain sentence.

use std::fmt::Write as _;
use std::path::Path;

use super::explain::timeline;
use super::figures::{sentence, skips};
use super::words::{bad, clip, run_name, visible};
use super::{Results, Style};
use crate::model::{Class, RunRecord, Unmet};
use crate::stats::gate::GateWord;

/// Columns of the timelines.
const WIDTH: u16 = 100;

/// One annotation a run that did not end well, one notice for skips of a kind, and a sentence.
pub(super) fn render(results: &Results, _: Style) -> String {
    let mut out = String::new();
    for run in results.runs.iter().filter(|r| bad(r)) {
        out.push_str(&annotation(run, &results.folder));
    }
    for skip in skips(results) {
        let title = property(&format!("{} skipped", skip.name));
        let detail = if skip.detail.is_empty() {
            String::new()
        } else {
            format!(": {}", skip.detail)
        };
        let message = format!("skipped {} times, {}{detail}", skip.count, skip.reason);
        let _infallible = writeln!(out, "::notice title={title}::{}", data(&message));
    }
    for row in results.gate.iter().flat_map(|gate| &gate.series) {
        let command = match row.word {
            GateWord::Good => "notice",
            GateWord::Bad => "error",
            GateWord::NotEnough => "warning",
        };
        let title = property(&row.title());
        let _infallible = writeln!(out, "::{command} title={title}::{}", data(&row.sentence));
    }
    let _infallible = writeln!(out, "{}", sentence(results));
    out
}

fn annotation(run: &RunRecord, folder: &Path) -> String {
    let command = match run.class {
        Class::Late | Class::Duplicate => "warning",
        _ => "error",
    };
    let mut properties = Vec::new();
    let unmet = run.expectations.iter().flat_map(|e| &e.unmet);
    if let Some(Unmet {
        file, line, column, ..
    }) = unmet.into_iter().find(|u| !u.file.is_empty())
    {
        let file = folder.join(file);
        properties.push(format!(
            "file={}",
            property(&clip(&file.display().to_string(), 300))
        ));
        properties.push(format!("line={line}"));
        properties.push(format!("col={column}"));
    }
    let word = if run.class == Class::Delivered {
        "unexecuted"
    } else {
        run.class.word()
    };
    let title = format!("{} {word}", run_name(run));
    properties.push(format!("title={}", property(&title)));
    let style = Style {
        colour: false,
        width: WIDTH,
    };
    let told = timeline(run, style);
    // The title has said what the first line says.
    let message = told.split_once('\n').map_or(told.as_str(), |(_, rest)| rest);
    let properties = properties.join(",");
    format!("::{command} {properties}::{}\n", data(message.trim()))
}

/// A notice that says one sentence.
#[must_use]
pub fn notice(title: &str, said: &str) -> String {
    format!(
        "::notice title={}::{}\n",
        property(&visible(title)),
        data(&visible(said))
    )
}

/// The value of a property, as a workflow command takes it.
pub(super) fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// The message of a workflow command.
pub(super) fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_cannot_end_the_command_or_begin_another() {
        assert_eq!(data("50 %\r\n::error::x"), "50 %25%0D%0A::error::x");
        assert_eq!(property("a:b,c\n%"), "a%3Ab%2Cc%0A%25");
    }
}
