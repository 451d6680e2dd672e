//! The `markdown` format, for a pull request or a job summary.

use std::fmt::Write as _;

use super::super::markdown::code;
use super::Explained;
use super::course::{end, starts, ticks};
use super::sentences::{
    asked, compared_name, conclusion, confidence, effect, points, range, runs, runs_name, sentence, terms,
    title, word,
};
use crate::compare::{Comparison, Role};
use crate::report::causes;

/// Rows of each table; the rest is counted.
const ROWS: usize = 200;

/// What it says, a table, and what stands behind it to unfold.
pub(super) fn render(told: &Explained) -> String {
    let comparison = &told.comparison;
    let mut out = format!(
        "**{}**\n\n{}: {}\n\n",
        code(&conclusion(comparison)),
        code(&title(comparison)),
        terms(comparison)
    );
    table(comparison, &mut out);
    for line in [ticks(comparison), end(comparison)].into_iter().flatten() {
        let _infallible = writeln!(out, "- {}", code(&line));
    }
    for note in &comparison.notes {
        let _infallible = writeln!(out, "- note: {}", code(&crate::diag::escape(note)));
    }
    for of in &told.causes {
        let _infallible = writeln!(out, "\n{}\n", code(&asked(comparison, of)));
        out.push_str(&causes::markdown(&of.found));
    }
    out.push_str("\n<details>\n<summary>What it rests on</summary>\n\n");
    for compared in comparison
        .comparisons
        .iter()
        .filter(|of| of.role != Role::Advisory)
        .take(ROWS)
    {
        let _infallible = writeln!(out, "- {}", code(&sentence(comparison, compared)));
    }
    for figures in comparison.routes.iter().take(ROWS) {
        let line = format!("{}: {}", runs_name(comparison, figures), runs(figures));
        let _infallible = writeln!(out, "- {}", code(&line));
    }
    let effects = comparison.effects.iter().map(|of| effect(comparison, of));
    for line in effects
        .filter(|line| !line.is_empty())
        .take(ROWS)
        .chain(starts(comparison))
    {
        let _infallible = writeln!(out, "- {}", code(&line));
    }
    out.push_str("\n</details>\n");
    out
}

fn table(comparison: &Comparison, out: &mut String) {
    let each = confidence(comparison.terms.each);
    let counts = if comparison.paired {
        " better | same | worse |"
    } else {
        ""
    };
    let _infallible = writeln!(out, "| route | by |{counts} net | {each} interval | verdict |");
    let lines = if comparison.paired {
        " ---: | ---: | ---: |"
    } else {
        ""
    };
    let _infallible = writeln!(out, "| --- | --- |{lines} ---: | ---: | --- |");
    for compared in comparison.comparisons.iter().take(ROWS) {
        let mut cells = vec![
            code(&compared_name(comparison, compared)),
            compared.metric.word().to_owned(),
        ];
        if comparison.paired {
            let of = |n: Option<u64>| n.map_or_else(|| String::from("-"), |n| n.to_string());
            cells.extend([compared.better, compared.same, compared.worse].map(of));
        }
        let role = match compared.role {
            Role::Declared => "",
            Role::Advisory => " (advisory)",
            Role::Noise => " (noise arm)",
        };
        cells.extend([
            points(compared.net),
            range(compared.limits),
            format!("{}{role}", word(compared)),
        ]);
        let _infallible = writeln!(out, "| {} |", cells.join(" | "));
    }
    if comparison.comparisons.len() > ROWS {
        let _infallible = writeln!(out, "\n… and {} more rows", comparison.comparisons.len() - ROWS);
    }
    out.push('\n');
}
