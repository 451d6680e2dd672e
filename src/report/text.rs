//! For people.

use std::fmt::Write as _;

use super::explain::draw;
use super::figures::{Figures, list, sentence, skips};
use super::paint::Tone;
use super::results::Truth;
use super::table::{Cell, Table, wrap};
use super::words::{DEFAULT_INPUT, clip, count, insecure, name, run_name};
use super::{Results, Style, gate};
use crate::model::Class;

/// Lines of skips that are listed; the rest is counted.
const SKIPS_LISTED: usize = 20;
/// What the last columns are.
const LEGEND: &str = "silent: accepted, then lost or mismatched; p50, max: time until delivered";

/// A table, what became of each run that did not end well, and one sentence.
pub(super) fn render(results: &Results, style: Style) -> String {
    let mut out = String::new();
    let figures = Figures::of(results);
    for line in summary(&figures, style) {
        let _infallible = writeln!(out, "{line}");
    }
    if !figures.is_empty() {
        let _infallible = writeln!(out, "{}\n", Tone::Faint.paint(LEGEND, style.colour));
    }
    out.push_str(&skipped(results));
    out.push_str(&warned(results, style));
    out.push_str(&draw(&results.runs, style));
    if let Some(truth) = &results.truth {
        out.push_str(&told(truth));
    }
    if let Some(gate) = &results.gate {
        out.push_str(&gate::text(gate, width(style), style));
    }
    let _infallible = writeln!(out, "{}", sentence(results));
    out
}

fn width(style: Style) -> usize {
    usize::from(if style.width == 0 { 80 } else { style.width })
}

/// The widest layout that fits: a column for each class, one column for all but delivered, or lines.
fn summary(figures: &[Figures], style: Style) -> Vec<String> {
    if figures.is_empty() {
        return Vec::new();
    }
    let width = width(style);
    let fits = |table: &Table| table.width() <= width;
    let tables = [wide(figures), narrow(figures)];
    match tables.iter().find(|t| fits(t)) {
        Some(table) => table.lines(style.colour),
        None => figures.iter().flat_map(|f| lines(f, width, style)).collect(),
    }
}

fn heads(figures: &[Figures]) -> (Table, bool) {
    let inputs = figures.iter().any(|f| f.input != DEFAULT_INPUT);
    let mut table = Table::default();
    table.text("probe");
    table.text("route");
    if inputs {
        table.text("input");
    }
    table.number("runs");
    (table, inputs)
}

fn names(figures: &Figures, inputs: bool) -> Vec<Cell> {
    let mut cells = vec![
        Cell::plain(clip(&figures.probe, 80)),
        Cell::plain(clip(&figures.route, 80)),
    ];
    if inputs {
        cells.push(Cell::plain(clip(&figures.input, 80)));
    }
    cells.push(Cell::plain(figures.runs.to_string()));
    cells
}

fn ends(figures: &Figures) -> [Cell; 3] {
    let (p50, max) = figures.latency_texts();
    let tone = if figures.silent > 0 {
        Tone::Bad
    } else {
        Tone::Plain
    };
    [
        Cell::toned(figures.silent_text(), tone),
        Cell::plain(p50),
        Cell::plain(max),
    ]
}

fn counted(class: Class, n: u64) -> Cell {
    let tone = if n == 0 { Tone::Faint } else { Tone::of(class) };
    Cell::toned(n.to_string(), tone)
}

fn wide(figures: &[Figures]) -> Table {
    let (mut table, inputs) = heads(figures);
    let occurs = |c: &Class| figures.iter().any(|f| f.classes.contains_key(c));
    let classes: Vec<Class> = Class::ALL.into_iter().filter(occurs).collect();
    for class in &classes {
        table.number(class.word());
    }
    for head in ["silent", "p50", "max"] {
        table.number(head);
    }
    for one in figures {
        let mut cells = names(one, inputs);
        let of = |class: &Class| one.classes.get(class).copied().unwrap_or(0);
        cells.extend(classes.iter().map(|c| counted(*c, of(c))));
        cells.extend(ends(one));
        table.row(cells);
    }
    table
}

