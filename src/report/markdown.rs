//! The `markdown` format, for a pull request or a job summary.

use std::fmt::Write as _;

use super::explain::{EXPLAINED, more, timeline};
use super::figures::{Figures, list, sentence, skips};
use super::words::{DEFAULT_INPUT, bad, clip, insecure, reading, run_name};
use super::{GateReport, Results, Style};
use crate::model::RunRecord;

/// Rows of the table; the rest is counted.
const ROWS: usize = 200;
/// Bytes of a report: a comment on a pull request takes 65,536 characters.
const BYTES: usize = 60_000;
/// Columns of the timelines.
const WIDTH: u16 = 100;

/// A table, and a block to unfold for each run that did not end well.
pub(super) fn render(results: &Results, _: Style) -> String {
    let mut out = format!("**{}**\n\n", sentence(results));
    if let Some(gate) = &results.gate {
        gated(gate, &mut out);
    }
    let figures = Figures::of(results);
    if !figures.is_empty() {
        table(&figures, &mut out);
    }
    for skip in skips(results).into_iter().take(EXPLAINED) {
        let detail = if skip.detail.is_empty() {
            String::new()
        } else {
            format!(": {}", code(&skip.detail))
        };
        let _infallible = writeln!(
            out,
            "- skipped {} × {}: {}{detail}",
            skip.count,
            code(&skip.name),
            skip.reason
        );
    }
    if results.runs.iter().any(|r| insecure(r)) {
        out.push_str("\nCertificates were not checked (`insecure: true`).\n");
    }
    let mut rest = 0;
    for (i, run) in results.runs.iter().filter(|r| bad(r)).enumerate() {
        let block = block(run);
        if i < EXPLAINED && rest == 0 && out.len() + block.len() < BYTES {
            out.push_str(&block);
        } else {
            rest += 1;
        }
    }
    if rest > 0 {
        let _infallible = writeln!(out, "\n{}", more(rest));
    }
    out
}

/// A line for each series of a gate.
fn gated(gate: &GateReport, out: &mut String) {
    let _infallible = writeln!(out, "Gate: {}.\n", gate.terms());
    for row in gate.series.iter().take(ROWS) {
        let word = row.word.as_str();
        let _infallible = writeln!(out, "- **{word}**: {}: {}", code(&row.name()), row.sentence);
    }
    if gate.series.len() > ROWS {
        let _infallible = writeln!(out, "- … and {} more series", gate.series.len() - ROWS);
    }
    out.push('\n');
}

fn table(figures: &[Figures], out: &mut String) {
    let inputs = figures.iter().any(|f| f.input != DEFAULT_INPUT);
    let (head, line) = if inputs { ("| input ", "| --- ") } else { ("", "") };
    let _infallible = writeln!(
        out,
        "| probe | route {head}| runs | verdicts | silent failures | p50 | max |"
    );
    let _infallible = writeln!(out, "| --- | --- {line}| ---: | --- | ---: | ---: | ---: |");
    for one in figures.iter().take(ROWS) {
        let (p50, max) = one.latency_texts();
        let mut cells = vec![code(&clip(&one.probe, 80)), code(&clip(&one.route, 80))];
        if inputs {
            cells.push(code(&clip(&one.input, 80)));
        }
        cells.extend([
            one.runs.to_string(),
            list(&one.classes),
            one.silent_text(),
            p50,
            max,
        ]);
        let _infallible = writeln!(out, "| {} |", cells.join(" | "));
    }
    out.push('\n');
    if figures.len() > ROWS {
        let _infallible = writeln!(out, "… and {} more rows\n", figures.len() - ROWS);
    }
}

fn block(run: &RunRecord) -> String {
    let style = Style {
        colour: false,
        width: WIDTH,
    };
    let told = timeline(run, style);
    let fence = fence(&told);
    format!(
        "\n<details>\n<summary>{}: {} ({})</summary>\n\n{fence}text\n{}\n{fence}\n\n</details>\n",
        run.class.word(),
        code(&run_name(run)),
        code(&reading(run)),
        told.trim_end()
    )
}

/// Longer than any run of backticks inside, so that nothing inside can end the block.
fn fence(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    "`".repeat(longest.max(2) + 1)
}

/// Text that is already safe to show, as code: no markup, mention, link or cell border of it takes effect.
pub(super) fn code(text: &str) -> String {
    let mut out = String::from("<code>");
    for c in text.chars() {
        if c.is_alphanumeric() || matches!(c, ' ' | '-' | '.' | '/' | '%' | '(' | ')' | '\'') {
            out.push(c);
        } else {
            let _infallible = write!(out, "&#{};", u32::from(c));
        }
    }
    out.push_str("</code>");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_has_no_markup() {
        assert_eq!(
            code("a|b`<i>*@x_"),
            "<code>a&#124;b&#96;&#60;i&#62;&#42;&#64;x&#95;</code>"
        );
    }

    #[test]
    fn a_fence_is_longer_than_what_is_inside() {
        assert_eq!(fence("a ```` b"), "`````");
        assert_eq!(fence("plain"), "```");
    }
}
