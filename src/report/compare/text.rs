//! For people.

use super::super::Style;
use super::super::paint::Tone;
use super::super::table::{Cell, Table, fit_end, wrap};
use super::Explained;
use super::course::{end, starts, ticks};
use super::sentences::{
    asked, brief, compared_name, conclusion, confidence, effect, narrow, points, runs, runs_name, terms,
    title, tone, word,
};
use crate::compare::{Compared, Comparison, Role};
use crate::report::causes;

/// A table, a sentence on each comparison, the runs and effects behind it, and what it all says.
pub(super) fn render(told: &Explained, style: Style) -> String {
    let comparison = &told.comparison;
    let width = usize::from(if style.width == 0 { 80 } else { style.width }).max(40);
    let mut page = Page {
        out: String::new(),
        width,
    };
    page.line(&Tone::Head.paint(&title(comparison), style.colour));
    page.wrapped(&terms(comparison));
    page.gap();
    for line in table(comparison, width, style.colour) {
        page.line(&line);
    }
    for line in wrap(&legend(comparison), width) {
        page.line(&Tone::Faint.paint(&line, style.colour));
    }
    page.gap();
    let shown = comparison
        .comparisons
        .iter()
        .filter(|compared| compared.role != Role::Advisory);
    for compared in shown {
        page.wrapped(&brief(comparison, compared));
    }
    page.gap();
    for figures in &comparison.routes {
        page.wrapped(&format!("{}: {}", runs_name(comparison, figures), runs(figures)));
    }
    page.gap();
    // How large no difference is tells nobody anything.
    let noise = |route: &str| {
        let mut of = comparison.comparisons.iter();
        of.any(|of| of.role == Role::Noise && of.route == route)
    };
    for of in comparison.effects.iter().filter(|of| !noise(&of.route)) {
        let said = effect(comparison, of);
        if !said.is_empty() {
            page.wrapped(&said);
        }
    }
    page.gap();
    for line in [ticks(comparison), starts(comparison), end(comparison)]
        .into_iter()
        .flatten()
    {
        page.wrapped(&line);
    }
    for note in &comparison.notes {
        let word = Tone::Warn.paint("note", style.colour);
        page.wrapped(&format!("{word}: {}", crate::diag::escape(note)));
    }
    for of in &told.causes {
        page.gap();
        page.line(&Tone::Head.paint(&asked(comparison, of), style.colour));
        page.out.push_str(&causes::text(&of.found, style));
    }
    page.gap();
    page.wrapped(&conclusion(comparison));
    page.out
}

struct Page {
    out: String,
    width: usize,
}

impl Page {
    fn line(&mut self, text: &str) {
        self.out.push_str(text);
        self.out.push('\n');
    }

    /// Further lines stand back.
    fn wrapped(&mut self, text: &str) {
        for (place, line) in wrap(text, self.width.saturating_sub(4)).into_iter().enumerate() {
            let back = if place == 0 { "" } else { "    " };
            self.line(&format!("{back}{line}"));
        }
    }

    fn gap(&mut self) {
        if !self.out.ends_with("\n\n") && !self.out.is_empty() {
            self.out.push('\n');
        }
    }
}

/// What the columns are.
fn legend(comparison: &Comparison) -> String {
    let of = if comparison.paired { "ticks" } else { "runs" };
    let mut legend = format!("net: points of a hundred {of}");
    if comparison
        .comparisons
        .iter()
        .any(|compared| compared.role == Role::Advisory)
    {
        legend.push_str("; *: advisory, the exit code does not rest on it");
    }
    legend
}

/// From the widest layout to the narrowest: how long a name may be, and whether each count has a column.
const LAYOUTS: [(usize, bool); 6] = [
    (usize::MAX, true),
    (20, true),
    (usize::MAX, false),
    (20, false),
    (14, false),
    (8, false),
];

/// A row for each comparison.
fn table(comparison: &Comparison, width: usize, colour: bool) -> Vec<String> {
    let draw = |layout: &(usize, bool)| rows(comparison, *layout);
    let fitting = LAYOUTS.iter().map(draw).find(|table| table.width() <= width);
    fitting.unwrap_or_else(|| draw(&LAYOUTS[5])).lines(colour)
}

fn rows(comparison: &Comparison, (longest, wide): (usize, bool)) -> Table {
    let mut table = Table::default();
    table.text("route");
    table.text("by");
    match (comparison.paired, wide) {
        (true, true) => ["better", "same", "worse"]
            .iter()
            .for_each(|head| table.number(head)),
        (true, false) => table.text("+/=/-"),
        (false, _) => {}
    }
    table.number("net");
    table.number(&format!("{} limits", confidence(comparison.terms.each)));
    table.text("verdict");
    for compared in &comparison.comparisons {
        table.row(row(comparison, compared, longest, wide));
    }
    table
}

fn row(comparison: &Comparison, compared: &Compared, longest: usize, wide: bool) -> Vec<Cell> {
    let advisory = compared.role == Role::Advisory;
    let cell = |text: String| Cell::toned(text, if advisory { Tone::Faint } else { Tone::Plain });
    let star = if advisory { "*" } else { "" };
    let mut cells = vec![
        cell(fit_end(&compared_name(comparison, compared), longest)),
        cell(format!("{}{star}", compared.metric.word())),
    ];
    if comparison.paired {
        let of = |n: Option<u64>| n.map_or_else(|| String::from("-"), |n| n.to_string());
        let counts = [compared.better, compared.same, compared.worse].map(of);
        if wide {
            cells.extend(counts.map(cell));
        } else {
            cells.push(cell(counts.join("/")));
        }
    }
    cells.push(cell(points(compared.net)));
    cells.push(cell(narrow(compared.limits)));
    cells.push(Cell::toned(word(compared), tone(compared)));
    cells
}
