//! A few lines at the bottom of a terminal that are drawn again and again.
//!
//! Between redraws the cursor rests on an empty line above them: whatever else is written to the terminal (a warning, a
//! `^C`) stands there and stays, and the table goes on below it. The cursor is never hidden, so that nothing has to be
//! put right after a signal, and lines never wrap, so that a resize cannot break the count.

use super::Size;

/// The part of the terminal that is redrawn.
pub(super) struct Screen {
    size: Size,
    drawn: bool,
}

impl Screen {
    pub(super) fn new(size: Size) -> Self {
        Self { size, drawn: false }
    }

    /// Columns and rows that may be used.
    pub(super) fn size(&self) -> (usize, usize) {
        let (columns, rows) = (self.size)();
        (usize::from(columns.max(20)) - 1, usize::from(rows.max(6)) - 2)
    }

    /// What to write so that these lines stand there. Each line is overwritten in place: nothing flickers.
    pub(super) fn frame(&mut self, lines: &[String]) -> String {
        if lines.is_empty() {
            return self.clear();
        }
        self.drawn = true;
        // A terminal that knows synchronised output shows the frame at once; others pass over it.
        let mut frame = String::from("\x1b[?2026h\r\x1b[K");
        for line in lines {
            frame.push_str("\r\n");
            frame.push_str(line);
            frame.push_str("\x1b[K");
        }
        frame.push_str(&format!("\x1b[J\x1b[{}A\r\x1b[?2026l", lines.len()));
        frame
    }

    /// What to write so that nothing is left.
    pub(super) fn clear(&mut self) -> String {
        if std::mem::take(&mut self.drawn) {
            String::from("\r\x1b[J")
        } else {
            String::new()
        }
    }
}

/// Columns and rows of the terminal behind stderr; 80 and 24 where it does not say.
pub(super) fn size() -> (u16, u16) {
    match rustix::termios::tcgetwinsize(std::io::stderr()) {
        Ok(size) if size.ws_col > 0 && size.ws_row > 0 => (size.ws_col, size.ws_row),
        _ => (80, 24),
    }
}
