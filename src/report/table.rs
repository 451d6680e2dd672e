//! A table of plain columns: text to the left, numbers to the right, two spaces between.

use unicode_width::UnicodeWidthStr;

use super::paint::Tone;

/// One cell.
#[derive(Clone, Debug, Default)]
pub(super) struct Cell {
    /// What it says, already safe to show.
    pub(super) text: String,
    /// Its colour.
    pub(super) tone: Tone,
}

/// Columns with a heading each, and rows.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    heads: Vec<(String, bool)>,
    rows: Vec<Vec<Cell>>,
}

impl Cell {
    pub(super) fn plain(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            tone: Tone::Plain,
        }
    }

    pub(super) fn toned(text: impl Into<String>, tone: Tone) -> Self {
        Self {
            text: text.into(),
            tone,
        }
    }
}

impl Table {
    /// Adds a column of text.
    pub(super) fn text(&mut self, head: &str) {
        self.heads.push((head.to_owned(), false));
    }

    /// Adds a column of numbers.
    pub(super) fn number(&mut self, head: &str) {
        self.heads.push((head.to_owned(), true));
    }

    /// Adds a row; it has a cell for each column.
    pub(super) fn row(&mut self, cells: Vec<Cell>) {
        self.rows.push(cells);
    }

    /// Columns of a terminal that it takes.
    pub(super) fn width(&self) -> usize {
        let widths = self.widths();
        widths.iter().sum::<usize>() + 2 * widths.len().saturating_sub(1)
    }

    fn widths(&self) -> Vec<usize> {
        let cell = |row: &Vec<Cell>, i: usize| row.get(i).map_or(0, |c| c.text.width());
        let widest = |i: usize, head: &str| {
            let cells = self.rows.iter().map(|row| cell(row, i)).max().unwrap_or(0);
            cells.max(head.width())
        };
        let heads = self.heads.iter().enumerate();
        heads.map(|(i, (head, _))| widest(i, head)).collect()
    }

    /// The lines, without trailing spaces.
    pub(super) fn lines(&self, colour: bool) -> Vec<String> {
        let widths = self.widths();
        let heads = self
            .heads
            .iter()
            .map(|(h, _)| Cell::toned(h.as_str(), Tone::Head))
            .collect();
        std::iter::once(&heads)
            .chain(&self.rows)
            .map(|row| self.line(row, &widths, colour))
            .collect()
    }

    fn line(&self, row: &[Cell], widths: &[usize], colour: bool) -> String {
        let mut line = String::new();
        let mut gap = 0;
        for ((cell, width), (_, right)) in row.iter().zip(widths).zip(&self.heads) {
            let free = width.saturating_sub(cell.text.width());
            let (before, after) = if *right { (free, 0) } else { (0, free) };
            if !cell.text.is_empty() {
                line.push_str(&" ".repeat(gap + before));
                line.push_str(&cell.tone.paint(&cell.text, colour));
                gap = after + 2;
            } else {
                gap += free + 2;
            }
        }
        line
    }
}

/// At most `width` columns of a text that is safe to show, the last of them a mark where it was cut.
pub(super) fn fit(text: &str, width: usize) -> String {
    use unicode_width::UnicodeWidthChar;
    if text.width() <= width {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut used = 1;
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used > width {
            break;
        }
        out.push(c);
    }
    if width > 0 {
        out.push('…');
    }
    out
}

/// As [`fit`], but it is the end that stays: of a name the part that tells it from its neighbours.
pub(super) fn fit_end(text: &str, width: usize) -> String {
    use unicode_width::UnicodeWidthChar;
    if text.width() <= width {
        return text.to_owned();
    }
    let mut used = 1;
    let kept = text.char_indices().rev().take_while(|(_, c)| {
        used += c.width().unwrap_or(0);
        used <= width
    });
    let from = kept.last().map_or(text.len(), |(at, _)| at);
    format!("…{}", &text[from..])
}

/// Breaks a text that is safe to show at spaces, so that no line is wider than `width` where it has spaces. A number
/// keeps its unit.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in words(text) {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(&word),
            Some(line) if line.width() + 1 + word.width() <= width => {
                line.push(' ');
                line.push_str(&word);
            }
            _ => lines.push(word),
        }
    }
    lines
}

fn words(text: &str) -> Vec<String> {
    let unit = |word: &str| matches!(word.trim_end_matches([',', ';', ':', ')']), "s" | "ms" | "%");
    let mut words: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match words.last_mut() {
            Some(last) if unit(word) && last.ends_with(|c: char| c.is_ascii_digit()) => {
                last.push(' ');
                last.push_str(word);
            }
            _ => words.push(word.to_owned()),
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_by_what_is_seen_not_by_bytes() {
        let mut table = Table::default();
        table.text("route");
        table.number("runs");
        table.row(vec![Cell::plain("日本"), Cell::plain("1")]);
        table.row(vec![Cell::toned("stripe", Tone::Bad), Cell::plain("12")]);
        assert_eq!(
            table.lines(false),
            ["route   runs", "日本       1", "stripe    12"]
        );
        assert_eq!(table.width(), 12);
        assert!(table.lines(true)[2].contains("\x1b["));
    }

    #[test]
    fn an_empty_cell_keeps_its_place() {
        let mut table = Table::default();
        table.text("a");
        table.number("bb");
        table.text("c");
        table.row(vec![Cell::default(), Cell::default(), Cell::plain("x")]);
        assert_eq!(table.lines(false)[1], "       x");
    }

    #[test]
    fn what_is_too_wide_is_cut_or_broken() {
        assert_eq!(fit("stripe", 6), "stripe");
        assert_eq!(fit("stripes", 6), "strip…");
        assert_eq!(fit("日本語", 4), "日…");
        assert_eq!(fit_end("order/stripe", 7), "…stripe");
        assert_eq!(fit_end("日本語", 4), "…語");
        assert_eq!(fit_end("x", 0), "…");
        assert_eq!(wrap("a bb ccc", 4), ["a bb", "ccc"]);
        assert_eq!(wrap("dns 0.1 s, x", 8), ["dns", "0.1 s, x"]);
    }
}
