//! For a pull request or a job summary.

use std::fmt::Write as _;

use super::route::quantile;
use crate::report::markdown::code;
use crate::report::series::{
    History, ProbeFigures, SeriesFigures, interval, objective_word, objectives, said_of_change,
    said_of_receipts, said_of_routes, sections, sentence, withheld,
};
use crate::report::words::clip;

/// Rows of all tables; the rest is counted.
const ROWS: usize = 200;
/// Bytes of a report: a comment on a pull request takes 65,536 characters.
const BYTES: usize = 60_000;

pub(super) fn render(history: &History) -> String {
    let mut out = format!("**{}**\n\n", sentence(history));
    let since = history.window.since.as_deref().unwrap_or("the beginning");
    let _infallible = writeln!(out, "{since} to {}\n", history.window.until);
    for note in &history.notes {
        let _infallible = writeln!(out, "- {}", code(note));
    }
    let (mut rows, mut left) = (0, 0);
    for probe in &history.probes {
        if rows + probe.series.len() > ROWS || out.len() > BYTES {
            left += 1;
            continue;
        }
        rows += probe.series.len();
        let block = one(probe);
        if out.len() + block.len() > BYTES {
            left += 1;
        } else {
            out.push_str(&block);
        }
    }
    if left > 0 {
        let _infallible = writeln!(out, "\n… and {left} more probes: `--format json` has all");
    }
    out
}

fn one(probe: &ProbeFigures) -> String {
    let mut out = format!("### {}\n\n", code(&clip(&probe.probe, 80)));
    if probe.series.is_empty() {
        let skipped: u64 = probe.skips.iter().map(|skips| skips.ticks).sum();
        let _infallible = writeln!(out, "no run ended; {skipped} ticks were skipped\n");
    } else {
        out.push_str(
            "| route | runs | on time | silent failures | consistency | usual ending | p50 | p95 |\n",
        );
        out.push_str("| --- | ---: | --- | --- | ---: | --- | --- | --- |\n");
    }
    let name = sections(probe);
    for series in &probe.series {
        let _infallible = writeln!(out, "| {} |", cells(&name(series), series).join(" | "));
    }
    let mut sentences = probe.notes.clone();
    for series in &probe.series {
        sentences.extend(withheld(series).map(|why| format!("{}: {why}", name(series))));
        for (said, _) in series.receipts.iter().flat_map(said_of_receipts) {
            sentences.push(format!("receipts of {}: {said}", name(series)));
        }
    }
    for found in &probe.objectives {
        let said = format!("{}; {}", objective_word(found.word), objectives(found).join("; "));
        sentences.push(format!("objective of {}: {said}", clip(&found.route, 60)));
    }
    for found in &probe.changes {
        let said = said_of_change(found).join("; ");
        sentences.push(format!(
            "{} against the other window: {said}",
            clip(&found.route, 60)
        ));
    }
    if let Some(separates) = &probe.separates {
        sentences.push(format!(
            "what separates bad runs from good: {}",
            separates.words()
        ));
    }
    sentences.extend(probe.routes.iter().flat_map(said_of_routes));
    if !sentences.is_empty() {
        out.push('\n');
    }
    for said in sentences {
        let _infallible = writeln!(out, "- {}", code(&said));
    }
    out.push('\n');
    out
}

fn cells(name: &str, series: &SeriesFigures) -> Vec<String> {
    let outcome = series.layers.outcome.as_ref();
    let quantile = |q| code(&outcome.map_or_else(|| String::from("-"), |layer| quantile(&of(layer, q))));
    let found = series.consistency.as_ref();
    vec![
        code(name),
        series.runs.to_string(),
        interval(series.on_time),
        interval(series.silent_failures),
        found.map_or_else(|| String::from("-"), |c| format!("{:.3}", c.score)),
        found.map_or_else(|| String::from("-"), |c| code(&clip(&c.usual, 80))),
        quantile(0),
        quantile(1),
    ]
}

fn of(layer: &crate::report::series::LayerFigures, which: usize) -> crate::report::series::QuantileFigure {
    if which == 0 { layer.p50 } else { layer.p95 }
}