fn narrow(figures: &[Figures]) -> Table {
    let (mut table, inputs) = heads(figures);
    table.number("delivered");
    table.text("otherwise");
    for head in ["silent", "p50", "max"] {
        table.number(head);
    }
    for one in figures {
        let mut others = one.classes.clone();
        let delivered = others.remove(&Class::Delivered).unwrap_or(0);
        // One class a line, so that the column stays narrow.
        let mut parts = others.iter().map(|(c, n)| {
            let text = format!("{n} {}", c.word());
            Cell::toned(text, Tone::of(*c))
        });
        let mut cells = names(one, inputs);
        let blanks = cells.len() + 1;
        cells.push(counted(Class::Delivered, delivered));
        cells.push(parts.next().unwrap_or_else(|| Cell::plain("-")));
        cells.extend(ends(one));
        table.row(cells);
        for part in parts {
            let mut cells = vec![Cell::default(); blanks];
            cells.push(part);
            cells.extend(vec![Cell::default(); 3]);
            table.row(cells);
        }
    }
    table
}

/// Where names leave no room for columns.
fn lines(figures: &Figures, width: usize, style: Style) -> Vec<String> {
    let name = name(&figures.probe, &figures.route, &figures.input);
    let (p50, max) = figures.latency_texts();
    let said = format!(
        "{}: {}; silent failures {}; delivered after p50 {p50}, max {max}",
        count(figures.runs, "run"),
        list(&figures.classes),
        figures.silent_text()
    );
    let rest = wrap(&said, width.saturating_sub(4));
    let head = Tone::Head.paint(&name, style.colour);
    let rest = rest.into_iter().map(|line| format!("    {line}"));
    std::iter::once(head).chain(rest).collect()
}

fn skipped(results: &Results) -> String {
    let all = skips(results);
    let mut out = String::new();
    for skip in all.iter().take(SKIPS_LISTED) {
        let times = if skip.count > 1 {
            format!(" {} times", skip.count)
        } else {
            String::new()
        };
        let detail = if skip.detail.is_empty() {
            String::new()
        } else {
            format!(": {}", skip.detail)
        };
        let _infallible = writeln!(out, "skipped{times}: {}: {}{detail}", skip.name, skip.reason);
    }
    if all.len() > SKIPS_LISTED {
        let rest = (all.len() - SKIPS_LISTED) as u64;
        let _infallible = writeln!(
            out,
            "… and {} of skips: `--format json` has all",
            count(rest, "more line")
        );
    }
    if !out.is_empty() {
        out.push('\n');
    }
    out
}

/// Settings that weaken what a verdict says.
fn warned(results: &Results, style: Style) -> String {
    let mut names: Vec<String> = results
        .runs
        .iter()
        .filter(|r| insecure(r))
        .map(|r| run_name(r))
        .collect();
    names.dedup();
    names.sort_unstable();
    names.dedup();
    if names.is_empty() {
        return String::new();
    }
    let more = names.len().saturating_sub(5);
    let listed = names.iter().take(5).cloned().collect::<Vec<_>>().join(", ");
    let rest = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    let word = Tone::Warn.paint("warning", style.colour);
    format!("{word}: certificates were not checked (`insecure: true`): {listed}{rest}\n\n")
}

/// How the verdicts agree with the ledger.
fn told(truth: &Truth) -> String {
    let latency = truth.latency_error_seconds;
    let text = |value: Option<f64>| value.map_or_else(|| String::from("-"), |s| format!("{:.1} ms", s * 1e3));
    let mut out = format!(
        "truth: {} of {} agree with the ledger\n",
        truth.agree,
        count(truth.runs, "verdict")
    );
    for (was, verdicts) in &truth.confusion {
        for (said, n) in verdicts.iter().filter(|(said, _)| *said != was) {
            let _infallible = writeln!(
                out,
                "  {n} that the ledger calls {} judged {}",
                clip(was, 40),
                clip(said, 40)
            );
        }
    }
    let _infallible = writeln!(
        out,
        "latency error of pushed outcomes: p50 {}, p99 {}, max {}\n",
        text(latency.p50),
        text(latency.p99),
        text(latency.max)
    );
    out
}
